#include "tests/support/evaluator_minutes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct evaluator_world world;

struct evaluator *begin(void)
{
    struct evaluator_needs needs = evaluator_world_needs(&world);
    struct evaluator *evaluator;

    needs.start_s = START_S - 86400;
    needs.link = "https://heeler.example.org";
    evaluator = evaluator_new(&needs);
    assert_non_null(evaluator);
    return evaluator;
}

/* Through a state, as between two programs. */
void succeed(struct evaluator *given, struct evaluator *successor)
{
    struct state_writer *out = state_writer_new();
    struct state inherited;
    struct slice kind, name, text;
    char problem[256];

    assert_non_null(out);
    state_begin(out, STATE_MONITORS);
    evaluator_hand_over(given, out);
    evaluator_free(given);
    int fd = state_writer_end(out);

    assert_true(fd >= 0);
    assert_true(state_map(&inherited, fd, problem, sizeof problem));
    struct state_reader in = inherited.parts[STATE_MONITORS];

    while (kind = state_get_text(&in), kind.len > 0) {
        name = state_get_text(&in);
        text = state_get_text(&in);
        evaluator_restore(successor, kind, name, text);
    }
    assert_false(in.failed);
    state_done(&inherited);
    close(fd);
}

int set_up(void **state)
{
    (void)state;
    world = (struct evaluator_world){ .now_s = START_S };
    return 0;
}

int tear_down(void **state)
{
    (void)state;
    evaluator_world_end(&world);
    return 0;
}

void define(struct evaluator *evaluator, int64_t number, const char *body)
{
    char problem[512] = "";

    if (!evaluator_define(evaluator, number, slice_of(body), problem, sizeof problem))
        fail_msg("%s", problem);
}

void go_to(struct evaluator *evaluator, int minute)
{
    evaluator_world_go_to(&world, evaluator, START_S + minute * MINUTE_S + EVALUATOR_WAIT_S);
}

/* One group's value in that minute, which is evaluated. */
void value(struct evaluator *evaluator, const char *group, int minute, double number)
{
    snprintf(world.groups, sizeof world.groups,
             "{\"group\":\"%s\",\"host\":\"\",\"value\":%g,\"last_s\":%d,\"buckets\":5,"
             "\"first\":true}",
             group, number, START_S + minute * MINUTE_S);
    go_to(evaluator, minute);
}

void is_sent(size_t i, enum monitor_state to, const char *title)
{
    assert_in_range(i + 1, 1, world.n_sent);
    assert_int_equal(world.sent[i]->transition.to, to);
    assert_true(slice_equal(world.sent[i]->title, slice_of(title)));
}

bool says(const struct notification *notification, const char *what)
{
    return memmem(notification->text.at, notification->text.len, what, strlen(what)) != NULL;
}
