/* server/commands/expect_seen.h: all that a private server would have sent, remembered.
 *
 *   each interval's series, events, checks -> the same series of all intervals as one item
 *
 * An observer: while the server runs it belongs to the flusher's thread, and afterwards to
 * whoever has it. Of a series counts are added up, of a gauge the newest value stays, and what
 * has objects (flush/values/object.h) is merged, so an item says what one long interval would
 * have said. Bounded in items and bytes; what has no room is counted. */
#ifndef SERVER_COMMANDS_EXPECT_SEEN_H
#define SERVER_COMMANDS_EXPECT_SEEN_H

#include <stdio.h>

#include "flush/memory/arena.h"
#include "flush/snapshots/observer.h"
#include "flush/values/cell_kind.h"
#include "server/commands/expect_file.h"

enum { SEEN_MAX = 100000, SEEN_EXACT_VALUES = 1 << 20 };

struct seen_item {
    enum expect_kind kind;
    struct slice fields[FIELD_COUNT]; /* in the arena, or static; empty: there is none */
    const struct slice *tags;         /* sorted */
    size_t n_tags;
    enum cell_kind cell; /* of a series, as all that follows */
    int64_t newest_ms;
    double number;
    void *object; /* NULL: the cell is a number */
};

struct expect_seen;

/* The host name is that of the server, which says nothing about a sender; a view. NULL without
 * memory. */
struct expect_seen *expect_seen_new(const char *hostname);
void expect_seen_free(struct expect_seen *given);

/* It stays the caller's. */
struct observer expect_seen_observer(struct expect_seen *seen);

size_t expect_seen_count(const struct expect_seen *seen);
struct seen_item *expect_seen_at(struct expect_seen *seen, size_t i);
uint64_t expect_seen_left_out(const struct expect_seen *seen);

/* For what is merged while looking: an arena of the same budget. */
struct arena *expect_seen_scratch(struct expect_seen *seen);

/* An item's object, or several merged, as numbers. */
struct object_summary expect_seen_summary(enum cell_kind cell, const void *object);

/* By kind, name and tags; numbers of before mean other items then. */
void expect_seen_sort(struct expect_seen *seen);

/* "shop.orders  count  value 3  env:test,route:/pay", as a terminal may get it. */
void expect_seen_put(FILE *out, const struct seen_item *item);

#endif
