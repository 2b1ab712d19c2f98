/* server/kept_states.h: the states of monitors, and notifications that wait, kept in the
 * history beside what is defined (server/kept_definitions.h). */
#ifndef SERVER_KEPT_STATES_H
#define SERVER_KEPT_STATES_H

#include "server/monitors/monitoring.h"

struct history;

/* The history outlives it. */
struct state_keeper kept_states(struct history *history);

#endif
