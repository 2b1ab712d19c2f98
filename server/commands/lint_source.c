#include "server/commands/lint_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/commands/lint_line.h"

struct lint_source {
    FILE *file;
    uint64_t number;
    const char *problem;
    size_t len;
    char line[LINT_LINE_MAX + 1]; /* and a carriage return */
};

struct lint_source *lint_source_new(FILE *given)
{
    struct lint_source *source = calloc(1, sizeof *source);

    if (source == NULL)
        fclose(given);
    else
        source->file = given;
    return source;
}

void lint_source_free(struct lint_source *given)
{
    if (given == NULL)
        return;
    fclose(given->file);
    free(given);
}

/* Fills the line up to its newline; false: nothing was left. */
static bool read_line(struct lint_source *source)
{
    int byte;

    source->len = 0;
    errno = 0;
    for (bool any = false;; any = true) {
        byte = getc_unlocked(source->file);
        if (byte == '\n')
            return true;
        if (byte == EOF)
            return any;
        if (source->len < sizeof source->line)
            source->line[source->len++] = (char)byte;
    }
}

bool lint_source_next(struct lint_source *source, struct slice *line, uint64_t *number)
{
    if (!read_line(source)) {
        if (ferror(source->file))
            source->problem = strerror(errno);
        return false;
    }
    if (source->len > 0 && source->line[source->len - 1] == '\r')
        source->len--;
    if (source->len > LINT_LINE_MAX)
        source->len = LINT_LINE_MAX;
    *line = (struct slice){ source->line, source->len };
    *number = ++source->number;
    return true;
}

const char *lint_source_problem(const struct lint_source *source)
{
    return source->problem;
}
