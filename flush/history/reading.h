/* flush/history/reading.h: what a question needs from the disk, on its way there and back.
 *
 *   flusher ── reading: who has that name? ───────────────►  history
 *   flusher ◄─ its answer: series under the store's ids ───  history
 *   flusher ── the same: what did these do? ──────────────►  history
 *   flusher ◄─ rows, by time; at last the end ─────────────  history
 *
 * or what it needs of events, which come a slice at a time.
 *
 * History reads in slices, and stays at most READING_AHEAD_BYTES ahead of the flusher, so a
 * question of any length takes a bounded amount of memory, and no slice holds the log of the
 * database for long.
 *
 * A reading is the flusher's or history's: it changes hands with each question and with the
 * last answer to it. Meanwhile the flusher may call it off. */
#ifndef FLUSH_HISTORY_READING_H
#define FLUSH_HISTORY_READING_H

#include "flush/history/event_scan.h"
#include "flush/history/store_place.h"
#include "flush/memory/mailbox.h"
#include "flush/rollups/past.h"

enum { READING_AHEAD_BYTES = 4 << 20, READING_PROBLEM_SIZE = 160 };

enum reading_asks { READING_SERIES, READING_WINDOWS, READING_EVENTS };

/* A series under the store's id, and its number in the rollups. */
struct reading_series {
    uint32_t id, number;
};

struct reading {
    union {
        struct letter letter;
        struct reading *next;
    };
    enum reading_asks asks;
    char *metric;
    size_t metric_len;
    struct reading_series *wanted; /* ascending by id, n_wanted of them */
    size_t n_wanted;
    struct past_range range;   /* without what it views */
    struct event_scan *events; /* of READING_EVENTS, which is all that it asks then; owned */

    _Atomic(bool) called_off; /* by the flusher */
    _Atomic(size_t) ahead;    /* bytes of rows that were sent and are not taken */

    /* History's: where it goes on. */
    struct store_place place;
    uint32_t after_id; /* of the series */
    struct bytes told;

    struct reading_answer *last; /* the last answer, which is there whatever happens */
    void *owner;                 /* the flusher's */
    bool overdue;                /* the same: nobody waited for it any longer */
};

/* Asks for the series of that name. NULL without memory. */
struct reading *reading_new(struct slice metric);

/* Asks for events. NULL without memory. */
struct reading *reading_new_of_events(const struct past_events *wanted);
void reading_free(struct reading *given);
void reading_free_all(struct reading *given); /* a list; NULL is fine */

enum reading_result { READING_SOME, READING_ALL, READING_BROKEN };

/* An answer: rows, or the last one. Owned by whoever has it. */
struct reading_answer {
    union {
        struct letter letter;
        struct reading_answer *next;
    };
    struct reading *of;
    enum reading_result result; /* but for READING_SOME the reading comes back with it */
    char problem[READING_PROBLEM_SIZE]; /* of READING_BROKEN */
    struct bytes told;                  /* of series: flush/history/told.h, by id; of events:
                                           flush/history/event_scan.h */
    size_t size;
    struct past_row row; /* of windows; what it views is owned. n is 0: none */
    uint32_t *series;
    double *columns[WINDOW_COLUMNS];
    struct slice *objects;
    unsigned char *object_bytes;
};

void reading_answer_free(struct reading_answer *given);

/* The same of a list, with the readings that come back with them: whoever asked is gone. */
void reading_answer_free_all(struct reading_answer *given);

/* ---- on the thread of the store ---------------------------------------- */

/* Reads a slice, and pushes what it read. False: it has come to its end, and is given back
 * with the last answer. With a store that is not open (NULL), or that cannot be read (*result
 * says how), that is a sentence. */
bool reading_step(struct reading *reading, struct store *store, struct mailbox *to,
                  int *result);

/* Whether it may read on: the flusher is not too far behind. */
bool reading_may_go_on(const struct reading *reading);

#endif
