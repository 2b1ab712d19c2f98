/* chart/main.c: heeler-chart, a program that draws one picture.
 *
 *   heeler-chart <DEFINITION >PICTURE
 *
 * The definition (chart/definition.h) is JSON, the picture a PNG. It is a program of its own so
 * that what draws can neither harm nor hold up a server: it has no more than it needs
 * (config/limits.h), and its end is the end of all that it did. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "chart/definition.h"
#include "chart/draw.h"
#include "config/files.h"
#include "config/limits.h"

enum { MEMORY_MAX = 64 << 20 };

/* Exit statuses; what is wrong is a sentence on standard error. */
enum { DRAWN = 0, NOT_POSSIBLE = 1, BAD_DEFINITION = 2 };

static int complain(int status, const char *sentence)
{
    fprintf(stderr, "heeler-chart: %s\n", sentence);
    return status;
}

/* One byte more than a definition may have is enough to see that it is too long. */
static bool read_all(struct bytes *out)
{
    unsigned char *room;
    ssize_t n = 1;

    while (n > 0 && out->len <= CHART_DEFINITION_MAX) {
        if ((room = bytes_room(out, 64 * 1024)) == NULL)
            return false;
        do
            n = read(STDIN_FILENO, room, 64 * 1024);
        while (n < 0 && errno == EINTR);
        out->len += n > 0 ? (size_t)n : 0;
    }
    return n >= 0;
}

static int write_picture(const struct chart *chart)
{
    struct bytes picture = { 0 };
    int status = DRAWN;

    if (!draw_png(chart, &picture))
        status = complain(NOT_POSSIBLE, "not enough memory for the picture");
    else if (files_write(STDOUT_FILENO, picture.at, picture.len) < picture.len)
        status = complain(NOT_POSSIBLE, strerror(errno));
    bytes_free(&picture);
    return status;
}

static int draw(struct slice definition)
{
    struct chart chart;
    char problem[512];
    int status = definition_read(&chart, definition, problem, sizeof problem)
                     ? write_picture(&chart)
                     : complain(BAD_DEFINITION, problem);

    definition_free(&chart);
    return status;
}

int main(int n, char **words)
{
    struct bytes definition = { 0 };
    int status;

    if (n == 2 && strcmp(words[1], "--version") == 0)
        return puts("heeler-chart " HEELER_VERSION) < 0 ? NOT_POSSIBLE : DRAWN;
    if (n > 1)
        return complain(BAD_DEFINITION, "usage: heeler-chart <DEFINITION.json >PICTURE.png");
    if (!limits_set(MEMORY_MAX) || !read_all(&definition))
        status = complain(NOT_POSSIBLE, strerror(errno));
    else
        status = draw(bytes_view(&definition));
    bytes_free(&definition);
    return status;
}
