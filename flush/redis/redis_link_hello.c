#include "flush/redis/redis_link_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/clock.h"
#include "config/log.h"

enum { QUOTE_MAX = 160 };

/* ---- what is sent ------------------------------------------------------ */

static bool append_auth(struct redis_link *link)
{
    const struct redis_url *url = link->config.url;

    if (url->user[0] != '\0')
        return redis_link_append_words(link, REDIS_LINK_AUTH, 3,
                                       (const char *[]){ "AUTH", url->user, url->password });
    return redis_link_append_words(link, REDIS_LINK_AUTH, 2,
                                   (const char *[]){ "AUTH", url->password });
}

static bool append_fence(struct redis_link *link)
{
    char id[24];

    snprintf(id, sizeof id, "%" PRIu64, link->config.fence.client_id);
    return redis_link_append_words(
        link, REDIS_LINK_FENCE, 6,
        (const char *[]){ "CLIENT", "KILL", "ID", id, "ADDR", link->config.fence.address });
}

bool redis_link_greet(struct redis_link *link)
{
    const struct redis_url *url = link->config.url;
    char database[16];

    snprintf(database, sizeof database, "%d", url->database);
    return (url->password[0] == '\0' || append_auth(link)) &&
           (url->database == 0 ||
            redis_link_append_words(link, REDIS_LINK_SELECT, 2,
                                    (const char *[]){ "SELECT", database })) &&
           (link->config.fence.client_id == 0 || append_fence(link)) &&
           redis_link_append_words(link, REDIS_LINK_WHO_AM_I, 2,
                                   (const char *[]){ "CLIENT", "INFO" }) &&
           redis_link_append_words(link, REDIS_LINK_HELLO, 1, (const char *[]){ "PING" });
}

/* ---- the answers ------------------------------------------------------- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* The answer to AUTH is not quoted in the sentence, because an error may repeat what was sent.
 */
static void refuse_auth(struct redis_link *link, const char *error)
{
    static const struct {
        const char *error, *says;
    } known[] = {
        { "WRONGPASS", "refuses the user or the password" },
        { "ERR invalid password", "refuses the password" },
        { "ERR Client sent AUTH", "has no password set, but one is given" },
        { "ERR AUTH <password> called", "has no password set, but one is given" },
        { "ERR wrong number of arguments", "knows no users, but one is given" },
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (begins(error, known[i].error)) {
            redis_link_fail(link, REDIS_FAILED_AUTH, "%s", known[i].says);
            return;
        }
    redis_link_fail(link, REDIS_FAILED_AUTH, "refuses AUTH");
}

/* Whether the error is one that the server gives to every command; then the link goes down. */
static bool refuse_all(struct redis_link *link, const char *error)
{
    if (begins(error, "ERR max number of clients"))
        redis_link_fail(link, REDIS_FAILED_CONNECT, "has no room for another client");
    else if (begins(error, "DENIED"))
        redis_link_fail(
            link, REDIS_FAILED_AUTH,
            "is in protected mode: it takes other machines only with a password (DENIED)");
    else
        return false;
    return true;
}

static void refuse_hello(struct redis_link *link, const char *error, const char *quoted)
{
    if (begins(error, "NOAUTH"))
        redis_link_fail(link, REDIS_FAILED_AUTH, "wants a password (NOAUTH)");
    else if (begins(error, "LOADING"))
        redis_link_fail(link, REDIS_FAILED_LOADING, "is still reading its data (LOADING)");
    else if (begins(error, "MASTERDOWN"))
        redis_link_fail(link, REDIS_FAILED_READONLY,
                        "is a replica without its master (MASTERDOWN)");
    else
        redis_link_fail(link, REDIS_FAILED_PROTOCOL, "answers PING with: %s", quoted);
}

/* "id=7 addr=127.0.0.1:40000 ...", with addr=/path:0 for a unix socket. */
static void take_identity(struct redis_link *link, const redisReply *reply)
{
    const char *id = reply->type == REDIS_REPLY_STRING ? strstr(reply->str, "id=") : NULL;
    const char *address = id != NULL ? strstr(reply->str, " addr=") : NULL;

    if (id != reply->str || address == NULL)
        return;
    struct redis_fence self = { .client_id = strtoull(id + 3, NULL, 10) };
    size_t len = strcspn(address + 6, " \r\n");

    if (len == 0 || len >= sizeof self.address)
        return;
    memcpy(self.address, address + 6, len);
    link->self = self;
}

static void become_up(struct redis_link *link)
{
    link->state = REDIS_LINK_UP;
    link->progress_ms = clock_monotonic_ms();
    redis_link_arm(link, true);
    link->events->up(link->argument);
}

void redis_link_take_own(struct redis_link *link, enum redis_link_kind kind,
                         const redisReply *reply)
{
    const char *error = reply->type == REDIS_REPLY_ERROR ? reply->str : NULL;
    char quoted[QUOTE_MAX] = "";

    if (error != NULL && link->state == REDIS_LINK_STARTING && refuse_all(link, error))
        return;
    if (error != NULL)
        log_quote(error, reply->len, quoted, sizeof quoted);
    if (kind == REDIS_LINK_AUTH && error != NULL)
        refuse_auth(link, error);
    else if (kind == REDIS_LINK_SELECT && error != NULL && begins(error, "NOAUTH"))
        refuse_hello(link, error, quoted);
    else if (kind == REDIS_LINK_SELECT && error != NULL)
        redis_link_fail(link, REDIS_FAILED_DATABASE, "refuses database %d: %s",
                        link->config.url->database, quoted);
    else if (kind == REDIS_LINK_WHO_AM_I)
        take_identity(link, reply);
    else if (kind == REDIS_LINK_HELLO && error != NULL && !begins(error, "NOPERM"))
        refuse_hello(link, error, quoted);
    else if (kind == REDIS_LINK_HELLO)
        become_up(link);
}
