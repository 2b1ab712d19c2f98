/* server/monitors/monitoring_internal.h: what the two files of monitoring share. */
#ifndef SERVER_MONITORS_MONITORING_INTERNAL_H
#define SERVER_MONITORS_MONITORING_INTERNAL_H

#include "flush/notify/notifier.h"
#include "server/http/server_view.h"
#include "server/monitors/monitoring.h"
#include "server/monitors/own_address.h"
#include "server/pictures/painter.h"

/* What was kept and waits for the definitions. */
struct kept_item {
    struct kept_item *next;
    struct slice kind, name, text; /* views of its own bytes */
    char bytes[];
};

struct monitoring {
    const struct server_view *view;
    struct evaluator *evaluator;
    struct receivers *receivers; /* held */
    struct notify_ledger ledger;
    struct notifier *notifier;          /* NULL: nothing was to be sent yet */
    struct painter *charts, *calendars; /* NULL: not furnished */
    struct mailbox answers, results;
    bool has_mailboxes;
    struct event *timer, *on_answers, *on_returned, *on_results, *more;
    struct kept_item *items, *last_item;
    uint64_t changes_seen; /* of what is defined */
    bool is_begun, is_stopped;
    bool is_left;   /* the notifier's thread does not end, and looks at what is here */
    uint64_t lost;  /* sum of what was lost or shed */
    int64_t lost_s; /* when it grew last */
    char hostname[256];
    char address[OWN_ADDRESS_SIZE]; /* of this machine, as it was then: */
    int64_t address_s;
    char seen_address[OWN_ADDRESS_SIZE]; /* of the host that was asked for last */
};

/* monitoring_needs.c: what the evaluator needs of others. */
struct evaluator_needs monitoring_needs(struct monitoring *monitoring);

/* An answer of the flusher; what was kept; a result of the notifier: each is given. */
void monitoring_hear_answer(struct asked_question *given);
void monitoring_hear_kept(void *keeping);
void monitoring_hear_result(struct monitoring *monitoring, struct notify_result *given);

/* Remembers when something was lost or shed last. */
void monitoring_look_for_losses(struct monitoring *monitoring, int64_t now_s);

#endif
