#include "server/commands/lint_seen.h"

#include <inttypes.h>
#include <stdlib.h>

#include "flush/values/distinct.h"
#include "protocol/tags.h"
#include "server/commands/lint_look.h"

enum {
    TEXT_MAX = 120,             /* of a name or key that is kept to be told */
    COUNTING_BYTES = 32 << 20,  /* for all that is counted */
    WINDOW_LINES = 64,          /* so many lines a client may have had in hand at once */
    SLOTS = 4 * LINT_NAMES_MAX, /* a power of two; for names and keys */
};

struct text {
    char at[TEXT_MAX];
    size_t len;
};

struct seen_name {
    struct text text;
    uint64_t first;             /* line */
    enum metric_type type;      /* of that */
    unsigned types;             /* a bit for each that was told */
    uint64_t last, last_fields; /* the line before, and a hash of it without its value */
    int32_t last_sender;
    uint64_t packable, saved, packable_first; /* lines, bytes; the first such line */
    struct distinct *series;                  /* NULL: nobody wants to know, or no room */
};

struct seen_key {
    struct text text;
    uint32_t name;
    uint64_t first; /* line */
    enum lint_look look;
    struct distinct *values; /* NULL: no room */
};

/* A table of hashes: an entry's number + 1, 0: none. */
struct slot {
    uint64_t hash;
    uint32_t entry;
};

struct lint_seen {
    struct arena_budget budget;
    struct arena arena;
    struct slot name_slots[SLOTS], key_slots[SLOTS];
    struct seen_name names[LINT_NAMES_MAX];
    struct seen_key keys[LINT_KEYS_MAX];
    uint32_t n_names, n_keys;
    bool full;
};

struct lint_seen *lint_seen_new(void)
{
    struct lint_seen *seen = calloc(1, sizeof *seen);

    if (seen == NULL)
        return NULL;
    arena_budget_init(&seen->budget, COUNTING_BYTES);
    arena_init(&seen->arena, &seen->budget);
    return seen;
}

void lint_seen_free(struct lint_seen *given)
{
    if (given == NULL)
        return;
    arena_free(&given->arena);
    free(given);
}

bool lint_seen_full(const struct lint_seen *seen)
{
    return seen->full;
}

/* ---- entries ----------------------------------------------------------- */

static void keep_text(struct text *text, struct slice from)
{
    text->len = from.len < TEXT_MAX ? from.len : TEXT_MAX;
    memcpy(text->at, from.at, text->len);
}

static struct slice view(const struct text *text)
{
    return (struct slice){ text->at, text->len };
}

/* The slot of that hash, or the empty one for it: there is one, as slots are never full. */
static struct slot *find_slot(struct slot *slots, uint64_t hash)
{
    size_t i = hash % SLOTS;

    while (slots[i].entry != 0 && slots[i].hash != hash)
        i = (i + 1) % SLOTS;
    return &slots[i];
}

/* The number of an entry, made if it is new; false: no room. */
static bool find_entry(struct lint_seen *seen, struct slot *slots, uint64_t hash,
                       uint32_t *n_entries, uint32_t most, uint32_t *out, bool *is_new)
{
    struct slot *slot = find_slot(slots, hash);

    *is_new = slot->entry == 0;
    if (*is_new && *n_entries == most) {
        seen->full = true;
        return false;
    }
    if (*is_new)
        *slot = (struct slot){ hash, ++*n_entries };
    *out = slot->entry - 1;
    return true;
}

static struct seen_name *find_name(struct lint_seen *seen, const struct lint_metric *metric,
                                   uint64_t number)
{
    uint32_t i;
    bool is_new;

    if (!find_entry(seen, seen->name_slots, distinct_hash(metric->name), &seen->n_names,
                    LINT_NAMES_MAX, &i, &is_new))
        return NULL;
    struct seen_name *name = &seen->names[i];

    if (is_new) {
        keep_text(&name->text, metric->name);
        name->first = number;
        name->type = metric->type;
        name->types = 1u << metric->type;
    }
    return name;
}

static struct seen_key *find_key(struct lint_seen *seen, uint32_t name, struct slice text,
                                 enum lint_look look, uint64_t number)
{
    uint64_t hash = distinct_hash(text) + (name + 1) * UINT64_C(0x9E3779B97F4A7C15);
    uint32_t i;
    bool is_new;

    if (!find_entry(seen, seen->key_slots, hash, &seen->n_keys, LINT_KEYS_MAX, &i, &is_new))
        return NULL;
    struct seen_key *key = &seen->keys[i];

    if (is_new) {
        keep_text(&key->text, text);
        key->name = name;
        key->first = number;
        key->look = look;
        key->values = distinct_new(&seen->arena);
    }
    return key;
}

static void count(struct lint_seen *seen, struct distinct *distinct, uint64_t hash)
{
    if (distinct == NULL || !distinct_add(distinct, &seen->arena, hash))
        seen->full = true;
}

/* ---- types ------------------------------------------------------------- */

static void check_type(struct seen_name *name, const struct lint_metric *metric,
                       uint64_t number, lint_tell *tell, void *argument)
{
    char what[128];
    struct slice fields = metric->fields;

    if (name->types & 1u << metric->type)
        return;
    name->types |= 1u << metric->type;
    snprintf(what, sizeof what, "%s, and %s in line %" PRIu64, metric_type_name(metric->type),
             metric_type_name(name->type), name->first);
    tell(argument, &(struct lint_finding){
                       .id = LINT_MIXED_TYPES,
                       .number = number,
                       .line = metric->line,
                       .at = (size_t)(fields.at - metric->line.at) + (fields.len > 0),
                       .name = metric->name,
                       .key = slice_of(metric_type_name(metric->type)),
                       .what = slice_of(what),
                   });
}

/* ---- packing ----------------------------------------------------------- */

/* Of a gauge only the last value counts, and a set's may hold a colon. */
static bool is_packable(const struct lint_metric *metric)
{
    return metric->type != METRIC_GAUGE && metric->type != METRIC_SET;
}

/* Nobody packs what two processes send. */
static void note_packable(struct seen_name *name, const struct lint_metric *metric,
                          struct lint_place place)
{
    uint64_t fields = distinct_hash(metric->fields);
    bool near = name->last != 0 && place.number - name->last <= WINDOW_LINES &&
                name->last_sender == place.sender;

    if (near && name->last_fields == fields && is_packable(metric)) {
        if (name->packable++ == 0)
            name->packable_first = place.number;
        /* The line and its newline go, a colon and the value come. */
        name->saved += metric->line.len - metric->value.len;
    }
    name->last = place.number;
    name->last_fields = fields;
    name->last_sender = place.sender;
}

/* ---- identifiers ------------------------------------------------------- */

/* Of all tags together, in whatever order. */
static uint64_t hash_tags(struct slice section)
{
    struct tags walk = tags_of(section);
    struct slice tag;
    uint64_t sum = 0;

    while (tags_next(&walk, &tag))
        sum += distinct_hash(tag);
    return sum;
}

static bool note_tag(struct lint_seen *seen, uint32_t name, struct slice tag, uint64_t number)
{
    struct slice value = tag, text = slice_cut(&value, ':');
    enum lint_look look = lint_look(value);
    struct seen_key *key;

    if (look == LINT_LOOK_NONE || slice_starts(tag, SLICE("host:")) ||
        slice_starts(tag, SLICE("dd.internal.")))
        return false;
    key = find_key(seen, name, text, look, number);
    if (key != NULL)
        count(seen, key->values, distinct_hash(value));
    return key != NULL;
}

static void note_tags(struct lint_seen *seen, struct seen_name *name,
                      const struct lint_metric *metric, uint64_t number)
{
    struct tags walk = tags_of(metric->tags);
    struct slice tag;
    bool identified = false;

    while (tags_next(&walk, &tag))
        identified |= note_tag(seen, (uint32_t)(name - seen->names), tag, number);
    if (identified && name->series == NULL)
        name->series = distinct_new(&seen->arena);
    if (name->series != NULL)
        count(seen, name->series, hash_tags(metric->tags));
}

/* ---- the outside ------------------------------------------------------- */

void lint_seen_metric(struct lint_seen *seen, const struct lint_metric *metric,
                      struct lint_place place, lint_tell *tell, void *argument)
{
    struct seen_name *name = find_name(seen, metric, place.number);

    if (name == NULL)
        return;
    check_type(name, metric, place.number, tell, argument);
    note_packable(name, metric, place);
    note_tags(seen, name, metric, place.number);
}

static uint64_t counted(const struct distinct *distinct)
{
    return distinct != NULL ? distinct_count(distinct) : 0;
}

static void tell_key(const struct lint_seen *seen, const struct seen_key *key, lint_tell *tell,
                     void *argument)
{
    const struct seen_name *name = &seen->names[key->name];
    char what[512];
    uint64_t values = counted(key->values), series = counted(name->series);

    snprintf(what, sizeof what,
             "%.*s of %.*s: values look like %s; %" PRIu64 " of them, in %" PRIu64 " series",
             (int)key->text.len, key->text.at, (int)name->text.len, name->text.at,
             lint_look_words(key->look), values, series);
    tell(argument, &(struct lint_finding){ .id = LINT_IDENTIFIER,
                                           .number = key->first,
                                           .name = view(&name->text),
                                           .key = view(&key->text),
                                           .what = slice_of(what) });
}

static void tell_packable(const struct seen_name *name, lint_tell *tell, void *argument)
{
    char what[256];

    if (name->packable == 0)
        return;
    snprintf(what, sizeof what,
             "%.*s: %" PRIu64 " lines could be values of the one before, %" PRIu64
             " bytes less",
             (int)name->text.len, name->text.at, name->packable, name->saved);
    tell(argument, &(struct lint_finding){ .id = LINT_PACKABLE,
                                           .number = name->packable_first,
                                           .name = view(&name->text),
                                           .what = slice_of(what) });
}

void lint_seen_end(const struct lint_seen *seen, lint_tell *tell, void *argument)
{
    for (uint32_t i = 0; i < seen->n_keys; i++)
        tell_key(seen, &seen->keys[i], tell, argument);
    for (uint32_t i = 0; i < seen->n_names; i++)
        tell_packable(&seen->names[i], tell, argument);
}
