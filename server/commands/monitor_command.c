/* heeler monitor: the words behind it, and the list of the monitors of a running server. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "config/shown.h"
#include "server/commands/commands.h"
#include "server/commands/monitor_ask.h"
#include "server/commands/monitor_past.h"
#include "server/commands/times.h"

/* ---- words ------------------------------------------------------------- */

static bool read_option(const char *name, const char *value, struct monitor_asking *out)
{
    if (strcmp(name, "--at") == 0)
        out->at = value;
    else
        return strcmp(name, "--last") == 0 && times_read_span(value, &out->last_s) &&
               out->last_s <= MONITOR_PAST_MAX_S;
    return true;
}

static bool read_words(const struct command_line *line, struct monitor_asking *out)
{
    for (int i = 0; i < line->n_rest; i++) {
        const char *word = line->rest[i];

        if (strcmp(word, "--json") == 0) {
            out->json = true;
        } else if (strncmp(word, "--", 2) != 0 && out->what == NULL) {
            out->what = word;
        } else if (strncmp(word, "--", 2) != 0 && out->subject == NULL) {
            out->subject = word;
        } else if (i + 1 == line->n_rest || !read_option(word, line->rest[i + 1], out)) {
            command_line_refuse(line, word);
            return false;
        } else {
            i++;
        }
    }
    return true;
}

/* ---- list -------------------------------------------------------------- */

static void put_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    shown_put_text(stdout, text != NULL ? text : "");
}

static void print_monitor(const json_t *monitor)
{
    const json_t *state = json_object_get(monitor, "overall_state");
    const json_t *problem = json_object_get(monitor, "problem");
    const json_t *file = json_object_get(monitor, "file");

    printf("%-12" PRId64 " %-8s ", (int64_t)json_integer_value(json_object_get(monitor, "id")),
           json_is_string(state) && json_string_length(state) <= 8 ? json_string_value(state)
                                                                   : "?");
    put_text(monitor, "name");
    if (json_is_string(file)) {
        fputs("  (", stdout);
        put_text(monitor, "file");
        putchar(')');
    }
    fputs("\n    ", stdout);
    put_text(monitor, "query");
    putchar('\n');
    if (json_is_string(problem) && json_string_length(problem) > 0) {
        fputs("    could not be evaluated: ", stdout);
        put_text(monitor, "problem");
        putchar('\n');
    }
}

static int list(const struct monitor_asking *asking)
{
    struct bytes body = { 0 };
    bool good = monitor_fetch(asking, "/api/v1/monitor", NULL, &body);
    json_t *monitors =
        good ? json_loadb((const char *)body.at, body.len, JSON_ALLOW_NUL, NULL) : NULL;

    if (good && !json_is_array(monitors)) {
        monitor_complain("the list", "this is no heeler's answer");
        good = false;
    } else if (good && asking->json) {
        shown_put_json(stdout, (const char *)body.at, body.len);
    } else if (good) {
        for (size_t i = 0; i < json_array_size(monitors); i++)
            print_monitor(json_array_get(monitors, i));
        if (json_array_size(monitors) == 0)
            puts("there is no monitor");
    }
    json_decref(monitors);
    bytes_free(&body);
    return good ? EXIT_OK : EXIT_SYSTEM;
}

/* ---- all --------------------------------------------------------------- */

static const struct {
    const char *what;
    bool has_subject;
    int (*run)(const struct monitor_asking *asking);
} actions[] = {
    { "check", true, monitor_check },
    { "list", false, list },
    { "test", true, monitor_try },
};

static int act(const struct monitor_asking *asking)
{
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(asking->what, actions[i].what) != 0)
            continue;
        if ((asking->subject != NULL) == actions[i].has_subject)
            return actions[i].run(asking);
        monitor_complain(asking->what, actions[i].has_subject ? "say which one behind it"
                                                              : "nothing stands behind it");
        return EXIT_SETTINGS;
    }
    monitor_complain(asking->what, "is not understood (see heeler help monitor)");
    return EXIT_SETTINGS;
}

static int answer(struct command_line *line)
{
    struct monitor_asking asking = { .what = NULL };
    struct settings settings = { 0 };
    int status = EXIT_SETTINGS;

    asking.settings = &settings;
    if (!read_words(line, &asking))
        return status;
    if (asking.what == NULL)
        monitor_complain("what?", "check FILE, list or test ID");
    else if (command_settings(&settings, line))
        status = act(&asking);
    settings_free(&settings);
    return status;
}

int command_monitor(int n, char **words)
{
    int status = command_with_line("monitor", n, words, true, answer);

    errno = 0;
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return status;
    monitor_complain("standard output", errno != 0 ? strerror(errno) : "cannot be written");
    return status != EXIT_OK ? status : EXIT_SYSTEM;
}
