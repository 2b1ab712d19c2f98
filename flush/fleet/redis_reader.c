/* Stages: the registry, then spans (the windows that the answer is made of) one after
 * the other. A span consists of windows in Redis, each read by a job: HSCAN until the
 * cursor is 0 again, into cells of the job's own. A job that is cut off by a lost
 * connection begins anew. When the last job of the oldest span is done the span goes
 * into the rollups. */
#include "flush/fleet/redis_reader.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "config/log.h"
#include "config/options.h"
#include "flush/fleet/fleet.h"
#include "flush/redis/timer.h"
#include "flush/rollups/query.h"
#include "protocol/number.h"

enum {
    JOBS = 64,
    SPANS_OPEN = 64,
    FIELDS_A_PIECE = 500,
    REPLY_MAX = 64 << 20,    /* of such a piece: a set takes 16 KiB */
    SEEN_MEMORY = 512 << 20, /* for the hashes of the fields that were seen, of all windows that
                                are being read */
    CELLS_MEMORY = 512 << 20,
    ROLLUP_MEMORY = 512 << 20,
    RETRY_MS = 200,
    CURSOR_MAX = 24,
    KEY_AROUND_MAX = OPTION_SHORT_MAX +
                     64, /* a key without the name of the metric: its prefix and numbers */
    TAG_REGISTRY = JOBS,
};

/* ---- fields of one window that were seen ------------------------------- */

/* HSCAN may give a field twice, so we keep a hash of each that we have seen. Others choose the
 * names of fields, so the hash has a seed that nobody knows. */
struct seen {
    uint64_t *hashes; /* 0: empty */
    size_t n, capacity;
};

/* left: how many bytes all of these may still take. */
static bool seen_grow(struct seen *seen, size_t *left)
{
    struct seen grown = { .capacity = seen->capacity > 0 ? seen->capacity * 2 : 4096 };
    size_t bytes = (grown.capacity - seen->capacity) * sizeof *grown.hashes;

    if (bytes > *left)
        return false;
    grown.hashes = calloc(grown.capacity, sizeof *grown.hashes);
    if (grown.hashes == NULL)
        return false;
    *left -= bytes;
    for (size_t i = 0; i < seen->capacity; i++) {
        size_t at = seen->hashes[i] & (grown.capacity - 1);
        while (seen->hashes[i] != 0 && grown.hashes[at] != 0)
            at = (at + 1) & (grown.capacity - 1);
        if (seen->hashes[i] != 0)
            grown.hashes[at] = seen->hashes[i];
    }
    grown.n = seen->n;
    free(seen->hashes);
    *seen = grown;
    return true;
}

/* False without memory; *again: it was there already. */
static bool seen_add(struct seen *seen, struct slice field, uint64_t seed, size_t *left,
                     bool *again)
{
    uint64_t hash = XXH3_64bits_withSeed(field.at, field.len, seed) | 1;

    if (seen->n >= seen->capacity / 2 && !seen_grow(seen, left))
        return false;
    size_t at = hash & (seen->capacity - 1);
    while (seen->hashes[at] != 0 && seen->hashes[at] != hash)
        at = (at + 1) & (seen->capacity - 1);
    *again = seen->hashes[at] == hash;
    seen->n += !*again;
    seen->hashes[at] = hash;
    return true;
}

static void seen_free(struct seen *given, size_t *left)
{
    *left += given->capacity * sizeof *given->hashes;
    free(given->hashes);
    *given = (struct seen){ 0 };
}

/* ---- the parts --------------------------------------------------------- */

struct span {
    struct fleet_window window;
    struct fleet_cells cells;
    size_t left; /* windows still to be read */
};

enum job_state { JOB_FREE, JOB_WAITS, JOB_SENT };

struct job {
    enum job_state state;
    struct span *span;
    struct fleet_window window;
    char cursor[CURSOR_MAX];
    struct fleet_cells cells;
    struct seen seen;
};

struct reader {
    const struct redis_reader_config *config;
    struct question question;
    struct slice text;
    int64_t from_s, to_s;
    struct bytes *answer;
    struct redis_reader_report *report;
    char *problem;
    size_t problem_size;
    enum redis_reader_result result;

    struct event_base *base;
    struct redis_client *client;
    struct event *retry;
    char last[512]; /* what went wrong with Redis last, with a colon before it; or empty */
    bool was_up, registry_read, registry_sent, done, found_cluster;
    uint64_t seed; /* of the hashes of what was seen */

    struct fleet fleet;
    struct flusher_ledger ledger;
    struct identities *identities;
    struct rollup *rollup;
    struct query_range range;
    int64_t level_step_s;

    struct arena_budget budget;
    size_t seen_left;              /* of SEEN_MEMORY */
    struct span spans[SPANS_OPEN]; /* a ring: n_spans of them from first_span on */
    size_t first_span, n_spans;
    int64_t next_start_s, end_s; /* of spans to be opened */
    struct fleet_windows split;  /* of the newest span; jobs are made of next_window on */
    size_t next_window;
    struct job jobs[JOBS];
};

static void finish(struct reader *reader, enum redis_reader_result result)
{
    reader->result = result;
    reader->done = true;
    event_base_loopbreak(reader->base);
}

__attribute__((format(printf, 3, 4))) static void fail(struct reader *reader,
                                                       enum redis_reader_result result,
                                                       const char *format, ...)
{
    va_list args;

    if (reader->done)
        return;
    va_start(args, format);
    vsnprintf(reader->problem, reader->problem_size, format, args);
    va_end(args);
    finish(reader, result);
}

static void no_memory(struct reader *reader)
{
    fail(reader, READER_FAILED,
         "the windows need too much memory: ask for a shorter range or fewer series");
}

/* ---- the answer -------------------------------------------------------- */

static void answer(struct reader *reader)
{
    struct query *query = query_new(reader->rollup, reader->text, reader->from_s, reader->to_s,
                                    reader->problem, reader->problem_size);
    enum query_state state = QUERY_FAILED;
    int64_t interval_s = reader->fleet.all.steps_s[0];
    int64_t open_s = reader->config->now_s - reader->config->now_s % interval_s;

    if (query != NULL)
        query_tell_open(query, open_s, open_s + interval_s);
    while (query != NULL && (state = query_step(query)) == QUERY_MORE)
        ;
    if (query == NULL) {
        finish(reader, READER_REFUSED);
    } else if (state == QUERY_FAILED) {
        fail(reader, READER_REFUSED, "%s", query_problem(query));
    } else {
        struct slice json = query_answer(query);
        bytes_add(reader->answer, json.at, json.len);
        if (reader->answer->failed)
            no_memory(reader);
        else
            finish(reader, READER_ANSWERED);
    }
    query_free(query);
}

/* ---- merged spans into the rollups ------------------------------------- */

/* A server has at most one point of a counter for each interval of the span. If a cell says
 * that it has more, cuts their number. */
static void cap_points(const struct reader *reader, struct fleet_cell *cell)
{
    double most = (double)reader->level_step_s / (double)reader->fleet.all.steps_s[0];

    if (cell->kind == CELL_COUNT && cell->cell.column[WINDOW_COUNT] > most && most >= 1)
        cell->cell.column[WINDOW_COUNT] = most;
}

static bool keep_cell(struct reader *reader, struct fleet_cell *cell)
{
    struct slice tags[FLEET_TAGS_MAX];
    struct rollup_outside outside = { .name = reader->question.metric, .tags = tags };

    cap_points(reader, cell);
    outside.n_tags = fleet_cell_tags(cell, &outside.host, tags);
    outside.kind = cell->kind;
    outside.cell = cell->cell;
    outside.object = cell->object;
    return rollup_add_outside(reader->rollup, reader->range.level, &outside);
}

static bool keep_span(struct reader *reader, const struct span *span)
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

static bool has_finished_span(const struct reader *reader)
{
    return reader->n_spans > 0 && reader->spans[reader->first_span].left == 0;
}

static void keep_finished_spans(struct reader *reader)
{
    while (!reader->done && has_finished_span(reader)) {
        struct span *span = &reader->spans[reader->first_span];
        if (!keep_span(reader, span)) {
            no_memory(reader);
            return;
        }
        fleet_cells_free(&span->cells);
        reader->first_span = (reader->first_span + 1) % SPANS_OPEN;
        reader->n_spans--;
    }
}

/* ---- jobs -------------------------------------------------------------- */

static void begin_job(struct reader *reader, struct job *job)
{
    job->state = JOB_WAITS;
    snprintf(job->cursor, sizeof job->cursor, "0");
    fleet_cells_free(&job->cells);
    seen_free(&job->seen, &reader->seen_left);
}

/* The metric stands in braces, so that all its windows are on one node of a cluster. */
static size_t key_of(const struct reader *reader, struct fleet_window window, char *key,
                     size_t size)
{
    struct slice metric = reader->question.metric;

    return (size_t)snprintf(key, size, "%s:{%.*s}:%lld:%lld", reader->config->prefix,
                            (int)metric.len, metric.at, (long long)window.step_s,
                            (long long)window.start_s);
}

/* False: the client takes no command now. */
static bool send_words(struct reader *reader, uint64_t tag, int n, const char *const *words)
{
    char *command;
    const char *array[8];

    memcpy(array, words, (size_t)n * sizeof array[0]);
    long long len = redisFormatCommandArgv(&command, n, array, NULL);
    if (len < 0)
        return false;
    bool sent =
        redis_client_send(reader->client, command, (size_t)len, slice_of(words[1]), tag);
    redisFreeCommand(command);
    return sent;
}

static bool send_job(struct reader *reader, size_t index)
{
    struct job *job = &reader->jobs[index];
    char key[QUESTION_TEXT_MAX + KEY_AROUND_MAX], count[16];
    const char *const words[] = { "HSCAN", key, job->cursor, "COUNT", count };

    snprintf(count, sizeof count, "%d", FIELDS_A_PIECE);
    key_of(reader, job->window, key, sizeof key);
    if (!send_words(reader, index, 5, words))
        return false;
    job->state = JOB_SENT;
    return true;
}

static bool open_span(struct reader *reader)
{
    struct span *span;

    if (reader->n_spans == SPANS_OPEN || reader->next_start_s >= reader->end_s)
        return false;
    span = &reader->spans[(reader->first_span + reader->n_spans) % SPANS_OPEN];
    span->window = (struct fleet_window){ reader->level_step_s, reader->next_start_s };
    if (!fleet_split(&reader->fleet, span->window, reader->config->now_s, &reader->split) ||
        reader->report->windows + reader->split.n > REDIS_READER_WINDOWS_MAX) {
        fail(reader, READER_REFUSED,
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
static bool give_work(struct reader *reader, struct job *job)
{
    while (reader->next_window == reader->split.n)
        if (!open_span(reader))
            return false;
    job->span = &reader->spans[(reader->first_span + reader->n_spans - 1) % SPANS_OPEN];
    job->window = reader->split.at[reader->next_window++];
    begin_job(reader, job);
    return true;
}

static void give_and_send(struct reader *reader)
{
    for (size_t i = 0; i < JOBS && !reader->done; i++) {
        struct job *job = &reader->jobs[i];
        if (job->state == JOB_FREE && !give_work(reader, job))
            continue;
        if (job->state == JOB_WAITS && !send_job(reader, i))
            return; /* we go on when the client is writable, or up */
    }
}

static void pump(struct reader *reader)
{
    do {
        keep_finished_spans(reader);
        give_and_send(reader);
    } while (!reader->done && has_finished_span(reader));
    if (!reader->done && reader->n_spans == 0 && reader->next_start_s >= reader->end_s)
        answer(reader);
}

/* ---- replies: a piece of a window -------------------------------------- */

static struct slice text_of(const redisReply *reply)
{
    bool text = reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS;

    return text ? (struct slice){ reply->str, reply->len } : (struct slice){ "", 0 };
}

/* False without memory. */
static bool take_field(struct reader *reader, struct job *job, struct slice text,
                       struct slice value)
{
    struct fleet_field field;
    bool again = false;

    if (!seen_add(&job->seen, text, reader->seed, &reader->seen_left, &again))
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

static void end_job(struct reader *reader, struct job *job)
{
    bool folded = fleet_cells_fold(&job->span->cells, &job->cells);

    fleet_cells_free(&job->cells);
    seen_free(&job->seen, &reader->seen_left);
    job->state = JOB_FREE;
    job->span->left--;
    if (!folded)
        no_memory(reader);
}

static bool is_piece(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
           text_of(reply->element[0]).len > 0 && text_of(reply->element[0]).len < CURSOR_MAX &&
           reply->element[1]->type == REDIS_REPLY_ARRAY && reply->element[1]->elements % 2 == 0;
}

static void take_piece(struct reader *reader, struct job *job, const redisReply *reply)
{
    struct slice cursor = text_of(reply->element[0]);
    const redisReply *pairs = reply->element[1];

    for (size_t i = 0; i < pairs->elements; i += 2)
        if (!take_field(reader, job, text_of(pairs->element[i]),
                        text_of(pairs->element[i + 1]))) {
            no_memory(reader);
            return;
        }
    snprintf(job->cursor, sizeof job->cursor, "%.*s", (int)cursor.len, cursor.at);
    job->state = JOB_WAITS;
    if (slice_equal(cursor, SLICE("0")))
        end_job(reader, job);
}

/* ---- replies: the registry --------------------------------------------- */

static void send_registry(struct reader *reader)
{
    char key[KEY_AROUND_MAX], last[16];
    const char *const words[] = { "ZREVRANGE", key, "0", last, "WITHSCORES" };

    snprintf(key, sizeof key, "%s:instances", reader->config->prefix);
    snprintf(last, sizeof last, "%d", FLEET_INSTANCES_MAX - 1);
    reader->registry_sent = send_words(reader, TAG_REGISTRY, 5, words);
}

static bool make_rollup(struct reader *reader)
{
    const struct fleet_instance *all = &reader->fleet.all;
    char texts[ROLLUP_LEVELS_MAX][24], *steps[ROLLUP_LEVELS_MAX];
    struct string_list list = { .at = steps };
    struct rollup_config config = {
        .interval_s = all->steps_s[0],
        .steps = &list,
        .lookback_s = INT32_MAX,
        .max_bytes = ROLLUP_MEMORY,
        .max_series = 1,
    };

    for (size_t i = 1; i < all->n_steps; i++) {
        snprintf(texts[i], sizeof texts[i], "%lld", (long long)all->steps_s[i]);
        steps[list.n++] = texts[i];
    }
    reader->identities = identities_new(&reader->ledger);
    if (reader->identities == NULL) {
        no_memory(reader);
        return false;
    }
    reader->rollup = rollup_new(&config, reader->identities, &reader->ledger, reader->problem,
                                reader->problem_size);
    if (reader->rollup == NULL)
        finish(reader, READER_FAILED);
    return reader->rollup != NULL;
}

/* Tells the rollups from when on Redis keeps windows of each length. */
static void mark_beginnings(struct reader *reader)
{
    const struct fleet_instance *all = &reader->fleet.all;

    rollup_begin_at(reader->rollup, 0, reader->config->now_s - all->lookback_s);
    for (size_t level = 1; level < all->n_steps; level++)
        rollup_begin_at(reader->rollup, level, reader->config->now_s - all->ttl_s);
}

static bool choose(struct reader *reader)
{
    int64_t end_s = reader->config->now_s + 1;

    mark_beginnings(reader);
    if (!query_choose(reader->rollup, &reader->question, reader->from_s, reader->to_s,
                      &reader->range, reader->problem, reader->problem_size)) {
        finish(reader, READER_REFUSED);
        return false;
    }
    reader->level_step_s = rollup_step(reader->rollup, reader->range.level);
    reader->next_start_s = (reader->range.first_s + reader->level_step_s - 1) /
                           reader->level_step_s * reader->level_step_s;
    reader->end_s = reader->range.first_s + reader->range.steps * reader->range.step_s;
    reader->end_s = reader->end_s < end_s ? reader->end_s : end_s;
    return true;
}

static void take_registry(struct reader *reader, const redisReply *reply)
{
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        double heard;
        struct slice member = text_of(reply->element[i]);
        bool scored =
            number_double(text_of(reply->element[i + 1]), &heard) && heard >= 0 && heard < 1e11;
        enum fleet_result result =
            scored ? fleet_add(&reader->fleet, member, (int64_t)heard) : FLEET_DAMAGED;
        reader->report->damaged += result == FLEET_DAMAGED;
    }
    reader->report->instances = reader->fleet.n;
    reader->registry_read = true;
    if (!fleet_seal(&reader->fleet))
        fail(reader, READER_FAILED, "no heeler has written there under \"%s\"",
             reader->config->prefix);
    else if (make_rollup(reader) && choose(reader))
        pump(reader);
}

/* ---- replies: refusals ------------------------------------------------- */

static bool starts(const redisReply *reply, const char *word)
{
    return strncmp(reply->str, word, strlen(word)) == 0;
}

static bool passes(const redisReply *reply)
{
    return starts(reply, "LOADING") || starts(reply, "CLUSTERDOWN") ||
           starts(reply, "TRYAGAIN") || starts(reply, "MASTERDOWN") || starts(reply, "BUSY");
}

static void again_soon(struct reader *reader, uint64_t tag)
{
    if (tag == TAG_REGISTRY)
        reader->registry_sent = false;
    else
        begin_job(reader, &reader->jobs[tag]);
    timer_start(reader->retry, RETRY_MS);
}

static void take_refusal(struct reader *reader, uint64_t tag, const redisReply *reply)
{
    bool wrong_type = starts(reply, "WRONGTYPE") && tag != TAG_REGISTRY;

    if (passes(reply)) {
        again_soon(reader, tag);
    } else if (wrong_type) { /* the key belongs to somebody else */
        reader->report->damaged++;
        end_job(reader, &reader->jobs[tag]);
        pump(reader);
    } else {
        char quoted[256];
        fail(reader, READER_FAILED, "Redis says: %s",
             log_quote(reply->str, reply->len, quoted, sizeof quoted));
    }
}

/* ---- the client -------------------------------------------------------- */

static void send_all(struct reader *reader)
{
    if (reader->done)
        return;
    if (!reader->registry_read) {
        if (!reader->registry_sent)
            send_registry(reader);
    } else {
        pump(reader);
    }
}

static void on_up(void *argument)
{
    struct reader *reader = argument;

    reader->was_up = true;
    send_all(reader);
}

static void on_writable(void *argument)
{
    send_all(argument);
}

static void on_retry(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    send_all(argument);
}

static void on_reply(void *argument, uint64_t tag, const redisReply *reply)
{
    struct reader *reader = argument;

    if (reader->done)
        return;
    if (reply->type == REDIS_REPLY_ERROR) {
        take_refusal(reader, tag, reply);
    } else if (tag == TAG_REGISTRY && reply->type == REDIS_REPLY_ARRAY) {
        take_registry(reader, reply);
    } else if (tag < JOBS && is_piece(reply)) {
        take_piece(reader, &reader->jobs[tag], reply);
        pump(reader);
    } else {
        fail(reader, READER_FAILED, "Redis answers what cannot be understood");
    }
}

static void on_failed(void *argument, uint64_t tag)
{
    struct reader *reader = argument;

    if (!reader->done)
        again_soon(reader, tag);
}

/* If Redis was there before, it may come back within the time that we have, so we wait. */
static void on_down(void *argument, enum redis_failure failure, const char *sentence)
{
    struct reader *reader = argument;

    bool passing = reader->was_up || failure == REDIS_FAILED_LOADING;

    if (failure == REDIS_FAILED_CLUSTER && !reader->config->client.cluster) {
        reader->found_cluster = true;
        finish(reader, READER_FAILED);
    } else if (failure == REDIS_FAILED_TOO_LARGE ||
               (!passing && failure != REDIS_FAILED_CLUSTER)) {
        fail(reader, READER_FAILED, "%s", sentence);
    } else {
        snprintf(reader->last, sizeof reader->last, ": %s", sentence);
    }
}

static void on_timeout(evutil_socket_t fd, short what, void *argument)
{
    struct reader *reader = argument;

    (void)fd, (void)what;
    fail(reader, READER_FAILED, "no answer within %d seconds%s", reader->config->timeout_s,
         reader->last);
}

/* ---- all of it --------------------------------------------------------- */

static void wait_for_answer(struct reader *reader, struct event *timeout)
{
    if (evtimer_add(timeout, &(struct timeval){ .tv_sec = reader->config->timeout_s }) != 0)
        no_memory(reader);
    else if (!reader->done)
        event_base_dispatch(reader->base);
}

static void run(struct reader *reader)
{
    static const struct redis_client_events events = { .up = on_up,
                                                       .reply = on_reply,
                                                       .failed = on_failed,
                                                       .writable = on_writable,
                                                       .down = on_down };
    struct redis_client_config config = reader->config->client;
    struct event *timeout = evtimer_new(reader->base, on_timeout, reader);

    config.max_reply = REPLY_MAX;
    reader->retry = evtimer_new(reader->base, on_retry, reader);
    reader->client = redis_client_new(reader->base, &config, &events, reader, reader->problem,
                                      reader->problem_size);
    if (timeout == NULL || reader->retry == NULL)
        no_memory(reader);
    else if (reader->client != NULL)
        wait_for_answer(reader, timeout);
    redis_client_free(reader->client);
    if (timeout != NULL)
        event_free(timeout);
    if (reader->retry != NULL)
        event_free(reader->retry);
}

static void free_reader(struct reader *reader)
{
    for (size_t i = 0; i < JOBS; i++) {
        fleet_cells_free(&reader->jobs[i].cells);
        seen_free(&reader->jobs[i].seen, &reader->seen_left);
    }
    for (size_t i = 0; i < SPANS_OPEN; i++)
        fleet_cells_free(&reader->spans[i].cells);
    rollup_free(reader->rollup);
    identities_free(reader->identities);
    fleet_free(&reader->fleet);
    free(reader->split.at);
    free(reader);
}

static struct reader *new_reader(const struct redis_reader_config *config)
{
    struct reader *reader = calloc(1, sizeof *reader);

    if (reader == NULL)
        return NULL;
    reader->config = config;
    reader->result = READER_FAILED;
    reader->seen_left = SEEN_MEMORY;
    arc4random_buf(&reader->seed, sizeof reader->seed);
    arena_budget_init(&reader->budget, CELLS_MEMORY);
    for (size_t i = 0; i < JOBS; i++)
        fleet_cells_init(&reader->jobs[i].cells, &reader->budget);
    for (size_t i = 0; i < SPANS_OPEN; i++)
        fleet_cells_init(&reader->spans[i].cells, &reader->budget);
    return reader;
}

/* libevent frees a closed connection only when its loop turns. */
static void free_base(struct event_base *base)
{
    if (base == NULL)
        return;
    event_base_loop(base, EVLOOP_NONBLOCK);
    event_base_free(base);
}

static enum redis_reader_result ask_once(const struct redis_reader_config *config,
                                         struct slice text, int64_t from_s, int64_t to_s,
                                         struct bytes *out, struct redis_reader_report *report,
                                         char *problem, size_t problem_size,
                                         bool *found_cluster)
{
    struct reader *reader = new_reader(config);
    enum redis_reader_result result = READER_REFUSED;

    snprintf(problem, problem_size, "not enough memory");
    if (reader == NULL)
        return READER_FAILED;
    reader->text = text;
    reader->from_s = from_s;
    reader->to_s = to_s;
    reader->answer = out;
    reader->report = report;
    reader->problem = problem;
    reader->problem_size = problem_size;
    if (question_parse(text, &reader->question, problem, problem_size)) {
        reader->base = event_base_new();
        if (reader->base != NULL)
            run(reader);
        result = reader->result;
        *found_cluster = reader->found_cluster;
        free_base(reader->base);
    }
    free_reader(reader);
    return result;
}

enum redis_reader_result redis_reader_ask(const struct redis_reader_config *config,
                                          struct slice text, int64_t from_s, int64_t to_s,
                                          struct bytes *out, struct redis_reader_report *report,
                                          char *problem, size_t problem_size)
{
    struct redis_reader_config cluster = *config;
    bool found_cluster = false;

    *report = (struct redis_reader_report){ 0 };
    enum redis_reader_result result = ask_once(config, text, from_s, to_s, out, report, problem,
                                               problem_size, &found_cluster);
    if (!found_cluster)
        return result;
    cluster.client.cluster = true;
    *report = (struct redis_reader_report){ 0 };
    return ask_once(&cluster, text, from_s, to_s, out, report, problem, problem_size,
                    &found_cluster);
}
