/* What came last, as JSON. */
#include "flush/snapshots/recent_internal.h"

#include <inttypes.h>
#include <stdio.h>

static void write_tags(struct json_out *out, const struct shown *shown)
{
    json_out_begin(out, "tags", '[');
    for (size_t i = 0; i < shown->n_tags; i++)
        json_out_slice(out, NULL, shown->tags[i]);
    json_out_end(out, ']');
}

static void write_common(struct json_out *out, const struct shown *shown)
{
    write_tags(out, shown);
    json_out_slice(out, "host", shown->texts[TEXT_HOST]);
    json_out_signed(out, "time", shown->time_s);
    json_out_signed(out, "received", shown->received_s);
}

/* A backslash and an n, as sent, are a newline. */
static void write_lines(struct json_out *out, const char *name, struct slice text)
{
    struct bytes lines = { 0 };

    for (size_t i = 0; i < text.len; i++) {
        bool newline = text.at[i] == '\\' && i + 1 < text.len && text.at[i + 1] == 'n';

        bytes_add(&lines, newline ? "\n" : &text.at[i], 1);
        i += newline;
    }
    json_out_slice(out, name, (struct slice){ (const char *)lines.at, lines.len });
    out->bytes.failed = out->bytes.failed || lines.failed;
    bytes_free(&lines);
}

static void write_event(struct json_out *out, const struct kept *kept)
{
    struct slice room[RECENT_TAGS_MAX];
    struct shown shown = recent_show(kept, room);

    json_out_begin(out, NULL, '{');
    write_lines(out, "title", shown.texts[TEXT_NAME]);
    write_lines(out, "text", shown.texts[TEXT_BODY]);
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

/* ---- as Datadog's clients read them ------------------------------------ */

/* Of as much text as is kept; a double holds it. */
int64_t recent_event_id(struct slice title, struct slice text, int64_t time_s)
{
    uint64_t hash =
        recent_hash_text(recent_hash_text((uint64_t)time_s, title), recent_cut(text));

    return (int64_t)(hash >> 12) + 1;
}

static int64_t id_of(const struct shown *shown)
{
    return recent_event_id(shown->texts[TEXT_NAME], shown->texts[TEXT_BODY], shown->time_s);
}

static bool has_tag(const struct shown *shown, struct slice tag)
{
    for (size_t i = 0; i < shown->n_tags; i++)
        if (slice_equal(shown->tags[i], tag))
            return true;
    return false;
}

static bool is_found(const struct recent_search *search, const struct kept *kept,
                     const struct shown *shown)
{
    struct slice tags = search->tags;

    if (kept->time_s < search->from_s || kept->time_s > search->to_s ||
        (search->priority >= 0 && search->priority != kept->priority))
        return false;
    while (tags.len > 0)
        if (!has_tag(shown, slice_trim(slice_cut(&tags, ','), " ")))
            return false;
    return true;
}

static void write_addresses(struct json_out *out, int64_t id)
{
    char text[64];

    snprintf(text, sizeof text, "/api/v1/events/%" PRId64, id);
    json_out_text(out, "resource", text);
    snprintf(text, sizeof text, "/event/event?id=%" PRId64, id);
    json_out_text(out, "url", text);
}

static void write_found(struct json_out *out, const char *name, const struct kept *kept,
                        const struct shown *shown)
{
    json_out_begin(out, name, '{');
    json_out_signed(out, "id", id_of(shown));
    write_lines(out, "title", shown->texts[TEXT_NAME]);
    write_lines(out, "text", shown->texts[TEXT_BODY]);
    json_out_signed(out, "date_happened", kept->time_s);
    json_out_text(out, "alert_type", event_alert_name((enum event_alert)kept->alert));
    json_out_text(out, "priority", event_priority_name((enum event_priority)kept->priority));
    json_out_slice(out, "host", shown->texts[TEXT_HOST]);
    write_tags(out, shown);
    write_addresses(out, id_of(shown));
    json_out_null(out, "device_name");
    json_out_bool(out, "is_aggregate", false);
    json_out_begin(out, "comments", '[');
    json_out_end(out, ']');
    json_out_slice(out, "source", shown->texts[TEXT_SOURCE]);
    if (shown->texts[TEXT_HANDLE].len > 0)
        json_out_slice(out, "handle", shown->texts[TEXT_HANDLE]);
    else
        json_out_null(out, "handle");
    json_out_end(out, '}');
}

void recent_write_events(const struct recent *recent, const struct recent_search *search,
                         struct json_out *out)
{
    struct slice room[RECENT_TAGS_MAX];

    json_out_begin(out, NULL, '{');
    json_out_begin(out, "events", '[');
    for (const struct kept *at = recent->events.newest; at != NULL; at = at->older) {
        struct shown shown = recent_show(at, room);

        if (is_found(search, at, &shown))
            write_found(out, NULL, at, &shown);
    }
    json_out_end(out, ']');
    json_out_end(out, '}');
}

bool recent_write_event(const struct recent *recent, int64_t id, struct json_out *out)
{
    struct slice room[RECENT_TAGS_MAX];

    for (const struct kept *at = recent->events.newest; at != NULL; at = at->older) {
        struct shown shown = recent_show(at, room);

        if (id_of(&shown) != id)
            continue;
        json_out_begin(out, NULL, '{');
        write_found(out, "event", at, &shown);
        json_out_end(out, '}');
        return true;
    }
    return false;
}
