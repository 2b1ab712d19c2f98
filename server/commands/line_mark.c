#include "server/commands/line_mark.h"

#include "config/shown.h"

size_t line_mark_columns(struct slice text, size_t bytes, bool repaired)
{
    char escape[SHOWN_ESCAPE_SIZE];
    size_t n = 0, at = 0, came = 0, len;

    while (at < text.len) {
        struct slice rest = slice_skip(text, at);
        bool plain = shown_is_plain(rest.at, rest.len, &len);
        bool was_none = repaired && slice_starts(rest, SLICE("\xef\xbf\xbd"));

        came += was_none ? 1 : len;
        if (came > bytes)
            break;
        n += plain ? 1 : shown_escape(rest.at, len, false, escape);
        at += len;
    }
    return n;
}

void line_mark_print(FILE *out, size_t indent, struct slice line, size_t at, bool repaired,
                     struct slice sentence)
{
    fprintf(out, "%*s%s", (int)(indent + line_mark_columns(line, at, repaired) + 1), "^",
            sentence.len > 0 ? " " : "");
    shown_put(out, sentence.at, sentence.len);
    fputc('\n', out);
}
