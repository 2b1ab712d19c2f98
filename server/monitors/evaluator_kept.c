#include <inttypes.h>
#include <stdio.h>

#include "flush/memory/json_out.h"
#include "flush/memory/json_view.h"
#include "flush/monitors/template.h"
#include "flush/notify/notify_ledger.h"
#include "protocol/number.h"
#include "server/monitors/evaluator_internal.h"
#include "server/monitors/own_address.h"

enum { KEPT_KEYS_MAX = 64 + 32 * TEMPLATE_RECEIVERS_MAX * 8 };

/* The numbers of a state. X(member) */
#define STATE_NUMBERS(X) \
    X(first_seen_s)      \
    X(changed_s)         \
    X(last_data_s)       \
    X(first_triggered_s) \
    X(last_triggered_s)  \
    X(last_resolved_s)   \
    X(last_no_data_s)    \
    X(last_told_s)

/* ---- one group --------------------------------------------------------- */

/* "MONITOR/GROUP". */
static void write_name(const struct watched_monitor *monitor, const struct watched_group *group,
                       struct bytes *out)
{
    char number[32];

    bytes_add(out, number,
              (size_t)snprintf(number, sizeof number, "%" PRId64 "/", monitor->number));
    bytes_add(out, group->name.at, group->name.len);
}

/* What waits is in the same text as the state, so both are there, or neither. */
static void write_waiting(const struct watched_group *group, struct json_out *out)
{
    struct bytes one = { 0 };

    json_out_begin(out, "waiting", '[');
    for (const struct notification *at = group->waiting; at != NULL; at = at->next) {
        bytes_clear(&one);
        if (notification_write(at, &one))
            json_out_raw(out, NULL, bytes_view(&one));
    }
    json_out_end(out, ']');
    bytes_free(&one);
}

static void write_group(const struct watched_group *group, struct json_out *out)
{
    const struct group_state *state = &group->state;

    json_out_begin(out, NULL, '{');
    json_out_text(out, "state", monitor_state_word(state->state));
    json_out_bool(out, "had_data", state->had_data);
    json_out_bool(out, "unresolved", state->unresolved);
    json_out_bool(out, "is_told", group->is_told);
    json_out_bool(out, "is_muted", group->is_muted);
    json_out_number(out, "told_again", state->told_again);
    json_out_number(out, "end_states", group->end_states);
    json_out_number(out, "cancel_states", group->cancel_states);
    json_out_exact(out, "value", state->value);
    json_out_signed(out, "seen_s", group->seen_s);
    json_out_signed(out, "notified_s", group->notified_s);
#define WRITE(member) json_out_signed(out, #member, state->member);
    STATE_NUMBERS(WRITE)
#undef WRITE
    json_out_slice(out, "host", group->host);
    if (group->address != NULL)
        json_out_text(out, "address", group->address);
    write_waiting(group, out);
    json_out_end(out, '}');
}

static void read_address(struct slice json, struct watched_group *out)
{
    struct slice value = json_view_member(json, "address");
    char room[OWN_ADDRESS_SIZE];

    if (json_view_kind(value) == JSON_KIND_STRING && value.len <= sizeof room)
        watched_group_locate(out, (struct slice){ room, json_view_text(value, room) });
}

static bool is_true(struct slice json, const char *name)
{
    return json_view_kind(json_view_member(json, name)) == JSON_KIND_TRUE;
}

static int64_t whole_of(struct slice json, const char *name)
{
    int64_t number = 0;

    (void)json_view_whole(json_view_member(json, name), &number);
    return number;
}

static bool read_group(struct slice json, struct watched_group *out)
{
    struct slice state = json_view_member(json, "state");
    char room[32];
    struct slice word = { room, 0 };

    if (state.len <= sizeof room)
        word.len = json_view_text(state, room);
    if (!monitor_state_find(word, &out->state.state))
        return false;
    out->state.had_data = is_true(json, "had_data");
    out->state.unresolved = is_true(json, "unresolved");
    out->is_told = is_true(json, "is_told");
    out->is_muted = is_true(json, "is_muted");
    out->state.told_again = (uint32_t)whole_of(json, "told_again");
    out->end_states = (uint32_t)whole_of(json, "end_states");
    out->cancel_states = (uint32_t)whole_of(json, "cancel_states");
    (void)json_view_number(json_view_member(json, "value"), &out->state.value);
    out->seen_s = whole_of(json, "seen_s");
    out->notified_s = whole_of(json, "notified_s");
    read_address(json, out);
#define READ(member) out->state.member = whole_of(json, #member);
    STATE_NUMBERS(READ)
#undef READ
    return true;
}

void evaluator_keep(struct evaluator *evaluator, const char *kind, struct slice name,
                    struct bytes *given, void (*kept)(void *argument), void *argument)
{
    if (!given->failed)
        evaluator->needs.keep(evaluator->needs.self, kind, name, bytes_view(given), kept,
                              argument);
    else if (kept != NULL)
        kept(argument);
    bytes_free(given);
}

void group_keep(struct evaluator *evaluator, const struct watched_monitor *monitor,
                const struct watched_group *group, void (*kept)(void *argument), void *argument)
{
    struct bytes name = { 0 };
    struct json_out text = { .comma = false };

    write_name(monitor, group, &name);
    write_group(group, &text);
    text.bytes.failed = text.bytes.failed || name.failed;
    evaluator_keep(evaluator, "group", bytes_view(&name), &text.bytes, kept, argument);
    bytes_free(&name);
}

void group_forget_kept(struct evaluator *evaluator, const struct watched_monitor *monitor,
                       const struct watched_group *group)
{
    struct bytes name = { 0 };

    write_name(monitor, group, &name);
    if (!name.failed)
        evaluator->needs.keep(evaluator->needs.self, "group", bytes_view(&name), SLICE(""),
                              NULL, NULL);
    bytes_free(&name);
}

/* What a program before this one left is as new as what the disk has of it. */
static bool is_known(const struct watched_group *group, struct slice json)
{
    return group != NULL && group->state.changed_s >= whole_of(json, "changed_s");
}

/* They are sent anew: nobody knows whether they were. */
static void restore_waiting(struct evaluator *evaluator, struct watched_group *group,
                            struct slice json)
{
    struct slice inside = json_view_inside(json_view_member(json, "waiting")), item;

    while (json_view_next_item(&inside, &item)) {
        struct notification *kept = notification_restore(item);

        if (kept == NULL)
            continue;
        counter_add(&evaluator->needs.ledger->raised, 1);
        evaluator->waiting_bytes += kept->size;
        (void)watched_group_wait(group, kept);
        evaluator_wait(evaluator, kept);
    }
}

/* Of a monitor that is defined; others' are of no use. */
static void restore_group(struct evaluator *evaluator, struct slice name, struct slice text)
{
    struct slice group_name = name, json;
    struct slice number_text = slice_cut(&group_name, '/');
    char host[EVALUATION_NAME_MAX];
    struct json_fault fault;
    int64_t number;

    if (!number_int64(number_text, &number) ||
        !json_view_check(text, KEPT_KEYS_MAX, &json, &fault))
        return;
    struct watched_monitor *monitor = monitors_find(&evaluator->monitors, number);
    struct slice host_text = json_view_member(json, "host");

    if (monitor == NULL || host_text.len > sizeof host ||
        is_known(watched_monitor_find(monitor, group_name), json))
        return;
    struct watched_group *group = watched_monitor_need(
        monitor, group_name, (struct slice){ host, json_view_text(host_text, host) }, 0);

    if (group == NULL)
        return;
    if (!read_group(json, group)) {
        watched_monitor_drop(monitor, group);
        return;
    }
    group->is_kept = !evaluator->was_handed_over;
    if (group->state.had_data && group->state.last_data_s < evaluator->needs.start_s)
        group->state.last_data_s = evaluator->needs.start_s; /* what came since is not known */
    if (group->seen_s > monitor->evaluated_s)
        monitor->evaluated_s = group->seen_s;
    monitor->found = watched_monitor_shown(monitor);
    if (evaluator->was_handed_over)
        monitor->knows_groups = true; /* then none is left out */
    restore_waiting(evaluator, group, json);
}

/* What was seen since that program started is handed over, too, and no reason to wait. */
static void restore_start(struct evaluator *evaluator, struct slice text)
{
    int64_t start_s;

    if (number_int64(text, &start_s) && start_s > 0 && start_s < evaluator->needs.start_s)
        evaluator->needs.start_s = start_s;
}

void evaluator_restore(struct evaluator *evaluator, struct slice kind, struct slice name,
                       struct slice text)
{
    evaluator->has_news = true;
    if (slice_equal(kind, SLICE("group")))
        restore_group(evaluator, name, text);
    else if (slice_equal(kind, SLICE("told")))
        told_restore(evaluator, text);
    else if (slice_equal(kind, SLICE("receiver")))
        lately_restore(evaluator, name, text);
    else if (slice_equal(kind, SLICE("minute")))
        evaluator->was_handed_over = number_int64(text, &evaluator->at_s);
    else if (slice_equal(kind, SLICE("start")))
        restore_start(evaluator, text);
}

/* ---- a successor ------------------------------------------------------- */

void evaluator_hand_over_item(struct state_writer *out, const char *kind, struct slice name,
                              struct bytes *given)
{
    if (!given->failed) {
        state_put_text(out, slice_of(kind));
        state_put_text(out, name);
        state_put_text(out, bytes_view(given));
    }
    bytes_free(given);
}

static void hand_over_group(const struct watched_monitor *monitor,
                            const struct watched_group *group, struct state_writer *out)
{
    struct bytes name = { 0 };
    struct json_out text = { .comma = false };

    write_name(monitor, group, &name);
    write_group(group, &text);
    text.bytes.failed = text.bytes.failed || name.failed;
    evaluator_hand_over_item(out, "group", bytes_view(&name), &text.bytes);
    bytes_free(&name);
}

static void hand_over_number(struct state_writer *out, const char *kind, int64_t number)
{
    struct bytes text = { 0 };
    char digits[32];

    bytes_add(&text, digits, (size_t)snprintf(digits, sizeof digits, "%" PRId64, number));
    evaluator_hand_over_item(out, kind, SLICE(""), &text);
}

/* The minute that was evaluated last is not evaluated again, unless the end came amid it. */
void evaluator_hand_over(const struct evaluator *evaluator, struct state_writer *out)
{
    hand_over_number(out, "minute", evaluator->is_running ? 0 : evaluator->at_s);
    hand_over_number(out, "start", evaluator->needs.start_s);
    lately_hand_over(evaluator, out);
    told_hand_over(evaluator, out);
    for (size_t at = 0; at < evaluator->monitors.n; at++) {
        const struct watched_monitor *monitor = evaluator->monitors.at[at];

        for (size_t i = 0; i < monitor->n_groups; i++)
            hand_over_group(monitor, monitor->groups[i], out);
    }
    state_put_text(out, SLICE(""));
}
