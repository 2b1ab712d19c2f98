#include "server/commands/expect_update.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/regular_file.h"
#include "config/shown.h"
#include "protocol/number.h"
#include "server/commands/expect_check.h"

/* ---- YAML -------------------------------------------------------------- */

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* Whether it is the same text without quotes, within a list too: letters first, and nothing
 * that YAML looks at. */
static bool is_plain(struct slice text)
{
    static const char *const words[] = { "true", "false", "yes", "no", "on", "off", "null" };

    if (text.len == 0 || !is_letter(text.at[0]) || text.at[text.len - 1] == ':')
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!is_letter(text.at[i]) && !(text.at[i] >= '0' && text.at[i] <= '9') &&
            !slice_is_one_of(text.at[i], "._-/:@+"))
            return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (text.len == strlen(words[i]) && strncasecmp(text.at, words[i], text.len) == 0)
            return false;
    return true;
}

/* Of those that stand for themselves on a terminal libyaml refuses these two. */
static bool is_refused(const char *at, size_t len)
{
    return len == 3 &&
           (memcmp(at, "\xef\xbf\xbe", 3) == 0 || memcmp(at, "\xef\xbf\xbf", 3) == 0);
}

/* For what libyaml cannot be told, a byte of no character or one beyond 16 bits, stands the
 * pattern *. */
static void put_character(FILE *out, const char *at, size_t len)
{
    char escape[SHOWN_ESCAPE_SIZE];

    if (len == 4 || is_refused(at, len) || (len == 1 && (unsigned char)*at >= 0x80)) {
        fputc('*', out);
    } else if (*at == '\n') {
        fputs("\\n", out);
    } else {
        (void)shown_escape(at, len, true, escape);
        fputs(escape, out);
    }
}

static void put_text(FILE *out, struct slice text)
{
    size_t len;

    if (is_plain(text)) {
        fwrite(text.at, 1, text.len, out);
        return;
    }
    fputc('"', out);
    for (size_t i = 0; i < text.len; i += len) {
        if (!shown_is_plain(text.at + i, text.len - i, &len) || is_refused(text.at + i, len)) {
            put_character(out, text.at + i, len);
            continue;
        }
        if (text.at[i] == '"' || text.at[i] == '\\')
            fputc('\\', out);
        fwrite(text.at + i, 1, len, out);
    }
    fputc('"', out);
}

static void put_pair(FILE *out, const char *key, struct slice text)
{
    if (text.len == 0)
        return;
    fprintf(out, "    %s: ", key);
    put_text(out, text);
    fputc('\n', out);
}

static void put_number(FILE *out, const char *key, double value)
{
    char text[NUMBER_TEXT_MAX];

    number_format(value, text);
    fprintf(out, "    %s: %s\n", key, text);
}

static void put_list(FILE *out, const char *key, const struct slice *texts, size_t n)
{
    fprintf(out, "%s: [", key);
    for (size_t i = 0; i < n; i++) {
        fputs(i > 0 ? ", " : "", out);
        put_text(out, texts[i]);
    }
    fputs("]\n", out);
}

/* ---- one item ---------------------------------------------------------- */

static const struct {
    const char *list;
    const char *keys[FIELD_COUNT]; /* NULL: is not written */
} kinds[EXPECT_KINDS] = {
    { "series", { "name", "type", "unit", "host", NULL, NULL, NULL, NULL } },
    { "events", { "title", "alert", NULL, "host", "text", NULL, "source", "key" } },
    { "checks", { "name", "status", NULL, "host", "message", NULL, NULL, NULL } },
};

static void put_values(FILE *out, const struct seen_item *item)
{
    bool many = item->cell == CELL_HISTOGRAM || item->cell == CELL_DISTRIBUTION;
    struct object_summary summary = { .last = item->number };

    if (item->object != NULL)
        summary = expect_seen_summary(item->cell, item->object);
    put_number(out, many ? "count" : "value", many ? summary.count : summary.last);
}

/* The name is its first line, which begins with a dash. */
static void put_item(FILE *out, const struct seen_item *item, size_t times)
{
    fprintf(out, "  - %s: ", kinds[item->kind].keys[FIELD_NAME]);
    put_text(out, item->fields[FIELD_NAME]);
    fputc('\n', out);
    for (int i = FIELD_NAME + 1; i < FIELD_COUNT; i++)
        if (kinds[item->kind].keys[i] != NULL)
            put_pair(out, kinds[item->kind].keys[i], item->fields[i]);
    fputs("    ", out);
    put_list(out, "tags_exactly", item->tags, item->n_tags);
    if (item->kind == EXPECT_SERIES)
        put_values(out, item);
    else
        put_number(out, "count", (double)times);
}

/* ---- all of them ------------------------------------------------------- */

static bool are_alike(const struct seen_item *one, const struct seen_item *other)
{
    bool alike = one->kind == other->kind && one->n_tags == other->n_tags;

    for (int i = 0; i < FIELD_COUNT && alike; i++)
        alike = slice_equal(one->fields[i], other->fields[i]);
    for (size_t i = 0; i < one->n_tags && alike; i++)
        alike = slice_equal(one->tags[i], other->tags[i]);
    return alike;
}

/* Events and checks that say the same are one expectation of several. */
static void put_kind(FILE *out, enum expect_kind kind, const struct expect_file *former,
                     struct expect_seen *seen)
{
    size_t n = expect_seen_count(seen), times = 1;
    bool begun = false;

    for (size_t i = 0; i < n; i += times) {
        const struct seen_item *item = expect_seen_at(seen, i);

        times = 1;
        if (item->kind != kind || !expect_check_minds(former, item))
            continue;
        while (kind != EXPECT_SERIES && i + times < n &&
               are_alike(item, expect_seen_at(seen, i + times)))
            times++;
        if (!begun)
            fprintf(out, "%s:\n", kinds[kind].list);
        begun = true;
        put_item(out, item, times);
    }
}

void expect_update_put(FILE *out, const struct expect_file *former, const char *comment,
                       struct expect_seen *seen)
{
    long before;

    fputs(comment, out);
    before = ftell(out);
    for (int kind = 0; kind < EXPECT_KINDS; kind++)
        put_kind(out, (enum expect_kind)kind, former, seen);
    if (former->only)
        fputs("only: true\n", out);
    if (former->n_ignore > 0)
        put_list(out, "ignore", former->ignore, former->n_ignore);
    if (former->has_refused) {
        fprintf(out, "refused: \"%.*s\"\n", (int)former->refused.text.len,
                former->refused.text.at);
    }
    if (ftell(out) == before)
        fputs("series: []\n", out);
}

/* ---- the file ---------------------------------------------------------- */

/* The lines that a file begins with and that are empty or a comment; owned. NULL without
 * memory; an empty one if there is no file. */
static char *comment_of(const char *path)
{
    const char *why;
    FILE *in = regular_file_open(path, &why);
    char *comment = NULL, *line = NULL;
    size_t size, capacity = 0;
    FILE *out = open_memstream(&comment, &size);

    while (in != NULL && out != NULL && getline(&line, &capacity, in) > 0 &&
           (line[0] == '#' || line[strspn(line, " \t\r\n")] == '\0'))
        fputs(line, out);
    if (in != NULL)
        fclose(in);
    if (out != NULL)
        fclose(out);
    free(line);
    return comment;
}

/* As the former file has it, or as anybody's new file. */
static mode_t mode_of(const char *path)
{
    struct stat stat_of;
    mode_t mask = umask(0);

    umask(mask);
    return stat(path, &stat_of) == 0 ? stat_of.st_mode & 0777 : 0666 & ~mask;
}

/* Whether it is a file that can be compared with: what came may be more than one may say. False
 * with errno. */
static bool is_readable(const char *path)
{
    struct problems problems = { .n_unlisted = 0 };
    struct expect_file file = { 0 };
    bool fine = expect_file_load(&file, path, &problems);

    errno = problems.out_of_memory ? ENOMEM : EFBIG;
    expect_file_free(&file);
    problems_free(&problems);
    return fine;
}

/* Into a new file beside it, which then takes its place. */
static bool replace(const char *path, const struct expect_file *former, const char *comment,
                    struct expect_seen *seen)
{
    char beside[PATH_MAX];
    int fd = snprintf(beside, sizeof beside, "%s.XXXXXX", path) < (int)sizeof beside
                 ? mkstemp(beside)
                 : -1;
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool fine = out != NULL && fchmod(fd, mode_of(path)) == 0;

    if (fine)
        expect_update_put(out, former, comment, seen);
    fine = fine && ferror(out) == 0;
    if (out != NULL)
        fine = fclose(out) == 0 && fine;
    else if (fd >= 0)
        close(fd);
    fine = fine && is_readable(beside) && rename(beside, path) == 0;
    if (!fine && fd >= 0) {
        int why = errno;

        unlink(beside);
        errno = why;
    }
    return fine;
}

bool expect_update_write(const struct expect_file *former, struct expect_seen *seen)
{
    char real[PATH_MAX];
    const char *path = realpath(former->path, real) != NULL ? real : former->path;
    char *comment = comment_of(path);

    if (comment == NULL) {
        errno = ENOMEM;
        return false;
    }
    bool written = replace(path, former, comment, seen);

    free(comment);
    return written;
}
