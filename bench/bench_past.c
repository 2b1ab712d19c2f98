/* bench/bench_past.c: a year of hours of 1,000 series on disk: what it takes there, and how
 * long its hours take to be written and read.
 *
 *   bench_past counts|decimals|random [FOLDER]
 *
 * Each hour is of 60 values: whole numbers below 1,000 that are counted, gauges of two digits
 * behind the point below 500, or gauges of 53 random bits. With a folder it stays there, ending
 * now, for a server to be asked: the metric is "past", and its series differ by the tag "k". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "flush/history/store.h"
#include "flush/values/cell_kind.h"

enum { SERIES = 1000, HOURS = 8760, HOUR_S = 3600, VALUES = 60 };

static struct store store;
static struct packed_cell cells[SERIES];
static uint64_t seed = 1;

static double now_s(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void must(bool fine, const char *what)
{
    if (fine)
        return;
    fprintf(stderr, "bench_past: %s\n", what);
    exit(1);
}

static uint64_t random_bits(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static double count(void)
{
    return (double)(random_bits() % 1000);
}

static double decimal(void)
{
    return (double)(random_bits() % 50000) / 100;
}

static double random_double(void)
{
    return (double)(random_bits() >> 11) / (double)(UINT64_C(1) << 53);
}

static const struct kind {
    const char *name;
    double (*draw)(void);
    enum cell_kind kind;
} kinds[] = {
    { "counts", count, CELL_COUNT },
    { "decimals", decimal, CELL_GAUGE },
    { "random", random_double, CELL_GAUGE },
};

/* ---- writing ----------------------------------------------------------- */

static void add_series(const struct kind *kind, int64_t at_s)
{
    char tag[32] = "";

    must(store_begin(&store) == SQLITE_OK, "begin");
    for (int i = 0; i < SERIES; i++) {
        struct slice tags[] = { { tag, (size_t)snprintf(tag, sizeof tag, "k:%d", i) } };
        struct store_series series = {
            SLICE("past"), SLICE("host"), tags, 1, (uint8_t)kind->kind, 0
        };

        must(store_series(&store, &series, at_s, &cells[i].id) == SQLITE_OK, "series");
    }
    must(store_commit(&store) == SQLITE_OK, "commit");
}

static void draw(const struct kind *kind)
{
    for (int i = 0; i < SERIES; i++) {
        cells[i].cell = (struct window_cell){ { 0 } };
        for (int k = 0; k < VALUES; k++) {
            double value = kind->draw();

            window_cell_add(&cells[i].cell,
                            &(struct window_cell){ { value, 1, value, value, value } });
        }
    }
}

static double write_hour(int64_t start_s)
{
    struct store_part part = { HOUR_S, start_s, start_s, start_s + HOUR_S - HOUR_S / VALUES };
    double began_s = now_s(CLOCK_MONOTONIC);

    must(store_begin(&store) == SQLITE_OK &&
             store_put_window(&store, &part, cells, SERIES) == SQLITE_OK &&
             store_commit(&store) == SQLITE_OK,
         "an hour is not written");
    return now_s(CLOCK_MONOTONIC) - began_s;
}

static void write_year(const struct kind *kind)
{
    int64_t now = (int64_t)now_s(CLOCK_REALTIME), end_s = now - now % HOUR_S;
    uint64_t used, free;
    double took_s = 0;

    add_series(kind, end_s);
    for (int64_t hour = HOURS; hour > 0; hour--) {
        draw(kind);
        took_s += write_hour(end_s - hour * HOUR_S);
    }
    must(store_size(&store, &used, &free) == SQLITE_OK, "size");
    printf("%s: %.1f MiB, %.1f bytes a series and hour; an hour is written in %.2f ms\n",
           kind->name, (double)used / (1 << 20), (double)used / HOURS / SERIES,
           took_s / HOURS * 1e3);
}

/* ---- reading ----------------------------------------------------------- */

static void read_columns(const struct store_row *row, unsigned what)
{
    static double sums[PACKED_SERIES_MAX], values[PACKED_SERIES_MAX];
    uint32_t ids[PACKED_SERIES_MAX];
    bool fine = packed_ids(row->ids, row->n, ids) &&
                packed_column(row->columns[WINDOW_SUM], WINDOW_SUM, row->n, NULL, sums);

    for (int column = WINDOW_COUNT; fine && column < WINDOW_COLUMNS; column++)
        if ((what >> column & 1) != 0)
            fine = packed_column(row->columns[column], (enum window_column)column, row->n, sums,
                                 values);
    must(fine, "a row is damaged");
}

static void read_year(const char *which, unsigned what)
{
    struct store_range range = { HOUR_S, 0, INT64_MAX, 0, UINT32_MAX, what };
    struct store_row row;
    double began_s = now_s(CLOCK_MONOTONIC);

    must(store_read(&store, &range) == SQLITE_OK, "read");
    while (store_next(&store, &row) == SQLITE_ROW)
        read_columns(&row, what);
    store_end(&store);
    printf("  %s of all hours are read in %.0f ms\n", which,
           (now_s(CLOCK_MONOTONIC) - began_s) * 1e3);
}

/* ---- the outside ------------------------------------------------------- */

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    must(false, "usage: bench_past counts|decimals|random [FOLDER]");
    return NULL;
}

static void remove_folder(const char *folder)
{
    static const char *const files[] = { "history.db", "history.lock" };
    char path[128];

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

int main(int argc, char **argv)
{
    char own[] = "/tmp/bench_past.XXXXXX";
    const struct kind *kind = find_kind(argc > 1 ? argv[1] : "");
    const char *folder = argc > 2 ? argv[2] : mkdtemp(own);

    must(folder != NULL, "no folder");
    must(store_open(&store, folder) == DATABASE_OPEN, store.database.problem);
    store.writer = 1;
    write_year(kind);
    read_year("sums and counts", 1u << WINDOW_SUM | 1u << WINDOW_COUNT);
    read_year("all columns", STORE_ALL);
    store_close(&store);
    if (folder == own)
        remove_folder(own);
    return 0;
}
