#include "flush/language/reader.h"

#include <stdarg.h>
#include <stdio.h>

#include "protocol/number.h"

static size_t column_of(const struct reader *reader, const char *at)
{
    size_t column = 1;

    for (const char *c = reader->text.at; c < at; c++)
        column += ((unsigned char)*c & 0xc0) != 0x80;
    return column;
}

bool reader_refuse(struct reader *reader, const char *at, const char *format, ...)
{
    int n =
        snprintf(reader->problem, reader->problem_size, "column %zu: ", column_of(reader, at));
    va_list args;

    va_start(args, format);
    if (n > 0 && (size_t)n < reader->problem_size)
        vsnprintf(reader->problem + n, reader->problem_size - (size_t)n, format, args);
    va_end(args);
    return false;
}

void reader_skip_space(struct reader *reader)
{
    while (reader->rest.len > 0 && slice_is_one_of(reader->rest.at[0], READER_SPACE))
        reader->rest = slice_skip(reader->rest, 1);
}

char reader_next(struct reader *reader)
{
    reader_skip_space(reader);
    return reader->rest.len > 0 ? reader->rest.at[0] : '\0';
}

bool reader_take(struct reader *reader, char wanted)
{
    if (reader_next(reader) != wanted || reader->rest.len == 0)
        return false;
    reader->rest = slice_skip(reader->rest, 1);
    return true;
}

static struct slice take(struct reader *reader, size_t n)
{
    struct slice taken = { reader->rest.at, n };

    reader->rest = slice_skip(reader->rest, n);
    return taken;
}

struct slice reader_take_until(struct reader *reader, const char *ends)
{
    size_t n = 0;

    reader_skip_space(reader);
    while (n < reader->rest.len && strchr(ends, reader->rest.at[n]) == NULL)
        n++;
    return slice_trim(take(reader, n), READER_SPACE);
}

struct slice reader_take_word(struct reader *reader)
{
    size_t n = 0;

    reader_skip_space(reader);
    while (n < reader->rest.len &&
           slice_is_one_of(reader->rest.at[n], "abcdefghijklmnopqrstuvwxyz_0123456789"))
        n++;
    return take(reader, n);
}

static size_t digits(struct slice text, size_t from)
{
    size_t n = from;

    while (n < text.len && text.at[n] >= '0' && text.at[n] <= '9')
        n++;
    return n - from;
}

/* How long the number is that the text begins with; 0: it begins with none. */
static size_t number_length(struct slice text)
{
    size_t whole = digits(text, 0), n = whole, part = 0;

    if (n < text.len && text.at[n] == '.') {
        part = digits(text, n + 1);
        n += 1 + part;
    }
    if (whole + part == 0)
        return 0;
    if (n < text.len && (text.at[n] == 'e' || text.at[n] == 'E')) {
        size_t sign = n + 1 < text.len && slice_is_one_of(text.at[n + 1], "+-");
        size_t exponent = digits(text, n + 1 + sign);
        n += exponent > 0 ? 1 + sign + exponent : 0;
    }
    return n;
}

bool reader_take_number(struct reader *reader, double *out)
{
    reader_skip_space(reader);
    size_t n = number_length(reader->rest);

    if (n == 0 || !number_double((struct slice){ reader->rest.at, n }, out))
        return false;
    (void)take(reader, n);
    return true;
}

struct slice reader_text_since(const struct reader *reader, const char *begin)
{
    return slice_trim((struct slice){ begin, (size_t)(reader->rest.at - begin) }, READER_SPACE);
}
