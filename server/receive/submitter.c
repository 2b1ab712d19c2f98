#include "server/receive/submitter.h"

#include <pthread.h>
#include <stdlib.h>

struct submitter {
    struct submitter_config config;
    pthread_mutex_t lock; /* held from begin to end */
    bool closed;
    struct chunk *open; /* owned; or NULL */
    uint64_t pushed_bytes;
    uint64_t values; /* that the flusher gets, since the start */
};

struct submitter *submitter_new(const struct submitter_config *config)
{
    struct submitter *submitter = calloc(1, sizeof *submitter);

    if (submitter == NULL)
        return NULL;
    submitter->config = *config;
    if (pthread_mutex_init(&submitter->lock, NULL) == 0)
        return submitter;
    free(submitter);
    return NULL;
}

void submitter_free(struct submitter *given)
{
    if (given == NULL)
        return;
    pthread_mutex_destroy(&given->lock);
    free(given);
}

void submitter_gate(struct submitter *submitter)
{
    pthread_mutex_lock(&submitter->lock);
    submitter->closed = true;
    pthread_mutex_unlock(&submitter->lock);
}

enum submitter_state submitter_begin(struct submitter *submitter)
{
    enum submitter_state state = SUBMITTER_READY;

    pthread_mutex_lock(&submitter->lock);
    uint64_t handled =
        atomic_load_explicit(&submitter->config.account->handled_bytes, memory_order_relaxed);

    if (submitter->closed)
        state = SUBMITTER_CLOSED;
    else if (submitter->pushed_bytes - handled > SUBMITTER_BYTES_MAX)
        state = SUBMITTER_BEHIND;
    if (state != SUBMITTER_READY)
        pthread_mutex_unlock(&submitter->lock);
    return state;
}

static void push(struct submitter *submitter)
{
    struct chunk *chunk = submitter->open;

    if (chunk == NULL)
        return;
    chunk->parcel.bytes = sizeof *chunk + chunk->capacity;
    chunk->submitted = submitter->values;
    submitter->pushed_bytes += chunk->parcel.bytes;
    submitter->open = NULL;
    inbox_push(submitter->config.inbox, &chunk->parcel);
}

void submitter_end(struct submitter *submitter)
{
    push(submitter);
    pthread_mutex_unlock(&submitter->lock);
}

/* A chunk with room for so many bytes; NULL without memory. */
static struct chunk *make_room(struct submitter *submitter, size_t size)
{
    struct chunk *open = submitter->open;

    if (open != NULL && size <= open->capacity - open->used)
        return open;
    push(submitter);
    submitter->open = chunk_new(PARCEL_RECORDS, submitter->config.index, size);
    return submitter->open;
}

static enum metric_type type_of(const struct submitted *submitted)
{
    return submitted->kind != SUBMITTED_POINTS  ? METRIC_DISTRIBUTION
           : submitted->type == SUBMITTED_GAUGE ? METRIC_GAUGE
                                                : METRIC_COUNT;
}

void submitter_shed(struct submitter *submitter, enum metric_type type, uint64_t values)
{
    counter_add(&submitter->config.ledger->values[type], values);
    counter_add(&submitter->config.ledger->shed[SHED_MEMORY], values);
}

void submitter_add(struct submitter *submitter, const struct submitted *submitted)
{
    struct chunk *chunk = make_room(submitter, submitted_size(submitted));
    uint64_t values = submitted_values(submitted);

    if (chunk == NULL || !submitted_append(chunk, submitted)) {
        submitter_shed(submitter, type_of(submitted), values);
        return;
    }
    counter_add(&submitter->config.ledger->values[type_of(submitted)], values);
    submitter->values += values;
}

void submitter_add_line(struct submitter *submitter, enum line_kind kind, struct slice line,
                        int64_t now_s)
{
    struct record record = { .time_s = now_s,
                             .len = (uint32_t)line.len,
                             .kind = (uint16_t)kind };
    struct chunk *chunk = make_room(submitter, sizeof record + line.len);

    if (chunk == NULL || !chunk_append(chunk, &record, sizeof record, line, SLICE("")))
        counter_add(&submitter->config.ledger->records_shed, 1);
}
