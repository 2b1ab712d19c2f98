/* heeler history: what is kept on disk, beside a running server too. It only reads, in short
 * transactions, so that the server's log does not grow meanwhile; and it waits for nobody who
 * reads what it writes while it is in one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config/shown.h"
#include "flush/history/schema.h"
#include "flush/history/sql.h"
#include "flush/history/store_place.h"
#include "flush/memory/json_out.h"
#include "flush/values/cell_kind.h"
#include "server/commands/commands.h"

enum { ROWS_A_SLICE = 64, TIME_SIZE = 32 };

static int complain(const char *what, const char *why)
{
    return command_complain("history", what, why, EXIT_SYSTEM);
}

static int complain_of(const struct store *store, int result)
{
    return complain(store->database.path, sqlite3_errstr(result));
}

/* ---- all rows ---------------------------------------------------------- */

/* What is done with each row, and behind some of them, outside of the transaction; results. */
struct row_act {
    int (*see)(struct store *store, int64_t step_s, const struct store_row *row,
               void *argument);
    int (*go_on)(void *argument); /* or NULL */
    void *argument;
};

static int read_slice(struct store *store, int64_t step_s, struct store_place *place,
                      const struct row_act *act, bool *all)
{
    struct store_range range = { step_s, place->start_s, INT64_MAX, 0, UINT32_MAX, STORE_ALL };
    struct store_row row;
    int result = store_read(store, &range), acted = SQLITE_OK;

    for (int n = 0; result == SQLITE_OK && acted == SQLITE_OK && n < ROWS_A_SLICE;) {
        int next = store_next(store, &row);

        if (next != SQLITE_ROW) {
            *all = next == SQLITE_DONE;
            result = *all ? SQLITE_OK : next;
            break;
        }
        if (store_place_passed(place, &row))
            continue;
        acted = act->see(store, step_s, &row, act->argument);
        store_place_pass(place, &row);
        n++;
    }
    store_end(store);
    if (acted != SQLITE_OK || result != SQLITE_OK || act->go_on == NULL)
        return acted != SQLITE_OK ? acted : result;
    return act->go_on(act->argument);
}

static int read_all(struct store *store, const struct row_act *act)
{
    int64_t step_s = 0;
    int result = store_next_step(store, 0, &step_s);

    while (result == SQLITE_OK && step_s > 0) {
        struct store_place place = { .begun = false };
        bool all = false;

        while (result == SQLITE_OK && !all)
            result = read_slice(store, step_s, &place, act, &all);
        if (result == SQLITE_OK)
            result = store_next_step(store, step_s, &step_s);
    }
    return result;
}

/* ---- info -------------------------------------------------------------- */

static void write_time(int64_t time_s, char out[TIME_SIZE])
{
    time_t time = (time_t)time_s;
    struct tm utc;

    if (gmtime_r(&time, &utc) == NULL || strftime(out, TIME_SIZE, "%F %T", &utc) == 0)
        snprintf(out, TIME_SIZE, "%lld", (long long)time_s);
}

static int show_level(struct store *store, int64_t step_s)
{
    char from[TIME_SIZE], to[TIME_SIZE];
    int64_t first_s, last_s;
    uint64_t cells;
    int result = store_first(store, step_s, &first_s);

    if (result == SQLITE_OK)
        result = store_newest(store, step_s, &last_s);
    if (result == SQLITE_OK)
        result = store_cells(store, step_s, &cells);
    if (result != SQLITE_OK)
        return result;
    write_time(first_s, from);
    write_time(last_s, to);
    printf("%6lld s  %s to %s UTC, %llu values\n", (long long)step_s, from, to,
           (unsigned long long)cells);
    return SQLITE_OK;
}

static int show_notes(struct store *store)
{
    uint64_t events, checks, definitions;
    int result = store_count_records(store, STORE_RECORD_EVENT, &events);

    if (result == SQLITE_OK)
        result = store_count_records(store, STORE_RECORD_CHECK, &checks);
    if (result == SQLITE_OK)
        result = store_count_definitions(store, &definitions);
    if (result == SQLITE_OK)
        printf("%llu events, %llu checks, %llu definitions\n", (unsigned long long)events,
               (unsigned long long)checks, (unsigned long long)definitions);
    return result;
}

static int show(struct store *store)
{
    uint64_t used, free, series;
    int64_t step_s = 0;
    int result = store_size(store, &used, &free);

    if (result == SQLITE_OK)
        result = store_series_count(store, &series);
    if (result != SQLITE_OK)
        return result;
    shown_put_text(stdout, store->database.path);
    printf("\nversion %d, %llu bytes and %llu free, %llu series\n", schema.n,
           (unsigned long long)used, (unsigned long long)free, (unsigned long long)series);
    result = show_notes(store);
    if (result == SQLITE_OK)
        result = store_next_step(store, 0, &step_s);
    while (result == SQLITE_OK && step_s > 0) {
        result = show_level(store, step_s);
        if (result == SQLITE_OK)
            result = store_next_step(store, step_s, &step_s);
    }
    return result;
}

static int info(struct store *store)
{
    int result = show(store);

    return result == SQLITE_OK ? EXIT_OK : complain_of(store, result);
}

/* ---- check ------------------------------------------------------------- */

struct row_values {
    uint32_t ids[PACKED_SERIES_MAX];
    double columns[WINDOW_COLUMNS][PACKED_SERIES_MAX];
    struct slice objects[PACKED_SERIES_MAX];
};

/* False: it is damaged. */
static bool unpack(const struct store_row *row, struct row_values *out)
{
    struct slice rest = row->objects;
    struct packed_object object;
    uint32_t next_place = 0;

    if (!packed_ids(row->ids, row->n, out->ids))
        return false;
    for (int column = 0; column < WINDOW_COLUMNS; column++)
        if (!packed_column(row->columns[column], (enum window_column)column, row->n,
                           column > 0 ? out->columns[WINDOW_SUM] : NULL, out->columns[column]))
            return false;
    memset(out->objects, 0, sizeof out->objects);
    while (rest.len > 0) {
        if (!packed_next_object(&rest, &next_place, row->n, &object))
            return false;
        out->objects[object.place] = object.bytes;
    }
    return true;
}

struct checked {
    struct row_values values;
    uint64_t rows, cells, damaged;
};

static int check_row(struct store *store, int64_t step_s, const struct store_row *row,
                     void *argument)
{
    struct checked *checked = argument;

    (void)store, (void)step_s;
    checked->rows++;
    checked->cells += row->n;
    checked->damaged += !unpack(row, &checked->values);
    return SQLITE_OK;
}

static int check(struct store *store)
{
    static struct checked checked;
    const struct row_act act = { check_row, NULL, &checked };
    char found[256];
    int result = sql_text(store->database.handle, "PRAGMA quick_check(1)", found, sizeof found);

    if (result == SQLITE_OK && strcmp(found, "ok") != 0) /* it says what it found first */
        return complain(store->database.path,
                        found[0] != '\0' ? found : "SQLite's own check says nothing");
    if (result == SQLITE_OK)
        result = read_all(store, &act);
    if (result != SQLITE_OK)
        return complain_of(store, result);
    printf("%llu rows, %llu values, %llu rows damaged\n", (unsigned long long)checked.rows,
           (unsigned long long)checked.cells, (unsigned long long)checked.damaged);
    return checked.damaged == 0 ? EXIT_OK : EXIT_SYSTEM;
}

/* ---- export ------------------------------------------------------------ */

static void write_series(struct json_out *out, const struct store_found *found)
{
    char kind[2] = { cell_kinds[found->series.kind].letter, '\0' };

    json_out_slice(out, "metric", found->series.name);
    json_out_text(out, "kind", kind);
    json_out_slice(out, "host", found->series.host);
    json_out_begin(out, "tags", '[');
    for (size_t i = 0; i < found->series.n_tags; i++)
        json_out_slice(out, NULL, found->tags[i]);
    json_out_end(out, ']');
}

static void write_part(struct json_out *out, int64_t step_s, const struct store_part *part)
{
    json_out_signed(out, "step_s", step_s);
    json_out_signed(out, "start_s", part->start_s);
    json_out_signed(out, "first_s", part->first_s);
    json_out_signed(out, "last_s", part->last_s);
}

static void write_values(struct json_out *out, const struct row_values *values, uint32_t i)
{
    static const char *const names[WINDOW_COLUMNS] = { "sum", "count", "min", "max", "last" };

    for (int column = 0; column < WINDOW_COLUMNS; column++)
        json_out_exact(out, names[column], values->columns[column][i]);
}

static int export_row(struct store *store, int64_t step_s, const struct store_row *row,
                      void *argument)
{
    static struct row_values values;
    static struct store_found found;
    struct json_out *out = argument;

    if (!unpack(row, &values))
        return SQLITE_CORRUPT;
    for (uint32_t i = 0; i < row->n; i++) {
        int result = store_find_id(store, values.ids[i], &found);

        if (result == SQLITE_DONE)
            continue; /* it was forgotten meanwhile */
        if (result != SQLITE_OK)
            return result;
        *out = (struct json_out){ .bytes = out->bytes };
        json_out_begin(out, NULL, '{');
        write_series(out, &found);
        write_part(out, step_s, &row->part);
        write_values(out, &values, i);
        json_out_end(out, '}');
        bytes_add(&out->bytes, "\n", 1);
    }
    store_end_find(store);
    return out->bytes.failed ? SQLITE_NOMEM : SQLITE_OK;
}

static int write_lines(void *argument)
{
    struct json_out *out = argument;

    fwrite(out->bytes.at, 1, out->bytes.len, stdout);
    bytes_clear(&out->bytes);
    return ferror(stdout) != 0 ? SQLITE_IOERR : SQLITE_OK;
}

static int export(struct store *store)
{
    struct json_out out = { .comma = false };
    const struct row_act act = { export_row, write_lines, &out };
    int result = read_all(store, &act);

    bytes_free(&out.bytes);
    /* What standard output did not take is told by act_on(). */
    return result == SQLITE_OK || ferror(stdout) != 0 ? EXIT_OK : complain_of(store, result);
}

/* ---- the command ------------------------------------------------------- */

static const struct {
    const char *word;
    int (*act)(struct store *store);
} acts[] = { { "info", info }, { "check", check }, { "export", export } };

static int act_on(const char *word, const char *folder)
{
    struct store store;
    int status = EXIT_SYSTEM;

    if (store_open_to_read(&store, folder) != DATABASE_OPEN)
        return store.database.path[0] != '\0' && access(store.database.path, F_OK) != 0 &&
                       errno == ENOENT
                   ? complain(store.database.path, "there is none: no server has kept anything "
                                                   "in this heeler_state_path")
                   : complain(folder, store.database.problem);
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
        if (strcmp(acts[i].word, word) == 0)
            status = acts[i].act(&store);
    store_close(&store);
    if (fflush(stdout) != 0 || ferror(stdout) != 0)
        return complain("standard output", errno != 0 ? strerror(errno) : "cannot be written");
    return status;
}

static bool is_known(const char *word)
{
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
        if (strcmp(acts[i].word, word) == 0)
            return true;
    return false;
}

static int act(struct command_line *line)
{
    struct settings settings;
    int status = EXIT_SETTINGS;

    if (line->n_rest == 0) {
        (void)complain("what?", "info, check or export is missing (see heeler help history)");
        return EXIT_SETTINGS;
    }
    if (line->n_rest > 1 || !is_known(line->rest[0])) {
        command_line_refuse(line, line->rest[line->n_rest - 1]);
        return EXIT_SETTINGS;
    }
    if (!command_settings(&settings, line)) {
        settings_free(&settings);
        return EXIT_SETTINGS;
    }
    if (settings.heeler_state_path[0] == '\0')
        (void)complain(
            "heeler_state_path",
            "it is empty: the past is in memory only, or in the folder that the unit "
            "of systemd says (--set heeler_state_path=/var/lib/heeler)");
    else
        status = act_on(line->rest[0], settings.heeler_state_path);
    settings_free(&settings);
    return status;
}

int command_history(int n, char **words)
{
    return command_with_line("history", n, words, true, act);
}
