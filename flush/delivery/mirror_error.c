#include "flush/delivery/mirror_error.h"

#include <string.h>

#define MIRROR_ERROR_ROW(id, label, word, heals) { label, word, heals },
static const struct {
    const char *label, *word;
    bool heals;
} rows[] = { MIRROR_ERRORS(MIRROR_ERROR_ROW) };

const char *mirror_error_name(enum mirror_error error)
{
    return rows[error].label;
}

enum mirror_error mirror_error_of(const char *answer)
{
    size_t len = strcspn(answer, " ");

    for (int i = 0; i < MIRROR_OTHER; i++)
        if (strlen(rows[i].word) == len && memcmp(answer, rows[i].word, len) == 0)
            return (enum mirror_error)i;
    return MIRROR_OTHER;
}

bool mirror_error_heals(enum mirror_error error)
{
    return rows[error].heals;
}
