/* Events as Datadog's clients look for them and read them: those in memory, and bodies of those
 * that were kept for longer. */
#include <inttypes.h>
#include <stdio.h>

#include "flush/snapshots/recent_internal.h"

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

static bool has_source(const struct shown *shown, struct slice sources)
{
    bool any = sources.len == 0;

    while (sources.len > 0 && !any)
        any = slice_equal(shown->texts[TEXT_SOURCE], slice_trim(slice_cut(&sources, ','), " "));
    return any;
}

static bool is_found(const struct recent_search *search, const struct kept *kept,
                     const struct shown *shown)
{
    struct slice tags = search->tags;

    if (shown->time_s < search->from_s || shown->time_s > search->to_s ||
        (search->priority >= 0 && search->priority != kept->priority) ||
        !has_source(shown, search->sources) || (search->by_id && search->id != id_of(shown)))
        return false;
    while (tags.len > 0)
        if (!slice_is_among(slice_trim(slice_cut(&tags, ','), " "), shown->tags, shown->n_tags))
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
    recent_write_lines(out, "title", shown->texts[TEXT_NAME]);
    recent_write_lines(out, "text", shown->texts[TEXT_BODY]);
    json_out_bool(out, "cut", kept->is_cut);
    json_out_signed(out, "date_happened", shown->time_s);
    json_out_text(out, "alert_type", event_alert_name((enum event_alert)kept->alert));
    json_out_text(out, "priority", event_priority_name((enum event_priority)kept->priority));
    json_out_slice(out, "host", shown->texts[TEXT_HOST]);
    recent_write_tags(out, shown);
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
                         struct recent_page *page, const char *name, struct json_out *out)
{
    struct slice room[RECENT_TAGS_MAX];
    const struct kept *at = recent->events.newest;

    for (; at != NULL && page->most > 0; at = at->older) {
        struct shown shown = recent_show(at, room);

        if (!is_found(search, at, &shown))
            continue;
        if (page->skip > 0) {
            page->skip--;
            continue;
        }
        page->most--;
        write_found(out, name, at, &shown);
    }
}

/* ---- bodies ------------------------------------------------------------ */

bool recent_body_fits(struct slice body, const struct recent_search *search)
{
    struct slice room[RECENT_TAGS_MAX];
    struct kept numbers = { .size = 0 };
    struct shown shown;

    return recent_get_body(body, &numbers, &shown, room) && is_found(search, &numbers, &shown);
}

bool recent_write_body(struct slice body, const char *name, struct json_out *out)
{
    struct slice room[RECENT_TAGS_MAX];
    struct kept numbers = { .size = 0 };
    struct shown shown;

    if (!recent_get_body(body, &numbers, &shown, room))
        return false;
    write_found(out, name, &numbers, &shown);
    return true;
}
