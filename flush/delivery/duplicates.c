#include "flush/delivery/duplicates.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/log.h"
#include "flush/delivery/mirror.h"
#include "flush/redis/resp.h"
#include "protocol/number.h"

enum {
    MEMBERS_MAX = 1000, /* read at once */
    SAID_MAX = 64,
    INTERVAL_MAX_S = 60,
};

struct duplicates {
    char *key, *id, *hostname;
    int64_t started_s;
    uint64_t n;
    char said[SAID_MAX][MIRROR_ID_SIZE]; /* a ring */
    unsigned n_said;
};

struct duplicates *duplicates_new(const char *prefix, const char *id, const char *hostname,
                                  int64_t started_s)
{
    struct duplicates *duplicates = calloc(1, sizeof *duplicates);

    if (duplicates == NULL)
        return NULL;
    duplicates->id = strdup(id);
    duplicates->hostname = strdup(hostname);
    duplicates->started_s = started_s;
    if (asprintf(&duplicates->key, "%s:instances", prefix) < 0)
        duplicates->key = NULL;
    if (duplicates->id == NULL || duplicates->hostname == NULL || duplicates->key == NULL) {
        duplicates_free(duplicates);
        return NULL;
    }
    return duplicates;
}

void duplicates_free(struct duplicates *given)
{
    if (given == NULL)
        return;
    free(given->key);
    free(given->id);
    free(given->hostname);
    free(given);
}

struct slice duplicates_ask(const struct duplicates *duplicates, int64_t now_s,
                            struct bytes *out)
{
    struct slice key = slice_of(duplicates->key);

    resp_command(out, 8);
    resp_word(out, SLICE("ZREVRANGEBYSCORE"));
    resp_word(out, key);
    resp_word(out, SLICE("+inf"));
    resp_number(out, now_s - mirror_live_s(INTERVAL_MAX_S));
    resp_word(out, SLICE("WITHSCORES"));
    resp_word(out, SLICE("LIMIT"));
    resp_number(out, 0);
    resp_number(out, MEMBERS_MAX);
    return key;
}

static bool was_said(const struct duplicates *duplicates, const char *id)
{
    for (unsigned i = 0; i < SAID_MAX && i < duplicates->n_said; i++)
        if (strcmp(duplicates->said[i], id) == 0)
            return true;
    return false;
}

static void say(struct duplicates *duplicates, const char *id, int64_t pid)
{
    char *slot = duplicates->said[duplicates->n_said % SAID_MAX];

    if (was_said(duplicates, id))
        return;
    snprintf(slot, MIRROR_ID_SIZE, "%s", id);
    duplicates->n_said++;
    log_warn("redis: another instance sends as this host (\"%s\"): %s (pid %" PRId64
             ") beside this one, %s: points of one name, host and tags overwrite each other at "
             "the intake",
             duplicates->hostname, id, pid, duplicates->id);
}

static bool is_id(const char *text)
{
    return text != NULL && strlen(text) == MIRROR_ID_SIZE - 1 &&
           text[strspn(text, "0123456789abcdef")] == '\0';
}

/* Whether that member of the registry, whose last heartbeat was at that time, is another
 * server under our host name. */
static bool is_other(struct duplicates *duplicates, const json_t *member, double heard_s,
                     int64_t now_s)
{
    const char *id = json_string_value(json_object_get(member, "id"));
    const char *host = json_string_value(json_object_get(member, "host"));
    int64_t interval_s = json_integer_value(json_object_get(member, "interval"));

    if (!is_id(id) || host == NULL || strcmp(host, duplicates->hostname) != 0 ||
        strcmp(id, duplicates->id) == 0)
        return false;
    if (interval_s < 1 || interval_s > INTERVAL_MAX_S)
        interval_s = 1;
    if (!(heard_s > (double)duplicates->started_s &&
          heard_s >= (double)(now_s - mirror_live_s(interval_s))))
        return false;
    say(duplicates, id, json_integer_value(json_object_get(member, "pid")));
    return true;
}

static bool is_text(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING;
}

uint64_t duplicates_read(struct duplicates *duplicates, const redisReply *reply, int64_t now_s)
{
    uint64_t n = 0;

    if (reply->type != REDIS_REPLY_ARRAY)
        return duplicates->n;
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        const redisReply *text = reply->element[i], *score = reply->element[i + 1];
        double heard_s;
        if (!is_text(text) || !is_text(score) ||
            !number_double((struct slice){ score->str, (size_t)score->len }, &heard_s))
            continue;
        json_t *member = json_loadb(text->str, (size_t)text->len, 0, NULL);
        n += is_other(duplicates, member, heard_s, now_s);
        json_decref(member);
    }
    duplicates->n = n;
    return n;
}
