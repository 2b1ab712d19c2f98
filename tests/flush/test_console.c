#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flush/console.h"
#include "flush/payloads/encode.h"
#include "flush/snapshots/points.h"

/* A console that prints into memory. */
struct rig {
    struct console *console;
    struct observer observer;
    FILE *out;
    char *text;
    size_t size;
};

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);

    *state = rig;
    if (rig == NULL)
        return -1;
    rig->out = open_memstream(&rig->text, &rig->size);
    rig->console = rig->out != NULL ? console_new(rig->out, 10) : NULL;
    if (rig->console == NULL)
        return -1;
    rig->observer = console_observer(rig->console);
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    console_free(rig->console);
    fclose(rig->out);
    free(rig->text);
    free(rig);
    return 0;
}

static void show(struct rig *rig, const char *name, enum series_type type, double value)
{
    struct point point = { .value = value };
    struct series series = {
        .id = { .metric = slice_of(name) }, .type = type, .points = &point, .n_points = 1
    };

    rig->observer.ops->point(rig->console, NULL, &(struct made_point){ .number = &series });
}

static void assert_shown(struct rig *rig, const char *text)
{
    fflush(rig->out);
    if (strstr(rig->text, text) == NULL)
        fail_msg("no \"%s\" in \"%s\"", text, rig->text);
}

static void numbers_have_as_few_digits_as_tell(void **state)
{
    static const struct {
        double value;
        const char *shown;
    } cases[] = {
        { 239.98700000000002, "  239.987 " },
        { 0.1 + 0.2, "  0.3 " },
        { 417, "  417 " },
        { -1.5, "  -1.5 " },
        { 123456789012345, "  123456789012345 " },
        { 1e300, "  1e+300 " },
        { 1.0 / 3, "  0.333333333333 " },
    };
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rig->observer.ops->begin(rig->console, 1700000000);
        show(rig, "n", SERIES_GAUGE, cases[i].value);
        rig->observer.ops->end(rig->console, 1700000000);
        assert_shown(rig, cases[i].shown);
    }
    rig->observer.ops->begin(rig->console, 1700000000);
    show(rig, "n", SERIES_RATE, 23.998700000000002);
    rig->observer.ops->end(rig->console, 1700000000);
    assert_shown(rig, "  23.9987  239.987 ");
}

static void events_and_checks_are_shown_as_they_come(void **state)
{
    struct rig *rig = *state;
    struct slice tags[] = { slice_of("env:demo"), slice_of("a\x1b[2J\xc2\x9b") };
    struct event_record event = { .tags = tags, .n_tags = 2 };
    struct check_record check = { .tags = tags, .n_tags = 1 };

    event.event.title = slice_of("Deploy\x1b 42");
    event.event.text = slice_of("it went\x07 well");
    event.event.alert = EVENT_SUCCESS;
    check.check.name = slice_of("db.up");
    check.check.status = 2;
    check.check.message = slice_of("refused");
    rig->observer.ops->event(rig->console, &event);
    rig->observer.ops->check(rig->console, &check);
    assert_shown(rig, "event  Deploy\\x1b 42: it went\\x07 well  success  "
                      "env:demo,a\\x1b[2J\\xc2\\x9b\n");
    assert_shown(rig, "check  db.up: critical  refused  env:demo\n");
    for (int i = 0; i < 300; i++)
        rig->observer.ops->check(rig->console, &check);
    rig->observer.ops->begin(rig->console, 1700000000);
    rig->observer.ops->end(rig->console, 1700000000);
    assert_shown(rig, "... and 102 more events and service checks\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_have_as_few_digits_as_tell, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_and_checks_are_shown_as_they_come, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
