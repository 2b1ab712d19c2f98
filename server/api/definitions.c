#include "server/api/definitions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "flush/memory/json_view.h"
#include "flush/rollups/units.h"
#include "protocol/number.h"

/* Of malloc, a definition. */
enum { HEAD_BYTES = sizeof(struct definition) + 16 };

/* Of a unit as JSON, where each byte may be six. */
enum { UNIT_ROOM = 6 * UNIT_WORD_MAX + 2 };

/* More than any body has that was taken. */
enum { KEPT_KEYS_MAX = 1 << 20 };

static const struct {
    const char *word;
    size_t most, most_bytes;
} kinds[] = {
#define KIND(id, word, most, most_bytes) [id] = { word, most, most_bytes },
    DEFINITION_KINDS(KIND)
#undef KIND
};

const char *definition_word(enum definition_kind kind)
{
    return kinds[kind].word;
}

size_t definitions_most(enum definition_kind kind)
{
    return kinds[kind].most;
}

size_t definitions_most_bytes(enum definition_kind kind)
{
    return kinds[kind].most_bytes;
}

/* ---- one --------------------------------------------------------------- */

static size_t size_of(const struct definition *definition)
{
    return HEAD_BYTES + definition->name.len + definition->file.len + definition->body.len;
}

/* In one block. NULL without memory. */
static struct definition *copy_of(const struct definition *from)
{
    struct definition *copy =
        malloc(sizeof *copy + from->name.len + from->file.len + from->body.len);

    if (copy == NULL)
        return NULL;
    char *at = (char *)(copy + 1);

    *copy = *from;
    copy->next = NULL;
    copy->name = slice_copy(from->name, &at);
    copy->file = slice_copy(from->file, &at);
    copy->body = slice_copy(from->body, &at);
    return copy;
}

/* ---- all --------------------------------------------------------------- */

static void free_list(struct definition_list *given)
{
    struct definition *next;

    for (struct definition *at = given->first; at != NULL; at = next) {
        next = at->next;
        free(at);
    }
    free(given->index);
}

void definitions_free(struct definitions *given)
{
    for (int kind = 0; kind < DEFINITION_KIND_COUNT; kind++)
        free_list(&given->of[kind]);
    *given = (struct definitions){ .ledger = NULL };
}

struct definition *definitions_find(const struct definitions *definitions,
                                    enum definition_kind kind, struct slice name)
{
    struct definition_index *index = definitions->of[kind].index;

    return index != NULL ? definition_index_find(index, name) : NULL;
}

struct definition *definitions_find_number(const struct definitions *definitions,
                                           enum definition_kind kind, int64_t number)
{
    struct definition_index *index = definitions->of[kind].index;

    return index != NULL && number != 0 ? definition_index_find_number(index, number) : NULL;
}

struct definition *definitions_next(const struct definitions *definitions,
                                    enum definition_kind kind, const struct definition *after)
{
    return after != NULL ? after->next : definitions->of[kind].first;
}

static void note(const struct definitions *definitions, enum definition_kind kind)
{
    if (definitions->ledger == NULL)
        return;
    counter_set(&definitions->ledger->n[kind], definitions->of[kind].n);
    counter_set(&definitions->ledger->bytes[kind], definitions->of[kind].bytes);
}

/* In the order in which they were made: what was kept comes in that in which it was changed.
 * Files come in that of their names, and stay so. */
static void insert(struct definition_list *list, struct definition *given)
{
    struct definition **at = &list->first;

    if (list->last != NULL &&
        (given->file.len > 0 || list->last->created_ms <= given->created_ms))
        at = &list->last->next;
    while (*at != NULL && (*at)->created_ms <= given->created_ms)
        at = &(*at)->next;
    given->next = *at;
    *at = given;
    if (given->next == NULL)
        list->last = given;
    list->n++;
    list->bytes += size_of(given);
    definition_index_add(list->index, given);
}

static void replace(struct definition_list *list, struct definition *given_old,
                    struct definition *given)
{
    struct definition **at = &list->first;

    while (*at != given_old)
        at = &(*at)->next;
    *at = given;
    given->next = given_old->next;
    if (list->last == given_old)
        list->last = given;
    list->bytes += size_of(given) - size_of(given_old);
    definition_index_remove(list->index, given_old);
    definition_index_add(list->index, given);
    free(given_old);
}

static void take_out(struct definition_list *list, struct definition *given)
{
    struct definition *before = NULL;

    for (struct definition *at = list->first; at != given; at = at->next)
        before = at;
    if (before != NULL)
        before->next = given->next;
    else
        list->first = given->next;
    if (list->last == given)
        list->last = before;
    list->n--;
    list->bytes -= size_of(given);
    definition_index_remove(list->index, given);
    free(given);
}

/* False without memory. */
static bool need_index(struct definition_list *list)
{
    if (list->index == NULL)
        list->index = calloc(1, sizeof *list->index);
    return list->index != NULL;
}

static enum definition_result put(struct definitions *definitions,
                                  const struct definition *from, struct definition **out)
{
    struct definition *old = definitions_find(definitions, from->kind, from->name);
    struct definition_list *list = &definitions->of[from->kind];
    size_t before = old != NULL ? size_of(old) : 0;

    if ((old == NULL && list->n == kinds[from->kind].most) ||
        list->bytes - before + size_of(from) > kinds[from->kind].most_bytes)
        return DEFINITION_FULL;
    struct definition *made = need_index(list) ? copy_of(from) : NULL;

    if (made == NULL)
        return DEFINITION_NO_MEMORY;
    if (old != NULL) {
        made->number = old->number;
        made->created_ms = old->created_ms;
        replace(list, old, made);
    } else {
        insert(list, made);
    }
    definitions->changes++;
    note(definitions, made->kind);
    *out = made;
    return DEFINITION_DONE;
}

/* ---- units ------------------------------------------------------------- */

/* A member that is a text; longer ones than units have are none. */
static struct slice text_member(struct slice body, const char *name, char room[UNIT_ROOM])
{
    struct slice value = json_view_member(body, name);

    return (struct slice){ room, value.len <= UNIT_ROOM ? json_view_text(value, room) : 0 };
}

static void tell_unit(const struct definition *definition, struct units *units,
                      void (*tell)(struct units *, struct slice, struct slice, struct slice))
{
    char unit[UNIT_ROOM], per[UNIT_ROOM];

    if (definition->kind == DEFINITION_METRIC && units != NULL)
        tell(units, definition->name, text_member(definition->body, "unit", unit),
             text_member(definition->body, "per_unit", per));
}

/* ---- kept -------------------------------------------------------------- */

/* "NUMBER CREATED_MS CHANGED_MS BODY", appended. */
static void write_text(struct bytes *out, const struct definition *definition)
{
    char head[96];
    int len = snprintf(head, sizeof head, "%" PRId64 " %" PRId64 " %" PRId64 " ",
                       definition->number, definition->created_ms, definition->changed_ms);

    bytes_add(out, head, (size_t)len);
    bytes_add(out, definition->body.at, definition->body.len);
}

static void tell_keeper(const struct definitions *definitions,
                        const struct definition *definition)
{
    struct bytes text = { 0 };

    if (definitions->keeper.keep == NULL)
        return;
    write_text(&text, definition);
    if (!text.failed)
        definitions->keeper.keep(definitions->keeper.self, kinds[definition->kind].word,
                                 definition->name, definition->changed_ms / 1000,
                                 bytes_view(&text));
    bytes_free(&text);
}

enum definition_result definitions_put(struct definitions *definitions,
                                       const struct definition *from, struct definition **out)
{
    enum definition_result result = put(definitions, from, out);

    if (result != DEFINITION_DONE)
        return result;
    tell_keeper(definitions, *out);
    tell_unit(*out, definitions->units, units_set);
    return result;
}

void definitions_drop(struct definitions *definitions, struct definition *given, int64_t now_ms)
{
    if (definitions->keeper.keep != NULL)
        definitions->keeper.keep(definitions->keeper.self, kinds[given->kind].word, given->name,
                                 now_ms / 1000, SLICE(""));
    enum definition_kind kind = given->kind;

    take_out(&definitions->of[kind], given);
    definitions->changes++;
    note(definitions, kind);
}

void definitions_keep_all(const struct definitions *definitions)
{
    for (int kind = 0; kind < DEFINITION_KIND_COUNT; kind++)
        for (const struct definition *at = definitions->of[kind].first; at != NULL;
             at = at->next)
            tell_keeper(definitions, at);
}

bool definitions_refresh(struct definitions *definitions)
{
    return definitions->keeper.give_back == NULL ||
           definitions->keeper.give_back(definitions->keeper.self, definitions);
}

static bool find_kind(struct slice word, enum definition_kind *out)
{
    for (int kind = 0; kind < DEFINITION_KIND_COUNT; kind++)
        if (slice_equal(word, slice_of(kinds[kind].word))) {
            *out = (enum definition_kind)kind;
            return true;
        }
    return false;
}

static bool read_kept(struct slice text, struct definition *out)
{
    struct json_fault fault;

    return number_int64(slice_cut(&text, ' '), &out->number) &&
           number_int64(slice_cut(&text, ' '), &out->created_ms) &&
           number_int64(slice_cut(&text, ' '), &out->changed_ms) &&
           json_view_check(text, KEPT_KEYS_MAX, &out->body, &fault) &&
           json_view_kind(out->body) == JSON_KIND_OBJECT;
}

void definitions_recall_unit(struct units *units, struct slice kind, struct slice name,
                             struct slice text)
{
    struct definition kept = { .name = name };

    if (find_kind(kind, &kept.kind) && kept.kind == DEFINITION_METRIC && read_kept(text, &kept))
        tell_unit(&kept, units, units_recall);
}

bool definitions_restore(struct definitions *definitions, struct slice kind, struct slice name,
                         struct slice text)
{
    struct definition kept = { .name = name };
    bool is_known = find_kind(kind, &kept.kind);

    if (!is_known && definitions->take_other != NULL) {
        definitions->take_other(definitions->other_argument, kind, name, text);
        return true;
    }
    if (!is_known || name.len == 0 || name.len > DEFINITION_NAME_MAX || !read_kept(text, &kept))
        return false;
    const struct definition *old = definitions_find(definitions, kept.kind, name);
    struct definition *made;

    return (old != NULL && old->changed_ms >= kept.changed_ms) ||
           put(definitions, &kept, &made) == DEFINITION_DONE;
}

/* ---- a successor takes over -------------------------------------------- */

static void write_list(const struct definition_list *list, struct state_writer *out)
{
    struct bytes text = { 0 };

    for (const struct definition *at = list->first; at != NULL; at = at->next) {
        bytes_clear(&text);
        write_text(&text, at);
        state_put_text(out, slice_of(kinds[at->kind].word));
        state_put_text(out, at->name);
        state_put_text(out, text.failed ? SLICE("") : bytes_view(&text));
    }
    bytes_free(&text);
}

void definitions_write(const struct definitions *definitions, struct state_writer *out)
{
    uint64_t n = 0;

    for (int kind = 0; kind < DEFINITION_KIND_COUNT; kind++)
        n += definitions->of[kind].n;
    state_put_number(out, n);
    for (int kind = 0; kind < DEFINITION_KIND_COUNT; kind++)
        write_list(&definitions->of[kind], out);
}

bool definitions_read(struct definitions *definitions, struct state_reader *in)
{
    bool good = true;

    for (size_t left = state_get_count(in, 3); left > 0 && !in->failed; left--) {
        struct slice kind = state_get_text(in), name = state_get_text(in);
        struct slice text = state_get_text(in);

        good = !in->failed && definitions_restore(definitions, kind, name, text) && good;
        definitions_recall_unit(definitions->units, kind, name, text);
    }
    return good && !in->failed;
}
