#include "tests/support/letters.h"

const char *metric_type_letters(enum metric_type type)
{
    static const char all[][3] = {
#define LETTERS(id, letters, name, cell, unit) [id] = { (letters)&0xff, (letters) >> 8 },
        METRIC_TYPES(LETTERS)
#undef LETTERS
    };

    return all[type];
}
