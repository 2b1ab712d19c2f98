/* flush/delivery/sink_list.h: the sinks of one delivery, and every kind that there is.
 *
 *   payload -> each sink that wants its route, held meanwhile -> settled when nobody holds it
 *
 * The list is made once from the configuration and stays as it is. The state of a process
 * has a section for each sink that keeps something, in the order of the list; a successor
 * finds its own by name and place. On delivery's thread, like the sinks. */
#ifndef FLUSH_DELIVERY_SINK_LIST_H
#define FLUSH_DELIVERY_SINK_LIST_H

#include "flush/delivery/sink.h"

enum { SINKS_MAX = DELIVERY_ENDPOINTS_MAX + 8 };

struct sink_list {
    struct sink *at[SINKS_MAX]; /* owned */
    size_t n;
    uint64_t taken; /* how many payloads came so far, which gives each its order */
};

/* X(open): adds a sink for each one of this kind that the configuration asks for. False: a
 * setting makes no sense, or no memory. */
#define SINK_KINDS(X) \
    X(endpoints_open) \
    X(local_open)     \
    X(mirror_sink_open)

#define SINK_KIND_OPEN(open) bool open(struct sink_list *list, struct sink_common *common);
SINK_KINDS(SINK_KIND_OPEN)
#undef SINK_KIND_OPEN

/* Called by the kinds. False: there are too many sinks, and it is freed; or it is NULL. */
bool sink_list_add(struct sink_list *list, struct sink *given);

/* Opens the sinks of all kinds. After a failure those that were opened are in the list. */
bool sink_list_open(struct sink_list *list, struct sink_common *common);

void sink_list_accept(struct sink_list *list, struct outbox *outbox, struct payload *given);

bool sink_list_is_quiet(const struct sink_list *list);
bool sink_list_is_drained(const struct sink_list *list);

/* Writes the part STATE_PAYLOADS. True: all of it is in the state, and the state is whole;
 * then the accounts of what it holds are closed. */
bool sink_list_hand_over(struct sink_list *list, struct state_writer *out);

/* Reads that part of an inherited state. Payloads that no sink takes are given up, with a log
 * line. */
void sink_list_take_over(struct sink_list *list, struct outbox *outbox, struct state_reader in);

void sink_list_free(struct sink_list *given);

#endif
