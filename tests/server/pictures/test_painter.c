#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chart/chart.h"
#include "server/pictures/painter.h"
#include "server/pictures/picture.h"
#include "tests/support/chart_program.h"
#include "tests/support/temp_file.h"

enum { MINUTE_MS = 60000, TOLD_MAX = 64 };

/* ---- what is told ------------------------------------------------------ */

struct told {
    int n;
    enum painter_result results[TOLD_MAX];
    struct bytes picture; /* the last one, taken */
    char sentence[512];   /* the last one */
};

static void tell(enum painter_result result, struct bytes *picture, const char *sentence,
                 void *argument)
{
    struct told *told = argument;

    assert_true(told->n < TOLD_MAX);
    told->results[told->n++] = result;
    bytes_free(&told->picture);
    told->picture = *picture;
    *picture = (struct bytes){ 0 };
    snprintf(told->sentence, sizeof told->sentence, "%s", sentence);
}

/* ---- programs ---------------------------------------------------------- */

/* A script that is started in the place of heeler-chart, and writes something simpler. */
static const struct painter_program script_program = { .name = "heeler-chart",
                                                       .does = "draws pictures",
                                                       .setting = "heeler_chart_path",
                                                       .makes = "picture",
                                                       .begins = "" };

static void write_script(char path[TEMP_PATH_SIZE], const char *script)
{
    char text[512];

    snprintf(text, sizeof text, "#!/bin/sh\n%s\n", script);
    temp_file_write(path, text, strlen(text));
    assert_int_equal(chmod(path, 0700), 0);
}

/* Paints with such a script, and turns the loop until all is told and gone. */
static struct told paint_with(const char *script, const char *definition, int64_t timeout_ms)
{
    struct event_base *base = event_base_new();
    char path[TEMP_PATH_SIZE];
    struct told told = { 0 };

    write_script(path, script);
    struct painter *painter = painter_new(base, &script_program, path, timeout_ms);
    painter_paint(painter, slice_of(definition), tell, &told);
    event_base_dispatch(base);
    assert_int_equal(told.n, 1);
    assert_int_equal(painter_running(painter), 0);
    painter_free(painter);
    event_base_free(base);
    unlink(path);
    return told;
}

static bool picture_is(const struct told *told, const char *text)
{
    return told->picture.len == strlen(text) &&
           memcmp(told->picture.at, text, told->picture.len) == 0;
}

static void what_it_writes_is_the_picture(void **state)
{
    struct told told = paint_with("exec cat", "a definition", MINUTE_MS);
    (void)state;

    assert_int_equal(told.results[0], PAINTER_DONE);
    assert_true(picture_is(&told, "a definition"));
    bytes_free(&told.picture);
}

static void what_goes_wrong_is_told(void **state)
{
    static const struct {
        const char *script;
        enum painter_result result;
        const char *sentence;
    } cases[] = {
        { "echo 'heeler-chart: width: too wide' >&2; exit 2", PAINTER_REFUSED,
          "width: too wide" },
        { "echo 'some words' >&2; exit 1", PAINTER_FAILED, "some words" },
        { "echo picture; exit 1", PAINTER_FAILED, "heeler-chart crashed" },
        { "exit 0", PAINTER_FAILED, "heeler-chart crashed" },
        { "kill -SEGV $$", PAINTER_FAILED, "heeler-chart crashed" },
        { "exec cat /dev/zero", PAINTER_FAILED, "the picture is too large" },
        { "exec cat /dev/zero >&2", PAINTER_SLOW, "the picture took longer than it may" },
        { "exec sleep 100000", PAINTER_SLOW, "the picture took longer than it may" },
        { "sleep 100000; exit 0", PAINTER_SLOW, "the picture took longer than it may" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t timeout_ms = cases[i].result == PAINTER_SLOW ? 20 : MINUTE_MS;
        struct told told = paint_with(cases[i].script, "{}", timeout_ms);
        if (told.results[0] != cases[i].result || strcmp(told.sentence, cases[i].sentence) != 0)
            fail_msg("%s: %d \"%s\"", cases[i].script, (int)told.results[0], told.sentence);
        bytes_free(&told.picture);
    }
}

static void a_program_that_is_not_there_is_named(void **state)
{
    struct event_base *base = event_base_new();
    struct painter *painter =
        painter_new(base, &painter_chart, "/nonexistent/heeler-chart", MINUTE_MS);
    struct told told = { 0 };
    (void)state;

    painter_paint(painter, SLICE("{}"), tell, &told);
    assert_int_equal(told.results[0], PAINTER_FAILED);
    assert_string_equal(told.sentence,
                        "/nonexistent/heeler-chart, which draws pictures, is not "
                        "there: install the package heeler-chart, or set "
                        "heeler_chart_path");
    painter_free(painter);
    painter = painter_new(base, &painter_calendar, "/nonexistent/heeler-calendar", MINUTE_MS);
    painter_paint(painter, SLICE("\n"), tell, &told);
    assert_int_equal(told.results[1], PAINTER_FAILED);
    assert_string_equal(
        told.sentence, "/nonexistent/heeler-calendar, which knows when downtimes recur, is not "
                       "there: install the package heeler-calendar, or set "
                       "heeler_calendar_path");
    painter_free(painter);
    event_base_free(base);
}

/* As what ends by the rules of the C library does, and something is still to be done then. */
static void one_that_closes_its_outputs_before_its_end_is_waited_for(void **state)
{
    (void)state;

    for (int i = 0; i < 20; i++) {
        struct told told =
            paint_with("printf picture; exec >&- 2>&-; : $(true); exit 0", "{}", MINUTE_MS);
        assert_int_equal(told.results[0], PAINTER_DONE);
        bytes_free(&told.picture);
    }
    struct told told = paint_with("printf picture; exec >&- 2>&-; exec sleep 100000", "{}", 20);
    assert_int_equal(told.results[0], PAINTER_SLOW);
    bytes_free(&told.picture);
}

/* It reads nothing of a definition that no pipe holds. */
static void one_that_does_not_listen_is_no_harm(void **state)
{
    char *large = malloc(1 << 20);
    (void)state;

    memset(large, ' ', (1 << 20) - 1);
    large[(1 << 20) - 1] = '\0';
    struct told told = paint_with("exec 0<&-; printf picture", large, MINUTE_MS);
    assert_int_equal(told.results[0], PAINTER_DONE);
    assert_true(picture_is(&told, "picture"));
    bytes_free(&told.picture);
    free(large);
}

static void it_gets_three_descriptors_and_no_environment(void **state)
{
    int more = dup(STDOUT_FILENO); /* which a careless library left open */
    struct told told =
        paint_with("for fd in /proc/self/fd/*; do [ \"${fd##*/}\" -gt 2 ] && [ -e \"$fd\" ] && "
                   "printf \"$fd \"; done; printf \"%s\" \"$HOME$USER$DD_API_KEY.\"",
                   "", MINUTE_MS);
    (void)state;

    close(more);
    assert_int_equal(told.results[0], PAINTER_DONE);
    told.picture.at[told.picture.len - 1] = '\0';
    if (strstr((char *)told.picture.at, "/proc/self/fd/3") != NULL)
        fail_msg("%s", (char *)told.picture.at);
    bytes_free(&told.picture);
}

/* ---- many -------------------------------------------------------------- */

static void two_are_drawn_at_once_and_others_wait(void **state)
{
    enum { ALL = PAINTER_AT_ONCE + PAINTER_WAITING_MAX + 3 };
    struct event_base *base = event_base_new();
    char path[TEMP_PATH_SIZE];
    struct told told = { 0 };
    (void)state;

    write_script(path, "exec sleep 100000");
    struct painter *painter = painter_new(base, &script_program, path, 20);
    for (int i = 0; i < ALL; i++)
        painter_paint(painter, SLICE("{}"), tell, &told);
    assert_int_equal(painter_running(painter), PAINTER_AT_ONCE);
    assert_int_equal(told.n, 3); /* there is no place left to wait */
    assert_int_equal(told.results[2], PAINTER_BUSY);
    while (told.n < ALL) {
        event_base_loop(base, EVLOOP_ONCE);
        assert_in_range(painter_running(painter), 0, PAINTER_AT_ONCE);
    }
    event_base_dispatch(base);
    for (int i = 3; i < ALL; i++)
        assert_int_equal(told.results[i], PAINTER_SLOW);
    painter_free(painter);
    event_base_free(base);
    unlink(path);
}

/* What is out of their group holds their pipes, as a disk would hold them; here until their
 * script is gone. */
static void who_waits_for_programs_that_do_not_end_is_told(void **state)
{
    enum { ALL = PAINTER_AT_ONCE + 3 };
    struct event_base *base = event_base_new();
    char path[TEMP_PATH_SIZE];
    struct told told = { 0 };
    (void)state;

    write_script(path, "setsid sh -c 'i=0; while [ -e \"$0\" ] && [ $((i += 1)) -lt 600 ]; do "
                       "sleep 0.1; done' \"$0\" & exec sleep 100000");
    /* Long enough for what holds them to leave their group. */
    struct painter *painter = painter_new(base, &script_program, path, 1000);
    for (int i = 0; i < ALL; i++)
        painter_paint(painter, SLICE("{}"), tell, &told);
    while (told.n < ALL)
        event_base_loop(base, EVLOOP_ONCE);
    for (int i = 0; i < ALL; i++)
        assert_int_equal(told.results[i], i < PAINTER_AT_ONCE ? PAINTER_SLOW : PAINTER_BUSY);
    assert_string_equal(told.sentence, "the programs that were started before do not end");
    unlink(path);
    event_base_dispatch(base);
    assert_int_equal(painter_running(painter), 0);
    painter_free(painter);
    event_base_free(base);
}

static void what_is_no_picture_is_not_given(void **state)
{
    struct event_base *base = event_base_new();
    char path[TEMP_PATH_SIZE];
    struct told told = { 0 };
    (void)state;

    write_script(path, "echo a warning of a library");
    struct painter *painter = painter_new(base, &painter_chart, path, MINUTE_MS);
    painter_paint(painter, SLICE("{}"), tell, &told);
    event_base_dispatch(base);
    assert_int_equal(told.n, 1);
    assert_int_equal(told.results[0], PAINTER_FAILED);
    assert_string_equal(told.sentence, "heeler-chart wrote something that is no picture");
    painter_free(painter);
    event_base_free(base);
    bytes_free(&told.picture);
    unlink(path);
}

static void the_end_kills_those_under_way(void **state)
{
    struct event_base *base = event_base_new();
    char path[TEMP_PATH_SIZE];
    struct told told = { 0 };
    (void)state;

    write_script(path, "exec sleep 100000");
    struct painter *painter = painter_new(base, &painter_chart, path, MINUTE_MS);
    for (int i = 0; i < 5; i++)
        painter_paint(painter, SLICE("{}"), tell, &told);
    painter_free(painter); /* it waits for them, or this test would */
    assert_int_equal(told.n, 0);
    event_base_free(base);
    unlink(path);
}

/* ---- the real one ------------------------------------------------------ */

static struct told paint(struct bytes *given_definition)
{
    char program[CHART_PROGRAM_SIZE];
    struct event_base *base = event_base_new();
    struct told told = { 0 };

    chart_program_find(program);
    struct painter *painter = painter_new(base, &painter_chart, program, MINUTE_MS);
    painter_paint(painter,
                  (struct slice){ (char *)given_definition->at, given_definition->len }, tell,
                  &told);
    event_base_dispatch(base);
    painter_free(painter);
    event_base_free(base);
    bytes_free(given_definition);
    assert_int_equal(told.n, 1);
    return told;
}

static void heeler_chart_draws_a_picture(void **state)
{
    const double max = 12;
    struct picture picture = {
        .title = "load \"of\" hosts",
        .theme = "dark",
        .from_s = 1000,
        .to_s = 1600,
        .width = 640,
        .height = 200,
        .max = &max,
        .requests = { { .answer = SLICE("{\"series\":[{\"scope\":\"*\",\"interval\":10,"
                                        "\"pointlist\":[[1000000,1],[1010000,2]]}]}\n"),
                        .type = "area",
                        .name = "load" } },
        .n_requests = 1,
        .markers = SLICE("[{\"value\":3}]"),
    };
    struct bytes definition = { 0 };
    (void)state;

    assert_int_equal(picture_write(&picture, &definition), PICTURE_WRITTEN);
    struct told told = paint(&definition);
    if (told.results[0] != PAINTER_DONE)
        fail_msg("%s", told.sentence);
    assert_true(told.picture.len > 100);
    assert_memory_equal(told.picture.at,
                        "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x02\x80\0\0\0\xc8", 24);
    bytes_free(&told.picture);
}

/* Bytes of anybody, and as many of them as it takes. */
static void heeler_chart_refuses_what_makes_no_sense(void **state)
{
    static const char *const patterns[] = { "[",    "{\"a\":",      "[],",
                                            "{},",  "\"\\u0000\",", "1,",
                                            "\xff", "\0",           "{\"requests\":[" };
    (void)state;

    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        struct bytes definition = { 0 };
        size_t len = strlen(patterns[i]) > 0 ? strlen(patterns[i]) : 1;
        bytes_add(&definition, "[", 1);
        while (definition.len + len < CHART_DEFINITION_MAX)
            bytes_add(&definition, patterns[i], len);
        struct told told = paint(&definition);
        if (told.results[0] != PAINTER_REFUSED || told.sentence[0] == '\0')
            fail_msg("%s: %d \"%s\"", patterns[i], (int)told.results[0], told.sentence);
        bytes_free(&told.picture);
    }
}

/* One that falls, one that does not, which is an answer too, and one that is none. */
static void heeler_calendar_answers(void **state)
{
    static const char *const asked[] = {
        "UTC\t2026-11-30T19:00:00\t0\t60\t1796000000\t1796100000\tFREQ=DAILY\n",
        "UTC\t2026-11-30T19:00:00\t0\t60\t1000\t2000\tFREQ=DAILY\n",
        "Mars/Base\t2026-11-30T19:00:00\t0\t60\t1000\t2000\tFREQ=DAILY\n"
    };
    struct event_base *base = event_base_new();
    char program[CHART_PROGRAM_SIZE];
    struct told told = { 0 };
    (void)state;

    calendar_program_find(program);
    struct painter *painter = painter_new(base, &painter_calendar, program, MINUTE_MS);
    painter_paint(painter, slice_of(asked[0]), tell, &told);
    event_base_dispatch(base);
    assert_int_equal(told.results[0], PAINTER_DONE);
    assert_int_equal(told.picture.len, 22);
    assert_memory_equal(told.picture.at, "1796065200\t1796065260\n", 22);
    painter_paint(painter, slice_of(asked[1]), tell, &told);
    event_base_dispatch(base);
    assert_int_equal(told.results[1], PAINTER_DONE);
    assert_int_equal(told.picture.len, 0);
    painter_paint(painter, slice_of(asked[2]), tell, &told);
    event_base_dispatch(base);
    assert_int_equal(told.results[2], PAINTER_REFUSED);
    assert_string_equal(told.sentence, "there is no time zone of that name: Mars/Base");
    bytes_free(&told.picture);
    painter_free(painter);
    event_base_free(base);
}

static void more_points_than_a_picture_takes_are_refused(void **state)
{
    char *answer = malloc(PAINTER_DEFINITION_MAX);
    struct picture picture = {
        .to_s = 1,
        .requests = { { { answer, PAINTER_DEFINITION_MAX }, NULL, NULL } },
        .n_requests = 1
    };
    struct bytes definition = { 0 };
    (void)state;

    memset(answer, ' ', PAINTER_DEFINITION_MAX);
    assert_int_equal(picture_write(&picture, &definition), PICTURE_TOO_LARGE);
    picture.requests[0].answer.len = 100;
    assert_int_equal(picture_write(&picture, &definition), PICTURE_WRITTEN);
    bytes_free(&definition);
    free(answer);
    assert_int_equal(PAINTER_DEFINITION_MAX, CHART_DEFINITION_MAX);
}

static int ignore_pipes(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_writes_is_the_picture),
        cmocka_unit_test(what_goes_wrong_is_told),
        cmocka_unit_test(a_program_that_is_not_there_is_named),
        cmocka_unit_test(one_that_closes_its_outputs_before_its_end_is_waited_for),
        cmocka_unit_test(one_that_does_not_listen_is_no_harm),
        cmocka_unit_test(it_gets_three_descriptors_and_no_environment),
        cmocka_unit_test(two_are_drawn_at_once_and_others_wait),
        cmocka_unit_test(who_waits_for_programs_that_do_not_end_is_told),
        cmocka_unit_test(what_is_no_picture_is_not_given),
        cmocka_unit_test(the_end_kills_those_under_way),
        cmocka_unit_test(heeler_chart_draws_a_picture),
        cmocka_unit_test(heeler_chart_refuses_what_makes_no_sense),
        cmocka_unit_test(heeler_calendar_answers),
        cmocka_unit_test(more_points_than_a_picture_takes_are_refused),
    };

    return cmocka_run_group_tests(tests, ignore_pipes, NULL);
}
