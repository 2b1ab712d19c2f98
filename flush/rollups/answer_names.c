/* Names in the form that Datadog's clients read: the metrics that had a point since some time,
 * and a search for metrics and hosts.
 *
 *   scan    which names and hosts do series have, a bit each
 *   pick    those that are looked for; the first in order are kept
 *   sort    them
 *   write
 *
 * It takes two bits a name, and four bytes for each that is shown. */
#include <stdio.h>
#include <stdlib.h>

#include "flush/memory/best.h"
#include "flush/memory/json_out.h"
#include "flush/rollups/answer_ops.h"
#include "protocol/glob.h"

enum {
    UNITS = 8192, /* of work in a step: to look at a series */
    UNITS_A_NAME = 8,
    STEPS_A_UNIT = 256, /* bytes of a name by those of a pattern */
    UNITS_A_TEXT = 16,
};

enum phase { PHASE_SCAN, PHASE_PICK, PHASE_SORT, PHASE_WRITE };

/* Metrics, then hosts. */
enum { METRICS, HOSTS, LISTS };

static const char *const list_names[LISTS] = { "metrics", "hosts" };

struct names {
    struct rollup *rollup;
    const struct identities *identities;
    const struct inquiry *inquiry;
    struct slice pattern;
    bool wanted[LISTS];
    uint32_t host; /* only series of that one; STRINGS_NONE: of any */
    bool any_host;
    enum phase phase;
    int list;           /* that is sorted or written */
    uint32_t next, end; /* series, text or place that comes next */
    uint32_t texts_end;
    uint64_t *seen[LISTS]; /* a bit for each text */
    struct best best[LISTS];
    struct json_out out;
};

/* ---- begin and end ----------------------------------------------------- */

static void free_names(void *given)
{
    struct names *names = given;

    rollup_unpin(names->rollup);
    for (int i = 0; i < LISTS; i++) {
        free(names->seen[i]);
        best_free(&names->best[i]);
    }
    bytes_free(&names->out.bytes);
    free(names);
}

static bool is_before(const void *argument, uint32_t a, uint32_t b)
{
    const struct identities *identities = argument;

    return slice_compare(identities_text(identities, a), identities_text(identities, b)) < 0;
}

/* "metrics:x", "hosts:x", or "x" for both. */
static void read_pattern(struct names *names)
{
    names->pattern = names->inquiry->text;
    names->wanted[METRICS] = names->wanted[HOSTS] = true;
    for (int i = 0; i < LISTS; i++) {
        struct slice rest = names->inquiry->text, word = slice_cut(&rest, ':');

        if (word.len == names->inquiry->text.len || !slice_equal(word, slice_of(list_names[i])))
            continue;
        names->pattern = rest;
        names->wanted[1 - i] = false;
    }
}

static struct names *make(const struct answer_source *source, const struct inquiry *inquiry)
{
    struct names *names = calloc(1, sizeof *names);

    if (names == NULL)
        return NULL;
    names->rollup = source->rollup;
    names->identities = rollup_identities(source->rollup);
    names->inquiry = inquiry;
    names->end = rollup_end(source->rollup);
    names->texts_end = identities_texts_end(names->identities);
    names->any_host = true;
    rollup_pin(names->rollup);
    bool made = true;

    for (int i = 0; i < LISTS; i++) {
        names->seen[i] = calloc(names->texts_end / 64 + 1u, sizeof *names->seen[i]);
        made = best_init(&names->best[i], inquiry->limit, is_before, names->identities) &&
               names->seen[i] != NULL && made;
    }
    if (made)
        return names;
    free_names(names);
    return NULL;
}

static void *begin_search(const struct answer_source *source, const struct inquiry *inquiry,
                          struct answer_problem *problem)
{
    struct names *names = make(source, inquiry);

    (void)problem;
    if (names != NULL)
        read_pattern(names);
    return names;
}

/* The text is a host, or empty. */
static void *begin_active(const struct answer_source *source, const struct inquiry *inquiry,
                          struct answer_problem *problem)
{
    struct names *names = make(source, inquiry);

    (void)problem;
    if (names == NULL)
        return NULL;
    names->wanted[METRICS] = true;
    names->any_host = inquiry->text.len == 0;
    names->host = identities_find_text(names->identities, inquiry->text);
    return names;
}

/* ---- scan and pick ----------------------------------------------------- */

static void note(struct names *names, int list, uint32_t text)
{
    if (names->wanted[list] && text < names->texts_end)
        names->seen[list][text / 64] |= UINT64_C(1) << text % 64;
}

static bool has_seen(const struct names *names, int list, uint32_t text)
{
    return (names->seen[list][text / 64] >> text % 64 & 1) != 0;
}

static bool is_active(const struct names *names, const struct rollup_series *series)
{
    return series->live && (int64_t)series->last_s >= names->inquiry->from_s &&
           (names->any_host || series->id.host == names->host);
}

static void scan(struct names *names)
{
    for (int left = UNITS; left > 0 && names->next < names->end; names->next++, left--) {
        const struct rollup_series *series = rollup_entry(names->rollup, names->next);

        if (!is_active(names, series))
            continue;
        note(names, METRICS, series->id.name);
        note(names, HOSTS, series->id.host);
    }
    if (names->next == names->end) {
        names->phase = PHASE_PICK;
        names->next = 0;
    }
}

static int offer(struct names *names, int list, uint32_t text)
{
    if (!has_seen(names, list, text))
        return 0;
    struct slice name = identities_text(names->identities, text);

    if (name.len > 0 && glob_finds(names->pattern, name))
        best_offer(&names->best[list], text);
    return UNITS_A_NAME + (int)(name.len * names->pattern.len / STEPS_A_UNIT);
}

static void pick(struct names *names)
{
    for (int left = UNITS; left > 0 && names->next < names->texts_end; names->next++, left--)
        left -= offer(names, METRICS, names->next) + offer(names, HOSTS, names->next);
    if (names->next == names->texts_end)
        names->phase = PHASE_SORT;
}

static void sort(struct names *names)
{
    if (!best_sort(&names->best[names->list], UNITS / UNITS_A_TEXT) || ++names->list < LISTS)
        return;
    names->list = 0;
    names->next = 0;
    names->phase = PHASE_WRITE;
}

/* ---- write ------------------------------------------------------------- */

/* Some of the list; true: all of it is written. */
static bool write_some(struct names *names, int list)
{
    const struct best *best = &names->best[list];

    if (names->next == 0)
        json_out_begin(&names->out, list_names[list], '[');
    for (int left = UNITS; left > 0 && names->next < best->n; left -= UNITS_A_TEXT)
        json_out_slice(&names->out, NULL,
                       identities_text(names->identities, best->at[names->next++]));
    if (names->next < best->n)
        return false;
    json_out_end(&names->out, ']');
    return true;
}

static enum answer_state finish_active(struct names *names, struct bytes *answer,
                                       struct answer_problem *problem)
{
    char from[32];

    if (names->out.bytes.len == 0) {
        snprintf(from, sizeof from, "%lld", (long long)names->inquiry->from_s);
        json_out_begin(&names->out, NULL, '{');
        json_out_text(&names->out, "from", from);
    }
    if (!write_some(names, METRICS))
        return ANSWER_MORE;
    json_out_end(&names->out, '}');
    return answer_give(&names->out, answer, problem);
}

static enum answer_state finish_search(struct names *names, struct bytes *answer,
                                       struct answer_problem *problem)
{
    if (names->out.bytes.len == 0) {
        json_out_begin(&names->out, NULL, '{');
        json_out_begin(&names->out, "results", '{');
    }
    for (; names->list < LISTS; names->list++, names->next = 0)
        if (!write_some(names, names->list))
            return ANSWER_MORE;
    json_out_end(&names->out, '}');
    json_out_end(&names->out, '}');
    return answer_give(&names->out, answer, problem);
}

/* Does what comes next; true: there is nothing left but to write. */
static bool is_ready(struct names *names)
{
    switch (names->phase) {
    case PHASE_SCAN:
        scan(names);
        return false;
    case PHASE_PICK:
        pick(names);
        return false;
    case PHASE_SORT:
        sort(names);
        return false;
    case PHASE_WRITE:
        break;
    }
    return true;
}

static enum answer_state step_active(void *self, struct bytes *answer,
                                     struct answer_problem *problem)
{
    return is_ready(self) ? finish_active(self, answer, problem) : ANSWER_MORE;
}

static enum answer_state step_search(void *self, struct bytes *answer,
                                     struct answer_problem *problem)
{
    return is_ready(self) ? finish_search(self, answer, problem) : ANSWER_MORE;
}

const struct answer_ops answer_active = {
    .of_rollups = true,
    .begin = begin_active,
    .step = step_active,
    .free = free_names,
};

const struct answer_ops answer_search = {
    .of_rollups = true,
    .begin = begin_search,
    .step = step_search,
    .free = free_names,
};
