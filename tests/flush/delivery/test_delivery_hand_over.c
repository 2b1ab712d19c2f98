/* Delivery and who follows it, with disks that hang and states that cannot be written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/clock.h"
#include "flush/delivery/delivery.h"
#include "flush/payloads/encode.h"
#include "tests/support/fake_intake.h"
#include "tests/support/temp_file.h"

#define MS INT64_C(1000000)

enum { LONG_MS = 60000, SHORT_MS = 200, POINTS = 2 };

/* ---- a disk that does not answer until it is let go -------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static const char *hanging = ""; /* the call that hangs; all under mutex */
static int waiting;

static void ask_disk(const char *call)
{
    pthread_mutex_lock(&mutex);
    waiting++;
    pthread_cond_broadcast(&changed);
    while (strcmp(hanging, call) == 0)
        pthread_cond_wait(&changed, &mutex);
    waiting--;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    int (*real)(int, const char *, int, const char *) =
        (int (*)(int, const char *, int, const char *))dlsym(RTLD_NEXT, "renameat");

    ask_disk("renameat");
    return real(from_fd, from, to_fd, to);
}

int unlinkat(int fd, const char *name, int flags)
{
    int (*real)(int, const char *, int) =
        (int (*)(int, const char *, int))dlsym(RTLD_NEXT, "unlinkat");

    ask_disk("unlinkat");
    return real(fd, name, flags);
}

int fdatasync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");

    ask_disk("fdatasync");
    return real(fd);
}

static void hang(const char *call)
{
    pthread_mutex_lock(&mutex);
    hanging = call;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static void let_go(void)
{
    hang("");
}

static void wait_for_hang(void)
{
    pthread_mutex_lock(&mutex);
    while (waiting == 0)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

/* libcurl without memory. */
static bool curl_fails;

CURLcode curl_global_init(long flags)
{
    CURLcode (*real)(long) = (CURLcode(*)(long))dlsym(RTLD_NEXT, "curl_global_init");

    return curl_fails ? CURLE_OUT_OF_MEMORY : real(flags);
}

/* ---- a delivery with its surroundings ---------------------------------- */

/* Each test has its own: a thread that was stuck may look at the last ones at any time. */
static struct rig {
    char folder[TEMP_PATH_SIZE];
    struct fake_intake *fake;
    struct outbox outbox;
    struct delivery_ledger ledger;
    struct delivery_config config;
    struct delivery *delivery; /* NULL: it has ended */
} rigs[16], *rig = rigs;

/* Those that were stuck go on by themselves; so they stay in somebody's hands. */
static struct delivery *stuck;
static bool is_stuck;

static int64_t in_ms(int64_t ms)
{
    return clock_monotonic_ns() + ms * MS;
}

static int set_up(void **state)
{
    (void)state;
    rig++;
    assert_true(rig < rigs + 16);
    temp_folder_make(rig->folder);
    rig->fake = fake_intake_start();
    rig->config = (struct delivery_config){
        .base_url = fake_intake_url(rig->fake),
        .api_key = "0123456789abcdef0123456789abcdef",
        .timeout_ms = LONG_MS,
        .queue_bytes = 1 << 20,
        .concurrent = 1,
        .backoff = { .factor = 2, .base_ms = 1, .max_ms = 2, .recovery_interval = 2 },
        .spool = { rig->folder, 1 << 24, 1.0, 0 },
    };
    return outbox_open(&rig->outbox) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    let_go();
    if (rig->delivery != NULL)
        delivery_stop(rig->delivery, in_ms(LONG_MS));
    fake_intake_stop(rig->fake);
    if (!is_stuck) /* else it is its thread's still, as after any such end */
        outbox_close(&rig->outbox);
    is_stuck = false;
    temp_folder_remove(rig->folder);
    return 0;
}

static void start(void)
{
    rig->delivery = delivery_start(&rig->config, &rig->outbox, &rig->ledger);
    assert_non_null(rig->delivery);
}

static void push_emitted(void *argument, struct payload *given)
{
    outbox_push(argument, given);
}

static void push(void)
{
    struct payload_writer *writer = payload_writer_new(
        ROUTE_SERIES_V2, COMPRESSION_NONE, 1, (struct payload_limits){ 0, 1 << 20, 1 << 20 },
        encode_frame(ROUTE_SERIES_V2), clock_wall_ns() / 1000000000, push_emitted,
        &rig->outbox);
    static const char item[200] = "some bytes of a series";

    assert_int_equal(payload_writer_add(writer, item, sizeof item, POINTS), PAYLOAD_ADDED);
    payload_writer_end(writer);
}

/* A step of another thread that is sure to come. */
static void until(const _Atomic(uint64_t) *counter, uint64_t n)
{
    int64_t end_ns = in_ms(LONG_MS);

    while (atomic_load(counter) < n && clock_monotonic_ns() < end_ns)
        sched_yield();
    assert_true(atomic_load(counter) >= n);
}

static void wait_held(enum delivery_held wanted)
{
    int64_t end_ns = in_ms(LONG_MS);

    while (delivery_held(rig->delivery, in_ms(SHORT_MS)) != wanted)
        assert_true(clock_monotonic_ns() < end_ns);
}

static int threads(void)
{
    DIR *folder = opendir("/proc/self/task");
    int n = 0;

    while (readdir(folder) != NULL)
        n++;
    closedir(folder);
    return n;
}

static const struct fake_answer trouble = { .status = 503 }, silence = { .trick = FAKE_HANG };

/* ---- the sign of life -------------------------------------------------- */

static void a_disk_that_hangs_is_noticed_before_anything_ends(void **state)
{
    (void)state;

    fake_intake_script(rig->fake, &trouble, 1);
    hang("renameat");
    start();
    push();
    wait_for_hang();
    delivery_hold(rig->delivery);
    assert_int_equal(delivery_held(rig->delivery, in_ms(SHORT_MS)), DELIVERY_SILENT);
    delivery_resume(rig->delivery);
    delivery_hold(rig->delivery);
    let_go();
    wait_held(DELIVERY_QUIET);
    delivery_resume(rig->delivery); /* nobody has taken over: it goes on */
    until(&rig->ledger.delivered.points, POINTS);
    assert_int_equal(rig->ledger.imbalance, 0);
}

static void a_syncer_that_hangs_is_noticed_too(void **state)
{
    (void)state;

    fake_intake_script(rig->fake, &trouble, 1);
    hang("fdatasync");
    start();
    push();
    wait_for_hang();
    until(&rig->ledger.delivered.points, POINTS);
    delivery_hold(rig->delivery);
    assert_int_equal(delivery_held(rig->delivery, in_ms(SHORT_MS)), DELIVERY_SILENT);
    let_go();
    wait_held(DELIVERY_QUIET);
}

static void a_request_under_way_is_no_hang(void **state)
{
    (void)state;

    fake_intake_script(rig->fake, &silence, 1);
    start();
    push();
    assert_true(fake_intake_wait(rig->fake, 1));
    delivery_hold(rig->delivery);
    wait_held(DELIVERY_BUSY);
    fake_intake_release(rig->fake);
    wait_held(DELIVERY_QUIET);
}

/* ---- the hand-over ----------------------------------------------------- */

/* Its request is answered when all has given its sign, and then the disk hangs. */
static void one_that_hangs_after_its_sign_hands_nothing_over(void **state)
{
    const struct fake_answer answers[] = { trouble, silence };
    struct state_writer *out = state_writer_new();
    int before = threads();
    (void)state;

    fake_intake_script(rig->fake, answers, 2);
    start();
    push();
    assert_true(fake_intake_wait(rig->fake, 2)); /* from its file, after the first answer */
    delivery_hold(rig->delivery);
    wait_held(DELIVERY_BUSY);
    hang("unlinkat");
    fake_intake_release(rig->fake);
    wait_for_hang();
    stuck = rig->delivery;
    is_stuck = true;
    rig->delivery = NULL;
    assert_int_equal(delivery_hand_over(stuck, in_ms(SHORT_MS), out), DELIVERY_STUCK);
    int fd = state_writer_end(out); /* nobody else writes to it */

    assert_true(fd >= 0);
    close(fd);
    let_go();
    until(&rig->ledger.delivered.points, POINTS);
    assert_int_equal(rig->ledger.handed_over.points, 0);
    while (threads() > before) /* its threads end by themselves */
        sched_yield();
    assert_int_equal(rig->ledger.imbalance, 0);
}

static struct rlimit limit_files(rlim_t size)
{
    struct rlimit before, small;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){ size, before.rlim_max };
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    return before;
}

/* The first part is in the state, and the payloads do not go behind it. */
static void what_cannot_be_written_is_not_counted_as_handed_over(void **state)
{
    struct state_writer *out = state_writer_new();
    struct state found;
    char problem[160];
    (void)state;

    fake_intake_script(rig->fake, &silence, 1);
    rig->config.spool.max_bytes = 0;
    start();
    push();
    push();
    assert_true(fake_intake_wait(rig->fake, 1));
    delivery_hold(rig->delivery);
    wait_held(DELIVERY_BUSY);
    state_begin(out, STATE_SERIES);
    state_put_number(out, 7);
    assert_true(state_settle(out));
    struct rlimit before = limit_files(300); /* one payload, and not the other */
    enum delivery_end end = delivery_hand_over(rig->delivery, in_ms(LONG_MS), out);

    setrlimit(RLIMIT_FSIZE, &before);
    rig->delivery = NULL;
    assert_int_equal(end, DELIVERY_ENDED);
    assert_int_equal(rig->ledger.handed_over.payloads, 0);
    assert_int_equal(rig->ledger.shed[UNSENT_STOPPED].payloads, 2);
    assert_int_equal(rig->ledger.queued.payloads, 0);
    assert_int_equal(rig->ledger.imbalance, 0);
    int fd = state_writer_end(out); /* what was good of it still is */

    assert_true(state_map(&found, fd, problem, sizeof problem));
    assert_null(found.parts[STATE_PAYLOADS].at);
    assert_int_equal(state_get_number(&found.parts[STATE_SERIES]), 7);
    state_done(&found);
    close(fd);
}

static void with_a_spool_it_goes_to_the_disk_instead(void **state)
{
    struct state_writer *out = state_writer_new();
    (void)state;

    fake_intake_script(rig->fake, &silence, 1);
    start();
    push();
    push();
    assert_true(fake_intake_wait(rig->fake, 1));
    delivery_hold(rig->delivery);
    wait_held(DELIVERY_BUSY);
    struct rlimit before = limit_files(300); /* one file of the spool is smaller */
    enum delivery_end end = delivery_hand_over(rig->delivery, in_ms(LONG_MS), out);

    setrlimit(RLIMIT_FSIZE, &before);
    rig->delivery = NULL;
    state_writer_free(out);
    assert_int_equal(end, DELIVERY_ENDED);
    assert_int_equal(rig->ledger.handed_over.payloads, 0);
    assert_int_equal(rig->ledger.spooled.payloads, 2);
    assert_int_equal(rig->ledger.imbalance, 0);
}

static void push_route(enum payload_route route, uint32_t points)
{
    struct payload_writer *writer =
        payload_writer_new(route, COMPRESSION_GZIP, 1, (struct payload_limits){ 0, 999, 999 },
                           (struct payload_frame){ .head = SLICE("") },
                           clock_wall_ns() / 1000000000, push_emitted, &rig->outbox);

    assert_int_equal(payload_writer_add(writer, "some bytes of it", 16, points), PAYLOAD_ADDED);
    payload_writer_end(writer);
}

/* Both doors are at one address here, so that nothing but the door tells them apart. */
static void what_waits_at_a_door_is_sent_there_by_the_next_process(void **state)
{
    const struct delivery_target traces = { fake_intake_url(rig->fake), "k", DOOR_TRACES };
    static struct delivery_ledger ledgers[4];
    struct state_writer *out = state_writer_new();
    struct state found;
    char problem[160];
    size_t seen = 0;
    (void)state;

    fake_intake_script(rig->fake, (struct fake_answer[]){ silence, silence }, 2);
    rig->config.spool.max_bytes = 0;
    rig->config.more = &traces;
    rig->config.n_more = 1;
    rig->delivery = delivery_start(&rig->config, &rig->outbox, ledgers);
    push_route(ROUTE_TRACE_STATS, 3);
    push_route(ROUTE_SERIES_V2, 2);
    assert_true(fake_intake_wait(rig->fake, 2));
    delivery_hold(rig->delivery);
    wait_held(DELIVERY_BUSY);
    assert_int_equal(delivery_hand_over(rig->delivery, in_ms(LONG_MS), out), DELIVERY_ENDED);
    assert_int_equal(ledgers[0].handed_over.points, 2);
    assert_int_equal(ledgers[1].handed_over.points, 3);
    assert_true(state_map(&found, state_writer_end(out), problem, sizeof problem));
    rig->config.inherited = &found;
    rig->delivery = delivery_start(&rig->config, &rig->outbox, ledgers + 2);
    assert_non_null(rig->delivery);
    until(&ledgers[2].delivered.points, 2);
    until(&ledgers[3].delivered.points, 3);
    for (size_t i = 2; i < 4; i++)
        seen += strcmp(fake_intake_request(rig->fake, i)->path, "/api/v0.2/stats") == 0;
    assert_int_equal(seen, 1);
    for (int i = 0; i < 4; i++)
        assert_int_equal(ledgers[i].imbalance, 0);
}

static void without_libcurl_it_does_not_start_and_keeps_no_state(void **state)
{
    struct state found = { .users = 1 };
    (void)state;

    rig->config.inherited = &found;
    curl_fails = true;
    struct delivery *delivery = delivery_start(&rig->config, &rig->outbox, &rig->ledger);

    curl_fails = false;
    assert_null(delivery);
    assert_int_equal(found.users, 1);
    rig->config.base_url = "no URL"; /* found out later, and no different */
    assert_null(delivery_start(&rig->config, &rig->outbox, &rig->ledger));
    assert_int_equal(found.users, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_disk_that_hangs_is_noticed_before_anything_ends),
        TEST(a_syncer_that_hangs_is_noticed_too),
        TEST(a_request_under_way_is_no_hang),
        TEST(one_that_hangs_after_its_sign_hands_nothing_over),
        TEST(what_cannot_be_written_is_not_counted_as_handed_over),
        TEST(with_a_spool_it_goes_to_the_disk_instead),
        TEST(what_waits_at_a_door_is_sent_there_by_the_next_process),
        TEST(without_libcurl_it_does_not_start_and_keeps_no_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
