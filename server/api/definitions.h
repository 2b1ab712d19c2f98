/* server/api/definitions.h: what was defined by API: dashboards, monitors, downtimes, and what
 * is known about metrics. Those of files are kept in one of their own.
 *
 *   kind + name  ->  a definition: its number, its times and its JSON, as they came
 *
 * It lives in memory, and works without a disk. Whoever keeps definitions for longer is told of
 * each change (struct definition_keeper), and asked for what it has kept from before; that may
 * come late, for what is newer stays.
 *
 * Each kind has a bound of its own, so that a script that describes thousands of metrics leaves
 * no dashboard without a place. Nothing is taken until the first one comes. One thread at a
 * time (server/api/api.h). */
#ifndef SERVER_API_DEFINITIONS_H
#define SERVER_API_DEFINITIONS_H

#include <stdint.h>

#include "config/must_check.h"
#include "flush/memory/bytes.h"
#include "flush/memory/state.h"
#include "flush/parcels/ledger.h"
#include "protocol/slice.h"
#include "server/api/definition.h"
#include "server/api/definition_index.h"

const char *definition_word(enum definition_kind kind);
size_t definitions_most(enum definition_kind kind);
size_t definitions_most_bytes(enum definition_kind kind);

/* Gauges, written by who has the definitions. */
struct definitions_ledger {
    struct counter n[DEFINITION_KIND_COUNT], bytes[DEFINITION_KIND_COUNT];
};

struct definitions;

/* Keeps definitions for longer. */
struct definition_keeper {
    /* The definition has changed; an empty text: it is gone. The text is a view, and all that
     * definitions_restore() needs. */
    void (*keep)(void *self, const char *kind, struct slice name, int64_t changed_s,
                 struct slice text);

    /* Restores what has been read since the last time. False: it is still reading, so that
     * what is not there yet may come. */
    bool (*give_back)(void *self, struct definitions *to);
    bool has_inherited; /* what was inherited is kept already */
    void *self;
};

/* Told of the unit of each metric that somebody writes about (flush/rollups/units.h). */
struct units;

struct definitions {
    struct definition_list {
        struct definition *first, *last;
        struct definition_index *index; /* NULL: nothing was there yet */
        size_t n, bytes;
    } of[DEFINITION_KIND_COUNT];
    uint64_t changes;                  /* how many there were, for who follows them */
    struct definition_keeper keeper;   /* keep is NULL: nobody */
    struct definitions_ledger *ledger; /* or NULL */
    struct units *units;               /* or NULL */
    /* Told of what is kept beside definitions; NULL: such a thing is damage. */
    void (*take_other)(void *argument, struct slice kind, struct slice name, struct slice text);
    void *other_argument;
};

/* Takes up what the keeper has read. To be called before anything is looked for. False: what
 * was kept is not all there yet. */
MUST_CHECK bool definitions_refresh(struct definitions *definitions);

/* { 0 } is empty. */
void definitions_free(struct definitions *given);

enum definition_result { DEFINITION_DONE, DEFINITION_FULL, DEFINITION_NO_MEMORY };

/* Puts it in the place of the one of that name, which keeps its number and the time at which it
 * was made; or makes it. All is copied, and may be views of the former. *out: a view of it. */
MUST_CHECK enum definition_result definitions_put(struct definitions *definitions,
                                                  const struct definition *from,
                                                  struct definition **out);

/* NULL: there is none. Views until the next change. */
struct definition *definitions_find(const struct definitions *definitions,
                                    enum definition_kind kind, struct slice name);
struct definition *definitions_find_number(const struct definitions *definitions,
                                           enum definition_kind kind, int64_t number);

/* The next of that kind behind `after`; NULL: from the first on. */
struct definition *definitions_next(const struct definitions *definitions,
                                    enum definition_kind kind, const struct definition *after);

void definitions_drop(struct definitions *definitions, struct definition *given,
                      int64_t now_ms);

/* The units of a metric whose definition was kept, for who answers before anybody asks for the
 * definition; from any thread. What is none says nothing. */
void definitions_recall_unit(struct units *units, struct slice kind, struct slice name,
                             struct slice text);

/* Tells the keeper of all of them once more. */
void definitions_keep_all(const struct definitions *definitions);

/* What was kept of one. False: it is damaged, of a kind that is not known, or there is no room.
 * The keeper is not told. */
MUST_CHECK bool definitions_restore(struct definitions *definitions, struct slice kind,
                                    struct slice name, struct slice text);

/* ---- a successor takes over -------------------------------------------- */

/* All of them. */
void definitions_write(const struct definitions *definitions, struct state_writer *out);

/* What was written, as far as there is room; newer ones stay. False: it is damaged. */
MUST_CHECK bool definitions_read(struct definitions *definitions, struct state_reader *in);

#endif
