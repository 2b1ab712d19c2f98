#include "flush/notify/secrets_out.h"

#include <stdlib.h>
#include <string.h>

enum { PART_LEAST = 6 };

static void hide(char *text, const char *part, size_t len)
{
    char *found = text;

    while ((found = memmem(found, strlen(found), part, len)) != NULL) {
        memset(found, '*', len);
        found += len;
    }
}

void secrets_out(char *text, const char *secret)
{
    static const char separators[] = "/?&=:@;, \t";

    for (secret += strspn(secret, separators); *secret != '\0';
         secret += strspn(secret, separators)) {
        size_t len = strcspn(secret, separators);

        if (len >= PART_LEAST)
            hide(text, secret, len);
        secret += len;
    }
}
