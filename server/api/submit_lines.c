#include "server/api/submit_lines.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "flush/memory/json_view.h"
#include "server/api/api_text.h"

enum { EVENT_OLDEST_S = 18 * 3600, EVENT_KEY_MAX = 100 };

static bool fail(char *problem, const char *sentence)
{
    snprintf(problem, SUBMIT_SENTENCE_MAX, "%s", sentence);
    return false;
}

static bool is_text_or_absent(struct slice value)
{
    return json_view_kind(value) == JSON_KIND_STRING || json_view_is_absent(value);
}

static void add_field(struct bytes *out, const char *key, struct slice value)
{
    if (json_view_is_absent(value) || value.len == 2)
        return;
    bytes_add_text(out, key);
    api_text_add_field(out, value);
}

static void add_whole(struct bytes *out, const char *key, int64_t number)
{
    char text[32];

    snprintf(text, sizeof text, "%" PRId64, number);
    bytes_add_text(out, key);
    bytes_add_text(out, text);
}

/* False: it is neither a time nor absent, which is 0. */
static bool take_time(struct slice value, int64_t *out)
{
    double seconds = 0;

    if (!json_view_is_absent(value) &&
        (!json_view_number(value, &seconds) || !(seconds >= 1 && seconds < 0x1p40)))
        return false;
    *out = (int64_t)floor(seconds);
    return true;
}

/* "|#", tags, and the host last. */
static bool add_tags(struct bytes *out, struct slice tags, const char *key, struct slice value,
                     struct slice host)
{
    bytes_add_text(out, "|#");
    if (!api_text_add_tags(out, tags))
        return false;
    if (!json_view_is_absent(value) && value.len > 2)
        api_text_add_tag(out, key, value);
    api_text_add_host(out, host);
    return true;
}

/* ---- checks ------------------------------------------------------------ */

bool submit_check_line(struct bytes *out, struct slice object,
                       char problem[static SUBMIT_SENTENCE_MAX])
{
    struct slice name = json_view_member(object, "check");
    struct slice host = json_view_member(object, "host_name");
    struct slice message = json_view_member(object, "message");
    int64_t status, time_s;

    if (json_view_kind(name) != JSON_KIND_STRING || name.len == 2)
        return fail(problem, "check: expected a text that is not empty");
    if (!json_view_whole(json_view_member(object, "status"), &status) || status < 0 ||
        status > 3)
        return fail(problem, "status: expected 0, 1, 2 or 3");
    if (!take_time(json_view_member(object, "timestamp"), &time_s))
        return fail(problem, "timestamp: expected seconds since 1970");
    if (!is_text_or_absent(host) || !is_text_or_absent(message))
        return fail(problem, "host_name and message: expected text");
    bytes_add_text(out, "_sc|");
    api_text_add_field(out, name);
    add_whole(out, "|", status);
    if (time_s > 0)
        add_whole(out, "|d:", time_s);
    if (!add_tags(out, json_view_member(object, "tags"), "", (struct slice){ NULL, 0 }, host))
        return fail(problem, "tags: expected a list of texts");
    add_field(out, "|m:", message);
    return true;
}

/* ---- events ------------------------------------------------------------ */

static bool says_one_of(struct slice value, const char *const words[])
{
    if (json_view_is_absent(value))
        return true;
    while (*words != NULL && !json_view_says(value, *words))
        words++;
    return *words != NULL;
}

static bool check_words(struct slice object, char *problem)
{
    static const char *const priorities[] = { "normal", "low", NULL };
    static const char *const alerts[] = { "error", "warning", "info", "success", NULL };
    static const char *const texts[] = { "host",        "aggregation_key", "source_type_name",
                                         "device_name", "handle",          NULL };

    if (!says_one_of(json_view_member(object, "priority"), priorities))
        return fail(problem, "priority: expected normal or low");
    if (!says_one_of(json_view_member(object, "alert_type"), alerts))
        return fail(problem, "alert_type: expected error, warning, info or success");
    for (size_t i = 0; texts[i] != NULL; i++)
        if (!is_text_or_absent(json_view_member(object, texts[i]))) {
            snprintf(problem, SUBMIT_SENTENCE_MAX, "%s: expected text", texts[i]);
            return false;
        }
    if (json_view_member(object, "aggregation_key").len > EVENT_KEY_MAX + 2)
        return fail(problem, "aggregation_key: expected 100 bytes at most");
    if (!json_view_is_absent(json_view_member(object, "related_event_id")))
        return fail(problem, "related_event_id: events are not linked to each other here");
    return true;
}

static bool take_event_time(struct slice object, int64_t now_s, int64_t *time_s, char *problem)
{
    if (!take_time(json_view_member(object, "date_happened"), time_s))
        return fail(problem, "date_happened: expected seconds since 1970");
    if (*time_s == 0)
        *time_s = now_s;
    if (*time_s < now_s - EVENT_OLDEST_S)
        return fail(problem, "Event too far in the past");
    return true;
}

/* "_e{title,text}:title|text": the lengths are known when both are decoded. */
static bool add_texts(struct bytes *out, struct slice object, char *problem)
{
    struct slice title = json_view_member(object, "title");
    struct slice text = json_view_member(object, "text");
    struct bytes texts = { 0 };
    char head[64];

    if (json_view_kind(title) != JSON_KIND_STRING || title.len == 2)
        return fail(problem, "title: expected a text that is not empty");
    if (json_view_kind(text) != JSON_KIND_STRING)
        return fail(problem, "text: expected text");
    api_text_add(&texts, title);
    size_t title_len = texts.len;

    bytes_add(&texts, "|", 1);
    api_text_add(&texts, text);
    snprintf(head, sizeof head, "_e{%zu,%zu}:", title_len, texts.len - title_len - 1);
    bytes_add_text(out, head);
    bytes_add(out, texts.at, texts.len);
    out->failed = out->failed || texts.failed;
    bytes_free(&texts);
    return true;
}

bool submit_event_line(struct bytes *out, struct slice object, int64_t now_s, int64_t *time_s,
                       char problem[static SUBMIT_SENTENCE_MAX])
{
    if (!check_words(object, problem) || !take_event_time(object, now_s, time_s, problem) ||
        !add_texts(out, object, problem))
        return false;
    add_whole(out, "|d:", *time_s);
    add_field(out, "|k:", json_view_member(object, "aggregation_key"));
    add_field(out, "|p:", json_view_member(object, "priority"));
    add_field(out, "|s:", json_view_member(object, "source_type_name"));
    add_field(out, "|t:", json_view_member(object, "alert_type"));
    add_field(out, "|handle:", json_view_member(object, "handle"));
    if (!add_tags(out, json_view_member(object, "tags"), "device:",
                  json_view_member(object, "device_name"), json_view_member(object, "host")))
        return fail(problem, "tags: expected a list of texts");
    return true;
}
