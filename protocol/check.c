#include "protocol/check.h"

#include "protocol/number.h"

static bool take_status(struct slice text, int *out)
{
    if (text.len != 1 || text.at[0] < '0' || text.at[0] > '3')
        return false;
    *out = text.at[0] - '0';
    return true;
}

static void take_field(struct slice field, struct check *out)
{
    if (slice_starts(field, SLICE("d:"))) {
        int64_t time_s;
        if (number_int64(slice_skip(field, 2), &time_s))
            out->time_s = time_s;
    } else if (slice_starts(field, SLICE("h:"))) {
        out->host = slice_skip(field, 2);
    } else if (slice_starts(field, SLICE("#"))) {
        out->tags = slice_skip(field, 1);
    } else if (slice_starts(field, SLICE("m:"))) {
        out->message = slice_skip(field, 2);
    }
}

/* Counts the pipes before it skips "_sc" and whatever byte follows, as the
 * Agent does: "_scX1|0|" has enough of them although X is none. */
enum parse_result check_parse(struct slice line, struct check *out)
{
    struct slice rest = line;

    if (line.len < 4)
        return PARSE_CHECK_FORMAT;
    for (int pipes = 0; pipes < 2; pipes++) {
        if (memchr(rest.at, '|', rest.len) == NULL)
            return PARSE_CHECK_FORMAT;
        slice_cut(&rest, '|');
    }

    *out = (struct check){ 0 };
    rest = slice_skip(line, 4);
    out->name = slice_cut(&rest, '|');
    if (out->name.len == 0)
        return PARSE_CHECK_FORMAT;
    if (!take_status(slice_cut(&rest, '|'), &out->status))
        return PARSE_CHECK_STATUS;

    out->fields = rest;
    while (rest.len > 0)
        take_field(slice_cut(&rest, '|'), out);
    return PARSE_OK;
}
