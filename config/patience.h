/* config/patience.h: how long an answer is waited for.
 *
 * Limits after which a thread of ours, a program or a disk counts as too slow, and whoever
 * asked is told so. They are for machines that have the time: tests that are about something
 * else run where there is none, and stretch all of them. */
#ifndef CONFIG_PATIENCE_H
#define CONFIG_PATIENCE_H

#include <stdint.h>

/* The usual limit, or so many times as much. */
int64_t patience_ms(int64_t usual_ms);

void patience_stretch(int times);

#endif
