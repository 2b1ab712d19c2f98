/* heeler query: asks a running server over HTTP, or reads what a fleet of them keeps
 * in Redis, and shows the answer as a table: a line a series with a spark line of its
 * points, and the points themselves where they are few. */
#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/clock.h"
#include "flush/redis_reader.h"
#include "protocol/number.h"
#include "server/commands.h"

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
};

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "heeler query: %s: %s\n", what, why);
    return EXIT_SETTINGS;
}

/* ---- options ----------------------------------------------------------- */

/* "90", "90s", "15m", "1h", "7d", "1w". */
static bool read_span(const char *text, int64_t *out)
{
    static const char units[] = "smhdw";
    static const int64_t seconds[] = { 1, 60, 3600, 86400, 604800 };
    struct slice number = slice_of(text);
    int64_t factor = 1;

    if (number.len > 0) {
        const char *unit = strchr(units, number.at[number.len - 1]);
        if (unit != NULL && *unit != '\0') {
            factor = seconds[unit - units];
            number.len--;
        }
    }
    if (!number_int64(number, out) || *out < 1 || *out > INT32_MAX)
        return false;
    *out *= factor;
    return true;
}

static bool read_option(const char *name, const char *value, struct asking *out)
{
    if (strcmp(name, "--last") == 0)
        return read_span(value, &out->last_s);
    if (strcmp(name, "--from") == 0)
        return number_int64(slice_of(value), &out->from_s);
    if (strcmp(name, "--to") == 0)
        return number_int64(slice_of(value), &out->to_s);
    if (strcmp(name, "--at") == 0)
        out->at = value;
    return strcmp(name, "--at") == 0;
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
            complain(word, "is unknown, or lacks a good value behind it (see heeler --help)");
            return false;
        }
    }
    if (out->text == NULL)
        complain("what?", "a question is missing: heeler query 'sum:my_metric{*}'");
    else if (out->redis && out->at != NULL)
        complain("--redis and --at", "only one of them");
    return out->text != NULL && !(out->redis && out->at != NULL);
}

static void choose_range(struct asking *asking)
{
    if (asking->to_s == 0)
        asking->to_s = clock_wall_ns() / 1000000000 + 1;
    if (asking->from_s == 0)
        asking->from_s = asking->to_s - asking->last_s;
}

/* ---- HTTP -------------------------------------------------------------- */

static size_t on_body(char *at, size_t size, size_t n, void *context)
{
    struct bytes *body = context;

    (void)size; /* always 1 */
    if (body->len + n > ANSWER_MAX)
        return 0;
    bytes_add(body, at, n);
    return body->failed ? 0 : n;
}

/* The URL of the question; owned, NULL without memory. */
static char *make_url(CURL *easy, const char *base, const struct asking *asking)
{
    char *escaped = curl_easy_escape(easy, asking->text, 0), *url = NULL;

    if (escaped != NULL &&
        asprintf(&url, "%s%s/api/v1/query?from=%lld&to=%lld&query=%s",
                 strstr(base, "://") != NULL ? "" : "http://", base, (long long)asking->from_s,
                 (long long)asking->to_s, escaped) < 0)
        url = NULL;
    curl_free(escaped);
    return url;
}

/* The status, 0 with a sentence on standard error when there is no answer. */
static long fetch(const char *base, const struct asking *asking, struct bytes *body)
{
    char error[CURL_ERROR_SIZE] = "";
    CURL *easy = curl_easy_init();
    char *url = easy != NULL ? make_url(easy, base, asking) : NULL;
    long status = 0;

    if (url == NULL) {
        curl_easy_cleanup(easy);
        complain("memory", "not enough");
        return 0;
    }
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
    CURLcode code = curl_easy_perform(easy);
    if (code == CURLE_OK)
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    else
        complain(base, error[0] != '\0' ? error : curl_easy_strerror(code));
    curl_easy_cleanup(easy);
    free(url);
    return status;
}

/* ---- the table --------------------------------------------------------- */

/* What may stand on a terminal: control bytes could do anything there. */
static void print_text(const char *text)
{
    for (; *text != '\0'; text++)
        putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

static void print_number(double value)
{
    char text[NUMBER_TEXT_MAX];

    if (value == (double)(int64_t)value && value < 1e15 && value > -1e15)
        printf("%lld", (long long)value);
    else if (value < 1e6 && value > -1e6)
        printf("%.6g", value);
    else
        printf("%.*s", (int)number_format(value, text), text);
}

static void print_time(int64_t time_s)
{
    char text[32];
    time_t time = (time_t)time_s;
    struct tm parts;

    if (gmtime_r(&time, &parts) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%SZ", &parts) == 0)
        snprintf(text, sizeof text, "%lld", (long long)time_s);
    fputs(text, stdout);
}

static double point_value(const json_t *points, size_t i)
{
    return json_number_value(json_array_get(json_array_get(points, i), 1));
}

static int64_t point_time_s(const json_t *points, size_t i)
{
    return (int64_t)(json_number_value(json_array_get(json_array_get(points, i), 0)) / 1000);
}

struct extent {
    double min, max, sum;
};

static struct extent extent_of(const json_t *points)
{
    struct extent extent = { point_value(points, 0), point_value(points, 0), 0 };

    for (size_t i = 0; i < json_array_size(points); i++) {
        double value = point_value(points, i);
        extent.min = value < extent.min ? value : extent.min;
        extent.max = value > extent.max ? value : extent.max;
        extent.sum += value;
    }
    return extent;
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
        double span = extent->max - extent->min;
        int height =
            span > 0 ? (int)((point_value(points, i) - extent->min) / span * 7.999) : 3;
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
        print_time(point_time_s(points, i));
        fputs("  ", stdout);
        print_number(point_value(points, i));
        putchar('\n');
    }
}

static void print_series(const json_t *series, bool with_points)
{
    const json_t *points = json_object_get(series, "pointlist");
    const char *scope = json_string_value(json_object_get(series, "scope"));
    int64_t interval_s = json_integer_value(json_object_get(series, "interval"));
    size_t n = json_array_size(points);

    if (n == 0 || interval_s < 1)
        return;
    struct extent extent = extent_of(points);
    print_text(scope != NULL ? scope : "?");
    fputs("\n  ", stdout);
    print_spark(points, &extent, interval_s);
    fputs("\n  last ", stdout);
    print_number(point_value(points, n - 1));
    fputs("  min ", stdout);
    print_number(extent.min);
    fputs("  max ", stdout);
    print_number(extent.max);
    fputs("  avg ", stdout);
    print_number(extent.sum / (double)n);
    printf("  (%zu point%s of %lld s)\n", n, n == 1 ? "" : "s", (long long)interval_s);
    if (with_points)
        print_points(points);
}

static void print_table(const json_t *answer)
{
    const json_t *list = json_object_get(answer, "series");
    size_t points = 0;

    for (size_t i = 0; i < json_array_size(list); i++)
        points += json_array_size(json_object_get(json_array_get(list, i), "pointlist"));
    for (size_t i = 0; i < json_array_size(list); i++)
        print_series(json_array_get(list, i), points <= POINTS_SHOWN);
    if (json_array_size(list) == 0)
        puts("nothing matches in that time");
}

/* A column that is named gets an arrow under it. */
static void print_refusal(const struct asking *asking, const char *sentence)
{
    unsigned column;

    if (sscanf(sentence, "column %u:", &column) == 1 && column < 1000)
        fprintf(stderr, "  %s\n  %*s\n", asking->text, (int)column, "^");
    fprintf(stderr, "heeler query: %s\n", sentence);
}

static int show(const struct asking *asking, long status, const struct bytes *body)
{
    json_t *answer = json_loadb((const char *)body->at, body->len, 0, NULL);
    const char *sentence = json_string_value(json_object_get(answer, "error"));

    if (status == 200 && asking->json)
        fwrite(body->at, 1, body->len, stdout);
    else if (status == 200 && answer != NULL)
        print_table(answer);
    else
        print_refusal(asking, sentence != NULL ? sentence : "this is no heeler's answer");
    json_decref(answer);
    return status == 200 ? EXIT_OK : status == 400 ? EXIT_SETTINGS : EXIT_SYSTEM;
}

/* ---- asking ------------------------------------------------------------ */

static int ask_server(struct asking *asking, const struct settings *settings)
{
    const char *base = asking->at != NULL ? asking->at : settings->heeler_http_listen;
    struct bytes body = { 0 };

    if (base[0] == '\0')
        return complain("heeler_http_listen", "is empty: say where with --at URL");
    long status = fetch(base, asking, &body);
    int result = status != 0 ? show(asking, status, &body) : EXIT_SYSTEM;
    bytes_free(&body);
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
        .now_s = clock_wall_ns() / 1000000000,
        .timeout_s = REDIS_TIMEOUT_S,
    };
    struct redis_reader_report report;
    struct bytes body = { 0 };
    char problem[512];

    if (config.client.url[0] == '\0')
        return complain("heeler_redis_url", "is empty: say where with --redis URL");
    enum redis_reader_result result =
        redis_reader_ask(&config, slice_of(asking->text), asking->from_s, asking->to_s, &body,
                         &report, problem, sizeof problem);
    int status = show_fleet(asking, result, &report, &body, problem);
    bytes_free(&body);
    return status;
}

int command_query(int n, char **words)
{
    struct command_line line = { .sets = calloc((size_t)n + 1, sizeof *line.sets),
                                 .rest = calloc((size_t)n + 1, sizeof *line.rest) };
    struct asking asking = { .last_s = 3600 };
    struct settings settings = { 0 };
    int status = EXIT_SETTINGS;

    if (line.sets == NULL || line.rest == NULL || !command_line_read(&line, n, words, true)) {
        status = EXIT_SETTINGS;
    } else if (line.help) {
        command_help();
        status = EXIT_OK;
    } else if (read_words(&line, &asking) && command_settings(&settings, &line)) {
        choose_range(&asking);
        status = asking.redis ? ask_fleet(&asking, &settings) : ask_server(&asking, &settings);
    }
    settings_free(&settings);
    free(line.sets);
    free(line.rest);
    return status;
}
