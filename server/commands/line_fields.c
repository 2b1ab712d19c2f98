#include "server/commands/line_fields.h"

static bool is_known(enum line_kind kind, struct slice field)
{
    static const char *const words[LINE_KIND_COUNT][12] = {
        [LINE_METRIC] = { "#", "@", "T", "c:", "e:", "card:" },
        [LINE_EVENT] = { "#",
                         "d:", "h:", "k:", "p:", "s:", "t:", "c:", "e:", "card:", "handle:" },
        [LINE_CHECK] = { "#", "d:", "h:", "m:", "c:", "e:", "card:" },
    };

    for (size_t i = 0; words[kind][i] != NULL; i++)
        if (slice_starts(field, slice_of(words[kind][i])))
            return true;
    return field.len == 0;
}

bool line_fields_unknown(enum line_kind kind, struct slice *fields, struct slice *out)
{
    while (fields->len > 0) {
        *out = slice_cut(fields, '|');
        if (!is_known(kind, *out))
            return true;
    }
    return false;
}
