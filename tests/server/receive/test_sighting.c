#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <xxhash.h>

#include "server/receive/sighting.h"
#include "tests/support/guard.h"

#define SECOND INT64_C(1000000000)
#define PAGE   (SECOND / 10) /* it is open for so long at least */

struct rig {
    struct sighting_box box;
    struct sighter sighter;
};

static int set_up(void **state)
{
    struct rig *rig = own_lines(sizeof *rig);

    *state = rig;
    if (rig == NULL)
        return -1;
    rig->sighter.box = &rig->box;
    atomic_store(&rig->box.wanted, true);
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    sighter_free(&rig->sighter);
    free(rig);
    return 0;
}

static const struct sender near = { .family = AF_INET,
                                    .port = 1234,
                                    .address = { 127, 0, 0, 2 } };
static const struct sender far = { .family = AF_INET, .port = 9, .address = { 10, 0, 0, 7 } };

/* One batch with one datagram. */
static void see(struct rig *rig, const struct sender *from, const char *text, int64_t now_ns)
{
    (void)sighter_looks(&rig->sighter);
    if (sighter_begin(&rig->sighter, now_ns))
        sighter_see(&rig->sighter, from, guarded_text(text));
    sighter_end(&rig->sighter, now_ns);
}

/* "a=10.0.0.7 b=127.0.0.2" of the page, which is freed. */
static const char *told(struct sighting_page *given)
{
    static char text[512];
    size_t len = 0;

    text[0] = '\0';
    for (uint32_t i = 0; given != NULL && i < given->n; i++) {
        struct slice host = sighting_host(given, &given->at[i]);
        char address[64];

        assert_int_equal(given->at[i].sender.port, 0);
        sender_write_address(&given->at[i].sender, address, sizeof address);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%.*s=%s", i > 0 ? " " : "",
                                (int)host.len, host.at, address);
    }
    free(given);
    return text;
}

static void names(const char *line, const char *host)
{
    struct slice found = sighting_host_of_line(guarded_text(line));

    assert_int_equal(found.len, strlen(host));
    if (found.len > 0)
        assert_memory_equal(found.at, host, found.len);
}

static void a_line_names_its_host(void **state)
{
    (void)state;
    names("a:1|c|#host:web-7", "web-7");
    names("a:1|c|@0.5|#env:x,host:web-7,team:y|c:ci-1|T1700000000", "web-7");
    names("a:1|c|#host:a,host:b", "b"); /* the last one counts */
    names("a:1|c|#host:a,host:", "");   /* no host at all */
    names("a:1|c|#xhost:a,env:host:a", "");
    names("a:1|c|#Host:a", "");
    names("a:1|c", "");
    names("", "");
    names("host:1|c|#a", ""); /* a metric of that name */
    names("#host:x|c", "");
    names("_sc|app.up|0|#host:a", "a");
    names("_sc|app.up|0|h:b|#host:a", "b");
    names("_sc|app.up|0|h:|#host:a", "a");
    names("_sc|app.up|0|m:it|#host:a", "a"); /* as the check is read */
    names("_sc|#host:a|0", "");              /* its name */
    names("_sc|app.up|9|#host:a", "");       /* no check */
    names("_e{1,9}:t|x|#host:a", "");
    names("a:1|c|#host:a|#host:b", "b");
}

static void a_page_is_handed_over_when_it_is_time(void **state)
{
    struct rig *rig = *state;

    see(rig, &far, "a:1|c|#host:a\nb:1|c|#host:b\nc:1|c|#host:a", 0);
    see(rig, &near, "a:1|c|#host:b\nno.host:1|c\n", PAGE / 2);
    assert_null(atomic_load(&rig->box.full));
    see(rig, &near, "a:1|c|#host:c", PAGE);
    assert_string_equal(told(sighting_box_take(&rig->box)),
                        "a=10.0.0.7 b=127.0.0.2 c=127.0.0.2");
    assert_null(sighting_box_take(&rig->box));
    see(rig, &far, "a:1|c|#host:d", PAGE + 1); /* one that is not taken stays */
    see(rig, &far, "a:1|c|#host:e", 2 * PAGE + 1);
    see(rig, &far, "a:1|c|#host:f", 4 * PAGE);
    assert_string_equal(told(sighting_box_take(&rig->box)), "d=10.0.0.7 e=10.0.0.7");
    sighter_end(&rig->sighter, 4 * PAGE);
    assert_string_equal(told(sighting_box_take(&rig->box)), "f=10.0.0.7");
}

static void who_is_not_known_is_not_noted(void **state)
{
    static const struct sender v6 = { .family = AF_INET6, .port = 7, .address = { [15] = 1 } };
    static const struct sender nobody = { .family = AF_UNSPEC };
    struct sender process = sender_of_process(12);
    struct rig *rig = *state;

    see(rig, &nobody, "a:1|c|#host:a", 0);
    see(rig, &v6, "a:1|c|#host:b", 0);
    see(rig, &process, "a:1|c|#host:c", PAGE);
    struct sighting_page *page = sighting_box_take(&rig->box);

    assert_non_null(page);
    assert_int_equal(page->at[1].sender.family, AF_UNIX);
    assert_int_equal(page->at[1].sender.pid, 0);
    assert_string_equal(told(page), "b=::1 c=");
}

static void while_nobody_wants_it_there_is_no_page(void **state)
{
    struct rig *rig = *state;

    atomic_store(&rig->box.wanted, false);
    assert_false(sighter_looks(&rig->sighter));
    see(rig, &far, "a:1|c|#host:a", 0);
    assert_null(rig->sighter.open);
    atomic_store(&rig->box.wanted, true);
    see(rig, &far, "a:1|c|#host:a", 0);
    see(rig, &far, "a:1|c|#host:a", PAGE);
    assert_non_null(atomic_load(&rig->box.full));
    atomic_store(&rig->box.wanted, false);
    see(rig, &far, "a:1|c|#host:a", PAGE);
    assert_null(rig->sighter.open);
    assert_null(atomic_load(&rig->box.full));
}

/* What is there is there, and the next page has room for others. */
static void a_page_is_bounded(void **state)
{
    struct rig *rig = *state;
    char text[SIGHTING_HOST_MAX + 32];

    for (int i = 0; i < SIGHTING_HOSTS + 10; i++) {
        snprintf(text, sizeof text, "a:1|c|#host:host-%d", i);
        rig->sighter.datagrams = 0; /* it looks at all of them */
        see(rig, &far, text, 0);
    }
    memcpy(text, "a:1|c|#host:", 12);
    memset(text + 12, 'x', SIGHTING_HOST_MAX + 1); /* longer than a host's name may be */
    text[12 + SIGHTING_HOST_MAX + 1] = '\0';
    see(rig, &far, text, PAGE);
    struct sighting_page *page = sighting_box_take(&rig->box);

    assert_non_null(page);
    assert_int_equal(page->n, SIGHTING_HOSTS);
    assert_true(
        slice_equal(sighting_host(page, &page->at[SIGHTING_HOSTS - 1]), SLICE("host-4095")));
    free(page);
    for (int i = 0; i < 600; i++) { /* long names fill the texts before the page */
        rig->sighter.datagrams = 0;
        snprintf(text, sizeof text, "a:1|c|#host:%0250d", i);
        see(rig, &far, text, PAGE);
    }
    see(rig, &far, "a:1|c", 2 * PAGE);
    assert_non_null(page = sighting_box_take(&rig->box));
    assert_in_range(page->n, SIGHTING_TEXT_BYTES / 250 - 1, SIGHTING_TEXT_BYTES / 250);
    free(page);
}

static size_t slot_without_a_seed(const char *host)
{
    return XXH3_64bits(host, strlen(host)) & (2 * SIGHTING_HOSTS - 1);
}

/* The page has so many runs of slots that are taken. */
static size_t runs_of(const struct sighting_page *page)
{
    size_t n = 0;

    for (size_t i = 1; i < 2 * SIGHTING_HOSTS; i++)
        n += page->slots[i] != 0 && page->slots[i - 1] == 0;
    return n;
}

/* To find one is then as long as the run is, at each line. */
static void no_names_can_be_chosen_that_fall_on_one_slot(void **state)
{
    struct rig *rig = *state;
    char text[64] = "a:1|c|#host:";
    int chosen = 0;

    for (int i = 0; chosen < 64; i++) {
        snprintf(text + 12, sizeof text - 12, "host-%d", i);
        if (slot_without_a_seed(text + 12) != 7)
            continue;
        see(rig, &far, text, 12345);
        chosen++;
    }
    assert_int_equal(rig->sighter.open->n, 64);
    assert_in_range(runs_of(rig->sighter.open), 32, 64);
}

/* Behind the exact ones of a second it looks at one batch of many. */
static void a_full_worker_looks_now_and_then(void **state)
{
    struct rig *rig = *state;
    int looked = 0;

    for (int i = 0; i < SIGHTING_EXACT + 100 * SIGHTING_SHARE; i++) {
        looked += sighter_looks(&rig->sighter);
        if (sighter_begin(&rig->sighter, 1))
            sighter_see(&rig->sighter, &far, SLICE("a:1|c|#host:a"));
    }
    assert_int_equal(looked, SIGHTING_EXACT + 100);
    (void)sighter_begin(&rig->sighter, SECOND + 1);
    for (int i = 0; i < 2; i++)
        assert_true(sighter_looks(&rig->sighter)); /* another second */
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_names_its_host),
        WITH_RIG(a_page_is_handed_over_when_it_is_time),
        WITH_RIG(who_is_not_known_is_not_noted),
        WITH_RIG(while_nobody_wants_it_there_is_no_page),
        WITH_RIG(a_page_is_bounded),
        WITH_RIG(no_names_can_be_chosen_that_fall_on_one_slot),
        WITH_RIG(a_full_worker_looks_now_and_then),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
