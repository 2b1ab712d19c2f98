#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "flush/rollups/units.h"
#include "server/api/defined.h"
#include "server/api/definitions.h"

/* What a keeper was told last. */
struct told {
    char kind[32], name[64], text[256];
    int64_t changed_s;
    int n;
};

static void note(char *to, size_t size, struct slice text)
{
    snprintf(to, size, "%.*s", (int)text.len, text.at);
}

static void keep(void *self, const char *kind, struct slice name, int64_t changed_s,
                 struct slice text)
{
    struct told *told = self;

    note(told->kind, sizeof told->kind, slice_of(kind));
    note(told->name, sizeof told->name, name);
    note(told->text, sizeof told->text, text);
    told->changed_s = changed_s;
    told->n++;
}

static enum definition_result put(struct definitions *definitions, const char *name,
                                  int64_t number, int64_t now_ms, const char *body)
{
    struct definition definition = { .kind = DEFINITION_DASHBOARD,
                                     .name = slice_of(name),
                                     .number = number,
                                     .created_ms = now_ms,
                                     .changed_ms = now_ms,
                                     .body = slice_of(body) };

    struct definition *made;

    return definitions_put(definitions, &definition, &made);
}

static struct definition *find(const struct definitions *definitions, const char *name)
{
    return definitions_find(definitions, DEFINITION_DASHBOARD, slice_of(name));
}

static void one_is_put_found_replaced_and_dropped(void **state)
{
    struct definitions definitions = { 0 };
    (void)state;

    assert_int_equal(put(&definitions, "a", 17, 1000, "{\"x\":1}"), DEFINITION_DONE);
    assert_int_equal(put(&definitions, "b", 18, 1500, "{}"), DEFINITION_DONE);
    assert_int_equal(put(&definitions, "a", 99, 2000, "{\"x\":2,\"y\":3}"), DEFINITION_DONE);
    const struct definition *a = find(&definitions, "a");

    assert_true(slice_equal(a->body, SLICE("{\"x\":2,\"y\":3}")));
    assert_int_equal(a->number, 17); /* it stays, as does the time of its making */
    assert_int_equal(a->created_ms, 1000);
    assert_int_equal(a->changed_ms, 2000);
    assert_ptr_equal(definitions_find_number(&definitions, DEFINITION_DASHBOARD, 17), a);
    assert_null(definitions_find_number(&definitions, DEFINITION_DASHBOARD, 99));
    assert_null(definitions_find_number(&definitions, DEFINITION_METRIC, 17));
    assert_ptr_equal(definitions_next(&definitions, DEFINITION_DASHBOARD, NULL), a);
    assert_ptr_equal(definitions_next(&definitions, DEFINITION_DASHBOARD, a),
                     find(&definitions, "b"));
    assert_null(definitions_next(&definitions, DEFINITION_METRIC, NULL));
    definitions_drop(&definitions, find(&definitions, "b"), 3000);
    definitions_drop(&definitions, find(&definitions, "a"), 3000);
    assert_null(find(&definitions, "a"));
    assert_int_equal(definitions.of[DEFINITION_DASHBOARD].n, 0);
    assert_int_equal(definitions.of[DEFINITION_DASHBOARD].bytes, 0);
    assert_null(definitions.of[DEFINITION_DASHBOARD].first);
    assert_null(definitions.of[DEFINITION_DASHBOARD].last);
    definitions_free(&definitions);
}

/* The list is whole after each: its last one is replaced, then one in the middle is dropped,
 * then the last. */
static void they_stay_in_the_order_of_their_making(void **state)
{
    struct definitions definitions = { 0 };
    const struct definition *at = NULL;
    (void)state;

    for (int i = 0; i < 3; i++)
        assert_int_equal(put(&definitions, (const char *[]){ "a", "b", "c" }[i], 0, 1, "{}"),
                         DEFINITION_DONE);
    assert_int_equal(put(&definitions, "c", 0, 2, "{\"x\":1}"), DEFINITION_DONE);
    definitions_drop(&definitions, find(&definitions, "b"), 3);
    assert_int_equal(put(&definitions, "d", 0, 4, "{}"), DEFINITION_DONE);
    definitions_drop(&definitions, find(&definitions, "d"), 5);
    assert_int_equal(put(&definitions, "e", 0, 6, "{}"), DEFINITION_DONE);
    for (int i = 0; i < 3; i++) {
        at = definitions_next(&definitions, DEFINITION_DASHBOARD, at);
        assert_non_null(at);
        assert_true(slice_equal(at->name, slice_of((const char *[]){ "a", "c", "e" }[i])));
    }
    assert_null(definitions_next(&definitions, DEFINITION_DASHBOARD, at));
    /* One that was changed last comes last from where it was kept. */
    assert_true(
        definitions_restore(&definitions, SLICE("dashboard"), SLICE("b"), SLICE("0 2 9 {}")));
    at = definitions_next(&definitions, DEFINITION_DASHBOARD, NULL);
    at = definitions_next(&definitions, DEFINITION_DASHBOARD, at);
    at = definitions_next(&definitions, DEFINITION_DASHBOARD, at);
    assert_true(slice_equal(at->name, SLICE("b")));
    definitions_free(&definitions);
}

static void a_keeper_is_told_and_gives_back(void **state)
{
    struct told told = { .n = 0 };
    struct definitions first = { .keeper = { .keep = keep, .self = &told } }, second = { 0 };
    (void)state;

    assert_int_equal(put(&first, "abc", 5, 1234567, "{\"x\":1.50}"), DEFINITION_DONE);
    assert_string_equal(told.kind, "dashboard");
    assert_string_equal(told.name, "abc");
    assert_string_equal(told.text, "5 1234567 1234567 {\"x\":1.50}");
    assert_int_equal(told.changed_s, 1234);
    assert_true(definitions_restore(&second, slice_of(told.kind), slice_of(told.name),
                                    slice_of(told.text)));
    const struct definition *back = find(&second, "abc");

    assert_int_equal(back->number, 5);
    assert_int_equal(back->created_ms, 1234567);
    assert_true(slice_equal(back->body, SLICE("{\"x\":1.50}")));
    /* what is older than what we have changes nothing */
    assert_int_equal(put(&second, "abc", 5, 2000000, "{}"), DEFINITION_DONE);
    assert_true(definitions_restore(&second, slice_of(told.kind), slice_of(told.name),
                                    slice_of(told.text)));
    assert_true(slice_equal(find(&second, "abc")->body, SLICE("{}")));
    definitions_keep_all(&first); /* its disk began anew */
    assert_int_equal(told.n, 2);
    assert_string_equal(told.text, "5 1234567 1234567 {\"x\":1.50}");
    definitions_drop(&first, find(&first, "abc"), 9000);
    assert_string_equal(told.text, "");
    assert_int_equal(told.n, 3);
    definitions_free(&first);
    definitions_free(&second);
}

static void what_is_damaged_is_not_restored(void **state)
{
    static const char *const texts[] = { "",        "5",         "5 1 1",        "5 1 x {}",
                                         "5 1 1 [", "5 1 1 [1]", "{\"body\":{}}" };
    struct definitions definitions = { 0 };
    (void)state;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (definitions_restore(&definitions, SLICE("dashboard"), SLICE("a"),
                                slice_of(texts[i])))
            fail_msg("\"%s\" is taken", texts[i]);
    assert_false(
        definitions_restore(&definitions, SLICE("other"), SLICE("a"), SLICE("5 1 1 {}")));
    assert_false(
        definitions_restore(&definitions, SLICE("dashboard"), SLICE(""), SLICE("5 1 1 {}")));
    assert_int_equal(definitions.of[DEFINITION_DASHBOARD].n, 0);
}

/* ---- units ------------------------------------------------------------- */

static bool has_unit(struct units *units, const char *name)
{
    struct bytes out = { 0 };

    units_write(units, SLICE("m"), UNIT_NONE, &out);
    bytes_add(&out, "", 1);
    bool has = strstr((const char *)out.at, name) != NULL;
    bytes_free(&out);
    return has;
}

static void units_are_told_of_metrics(void **state)
{
    struct units *units = units_new();
    struct definitions definitions = { .units = units };
    struct definition metric = { .kind = DEFINITION_METRIC, .name = SLICE("m") };
    struct definition *made;
    (void)state;

    metric.body = SLICE("{\"unit\":\"b\\u0079te\",\"per_unit\":null}");
    assert_int_equal(definitions_put(&definitions, &metric, &made), DEFINITION_DONE);
    assert_true(has_unit(units, "[{\"name\":\"byte\""));
    metric.body = SLICE("{\"description\":\"d\"}");
    assert_int_equal(definitions_put(&definitions, &metric, &made), DEFINITION_DONE);
    assert_true(has_unit(units, "null"));
    /* What was kept before is older. */
    definitions_recall_unit(units, SLICE("metric"), SLICE("m"),
                            SLICE("0 1 1 {\"unit\":\"byte\"}"));
    assert_true(has_unit(units, "null"));
    definitions_free(&definitions);
    units_free(units);
}

static void what_was_kept_is_told_before_anybody_asks(void **state)
{
    static const struct {
        const char *kind, *text, *unit;
    } cases[] = {
        { "dashboard", "0 1 1 {\"unit\":\"byte\"}", "null" },
        { "other", "0 1 1 {\"unit\":\"byte\"}", "null" },
        { "metric", "0 1 1 {\"unit\":\"byte\"", "null" },
        { "metric", "", "null" },
        { "metric", "0 1 1 {\"unit\":7,\"per_unit\":\"second\"}",
          "[null,{\"name\":\"second\"" },
        { "metric", "0 1 1 {\"unit\":\"byte\",\"per_unit\":\"second\"}", "\"name\":\"byte\"" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct units *units = units_new();
        definitions_recall_unit(units, slice_of(cases[i].kind), SLICE("m"),
                                slice_of(cases[i].text));
        if (!has_unit(units, cases[i].unit))
            fail_msg("%s %s", cases[i].kind, cases[i].text);
        units_free(units);
    }
}

static void each_kind_is_bounded_in_number_and_bytes(void **state)
{
    struct definitions_ledger ledger = { 0 };
    struct definitions definitions = { .ledger = &ledger };
    const struct definition_list *boards = &definitions.of[DEFINITION_DASHBOARD];
    struct definition metric = { .kind = DEFINITION_METRIC,
                                 .name = SLICE("a metric"),
                                 .body = SLICE("{}") };
    size_t most = definitions_most(DEFINITION_DASHBOARD);
    size_t most_bytes = definitions_most_bytes(DEFINITION_DASHBOARD);
    char name[32], *large = malloc(most_bytes);
    struct definition *made;
    (void)state;

    for (size_t i = 0; i < most; i++) {
        snprintf(name, sizeof name, "name %zu", i);
        assert_int_equal(put(&definitions, name, 0, 1, "{}"), DEFINITION_DONE);
    }
    assert_int_equal(put(&definitions, "one more", 0, 1, "{}"), DEFINITION_FULL);
    assert_int_equal(put(&definitions, "name 3", 0, 2, "{\"x\":1}"), DEFINITION_DONE);
    memset(large, ' ', most_bytes - 1);
    large[most_bytes - 1] = '\0';
    assert_int_equal(put(&definitions, "name 4", 0, 2, large), DEFINITION_FULL);
    assert_true(slice_equal(find(&definitions, "name 4")->body, SLICE("{}")));
    assert_true(boards->bytes < most_bytes);
    /* the other kind has places of its own */
    assert_int_equal(definitions_put(&definitions, &metric, &made), DEFINITION_DONE);
    assert_int_equal(counter_read(&ledger.n[DEFINITION_DASHBOARD]), most);
    assert_int_equal(counter_read(&ledger.bytes[DEFINITION_DASHBOARD]), boards->bytes);
    assert_int_equal(counter_read(&ledger.n[DEFINITION_METRIC]), 1);
    definitions_drop(&definitions, made, 1);
    assert_int_equal(counter_read(&ledger.n[DEFINITION_METRIC]), 0);
    free(large);
    definitions_free(&definitions);
}

/* Names and numbers from `from` on. */
static void fill(struct definitions *definitions, enum definition_kind kind, int64_t from)
{
    struct definition *made;
    char name[32];

    for (int64_t i = 0; i < (int64_t)definitions_most(kind); i++) {
        struct definition one = { .kind = kind,
                                  .name = { name, 0 },
                                  .file = from == 1 ? SLICE("file") : SLICE(""),
                                  .number = from + i,
                                  .body = SLICE("{}") };

        one.name.len = (size_t)snprintf(name, sizeof name, "%d", (int)(from + i));
        assert_int_equal(definitions_put(definitions, &one, &made), DEFINITION_DONE);
    }
}

static void all_of_files_and_of_the_api_are_walked_without_walks_for_each(void **state)
{
    const enum definition_kind kind = DEFINITION_MONITOR;
    struct definitions files = { 0 }, made = { 0 };
    struct defined all = { &files, &made, kind };
    size_t most = definitions_most(kind), n = 0;
    (void)state;

    fill(&files, kind, 1);
    fill(&made, kind, (int64_t)most); /* the last of the files hides the first of these */
    uint64_t looks = files.of[kind].index->looks + made.of[kind].index->looks;

    for (const struct definition *at = NULL; (at = defined_next(&all, at)) != NULL; n++)
        assert_ptr_equal(defined_find_number(&all, at->number), at);
    assert_int_equal(n, 2 * most - 1);
    looks = files.of[kind].index->looks + made.of[kind].index->looks - looks;
    assert_in_range(looks, most, 16 * most); /* a walk for each would be 8 million */
    definitions_free(&files);
    definitions_free(&made);
}

static void a_successor_reads_what_was_written(void **state)
{
    struct definitions before = { 0 }, after = { 0 };
    struct definition metric = { .kind = DEFINITION_METRIC,
                                 .name = SLICE("m"),
                                 .changed_ms = 7,
                                 .body = SLICE("{\"unit\":\"byte\"}") };
    struct state_writer *out = state_writer_new();
    struct definition *made;
    struct state state_read;
    char problem[160];
    (void)state;

    assert_int_equal(put(&before, "a", 17, 1000, "{\"x\":1}"), DEFINITION_DONE);
    assert_int_equal(put(&before, "b", 18, 1000, "{}"), DEFINITION_DONE);
    assert_int_equal(definitions_put(&before, &metric, &made), DEFINITION_DONE);
    state_begin(out, STATE_DEFINITIONS);
    definitions_write(&before, out);
    int fd = state_writer_end(out);

    assert_true(state_map(&state_read, fd, problem, sizeof problem));
    struct state_reader part = state_read.parts[STATE_DEFINITIONS], in = part;

    assert_int_equal(put(&after, "b", 18, 2000, "{\"newer\":1}"), DEFINITION_DONE);
    assert_true(definitions_read(&after, &in));
    assert_true(slice_equal(find(&after, "a")->body, SLICE("{\"x\":1}")));
    assert_int_equal(find(&after, "a")->number, 17);
    assert_true(slice_equal(find(&after, "b")->body, SLICE("{\"newer\":1}")));
    assert_non_null(definitions_find(&after, DEFINITION_METRIC, SLICE("m")));
    definitions_free(&after);
    for (const uint8_t *end = part.at; end < part.end; end++) { /* cut off anywhere */
        in = (struct state_reader){ part.at, end, false, part.version };
        assert_false(definitions_read(&after, &in));
        definitions_free(&after);
    }
    definitions_free(&before);
    state_done(&state_read);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_put_found_replaced_and_dropped),
        cmocka_unit_test(a_keeper_is_told_and_gives_back),
        cmocka_unit_test(what_is_damaged_is_not_restored),
        cmocka_unit_test(units_are_told_of_metrics),
        cmocka_unit_test(what_was_kept_is_told_before_anybody_asks),
        cmocka_unit_test(they_stay_in_the_order_of_their_making),
        cmocka_unit_test(each_kind_is_bounded_in_number_and_bytes),
        cmocka_unit_test(all_of_files_and_of_the_api_are_walked_without_walks_for_each),
        cmocka_unit_test(a_successor_reads_what_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
