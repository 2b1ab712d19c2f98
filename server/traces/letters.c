#define PCRE2_CODE_UNIT_WIDTH 8
#include "server/traces/letters.h"

#include <pcre2.h>
#include <pthread.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pcre2_code *letter; /* sealed when it is made; NULL without memory */

static void make(void)
{
    int error;
    PCRE2_SIZE at;

    letter = pcre2_compile((PCRE2_SPTR) "[\\p{L}\\p{Nd}]", PCRE2_ZERO_TERMINATED,
                           PCRE2_UTF | PCRE2_ANCHORED, &error, &at, NULL);
}

/* "\L$0" asks for the lower case. What does not fit has another width. */
bool letters_lower(char *at, size_t n)
{
    enum { OPTIONS = PCRE2_SUBSTITUTE_EXTENDED | PCRE2_NO_UTF_CHECK };
    PCRE2_UCHAR lower[8];
    PCRE2_SIZE size = sizeof lower;

    pthread_once(&once, make);
    if (letter == NULL)
        return false;
    int found = pcre2_substitute(letter, (PCRE2_SPTR)at, n, 0, OPTIONS, NULL, NULL,
                                 (PCRE2_SPTR) "\\L$0", 4, lower, &size);

    if (found == 1 && size == n)
        memcpy(at, lower, n);
    return found == 1 || found == PCRE2_ERROR_NOMEMORY;
}
