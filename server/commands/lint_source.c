#include "server/commands/lint_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/lines.h"
#include "server/commands/dog_file.h"

enum { MAGIC_BYTES = 4 };

struct lint_source {
    FILE *file;           /* NULL: it is a capture */
    struct dog_file *dog; /* NULL: it is not */
    struct lines lines;   /* that are left of its datagram */
    struct lint_place place;
    const char *problem;
    size_t len;
    char line[LINT_LINE_MAX + 1]; /* and a carriage return */
};

/* The first bytes, which stay where they are; returns how many there are. */
static size_t peek(FILE *file, char out[MAGIC_BYTES])
{
    size_t n = 0;

    for (int byte; n < MAGIC_BYTES && (byte = getc(file)) != EOF;)
        out[n++] = (char)byte;
    for (size_t i = n; i > 0; i--)
        ungetc((unsigned char)out[i - 1], file);
    return n;
}

/* Whether it is a capture, or one that zstd has compressed. */
static bool is_capture(FILE *file)
{
    char first[MAGIC_BYTES];
    struct slice bytes = { first, peek(file, first) };

    return bytes.len == MAGIC_BYTES &&
           (dog_is_magic(bytes) || slice_equal(bytes, SLICE("\x28\xb5\x2f\xfd")));
}

struct lint_source *lint_source_new(FILE *given)
{
    struct lint_source *source = calloc(1, sizeof *source);

    if (source == NULL) {
        fclose(given);
        return NULL;
    }
    if (!is_capture(given)) {
        source->file = given;
        return source;
    }
    source->dog = dog_file_new(given);
    if (source->dog != NULL)
        return source;
    free(source);
    return NULL;
}

void lint_source_free(struct lint_source *given)
{
    if (given == NULL)
        return;
    if (given->file != NULL)
        fclose(given->file);
    dog_file_free(given->dog);
    free(given);
}

/* ---- text -------------------------------------------------------------- */

/* Fills the line up to its newline; false: nothing was left, or it has none, as /dev/zero. */
static bool read_line(struct lint_source *source)
{
    int byte;

    source->len = 0;
    errno = 0;
    for (size_t n = 0; n <= LINT_ENDLESS; n++) {
        byte = getc_unlocked(source->file);
        if (byte == '\n')
            return true;
        if (byte == EOF)
            return n > 0;
        if (source->len < sizeof source->line)
            source->line[source->len++] = (char)byte;
    }
    source->problem = "a line of more than 64 MiB: this is no file of lines";
    return false;
}

static bool next_of_text(struct lint_source *source, struct slice *line)
{
    if (!read_line(source)) {
        if (ferror(source->file))
            source->problem = strerror(errno);
        return false;
    }
    if (source->len > 0 && source->line[source->len - 1] == '\r')
        source->len--;
    *line = (struct slice){ source->line, source->len };
    source->place.number++;
    return true;
}

/* ---- captures ---------------------------------------------------------- */

static bool next_of_capture(struct lint_source *source, struct slice *line)
{
    struct dog_record record;

    while (!lines_next(&source->lines, line)) {
        switch (dog_file_next(source->dog, &record)) {
        case DOG_RECORD:
            source->place.number++;
            source->place.sender = record.pid;
            source->lines = lines_of(record.payload, false);
            break;
        case DOG_BAD:
            source->problem = dog_file_problem(source->dog);
            return false;
        case DOG_END:
            return false;
        }
    }
    return true;
}

/* ---- either ------------------------------------------------------------ */

bool lint_source_next(struct lint_source *source, struct slice *line, struct lint_place *place)
{
    if (source->dog != NULL ? !next_of_capture(source, line) : !next_of_text(source, line))
        return false;
    if (line->len > LINT_LINE_MAX)
        line->len = LINT_LINE_MAX;
    *place = source->place;
    return true;
}

const char *lint_source_problem(const struct lint_source *source)
{
    return source->problem;
}
