#include "protocol/event.h"

#include "protocol/number.h"

static const char *const priority_names[] = { "normal", "low" };
static const char *const alert_names[] = { "info", "success", "warning", "error" };

/* The name's place among count names, which *out keeps otherwise. */
static void take_name(struct slice text, const char *const names[], int count, int *out)
{
    for (int i = 0; i < count; i++)
        if (slice_equal(text, slice_of(names[i])))
            *out = i;
}

/* "_e{5,4}" to 5 and 4. The byte in the brace's place is not looked at: the
 * Agent does not either. */
static bool take_lengths(struct slice header, int64_t *title, int64_t *text)
{
    if (header.len < sizeof "_e{1,1}" - 1)
        return false;
    struct slice lengths = { header.at + 3, header.len - 4 };

    if (memchr(lengths.at, ',', lengths.len) == NULL)
        return false;
    return number_int64(slice_cut(&lengths, ','), title) && number_int64(lengths, text) &&
           *title >= 1 && *text >= 0;
}

static void take_field(struct slice field, struct event *out)
{
    struct slice body = slice_skip(field, field.len < 2 ? field.len : 2);
    int64_t time_s;
    int name;

    if (slice_starts(field, SLICE("d:"))) {
        if (number_int64(body, &time_s))
            out->time_s = time_s;
    } else if (slice_starts(field, SLICE("h:"))) {
        out->host = body;
    } else if (slice_starts(field, SLICE("k:"))) {
        out->aggregation_key = body;
    } else if (slice_starts(field, SLICE("p:"))) {
        name = (int)out->priority;
        take_name(body, priority_names, EVENT_LOW + 1, &name);
        out->priority = (enum event_priority)name;
    } else if (slice_starts(field, SLICE("s:"))) {
        out->source_type = body;
    } else if (slice_starts(field, SLICE("t:"))) {
        name = (int)out->alert;
        take_name(body, alert_names, EVENT_ERROR + 1, &name);
        out->alert = (enum event_alert)name;
    } else if (slice_starts(field, SLICE("#"))) {
        out->tags = slice_skip(field, 1);
    } else if (slice_starts(field, SLICE("handle:"))) {
        out->handle = slice_skip(field, sizeof "handle:" - 1);
    }
}

enum parse_result event_parse(struct slice line, struct event *out)
{
    int64_t title, text;

    *out = (struct event){ 0 };
    if (memchr(line.at, ':', line.len) == NULL ||
        !take_lengths(slice_cut(&line, ':'), &title, &text))
        return PARSE_EVENT_HEADER;

    /* Subtracting keeps a huge length from overflowing a sum. */
    int64_t left = (int64_t)line.len - 1;
    if (title > left || text > left - title)
        return PARSE_EVENT_LENGTH;
    out->title = (struct slice){ line.at, (size_t)title };
    line = slice_skip(line, (size_t)title + 1);
    out->text = (struct slice){ line.at, (size_t)text };
    line = slice_skip(line, (size_t)text);

    out->fields = line;
    while (line.len > 0)
        take_field(slice_cut(&line, '|'), out);
    return PARSE_OK;
}

const char *event_priority_name(enum event_priority priority)
{
    return priority_names[priority];
}

const char *event_alert_name(enum event_alert alert)
{
    return alert_names[alert];
}
