#include "flush/fleet/redis_reader_internal.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/log.h"
#include "flush/memory/loop.h"
#include "flush/redis/timer.h"
#include "protocol/number.h"

enum {
    REPLY_MAX = 64 << 20, /* of a piece of a window: a set takes 16 KiB */
    ROLLUP_MEMORY = 512 << 20,
    RETRY_MS = 200,
    TAG_REGISTRY = REDIS_READER_JOBS, /* the tags below are those of jobs */
};

static void finish(struct redis_reader *reader, enum redis_reader_result result)
{
    reader->result = result;
    reader->done = true;
    event_base_loopbreak(reader->base);
}

void redis_reader_fail(struct redis_reader *reader, enum redis_reader_result result,
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

void redis_reader_no_memory(struct redis_reader *reader)
{
    redis_reader_fail(
        reader, READER_FAILED,
        "the windows need too much memory: ask for a shorter range or fewer series");
}

/* ---- the rollups of one query ------------------------------------------ */

static void drop_rollup(struct redis_reader *reader)
{
    rollup_free(reader->rollup);
    identities_free(reader->identities);
    reader->rollup = NULL;
    reader->identities = NULL;
}

/* Tells the rollups from when on Redis keeps windows of each length. */
static void mark_beginnings(struct redis_reader *reader)
{
    const struct fleet_instance *all = &reader->fleet.all;

    rollup_begin_at(reader->rollup, 0, reader->config->now_s - all->lookback_s);
    for (size_t level = 1; level < all->n_steps; level++)
        rollup_begin_at(reader->rollup, level, reader->config->now_s - all->ttl_s);
}

static bool make_rollup(struct redis_reader *reader)
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

    drop_rollup(reader);
    for (size_t i = 1; i < all->n_steps; i++) {
        snprintf(texts[i], sizeof texts[i], "%lld", (long long)all->steps_s[i]);
        steps[list.n++] = texts[i];
    }
    reader->identities = identities_new(&reader->ledger);
    if (reader->identities == NULL) {
        redis_reader_no_memory(reader);
        return false;
    }
    reader->rollup = rollup_new(&config, reader->identities, &reader->ledger, reader->problem,
                                reader->problem_size);
    if (reader->rollup == NULL) {
        finish(reader, READER_FAILED);
        return false;
    }
    mark_beginnings(reader);
    return true;
}

/* ---- the answer, query after query ------------------------------------- */

static void give_answer(struct redis_reader *reader)
{
    struct slice json = evaluation_answer(reader->evaluation);

    bytes_add(reader->answer, json.at, json.len);
    if (reader->answer->failed)
        redis_reader_no_memory(reader);
    else
        finish(reader, READER_ANSWERED);
}

/* The windows of the query that is computed next are to be read. */
static void begin_windows(struct redis_reader *reader)
{
    int64_t end_s = reader->config->now_s + 1;

    reader->level_step_s = rollup_step(reader->rollup, reader->range.level);
    reader->next_start_s = (reader->range.first_s + reader->level_step_s - 1) /
                           reader->level_step_s * reader->level_step_s;
    reader->end_s = reader->range.first_s + reader->range.steps * reader->range.step_s;
    reader->end_s = reader->end_s < end_s ? reader->end_s : end_s;
}

/* Computes what the rollups suffice for. True: there is another query, and windows to read. */
static bool compute(struct redis_reader *reader)
{
    switch (evaluation_run(reader->evaluation, reader->rollup)) {
    case QUERY_MORE:
    case QUERY_WAITS: /* never: these rollups have no past */
        return true;
    case QUERY_DONE:
        give_answer(reader);
        break;
    case QUERY_FAILED:
        redis_reader_fail(reader, READER_REFUSED, "%s", evaluation_problem(reader->evaluation));
        break;
    }
    return false;
}

/* Goes on to the next query. */
static bool next_query(struct redis_reader *reader)
{
    if (!evaluation_needs(reader->evaluation, &reader->question, &reader->range) ||
        !make_rollup(reader))
        return false;
    begin_windows(reader);
    return true;
}

/* Reads on; when all windows of a query are read, computes it. */
static void pump(struct redis_reader *reader)
{
    while (redis_reader_go_on(reader))
        if (!compute(reader) || !next_query(reader))
            return;
}

static void begin_question(struct redis_reader *reader)
{
    int64_t interval_s = reader->fleet.all.steps_s[0];
    int64_t open_s = reader->config->now_s - reader->config->now_s % interval_s;

    reader->evaluation = evaluation_new(reader->rollup, reader->text, reader->from_s,
                                        reader->to_s, reader->problem, reader->problem_size);
    if (reader->evaluation == NULL) {
        finish(reader, READER_REFUSED);
        return;
    }
    evaluation_tell_open(reader->evaluation, open_s, open_s + interval_s);
    if (!evaluation_needs(reader->evaluation, &reader->question, &reader->range) &&
        !compute(reader))
        return; /* numbers came before the first query */
    if (next_query(reader))
        pump(reader);
}

/* ---- words to and from Redis ------------------------------------------- */

bool redis_reader_send(struct redis_reader *reader, uint64_t tag, int n,
                       const char *const *words)
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

struct slice redis_reader_text(const redisReply *reply)
{
    bool text = reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS;

    return text ? (struct slice){ reply->str, reply->len } : (struct slice){ "", 0 };
}

/* ---- replies: the registry --------------------------------------------- */

static void send_registry(struct redis_reader *reader)
{
    char key[REDIS_READER_KEY_AROUND_MAX], last[16];
    const char *const words[] = { "ZREVRANGE", key, "0", last, "WITHSCORES" };

    snprintf(key, sizeof key, "%s:instances", reader->config->prefix);
    snprintf(last, sizeof last, "%d", FLEET_INSTANCES_MAX - 1);
    reader->registry_sent = redis_reader_send(reader, TAG_REGISTRY, 5, words);
}

static void take_registry(struct redis_reader *reader, const redisReply *reply)
{
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        double heard;
        struct slice member = redis_reader_text(reply->element[i]);
        bool scored = number_double(redis_reader_text(reply->element[i + 1]), &heard) &&
                      heard >= 0 && heard < 1e11;
        enum fleet_result result =
            scored ? fleet_add(&reader->fleet, member, (int64_t)heard) : FLEET_DAMAGED;
        reader->report->damaged += result == FLEET_DAMAGED;
    }
    reader->report->instances = reader->fleet.n;
    reader->registry_read = true;
    if (!fleet_seal(&reader->fleet))
        redis_reader_fail(reader, READER_FAILED, "no heeler has written there under \"%s\"",
                          reader->config->prefix);
    else if (make_rollup(reader))
        begin_question(reader);
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

static void again_soon(struct redis_reader *reader, uint64_t tag)
{
    if (tag == TAG_REGISTRY)
        reader->registry_sent = false;
    else
        redis_reader_begin_job(reader, &reader->jobs[tag]);
    timer_start(reader->retry, RETRY_MS);
}

static void take_refusal(struct redis_reader *reader, uint64_t tag, const redisReply *reply)
{
    bool wrong_type = starts(reply, "WRONGTYPE") && tag != TAG_REGISTRY;

    if (passes(reply)) {
        again_soon(reader, tag);
    } else if (wrong_type) { /* the key belongs to somebody else */
        reader->report->damaged++;
        redis_reader_end_job(reader, &reader->jobs[tag]);
        pump(reader);
    } else {
        char quoted[256];
        redis_reader_fail(reader, READER_FAILED, "Redis says: %s",
                          log_quote(reply->str, reply->len, quoted, sizeof quoted));
    }
}

/* ---- the client -------------------------------------------------------- */

static void send_all(struct redis_reader *reader)
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
    struct redis_reader *reader = argument;

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
    struct redis_reader *reader = argument;

    if (reader->done)
        return;
    if (reply->type == REDIS_REPLY_ERROR) {
        take_refusal(reader, tag, reply);
    } else if (tag == TAG_REGISTRY && reply->type == REDIS_REPLY_ARRAY) {
        take_registry(reader, reply);
    } else if (tag < REDIS_READER_JOBS && redis_reader_is_piece(reply)) {
        redis_reader_take_piece(reader, &reader->jobs[tag], reply);
        pump(reader);
    } else {
        redis_reader_fail(reader, READER_FAILED, "Redis answers what cannot be understood");
    }
}

static void on_failed(void *argument, uint64_t tag)
{
    struct redis_reader *reader = argument;

    if (!reader->done)
        again_soon(reader, tag);
}

/* If Redis was there before, it may come back within the time that we have, so we wait. */
static void on_down(void *argument, enum redis_failure failure, const char *sentence)
{
    struct redis_reader *reader = argument;

    bool passing = reader->was_up || failure == REDIS_FAILED_LOADING;

    if (failure == REDIS_FAILED_CLUSTER && !reader->config->client.cluster) {
        reader->found_cluster = true;
        finish(reader, READER_FAILED);
    } else if (failure == REDIS_FAILED_TOO_LARGE ||
               (!passing && failure != REDIS_FAILED_CLUSTER)) {
        redis_reader_fail(reader, READER_FAILED, "%s", sentence);
    } else {
        snprintf(reader->last, sizeof reader->last, ": %s", sentence);
    }
}

static void on_timeout(evutil_socket_t fd, short what, void *argument)
{
    struct redis_reader *reader = argument;

    (void)fd, (void)what;
    redis_reader_fail(reader, READER_FAILED, "no answer within %d seconds%s",
                      reader->config->timeout_s, reader->last);
}

/* ---- all of it --------------------------------------------------------- */

static void wait_for_answer(struct redis_reader *reader, struct event *timeout)
{
    if (evtimer_add(timeout, &(struct timeval){ .tv_sec = reader->config->timeout_s }) != 0)
        redis_reader_no_memory(reader);
    else if (!reader->done)
        event_base_dispatch(reader->base);
}

static void run(struct redis_reader *reader)
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
        redis_reader_no_memory(reader);
    else if (reader->client != NULL)
        wait_for_answer(reader, timeout);
    redis_client_free(reader->client);
    if (timeout != NULL)
        event_free(timeout);
    if (reader->retry != NULL)
        event_free(reader->retry);
}

static void free_reader(struct redis_reader *reader)
{
    redis_reader_drop_windows(reader);
    evaluation_free(reader->evaluation);
    drop_rollup(reader);
    fleet_free(&reader->fleet);
    free(reader);
}

static struct redis_reader *new_reader(const struct redis_reader_config *config)
{
    struct redis_reader *reader = calloc(1, sizeof *reader);

    if (reader == NULL)
        return NULL;
    reader->config = config;
    reader->result = READER_FAILED;
    redis_reader_init_windows(reader);
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

/* Whether the question makes sense, before anybody is asked. */
static bool is_sensible(struct slice text, int64_t from_s, int64_t to_s, char *problem,
                        size_t problem_size)
{
    struct expression *expression = malloc(sizeof *expression);
    bool sensible = expression != NULL &&
                    expression_parse_list(text, expression, problem, problem_size) &&
                    query_span_fits(from_s, to_s, problem, problem_size);

    free(expression);
    return sensible;
}

static enum redis_reader_result ask_once(const struct redis_reader_config *config,
                                         struct slice text, int64_t from_s, int64_t to_s,
                                         struct bytes *out, struct redis_reader_report *report,
                                         char *problem, size_t problem_size,
                                         bool *found_cluster)
{
    struct redis_reader *reader = new_reader(config);
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
    if (is_sensible(text, from_s, to_s, problem, problem_size)) {
        reader->base = loop_new();
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
