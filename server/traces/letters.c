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
static bool look_up(char *at, size_t n)
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

/* What a character became the last time: to ask PCRE2 takes twenty times as long. Those whose
 * numbers have the same last eight bits share a place, so that the letters of one script do not
 * drive each other out. */
struct looked_up {
    char from[4], to[4];
    unsigned char n; /* 0: none yet */
    bool is_letter;
};

static struct looked_up *place_of(const char *at, size_t n)
{
    static _Thread_local struct looked_up places[256];

    return &places[((unsigned)at[n - 2] << 6 | ((unsigned)at[n - 1] & 63)) & 255];
}

bool letters_lower(char *at, size_t n)
{
    struct looked_up *place = place_of(at, n);

    if (place->n != n || memcmp(place->from, at, n) != 0) {
        place->n = (unsigned char)n;
        memcpy(place->from, at, n);
        memcpy(place->to, at, n);
        place->is_letter = look_up(place->to, n);
    }
    memcpy(at, place->to, n);
    return place->is_letter;
}
