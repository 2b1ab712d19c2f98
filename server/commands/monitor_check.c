/* heeler monitor check: what is wrong with a file, and what its monitor would have been over
 * the past that a running server keeps. */
#include <curl/curl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/clock.h"
#include "config/shown.h"
#include "flush/notify/receivers.h"
#include "server/commands/commands.h"
#include "server/commands/monitor_ask.h"
#include "server/commands/monitor_file.h"
#include "server/commands/monitor_screen.h"

enum { STANDARD_LAST_S = 86400, SENTENCE_MAX = 768 };

static bool ask_piece(const struct monitor_asking *asking, struct monitor_past *past,
                      int64_t from_s, int64_t to_s)
{
    char *escaped = curl_easy_escape(NULL, (const char *)past->question.at, 0), *path = NULL;
    char problem[SENTENCE_MAX];
    struct bytes body = { 0 };
    bool good = false;

    if (escaped == NULL ||
        asprintf(&path, "/api/v1/query?from=%" PRId64 "&to=%" PRId64 "&query=%s", from_s, to_s,
                 escaped) < 0) {
        path = NULL;
        monitor_complain("the past", "not enough memory");
    } else if (monitor_fetch(asking, path, NULL, &body)) {
        struct slice answer = bytes_view(&body);

        good = monitor_past_take(past, answer, problem, sizeof problem);
        if (!good)
            monitor_complain("the past", problem);
    }
    curl_free(escaped);
    free(path);
    bytes_free(&body);
    return good;
}

static bool ask_past(const struct monitor_asking *asking, struct monitor_past *past)
{
    int64_t from_s, to_s;

    while (monitor_past_next(past, &from_s, &to_s))
        if (!ask_piece(asking, past, from_s, to_s))
            return false;
    if (monitor_past_evaluate(past))
        return true;
    monitor_complain("the past", "not enough memory");
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
static bool look_back(const struct monitor_asking *asking, const struct monitor_file *file,
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

int monitor_check(const struct monitor_asking *asking)
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
