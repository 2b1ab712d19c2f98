#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/clock.h"
#include "config/files.h"
#include "config/log_writer.h"

/* A pipe, whose reader is the test: it does not read until it likes. */
struct rig {
    int ends[2];
    bool fails; /* the target refuses instead */
    _Atomic int refreshed;
    struct log_writer *writer;
    char *text; /* all that was read */
    size_t n;
};

static bool write_pipe(void *argument, const char *lines, size_t len)
{
    struct rig *rig = argument;

    return !rig->fails && files_write(rig->ends[1], lines, len) == len;
}

static size_t gap(void *argument, uint64_t lost, char out[LOG_CHUNK_BYTES])
{
    (void)argument;
    return (size_t)snprintf(out, LOG_CHUNK_BYTES, "gap %llu\n", (unsigned long long)lost);
}

static void refresh(void *argument)
{
    struct rig *rig = argument;

    rig->refreshed++;
}

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);

    *state = rig;
    if (rig == NULL || pipe2(rig->ends, O_CLOEXEC) != 0)
        return -1;
    (void)fcntl(rig->ends[1], F_SETPIPE_SZ, 4096);
    rig->writer = log_writer_start(&(struct log_target){
        .argument = rig, .write = write_pipe, .gap = gap, .refresh = refresh });
    return rig->writer != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    close(rig->ends[0]); /* a writer that hangs gets EPIPE */
    if (rig->writer != NULL)
        (void)log_writer_close(rig->writer, INT64_MAX);
    close(rig->ends[1]);
    free(rig->text);
    free(rig);
    return 0;
}

static int64_t in_ms(int64_t ms)
{
    return clock_monotonic_ns() + ms * 1000000;
}

/* Takes what the pipe holds, or waits for some. */
static void read_some(struct rig *rig)
{
    char *grown = realloc(rig->text, rig->n + 65537);

    assert_non_null(grown);
    rig->text = grown;
    ssize_t n = read(rig->ends[0], rig->text + rig->n, 65536);
    assert_true(n > 0);
    rig->n += (size_t)n;
    rig->text[rig->n] = '\0';
}

static void read_until(struct rig *rig, const char *what)
{
    do
        read_some(rig);
    while (strstr(rig->text, what) == NULL);
}

static void put_number(struct rig *rig, int number)
{
    char line[101];

    snprintf(line, sizeof line, "%099d\n", number);
    log_writer_put(rig->writer, line, 100);
}

static void lines_come_out_in_order(void **state)
{
    struct rig *rig = *state;

    for (int i = 0; i < 100; i++)
        put_number(rig, i);
    log_writer_put(rig->writer, "end\n", 4);
    read_until(rig, "end\n");
    for (int i = 0; i < 100; i++)
        assert_int_equal(atoi(rig->text + i * 100), i);
    assert_true(log_writer_flush(rig->writer, INT64_MAX));
    assert_int_equal(log_writer_dropped(rig->writer), 0);
}

/* Nobody reads: putting goes on and on, and never waits. Then somebody does. */
static void what_a_stuck_reader_leaves_no_room_for_is_counted_and_said_in_its_place(
    void **state)
{
    enum { LINES = 10000 };
    struct rig *rig = *state;

    for (int i = 0; i < LINES; i++)
        put_number(rig, i);
    uint64_t dropped = log_writer_dropped(rig->writer);
    assert_true(dropped > LINES - (LOG_RING_BYTES + 8192 + LOG_CHUNK_BYTES) / 100);
    assert_true(dropped < LINES);
    assert_false(log_writer_flush(rig->writer, clock_monotonic_ns()));
    read_until(rig, "gap ");
    while (strchr(strstr(rig->text, "gap "), '\n') == NULL)
        read_some(rig);
    log_writer_put(rig->writer, "after\n", 6);
    read_until(rig, "after\n");

    int kept = LINES - (int)dropped;
    for (int i = 0; i < kept; i++)
        assert_int_equal(atoi(rig->text + i * 100), i);
    assert_int_equal(strtoull(rig->text + kept * 100 + 4, NULL, 10), dropped);
    assert_string_equal(strchr(rig->text + kept * 100, '\n') + 1, "after\n");
    assert_int_equal(log_writer_dropped(rig->writer), dropped);
}

static void a_writer_that_hangs_is_left_behind_at_the_deadline(void **state)
{
    struct rig *rig = *state;
    int64_t before_ns = clock_monotonic_ns();

    for (int i = 0; i < 1000; i++)
        put_number(rig, i);
    assert_false(log_writer_close(rig->writer, in_ms(20)));
    assert_true(clock_monotonic_ns() - before_ns < INT64_C(60000000000));
    /* Its thread still uses the rig: it ends when all is read. */
    while (rig->n < 1000 * 100)
        read_some(rig);
    rig->writer = NULL;
}

static void lines_that_cannot_be_written_are_counted_and_said_when_it_works_again(void **state)
{
    struct rig *rig = *state;

    rig->fails = true;
    put_number(rig, 1);
    put_number(rig, 2);
    assert_true(log_writer_flush(rig->writer, INT64_MAX));
    assert_int_equal(log_writer_dropped(rig->writer), 2);
    rig->fails = false;
    log_writer_put(rig->writer, "works\n", 6);
    read_until(rig, "works\n");
    assert_string_equal(rig->text, "gap 2\nworks\n");
}

static void a_refresh_is_done_by_the_writer(void **state)
{
    struct rig *rig = *state;

    log_writer_refresh(rig->writer);
    assert_true(log_writer_flush(rig->writer, INT64_MAX));
    assert_int_equal(rig->refreshed, 1);
}

static void a_stream_gives_its_lines_to_the_writer(void **state)
{
    struct rig *rig = *state;
    FILE *stream = log_writer_stream(rig->writer);

    assert_non_null(stream);
    errno = EXDEV;
    fprintf(stream, "one %d", 1);
    assert_true(log_writer_flush(rig->writer, INT64_MAX));
    fprintf(stream, " two\nthree\n");
    read_until(rig, "three\n");
    assert_string_equal(rig->text, "one 1 two\nthree\n");
    fclose(stream);
}

enum { PUTTERS = 4, EACH = 2000 };

struct putter {
    struct rig *rig;
    int number;
    pthread_t thread;
};

static void *put_many(void *argument)
{
    struct putter *putter = argument;

    for (int i = 0; i < EACH; i++)
        put_number(putter->rig, putter->number * EACH + i);
    return NULL;
}

/* Whatever was dropped, each thread's lines that are there are whole and in order, and
 * what is there, what the gaps say and what was put agree. */
static void lines_of_many_threads_stay_whole_and_in_order(void **state)
{
    struct rig *rig = *state;
    struct putter putters[PUTTERS];
    int last[PUTTERS] = { -1, -1, -1, -1 };
    uint64_t sum = 0;

    for (int i = 0; i < PUTTERS; i++) {
        putters[i] = (struct putter){ .rig = rig, .number = i };
        assert_int_equal(pthread_create(&putters[i].thread, NULL, put_many, &putters[i]), 0);
    }
    for (int i = 0; i < 20; i++)
        read_some(rig);
    for (int i = 0; i < PUTTERS; i++)
        pthread_join(putters[i].thread, NULL);
    while (!log_writer_flush(rig->writer, clock_monotonic_ns()))
        if (poll(&(struct pollfd){ rig->ends[0], POLLIN, 0 }, 1, 10) > 0)
            read_some(rig);
    log_writer_put(rig->writer, "end\n", 4);
    read_until(rig, "end\n");
    for (char *rest = rig->text, *line; (line = strsep(&rest, "\n")) != NULL;) {
        if (strncmp(line, "gap ", 4) == 0) {
            sum += strtoull(line + 4, NULL, 10);
        } else if (strlen(line) == 99) {
            int number = atoi(line), from = number / EACH;

            assert_true(from < PUTTERS && number % EACH > last[from]);
            last[from] = number % EACH;
            sum++;
        }
    }
    assert_int_equal(sum, PUTTERS * EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_come_out_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            what_a_stuck_reader_leaves_no_room_for_is_counted_and_said_in_its_place, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(a_writer_that_hangs_is_left_behind_at_the_deadline,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            lines_that_cannot_be_written_are_counted_and_said_when_it_works_again, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(a_refresh_is_done_by_the_writer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stream_gives_its_lines_to_the_writer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(lines_of_many_threads_stay_whole_and_in_order, set_up,
                                        tear_down),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
