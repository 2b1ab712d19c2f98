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

static const char *const words[] = {
#define WORD(id, word) [id] = (word),
    DEFINITION_KINDS(WORD)
#undef WORD
};

/* ---- one --------------------------------------------------------------- */

static size_t size_of(const struct definition *definition)
{
    return HEAD_BYTES + definition->name.len + definition->file.len + definition->body.len;
}

static struct slice copy_to(char **at, struct slice text)
{
    struct slice copy = { *at, text.len };

    if (text.len > 0)
        memcpy(*at, text.at, text.len);
    *at += text.len;
    return copy;
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
    copy->name = copy_to(&at, from->name);
    copy->file = copy_to(&at, from->file);
    copy->body = copy_to(&at, from->body);
    return copy;
}

/* ---- all --------------------------------------------------------------- */

void definitions_free(struct definitions *given)
{
    struct definition *next;

    for (struct definition *at = given->first; at != NULL; at = next) {
        next = at->next;
        free(at);
    }
    *given = (struct definitions){ .first = NULL };
}

struct definition *definitions_find(const struct definitions *definitions,
                                    enum definition_kind kind, struct slice name)
{
    struct definition *at = definitions->first;

    while (at != NULL && !(at->kind == kind && slice_equal(at->name, name)))
        at = at->next;
    return at;
}

struct definition *definitions_find_number(const struct definitions *definitions,
                                           enum definition_kind kind, int64_t number)
{
    struct definition *at = definitions->first;

    while (at != NULL && !(at->kind == kind && at->number == number && number != 0))
        at = at->next;
    return at;
}

struct definition *definitions_next(const struct definitions *definitions,
                                    enum definition_kind kind, const struct definition *after)
{
    struct definition *at = after != NULL ? after->next : definitions->first;

    while (at != NULL && at->kind != kind)
        at = at->next;
    return at;
}

/* Who points to it, or to the end. */
static struct definition **place_of(struct definitions *definitions,
                                    const struct definition *definition)
{
    struct definition **at = &definitions->first;

    while (*at != NULL && *at != definition)
        at = &(*at)->next;
    return at;
}

static void find_last(struct definitions *definitions)
{
    struct definition *at = definitions->first;

    while (at != NULL && at->next != NULL)
        at = at->next;
    definitions->last = at;
}

/* In the place of the old one; NULL: behind all. */
static void link_in(struct definitions *definitions, struct definition *given_old,
                    struct definition *given)
{
    struct definition **at = place_of(definitions, given_old);

    given->next = given_old != NULL ? given_old->next : NULL;
    *at = given;
    definitions->n += given_old == NULL;
    definitions->bytes += size_of(given) - (given_old != NULL ? size_of(given_old) : 0);
    free(given_old);
    find_last(definitions);
}

static enum definition_result put(struct definitions *definitions,
                                  const struct definition *from, struct definition **out)
{
    struct definition *old = definitions_find(definitions, from->kind, from->name);
    size_t before = old != NULL ? size_of(old) : 0;

    if ((old == NULL && definitions->n == DEFINITIONS_MAX) ||
        definitions->bytes - before + size_of(from) > DEFINITIONS_BYTES)
        return DEFINITION_FULL;
    struct definition *made = copy_of(from);

    if (made == NULL)
        return DEFINITION_NO_MEMORY;
    if (old != NULL) {
        made->number = old->number;
        made->created_ms = old->created_ms;
    }
    link_in(definitions, old, made);
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

/* "NUMBER CREATED_MS CHANGED_MS BODY". */
static void tell_keeper(const struct definitions *definitions,
                        const struct definition *definition)
{
    struct bytes text = { 0 };
    char head[96];

    if (definitions->keeper.keep == NULL)
        return;
    int len = snprintf(head, sizeof head, "%" PRId64 " %" PRId64 " %" PRId64 " ",
                       definition->number, definition->created_ms, definition->changed_ms);

    bytes_add(&text, head, (size_t)len);
    bytes_add(&text, definition->body.at, definition->body.len);
    if (!text.failed)
        definitions->keeper.keep(definitions->keeper.self, words[definition->kind],
                                 definition->name, definition->changed_ms / 1000,
                                 (struct slice){ (const char *)text.at, text.len });
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
        definitions->keeper.keep(definitions->keeper.self, words[given->kind], given->name,
                                 now_ms / 1000, SLICE(""));
    *place_of(definitions, given) = given->next;
    definitions->n--;
    definitions->bytes -= size_of(given);
    free(given);
    find_last(definitions);
}

void definitions_refresh(struct definitions *definitions)
{
    if (definitions->keeper.give_back != NULL)
        definitions->keeper.give_back(definitions->keeper.self, definitions);
}

static bool find_kind(struct slice word, enum definition_kind *out)
{
    for (int kind = 0; kind < DEFINITION_KIND_COUNT; kind++)
        if (slice_equal(word, slice_of(words[kind]))) {
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

    if (!find_kind(kind, &kept.kind) || name.len == 0 || name.len > DEFINITION_NAME_MAX ||
        !read_kept(text, &kept))
        return false;
    const struct definition *old = definitions_find(definitions, kept.kind, name);
    struct definition *made;

    return (old != NULL && old->changed_ms >= kept.changed_ms) ||
           put(definitions, &kept, &made) == DEFINITION_DONE;
}
