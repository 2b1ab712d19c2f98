#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/fleet/fleet_cells.h"
#include "flush/values/blob.h"
#include "protocol/number.h"

enum { IDS = 4, MEMORY = 64 << 20 };

static const struct fleet_manner coarse = { false, 1 }, own = { true, 1 };

struct fixture {
    struct arena_budget budget;
    struct fleet_cells cells;
};

static void set_up(struct fixture *fixture)
{
    arena_budget_init(&fixture->budget, MEMORY);
    fleet_cells_init(&fixture->cells, &fixture->budget);
}

static void tear_down(struct fixture *fixture)
{
    fleet_cells_free(&fixture->cells);
    assert_int_equal(atomic_load(&fixture->budget.left), MEMORY);
}

static enum fleet_result put(struct fleet_cells *cells, const char *text, struct slice value,
                             struct fleet_manner manner)
{
    struct fleet_field field;

    return fleet_field_read(slice_of(text), &field)
               ? fleet_cells_add(cells, &field, value, manner)
               : FLEET_DAMAGED;
}

static struct fleet_cell *only_cell(const struct fleet_cells *cells)
{
    uint32_t next = 0;
    struct fleet_cell *cell = fleet_cells_next(cells, &next);

    assert_non_null(cell);
    assert_null(fleet_cells_next(cells, &next));
    return cell;
}

static void assert_columns(const struct fleet_cell *cell, double sum, double count, double min,
                           double max, double last)
{
    const double wanted[] = { sum, count, min, max, last };

    for (int i = 0; i < WINDOW_COLUMNS; i++)
        if (cell->cell.column[i] != wanted[i])
            fail_msg("column %d: %g instead of %g", i, cell->cell.column[i], wanted[i]);
}

static void reads_fields(void **state)
{
    static const struct {
        const char *text, *series, *host, *tags;
    } good[] = {
        { "c|h|a,b|0123456789ab", "c|h|a,b", "h", "a,b" },
        { "g||x|0123456789ab", "g||x", "", "x" },
        { "s|h||0123456789ab", "s|h|", "h", "" },
        { "d|h|a|b||c|0123456789ab", "d|h|a|b||c", "h", "a|b||c" }, /* tags may hold bars */
    };
    static const char *const bad[] = {
        "",
        "c",
        "c|h",
        "c|h|a",                 /* no id */
        "c|h|0123456789ab",      /* no tags */
        "x|h|a|0123456789ab",    /* kind */
        "cc|h|a|0123456789ab",   /* kind */
        "|h|a|0123456789ab",     /* kind */
        "c|h|a|0123456789a",     /* short */
        "c|h|a|0123456789abc",   /* long */
        "c|h|a|0123456789AB",    /* upper case */
        "c|h|a|0123456789a\x80", /* any byte */
    };
    struct fleet_field field;
    (void)state;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(fleet_field_read(slice_of(good[i].text), &field));
        assert_true(slice_equal(field.series, slice_of(good[i].series)));
        assert_true(slice_equal(field.host, slice_of(good[i].host)));
        assert_true(slice_equal(field.tags, slice_of(good[i].tags)));
        assert_true(slice_equal(field.id, SLICE("0123456789ab")));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (fleet_field_read(slice_of(bad[i]), &field))
            fail_msg("%s", bad[i]);
}

static void bounds_fields(void **state)
{
    struct fleet_field field;
    char *text = malloc(FLEET_FIELD_MAX + 1);
    (void)state;

    memset(text, 'a', FLEET_FIELD_MAX + 1);
    memcpy(text, "c|h|", 4);
    memcpy(text + FLEET_FIELD_MAX - FLEET_ID, "|0123456789ab", FLEET_ID + 1);
    assert_false(fleet_field_read((struct slice){ text, FLEET_FIELD_MAX + 1 }, &field));
    memcpy(text + FLEET_FIELD_MAX - FLEET_ID - 1, "|0123456789ab", FLEET_ID + 1);
    assert_true(fleet_field_read((struct slice){ text, FLEET_FIELD_MAX }, &field));
    memset(text + 4, ',', FLEET_TAGS_MAX);
    assert_false(fleet_field_read((struct slice){ text, FLEET_FIELD_MAX }, &field));
    free(text);
}

static void leaves_damaged_values_out(void **state)
{
    static const char *const bad[] = {
        "",
        "1",
        "1 1 1 1 1",      /* no time */
        "1 1 1 1 1 1 1",  /* one too many */
        "1 1 1 1 1 x",    /* time */
        "1 1 1 1 1 -1",   /* time */
        "1 1 1 1 1 1.5",  /* time */
        "x 1 1 1 1 5",    /* sum */
        "NaN 1 1 1 1 5",  /* not finite */
        "1 1 1 +Inf 1 5", /* not finite */
        "1 0 1 1 1 5",    /* nothing */
        "1 -1 1 1 1 5",   /* less */
        "1 2 3 2 1 5",    /* min above max */
        " 1 1 1 1 1 5",   /* empty sum */
        "1 1 1 1 1 5 ",   /* space behind */
        "1 1 1 1 1 99999999999999999999",
    };
    static const char *const blobs[] = {
        "1 1 1 1 1 5",       "1 1 1 1 1 5\n",     "1 1 1 1 1 5\nX",
        "1 1 1 1 1 5\nRabc", "1 1 1 1 1 5\nDabc",
    };
    struct fixture f;
    (void)state;

    set_up(&f);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (put(&f.cells, "c|h|a|0123456789ab", slice_of(bad[i]), coarse) != FLEET_DAMAGED)
            fail_msg("%s", bad[i]);
    for (size_t i = 0; i < sizeof blobs / sizeof blobs[0]; i++) {
        if (put(&f.cells, "s|h|a|0123456789ab", slice_of(blobs[i]), coarse) != FLEET_DAMAGED ||
            put(&f.cells, "d|h|a|0123456789ab", slice_of(blobs[i]), coarse) != FLEET_DAMAGED)
            fail_msg("%s", blobs[i]);
    }
    uint32_t next = 0;
    assert_null(fleet_cells_next(&f.cells, &next));
    tear_down(&f);
}

static void merges_as_one_server_would(void **state)
{
    static const struct {
        const char *kind;
        bool own;
        const char *a, *b;
        double sum, count, min, max, last;
    } cases[] = {
        /* longer windows: points are pooled, the last is the newest */
        { "c", false, "5 2 1 4 4 100", "7 3 2 3 2 90", 12, 5, 1, 4, 4 },
        { "g", false, "5 2 1 4 4 100", "7 3 2 3 2 190", 12, 5, 1, 4, 2 },
        { "g", false, "4 1 4 4 4 100", "2 1 2 2 2 100", 6, 2, 2, 4, 4 }, /* a tie */
        { "c", false, "-5 1 -5 -5 -5 100", "5 1 5 5 5 101", 0, 2, -5, 5, 5 },
        /* their own interval: one point */
        { "c", true, "5 1 5 5 5 100", "7 1 7 7 7 90", 12, 1, 12, 12, 12 },
        { "g", true, "5 1 5 5 5 100", "7 1 7 7 7 90", 5, 1, 5, 5, 5 },
        { "g", true, "5 1 5 5 5 100", "7 1 7 7 7 190", 7, 1, 7, 7, 7 },
        { "g", true, "5 1 5 5 5 0", "3 1 3 3 3 0", 5, 1, 5, 5, 5 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int turned = 0; turned < 2; turned++) {
            struct fixture f;
            char field[2][64];
            set_up(&f);
            snprintf(field[0], sizeof field[0], "%s|h|t|aaaaaaaaaaaa", cases[i].kind);
            snprintf(field[1], sizeof field[1], "%s|h|t|bbbbbbbbbbbb", cases[i].kind);
            struct fleet_manner manner = cases[i].own ? own : coarse;
            assert_int_equal(put(&f.cells, field[turned],
                                 slice_of(turned ? cases[i].b : cases[i].a), manner),
                             FLEET_MERGED);
            assert_int_equal(put(&f.cells, field[!turned],
                                 slice_of(turned ? cases[i].a : cases[i].b), manner),
                             FLEET_MERGED);
            assert_columns(only_cell(&f.cells), cases[i].sum, cases[i].count, cases[i].min,
                           cases[i].max, cases[i].last);
            tear_down(&f);
        }
}

static void keeps_series_apart(void **state)
{
    struct fixture f;
    uint32_t next = 0, n = 0;
    char text[64];
    (void)state;

    set_up(&f);
    for (int i = 0; i < 1000; i++)
        for (int id = 0; id < IDS; id++) {
            snprintf(text, sizeof text, "%c|h%d|n:%d|%012d", "cg"[i % 2], i / 10, i, id);
            assert_int_equal(put(&f.cells, text, SLICE("2 1 2 2 2 7"), coarse), FLEET_MERGED);
        }
    for (struct fleet_cell *cell; (cell = fleet_cells_next(&f.cells, &next)) != NULL; n++) {
        struct slice host, tags[FLEET_TAGS_MAX];
        assert_columns(cell, 2 * IDS, IDS, 2, 2, 2);
        assert_int_equal(fleet_cell_tags(cell, &host, tags), 1);
        assert_true(slice_starts(host, SLICE("h")) && slice_starts(tags[0], SLICE("n:")));
    }
    assert_int_equal(n, 1000);
    tear_down(&f);
}

static void scales_points_of_shorter_intervals(void **state)
{
    struct fixture f;
    (void)state;

    set_up(&f);
    assert_int_equal(put(&f.cells, "c|h|t|aaaaaaaaaaaa", SLICE("60 10 6 6 6 1"),
                         (struct fleet_manner){ false, 0.1 }),
                     FLEET_MERGED);
    assert_columns(only_cell(&f.cells), 60, 1, 6, 6, 6);
    tear_down(&f);
}

/* ---- random cells of several instances --------------------------------- */

struct model {
    double sum, count, min, max, last;
    int64_t last_ms;
};

static void add_to_model(struct model *model, const double column[WINDOW_COLUMNS],
                         int64_t last_ms)
{
    bool first = model->count == 0;

    model->sum += column[WINDOW_SUM];
    model->count += column[WINDOW_COUNT];
    model->min = first ? column[WINDOW_MIN] : fmin(model->min, column[WINDOW_MIN]);
    model->max = first ? column[WINDOW_MAX] : fmax(model->max, column[WINDOW_MAX]);
    if (first || last_ms > model->last_ms)
        model->last = column[WINDOW_LAST];
    model->last_ms = first || last_ms > model->last_ms ? last_ms : model->last_ms;
}

static size_t write_value(char *out, const double column[WINDOW_COLUMNS], int64_t last_ms)
{
    size_t len = 0;

    for (int i = 0; i < WINDOW_COLUMNS; i++) {
        len += number_format(column[i], out + len);
        out[len++] = ' ';
    }
    return len + (size_t)sprintf(out + len, "%lld", (long long)last_ms);
}

/* Windows of several instances through text are what one memory would have. Whole
 * numbers add up the same in any order. */
static void numbers_through_text_are_those_in_memory(void **state)
{
    struct fixture f;
    struct fleet_cells all;
    struct model models[50] = { 0 };
    uint32_t next = 0;
    (void)state;

    srand(11);
    set_up(&f);
    fleet_cells_init(&all, &f.budget);
    for (int window = 0; window < 60; window++) {
        for (int i = 0; i < 50 * IDS; i++) {
            char field[64], value[256];
            int series = rand() % 50;
            double n = rand() % 9 + 1, low = rand() % 1000 - 500, high = low + rand() % 100;
            double column[] = { low * n, n, low, high, low + 1 };
            int64_t last_ms = (int64_t)window * 1000 * IDS * 50 + i;
            snprintf(field, sizeof field, "g|h|n:%d|%012d", series, i % IDS);
            size_t len = write_value(value, column, last_ms);
            assert_int_equal(put(&f.cells, field, (struct slice){ value, len }, coarse),
                             FLEET_MERGED);
            add_to_model(&models[series], column, last_ms);
        }
        assert_true(fleet_cells_fold(&all, &f.cells));
        fleet_cells_free(&f.cells);
    }
    for (struct fleet_cell *cell; (cell = fleet_cells_next(&all, &next)) != NULL;) {
        struct slice host, tags[FLEET_TAGS_MAX];
        assert_int_equal(fleet_cell_tags(cell, &host, tags), 1);
        int64_t series; /* "n:17" */
        assert_true(number_int64(slice_skip(tags[0], 2), &series));
        const struct model *model = &models[series];
        assert_columns(cell, model->sum, model->count, model->min, model->max, model->last);
    }
    fleet_cells_free(&all);
    tear_down(&f);
}

static void put_blob(struct fixture *f, const char *field, const struct bytes *blob,
                     double count)
{
    struct bytes value = { 0 };
    char text[64];

    int n = snprintf(text, sizeof text, "%g %g 1 1 1 5\n", count, count);
    bytes_add(&value, text, (size_t)n);
    bytes_add(&value, blob->at, blob->len);
    assert_int_equal(put(&f->cells, field, bytes_view(&value), coarse), FLEET_MERGED);
    bytes_free(&value);
}

static void distributions_merge_bin_by_bin(void **state)
{
    struct fixture f;
    struct arena arena;
    struct sketch *all, *parts[IDS];
    const struct sketch_bin *bins[2];
    size_t n[2];
    (void)state;

    srand(13);
    set_up(&f);
    arena_init(&arena, &f.budget);
    all = sketch_new(&arena);
    for (int id = 0; id < IDS; id++)
        parts[id] = sketch_new(&arena);
    for (int i = 0; i < 20000; i++) {
        double value = exp((double)(rand() % 20000) / 1000 - 10) * (rand() % 5 == 0 ? -1 : 1);
        assert_true(sketch_add(all, &arena, value, 1));
        assert_true(sketch_add(parts[rand() % IDS], &arena, value, 1));
    }
    for (int id = 0; id < IDS; id++) {
        struct bytes blob = { 0 };
        struct sketch_summary summary;
        char field[64];
        snprintf(field, sizeof field, "d|h|t|%012d", id);
        sketch_summary(parts[id], &summary);
        assert_true(blob_put_sketch(&blob, parts[id], &arena));
        put_blob(&f, field, &blob, (double)summary.count);
        bytes_free(&blob);
    }
    struct fleet_cell *cell = only_cell(&f.cells);
    assert_true(cell->cell.column[WINDOW_COUNT] == 20000);
    assert_true(sketch_bins(all, &arena, &bins[0], &n[0]));
    assert_true(sketch_bins(cell->object, &f.cells.arena, &bins[1], &n[1]));
    assert_int_equal(n[0], n[1]);
    for (size_t i = 0; i < n[0]; i++)
        assert_true(bins[0][i].key == bins[1][i].key && bins[0][i].count == bins[1][i].count);
    for (int p = 0; p <= 100; p++)
        assert_true(sketch_quantile(all, &arena, p / 100.0) ==
                    sketch_quantile(cell->object, &f.cells.arena, p / 100.0));
    arena_free(&arena);
    tear_down(&f);
}

static void sets_unite(void **state)
{
    struct fixture f;
    struct arena arena;
    (void)state;

    set_up(&f);
    arena_init(&arena, &f.budget);
    for (int id = 0; id < IDS; id++) { /* 0..999, 500..1499, 1000..1999, 1500..2499 */
        struct distinct *set = distinct_new(&arena);
        struct bytes blob = { 0 };
        char member[16], field[64];
        for (int i = 0; i < 1000; i++) {
            snprintf(member, sizeof member, "u%d", id * 500 + i);
            assert_true(distinct_add(set, &arena, distinct_hash(slice_of(member))));
        }
        blob_put_distinct(&blob, set);
        snprintf(field, sizeof field, "s|h|t|%012d", id);
        put_blob(&f, field, &blob, 1);
        bytes_free(&blob);
        if (id == 1) { /* exact below the bound of the members */
            assert_int_equal(distinct_count(only_cell(&f.cells)->object), 1500);
        }
    }
    uint64_t count = distinct_count(only_cell(&f.cells)->object);
    assert_true(fabs((double)count - 2500) < 3 * 0.0081 * 2500);
    arena_free(&arena);
    tear_down(&f);
}

static void says_when_memory_ends(void **state)
{
    struct fixture f;
    enum fleet_result result = FLEET_MERGED;
    char field[64];
    (void)state;

    arena_budget_init(&f.budget, 1 << 20);
    fleet_cells_init(&f.cells, &f.budget);
    for (int i = 0; i < 100000 && result == FLEET_MERGED; i++) {
        snprintf(field, sizeof field, "c|h|n:%d|0123456789ab", i);
        result = put(&f.cells, field, SLICE("1 1 1 1 1 1"), coarse);
    }
    assert_int_equal(result, FLEET_NO_MEMORY);
    fleet_cells_free(&f.cells);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_fields),
        cmocka_unit_test(bounds_fields),
        cmocka_unit_test(leaves_damaged_values_out),
        cmocka_unit_test(merges_as_one_server_would),
        cmocka_unit_test(keeps_series_apart),
        cmocka_unit_test(scales_points_of_shorter_intervals),
        cmocka_unit_test(numbers_through_text_are_those_in_memory),
        cmocka_unit_test(distributions_merge_bin_by_bin),
        cmocka_unit_test(sets_unite),
        cmocka_unit_test(says_when_memory_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
