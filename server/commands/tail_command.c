/* heeler tail: asks a running server for the lines that it receives, and shows them as they
 * arrive, refused ones with a mark below the byte at fault. A server that ends says so in the
 * stream, and the next one is asked for the rest: after SIGUSR2 there is one on the same
 * sockets. */
#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/clock.h"
#include "config/shown.h"
#include "server/commands/commands.h"
#include "server/commands/fetch.h"
#include "server/commands/tail_screen.h"

/* No line of JSON is longer: a datagram has at most 64 KiB, of which each byte may become six.
 */
enum { ITEM_MAX = 1 << 20 };

/* An answer that was over before and brought nothing is no stream that a server ended. */
enum { STREAM_LEAST_MS = 1000 };

static int complain(const char *what, const char *why)
{
    return command_complain("tail", what, why, EXIT_SYSTEM);
}

struct asking {
    const char *at; /* NULL: what the settings say */
    const char *match, *from;
    bool bad, events, json;
    struct bytes rest; /* a line of JSON that is not whole yet */
    bool refused, foreign, unwritten;
    bool heard; /* something, of this answer */
};

/* The value of an option that has one. */
static bool take_value(const struct command_line *line, int *i, const char *option,
                       const char **out)
{
    if (strcmp(line->rest[*i], option) != 0 || *i + 1 >= line->n_rest)
        return false;
    *out = line->rest[++*i];
    return true;
}

static bool take_flag(const char *word, const char *option, bool *out)
{
    if (strcmp(word, option) != 0)
        return false;
    *out = true;
    return true;
}

static bool read_words(const struct command_line *line, struct asking *out)
{
    for (int i = 0; i < line->n_rest; i++) {
        const char *word = line->rest[i];

        if (take_value(line, &i, "--match", &out->match) ||
            take_value(line, &i, "--from", &out->from) ||
            take_value(line, &i, "--at", &out->at) || take_flag(word, "--bad", &out->bad) ||
            take_flag(word, "--events", &out->events) || take_flag(word, "--json", &out->json))
            continue;
        command_line_refuse(line, word);
        return false;
    }
    return true;
}

/* Owned; NULL without memory. */
static char *make_path(const struct asking *asking)
{
    char *match = curl_easy_escape(NULL, asking->match != NULL ? asking->match : "", 0);
    char *from = curl_easy_escape(NULL, asking->from != NULL ? asking->from : "", 0);
    char *path = NULL;

    if (match == NULL || from == NULL ||
        asprintf(&path, "/api/v1/tail?match=%s&from=%s&bad=%d&events=%d", match, from,
                 asking->bad, asking->events) < 0)
        path = NULL;
    curl_free(match);
    curl_free(from);
    return path;
}

/* False: it is no item. */
static bool show(const struct asking *asking, const char *at, size_t n)
{
    json_t *item = json_loadb(at, n, JSON_ALLOW_NUL, NULL);
    bool good = tail_screen_is_item(item);

    if (good && asking->json) {
        shown_put_json(stdout, at, n);
        putchar('\n');
    } else if (good) {
        tail_screen_print(item, stdout);
    }
    json_decref(item);
    return good;
}

/* Shows the whole lines that are there. */
static bool show_lines(struct asking *asking)
{
    struct bytes *rest = &asking->rest;
    size_t from = 0;

    for (size_t i = 0; i < rest->len; i++) {
        if (rest->at[i] != '\n')
            continue;
        if (i > from && !show(asking, (const char *)rest->at + from, i - from)) {
            asking->foreign = true;
            return false;
        }
        from = i + 1;
    }
    memmove(rest->at, rest->at + from, rest->len - from);
    rest->len -= from;
    return true;
}

static bool take(long status, const void *at, size_t n, void *argument)
{
    struct asking *asking = argument;

    asking->refused = status >= 400;
    if (status != 200)
        return !(asking->foreign = status < 400);
    if (asking->rest.len + n > ITEM_MAX + n) {
        asking->foreign = true;
        return false;
    }
    asking->heard = true;
    bytes_add(&asking->rest, at, n);
    if (asking->rest.failed || !show_lines(asking))
        return false;
    errno = 0;
    asking->unwritten = fflush(stdout) != 0;
    return !asking->unwritten;
}

/* A stream has no end of its own, so whatever ended it is told. */
static int say_end(const struct asking *asking, const char *where, long status,
                   const char *problem)
{
    if (asking->unwritten)
        return complain("standard output", errno != 0 ? strerror(errno) : "cannot be written");
    if (asking->foreign)
        return complain(where, "this is no heeler's answer");
    if (asking->rest.failed)
        return complain(where, "not enough memory");
    if (status == 429 || status == 503)
        return complain(where, "too many look on already, or there is no memory for it");
    if (status == 400)
        return complain("--match and --from", "a pattern may have 256 bytes");
    if (asking->refused || status >= 400)
        return complain(where, "it does not tell (see heeler_app_keys), or is no heeler of "
                               "this version");
    return complain(where, status == 200 ? "the server has ended" : problem);
}

/* True: the server has ended, and another one may have taken its place. */
static bool look_on(struct asking *asking, const struct fetch *fetch,
                    char where[FETCH_WHERE_MAX], char *problem, size_t problem_size,
                    long *status)
{
    int64_t began_ms = clock_monotonic_ms();

    asking->heard = false;
    bytes_clear(&asking->rest);
    *status = fetch_run(fetch, where, problem, problem_size);
    return *status == 200 &&
           (asking->heard || clock_monotonic_ms() - began_ms >= STREAM_LEAST_MS);
}

static int ask(struct asking *asking, const struct settings *settings)
{
    char where[FETCH_WHERE_MAX], problem[512], *path = make_path(asking);
    struct fetch fetch = {
        .at = asking->at, .settings = settings, .path = path, .take = take, .argument = asking
    };

    if (path == NULL)
        return complain("memory", "not enough");
    long status;
    while (look_on(asking, &fetch, where, problem, sizeof problem, &status))
        (void)complain(where, "the server has ended; the one that follows is asked");
    int result = say_end(asking, where, status, problem);
    bytes_free(&asking->rest);
    free(path);
    return result;
}

static int answer(struct command_line *line)
{
    struct asking asking = { .at = NULL };
    struct settings settings = { 0 };
    int status = EXIT_SETTINGS;

    if (read_words(line, &asking) && command_settings(&settings, line))
        status = ask(&asking, &settings);
    settings_free(&settings);
    return status;
}

int command_tail(int n, char **words)
{
    int status = command_with_line("tail", n, words, true, answer);

    (void)fflush(stdout);
    return status;
}
