#include "server/commands/tail_screen.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/shown.h"

enum { SENDER_WIDTH = 24 };

/* One of its members; views into the JSON. */
struct text {
    const char *at;
    size_t len;
};

static struct text text_of(const json_t *item, const char *name)
{
    const json_t *member = json_object_get(item, name);

    if (!json_is_string(member))
        return (struct text){ "", 0 };
    return (struct text){ json_string_value(member), json_string_length(member) };
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

/* How many columns the beginning of so many bytes takes as it is shown. In JSON a byte of no
 * character has become U+FFFD. */
static size_t columns(struct text text, size_t bytes)
{
    static const char none[] = "\xef\xbf\xbd";
    char escape[SHOWN_ESCAPE_SIZE];
    size_t n = 0, at = 0, came = 0, len;

    while (at < text.len) {
        bool plain = shown_is_plain(text.at + at, text.len - at, &len);
        bool was_none = len == 3 && memcmp(text.at + at, none, 3) == 0;

        came += was_none ? 1 : len;
        if (came > bytes)
            break;
        n += plain ? 1 : shown_escape(text.at + at, len, false, escape);
        at += len;
    }
    return n;
}

static void put(FILE *out, struct text text)
{
    shown_put(out, text.at, text.len);
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
    struct text kind = text_of(item, "kind"), sender = text_of(item, "sender");
    struct text container = text_of(item, "container");
    size_t width = columns(sender, sender.len);

    print_time(json_integer_value(json_object_get(item, "time_ms")), out);
    fputc(' ', out);
    put(out, kind);
    size_t kind_width = columns(kind, kind.len);
    fprintf(out, "%*s", kind_width < 6 ? (int)(7 - kind_width) : 1, "");
    put(out, sender);
    if (container.len > 0) {
        fputs(" c:", out);
        put(out, container);
        width += 3 + columns(container, container.len);
    }
    size_t spaces = width < SENDER_WIDTH ? SENDER_WIDTH - width : 1;
    fprintf(out, "%*s", (int)spaces, "");
    return 13 + 1 + (kind_width < 6 ? 7 : kind_width + 1) + width + spaces;
}

static void print_line(const json_t *item, FILE *out)
{
    struct text line = text_of(item, "line"), reason = text_of(item, "reason");
    json_int_t at = json_integer_value(json_object_get(item, "at"));
    size_t begin = print_begin(item, out);

    put(out, line);
    fputc('\n', out);
    if (reason.len == 0)
        return;
    fprintf(out, "%*s ", (int)(begin + columns(line, at > 0 ? (size_t)at : 0) + 1), "^");
    put(out, reason);
    fputc('\n', out);
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
