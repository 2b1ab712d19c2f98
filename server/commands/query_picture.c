#include "server/commands/query_picture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/files.h"
#include "flush/memory/json_out.h"
#include "server/commands/commands.h"
#include "server/pictures/painter.h"
#include "server/pictures/picture.h"

struct drawing {
    const struct query_picture *asked;
    char *problem;
    int status;
};

static void fail(struct drawing *drawing, int status, const char *what, const char *why)
{
    snprintf(drawing->problem, QUERY_PICTURE_PROBLEM_SIZE, "%s%s%s", what,
             what[0] != '\0' ? ": " : "", why);
    drawing->status = status;
}

/* ---- the file ---------------------------------------------------------- */

static bool write_all(int fd, const struct bytes *picture)
{
    return files_write(fd, picture->at, picture->len) == picture->len;
}

static void write_file(struct drawing *drawing, const struct bytes *picture)
{
    const char *file = drawing->asked->file;
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool good = fd >= 0 && write_all(fd, picture);

    if (!good)
        fail(drawing, EXIT_SYSTEM, file, strerror(errno));
    if (fd >= 0 && close(fd) != 0 && good)
        fail(drawing, EXIT_SYSTEM, file, strerror(errno));
}

static void on_painted(enum painter_result result, struct bytes *picture, const char *sentence,
                       void *argument)
{
    struct drawing *drawing = argument;

    drawing->status = EXIT_OK;
    if (result != PAINTER_DONE)
        fail(drawing, result == PAINTER_REFUSED ? EXIT_SETTINGS : EXIT_SYSTEM, "", sentence);
    else if (strcmp(drawing->asked->file, "-") != 0)
        write_file(drawing, picture);
    else if (isatty(STDOUT_FILENO))
        fail(drawing, EXIT_SYSTEM, "standard output", "a terminal shows no pictures");
    else if (!write_all(STDOUT_FILENO, picture))
        fail(drawing, EXIT_SYSTEM, "standard output", strerror(errno));
}

/* ---- the picture ------------------------------------------------------- */

/* The markers as a definition has them; what is wrong with them is told by who draws. */
static void put_markers(struct json_out *out, const struct string_list *markers)
{
    json_out_begin(out, NULL, '[');
    for (size_t i = 0; i < markers->n; i++) {
        json_out_begin(out, NULL, '{');
        json_out_text(out, "value", markers->at[i]);
        json_out_text(out, "label", markers->at[i]);
        json_out_end(out, '}');
    }
    json_out_end(out, ']');
}

static enum picture_written define(const struct query_picture *asked, struct bytes *out)
{
    struct json_out markers = { 0 };
    struct picture picture = { .title = asked->title,
                               .from_s = asked->from_s,
                               .to_s = asked->to_s,
                               .requests = { { .answer = asked->answer } },
                               .n_requests = 1 };

    put_markers(&markers, asked->markers);
    picture.markers = bytes_view(&markers.bytes);
    enum picture_written result =
        markers.bytes.failed ? PICTURE_NO_MEMORY : picture_write(&picture, out);
    bytes_free(&markers.bytes);
    return result;
}

/* The loop ends when nothing is under way any more. */
static void paint(struct drawing *drawing, const struct bytes *definition)
{
    struct event_base *base = event_base_new();
    struct painter *painter =
        base != NULL
            ? painter_new(base, &painter_chart, drawing->asked->program, PAINTER_TIMEOUT_MS)
            : NULL;
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);

    if (painter != NULL) {
        painter_paint(painter, bytes_view(definition), on_painted, drawing);
        event_base_dispatch(base);
    }
    signal(SIGPIPE, before);
    painter_free(painter);
    if (base != NULL)
        event_base_free(base);
}

int query_picture_write(const struct query_picture *picture,
                        char problem[QUERY_PICTURE_PROBLEM_SIZE])
{
    struct drawing drawing = { .asked = picture, .problem = problem };
    struct bytes definition = { 0 };
    enum picture_written result = define(picture, &definition);

    fail(&drawing, EXIT_SYSTEM, "",
         picture_sentence(result == PICTURE_TOO_LARGE ? result : PICTURE_NO_MEMORY));
    if (result == PICTURE_WRITTEN)
        paint(&drawing, &definition);
    bytes_free(&definition);
    return drawing.status;
}
