#include "server/commands/tail_screen.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/commands/line_mark.h"
#include "server/commands/shown_slice.h"

enum { SENDER_WIDTH = 24 };

/* One of its members; a view into the JSON. */
static struct slice text_of(const json_t *item, const char *name)
{
    const json_t *member = json_object_get(item, name);

    if (!json_is_string(member))
        return SLICE("");
    return (struct slice){ json_string_value(member), json_string_length(member) };
}

static size_t columns(struct slice text)
{
    return line_mark_columns(text, text.len, true);
}

static bool is_line(const json_t *item)
{
    return json_is_string(json_object_get(item, "line")) &&
           json_is_string(json_object_get(item, "kind")) &&
           json_is_integer(json_object_get(item, "time_ms"));
}

static bool is_report(const json_t *item)
{
    return json_is_integer(json_object_get(item, "seen")) &&
           json_is_integer(json_object_get(item, "of"));
}

bool tail_screen_is_item(const json_t *item)
{
    return is_line(item) || is_report(item);
}

static void print_time(int64_t time_ms, FILE *out)
{
    time_t time = (time_t)(time_ms / 1000);
    struct tm parts;
    char text[16];

    if (gmtime_r(&time, &parts) == NULL || strftime(text, sizeof text, "%H:%M:%S", &parts) == 0)
        text[0] = '\0';
    fprintf(out, "%8s.%03dZ", text, (int)(time_ms % 1000 < 0 ? 0 : time_ms % 1000));
}

/* What stands before the line; returns its columns. */
static size_t print_begin(const json_t *item, FILE *out)
{
    struct slice kind = text_of(item, "kind"), sender = text_of(item, "sender");
    struct slice container = text_of(item, "container");
    size_t width = columns(sender);

    print_time(json_integer_value(json_object_get(item, "time_ms")), out);
    fputc(' ', out);
    shown_slice(out, kind);
    size_t kind_width = columns(kind);
    fprintf(out, "%*s", kind_width < 6 ? (int)(7 - kind_width) : 1, "");
    shown_slice(out, sender);
    if (container.len > 0) {
        fputs(" c:", out);
        shown_slice(out, container);
        width += 3 + columns(container);
    }
    size_t spaces = width < SENDER_WIDTH ? SENDER_WIDTH - width : 1;
    fprintf(out, "%*s", (int)spaces, "");
    return 13 + 1 + (kind_width < 6 ? 7 : kind_width + 1) + width + spaces;
}

static void print_line(const json_t *item, FILE *out)
{
    struct slice line = text_of(item, "line"), reason = text_of(item, "reason");
    json_int_t at = json_integer_value(json_object_get(item, "at"));
    size_t begin = print_begin(item, out);

    shown_slice(out, line);
    fputc('\n', out);
    if (reason.len == 0)
        return;
    line_mark_print(out, begin, line, at > 0 ? (size_t)at : 0, true, reason);
}

static void print_report(const json_t *item, FILE *out)
{
    json_int_t lost = json_integer_value(json_object_get(item, "lost"));

    fprintf(out, "seen %lld of %lld lines",
            (long long)json_integer_value(json_object_get(item, "seen")),
            (long long)json_integer_value(json_object_get(item, "of")));
    if (lost > 0)
        fprintf(out, "; %lld of what was to be shown came too fast for this reader",
                (long long)lost);
    fputc('\n', out);
}

void tail_screen_print(const json_t *item, FILE *out)
{
    if (is_line(item))
        print_line(item, out);
    else
        print_report(item, out);
}
