/* heeler query: asks a running server over HTTP, or reads what a fleet of them keeps
 * in Redis, and shows the answer as a table: a line a series with a spark line of its
 * points, and the points themselves where they are few.
 *
 * Whoever answers is not trusted: what is shown was understood before, and no byte of
 * it can do anything to a terminal. */
#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/clock.h"
#include "config/shown.h"
#include "flush/fleet/redis_reader.h"
#include "protocol/number.h"
#include "server/commands/commands.h"
#include "server/commands/fetch.h"
#include "server/commands/query_picture.h"
#include "server/commands/times.h"

enum {
    SPARK_WIDTH = 60,
    POINTS_SHOWN = 60,
    TIMEOUT_S = 15,
    REDIS_TIMEOUT_S = 60,
    ANSWER_MAX = 256 << 20
};

struct asking {
    const char *text;
    const char *at;        /* NULL: where the settings say that HTTP is */
    const char *redis_url; /* NULL: where the settings say */
    int64_t last_s, from_s, to_s;
    bool json, redis;
    const char *png; /* a file, or "-"; NULL: a table */
    const struct settings *settings;
    struct string_list markers;
};

static int complain(const char *what, const char *why)
{
    return command_complain("query", what, why, EXIT_SETTINGS);
}

/* ---- options ----------------------------------------------------------- */

static bool read_option(const char *name, const char *value, struct asking *out)
{
    if (strcmp(name, "--last") == 0)
        return times_read_span(value, &out->last_s);
    if (strcmp(name, "--from") == 0)
        return number_int64(slice_of(value), &out->from_s);
    if (strcmp(name, "--to") == 0)
        return number_int64(slice_of(value), &out->to_s);
    if (strcmp(name, "--marker") == 0)
        return string_list_add(&out->markers, value, strlen(value));
    if (strcmp(name, "--png") == 0)
        out->png = value;
    else if (strcmp(name, "--at") == 0)
        out->at = value;
    else
        return false;
    return true;
}

/* "--redis" and maybe a URL behind it: returns how many words that were. */
static int read_redis(const struct command_line *line, int i, struct asking *out)
{
    static const char *const schemes[] = { "redis://", "rediss://", "unix://" };

    out->redis = true;
    for (size_t s = 0; i + 1 < line->n_rest && s < sizeof schemes / sizeof schemes[0]; s++)
        if (strncmp(line->rest[i + 1], schemes[s], strlen(schemes[s])) == 0)
            out->redis_url = line->rest[i + 1];
    return out->redis_url != NULL ? 2 : 1;
}

static bool read_words(const struct command_line *line, struct asking *out)
{
    for (int i = 0; i < line->n_rest; i++) {
        const char *word = line->rest[i];
        if (strcmp(word, "--json") == 0) {
            out->json = true;
        } else if (strcmp(word, "--redis") == 0) {
            i += read_redis(line, i, out) - 1;
        } else if (strncmp(word, "--", 2) != 0) {
            if (out->text != NULL) {
                complain(word, "one question at a time; put it in quotes");
                return false;
            }
            out->text = word;
        } else if (i + 1 == line->n_rest || !read_option(word, line->rest[++i], out)) {
            complain(word,
                     "is unknown, or lacks a good value behind it (see heeler help query)");
            return false;
        }
    }
    if (out->text == NULL)
        complain("what?", "a question is missing: heeler query 'sum:my_metric{*}'");
    else if (out->redis && out->at != NULL)
        complain("--redis and --at", "only one of them");
    else if (out->json && out->png != NULL)
        complain("--json and --png", "only one of them");
    else if (out->markers.n > 0 && out->png == NULL)
        complain("--marker", "is for a picture: --png FILE");
    else
        return true;
    return false;
}

static void choose_range(struct asking *asking)
{
    if (asking->to_s == 0)
        asking->to_s = clock_wall_s() + 1;
    if (asking->from_s == 0)
        asking->from_s = asking->to_s - asking->last_s;
}

/* ---- HTTP -------------------------------------------------------------- */

/* The path of the question; owned, NULL without memory. */
static char *make_path(const struct asking *asking)
{
    char *escaped = curl_easy_escape(NULL, asking->text, 0), *path = NULL;

    if (escaped != NULL &&
        asprintf(&path, "/api/v1/query?from=%lld&to=%lld&query=%s", (long long)asking->from_s,
                 (long long)asking->to_s, escaped) < 0)
        path = NULL;
    curl_free(escaped);
    return path;
}

/* ---- understanding an answer ------------------------------------------- */

/* One of its series; views into the JSON. */
struct line {
    const char *name; /* its scope, or its query where there are several in the question */
    size_t name_len;
    const char *bound; /* of a band: "lower" or "upper"; else NULL */
    json_t *points;    /* one or more, times ascend */
    int64_t interval_s;
};

static double point_value(const json_t *points, size_t i)
{
    return json_number_value(json_array_get(json_array_get(points, i), 1));
}

static int64_t point_time_s(const json_t *points, size_t i)
{
    return (int64_t)(json_number_value(json_array_get(json_array_get(points, i), 0)) / 1000);
}

static bool are_points(const json_t *points)
{
    double before = -1;

    for (size_t i = 0; i < json_array_size(points); i++) {
        const json_t *point = json_array_get(points, i);
        double time_ms = json_number_value(json_array_get(point, 0));
        if (json_array_size(point) != 2 || !json_is_number(json_array_get(point, 0)) ||
            !json_is_number(json_array_get(point, 1)) || !(time_ms > before && time_ms < 1e15))
            return false;
        before = time_ms;
    }
    return json_array_size(points) > 0;
}

/* A bound of anomalies( ), which is a series of its own; any other is none. */
static const char *bound_of(const json_t *series)
{
    const char *role =
        json_string_value(json_object_get(json_object_get(series, "attributes"), "role"));

    return role == NULL                 ? NULL
           : strcmp(role, "lower") == 0 ? "lower"
           : strcmp(role, "upper") == 0 ? "upper"
                                        : NULL;
}

/* What its series are called by. */
static const char *name_member(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_number_value(json_object_get(json_array_get(list, i), "query_index")) > 0)
            return "expression";
    return "scope";
}

static bool read_line(json_t *series, const char *name, struct line *out)
{
    double interval_s;

    if (json_unpack(series, "{s:s%, s:F, s:o}", name, &out->name, &out->name_len, "interval",
                    &interval_s, "pointlist", &out->points) != 0 ||
        !(interval_s >= 1 && interval_s < 1e12) || !are_points(out->points))
        return false;
    out->interval_s = (int64_t)interval_s;
    out->bound = bound_of(series);
    return true;
}

/* NULL: it is no JSON. Every number is read as a double, as which it was written: a whole
 * one has no bound then. Owned. */
static json_t *read_json(const struct bytes *body)
{
    return json_loadb((const char *)body->at, body->len,
                      JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
}

static bool is_table(const json_t *answer)
{
    const json_t *list = json_object_get(answer, "series");
    const char *name = name_member(list);
    struct line ignored;

    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_line(json_array_get(list, i), name, &ignored))
            return false;
    return json_is_array(list);
}

/* ---- the table --------------------------------------------------------- */

static void print_number(double value)
{
    char text[NUMBER_TEXT_MAX];

    if (value < 1e15 && value > -1e15 && value == (double)(int64_t)value)
        printf("%lld", (long long)value);
    else if (value < 1e6 && value > -1e6)
        printf("%.6g", value);
    else
        printf("%.*s", (int)number_format(value, text), text);
}

struct extent {
    double min, max, avg;
};

/* The sum of the largest numbers has no room in a double. */
static struct extent extent_of(const json_t *points)
{
    struct extent extent = { point_value(points, 0), point_value(points, 0), 0 };
    size_t n = json_array_size(points);
    long double sum = 0;

    for (size_t i = 0; i < n; i++) {
        double value = point_value(points, i);
        extent.min = value < extent.min ? value : extent.min;
        extent.max = value > extent.max ? value : extent.max;
        sum += value;
    }
    extent.avg = (double)(sum / (long double)n);
    return extent;
}

/* 0 to 7; halves, for the same reason. */
static int height_of(double value, const struct extent *extent)
{
    double span = extent->max / 2 - extent->min / 2;

    return span > 0 ? (int)((value / 2 - extent->min / 2) / span * 7.999) : 3;
}

/* Eight heights from the lowest point to the highest; of more points than there is
 * room for, each place shows its highest. Where there is none: a space. */
static void print_spark(const json_t *points, const struct extent *extent, int64_t interval_s)
{
    static const char *const blocks[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    size_t n = json_array_size(points);
    int64_t first = point_time_s(points, 0) / interval_s;
    int64_t steps = point_time_s(points, n - 1) / interval_s - first + 1;
    int64_t width = steps < SPARK_WIDTH ? steps : SPARK_WIDTH;
    int heights[SPARK_WIDTH];

    for (int64_t place = 0; place < width; place++)
        heights[place] = -1;
    for (size_t i = 0; i < n; i++) {
        int64_t place = (point_time_s(points, i) / interval_s - first) * width / steps;
        int height = height_of(point_value(points, i), extent);
        if (place >= 0 && place < width && height > heights[place])
            heights[place] = height;
    }
    for (int64_t place = 0; place < width; place++)
        fputs(heights[place] < 0 ? " " : blocks[heights[place]], stdout);
}

static void print_points(const json_t *points)
{
    for (size_t i = 0; i < json_array_size(points); i++) {
        fputs("  ", stdout);
        times_put(stdout, point_time_s(points, i));
        fputs("  ", stdout);
        print_number(point_value(points, i));
        putchar('\n');
    }
}

static void print_line(const struct line *line, bool with_points)
{
    struct extent extent = extent_of(line->points);
    size_t n = json_array_size(line->points);

    shown_put(stdout, line->name, line->name_len);
    if (line->bound != NULL)
        printf(" (%s bound)", line->bound);
    fputs("\n  ", stdout);
    print_spark(line->points, &extent, line->interval_s);
    fputs("\n  last ", stdout);
    print_number(point_value(line->points, n - 1));
    fputs("  min ", stdout);
    print_number(extent.min);
    fputs("  max ", stdout);
    print_number(extent.max);
    fputs("  avg ", stdout);
    print_number(extent.avg);
    printf("  (%zu point%s of %lld s)\n", n, n == 1 ? "" : "s", (long long)line->interval_s);
    if (with_points)
        print_points(line->points);
}

/* Says when the newest values will be there, because somebody who asks right after sending sees
 * nothing yet. */
static void print_open(const json_t *answer)
{
    double from_ms = json_number_value(json_object_get(answer, "open_from_date"));
    double to_ms = json_number_value(json_object_get(answer, "open_to_date"));

    if (!(from_ms > 0 && from_ms < to_ms && to_ms < 1e15))
        return;
    fputs("what came since ", stdout);
    times_put(stdout, (int64_t)(from_ms / 1000));
    fputs(" is not in it yet: ask again after ", stdout);
    times_put(stdout, (int64_t)(to_ms / 1000));
    putchar('\n');
}

/* What the server has to say of the answer. */
static void print_message(const json_t *answer)
{
    const char *message = json_string_value(json_object_get(answer, "message"));

    if (message == NULL || message[0] == '\0')
        return;
    shown_put_text(stdout, message);
    putchar('\n');
}

static void print_table(const json_t *answer)
{
    const json_t *list = json_object_get(answer, "series");
    const char *name = name_member(list);
    size_t points = 0;
    struct line line;

    for (size_t i = 0; i < json_array_size(list); i++)
        points += json_array_size(json_object_get(json_array_get(list, i), "pointlist"));
    for (size_t i = 0; i < json_array_size(list); i++)
        if (read_line(json_array_get(list, i), name, &line))
            print_line(&line, points <= POINTS_SHOWN);
    if (json_array_size(list) == 0)
        puts("nothing matches in that time");
    print_message(answer);
    print_open(answer);
}

/* If the sentence names a column, prints an arrow below it. */
static void print_refusal(const struct asking *asking, const char *sentence)
{
    unsigned column;

    if (sscanf(sentence, "column %u:", &column) == 1 && column < 1000) {
        fputs("  ", stderr);
        shown_put_text(stderr, asking->text);
        fprintf(stderr, "\n  %*s\n", (int)column, "^");
    }
    fputs("heeler query: ", stderr);
    shown_put_text(stderr, sentence);
    fputc('\n', stderr);
}

/* The file is there afterwards, or all is as it was. */
static int draw(const struct asking *asking, const struct bytes *body)
{
    struct query_picture picture = {
        .file = asking->png,
        .program = asking->settings->heeler_chart_path,
        .title = asking->text,
        .from_s = asking->from_s,
        .to_s = asking->to_s,
        .answer = bytes_view(body),
        .markers = &asking->markers,
    };
    char problem[QUERY_PICTURE_PROBLEM_SIZE];
    int status = query_picture_write(&picture, problem);

    if (status != EXIT_OK)
        print_refusal(asking, problem);
    return status;
}

/* As it was asked for; the exit status. */
static int put(const struct asking *asking, const json_t *answer, const struct bytes *body)
{
    if (asking->png != NULL)
        return draw(asking, body);
    if (asking->json)
        shown_put_json(stdout, (const char *)body->at, body->len);
    else
        print_table(answer);
    return EXIT_OK;
}

static int show(const struct asking *asking, long status, const struct bytes *body)
{
    static const char not_admitted[] =
        "the server refuses: ask on its own machine, or with one of its heeler_app_keys";
    json_t *answer = read_json(body);
    const char *sentence = json_string_value(json_object_get(answer, "error"));
    int result = status == 400 ? EXIT_SETTINGS : EXIT_SYSTEM;

    if (status == 200 && is_table(answer))
        result = put(asking, answer, body);
    else
        print_refusal(asking, sentence != NULL                 ? sentence
                              : status == 401 || status == 403 ? not_admitted
                                                               : "this is no heeler's answer");
    json_decref(answer);
    return result;
}

/* ---- asking ------------------------------------------------------------ */

static int ask_server(const struct asking *asking, const struct settings *settings)
{
    char where[FETCH_WHERE_MAX], problem[512], *path = make_path(asking);
    struct bytes body = { 0 };
    int result = EXIT_SYSTEM;

    if (path == NULL)
        return complain("memory", "not enough");
    if (asking->at == NULL && settings->heeler_http_listen.n == 0)
        result = complain("heeler_http_listen", "is empty: say where with --at URL");
    else {
        long status = fetch_all(asking->at, settings, path, TIMEOUT_S, ANSWER_MAX, &body, where,
                                problem, sizeof problem);
        if (status == 0)
            complain(where, problem);
        else
            result = show(asking, status, &body);
    }
    bytes_free(&body);
    free(path);
    return result;
}

static int show_fleet(const struct asking *asking, enum redis_reader_result result,
                      const struct redis_reader_report *report, const struct bytes *body,
                      const char *problem)
{
    if (report->damaged > 0)
        fprintf(stderr, "heeler query: %llu damaged entries in Redis were left out\n",
                (unsigned long long)report->damaged);
    if (result == READER_ANSWERED)
        return show(asking, 200, body);
    print_refusal(asking, problem);
    return result == READER_REFUSED ? EXIT_SETTINGS : EXIT_SYSTEM;
}

static int ask_fleet(struct asking *asking, const struct settings *settings)
{
    struct redis_reader_config config = {
        .client = { .url = asking->redis_url != NULL ? asking->redis_url
                                                     : settings->heeler_redis_url,
                    .cluster = settings->heeler_redis_cluster,
                    .ca_file = settings->heeler_ca_file,
                    .skip_validation = settings->skip_ssl_validation },
        .prefix = settings->heeler_redis_prefix,
        .now_s = clock_wall_s(),
        .timeout_s = REDIS_TIMEOUT_S,
    };
    struct redis_reader_report report;
    struct bytes body = { 0 };
    char problem[512];

    if (config.client.url[0] == '\0')
        return complain("heeler_redis_url", "is empty: say where with --redis URL");
    void (*before)(int) = signal(SIGPIPE, SIG_IGN); /* a Redis may go away at any time */
    enum redis_reader_result result =
        redis_reader_ask(&config, slice_of(asking->text), asking->from_s, asking->to_s, &body,
                         &report, problem, sizeof problem);
    signal(SIGPIPE, before);
    int status = show_fleet(asking, result, &report, &body, problem);
    bytes_free(&body);
    return status;
}

/* If the reader of our output has enough (`| head`), SIGPIPE ends us, as it ends any filter. */
static bool is_written(void)
{
    errno = 0;
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return true;
    complain("standard output", errno != 0 ? strerror(errno) : "cannot be written");
    return false;
}

static int answer(struct command_line *line)
{
    struct asking asking = { .last_s = 3600 };
    struct settings settings = { 0 };
    int status = EXIT_SETTINGS;

    if (read_words(line, &asking) && command_settings(&settings, line)) {
        choose_range(&asking);
        asking.settings = &settings;
        status = asking.redis ? ask_fleet(&asking, &settings) : ask_server(&asking, &settings);
    }
    settings_free(&settings);
    string_list_free(&asking.markers);
    return status;
}

int command_query(int n, char **words)
{
    int status = command_with_line("query", n, words, true, answer);

    return is_written() || status != EXIT_OK ? status : EXIT_SYSTEM;
}
