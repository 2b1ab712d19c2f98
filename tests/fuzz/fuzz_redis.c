/* fuzz_redis: what comes from outside about where a Redis is: by the first byte, a URL,
 * a redirection, or an answer to CLUSTER SLOTS as it comes over the wire. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flush/redis/redis_slots.h"
#include "flush/redis/redis_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct redis_place asked = { "10.0.0.9", 7000 };

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_place(const struct redis_place *place)
{
    check(place->port >= 1 && place->port <= 65535);
    check(memchr(place->host, '\0', sizeof place->host) != NULL && place->host[0] != '\0');
}

/* It goes somewhere, and its name is made of that alone, so that it does not hold the password.
 * (A path may look like one.) */
static void read_url(const char *text)
{
    struct redis_url url;
    char name[sizeof url.name];

    if (redis_url_parse(text, &url) != NULL)
        return;
    check((url.host[0] == '\0') != (url.path[0] == '\0'));
    check(url.path[0] != '\0' || (url.port >= 1 && url.port <= 65535));
    check(url.database >= 0 && url.name[0] != '\0');
    if (url.path[0] != '\0')
        snprintf(name, sizeof name, "unix://%s", url.path);
    else
        redis_url_name(url.host, url.port, url.tls, name);
    check(strcmp(url.name, name) == 0);
}

static void read_redirection(const char *text)
{
    struct redis_place place;

    if (redis_slots_redirect(text, &asked, &place))
        check_place(&place);
}

static void check_slots(const struct redis_slots *slots)
{
    check(slots->n >= 1 && slots->n <= REDIS_MAX_NODES);
    for (size_t i = 0; i < slots->n; i++)
        check_place(&slots->masters[i]);
    for (size_t i = 0; i < REDIS_SLOTS; i++)
        check(slots->owner[i] < slots->n);
}

static void *(*make_array)(const redisReadTask *, int);

/* As the connection does: what is announced is bounded. */
static void *make_small_array(const redisReadTask *task, int elements)
{
    return elements > 256 ? NULL : make_array(task, elements);
}

static void read_slots(const char *text, size_t len)
{
    redisReplyObjectFunctions functions;
    static struct redis_slots slots;
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;

    check(reader != NULL);
    functions = *reader->fn;
    make_array = functions.createArray;
    functions.createArray = make_small_array;
    reader->fn = &functions;
    redisReaderFeed(reader, text, len);
    if (redisReaderGetReply(reader, &reply) == REDIS_OK && reply != NULL &&
        redis_slots_read(&slots, reply, &asked) == NULL)
        check_slots(&slots);
    if (reply != NULL)
        freeReplyObject(reply);
    redisReaderFree(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *text = malloc(size);

    check(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (data[0] == 'u')
        read_url(text);
    else if (data[0] == 'm')
        read_redirection(text);
    else
        read_slots(text, size - 1);
    redis_key_slot((struct slice){ text, size - 1 });
    free(text);
    return 0;
}
