#include "protocol/lines.h"

bool lines_next(struct lines *lines, struct slice *line)
{
    while (lines->rest.len > 0) {
        if (lines->need_newline && memchr(lines->rest.at, '\n', lines->rest.len) == NULL) {
            lines->rest = slice_skip(lines->rest, lines->rest.len);
            lines->unterminated = true;
            return false;
        }
        *line = slice_cut(&lines->rest, '\n');
        if (line->len > 0 && line->at[line->len - 1] == '\r')
            line->len--;
        if (line->len > 0)
            return true;
    }
    return false;
}
