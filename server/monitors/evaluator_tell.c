#include <stdio.h>
#include <stdlib.h>

#include "config/zone_offset.h"
#include "flush/memory/json_out.h"
#include "flush/monitors/template.h"
#include "flush/notify/notify_ledger.h"
#include "flush/notify/receivers.h"
#include "server/monitors/evaluator_internal.h"
#include "server/pictures/picture.h"

enum {
    PICTURES_AT_ONCE = 16,
    TITLE_MAX = 2048,
    PICTURE_LEAST_S = 3600, /* what it shows */
    TELLING_PATIENCE_S = 10,
    RECEIVERS_MAX = TEMPLATE_RECEIVERS_MAX
};

/* ---- one transition, until it is sent ---------------------------------- */

/* It stays until all that was asked for it has come, also when it was sent before that. */
struct telling {
    struct telling *next;
    struct evaluator *evaluator; /* NULL: there is none any more */
    struct notification *all;    /* to whom it goes; NULL: it was sent */
    int waits;                   /* for the picture, and for what is written down */
    struct bytes picture;
    struct bytes title; /* of the picture; ends in a NUL */
    int64_t begun_s, from_s, to_s;
};

static void unlink_telling(struct telling *telling)
{
    struct telling **at = &telling->evaluator->tellings;

    while (*at != telling)
        at = &(*at)->next;
    *at = telling->next;
    telling->evaluator->n_tellings--;
}

static void telling_free(struct telling *given)
{
    if (given->evaluator != NULL)
        unlink_telling(given);
    notification_free_all(given->all);
    bytes_free(&given->picture);
    bytes_free(&given->title);
    free(given);
}

/* Each with the picture that there is. */
static void send_to_all(struct telling *telling)
{
    struct notification *next;

    for (struct notification *at = telling->all; at != NULL; at = next) {
        next = at->next;
        at->next = NULL;
        bytes_add(&at->picture, telling->picture.at, telling->picture.len);
        if (at->picture.failed)
            bytes_free(&at->picture);
        at->size += at->picture.len;
        evaluator_send(telling->evaluator, at);
    }
    telling->all = NULL;
}

void tellings_look(struct evaluator *evaluator, int64_t now_s)
{
    for (struct telling *at = evaluator->tellings; at != NULL; at = at->next)
        if (now_s - at->begun_s >= TELLING_PATIENCE_S)
            send_to_all(at);
}

void evaluator_give_up_waits(struct evaluator *evaluator)
{
    for (struct telling *at = evaluator->tellings; at != NULL; at = at->next) {
        notification_free_all(at->all);
        at->all = NULL;
    }
}

/* Nobody answers them any more. */
void tellings_drop(struct evaluator *evaluator)
{
    while (evaluator->tellings != NULL)
        telling_free(evaluator->tellings);
}

static void wait_less(void *argument)
{
    struct telling *telling = argument;

    if (--telling->waits > 0)
        return;
    send_to_all(telling);
    telling_free(telling);
}

static void hear_picture(void *argument, struct bytes *picture)
{
    struct telling *telling = argument;

    if (picture->len > 0 && picture->len <= NOTIFICATION_PICTURE_MAX) {
        telling->picture = *picture;
        *picture = (struct bytes){ .at = NULL };
    }
    wait_less(telling);
}

static void hear_points(void *argument, int status, struct slice json)
{
    struct telling *telling = argument;
    struct bytes definition = { 0 };
    struct picture picture = {
        .title = (const char *)telling->title.at,
        .from_s = telling->from_s,
        .to_s = telling->to_s,
        .requests = { { .answer = json } },
        .n_requests = 1,
    };

    if (status == 200 && json.len > 0 &&
        picture_write(&picture, &definition) == PICTURE_WRITTEN)
        telling->evaluator->needs.paint(telling->evaluator->needs.self, bytes_view(&definition),
                                        hear_picture, telling);
    else
        wait_less(telling);
    bytes_free(&definition);
}

/* Of one without a name its query. */
static struct slice name_of(const struct monitor *monitor)
{
    return monitor->name.len > 0  ? monitor->name
           : monitor->hides.query ? SLICE("a monitor")
                                  : monitor->query;
}

static void ask_for_picture(struct telling *telling, const struct monitor *monitor,
                            int64_t now_s)
{
    const struct condition *condition = &monitor->condition;
    struct slice title = monitor->hides.query ? name_of(monitor) : condition->expression;
    int64_t span_s = 2 * condition->window_s;

    if (monitor->hides.picture || !condition_has_value(condition) ||
        telling->evaluator->n_tellings > PICTURES_AT_ONCE)
        return;
    telling->to_s = now_s - monitor->evaluation_delay_s;
    telling->from_s =
        telling->to_s - (span_s > PICTURE_LEAST_S ? span_s : (int64_t)PICTURE_LEAST_S);
    bytes_add(&telling->title, title.at, title.len);
    bytes_add(&telling->title, "", 1);
    if (telling->title.failed)
        return;
    struct inquiry inquiry = { .kind = INQUIRY_QUERY,
                               .text = condition->expression,
                               .from_s = telling->from_s,
                               .to_s = telling->to_s };

    telling->waits++;
    telling->evaluator->needs.ask(telling->evaluator->needs.self, &inquiry, hear_points,
                                  telling);
}

/* ---- what it says ------------------------------------------------------ */

struct naming {
    const struct receivers *receivers;
    struct {
        struct slice handle;
        enum receiver_refusal refusal;
    } at[RECEIVERS_MAX];
    size_t n;
    int priority; /* that the message says, the last one; 0: it says none */
};

/* Each once. */
static void name_receiver(void *self, struct slice handle, bool has_variable)
{
    struct naming *naming = self;
    const struct webhook *webhook;

    for (size_t i = 0; i < naming->n; i++)
        if (slice_equal(naming->at[i].handle, handle))
            return;
    if (naming->n == RECEIVERS_MAX)
        return;
    naming->at[naming->n].handle = handle;
    naming->at[naming->n++].refusal =
        receivers_find(naming->receivers, handle, has_variable, &webhook);
}

static void name_unknown(void *self, struct slice name)
{
    (void)self, (void)name;
}

static void name_priority(void *self, int priority)
{
    struct naming *naming = self;

    naming->priority = priority;
}

/* Of one that is silent what was known of it is what there is. */
static struct slice address_of(const struct evaluator *evaluator,
                               const struct watched_group *group, struct slice host)
{
    struct slice address = evaluator->needs.address(evaluator->needs.self, host);

    return address.len > 0 || group->address == NULL ? address : slice_of(group->address);
}

/* name and ip, of a group by host. */
static size_t host_facts(const struct evaluator *evaluator, const struct watched_group *group,
                         struct template_pair out[static 2])
{
    struct slice host = watched_group_host(group);

    if (host.len == 0)
        return 0;
    out[0] = (struct template_pair){ SLICE("name"), host };
    out[1] = (struct template_pair){ SLICE("ip"), address_of(evaluator, group, host) };
    return 2;
}

/* One that was resolved for want of data has none any more. */
static bool has_value(const struct watched_monitor *monitor, const struct watched_group *group,
                      enum monitor_state to)
{
    return to != MONITOR_NO_DATA && group->state.had_data &&
           condition_has_value(&monitor->monitor.condition);
}

struct operands {
    const struct evaluator *evaluator;
    const struct watched_monitor *monitor;
    struct slice group;
};

static bool find_operand(void *self, struct slice name, struct bytes *out)
{
    const struct operands *operands = self;
    char text[32];
    double value;

    if (!evaluation_operand_value(operands->evaluator, operands->monitor, operands->group, name,
                                  &value))
        return false;
    bytes_add(out, text, template_number(value, text));
    return true;
}

/* What the facts of a message are views of. */
struct facts_room {
    struct slice tags[EVALUATION_TAGS_MAX], host_tags[EVALUATION_TAGS_MAX];
    struct template_pair host[2];
    struct operands operands;
};

static struct template_facts facts_of(const struct evaluator *evaluator,
                                      const struct watched_monitor *monitor,
                                      const struct watched_group *group,
                                      const struct transition *transition, int64_t now_s,
                                      struct facts_room *room)
{
    const struct monitor *of = &monitor->monitor;

    room->operands = (struct operands){ evaluator, monitor, group->name };
    return (struct template_facts){
        .transition = *transition,
        .value = group->state.value,
        .has_value = has_value(monitor, group, transition->to),
        .rules = &of->rules,
        .priority = of->priority,
        .tags = room->tags,
        .n_tags = watched_group_tags(group, room->tags, EVALUATION_TAGS_MAX),
        .host = room->host,
        .n_host = host_facts(evaluator, group, room->host),
        .host_tags = room->host_tags,
        .n_host_tags = host_tags_find(evaluator, watched_group_host(group), room->host_tags,
                                      EVALUATION_TAGS_MAX),
        .first_triggered_s = group->state.first_triggered_s,
        .last_triggered_s = group->state.last_triggered_s,
        .now_s = now_s,
        .check_message = slice_of(group->check_message != NULL ? group->check_message : ""),
        .hides_handles = of->hides.handles,
        .offset = zone_offset,
        .find = find_operand,
        .self = &room->operands,
    };
}

/* "[Triggered on {host:a}] load". The name may have variables; nobody is told by it. */
static void write_title(const struct watched_monitor *monitor,
                        const struct watched_group *group, const struct template_facts *facts,
                        bool is_test, struct bytes *out)
{
    bytes_add_text(out, is_test ? "[TEST] [" : "[");
    bytes_add_text(out, transition_is_repeated(&facts->transition) ? "Re-" : "");
    bytes_add_text(out, monitor_state_heading(facts->transition.to));
    if (monitor->monitor.include_tags && !slice_equal(group->name, SLICE("*"))) {
        bytes_add_text(out, " on {");
        bytes_add_slice(out, group->name);
        bytes_add_text(out, "}");
    }
    bytes_add_text(out, "] ");
    if (!template_render(name_of(&monitor->monitor), facts, NULL, out) && out->failed)
        return;
    if (out->len > TITLE_MAX)
        for (out->len = TITLE_MAX; (out->at[out->len] & 0xc0) == 0x80;)
            out->len--; /* the bytes of a character that was cut go, too */
    for (size_t i = 0; i < out->len; i++)
        if (out->at[i] < ' ' || out->at[i] == 0x7f)
            out->at[i] = ' ';
}

static bool write_message(const struct evaluator *evaluator, const struct monitor *of,
                          const struct template_facts *facts, struct naming *naming,
                          struct bytes *out)
{
    struct template_listener listener = { name_receiver, name_unknown, naming, name_priority };

    if (!template_render(of->message, facts, &listener, out) && out->failed)
        return false;
    if (transition_is_repeated(&facts->transition) && of->escalation.len > 0) {
        bytes_add_text(out, "\n\n");
        if (!template_render(of->escalation, facts, &listener, out) && out->failed)
            return false;
    }
    evaluation_add_doubts(evaluator, of, facts->transition.to, facts->now_s, out);
    return !out->failed;
}

/* Of the monitor and of the group, with commas. */
static void write_tags(const struct watched_monitor *monitor, const struct watched_group *group,
                       struct bytes *out)
{
    for (size_t i = 0; i < monitor->monitor.n_tags; i++) {
        if (out->len > 0)
            bytes_add_text(out, ",");
        bytes_add_slice(out, monitor->monitor.tags[i]);
    }
    if (slice_equal(group->name, SLICE("*")))
        return;
    if (out->len > 0)
        bytes_add_text(out, ",");
    bytes_add_slice(out, group->name);
}

struct message {
    struct bytes title, text, tags, link;
    struct naming naming;
};

static void message_free(struct message *given)
{
    bytes_free(&given->title);
    bytes_free(&given->text);
    bytes_free(&given->tags);
    bytes_free(&given->link);
}

static bool write_all(const struct evaluator *evaluator, const struct watched_monitor *monitor,
                      const struct watched_group *group, const struct transition *transition,
                      int64_t now_s, bool is_test, struct message *out)
{
    struct facts_room room;
    struct template_facts facts = facts_of(evaluator, monitor, group, transition, now_s, &room);
    char number[64];

    out->naming.receivers = evaluator->needs.receivers;
    write_title(monitor, group, &facts, is_test, &out->title);
    write_tags(monitor, group, &out->tags);
    if (evaluator->needs.link[0] != '\0' && !monitor->monitor.hides.link) {
        bytes_add_text(&out->link, evaluator->needs.link);
        snprintf(number, sizeof number, "/#/monitor?id=%lld", (long long)monitor->number);
        bytes_add_text(&out->link, number);
    }
    return write_message(evaluator, &monitor->monitor, &facts, &out->naming, &out->text) &&
           !out->title.failed && !out->tags.failed && !out->link.failed;
}

static struct notification notification_of(const struct watched_monitor *monitor,
                                           const struct watched_group *group,
                                           const struct transition *transition, int64_t now_s,
                                           bool is_test, const struct message *message,
                                           struct slice receiver)
{
    const struct monitor *of = &monitor->monitor;
    struct notification made = {
        .monitor = monitor->number,
        .transition = *transition,
        .raised_s = now_s,
        .value = group->state.value,
        .has_value = has_value(monitor, group, transition->to),
        .is_test = is_test,
        .priority = message->naming.priority > 0 ? message->naming.priority : of->priority,
        .monitor_name = name_of(of),
        .group = group->name,
        .receiver = receiver,
        .title = bytes_view(&message->title),
        .text = bytes_view(&message->text),
        .tags = bytes_view(&message->tags),
        .link = bytes_view(&message->link),
        .query = of->hides.query ? SLICE("") : of->query,
    };

    notification_id(monitor->number, group->name, transition, made.id);
    return made;
}

/* ---- all of it --------------------------------------------------------- */

/* What ends before it is sent: muted, or refused. */
static void end_at_once(struct evaluator *evaluator, const struct notification *of,
                        enum notification_end end, const char *sentence, int64_t now_s)
{
    counter_add(&evaluator->needs.ledger->raised, 1);
    counter_add(end == NOTIFICATION_MUTED ? &evaluator->needs.ledger->muted
                                          : &evaluator->needs.ledger->refused,
                1);
    told_note(evaluator, of, end, sentence, now_s);
}

/* NULL: there is no memory, or what waits already has as much as it may. */
static struct notification *new_within_bounds(struct evaluator *evaluator,
                                              const struct notification *one)
{
    struct notification *made = evaluator->waiting_bytes < evaluator->needs.waiting_bytes_max
                                    ? notification_new(one)
                                    : NULL;

    if (made != NULL)
        evaluator->waiting_bytes += made->size;
    return made;
}

/* One to each receiver, behind those before. */
static void raise_all(struct evaluator *evaluator, const struct watched_monitor *monitor,
                      struct watched_group *group, const struct transition *transition,
                      int64_t now_s, bool is_muted, bool is_test, const struct message *message,
                      struct notification **last)
{
    for (size_t i = 0; i < message->naming.n; i++) {
        enum receiver_refusal refusal = message->naming.at[i].refusal;
        struct notification one = notification_of(monitor, group, transition, now_s, is_test,
                                                  message, message->naming.at[i].handle);
        struct notification *made;

        if (is_muted) {
            end_at_once(evaluator, &one, NOTIFICATION_MUTED, "", now_s);
        } else if (refusal != RECEIVER_TAKEN) {
            end_at_once(evaluator, &one, NOTIFICATION_REFUSED,
                        receiver_refusal_sentence(refusal), now_s);
        } else if ((made = new_within_bounds(evaluator, &one)) != NULL) {
            counter_add(&evaluator->needs.ledger->raised, 1);
            told_note(evaluator, made, NOTIFICATION_WAITING, "", now_s);
            if (!is_test) /* without memory it is sent all the same */
                (void)watched_group_wait(group, made);
            *last = made;
            last = &made->next;
        } else {
            counter_add(&evaluator->needs.ledger->raised, 1);
            counter_add(&evaluator->needs.ledger->shed_early, 1);
            told_note(evaluator, &one, NOTIFICATION_SHED, "too much waits to be sent", now_s);
        }
    }
}

/* First they are written down together with the state of the group, which is one entry, so that
 * no crash comes between the two; the picture is under way meanwhile. Then all are sent. */
static void send_all(struct evaluator *evaluator, const struct watched_monitor *monitor,
                     struct watched_group *group, struct notification *given, int64_t now_s)
{
    struct telling *telling = calloc(1, sizeof *telling);

    if (telling == NULL) { /* without a picture, and unwritten: better than never */
        struct notification *next;

        for (; given != NULL; given = next) {
            next = given->next;
            given->next = NULL;
            evaluator_send(evaluator, given);
        }
        return;
    }
    *telling = (struct telling){ .next = evaluator->tellings,
                                 .evaluator = evaluator,
                                 .all = given,
                                 .waits = given->is_test ? 1 : 2, /* for us, and the state */
                                 .begun_s = now_s };
    evaluator->tellings = telling;
    evaluator->n_tellings++;
    ask_for_picture(telling, &monitor->monitor, now_s);
    if (!given->is_test)
        group_keep(evaluator, monitor, group, wait_less, telling);
    wait_less(telling);
}

static void tell(struct evaluator *evaluator, const struct watched_monitor *monitor,
                 struct watched_group *group, const struct transition *transition,
                 int64_t now_s, bool is_muted, bool is_test)
{
    struct message message = { .naming = { .n = 0 } };
    struct notification *all = NULL;

    if (write_all(evaluator, monitor, group, transition, now_s, is_test, &message))
        raise_all(evaluator, monitor, group, transition, now_s, is_muted, is_test, &message,
                  &all);
    if (all != NULL)
        send_all(evaluator, monitor, group, all, now_s);
    else if (!is_test)
        group_keep(evaluator, monitor, group, NULL, NULL);
    message_free(&message);
}

/* Of a group that was told to be wrong before it was muted, that it is over may be told. */
static bool is_first_recovery(const struct watched_group *group,
                              const struct transition *transition, bool mutes_recovery)
{
    return transition->to == MONITOR_OK && group->is_told && !mutes_recovery;
}

void evaluation_tell(struct evaluator *evaluator, struct watched_monitor *monitor,
                     struct watched_group *group, const struct transition *of, int64_t now_s)
{
    struct transition told = *of, *transition = &told;
    uint32_t end_states, cancel_states;
    bool mutes_recovery;
    bool is_muted = evaluation_is_muted(evaluator, monitor, group, now_s, &end_states,
                                        &cancel_states, &mutes_recovery) &&
                    !is_first_recovery(group, transition, mutes_recovery);

    /* Nobody knows that it was wrong: that it is over is no news. */
    if (transition->to == MONITOR_OK && !group->is_told)
        is_muted = true;
    transition->is_late = transition->again > 0 && group->notified_s < transition->at_s;
    if (!is_muted)
        group->notified_s = now_s;
    if (!is_muted || transition->to == MONITOR_OK)
        group->is_told = transition->to != MONITOR_OK;
    tell(evaluator, monitor, group, transition, now_s, is_muted, false);
}

bool evaluator_test(struct evaluator *evaluator, int64_t number, int64_t now_s)
{
    const struct watched_monitor *monitor = monitors_find(&evaluator->monitors, number);
    struct watched_group none = { .name = SLICE("*"), .state.had_data = true };
    struct transition transition = {
        .from = MONITOR_OK, .to = MONITOR_ALERT, .at_s = now_s, .is_told = true
    };

    if (monitor == NULL)
        return false;
    struct watched_group *group = monitor->n_groups > 0 ? monitor->groups[0] : &none;

    tell(evaluator, monitor, group, &transition, now_s, false, true);
    return true;
}
