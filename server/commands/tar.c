#include "server/commands/tar.h"

#include <inttypes.h>
#include <string.h>

enum { BLOCK = 512 };

/* Offsets and sizes of the fields of a header. */
enum {
    MODE_AT = 100,
    OWNER_AT = 108,
    GROUP_AT = 116,
    SIZE_AT = 124,
    TIME_AT = 136,
    SUM_AT = 148,
    TYPE_AT = 156,
    MAGIC_AT = 257,
    SHORT = 8,
    LONG = 12,
};

/* Octal digits and a NUL. */
static void put_octal(char *field, int size, uint64_t value)
{
    char digits[32];

    snprintf(digits, sizeof digits, "%0*" PRIo64, size - 1, value);
    memcpy(field, digits, (size_t)size);
}

static void fill_header(char header[BLOCK], const char *name, size_t len, int64_t modified_s)
{
    uint64_t sum = 0;

    memset(header, 0, BLOCK);
    memcpy(header, name, strlen(name));
    put_octal(header + MODE_AT, SHORT, 0600);
    put_octal(header + OWNER_AT, SHORT, 0);
    put_octal(header + GROUP_AT, SHORT, 0);
    put_octal(header + SIZE_AT, LONG, len);
    put_octal(header + TIME_AT, LONG, modified_s > 0 ? (uint64_t)modified_s : 0);
    header[TYPE_AT] = '0';
    memcpy(header + MAGIC_AT,
           "ustar\0"
           "00",
           8);
    memset(header + SUM_AT, ' ', SHORT); /* as which it is summed up itself */
    for (int i = 0; i < BLOCK; i++)
        sum += (unsigned char)header[i];
    put_octal(header + SUM_AT, SHORT - 1,
              sum); /* six digits, a NUL and the space that is there */
}

bool tar_add(FILE *out, const char *name, const void *at, size_t len, int64_t modified_s)
{
    static const char zeros[BLOCK];
    char header[BLOCK];
    size_t rest = (BLOCK - len % BLOCK) % BLOCK;

    if (strlen(name) > TAR_NAME_MAX || len > UINT32_MAX)
        return false;
    fill_header(header, name, len, modified_s);
    return fwrite(header, 1, BLOCK, out) == BLOCK &&
           (len == 0 || fwrite(at, 1, len, out) == len) && fwrite(zeros, 1, rest, out) == rest;
}

bool tar_finish(FILE *out)
{
    static const char zeros[2 * BLOCK];

    return fwrite(zeros, 1, sizeof zeros, out) == sizeof zeros && fflush(out) == 0 &&
           ferror(out) == 0;
}
