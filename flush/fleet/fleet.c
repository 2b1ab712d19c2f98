#include "flush/fleet/fleet.h"

#include <jansson.h>
#include <stdlib.h>

enum { STEP_MAX_S = 366 * 86400, MEMBER_MAX = 64 << 10, SORTED_EVERY = 4096 };

/* ---- the registry ------------------------------------------------------ */

static bool read_seconds(const json_t *from, int64_t *out)
{
    *out = json_integer_value(from);
    return json_is_integer(from) && *out >= 1 && *out <= STEP_MAX_S;
}

/* Adds a length so that they ascend and each is there once. One that is not longer than the
 * first, or is one too many, is left out. */
static void add_step(struct fleet_instance *instance, int64_t step_s)
{
    size_t at = instance->n_steps;

    if (step_s <= instance->steps_s[0] || at == ROLLUP_LEVELS_MAX)
        return;
    while (instance->steps_s[at - 1] > step_s)
        at--;
    if (instance->steps_s[at - 1] == step_s)
        return;
    memmove(&instance->steps_s[at + 1], &instance->steps_s[at],
            (instance->n_steps - at) * sizeof instance->steps_s[0]);
    instance->steps_s[at] = step_s;
    instance->n_steps++;
}

static bool read_steps(const json_t *json, struct fleet_instance *out)
{
    const json_t *rollups = json_object_get(json, "rollups");
    int64_t step_s;

    if (!read_seconds(json_object_get(json, "interval"), &out->steps_s[0]))
        return false;
    out->n_steps = 1;
    for (size_t i = 0; i < json_array_size(rollups); i++) {
        if (!read_seconds(json_array_get(rollups, i), &step_s))
            return false;
        add_step(out, step_s);
    }
    return true;
}

static bool read_instance(const json_t *json, struct fleet_instance *out)
{
    const char *id = json_string_value(json_object_get(json, "id"));

    if (id == NULL || strlen(id) != FLEET_ID || !read_steps(json, out) ||
        !read_seconds(json_object_get(json, "ttl"), &out->ttl_s) ||
        !read_seconds(json_object_get(json, "lookback"), &out->lookback_s))
        return false;
    memcpy(out->id, id, FLEET_ID);
    return true;
}

static bool reserve(struct fleet *fleet)
{
    if (fleet->n < fleet->capacity)
        return true;
    size_t capacity = fleet->capacity * 2 + 16;
    struct fleet_instance *grown = realloc(fleet->instances, capacity * sizeof *grown);
    if (grown == NULL)
        return false;
    fleet->instances = grown;
    fleet->capacity = capacity;
    return true;
}

enum fleet_result fleet_add(struct fleet *fleet, struct slice text, int64_t heard_s)
{
    struct fleet_instance instance = { .heard_s = heard_s };
    json_t *json = text.len <= MEMBER_MAX ? json_loadb(text.at, text.len, 0, NULL) : NULL;
    bool read = read_instance(json, &instance);

    json_decref(json);
    if (!read)
        return FLEET_DAMAGED;
    if (fleet->n == FLEET_INSTANCES_MAX || !reserve(fleet))
        return FLEET_NO_MEMORY;
    fleet->instances[fleet->n++] = instance;
    return FLEET_MERGED;
}

static int by_id(const void *a, const void *b)
{
    return memcmp(((const struct fleet_instance *)a)->id,
                  ((const struct fleet_instance *)b)->id, FLEET_ID);
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

bool fleet_seal(struct fleet *fleet)
{
    struct fleet_instance all = { .n_steps = 1, .heard_s = INT64_MAX };

    if (fleet->n == 0)
        return false;
    qsort(fleet->instances, fleet->n, sizeof *fleet->instances, by_id);
    all.ttl_s = fleet->instances[0].ttl_s;
    all.lookback_s = fleet->instances[0].lookback_s;
    for (size_t i = 0; i < fleet->n; i++) {
        const struct fleet_instance *one = &fleet->instances[i];
        if (one->steps_s[0] > all.steps_s[0])
            all.steps_s[0] = one->steps_s[0];
        all.ttl_s = smaller(all.ttl_s, one->ttl_s);
        all.lookback_s = smaller(all.lookback_s, smaller(one->lookback_s, one->ttl_s));
    }
    for (size_t i = 0; i < fleet->n; i++)
        for (size_t step = 1; step < fleet->instances[i].n_steps; step++)
            add_step(&all, fleet->instances[i].steps_s[step]);
    fleet->all = all;
    return true;
}

void fleet_free(struct fleet *given)
{
    free(given->instances);
    *given = (struct fleet){ 0 };
}

static int id_and_instance(const void *id, const void *instance)
{
    return memcmp(id, ((const struct fleet_instance *)instance)->id, FLEET_ID);
}

const struct fleet_instance *fleet_find(const struct fleet *fleet, struct slice id)
{
    const struct fleet_instance *found = NULL;

    if (id.len == FLEET_ID)
        found = bsearch(id.at, fleet->instances, fleet->n, sizeof *fleet->instances,
                        id_and_instance);
    return found != NULL ? found : &fleet->all;
}

/* ---- windows ----------------------------------------------------------- */

static bool has_step(const struct fleet_instance *instance, int64_t step_s, size_t *level)
{
    for (*level = 0; *level < instance->n_steps; (*level)++)
        if (instance->steps_s[*level] == step_s)
            return true;
    return false;
}

/* Whether the instance's window of that span is there and complete. */
static bool is_whole(const struct fleet_instance *instance, struct fleet_window span,
                     int64_t now_s)
{
    int64_t end_s = span.start_s + span.step_s;
    size_t level;

    return has_step(instance, span.step_s, &level) &&
           (level <= 1 || end_s + FLEET_SETTLE_S <= smaller(now_s, instance->heard_s));
}

/* The longest windows that fill such spans; the interval's are put where they start. */
static int64_t finer_step(const struct fleet_instance *instance, int64_t step_s)
{
    for (size_t level = instance->n_steps - 1; level > 0; level--)
        if (instance->steps_s[level] < step_s && step_s % instance->steps_s[level] == 0)
            return instance->steps_s[level];
    return instance->steps_s[0];
}

/* The first start of such a window at that time or later. */
static int64_t next_start(int64_t time_s, int64_t step_s)
{
    return (time_s + step_s - 1) / step_s * step_s;
}

static bool append(struct fleet_windows *windows, struct fleet_window window)
{
    if (windows->n == FLEET_WINDOWS_MAX)
        return false;
    if (windows->n == windows->capacity) {
        size_t capacity = windows->capacity * 2 + 16;
        struct fleet_window *grown = realloc(windows->at, capacity * sizeof *grown);
        if (grown == NULL)
            return false;
        windows->at = grown;
        windows->capacity = capacity;
    }
    windows->at[windows->n++] = window;
    return true;
}

/* Recursion goes from one length to a shorter one, ROLLUP_LEVELS_MAX deep at most. */
static bool split(const struct fleet_instance *instance, struct fleet_window span,
                  int64_t now_s, struct fleet_windows *out)
{
    int64_t finer_s = finer_step(instance, span.step_s);
    int64_t end_s = smaller(span.start_s + span.step_s, now_s + 1);

    if (is_whole(instance, span, now_s) || finer_s >= span.step_s)
        return append(out, span);
    for (int64_t start_s = next_start(span.start_s, finer_s); start_s < end_s;
         start_s += finer_s)
        if (!split(instance, (struct fleet_window){ finer_s, start_s }, now_s, out))
            return false;
    return true;
}

bool fleet_takes(const struct fleet_instance *instance, struct fleet_window span, int64_t now_s,
                 struct fleet_window window)
{
    while (window.start_s >= span.start_s && window.start_s < span.start_s + span.step_s) {
        int64_t finer_s = finer_step(instance, span.step_s);
        if (is_whole(instance, span, now_s) || finer_s >= span.step_s)
            return span.step_s == window.step_s && span.start_s == window.start_s;
        span = (struct fleet_window){ finer_s, window.start_s - window.start_s % finer_s };
    }
    return false;
}

/* Whether the same windows make up the span for both instances. */
static bool split_alike(const struct fleet_instance *a, const struct fleet_instance *b,
                        struct fleet_window span, int64_t now_s)
{
    int64_t settled_s = smaller(span.start_s + span.step_s + FLEET_SETTLE_S, now_s);

    return a->n_steps == b->n_steps &&
           memcmp(a->steps_s, b->steps_s, a->n_steps * sizeof a->steps_s[0]) == 0 &&
           smaller(a->heard_s, settled_s) == smaller(b->heard_s, settled_s);
}

static int by_start(const void *a, const void *b)
{
    const struct fleet_window *one = a, *other = b;
    int order = (one->start_s > other->start_s) - (one->start_s < other->start_s);

    return order != 0 ? order : (one->step_s > other->step_s) - (one->step_s < other->step_s);
}

static void sort_unique(struct fleet_windows *windows)
{
    size_t n = 0;

    if (windows->n > 1)
        qsort(windows->at, windows->n, sizeof *windows->at, by_start);
    for (size_t i = 0; i < windows->n; i++)
        if (n == 0 || by_start(&windows->at[n - 1], &windows->at[i]) != 0)
            windows->at[n++] = windows->at[i];
    windows->n = n;
}

bool fleet_split(const struct fleet *fleet, struct fleet_window span, int64_t now_s,
                 struct fleet_windows *out)
{
    const struct fleet_instance *before = NULL;

    out->n = 0;
    if (!split(&fleet->all, span, now_s, out)) /* for instances that are not in the registry */
        return false;
    for (size_t i = 0; i < fleet->n; i++) {
        const struct fleet_instance *one = &fleet->instances[i];
        if (before != NULL && split_alike(before, one, span, now_s))
            continue;
        before = one;
        if (!split(one, span, now_s, out))
            return false;
        if (out->n > SORTED_EVERY)
            sort_unique(out);
    }
    sort_unique(out);
    return true;
}
