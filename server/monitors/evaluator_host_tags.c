/* The tags of hosts, for {{host.env}}: those that all series of a host have, as the API tells
 * them. While a monitor's message wants some they are asked for each minute, and sooner when
 * that has just begun; all at once, which is as much work as one more monitor. So many that the
 * flusher does not tell them are not known. */
#include <stdlib.h>

#include "flush/memory/json_view.h"
#include "server/monitors/evaluator_internal.h"

enum { PERIOD_S = 60, TAGS_KEYS_MAX = 60000 };

void host_tags_drop(struct evaluator *evaluator)
{
    free(evaluator->host_tags.at);
    free(evaluator->host_tags.room);
    evaluator->host_tags.at = NULL;
    evaluator->host_tags.room = NULL;
    evaluator->host_tags.n = 0;
}

static bool are_wanted(const struct evaluator *evaluator)
{
    bool wanted = false;

    for (size_t i = 0; !wanted && i < evaluator->monitors.n; i++)
        wanted = evaluator->monitors.at[i]->monitor.wants_host_tags;
    return wanted;
}

/* ---- what is known ----------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const struct host_tag *left = a, *right = b;
    int by_host = slice_compare(left->host, right->host);

    return by_host != 0 ? by_host : slice_compare(left->tag, right->tag);
}

size_t host_tags_find(const struct evaluator *evaluator, struct slice host, struct slice *out,
                      size_t most)
{
    const struct host_tags *known = &evaluator->host_tags;
    size_t low = 0, high = known->n, n = 0;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (slice_compare(known->at[middle].host, host) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    while (low < known->n && n < most && slice_equal(known->at[low].host, host))
        out[n++] = known->at[low++].tag;
    return n;
}

/* ---- the answer: {"tags": {"env:prod": ["a", "b"]}} -------------------- */

static size_t count_pairs(struct slice tags)
{
    struct slice inside = json_view_inside(tags), name, hosts, host;
    size_t n = 0;

    while (json_view_next_member(&inside, &name, &hosts)) {
        struct slice list = json_view_inside(hosts);

        while (json_view_next_item(&list, &host))
            n++;
    }
    return n;
}

/* The room is as long as all of the answer, which no text of it is longer than. */
static void read_pairs(struct host_tags *out, struct slice tags, size_t most)
{
    struct slice inside = json_view_inside(tags), name, hosts, host;
    char *room = out->room;

    while (json_view_next_member(&inside, &name, &hosts)) {
        struct slice tag = json_view_decode(name, &room), list = json_view_inside(hosts);

        while (json_view_next_item(&list, &host) && out->n < most)
            out->at[out->n++] = (struct host_tag){ json_view_decode(host, &room), tag };
    }
    if (out->n > 1)
        qsort(out->at, out->n, sizeof *out->at, compare);
}

/* What was known before stays where there is no answer. */
static void hear_tags(void *argument, int status, struct slice json)
{
    struct evaluator *evaluator = argument;
    struct host_tags *known = &evaluator->host_tags;
    struct json_fault fault;
    struct slice value;

    known->is_asked = false;
    if (status != 200 || !json_view_check(json, TAGS_KEYS_MAX, &value, &fault))
        return;
    struct slice tags = json_view_member(value, "tags");
    size_t n = count_pairs(tags);
    struct host_tag *at = malloc((n + 1) * sizeof *at);
    char *room = malloc(json.len + 1);

    if (at == NULL || room == NULL) {
        free(at);
        free(room);
        return;
    }
    host_tags_drop(evaluator);
    known->at = at;
    known->room = room;
    read_pairs(known, tags, n);
}

void host_tags_look(struct evaluator *evaluator, int64_t now_s)
{
    struct inquiry inquiry = { .kind = INQUIRY_ALL_HOST_TAGS };
    struct host_tags *known = &evaluator->host_tags;

    if (!are_wanted(evaluator)) {
        host_tags_drop(evaluator);
        known->period_s = 0;
        return;
    }
    if (known->is_asked || llabs(now_s - known->asked_s) < known->period_s)
        return; /* or the clock was set */
    known->is_asked = true;
    known->period_s = known->period_s < PERIOD_S / 2 ? 2 * known->period_s + 1 : PERIOD_S;
    known->asked_s = now_s;
    evaluator->needs.ask(evaluator->needs.self, &inquiry, hear_tags, evaluator);
}
