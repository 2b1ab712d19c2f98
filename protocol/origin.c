#include "protocol/origin.h"

/* Go's ParseUint as the Agent uses it, errors ignored: 0 for what is no number,
 * the largest one as soon as 64 bits overflow. */
static uint64_t inode_of(struct slice text)
{
    uint64_t inode = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)(unsigned char)text.at[i] - '0';

        if (digit > 9)
            return 0;
        if (inode > (UINT64_MAX - digit) / 10)
            return UINT64_MAX;
        inode = inode * 10 + digit;
    }
    return inode;
}

static bool is_true(struct slice text)
{
    static const char *const words[] = { "1", "t", "T", "TRUE", "true", "True" };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (slice_equal(text, slice_of(words[i])))
            return true;
    return false;
}

static bool take_local_item(struct slice item, struct origin *out)
{
    if (slice_starts(item, SLICE("ci-")))
        out->container_id = slice_skip(item, 3);
    else if (slice_starts(item, SLICE("in-")))
        out->inode = inode_of(slice_skip(item, 3));
    else
        return false;
    return true;
}

/* "ci-<id>,in-<inode>", or one of them, or an older client's bare id. */
static void take_local(struct slice data, struct origin *out)
{
    bool list = data.len > 0 && memchr(data.at, ',', data.len) != NULL;

    out->container_id = (struct slice){ 0 };
    out->inode = 0;
    if (list)
        while (data.len > 0)
            take_local_item(slice_cut(&data, ','), out);
    else if (slice_starts(data, SLICE("cid-")))
        out->container_id = slice_skip(data, 4);
    else if (!take_local_item(data, out))
        out->container_id = data;
}

static void take_external(struct slice data, struct origin *out)
{
    out->external_data = data;
    memset(&out->external, 0, sizeof out->external);
    while (data.len > 0) {
        struct slice item = slice_cut(&data, ',');

        if (slice_starts(item, SLICE("it-")))
            out->external.init = is_true(slice_skip(item, 3));
        else if (slice_starts(item, SLICE("cn-")))
            out->external.container_name = slice_skip(item, 3);
        else if (slice_starts(item, SLICE("pu-")))
            out->external.pod_uid = slice_skip(item, 3);
    }
}

void origin_parse(struct slice fields, struct origin *out)
{
    memset(out, 0, sizeof *out);
    while (fields.len > 0) {
        struct slice field = slice_cut(&fields, '|');

        if (slice_starts(field, SLICE("c:")))
            take_local(slice_skip(field, 2), out);
        else if (slice_starts(field, SLICE("e:")))
            take_external(slice_skip(field, 2), out);
        else if (slice_starts(field, SLICE("card:")))
            out->cardinality = slice_skip(field, 5);
    }
}
