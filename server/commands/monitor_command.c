/* heeler monitor: what is wrong with the file of a monitor, and what it would have been over
 * the past; the monitors of a running server; a message that tries the way to its receivers. */
#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/clock.h"
#include "config/shown.h"
#include "flush/notify/receivers.h"
#include "protocol/number.h"
#include "server/commands/commands.h"
#include "server/commands/fetch.h"
#include "server/commands/monitor_file.h"
#include "server/commands/monitor_screen.h"
#include "server/commands/times.h"

enum { TIMEOUT_S = 15, ANSWER_MAX = 256 << 20, STANDARD_LAST_S = 86400, SENTENCE_MAX = 768 };

struct asking {
    const char *what;    /* check, list or test */
    const char *subject; /* the file, or the monitor's id */
    const char *at;      /* NULL: what the settings say */
    int64_t last_s;      /* 0: not said */
    bool json;
    const struct settings *settings;
};

static int complain(const char *what, const char *why)
{
    fputs("heeler monitor: ", stderr);
    shown_put_text(stderr, what);
    fputs(": ", stderr);
    shown_put_text(stderr, why);
    fputc('\n', stderr);
    return EXIT_SYSTEM;
}

/* ---- words ------------------------------------------------------------- */

static bool read_option(const char *name, const char *value, struct asking *out)
{
    if (strcmp(name, "--at") == 0)
        out->at = value;
    else
        return strcmp(name, "--last") == 0 && times_read_span(value, &out->last_s) &&
               out->last_s <= MONITOR_PAST_MAX_S;
    return true;
}

static bool read_words(const struct command_line *line, struct asking *out)
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

/* ---- the server -------------------------------------------------------- */

/* The answer of 200, in body; else false, and what it says is told. */
static bool fetch(const struct asking *asking, const char *path, const char *post,
                  struct bytes *body)
{
    char where[FETCH_WHERE_MAX], problem[SENTENCE_MAX] = "";
    struct fetch request = { .at = asking->at,
                             .settings = asking->settings,
                             .path = path,
                             .post = post,
                             .timeout_s = TIMEOUT_S };
    long status = fetch_whole(&request, ANSWER_MAX, body, where, problem, sizeof problem);

    if (status >= 200 && status < 300)
        return true;
    json_t *answer = status != 0
                         ? json_loadb((const char *)body->at, body->len, JSON_ALLOW_NUL, NULL)
                         : NULL;
    json_t *errors = json_object_get(answer, "errors");
    const char *said = json_string_value(
        json_is_array(errors) ? json_array_get(errors, 0) : json_object_get(answer, "error"));

    if (status == 0)
        complain(where, problem);
    else if (said != NULL)
        complain(where, said);
    else
        complain(where, status == 401 || status == 403
                            ? "it does not answer to everybody (see heeler_app_keys)"
                            : "this is no heeler's answer");
    json_decref(answer);
    return false;
}

/* ---- check ------------------------------------------------------------- */

static bool ask_piece(const struct asking *asking, struct monitor_past *past, int64_t from_s,
                      int64_t to_s)
{
    char *escaped = curl_easy_escape(NULL, (const char *)past->question.at, 0), *path = NULL;
    char problem[SENTENCE_MAX];
    struct bytes body = { 0 };
    bool good = false;

    if (escaped == NULL ||
        asprintf(&path, "/api/v1/query?from=%" PRId64 "&to=%" PRId64 "&query=%s", from_s, to_s,
                 escaped) < 0) {
        path = NULL;
        complain("the past", "not enough memory");
    } else if (fetch(asking, path, NULL, &body)) {
        struct slice answer = { (const char *)body.at, body.len };

        good = monitor_past_take(past, answer, problem, sizeof problem);
        if (!good)
            complain("the past", problem);
    }
    curl_free(escaped);
    free(path);
    bytes_free(&body);
    return good;
}

static bool ask_past(const struct asking *asking, struct monitor_past *past)
{
    int64_t from_s, to_s;

    while (monitor_past_next(past, &from_s, &to_s))
        if (!ask_piece(asking, past, from_s, to_s))
            return false;
    if (monitor_past_evaluate(past))
        return true;
    complain("the past", "not enough memory");
    return false;
}

/* What is told of a file. past: NULL, it was not evaluated. */
struct findings_of_file {
    const struct monitor_file *file;
    const struct monitor_past *past;
    const struct problems *problems;
};

static void print_sentences(const struct string_list *list, const char *kind, FILE *out)
{
    for (size_t i = 0; i < list->n; i++) {
        fputs(kind, out);
        shown_put_text(out, list->at[i]);
        fputc('\n', out);
    }
}

/* If a sentence names a column of the query, an arrow below it. */
static void print_column(const struct findings_of_file *told)
{
    json_t *object = told->file->value.len > 0
                         ? json_loadb(told->file->value.at, told->file->value.len, 0, NULL)
                         : NULL;
    const char *text = json_string_value(json_object_get(object, "query"));
    const char *place = told->problems->errors.n > 0 ? strstr(told->problems->errors.at[0],
                                                              "'query' is invalid: column ")
                                                     : NULL;
    unsigned column;

    if (text != NULL && place != NULL &&
        sscanf(place, "'query' is invalid: column %u:", &column) == 1 && column < 1000) {
        fputs("  ", stdout);
        shown_put_text(stdout, text);
        printf("\n  %*s\n", (int)column, "^");
    }
    json_decref(object);
}

static void print_check(const struct findings_of_file *told)
{
    const struct problems *problems = told->problems;

    print_sentences(&problems->errors, "wrong: ", stdout);
    print_column(told);
    print_sentences(&problems->warnings, "warning: ", stdout);
    if (problems->errors.n == 0 && problems->warnings.n == 0) {
        shown_put_text(stdout, told->file->path);
        puts(told->file->is_downtime ? ": nothing is wrong with this downtime"
                                     : ": nothing is wrong with this monitor");
    }
    if (told->past != NULL)
        monitor_screen_print(told->past, monitor_screen_has_colours(stdout), stdout);
    print_sentences(&problems->notes, "# ", stdout);
}

static void write_sentences(struct json_out *out, const char *name,
                            const struct string_list *list)
{
    json_out_begin(out, name, '[');
    for (size_t i = 0; i < list->n; i++)
        json_out_text(out, NULL, list->at[i]);
    json_out_end(out, ']');
}

static void write_check(const struct findings_of_file *told)
{
    struct json_out out = { .comma = false };

    json_out_begin(&out, NULL, '{');
    json_out_text(&out, "file", told->file->path);
    json_out_bool(&out, "good", told->problems->errors.n == 0);
    write_sentences(&out, "errors", &told->problems->errors);
    write_sentences(&out, "warnings", &told->problems->warnings);
    write_sentences(&out, "notes", &told->problems->notes);
    if (told->past != NULL)
        monitor_screen_write(told->past, &out);
    json_out_end(&out, '}');
    if (!out.bytes.failed)
        shown_put_json(stdout, (const char *)out.bytes.at, out.bytes.len);
    putchar('\n');
    bytes_free(&out.bytes);
}

/* False: it was asked for, and cannot be. Where nobody asked for it, it may be missing. */
static bool look_back(const struct asking *asking, const struct monitor_file *file,
                      struct monitor_past *past, bool *has_past, struct problems *problems)
{
    char problem[SENTENCE_MAX];

    *has_past = false;
    if (!monitor_past_begin(past, &file->monitor,
                            asking->last_s > 0 ? asking->last_s : STANDARD_LAST_S,
                            clock_wall_s(), problem, sizeof problem)) {
        problems_note(problems, "%s", problem);
        return true;
    }
    *has_past = ask_past(asking, past);
    if (*has_past)
        monitor_past_note(past, problems);
    else
        problems_note(problems, "the file alone was looked at: there is no answer of a server");
    return *has_past || asking->last_s == 0;
}

static int check(const struct asking *asking)
{
    struct problems problems = { 0 };
    struct monitor_file file;
    struct monitor_past past = { .monitor = NULL };
    bool has_past = false, answered = true;
    bool good = monitor_file_read(&file, asking->subject, &problems);
    char problem[SENTENCE_MAX];
    struct receivers *receivers = receivers_new(asking->settings, problem, sizeof problem);

    if (receivers == NULL)
        problems_note(&problems, "receivers are not looked at: %s", problem);
    if (good)
        monitor_file_survey(&file, receivers, &problems);
    if (good && !file.is_downtime)
        answered = look_back(asking, &file, &past, &has_past, &problems);
    struct findings_of_file told = { &file, has_past ? &past : NULL, &problems };

    if (asking->json)
        write_check(&told);
    else
        print_check(&told);
    receivers_release(receivers);
    monitor_past_free(&past);
    monitor_file_free(&file);
    problems_free(&problems);
    return good && answered ? EXIT_OK : EXIT_SYSTEM;
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

static int list(const struct asking *asking)
{
    struct bytes body = { 0 };
    bool good = fetch(asking, "/api/v1/monitor", NULL, &body);
    json_t *monitors =
        good ? json_loadb((const char *)body.at, body.len, JSON_ALLOW_NUL, NULL) : NULL;

    if (good && !json_is_array(monitors)) {
        complain("the list", "this is no heeler's answer");
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

/* ---- test -------------------------------------------------------------- */

static int test(const struct asking *asking)
{
    struct bytes body = { 0 };
    char path[96];
    int64_t id;

    if (!number_int64(slice_of(asking->subject), &id) || id < 1) {
        complain(asking->subject, "is no id of a monitor (see heeler monitor list)");
        return EXIT_SETTINGS;
    }
    snprintf(path, sizeof path, "/api/v1/monitor/%" PRId64 "/test", id);
    bool good = fetch(asking, path, "{}", &body);

    if (good && asking->json)
        shown_put_json(stdout, (const char *)body.at, body.len);
    else if (good)
        printf("a test message is on its way to the receivers of monitor %" PRId64 "\n", id);
    bytes_free(&body);
    return good ? EXIT_OK : EXIT_SYSTEM;
}

/* ---- all --------------------------------------------------------------- */

static const struct {
    const char *what;
    bool has_subject;
    int (*run)(const struct asking *asking);
} actions[] = {
    { "check", true, check },
    { "list", false, list },
    { "test", true, test },
};

static int act(const struct asking *asking)
{
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(asking->what, actions[i].what) != 0)
            continue;
        if ((asking->subject != NULL) == actions[i].has_subject)
            return actions[i].run(asking);
        complain(asking->what, actions[i].has_subject ? "say which one behind it"
                                                      : "nothing stands behind it");
        return EXIT_SETTINGS;
    }
    complain(asking->what, "is not understood (see heeler help monitor)");
    return EXIT_SETTINGS;
}

static int answer(struct command_line *line)
{
    struct asking asking = { .what = NULL };
    struct settings settings = { 0 };
    int status = EXIT_SETTINGS;

    asking.settings = &settings;
    if (!read_words(line, &asking))
        return status;
    if (asking.what == NULL)
        complain("what?", "check FILE, list or test ID");
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
    complain("standard output", errno != 0 ? strerror(errno) : "cannot be written");
    return status != EXIT_OK ? status : EXIT_SYSTEM;
}
