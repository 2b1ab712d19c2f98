/* tests/support/two_minutes.h: what questions are asked about: twelve intervals of everything.
 *
 *   hits   a counter, 10 and 30 an interval on two hosts' series
 *   load   a gauge that grows by 1 an interval from 0, and one that stays 100
 *   users  a set: u0..u11 one an interval, and u0 all the time on another series; without env
 *   lat    a distribution: 1..12 on a, 101..112 on b
 *   time   a histogram
 *   part   a sampled one: of weight 1.6 in each interval */
#ifndef TESTS_SUPPORT_TWO_MINUTES_H
#define TESTS_SUPPORT_TWO_MINUTES_H

#include "tests/support/pipeline.h"

enum { TWO_MINUTES_START = 1700006400 };

struct pipeline *two_minutes(void);

#endif
