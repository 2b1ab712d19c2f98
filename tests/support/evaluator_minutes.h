/* tests/support/evaluator_minutes.h: an evaluator that is led from minute to minute.
 *
 * One world for a test program, empty before each of its tests. */
#ifndef TESTS_SUPPORT_EVALUATOR_MINUTES_H
#define TESTS_SUPPORT_EVALUATOR_MINUTES_H

#include "tests/support/evaluator_world.h"

enum { START_S = 1796061600, MINUTE_S = 60 };

extern struct evaluator_world world;

int set_up(void **state);
int tear_down(void **state);

/* An evaluator that began a day before START_S. */
struct evaluator *begin(void);

/* What the one hands over, the other takes up. */
void succeed(struct evaluator *given, struct evaluator *successor);
void define(struct evaluator *evaluator, int64_t number, const char *body);

/* Evaluates that minute behind START_S; with one group's value, which comes in it. */
void go_to(struct evaluator *evaluator, int minute);
void value(struct evaluator *evaluator, const char *group, int minute, double number);

/* What was sent as the one of that place. */
void is_sent(size_t i, enum monitor_state to, const char *title);
bool says(const struct notification *notification, const char *what);

/* A monitor with options between the two. */
#define SIMPLE                                                                      \
    "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} > 10\",\"name\":" \
    "\"load\",\"message\":\"{{value}} @someone@example.com\",\"options\":{"
#define ENDS "}}"

#endif
