#include "protocol/fault.h"

#include "protocol/number.h"

/* Offset of the n-th of these bytes, from 0 on; the length where there are fewer. */
static size_t find(struct slice line, char byte, int n)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.at[i] == byte && n-- == 0)
            return i;
    return line.len;
}

static size_t behind(struct slice line, size_t at)
{
    return at < line.len ? at + 1 : line.len;
}

/* The first of the packed values that is no number. */
static size_t bad_value(struct slice line)
{
    size_t at = behind(line, find(line, ':', 0)), end = find(line, '|', 0);
    struct slice packed = { line.at + at, end > at ? end - at : 0 };
    double ignored;

    while (packed.len > 0) {
        struct slice text = slice_cut(&packed, ':');
        if (text.len > 0 && !number_double(text, &ignored))
            return (size_t)(text.at - line.at);
    }
    return at;
}

/* What stands behind the letter of the first field that is no such number. */
static size_t bad_field(struct slice line, char letter)
{
    struct slice rest = parse_fields(line);

    while (rest.len > 0) {
        struct slice field = slice_cut(&rest, '|'), body = slice_skip(field, field.len > 0);
        double rate;
        int64_t time_s;

        if (field.len == 0 || field.at[0] != letter)
            continue;
        if (letter == '@' ? !number_double(body, &rate)
                          : !number_int64(body, &time_s) || time_s < 1)
            return (size_t)(field.at - line.at) + 1;
    }
    return line.len;
}

/* "_sc|name|status": what is missing of it is missing at the end, but for the name. */
static size_t bad_check(struct slice line)
{
    return find(line, '|', 1) == line.len || line.len < 4 ? line.len : 4;
}

/* The status stands behind the pipe that ends the name, which begins at the fifth byte. */
static size_t bad_status(struct slice line)
{
    size_t name = line.len < 4 ? line.len : 4;

    return name + behind(slice_skip(line, name), find(slice_skip(line, name), '|', 0));
}

size_t fault_at(struct slice line, enum parse_result why)
{
    switch (why) {
    case PARSE_NO_COLON: /* the pipe stands where it should */
        return find(line, '|', 0);
    case PARSE_NO_VALUE:
        return behind(line, find(line, ':', 0));
    case PARSE_BAD_VALUE:
        return bad_value(line);
    case PARSE_BAD_TYPE:
        return behind(line, find(line, '|', 0));
    case PARSE_BAD_RATE:
        return bad_field(line, '@');
    case PARSE_BAD_TIME:
        return bad_field(line, 'T');
    case PARSE_EVENT_HEADER: /* behind "_e{" */
        return line.len < 3 ? line.len : 3;
    case PARSE_CHECK_FORMAT:
        return bad_check(line);
    case PARSE_CHECK_STATUS:
        return bad_status(line);
    case PARSE_NO_TYPE:
    case PARSE_EVENT_LENGTH:
    case PARSE_UNTERMINATED:
        return line.len;
    case PARSE_OK:
    case PARSE_NO_NAME:
    case PARSE_RESULT_COUNT:
        break;
    }
    return 0;
}
