/* flush/notify/notification.h: what somebody is to be told, whole, and what became of it.
 *
 *   raised -> muted | refused | waiting -> sent | shed, or part of a digest
 *
 * Its id says which monitor, group, state and second of the transition it tells of: it is the
 * Message-ID of a mail, X-Heeler-Notification and $ID of a webhook, so who gets it twice knows.
 * One receiver each; a message to three is three. In one block of memory; a letter is given
 * from thread to thread. */
#ifndef FLUSH_NOTIFY_NOTIFICATION_H
#define FLUSH_NOTIFY_NOTIFICATION_H

#include <stdint.h>

#include "config/must_check.h"
#include "flush/memory/bytes.h"
#include "flush/memory/mailbox.h"
#include "flush/monitors/group_state.h"

enum { NOTIFICATION_ID_SIZE = 80, NOTIFICATION_PICTURE_MAX = 1 << 20 };

/* What became of it. X(id, word) */
#define NOTIFICATION_ENDS(X)             \
    X(NOTIFICATION_WAITING, "waiting")   \
    X(NOTIFICATION_SENT, "sent")         \
    X(NOTIFICATION_MUTED, "muted")       \
    X(NOTIFICATION_DIGESTED, "digested") \
    X(NOTIFICATION_REFUSED, "refused")   \
    X(NOTIFICATION_SHED, "shed")

#define NOTIFICATION_ENUM(id, word) id,
enum notification_end { NOTIFICATION_ENDS(NOTIFICATION_ENUM) NOTIFICATION_END_COUNT };
#undef NOTIFICATION_ENUM

/* "sent"; static. False: no end is called that. */
const char *notification_end_word(enum notification_end end);
MUST_CHECK bool notification_end_find(struct slice word, enum notification_end *out);

struct notification {
    union {
        struct letter letter;
        struct notification *next;
    };
    char id[NOTIFICATION_ID_SIZE]; /* of letters, digits, '-' and '.' */
    int64_t monitor;
    struct transition transition;
    int64_t raised_s;
    double value;
    bool has_value, is_test;
    int priority;
    /* Views of its own bytes. */
    struct slice monitor_name, group; /* "host:a,env:b" or "*" */
    struct slice receiver;            /* "someone@example.org" or "webhook-NAME" */
    struct slice title, text;         /* plain, UTF-8 */
    struct slice tags;                /* of the monitor and the group, with commas */
    struct slice link;                /* to the page; may be empty */
    struct slice query;
    struct bytes picture; /* a PNG, owned; empty: none */
    size_t size;          /* of all of it */
    char bytes[];
};

/* What became of one, told to whoever raised it. */
struct notify_result {
    union {
        struct letter letter;
        struct notify_result *next;
    };
    struct notification *notification; /* owned; NULL: an attempt failed, and it goes on */
    char id[NOTIFICATION_ID_SIZE], receiver[256];
    enum notification_end end; /* NOTIFICATION_WAITING: that, or the notifier ends */
    int64_t at_s;
    uint32_t attempts;
    bool is_counted;  /* its receiver has got one more; of a digest the first of many says so */
    char answer[256]; /* of the receiver, or why not; no secrets */
};

/* Fills id of the others: monitor, group, state, second, and which repetition. */
void notification_id(int64_t monitor, struct slice group, const struct transition *transition,
                     char out[static NOTIFICATION_ID_SIZE]);

/* Copies all views of `from`, its picture too. NULL without memory. */
MUST_CHECK struct notification *notification_new(const struct notification *from);
void notification_free(struct notification *given);
void notification_free_all(struct notification *given); /* a list */

/* As JSON for whoever keeps it (without the picture), and back. */
MUST_CHECK bool notification_write(const struct notification *notification, struct bytes *out);
MUST_CHECK struct notification *notification_restore(struct slice text);

#endif
