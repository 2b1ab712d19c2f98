#include "flush/fleet/redis_reader_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    FIELDS_A_PIECE = 500,
    SEEN_MEMORY = 512 << 20, /* for the hashes of the fields that were seen, of all windows that
                                are being read */
    CELLS_MEMORY = 512 << 20,
};

/* ---- making ------------------------------------------------------------ */

void redis_reader_init_windows(struct redis_reader *reader)
{
    reader->seen_left = SEEN_MEMORY;
    arc4random_buf(&reader->seed, sizeof reader->seed);
    arena_budget_init(&reader->budget, CELLS_MEMORY);
    for (size_t i = 0; i < REDIS_READER_JOBS; i++)
        fleet_cells_init(&reader->jobs[i].cells, &reader->budget);
    for (size_t i = 0; i < REDIS_READER_SPANS; i++)
        fleet_cells_init(&reader->spans[i].cells, &reader->budget);
}

void redis_reader_drop_windows(struct redis_reader *reader)
{
    for (size_t i = 0; i < REDIS_READER_JOBS; i++) {
        fleet_cells_free(&reader->jobs[i].cells);
        fleet_seen_free(&reader->jobs[i].seen, &reader->seen_left);
    }
    for (size_t i = 0; i < REDIS_READER_SPANS; i++)
        fleet_cells_free(&reader->spans[i].cells);
    free(reader->split.at);
}

/* ---- merged spans into the rollups ------------------------------------- */

/* A server has at most one point of a counter for each interval of the span. If a cell says
 * that it has more, cuts their number. */
static void cap_points(const struct redis_reader *reader, struct fleet_cell *cell)
{
    double most = (double)reader->level_step_s / (double)reader->fleet.all.steps_s[0];

    if (cell->kind == CELL_COUNT && cell->cell.column[WINDOW_COUNT] > most && most >= 1)
        cell->cell.column[WINDOW_COUNT] = most;
}

static bool keep_cell(struct redis_reader *reader, struct fleet_cell *cell)
{
    struct slice tags[FLEET_TAGS_MAX];
    struct rollup_outside outside = { .name = reader->question->metric, .tags = tags };

    cap_points(reader, cell);
    outside.n_tags = fleet_cell_tags(cell, &outside.host, tags);
    outside.kind = cell->kind;
    outside.cell = cell->cell;
    outside.object = cell->object;
    return rollup_add_outside(reader->rollup, reader->range.level, &outside);
}

static bool keep_span(struct redis_reader *reader, const struct span *span)
{
    uint32_t next = 0;
    bool kept = true;

    while (!rollup_open(reader->rollup, span->window.start_s))
        ;
    for (struct fleet_cell *cell;
         kept && (cell = fleet_cells_next(&span->cells, &next)) != NULL;)
        kept = keep_cell(reader, cell);
    rollup_close(reader->rollup);
    return kept && counter_read(&reader->ledger.rollup_dropped) == 0;
}

static bool has_finished_span(const struct redis_reader *reader)
{
    return reader->n_spans > 0 && reader->spans[reader->first_span].left == 0;
}

static void keep_finished_spans(struct redis_reader *reader)
{
    while (!reader->done && has_finished_span(reader)) {
        struct span *span = &reader->spans[reader->first_span];
        if (!keep_span(reader, span)) {
            redis_reader_no_memory(reader);
            return;
        }
        fleet_cells_free(&span->cells);
        reader->first_span = (reader->first_span + 1) % REDIS_READER_SPANS;
        reader->n_spans--;
    }
}

/* ---- jobs -------------------------------------------------------------- */

void redis_reader_begin_job(struct redis_reader *reader, struct job *job)
{
    job->state = JOB_WAITS;
    snprintf(job->cursor, sizeof job->cursor, "0");
    fleet_cells_free(&job->cells);
    fleet_seen_free(&job->seen, &reader->seen_left);
}

/* The metric stands in braces, so that all its windows are on one node of a cluster. */
static size_t key_of(const struct redis_reader *reader, struct fleet_window window, char *key,
                     size_t size)
{
    struct slice metric = reader->question->metric;

    return (size_t)snprintf(key, size, "%s:{%.*s}:%lld:%lld", reader->config->prefix,
                            (int)metric.len, metric.at, (long long)window.step_s,
                            (long long)window.start_s);
}

static bool send_job(struct redis_reader *reader, size_t index)
{
    struct job *job = &reader->jobs[index];
    char key[QUESTION_TEXT_MAX + REDIS_READER_KEY_AROUND_MAX], count[16];
    const char *const words[] = { "HSCAN", key, job->cursor, "COUNT", count };

    snprintf(count, sizeof count, "%d", FIELDS_A_PIECE);
    key_of(reader, job->window, key, sizeof key);
    if (!redis_reader_send(reader, index, 5, words))
        return false;
    job->state = JOB_SENT;
    return true;
}

static bool open_span(struct redis_reader *reader)
{
    struct span *span;

    if (reader->n_spans == REDIS_READER_SPANS || reader->next_start_s >= reader->end_s)
        return false;
    span = &reader->spans[(reader->first_span + reader->n_spans) % REDIS_READER_SPANS];
    span->window = (struct fleet_window){ reader->level_step_s, reader->next_start_s };
    if (!fleet_split(&reader->fleet, span->window, reader->config->now_s, &reader->split) ||
        reader->report->windows + reader->split.n > REDIS_READER_WINDOWS_MAX) {
        redis_reader_fail(
            reader, READER_REFUSED,
            "the question needs more than %d windows: ask for a shorter range, or for steps "
            "that are whole rollups",
            REDIS_READER_WINDOWS_MAX);
        return false;
    }
    span->left = reader->split.n;
    reader->report->windows += reader->split.n;
    reader->next_window = 0;
    reader->next_start_s += reader->level_step_s;
    reader->n_spans++;
    return true;
}

/* Gives the next window that is to be read to that job. False: there is none now. */
static bool give_work(struct redis_reader *reader, struct job *job)
{
    while (reader->next_window == reader->split.n)
        if (!open_span(reader))
            return false;
    job->span = &reader->spans[(reader->first_span + reader->n_spans - 1) % REDIS_READER_SPANS];
    job->window = reader->split.at[reader->next_window++];
    redis_reader_begin_job(reader, job);
    return true;
}

static void give_and_send(struct redis_reader *reader)
{
    for (size_t i = 0; i < REDIS_READER_JOBS && !reader->done; i++) {
        struct job *job = &reader->jobs[i];
        if (job->state == JOB_FREE && !give_work(reader, job))
            continue;
        if (job->state == JOB_WAITS && !send_job(reader, i))
            return; /* we go on when the client is writable, or up */
    }
}

bool redis_reader_go_on(struct redis_reader *reader)
{
    do {
        keep_finished_spans(reader);
        give_and_send(reader);
    } while (!reader->done && has_finished_span(reader));
    return !reader->done && reader->n_spans == 0 && reader->next_start_s >= reader->end_s;
}

/* ---- a piece of a window ----------------------------------------------- */

/* False without memory. */
static bool take_field(struct redis_reader *reader, struct job *job, struct slice text,
                       struct slice value)
{
    struct fleet_field field;
    bool again = false;

    if (!fleet_seen_add(&job->seen, text, reader->seed, &reader->seen_left, &again))
        return false;
    if (again)
        return true;
    reader->report->fields++;
    if (!fleet_field_read(text, &field)) {
        reader->report->damaged++;
        return true;
    }
    const struct fleet_instance *who = fleet_find(&reader->fleet, field.id);
    if (!fleet_takes(who, job->span->window, reader->config->now_s, job->window))
        return true;
    struct fleet_manner manner = { who->steps_s[0] == job->window.step_s,
                                   (double)who->steps_s[0] /
                                       (double)reader->fleet.all.steps_s[0] };
    enum fleet_result result = fleet_cells_add(&job->cells, &field, value, manner);
    reader->report->damaged += result == FLEET_DAMAGED;
    return result != FLEET_NO_MEMORY;
}

void redis_reader_end_job(struct redis_reader *reader, struct job *job)
{
    bool folded = fleet_cells_fold(&job->span->cells, &job->cells);

    fleet_cells_free(&job->cells);
    fleet_seen_free(&job->seen, &reader->seen_left);
    job->state = JOB_FREE;
    job->span->left--;
    if (!folded)
        redis_reader_no_memory(reader);
}

bool redis_reader_is_piece(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
           redis_reader_text(reply->element[0]).len > 0 &&
           redis_reader_text(reply->element[0]).len < REDIS_READER_CURSOR_MAX &&
           reply->element[1]->type == REDIS_REPLY_ARRAY && reply->element[1]->elements % 2 == 0;
}

void redis_reader_take_piece(struct redis_reader *reader, struct job *job,
                             const redisReply *reply)
{
    struct slice cursor = redis_reader_text(reply->element[0]);
    const redisReply *pairs = reply->element[1];

    for (size_t i = 0; i < pairs->elements; i += 2)
        if (!take_field(reader, job, redis_reader_text(pairs->element[i]),
                        redis_reader_text(pairs->element[i + 1]))) {
            redis_reader_no_memory(reader);
            return;
        }
    snprintf(job->cursor, sizeof job->cursor, "%.*s", (int)cursor.len, cursor.at);
    job->state = JOB_WAITS;
    if (slice_equal(cursor, SLICE("0")))
        redis_reader_end_job(reader, job);
}
