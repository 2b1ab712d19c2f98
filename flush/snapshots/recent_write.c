/* What came last, as JSON. */
#include "flush/snapshots/recent_internal.h"

void recent_write_tags(struct json_out *out, const struct shown *shown)
{
    json_out_begin(out, "tags", '[');
    for (size_t i = 0; i < shown->n_tags; i++)
        json_out_slice(out, NULL, shown->tags[i]);
    json_out_end(out, ']');
}

static void write_common(struct json_out *out, const struct shown *shown)
{
    recent_write_tags(out, shown);
    json_out_slice(out, "host", shown->texts[TEXT_HOST]);
    json_out_signed(out, "time", shown->time_s);
    json_out_signed(out, "received", shown->received_s);
}

void recent_write_lines(struct json_out *out, const char *name, struct slice text)
{
    struct bytes lines = { 0 };

    for (size_t i = 0; i < text.len; i++) {
        bool newline = text.at[i] == '\\' && i + 1 < text.len && text.at[i + 1] == 'n';

        bytes_add(&lines, newline ? "\n" : &text.at[i], 1);
        i += newline;
    }
    json_out_slice(out, name, bytes_view(&lines));
    out->bytes.failed = out->bytes.failed || lines.failed;
    bytes_free(&lines);
}

static void write_event(struct json_out *out, const struct kept *kept)
{
    struct slice room[RECENT_TAGS_MAX];
    struct shown shown = recent_show(kept, room);

    json_out_begin(out, NULL, '{');
    recent_write_lines(out, "title", shown.texts[TEXT_NAME]);
    recent_write_lines(out, "text", shown.texts[TEXT_BODY]);
    json_out_bool(out, "cut", kept->is_cut);
    write_common(out, &shown);
    json_out_text(out, "alert_type", event_alert_name((enum event_alert)kept->alert));
    json_out_text(out, "priority", event_priority_name((enum event_priority)kept->priority));
    json_out_slice(out, "source", shown.texts[TEXT_SOURCE]);
    json_out_end(out, '}');
}

static void write_check(struct json_out *out, const struct kept *kept)
{
    struct slice room[RECENT_TAGS_MAX];
    struct shown shown = recent_show(kept, room);

    json_out_begin(out, NULL, '{');
    json_out_slice(out, "name", shown.texts[TEXT_NAME]);
    json_out_number(out, "status", kept->status);
    json_out_slice(out, "message", shown.texts[TEXT_BODY]);
    json_out_bool(out, "cut", kept->is_cut);
    write_common(out, &shown);
    json_out_end(out, '}');
}

void recent_write(const struct recent *recent, struct json_out *out)
{
    json_out_begin(out, NULL, '{');
    json_out_begin(out, "events", '[');
    for (const struct kept *at = recent->events.newest; at != NULL; at = at->older)
        write_event(out, at);
    json_out_end(out, ']');
    json_out_begin(out, "checks", '[');
    for (const struct kept *at = recent->checks.newest; at != NULL; at = at->older)
        write_check(out, at);
    json_out_end(out, ']');
    json_out_end(out, '}');
}
