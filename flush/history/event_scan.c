#include "flush/history/event_scan.h"

#include <stdlib.h>
#include <string.h>

#include "flush/history/sql.h"

enum { ROWS_A_SLICE = 512, SEEN_A_SLICE = 1 << 20, FOUND_A_SLICE = 128 << 10 };

struct event_scan {
    struct recent_search search; /* of the texts below */
    struct recent_page page;
    uint64_t known[RECENT_EVENTS_MAX]; /* n_known of them */
    size_t n_known;
    int64_t before; /* numbers of the store: where it goes on */
    char texts[];
};

static struct slice put(char *at, struct slice text)
{
    if (text.len > 0)
        memcpy(at, text.at, text.len);
    return (struct slice){ at, text.len };
}

struct event_scan *event_scan_new(const struct past_events *wanted)
{
    const struct recent_search *search = wanted->search;
    struct event_scan *scan = calloc(1, sizeof *scan + search->tags.len + search->sources.len);

    if (scan == NULL)
        return NULL;
    scan->search = *search;
    scan->search.tags = put(scan->texts, search->tags);
    scan->search.sources = put(scan->texts + search->tags.len, search->sources);
    scan->page = wanted->page;
    scan->n_known = wanted->n_known;
    memcpy(scan->known, wanted->known, wanted->n_known * sizeof scan->known[0]);
    scan->before = INT64_MAX;
    return scan;
}

void event_scan_free(struct event_scan *given)
{
    free(given);
}

/* Each stands for one. */
static bool is_in_memory(struct event_scan *scan, struct slice body)
{
    uint64_t mark = scan->n_known > 0 ? recent_body_mark(body) : 0;

    for (size_t i = 0; i < scan->n_known; i++)
        if (scan->known[i] == mark) {
            scan->known[i] = scan->known[--scan->n_known];
            return true;
        }
    return false;
}

static void look_at(struct event_scan *scan, struct slice body, struct bytes *out)
{
    uint32_t len = (uint32_t)body.len;

    if (is_in_memory(scan, body) || !recent_body_fits(body, &scan->search))
        return;
    if (scan->page.skip > 0) {
        scan->page.skip--;
        return;
    }
    scan->page.most--;
    bytes_add(out, &len, sizeof len);
    bytes_add(out, body.at, body.len);
}

int event_scan_step(struct event_scan *scan, struct store *store, struct bytes *out, bool *all)
{
    size_t n = 0, seen = 0, before = out->len;
    struct slice body;
    int next = SQLITE_ROW, result = store_read_events(store, scan->before, ROWS_A_SLICE);

    if (result != SQLITE_OK)
        return result;
    while (scan->page.most > 0 && seen < SEEN_A_SLICE && out->len - before < FOUND_A_SLICE &&
           (next = store_next_event(store, &scan->before, &body)) == SQLITE_ROW) {
        look_at(scan, body, out);
        seen += body.len;
        n++;
    }
    store_end_events(store);
    *all = scan->page.most == 0 || (next == SQLITE_DONE && n < ROWS_A_SLICE);
    if (out->failed)
        return SQLITE_NOMEM;
    return next == SQLITE_DONE || next == SQLITE_ROW ? SQLITE_OK : next;
}

bool event_scan_next(struct slice *rest, struct slice *body)
{
    uint32_t len;

    if (rest->len < sizeof len)
        return false;
    memcpy(&len, rest->at, sizeof len);
    *rest = slice_skip(*rest, sizeof len);
    *body = (struct slice){ rest->at, len };
    *rest = slice_skip(*rest, len);
    return true;
}
