#include "flush/delivery/sink_list.h"

#include <inttypes.h>

#include "config/log.h"
#include "flush/payloads/payload_state.h"

/* ---- open, close ------------------------------------------------------- */

bool sink_list_add(struct sink_list *list, struct sink *given)
{
    if (given == NULL)
        return false;
    if (list->n == SINKS_MAX) {
        sink_free(given);
        return false;
    }
    list->at[list->n++] = given;
    return true;
}

bool sink_list_open(struct sink_list *list, struct sink_common *common)
{
#define SINK_KIND_ROW(open) open,
    static bool (*const kinds[])(struct sink_list *,
                                 struct sink_common *) = { SINK_KINDS(SINK_KIND_ROW) };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (!kinds[i](list, common))
            return false;
    return true;
}

/* Frees the last one first: if a sink says meanwhile that it moved, those before it are still
 * there to be asked. */
void sink_list_free(struct sink_list *given)
{
    while (given->n > 0)
        sink_free(given->at[--given->n]);
}

/* ---- payloads ---------------------------------------------------------- */

/* We hold the payload while it is shown to the sinks, because each of them may be done with it
 * at once. */
void sink_list_accept(struct sink_list *list, struct outbox *outbox, struct payload *given)
{
    uint64_t order = list->taken++;

    given->holders = 1;
    for (size_t i = 0; i < list->n; i++)
        if (sink_wants(list->at[i], given->route))
            sink_accept(list->at[i], given, order);
    outbox_let_go(outbox, given);
}

bool sink_list_is_quiet(const struct sink_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (!sink_is_quiet(list->at[i]))
            return false;
    return true;
}

bool sink_list_is_drained(const struct sink_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (!sink_is_drained(list->at[i]))
            return false;
    return true;
}

/* ---- to a successor ---------------------------------------------------- */

static void write_sections(const struct sink_list *list, struct state_writer *out)
{
    size_t n = 0;

    for (size_t i = 0; i < list->n; i++)
        n += list->at[i]->name != NULL;
    state_put_number(out, n);
    for (size_t i = 0; i < list->n; i++) {
        const struct sink *sink = list->at[i];

        if (sink->name == NULL)
            continue;
        state_put_text(out, slice_of(sink->name));
        state_put_number(out, sink->place);
        sink_hand_over(sink, out);
    }
}

bool sink_list_hand_over(struct sink_list *list, struct state_writer *out)
{
    if (!state_settle(out))
        return false;
    state_begin(out, STATE_PAYLOADS);
    write_sections(list, out);
    if (!state_complete(out)) {
        state_cancel(out);
        return false;
    }
    for (size_t i = 0; i < list->n; i++)
        sink_handed_over(list->at[i]);
    return true;
}

/* ---- inherited --------------------------------------------------------- */

static struct sink *find(const struct sink_list *list, struct slice name, uint64_t place)
{
    for (size_t i = 0; i < list->n; i++) {
        struct sink *sink = list->at[i];

        if (sink->name != NULL && sink->place == place &&
            slice_equal(slice_of(sink->name), name))
            return sink;
    }
    return NULL;
}

/* Returns how many points are lost, because no sink takes the payload; 0: none. */
static uint64_t take_over_payload(struct sink_list *list, struct outbox *outbox,
                                  struct sink *sink, struct payload *given)
{
    uint64_t points = given->points;

    given->holders = 1;
    bool taken = sink != NULL && sink_wants(sink, given->route) &&
                 sink_take_over(sink, given, list->taken++);

    outbox_let_go(outbox, given);
    return taken ? 0 : points;
}

/* sink: NULL if it is not configured any more. */
static void take_over_section(struct sink_list *list, struct outbox *outbox, struct sink *sink,
                              struct slice name, struct state_reader *in)
{
    struct payload *payload;
    uint64_t lost = 0;

    while ((payload = payload_state_read(in)) != NULL)
        lost += take_over_payload(list, outbox, sink, payload);
    if (lost > 0)
        log_warn("delivery: %.*s: %" PRIu64 " inherited points are given up: %s", (int)name.len,
                 name.at, lost, sink != NULL ? "no memory" : "nothing is sent there any more");
}

void sink_list_take_over(struct sink_list *list, struct outbox *outbox, struct state_reader in)
{
    size_t n = in.at != NULL ? state_get_count(&in, 1) : 0;

    for (size_t i = 0; i < n && !in.failed; i++) {
        struct slice name = state_get_text(&in);
        uint64_t place = state_get_number(&in);

        take_over_section(list, outbox, find(list, name, place), name, &in);
    }
    if (in.failed)
        log_error("delivery: inherited payloads are damaged and lost");
}
