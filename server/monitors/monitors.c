#include "server/monitors/monitors.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- groups ------------------------------------------------------------ */

/* Where it is, or would be. */
static size_t place_of(const struct watched_monitor *monitor, struct slice group)
{
    size_t low = 0, high = monitor->n_groups;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (slice_compare(monitor->groups[middle]->name, group) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct watched_group *watched_monitor_find(const struct watched_monitor *monitor,
                                           struct slice group)
{
    size_t at = place_of(monitor, group);

    return at < monitor->n_groups && slice_equal(monitor->groups[at]->name, group)
               ? monitor->groups[at]
               : NULL;
}

static struct watched_group *group_new(struct slice name, struct slice host, int64_t now_s)
{
    struct watched_group *group = malloc(sizeof *group + name.len + host.len);

    if (group == NULL)
        return NULL;
    char *at = group->bytes;

    *group = (struct watched_group){ .state = { .state = MONITOR_OK, .first_seen_s = now_s },
                                     .seen_s = now_s };
    group->name = slice_copy(name, &at);
    group->host = slice_copy(host, &at);
    return group;
}

static void group_free(struct watched_group *given)
{
    notification_free_all(given->waiting);
    free(given->check_message);
    free(given->address);
    free(given);
}

static bool make_room(struct watched_monitor *monitor)
{
    size_t room = monitor->room > 0 ? 2 * monitor->room : 1;

    if (monitor->n_groups < monitor->room)
        return true;
    struct watched_group **grown = realloc(monitor->groups, room * sizeof(void *));

    if (grown == NULL)
        return false;
    monitor->groups = grown;
    monitor->room = room;
    return true;
}

struct watched_group *watched_monitor_need(struct watched_monitor *monitor, struct slice group,
                                           struct slice host, int64_t now_s)
{
    struct watched_group *made = watched_monitor_find(monitor, group);

    if (made != NULL)
        return made;
    if (monitor->n_groups == MONITOR_GROUPS_MAX) {
        monitor->groups_beyond++;
        return NULL;
    }
    if (!make_room(monitor) || (made = group_new(group, host, now_s)) == NULL)
        return NULL;
    size_t at = place_of(monitor, group);

    memmove(monitor->groups + at + 1, monitor->groups + at,
            (monitor->n_groups - at) * sizeof(void *));
    monitor->groups[at] = made;
    monitor->n_groups++;
    return made;
}

void watched_monitor_drop(struct watched_monitor *monitor, struct watched_group *given)
{
    size_t at = place_of(monitor, given->name);

    monitor->n_groups--;
    memmove(monitor->groups + at, monitor->groups + at + 1,
            (monitor->n_groups - at) * sizeof(void *));
    group_free(given);
}

void watched_group_say(struct watched_group *group, struct slice message)
{
    free(group->check_message);
    group->check_message = message.len > 0 ? strndup(message.at, message.len) : NULL;
}

struct slice watched_group_host(const struct watched_group *group)
{
    struct slice rest = group->name;

    while (rest.len > 0) {
        struct slice tag = slice_cut(&rest, ',');

        if (slice_starts(tag, SLICE("host:")))
            return slice_skip(tag, strlen("host:"));
    }
    return (struct slice){ rest.at, 0 };
}

void watched_group_locate(struct watched_group *group, struct slice address)
{
    if (address.len == 0 ||
        (group->address != NULL && slice_equal(slice_of(group->address), address)))
        return;
    free(group->address);
    group->address = strndup(address.at, address.len);
}

bool watched_group_wait(struct watched_group *group, const struct notification *raised)
{
    struct notification plain = *raised, **last = &group->waiting;

    plain.picture = (struct bytes){ .at = NULL };
    while (*last != NULL)
        last = &(*last)->next;
    *last = notification_new(&plain);
    return *last != NULL;
}

bool watched_group_ended(struct watched_group *group, struct slice id, struct slice receiver)
{
    struct notification **at = &group->waiting, *gone;

    while (*at != NULL &&
           !(slice_equal(slice_of((*at)->id), id) && slice_equal((*at)->receiver, receiver)))
        at = &(*at)->next;
    if ((gone = *at) == NULL)
        return false;
    *at = gone->next;
    notification_free(gone);
    return true;
}

size_t watched_group_tags(const struct watched_group *group, struct slice *out, size_t most)
{
    struct slice rest = group->name;
    size_t n = 0;

    if (slice_equal(rest, SLICE("*")))
        return 0;
    while (rest.len > 0 && n < most)
        out[n++] = slice_cut(&rest, ',');
    return n;
}

size_t watched_group_scope(const struct watched_monitor *monitor,
                           const struct watched_group *group, struct slice *out, size_t most)
{
    const struct condition *condition = &monitor->monitor.condition;
    size_t n = watched_group_tags(group, out, most);

    for (size_t i = 0; i < condition->n_required && n < most; i++)
        out[n++] = condition->required[i];
    return n;
}

enum monitor_state watched_monitor_state(const struct watched_monitor *monitor)
{
    enum monitor_state worst = monitor->n_groups > 0 ? MONITOR_OK : MONITOR_NO_DATA;

    for (size_t i = 0; i < monitor->n_groups; i++)
        if (monitor->groups[i]->state.state > worst)
            worst = monitor->groups[i]->state.state;
    return worst;
}

enum monitor_state watched_group_shown(const struct watched_group *group)
{
    return group->seen_s == 0 && group->state.last_data_s == 0 ? MONITOR_NO_DATA
                                                               : group->state.state;
}

enum monitor_state watched_monitor_shown(const struct watched_monitor *monitor)
{
    enum monitor_state worst = watched_monitor_state(monitor);

    for (size_t i = 0; i < monitor->n_groups && worst == MONITOR_OK; i++)
        worst = watched_group_shown(monitor->groups[i]);
    return worst;
}

/* ---- monitors ---------------------------------------------------------- */

/* Where it is, or would be. */
static size_t place_of_number(const struct monitors *monitors, int64_t number)
{
    size_t low = 0, high = monitors->n;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (monitors->at[middle]->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct watched_monitor *monitors_find(const struct monitors *monitors, int64_t number)
{
    size_t at = place_of_number(monitors, number);

    return at < monitors->n && monitors->at[at]->number == number ? monitors->at[at] : NULL;
}

struct watched_monitor *monitors_next(const struct monitors *monitors, int64_t number)
{
    size_t at = number < INT64_MAX ? place_of_number(monitors, number + 1) : monitors->n;

    return at < monitors->n ? monitors->at[at] : NULL;
}

static void drop_groups(struct watched_monitor *monitor)
{
    for (size_t i = 0; i < monitor->n_groups; i++)
        group_free(monitor->groups[i]);
    free(monitor->groups);
    monitor->groups = NULL;
    monitor->n_groups = monitor->room = 0;
}

static void free_definition(struct watched_monitor *monitor)
{
    monitor_free(&monitor->monitor);
    free((char *)(uintptr_t)monitor->body.at);
}

/* Copies the body, and reads the copy. */
static bool read_body(struct slice body, struct watched_monitor *out, char *problem,
                      size_t problem_size)
{
    char *own = malloc(body.len > 0 ? body.len : 1);

    if (own == NULL) {
        snprintf(problem, problem_size, "out of memory");
        return false;
    }
    memcpy(own, body.at, body.len);
    out->body.at = own;
    out->body.len = body.len;
    if (monitor_read(out->body, &out->monitor, problem, problem_size))
        return true;
    free(own);
    return false;
}

/* States mean the same as long as the groups do. */
static bool has_same_groups(const struct monitor *a, const struct monitor *b)
{
    bool same =
        a->condition.kind == b->condition.kind && a->condition.n_by == b->condition.n_by;

    for (size_t i = 0; same && i < a->condition.n_by; i++)
        same = slice_equal(a->condition.by[i], b->condition.by[i]);
    return same;
}

static void replace(const struct monitors *monitors, struct watched_monitor *old,
                    const struct watched_monitor *read)
{
    if (!has_same_groups(&old->monitor, &read->monitor)) {
        for (size_t i = 0; monitors->on_drop != NULL && i < old->n_groups; i++)
            monitors->on_drop(monitors->self, old, old->groups[i]);
        drop_groups(old);
    }
    free_definition(old);
    old->edition = read->edition;
    old->body = read->body;
    old->monitor = read->monitor;
    old->problem[0] = '\0';
}

static bool make_room_for_one(struct monitors *monitors)
{
    size_t room = monitors->room > 0 ? 2 * monitors->room : 8;

    if (monitors->n < monitors->room)
        return true;
    struct watched_monitor **grown = realloc(monitors->at, room * sizeof(void *));

    if (grown == NULL)
        return false;
    monitors->at = grown;
    monitors->room = room;
    return true;
}

static bool add(struct monitors *monitors, const struct watched_monitor *read)
{
    struct watched_monitor *made = make_room_for_one(monitors) ? malloc(sizeof *made) : NULL;
    size_t at = place_of_number(monitors, read->number);

    if (made == NULL)
        return false;
    *made = *read;
    memmove(monitors->at + at + 1, monitors->at + at, (monitors->n - at) * sizeof(void *));
    monitors->at[at] = made;
    monitors->n++;
    return true;
}

bool monitors_define(struct monitors *monitors, int64_t number, struct slice body,
                     char *problem, size_t problem_size)
{
    struct watched_monitor *old = monitors_find(monitors, number);
    struct watched_monitor read = { .number = number };

    if (old == NULL && monitors->n == MONITORS_MAX) {
        snprintf(problem, problem_size, "there are %d monitors, and that is the most",
                 MONITORS_MAX);
        return false;
    }
    if (!read_body(body, &read, problem, problem_size))
        return false;
    read.edition = ++monitors->editions;
    if (old != NULL) {
        replace(monitors, old, &read);
        return true;
    }
    if (add(monitors, &read))
        return true;
    free_definition(&read);
    snprintf(problem, problem_size, "out of memory");
    return false;
}

static void watched_monitor_free(struct watched_monitor *given)
{
    drop_groups(given);
    free_definition(given);
    free(given);
}

void monitors_forget(struct monitors *monitors, int64_t number)
{
    size_t at = place_of_number(monitors, number);

    if (at == monitors->n || monitors->at[at]->number != number)
        return;
    watched_monitor_free(monitors->at[at]);
    monitors->n--;
    memmove(monitors->at + at, monitors->at + at + 1, (monitors->n - at) * sizeof(void *));
}

void monitors_free(struct monitors *given)
{
    for (size_t i = 0; i < given->n; i++)
        watched_monitor_free(given->at[i]);
    free(given->at);
    given->at = NULL;
    given->n = given->room = 0;
}
