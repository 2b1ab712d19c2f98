/* flush/history/store.h: series and their windows in the database: put, found, read, dropped.
 *
 *   store_begin   [ store_series ... store_put_window ... ]   store_commit
 *   store_read    -> store_next, ... -> store_end
 *
 * A series has an id for as long as a window names it. A window may have several parts, each
 * with the stamps of its first and its last snapshot: they lie beside each other and readers
 * add them up. A part that covers another one's time replaces it, if both have one writer, so
 * to put the same twice changes nothing.
 *
 * Functions that say so return a result of SQLite (flush/history/sql.h); SQLITE_CORRUPT also
 * when bytes of ours are damaged. One thread, that of the database. */
#ifndef FLUSH_HISTORY_STORE_H
#define FLUSH_HISTORY_STORE_H

#include "flush/history/database.h"
#include "flush/history/packed.h"

#define STORE_STATEMENTS(X)                                                                   \
    X(STORE_BEGIN, "BEGIN IMMEDIATE")                                                         \
    X(STORE_COMMIT, "COMMIT")                                                                 \
    X(STORE_ROLLBACK, "ROLLBACK")                                                             \
    X(STORE_FIND_METRIC, "SELECT id FROM metrics WHERE name = ?1")                            \
    X(STORE_ADD_METRIC, "INSERT INTO metrics(name) VALUES(?1)")                               \
    X(STORE_FIND_SERIES, "SELECT id FROM series WHERE hash = ?1 AND metric = ?2"              \
                         " AND kind = ?3 AND host = ?4 AND tags = ?5")                        \
    X(STORE_ADD_SERIES, "INSERT INTO series(hash, metric, kind, host, tags, unit, last_s)"    \
                        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                \
    X(STORE_TOUCH_SERIES, "UPDATE series SET last_s = ?2 WHERE id = ?1 AND last_s < ?2")      \
    X(STORE_DROP_PARTS, "DELETE FROM windows WHERE step_s = ?1 AND start_s = ?2"              \
                        " AND first_s >= ?3 AND last_s <= ?4 AND writer = ?5")                \
    X(STORE_ADD_ROW,                                                                          \
      "INSERT INTO windows(step_s, start_s, first_s, last_s, writer, low, high, cells,"       \
      " ids, sums, counts, minima, maxima, lasts, objects)"                                   \
      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)")            \
    X(STORE_READ, "SELECT start_s, first_s, last_s, cells, ids, iif(?6 & 1, sums, NULL),"     \
                  " iif(?6 & 2, counts, NULL), iif(?6 & 4, minima, NULL),"                    \
                  " iif(?6 & 8, maxima, NULL), iif(?6 & 16, lasts, NULL),"                    \
                  " iif(?6 & 32, objects, NULL), low, writer"                                 \
                  " FROM windows WHERE step_s = ?1 AND start_s >= ?2 AND start_s < ?3"        \
                  " AND low <= ?5 AND high >= ?4 ORDER BY start_s, first_s, writer, low")     \
    X(STORE_SERIES_OF, "SELECT id, kind, unit, host, tags FROM series WHERE metric ="         \
                       " (SELECT id FROM metrics WHERE name = ?1) AND id > ?2 ORDER BY id")   \
    X(STORE_FIRST, "SELECT min(first_s) FROM windows WHERE step_s = ?1 AND start_s ="         \
                   " (SELECT min(start_s) FROM windows WHERE step_s = ?1)")                   \
    X(STORE_SERIES, "SELECT kind, unit, host, tags, (SELECT name FROM metrics"                \
                    " WHERE metrics.id = metric) FROM series WHERE id = ?1")                  \
    X(STORE_SERIES_COUNT, "SELECT count(*) FROM series WHERE id >= ?1")                       \
    X(STORE_KIND, "SELECT kind FROM series WHERE id = ?1")                                    \
    X(STORE_NEXT_START, "SELECT min(start_s) FROM windows WHERE step_s = ?1"                  \
                        " AND start_s >= ?2")                                                 \
    X(STORE_NEWEST, "SELECT max(last_s) FROM windows WHERE step_s = ?1")                      \
    X(STORE_NEWEST_OF, "SELECT max(start_s) FROM windows WHERE step_s = ?1 AND writer = ?2")  \
    X(STORE_LAST_WRITER, "SELECT writer FROM windows WHERE id > ?1 ORDER BY id DESC LIMIT 1") \
    X(STORE_OLDEST, "SELECT min(start_s) FROM windows WHERE step_s = ?1")                     \
    X(STORE_NEXT_STEP, "SELECT min(step_s) FROM windows WHERE step_s > ?1")                   \
    X(STORE_CELLS, "SELECT total(cells) FROM windows WHERE step_s = ?1")                      \
    X(STORE_PUT_DEFINITION, "INSERT OR REPLACE INTO definitions(kind, name, changed_s, body)" \
                            " VALUES(?1, ?2, ?3, ?4)")                                        \
    X(STORE_DROP_DEFINITION, "DELETE FROM definitions WHERE kind = ?1 AND name = ?2")         \
    X(STORE_DEFINITIONS, "SELECT kind, name, changed_s, body FROM definitions"                \
                         " ORDER BY changed_s")                                               \
    X(STORE_ADD_EVENT, "INSERT INTO events(time_s, body) VALUES(?1, ?2)")                     \
    X(STORE_PUT_CHECK, "INSERT OR REPLACE INTO checks(time_s, body, identity)"                \
                       " VALUES(?1, ?2, ?3)")                                                 \
    X(STORE_EVENTS, "SELECT time_s, body FROM events ORDER BY id DESC LIMIT ?1")              \
    X(STORE_EVENTS_BEFORE, "SELECT id, body FROM events WHERE id < ?1"                        \
                           " ORDER BY id DESC LIMIT ?2")                                      \
    X(STORE_CHECKS, "SELECT time_s, body FROM checks ORDER BY time_s DESC LIMIT ?1")          \
    X(STORE_DEFINITION_COUNT, "SELECT count(*) FROM definitions WHERE changed_s >= ?1")       \
    X(STORE_EVENT_COUNT, "SELECT count(*) FROM events WHERE time_s >= ?1")                    \
    X(STORE_CHECK_COUNT, "SELECT count(*) FROM checks WHERE time_s >= ?1")                    \
    X(STORE_EVENT_BYTES, "SELECT total(length(body)) FROM events WHERE id >= ?1")             \
    X(STORE_CHECK_BYTES, "SELECT total(length(body) + length(identity)) FROM checks"          \
                         " WHERE time_s >= ?1")                                               \
    X(STORE_EXPIRE_EVENTS, "DELETE FROM events WHERE id IN (SELECT id FROM events"            \
                           " WHERE time_s < ?1 LIMIT ?2)")                                    \
    X(STORE_EXPIRE_CHECKS, "DELETE FROM checks WHERE identity IN (SELECT identity"            \
                           " FROM checks WHERE time_s < ?1 LIMIT ?2)")                        \
    X(STORE_DROP_EVENTS, "DELETE FROM events WHERE id IN (SELECT id FROM events"              \
                         " ORDER BY id LIMIT ?1)")                                            \
    X(STORE_DROP_CHECKS, "DELETE FROM checks WHERE identity IN (SELECT identity"              \
                         " FROM checks ORDER BY time_s LIMIT ?1)")                            \
    X(STORE_DROP_ROWS, "DELETE FROM windows WHERE id IN (SELECT id FROM windows"              \
                       " WHERE step_s = ?1 AND start_s < ?2 ORDER BY start_s LIMIT ?3)"       \
                       " RETURNING cells")                                                    \
    X(STORE_DROP_SERIES, "DELETE FROM series WHERE id IN (SELECT id FROM series"              \
                         " WHERE last_s < ?1 LIMIT ?2)")                                      \
    X(STORE_DROP_METRICS, "DELETE FROM metrics WHERE about IS NULL AND NOT EXISTS"            \
                          " (SELECT 1 FROM series WHERE series.metric = metrics.id)")

#define STORE_ENUM(id, sql) id,
enum store_statement { STORE_STATEMENTS(STORE_ENUM) STORE_STATEMENT_COUNT };
#undef STORE_ENUM

/* A process writes under a number that is a multiple of STORE_WRITERS, and higher than any that
 * somebody had before it, whatever the clock says: what it makes up for those before it
 * (flush/history/remake.h) under the number before that, what came late under the one before
 * that one. */
enum { STORE_WRITERS = 4 };

static inline int64_t store_writer_for_others(int64_t writer)
{
    return writer - 1;
}

static inline int64_t store_writer_for_late(int64_t writer)
{
    return writer - 2;
}

static inline bool store_is_late(int64_t writer)
{
    return (writer & (STORE_WRITERS - 1)) == STORE_WRITERS - 2;
}

/* The process that has the number. */
static inline int64_t store_process(int64_t writer)
{
    return (writer + STORE_WRITERS - 1) & -(int64_t)STORE_WRITERS;
}

/* Whether both are numbers of one process, of which the first is that of what came late. */
static inline bool store_is_late_of(int64_t late, int64_t writer)
{
    return writer == late || store_writer_for_late(writer) == late;
}

struct store {
    struct database database;
    int64_t writer; /* of the parts that are put; they replace none of another's */
    sqlite3_stmt *statements[STORE_STATEMENT_COUNT]; /* prepared when they are first used */
    struct packed packed;
    struct bytes tags; /* packed, of the series that is looked for */
};

/* As database_open(). */
MUST_CHECK enum database_state store_open(struct store *store, const char *folder);
void store_close(struct store *given);

/* As database_open_to_read(): only what reads may be called. */
MUST_CHECK enum database_state store_open_to_read(struct store *store, const char *folder);

/* The file cannot be read: as database_begin_anew(). Ids mean nothing any more. */
MUST_CHECK enum database_state store_begin_anew(struct store *store);

/* ---- writing ----------------------------------------------------------- */

MUST_CHECK int store_begin(struct store *store);
MUST_CHECK int store_commit(struct store *store);
void store_roll_back(struct store *store);

/* Views. */
struct store_series {
    struct slice name, host;
    const struct slice *tags; /* sorted, unique */
    size_t n_tags;
    uint8_t kind, unit; /* enum cell_kind, enum metric_unit */
};

/* Finds the series, or adds it. A result. */
MUST_CHECK int store_series(struct store *store, const struct store_series *series,
                            int64_t now_s, uint32_t *id);

/* It had a value then. A result. */
MUST_CHECK int store_touch_series(struct store *store, uint32_t id, int64_t now_s);

struct store_part {
    int64_t step_s, start_s;
    int64_t first_s, last_s; /* stamps of the first and the last snapshot in it */
};

/* Puts a part of a window in place of those that lie in it; the cells ascending by id, n of
 * them, perhaps none. A result. */
MUST_CHECK int store_put_window(struct store *store, const struct store_part *part,
                                const struct packed_cell *cells, size_t n);

/* ---- reading ----------------------------------------------------------- */

/* Which windows of a level, of which series, and what of them: only that is read from the
 * disk. */
struct store_range {
    int64_t step_s, from_s, to_s; /* windows that start in [from_s, to_s) */
    uint32_t low, high;           /* ids */
    unsigned what;                /* a bit for each enum window_column; STORE_OBJECTS */
};

enum { STORE_OBJECTS = 1 << WINDOW_COLUMNS, STORE_ALL = 2 * STORE_OBJECTS - 1 };

/* Begins to read, by time. A result. */
MUST_CHECK int store_read(struct store *store, const struct store_range *range);

/* A row; views, good until the next call. What was not asked for is empty, and not every series
 * in it is one of those. */
struct store_row {
    struct store_part part; /* its step_s is 0 */
    int64_t writer;
    uint32_t low; /* its first id; rows come by part, then by writer, then by this */
    uint32_t n;
    struct slice ids, columns[WINDOW_COLUMNS], objects;
};

/* SQLITE_ROW; SQLITE_DONE at the end, or a result. */
MUST_CHECK int store_next(struct store *store, struct store_row *out);

/* Ends the reading, at any row: as long as it goes on, the log beside the file grows. */
void store_end(struct store *store);

/* Begins to read who has that name (a view until the end), ascending by id from behind that
 * one on. A result. */
MUST_CHECK int store_read_series(struct store *store, struct slice name, uint32_t after_id);

enum { STORE_TAGS_MAX = 256 }; /* more than a series has */

/* A series; views, good until the next call, without its name. */
struct store_found {
    uint32_t id;
    struct store_series series;
    struct slice tags[STORE_TAGS_MAX];
};

/* SQLITE_ROW; SQLITE_DONE at the end, or a result. */
MUST_CHECK int store_next_series(struct store *store, struct store_found *out);
void store_end_series(struct store *store);

/* The series of that id, views until the next call of this. A result; SQLITE_DONE: there is
 * none. */
MUST_CHECK int store_find_id(struct store *store, uint32_t id, struct store_found *out);

/* Ends these views: until then it is as if somebody read rows. */
void store_end_find(struct store *store);

/* The last stamp, and the stamp of the first snapshot and the start of the oldest window, of a
 * level; 0: there is none. Results. */
MUST_CHECK int store_newest(struct store *store, int64_t step_s, int64_t *last_s);
MUST_CHECK int store_first(struct store *store, int64_t step_s, int64_t *first_s);
MUST_CHECK int store_oldest(struct store *store, int64_t step_s, int64_t *start_s);

/* The process that wrote last; 0: none has. A result. */
MUST_CHECK int store_last_process(struct store *store, int64_t *process);

/* The start of the newest window of a level that has a part of that process; 0: there is none.
 * A result. */
MUST_CHECK int store_newest_of(struct store *store, int64_t step_s, int64_t process,
                               int64_t *start_s);

/* The start of the first window at that time or later; 0: there is none. A result. */
MUST_CHECK int store_next_start(struct store *store, int64_t step_s, int64_t from_s,
                                int64_t *start_s);

/* How many series there are. A result. */
MUST_CHECK int store_series_count(struct store *store, uint64_t *n);

/* The kind of a series (enum cell_kind). A result; SQLITE_CORRUPT if there is none. */
MUST_CHECK int store_kind(struct store *store, uint32_t id, uint8_t *kind);

/* The next coarser step of which there are windows; 0: there is none. A result. */
MUST_CHECK int store_next_step(struct store *store, int64_t step_s, int64_t *next_s);

/* How many values the windows of a level hold. A result. */
MUST_CHECK int store_cells(struct store *store, int64_t step_s, uint64_t *cells);

/* ---- definitions ------------------------------------------------------- */

/* What was made by the API. Views. */
struct store_definition {
    struct slice kind, name;
    int64_t changed_s;
    struct slice text; /* empty: it is gone */
};

/* A result. */
MUST_CHECK int store_put_definition(struct store *store, const struct store_definition *put);

/* Begins to read all of them, a row a call (SQLITE_ROW; SQLITE_DONE at the end), and ends. */
MUST_CHECK int store_read_definitions(struct store *store);
MUST_CHECK int store_next_definition(struct store *store, struct store_definition *out);
void store_end_definitions(struct store *store);

/* How many there are. A result. */
MUST_CHECK int store_count_definitions(struct store *store, uint64_t *n);

/* ---- events, and the last status of each check ------------------------- */

enum store_record { STORE_RECORD_EVENT, STORE_RECORD_CHECK };

/* When it came, and what it says. A check's status takes the place of the last one of that
 * identity. Results. */
MUST_CHECK int store_put_event(struct store *store, int64_t time_s, struct slice body);
MUST_CHECK int store_put_check(struct store *store, int64_t time_s, struct slice identity,
                               struct slice body);

/* Begins to read the newest of them, up to so many; then one a call (SQLITE_ROW; SQLITE_DONE at
 * the end; a view until the next), and ends. */
MUST_CHECK int store_read_records(struct store *store, enum store_record of, size_t most);
MUST_CHECK int store_next_record(struct store *store, enum store_record of, int64_t *time_s,
                                 struct slice *body);
void store_end_records(struct store *store, enum store_record of);

/* The same of events that were put before that one (INT64_MAX: of all), each with its number,
 * which is higher the later it was put. */
MUST_CHECK int store_read_events(struct store *store, int64_t before, size_t most);
MUST_CHECK int store_next_event(struct store *store, int64_t *number, struct slice *body);
void store_end_events(struct store *store);

/* How many there are. A result. */
MUST_CHECK int store_count_records(struct store *store, enum store_record of, uint64_t *n);

struct store_record_bounds {
    int64_t before_s; /* what came before goes */
    uint64_t most, most_bytes;
};

/* Drops a bounded piece of what is too old or too much, the oldest first, and adds to *dropped
 * how many. A result. */
MUST_CHECK int store_drop_records(struct store *store, enum store_record of,
                                  const struct store_record_bounds *bounds, uint64_t *dropped);

/* ---- dropping ---------------------------------------------------------- */

struct store_dropped {
    uint64_t rows, cells;
};

/* Drops up to max_rows rows of windows that start before that time, the oldest first, and
 * counts them. A result. */
MUST_CHECK int store_drop_windows(struct store *store, int64_t step_s, int64_t before_s,
                                  uint64_t max_rows, struct store_dropped *dropped);

/* Forgets up to max series without a value since then, which no window may name any more, and
 * names of metrics that no series has and nothing is known about. A result. */
MUST_CHECK int store_drop_series(struct store *store, int64_t before_s, uint64_t max);

/* What the file takes, without what is free in it; and what is free. A result. */
MUST_CHECK int store_size(struct store *store, uint64_t *used, uint64_t *free);

/* Gives up to so many bytes of what is free back to the disk. A result. */
MUST_CHECK int store_shrink(struct store *store, uint64_t bytes);

#endif
