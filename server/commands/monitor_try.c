/* heeler monitor test: a message with the words of a test, and what became of it. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "config/shown.h"
#include "protocol/number.h"
#include "server/commands/commands.h"
#include "server/commands/monitor_ask.h"

enum { LOOKS = 100, LOOKS_FOR_NOBODY = 20, PAUSE_NS = 200000000 };

/* The notifications of that monitor, newest first; owned, NULL: it was told why not. */
static json_t *fetch_told(const struct monitor_asking *asking, int64_t id)
{
    struct bytes body = { 0 };
    char path[96];
    json_t *json = NULL, *told;

    snprintf(path, sizeof path, "/api/v1/notifications?monitor=%" PRId64, id);
    if (monitor_fetch(asking, path, NULL, &body))
        json = json_loadb((const char *)body.at, body.len, JSON_ALLOW_NUL, NULL);
    told = json_incref(json_object_get(json, "notifications"));
    if (body.len > 0 && !json_is_array(told))
        monitor_complain("the notifications", "this is no heeler's answer");
    json_decref(json);
    bytes_free(&body);
    return told;
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

static bool is_same(const json_t *a, const json_t *b)
{
    return strcmp(member(a, "id"), member(b, "id")) == 0 &&
           strcmp(member(a, "receiver"), member(b, "receiver")) == 0;
}

/* How many tests stand before the line that was the first; *waiting: of how many of them
 * nothing became yet. */
static size_t count_new(const json_t *told, const json_t *before, size_t *waiting)
{
    size_t n = 0;

    *waiting = 0;
    for (; n < json_array_size(told); n++) {
        const json_t *line = json_array_get(told, n);

        if ((before != NULL && is_same(line, before)) ||
            strncmp(member(line, "title"), "[TEST]", 6) != 0)
            break;
        *waiting += strcmp(member(line, "end"), "waiting") == 0;
    }
    return n;
}

/* True: all of them were sent. */
static bool print_told(const json_t *told, size_t n)
{
    bool sent = n > 0;

    for (size_t i = n; i-- > 0;) {
        const json_t *line = json_array_get(told, i);
        const char *answer = member(line, "answer");

        shown_put_text(stdout, member(line, "receiver"));
        fputs(": ", stdout);
        shown_put_text(stdout, member(line, "end"));
        fputs(answer[0] != '\0' ? ": " : "", stdout);
        shown_put_text(stdout, answer);
        putchar('\n');
        sent = sent && strcmp(member(line, "end"), "sent") == 0;
    }
    if (n == 0)
        puts("its message names nobody who could be told");
    return sent;
}

/* Waits for what becomes of it, for as long as a receiver may take. True: all was sent. */
static bool follow_test(const struct monitor_asking *asking, int64_t id, const json_t *before)
{
    static const struct timespec pause = { 0, PAUSE_NS };
    json_t *told = fetch_told(asking, id);
    size_t waiting, n = count_new(told, before, &waiting);

    for (int i = 0; told != NULL && i < (n > 0 ? LOOKS : LOOKS_FOR_NOBODY); i++) {
        if (n > 0 && waiting == 0)
            break;
        nanosleep(&pause, NULL);
        json_decref(told);
        told = fetch_told(asking, id);
        n = count_new(told, before, &waiting);
    }
    bool sent = told != NULL && print_told(told, n);

    json_decref(told);
    return sent;
}

static bool send_test(const struct monitor_asking *asking, int64_t id)
{
    struct bytes body = { 0 };
    char path[96];

    snprintf(path, sizeof path, "/api/v1/monitor/%" PRId64 "/test", id);
    bool good = monitor_fetch(asking, path, "{}", &body);

    bytes_free(&body);
    return good;
}

int monitor_try(const struct monitor_asking *asking)
{
    int64_t id;

    if (!number_int64(slice_of(asking->subject), &id) || id < 1) {
        monitor_complain(asking->subject, "is no id of a monitor (see heeler monitor list)");
        return EXIT_SETTINGS;
    }
    json_t *told = fetch_told(asking, id);
    bool good = told != NULL && send_test(asking, id) &&
                follow_test(asking, id, json_array_get(told, 0));

    json_decref(told);
    return good ? EXIT_OK : EXIT_SYSTEM;
}
