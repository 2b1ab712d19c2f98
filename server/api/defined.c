#include "server/api/defined.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

enum { NUMBER_BYTES = 4 };

struct definition *defined_find(const struct defined *defined, struct slice name)
{
    struct definition *found = definitions_find(defined->of_files, defined->kind, name);

    return found != NULL ? found : definitions_find(defined->made, defined->kind, name);
}

struct definition *defined_find_number(const struct defined *defined, int64_t number)
{
    struct definition *found =
        definitions_find_number(defined->of_files, defined->kind, number);

    return found != NULL ? found
                         : definitions_find_number(defined->made, defined->kind, number);
}

const struct definition *defined_next(const struct defined *defined,
                                      const struct definition *after)
{
    if (after == NULL || after->file.len > 0) {
        after = definitions_next(defined->of_files, defined->kind, after);
        if (after != NULL)
            return after;
    }
    do
        after = definitions_next(defined->made, defined->kind, after);
    while (after != NULL &&
           definitions_find(defined->of_files, defined->kind, after->name) != NULL);
    return after;
}

/* ---- ids --------------------------------------------------------------- */

/* "x4x-ttz-cnu" */
static void write_board_id(const unsigned char *random, char *out)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

    for (int i = 0; i < DEFINED_BOARD_ID_LEN; i++)
        out[i] = i % 4 == 3 ? '-' : letters[random[i] % (sizeof letters - 1)];
    out[DEFINED_BOARD_ID_LEN] = '\0';
}

/* Of version 4 (RFC 9562, 5.4). */
static void write_uuid(const unsigned char *random, char *out)
{
    static const char digits[] = "0123456789abcdef";
    char *at = out;

    for (int i = 0; i < 16; i++) {
        unsigned byte = random[i];

        byte = i == 6 ? (byte & 0x0f) | 0x40 : i == 8 ? (byte & 0x3f) | 0x80 : byte;
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[byte >> 4];
        *at++ = digits[byte & 0x0f];
    }
    *at = '\0';
}

static int64_t number_of(const unsigned char random[static NUMBER_BYTES])
{
    int64_t number = 1;

    for (int i = 0; i < NUMBER_BYTES; i++)
        number = number << 7 | (random[i] & 0x7f);
    return number;
}

bool defined_make_ids(const struct defined *defined, char name[static DEFINED_UUID_LEN + 1],
                      int64_t *number)
{
    unsigned char random[16 + NUMBER_BYTES];

    do {
        if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
            return false;
        *number = number_of(random + 16);
        if (defined->kind == DEFINITION_DOWNTIME)
            write_uuid(random, name);
        else if (defined->kind == DEFINITION_MONITOR)
            snprintf(name, DEFINED_UUID_LEN + 1, "%" PRId64, *number);
        else
            write_board_id(random, name);
    } while (defined_find(defined, slice_of(name)) != NULL ||
             defined_find_number(defined, *number) != NULL);
    return true;
}
