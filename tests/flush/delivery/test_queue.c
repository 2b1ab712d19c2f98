#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "flush/delivery/queue.h"
#include "tests/support/each_file.h"
#include "tests/support/temp_file.h"

enum {
    START_MS = 5000,
    DUE_MS = START_MS + QUEUE_DURABLE_MS,
    NOW_S = 1700000000,
    POINTS = 3, /* of each payload */
};

/* A disk of so many blocks, one for each file of a folder; 0: there is room. */
static unsigned long disk_blocks;
static const char *disk_folder;

int fstatvfs(int fd, struct statvfs *out)
{
    (void)fd;
    *out = (struct statvfs){ .f_frsize = 4096, .f_blocks = 1 << 20, .f_bavail = 1 << 20 };
    if (disk_blocks > 0)
        out->f_bavail = disk_blocks - each_file(disk_folder, ".payload", NULL, NULL);
    return 0;
}

/* What the disk says to the next reads; 0: it works. */
static int pread_error;
static int preads_fail; /* so many of them */

ssize_t pread(int fd, void *into, size_t size, off_t at)
{
    ssize_t (*real)(int, void *, size_t, off_t) =
        (ssize_t(*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread");

    if (preads_fail == 0)
        return real(fd, into, size, at);
    preads_fail--;
    errno = pread_error;
    return -1;
}

static void fail_reads(int n, int error)
{
    preads_fail = n;
    pread_error = error;
}

/* A queue with its surroundings; time is what a test says. */
struct rig {
    char folder[TEMP_PATH_SIZE];
    struct outbox outbox;
    struct delivery_ledger ledger;
    struct queue queue;
    uint64_t accepted;
};

/* folder: NULL: no spool. */
static void open_queue(struct rig *rig, const char *folder, size_t memory_bytes)
{
    struct queue_config config = {
        .name = "the intake",
        .memory_bytes = memory_bytes,
        .folder = folder != NULL ? strdup(folder) : NULL,
        .spool_limits = { 1 << 24, 1.0 },
    };

    rig->ledger = (struct delivery_ledger){ 0 };
    queue_open(&rig->queue, &config, &rig->outbox, &rig->ledger, START_MS, NOW_S);
}

static void rig_open(struct rig *rig)
{
    *rig = (struct rig){ 0 };
    temp_folder_make(rig->folder);
    assert_true(outbox_open(&rig->outbox));
    open_queue(rig, rig->folder, 1 << 20);
}

static void rig_close(struct rig *rig)
{
    queue_close(&rig->queue);
    assert_int_equal(rig->ledger.imbalance, 0);
    assert_int_equal(rig->ledger.queued_bytes, 0);
    assert_int_equal(outbox_bytes(&rig->outbox), 0);
    outbox_close(&rig->outbox);
    temp_folder_remove(rig->folder);
}

static struct payload *make_payload(struct rig *rig, size_t size)
{
    struct payload *payload = calloc(1, sizeof *payload + size);

    payload->points = POINTS;
    payload->items = POINTS;
    payload->created_s = NOW_S;
    payload->raw_size = payload->size = size;
    outbox_adopt(&rig->outbox, payload);
    return payload;
}

static void put(struct rig *rig, size_t size, int64_t now_ms)
{
    queue_accept(&rig->queue, make_payload(rig, size), rig->accepted++, now_ms);
}

static size_t files(const struct rig *rig)
{
    return each_file(rig->folder, ".payload", NULL, NULL);
}

static struct errand *take(struct rig *rig, int in_flight, int64_t now_ms)
{
    struct errand *errand = queue_take(&rig->queue, in_flight, now_ms);

    assert_non_null(errand);
    return errand;
}

/* As kill -9 leaves it, in flight or not; and the next process. */
static void kill_and_restart(struct rig *rig, struct errand *in_flight[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        queue_free_errand(&rig->queue, in_flight[i]);
    queue_close(&rig->queue);
    open_queue(rig, rig->folder, 1 << 20);
}

static void what_was_accepted_is_on_disk_when_it_is_due(void **state)
{
    struct errand *in_flight[2];
    struct rig rig;
    (void)state;

    rig_open(&rig);
    for (int i = 0; i < 4; i++)
        put(&rig, 100, START_MS + i);
    for (int i = 0; i < 2; i++)
        in_flight[i] = take(&rig, i, START_MS + 4);
    assert_int_equal(queue_trim(&rig.queue, false, START_MS + 3, NOW_S), QUEUE_DURABLE_MS - 3);
    assert_int_equal(queue_trim(&rig.queue, false, DUE_MS - 1, NOW_S), 1);
    assert_int_equal(files(&rig), 0);
    assert_int_equal(queue_trim(&rig.queue, false, DUE_MS, NOW_S), 1);
    assert_int_equal(files(&rig), 1);
    assert_int_equal(queue_trim(&rig.queue, false, DUE_MS + 3, NOW_S), -1);
    assert_int_equal(files(&rig), 4);
    assert_int_equal(rig.ledger.queued.payloads, 0);
    assert_int_equal(rig.ledger.spooled.payloads, 4);
    /* What is in flight keeps its bytes as well, and only that. */
    assert_true(rig.ledger.queued_bytes == outbox_bytes(&rig.outbox));
    assert_true(rig.ledger.queued_bytes == 2 * outbox_weight(in_flight[0]->payload));

    kill_and_restart(&rig, in_flight, 2);
    assert_int_equal(rig.ledger.recovered.points, 4 * POINTS);
    rig_close(&rig);
}

static void while_the_endpoint_is_blocked_it_is_due_at_once(void **state)
{
    struct errand *in_flight;
    struct rig rig;
    (void)state;

    rig_open(&rig);
    put(&rig, 100, START_MS);
    in_flight = take(&rig, 0, START_MS);
    put(&rig, 100, START_MS);
    assert_int_equal(queue_trim(&rig.queue, true, START_MS, NOW_S), -1);
    assert_int_equal(files(&rig), 2);
    kill_and_restart(&rig, &in_flight, 1);
    assert_int_equal(rig.ledger.recovered.payloads, 2);
    rig_close(&rig);
}

/* It was hanging before it was found out by its time-out. */
static void behind_a_request_without_an_answer_all_is_due_at_once(void **state)
{
    struct errand *in_flight;
    struct rig rig;
    (void)state;

    rig_open(&rig);
    put(&rig, 100, START_MS);
    in_flight = take(&rig, 0, START_MS);
    queue_trim(&rig.queue, false, DUE_MS, NOW_S);
    put(&rig, 100, DUE_MS);
    assert_int_equal(queue_trim(&rig.queue, false, DUE_MS, NOW_S), -1);
    assert_int_equal(files(&rig), 2);
    kill_and_restart(&rig, &in_flight, 1);
    assert_int_equal(rig.ledger.recovered.payloads, 2);
    rig_close(&rig);
}

static void the_file_of_what_is_in_flight_goes_when_it_is_delivered(void **state)
{
    struct errand *delivered, *returned;
    struct rig rig;
    (void)state;

    rig_open(&rig);
    put(&rig, 100, START_MS);
    put(&rig, 100, START_MS);
    returned = take(&rig, 0, START_MS);
    delivered = take(&rig, 1, START_MS);
    queue_trim(&rig.queue, false, DUE_MS, NOW_S);
    assert_int_equal(files(&rig), 2);
    queue_settle(&rig.queue, delivered, &rig.ledger.delivered);
    assert_int_equal(files(&rig), 1);
    queue_put_back(&rig.queue, returned);
    assert_int_equal(rig.ledger.queued_bytes, 0);
    queue_settle(&rig.queue, take(&rig, 0, START_MS), &rig.ledger.delivered);
    assert_int_equal(files(&rig), 0);
    assert_int_equal(rig.ledger.delivered.points, 2 * POINTS);
    assert_int_equal(rig.ledger.spooled.points, 0);
    rig_close(&rig);
}

static void halves_are_due_when_the_whole_was(void **state)
{
    struct payload *halves[2];
    struct rig rig;
    (void)state;

    rig_open(&rig);
    put(&rig, 100, START_MS);
    struct errand *whole = take(&rig, 0, START_MS);

    for (int i = 0; i < 2; i++) {
        halves[i] = make_payload(&rig, 50);
        halves[i]->points = i == 0 ? 1 : POINTS - 1;
        atomic_fetch_sub(&rig.outbox.bytes, outbox_weight(halves[i])); /* split adopts them */
    }
    assert_true(queue_split(&rig.queue, whole, halves));
    assert_int_equal(queue_trim(&rig.queue, false, START_MS + 500, NOW_S),
                     QUEUE_DURABLE_MS - 500);
    assert_int_equal(queue_trim(&rig.queue, false, DUE_MS, NOW_S), -1);
    assert_int_equal(files(&rig), 2);
    rig_close(&rig);
}

static void without_a_spool_nothing_is_ever_due(void **state)
{
    struct rig rig;
    (void)state;

    rig_open(&rig);
    queue_close(&rig.queue);
    open_queue(&rig, NULL, 1 << 20);
    put(&rig, 100, START_MS);
    assert_int_equal(queue_trim(&rig.queue, true, DUE_MS + 60000, NOW_S), -1);
    assert_int_equal(rig.ledger.queued.payloads, 1);
    rig_close(&rig);
}

/* Nobody has to push anything for the disk to be tried again. */
static void a_disk_that_failed_is_tried_again_by_itself(void **state)
{
    char taken_name[TEMP_PATH_SIZE + 8];
    struct rig rig;
    FILE *file;
    (void)state;

    rig_open(&rig);
    queue_close(&rig.queue);
    snprintf(taken_name, sizeof taken_name, "%s/spool", rig.folder);
    file = fopen(taken_name, "w"); /* a file where the folder should be */
    fclose(file);
    open_queue(&rig, taken_name, 1 << 20);
    put(&rig, 100, START_MS);
    int64_t wait_ms = queue_trim(&rig.queue, true, START_MS + 1, NOW_S);

    assert_true(wait_ms > 0);
    assert_int_equal(rig.ledger.queued.payloads, 1);
    remove(taken_name);
    assert_int_equal(queue_trim(&rig.queue, true, START_MS + 1 + wait_ms, NOW_S), -1);
    assert_int_equal(rig.ledger.spooled.payloads, 1);
    rig_close(&rig);
}

/* More at once than one step writes, and more than memory may hold. */
static void a_burst_goes_to_disk_before_anything_is_shed(void **state)
{
    enum { BURST = 50, SIZE = 4000 };
    struct rig rig;
    (void)state;

    rig_open(&rig);
    queue_close(&rig.queue);
    open_queue(&rig, rig.folder, (size_t)2 * SIZE);
    for (int i = 0; i < BURST; i++)
        put(&rig, SIZE, START_MS);
    int steps = 1;

    while (queue_trim(&rig.queue, true, START_MS, NOW_S) == 0)
        assert_true(++steps < BURST);
    assert_true(steps > 1);
    assert_int_equal(delivery_shed_points(&rig.ledger), 0);
    assert_int_equal(rig.ledger.spooled.payloads, BURST);
    rig_close(&rig);
}

static void without_a_disk_the_oldest_of_a_burst_are_shed(void **state)
{
    enum { BURST = 50, SIZE = 4000 };
    struct rig rig;
    (void)state;

    rig_open(&rig);
    queue_close(&rig.queue);
    open_queue(&rig, "/proc/heeler", (size_t)3 * SIZE);
    for (int i = 0; i < BURST; i++)
        put(&rig, SIZE, START_MS);
    assert_true(queue_trim(&rig.queue, true, START_MS, NOW_S) > 0);
    assert_int_equal(rig.ledger.queued.payloads, 2); /* a payload weighs more than its bytes */
    assert_int_equal(rig.ledger.shed[UNSENT_QUEUE_FULL].payloads, BURST - 2);
    assert_true(rig.ledger.queued_bytes <= 3 * SIZE);
    rig_close(&rig);
}

/* Full of what is not ours, while there is some of ours that could make room. */
static void on_a_full_disk_nothing_is_shed_while_memory_has_room(void **state)
{
    enum { SIZE = 3000 };
    struct rig rig;
    (void)state;

    rig_open(&rig);
    queue_close(&rig.queue);
    open_queue(&rig, rig.folder, (size_t)2 * SIZE + 1000);
    put(&rig, SIZE, START_MS);
    put(&rig, SIZE, START_MS);
    queue_trim(&rig.queue, true, START_MS, NOW_S);
    assert_int_equal(rig.ledger.spooled.payloads, 2);
    disk_blocks = 2;
    disk_folder = rig.folder;
    put(&rig, SIZE, START_MS);
    put(&rig, SIZE, START_MS);
    int64_t wait_ms = queue_trim(&rig.queue, true, START_MS, NOW_S);

    assert_true(wait_ms > 0);
    assert_int_equal(delivery_shed_points(&rig.ledger), 0);
    assert_int_equal(rig.ledger.queued.payloads, 2);
    /* Memory is over its bound: the oldest go, and those are on disk. */
    put(&rig, SIZE, START_MS + wait_ms);
    queue_trim(&rig.queue, true, START_MS + wait_ms, NOW_S);
    assert_int_equal(rig.ledger.shed[UNSENT_SPOOL_FULL].payloads, 1);
    assert_int_equal(rig.ledger.shed[UNSENT_QUEUE_FULL].payloads, 0);
    /* At the stop memory is lost, so the newest take the place of the oldest. */
    queue_keep_rest(&rig.queue);
    assert_int_equal(rig.ledger.queued.payloads, 0);
    disk_blocks = 0;
    rig_close(&rig);
}

static void at_the_stop_all_goes_to_disk(void **state)
{
    struct errand *in_flight;
    struct rig rig;
    (void)state;

    rig_open(&rig);
    for (int i = 0; i < 3; i++)
        put(&rig, 100, START_MS);
    in_flight = take(&rig, 0, START_MS);
    queue_keep_rest(&rig.queue);
    assert_int_equal(files(&rig), 3);
    assert_non_null(in_flight->payload); /* libcurl still looks at it */
    assert_int_equal(rig.ledger.shed[UNSENT_STOPPED].payloads, 0);
    kill_and_restart(&rig, &in_flight, 1);
    assert_int_equal(rig.ledger.recovered.payloads, 3);
    rig_close(&rig);
}

enum { ALWAYS = 1000000, RETRY_MS = 10000 };

static void settle_all(struct rig *rig, int64_t now_ms, uint64_t payloads)
{
    for (uint64_t i = 0; i < payloads; i++)
        queue_settle(&rig->queue, take(rig, 0, now_ms), &rig->ledger.delivered);
    assert_int_equal(rig->ledger.delivered.points, payloads * POINTS);
    assert_int_equal(delivery_shed_points(&rig->ledger), 0);
    assert_int_equal(rig->ledger.damaged_files, 0);
    assert_int_equal(files(rig), 0);
}

static void a_disk_that_cannot_be_read_for_a_while_loses_nothing(void **state)
{
    static const int errors[] = { EIO, ESTALE, ENOMEM };
    struct rig rig;
    (void)state;

    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        rig_open(&rig);
        for (int k = 0; k < 3; k++)
            put(&rig, 100, START_MS);
        assert_int_equal(queue_trim(&rig.queue, true, START_MS, NOW_S), -1);
        fail_reads(ALWAYS, errors[i]);
        assert_null(queue_take(&rig.queue, 0, START_MS));
        assert_null(queue_take(&rig.queue, 0, START_MS)); /* one file a second is tried */
        assert_int_equal(queue_waiting(&rig.queue), 2);
        assert_int_equal(queue_trim(&rig.queue, true, START_MS, NOW_S), RETRY_MS);
        assert_int_equal(files(&rig), 3);
        assert_int_equal(rig.ledger.spooled.points, 3 * POINTS);
        fail_reads(0, 0);
        queue_trim(&rig.queue, true, START_MS + RETRY_MS, NOW_S);
        settle_all(&rig, START_MS + RETRY_MS, 3);
        rig_close(&rig);
    }
}

/* One bad sector, and all that is older. */
static void a_file_that_cannot_be_read_is_not_in_the_way(void **state)
{
    struct rig rig;
    (void)state;

    rig_open(&rig);
    for (int k = 0; k < 3; k++)
        put(&rig, 100 + (size_t)k, START_MS);
    queue_trim(&rig.queue, true, START_MS, NOW_S);
    fail_reads(1, EIO);
    assert_null(queue_take(&rig.queue, 0, START_MS));
    struct errand *older = take(&rig, 0, START_MS + 1000);

    assert_int_equal(older->size, 101);
    put(&rig, 50, START_MS + 1000); /* memory goes on */
    struct errand *newest = take(&rig, 1, START_MS + 1000);

    assert_int_equal(newest->size, 50);
    queue_put_back(&rig.queue, older);
    queue_put_back(&rig.queue, newest);
    queue_trim(&rig.queue, true, START_MS + RETRY_MS, NOW_S);
    settle_all(&rig, START_MS + RETRY_MS, 4);
    rig_close(&rig);
}

static void what_cannot_be_read_at_the_start_is_found_later(void **state)
{
    struct rig rig;
    (void)state;

    rig_open(&rig);
    for (int k = 0; k < 3; k++)
        put(&rig, 100, START_MS);
    queue_trim(&rig.queue, true, START_MS, NOW_S);
    fail_reads(2, EIO);
    kill_and_restart(&rig, NULL, 0);
    assert_int_equal(rig.ledger.recovered.payloads, 1);
    assert_int_equal(queue_trim(&rig.queue, false, START_MS, NOW_S), RETRY_MS);
    fail_reads(1, EIO);
    queue_trim(&rig.queue, false, START_MS + RETRY_MS, NOW_S);
    assert_int_equal(rig.ledger.recovered.payloads, 2);
    assert_int_equal(queue_trim(&rig.queue, false, START_MS + 2 * RETRY_MS, NOW_S), -1);
    assert_int_equal(rig.ledger.recovered.points, 3 * POINTS);
    settle_all(&rig, START_MS + 2 * RETRY_MS, 3);
    rig_close(&rig);
}

#ifdef HEELER_CHECKS
static void a_queue_that_does_not_add_up_is_found_out(void **state)
{
    struct rig rig;
    (void)state;

    rig_open(&rig);
    put(&rig, 100, START_MS);
    put(&rig, 100, START_MS);
    assert_true(queue_sane(&rig.queue));
    rig.queue.waiting_bytes++;
    assert_false(queue_sane(&rig.queue));
    rig.queue.waiting_bytes--;
    rig.queue.memory.n++;
    assert_false(queue_sane(&rig.queue));
    rig.queue.memory.n--;
    rig.queue.memory.newest->order = 0; /* older than the one behind it */
    assert_false(queue_sane(&rig.queue));
    rig.queue.memory.newest->order = UINT64_MAX;
    rig.queue.memory.newest->file = 1; /* on disk, and still waits in memory */
    assert_false(queue_sane(&rig.queue));
    rig.queue.memory.newest->file = 0;
    assert_true(queue_sane(&rig.queue));
    rig_close(&rig);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_accepted_is_on_disk_when_it_is_due),
        cmocka_unit_test(while_the_endpoint_is_blocked_it_is_due_at_once),
        cmocka_unit_test(behind_a_request_without_an_answer_all_is_due_at_once),
        cmocka_unit_test(the_file_of_what_is_in_flight_goes_when_it_is_delivered),
        cmocka_unit_test(halves_are_due_when_the_whole_was),
        cmocka_unit_test(without_a_spool_nothing_is_ever_due),
        cmocka_unit_test(a_disk_that_failed_is_tried_again_by_itself),
        cmocka_unit_test(a_burst_goes_to_disk_before_anything_is_shed),
        cmocka_unit_test(without_a_disk_the_oldest_of_a_burst_are_shed),
        cmocka_unit_test(on_a_full_disk_nothing_is_shed_while_memory_has_room),
        cmocka_unit_test(at_the_stop_all_goes_to_disk),
        cmocka_unit_test(a_disk_that_cannot_be_read_for_a_while_loses_nothing),
        cmocka_unit_test(a_file_that_cannot_be_read_is_not_in_the_way),
        cmocka_unit_test(what_cannot_be_read_at_the_start_is_found_later),
#ifdef HEELER_CHECKS
        cmocka_unit_test(a_queue_that_does_not_add_up_is_found_out),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
