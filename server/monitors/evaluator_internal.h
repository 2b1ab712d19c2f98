/* server/monitors/evaluator_internal.h: what the files of the evaluator share.
 *
 *   evaluator.c            rounds: who is due, what is asked, one monitor after the other
 *   evaluator_groups.c     an answer, group by group, to observations
 *   evaluator_combine.c    the states of other monitors, the same way
 *   evaluator_tell.c       a transition to notifications
 *   evaluator_doubts.c     whether what they say may not be the whole truth
 *   evaluator_told.c       what became of them
 *   evaluator_lately.c     how much each receiver got within the hour
 *   evaluator_downtimes.c  who is muted
 *   evaluator_host_tags.c  which tags a host has
 *   evaluator_kept.c       what is written down, handed over and found again */
#ifndef SERVER_MONITORS_EVALUATOR_INTERNAL_H
#define SERVER_MONITORS_EVALUATOR_INTERNAL_H

#include "flush/monitors/calendar.h"
#include "server/monitors/evaluator.h"

enum {
    EVALUATION_TAGS_MAX = 64, /* of one group */
    EVALUATION_NAME_MAX = 4096,
    DOWNTIMES_MAX = 2000,
    DOWNTIME_CHAINS = 512,
    RECUR_AHEAD_S = 8 * 86400, /* how far occurrences are asked for */
    RECUR_BACK_S = 120,        /* ... and back: the minute that is evaluated is over */
    RECUR_EARLY_S = 86400,     /* how long before their end they are asked for again */
    RECUR_RETRY_S = 60,
    RECUR_AT_ONCE = 8, /* downtimes */
    RECUR_SHOWN_AT_ONCE = 4,
    KEPT_A_ROUND = 1000 /* groups, that they are there */
};

/* One monitor under way. */
struct evaluation {
    struct evaluator *evaluator;
    bool is_used, is_answered;
    int64_t number, at_s;
    uint64_t edition; /* that was asked about */
    int status;
    struct bytes answer;
    struct slice rest; /* of the groups, what is not read yet */
    bool is_read;      /* all of them were */
    size_t settled;    /* groups of a check whose state is clear, or that were combined */
    size_t swept;      /* groups that were looked at since */
};

struct live_downtime {
    struct live_downtime *next, **link; /* what points to it */
    struct live_downtime *next_named;   /* of its chain */
    struct evaluator *evaluator;
    struct slice name, body; /* views of its own bytes */
    struct downtime downtime;
    struct occurrences occurrences;
    bool is_known, is_asked, is_marked;
    bool is_gone; /* whose answer of the calendar is the last that is known of it */
    int64_t asked_s, retry_s;
    char problem[256];
    char bytes[];
};

struct told {
    struct told_line line; /* views of the notification, and of the answer */
    uint64_t number;
    bool is_news;                      /* it has ended, and is not written down yet */
    struct notification *notification; /* NULL: there is none */
    char answer[256];
};

struct telling;
struct lately;

/* One tag of one host. Views. */
struct host_tag {
    struct slice host, tag;
};

struct host_tags {
    struct host_tag *at; /* by host, then tag; owned, NULL: they are not known */
    size_t n;
    char *room; /* of their texts; owned */
    bool is_asked;
    int64_t asked_s;  /* when they were asked for last */
    int64_t period_s; /* until they are again; 0: they never were */
};

struct evaluator {
    struct evaluator_needs needs;
    struct monitors monitors;
    struct monitor_ledger ledger;
    struct live_downtime *downtimes;
    struct live_downtime *downtimes_named[DOWNTIME_CHAINS]; /* by the hash of the name */
    struct host_tags host_tags;
    size_t n_downtimes, n_recurring_asked, n_recurring_shown;
    bool is_looking_ahead;
    int64_t looked_s;       /* at what is ahead, last */
    int64_t unknown_from_s; /* since when it is not known who is muted; 0: it is */

    /* the round */
    int64_t at_s;   /* the minute that is evaluated, or was last */
    int64_t cursor; /* number of the monitor that was begun last */
    bool is_running, is_of_composites;
    size_t may_keep; /* groups, in this round */
    struct evaluation evaluations[EVALUATOR_ASKED_MAX];

    /* notifications */
    struct told told[EVALUATOR_TOLD_MAX]; /* a ring */
    bool has_told_news;
    uint64_t next_told; /* its number; each stands at its number modulo the ring's length */
    /* left by a program before this one, to be sent: the first, and behind which the next goes
     */
    struct notification *waiting, *last_waiting;
    size_t waiting_bytes;     /* of what was raised and has not ended, without pictures */
    struct telling *tellings; /* under way */
    size_t n_tellings;

    /* what receivers got lately */
    struct lately *lately;
    bool has_news;        /* something was restored, and not looked at yet */
    bool was_handed_over; /* by the program before this one, and not by the disk alone */
    size_t unsettled;     /* that must be written down before what waits is sent ... */
    int64_t settle_by_s;  /* ... or until then */
};

/* ---- evaluator_groups.c ------------------------------------------------ */

/* Reads a bounded piece of the answer. True: there is more. */
bool evaluation_read(struct evaluation *evaluation, struct watched_monitor *monitor);

/* One group, of which that was seen. */
void evaluation_observe(struct evaluator *evaluator, struct watched_monitor *monitor,
                        struct watched_group *group, struct observation *observation);

/* Whether it is forgotten, as nobody has sent it for so long. */
bool evaluation_is_over(const struct evaluation *evaluation,
                        const struct watched_monitor *monitor,
                        const struct watched_group *group);

/* ---- evaluator_combine.c ----------------------------------------------- */

/* Combines a bounded piece of the groups of a monitor whose operands are others. True: there is
 * more. */
bool evaluation_combine(struct evaluation *evaluation, struct watched_monitor *monitor);

/* What an operand of a composite is worth, by the name of a variable. False: it is none. */
bool evaluation_operand_value(const struct evaluator *evaluator,
                              const struct watched_monitor *monitor, struct slice group,
                              struct slice name, double *out);

/* ---- evaluator_tell.c -------------------------------------------------- */

/* Sends what has waited for too long for a picture or for the disk. */
void tellings_look(struct evaluator *evaluator, int64_t now_s);
void tellings_drop(struct evaluator *evaluator);

/* Notifies of it, unless it is muted. */
void evaluation_tell(struct evaluator *evaluator, struct watched_monitor *monitor,
                     struct watched_group *group, const struct transition *of, int64_t now_s);

/* ---- evaluator_doubts.c ------------------------------------------------ */

/* Appends a sentence for each reason to doubt what is said of that state. */
void evaluation_add_doubts(const struct evaluator *evaluator, const struct monitor *monitor,
                           enum monitor_state to, int64_t at_s, struct bytes *out);

/* ---- evaluator_told.c -------------------------------------------------- */

/* Notes it in the history of notifications, in the place of the oldest, without its picture. */
void told_note(struct evaluator *evaluator, const struct notification *of,
               enum notification_end end, const char *answer, int64_t now_s);
void told_free_all(struct evaluator *evaluator);

/* One line of it that was written down or handed over; all of them; those that wait and are in
 * no line. */
void told_restore(struct evaluator *evaluator, struct slice text);
void told_hand_over(const struct evaluator *evaluator, struct state_writer *out);
void told_note_waiting(struct evaluator *evaluator);

/* It is sent at the next tick, behind the others. */
void evaluator_wait(struct evaluator *evaluator, struct notification *given);
void evaluator_send_waiting(struct evaluator *evaluator);

/* Sends it, behind those that wait. */
void evaluator_send(struct evaluator *evaluator, struct notification *given);

/* ---- evaluator_lately.c ------------------------------------------------ */

/* One that was written down or handed over. */
void lately_restore(struct evaluator *evaluator, struct slice name, struct slice text);
void lately_hand_over(const struct evaluator *evaluator, struct state_writer *out);

/* What was restored is told to the notifier and written down with what may have been sent
 * besides; what waits is sent when that is settled. */
void lately_begin(struct evaluator *evaluator, int64_t now_s);
bool lately_is_settled(const struct evaluator *evaluator, int64_t now_s);

/* Receivers who got nothing for an hour. */
void lately_forget(struct evaluator *evaluator, int64_t now_s);
void lately_free_all(struct evaluator *evaluator);

/* ---- evaluator_downtimes.c --------------------------------------------- */

/* Whether that group is muted at that time; fills in what is told when that ends. */
bool evaluation_is_muted(const struct evaluator *evaluator,
                         const struct watched_monitor *monitor,
                         const struct watched_group *group, int64_t now_s, uint32_t *end_states,
                         uint32_t *cancel_states, bool *mutes_recovery);

/* Asks for occurrences that will be needed. */
void downtimes_look_ahead(struct evaluator *evaluator, int64_t now_s);

/* False: the calendar is still being asked about one. */
bool downtimes_are_known(const struct evaluator *evaluator, int64_t now_s);
void downtimes_drop(struct evaluator *evaluator);

/* ---- evaluator_host_tags.c --------------------------------------------- */

/* Asks for them, if it is time. */
void host_tags_look(struct evaluator *evaluator, int64_t now_s);
void host_tags_drop(struct evaluator *evaluator);

/* The tags of that host, as views until the next answer, sorted: at most so many. */
size_t host_tags_find(const struct evaluator *evaluator, struct slice host, struct slice *out,
                      size_t most);

/* ---- evaluator_kept.c -------------------------------------------------- */

/* As evaluator_needs.keep(), of a text that is given; without memory nothing is kept. */
void evaluator_keep(struct evaluator *evaluator, const char *kind, struct slice name,
                    struct bytes *given, void (*kept)(void *argument), void *argument);

/* One of the items of evaluator_hand_over(), the same way. */
void evaluator_hand_over_item(struct state_writer *out, const char *kind, struct slice name,
                              struct bytes *given);

void group_keep(struct evaluator *evaluator, const struct watched_monitor *monitor,
                const struct watched_group *group, void (*kept)(void *argument),
                void *argument);
void group_forget_kept(struct evaluator *evaluator, const struct watched_monitor *monitor,
                       const struct watched_group *group);

#endif
