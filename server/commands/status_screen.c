#include "server/commands/status_screen.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "config/shown.h"

/* COLUMNS: of the screen. REASONS_MAX and KEYS_MAX: how many of a list a line shows. */
enum { COLUMNS = 79, REASONS_MAX = 3, KEYS_MAX = 4 };

/* How much of checks is shown: an operator looks at those that fail, which are the first. */
enum { INSTANCES_MAX = 10, PROBLEMS_SHOWN_MAX = 5, NAME_COLUMNS = 40 };

/* ---- reading ----------------------------------------------------------- */

/* "ledger.parsed.lines"; NULL: it is not there. */
static json_t *find(json_t *json, const char *path)
{
    char name[64];

    while (json != NULL && *path != '\0') {
        size_t len = strcspn(path, ".");

        snprintf(name, sizeof name, "%.*s", (int)len, path);
        json = json_object_get(json, name);
        path += len + (path[len] == '.');
    }
    return json;
}

static double number(json_t *json, const char *path)
{
    return json_number_value(find(json, path));
}

static const char *text(json_t *json, const char *path)
{
    const char *found = json_string_value(find(json, path));

    return found != NULL ? found : "";
}

static bool is_true(json_t *json, const char *path)
{
    return json_is_true(find(json, path));
}

bool status_screen_is_status(const json_t *status)
{
    return json_is_string(json_object_get(status, "version")) &&
           json_is_object(json_object_get(status, "ledger")) &&
           json_is_array(json_object_get(status, "findings"));
}

/* ---- words and numbers ------------------------------------------------- */

/* "1,234,567"; of a fraction one digit. */
static void put_number(FILE *out, double value)
{
    char digits[40];

    if (!(fabs(value) < 1e15)) {
        fprintf(out, "%.3g", value);
        return;
    }
    snprintf(digits, sizeof digits, "%.0f", value);
    if (value != trunc(value) && value < 100)
        snprintf(digits, sizeof digits, "%.1f", value);
    size_t len = strcspn(digits, "."), sign = digits[0] == '-';

    for (size_t i = 0; digits[i] != '\0'; i++) {
        if (i > sign && i < len && (len - i) % 3 == 0)
            putc(',', out);
        putc(digits[i], out);
    }
}

static void put_bytes(FILE *out, double bytes)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    int unit = 0;

    for (; fabs(bytes) >= 1024 && unit < 4; unit++)
        bytes /= 1024;
    fprintf(out, unit > 0 && bytes < 100 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static void put_span(FILE *out, double seconds)
{
    double s = seconds > 0 && seconds < 1e12 ? seconds : 0;

    if (s >= 86400)
        fprintf(out, "%.0f d %.0f h", floor(s / 86400), floor(fmod(s, 86400) / 3600));
    else if (s >= 3600)
        fprintf(out, "%.0f h %.0f min", floor(s / 3600), floor(fmod(s, 3600) / 60));
    else if (s >= 60)
        fprintf(out, "%.0f min %.0f s", floor(s / 60), fmod(s, 60));
    else
        fprintf(out, "%.0f s", s);
}

static void put_clock(FILE *out, double seconds)
{
    char time_text[32];
    time_t at = seconds > 0 && seconds < 1e12 ? (time_t)seconds : 0;
    struct tm utc;

    if (gmtime_r(&at, &utc) != NULL &&
        strftime(time_text, sizeof time_text, "%Y-%m-%d %H:%M:%SZ", &utc) > 0)
        fputs(time_text, out);
}

/* Words of the program and numbers: %n a number, %b bytes, %s a text of strangers; each takes
 * the member of that path. */
static void put(FILE *out, json_t *json, const char *format, ...)
{
    va_list paths;

    va_start(paths, format);
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            putc(*format, out);
            continue;
        }
        const char *path = va_arg(paths, const char *);

        format++;
        if (*format == 'n')
            put_number(out, number(json, path));
        else if (*format == 'b')
            put_bytes(out, number(json, path));
        else
            shown_put_text(out, text(json, path));
    }
    va_end(paths);
}

/* The words of the text behind the lead, in lines that begin with so many spaces. */
static void put_wrapped(FILE *out, int indent, const char *lead, const char *words)
{
    int column = fprintf(out, "%*s%s", indent, "", lead);
    bool begins = true;

    while (*words != '\0') {
        size_t len = strcspn(words, " ");
        bool fits = begins || column + 1 + (int)len <= COLUMNS;

        if (!begins)
            putc(fits ? ' ' : '\n', out);
        if (!fits)
            column = fprintf(out, "%*s", indent, "");
        shown_put(out, words, len);
        column += (int)len + (fits && !begins);
        begins = false;
        words += len + strspn(words + len, " ");
    }
    putc('\n', out);
}

/* The largest that is not among the n that were shown; NULL: the rest are 0. */
static const char *largest(json_t *reasons, const char *const *shown, size_t n)
{
    const char *name, *most = NULL;
    json_t *value;

    json_object_foreach(reasons, name, value)
    {
        bool taken = json_number_value(value) <= 0;

        for (size_t i = 0; i < n; i++)
            taken = taken || shown[i] == name;
        if (!taken && (most == NULL || json_number_value(value) >
                                           json_number_value(json_object_get(reasons, most))))
            most = name;
    }
    return most;
}

/* ": bad_type 3, no_type 1": those of the object that are not 0, the largest first. */
static void put_reasons(FILE *out, json_t *reasons)
{
    const char *shown[REASONS_MAX];

    for (size_t i = 0; i < REASONS_MAX; i++) {
        shown[i] = largest(reasons, shown, i);
        if (shown[i] == NULL)
            return;
        fputs(i == 0 ? ": " : ", ", out);
        shown_put_text(out, shown[i]);
        putc(' ', out);
        put_number(out, json_number_value(json_object_get(reasons, shown[i])));
    }
}

/* ---- the lines --------------------------------------------------------- */

static void print_head(FILE *out, json_t *status)
{
    put(out, status, "heeler %s on %s, pid %n, up ", "version", "host", "pid");
    put_span(out, number(status, "uptime_s"));
    put(out, status, ", interval %n s", "interval_s");
    fputs(is_true(status, "local") ? ", local mode" : "", out);
    fputs(is_true(status, "stopping") ? ", stopping" : "", out);
    putc('\n', out);
}

static void print_threads(FILE *out, json_t *threads)
{
    size_t i;
    json_t *thread;

    json_array_foreach(threads, i, thread)
    {
        if (!json_is_false(find(thread, "turns")))
            continue;
        put(out, thread, "hangs       %s: no turn for ", "name");
        put_span(out, number(thread, "silent_ms") / 1000);
        putc('\n', out);
    }
}

static void print_tag_keys(FILE *out, json_t *keys)
{
    size_t i;
    json_t *key;

    if (json_array_size(keys) == 0)
        return;
    fputs("tag keys   ", out);
    json_array_foreach(keys, i, key)
    {
        if (i == KEYS_MAX)
            break;
        fputs(i == 0 ? " " : ", ", out);
        shown_put_text(out, text(key, "key")[0] != '\0' ? text(key, "key") : "(none)");
        put(out, key, " %n", "values");
        fputs(is_true(key, "grows") ? " (grows)" : "", out);
    }
    putc('\n', out);
}

static void print_load(FILE *out, json_t *status)
{
    put(out, find(status, "rates.now"),
        "rates       %n lines/s, %n values/s, %n datagrams/s, %b/s\n", "lines", "values",
        "datagrams", "bytes");
    put(out, find(status, "series"), "contexts    %n of %n; %n series, %n kept for questions\n",
        "contexts", "contexts_max", "series", "kept_for_questions");
    print_tag_keys(out, find(status, "series.tag_keys"));
    put(out, find(status, "memory"), "memory      %b of %b; contexts ", "resident_bytes",
        "bound_bytes");
    put_bytes(out, number(status, "memory.parts.tables_bytes") +
                       number(status, "memory.parts.catalogue_bytes"));
    put(out, find(status, "memory.parts"), ", buckets %b, rollups %b, payloads %b\n",
        "buckets_bytes", "rollups_bytes", "payloads_bytes");
}

static void print_ledger(FILE *out, json_t *ledger)
{
    put(out, find(ledger, "received"),
        "\nreceived    %n datagrams, %n lines, %b; the kernel dropped %n, cut %n\n",
        "datagrams", "lines", "bytes", "dropped_by_kernel", "truncated");
    put(out, find(ledger, "parsed"), "parsed      %n lines, %n values; rejected %n", "lines",
        "values", "rejected");
    put_reasons(out, find(ledger, "parsed.rejected_by_reason"));
    put(out, find(ledger, "folded"), "\nfolded      %n values, %n in flight; shed %n", "values",
        "in_flight", "shed");
    put_reasons(out, find(ledger, "folded.shed_by_reason"));
    put(out, find(ledger, "encoded"), "\nencoded     %n points; dropped %n", "points",
        "dropped");
    put_reasons(out, find(ledger, "encoded.dropped_by_reason"));
    put(out, find(ledger, "delivered"),
        "\ndelivered   %n points, %n queued, %n spooled, %n local; "
        "refused %n, shed %n\n",
        "points", "queued", "spooled", "discarded_local", "refused", "shed");
    put(out, find(ledger, "imbalance"),
        "books       %n lines, %n values, %n points not accounted for\n\n", "lines", "values",
        "points");
}

static void print_listeners(FILE *out, json_t *listeners)
{
    size_t i;
    json_t *listener;

    json_array_foreach(listeners, i, listener)
    {
        put(out, listener, "listens     %s: %n datagrams", "name", "datagrams");
        if (number(listener, "buffer_asked_bytes") > 0)
            put(out, listener, ", %n dropped; buffer %b", "dropped_by_kernel",
                "buffer_granted_bytes");
        if (number(listener, "queue_datagrams") > 0)
            put(out, listener, "; queue of %n", "queue_datagrams");
        if (strcmp(text(listener, "kind"), "unixstream") == 0)
            put(out, listener, "; %n connections", "connections");
        putc('\n', out);
    }
}

static void print_answer(FILE *out, json_t *endpoint, double now_ms)
{
    double at_ms = number(endpoint, "last_answer.at_ms");

    if (at_ms <= 0) {
        fputs("no answer yet", out);
        return;
    }
    if (number(endpoint, "last_answer.status") > 0)
        put(out, endpoint, "last answer %n", "last_answer.status");
    else
        put(out, endpoint, "last error %s", "last_answer.error");
    fputs(", ", out);
    put_span(out, (now_ms - at_ms) / 1000);
    fputs(" ago", out);
}

static void print_endpoints(FILE *out, json_t *status)
{
    json_t *endpoint;
    size_t i;

    if (is_true(status, "local"))
        return;
    json_array_foreach(find(status, "endpoints"), i, endpoint)
    {
        put(out, endpoint, "intake      %s, key %s %s\n              %s", "url", "key",
            "key_state", "state");
        if (number(endpoint, "retry_in_ms") > 0) {
            fputs(" for ", out);
            put_span(out, number(endpoint, "retry_in_ms") / 1000);
        }
        fputs("; ", out);
        print_answer(out, endpoint, number(status, "now_ms"));
        put(out, endpoint, "; queue %b, spool %b\n", "queued_bytes", "spooled_bytes");
    }
}

static void print_redis(FILE *out, json_t *redis)
{
    if (!json_is_object(redis))
        return;
    fprintf(out, "redis       %s", is_true(redis, "up") ? "up" : "not reached");
    put(out, redis, "; %n values delivered, %n queued", "delivered.points", "queued.points");
    put_reasons(out, find(redis, "errors"));
    putc('\n', out);
}

/* ---- checks ------------------------------------------------------------ */

/* "3 ok, 1 error": the states that there are; the worst first, as the others stand. */
static void put_states(FILE *out, json_t *states)
{
    const char *state, *between = "";
    json_t *n;

    json_object_foreach(states, state, n)
    {
        if (json_number_value(n) <= 0)
            continue;
        fputs(between, out);
        put_number(out, json_number_value(n));
        putc(' ', out);
        shown_put_text(out, state);
        between = ", ";
    }
}

static void print_instance(FILE *out, json_t *instance, double now_s)
{
    double last_s = number(instance, "last_run");

    put(out, instance, "  %s: ", "state");
    shown_put(out, text(instance, "name"), strnlen(text(instance, "name"), NAME_COLUMNS));
    if (last_s > 0) {
        fputs(", ran ", out);
        put_span(out, now_s - last_s);
        fprintf(out, " ago in %.3g s", number(instance, "seconds"));
        put(out, instance, ", points: %n", "metrics");
    }
    putc('\n', out);
    if (text(instance, "error")[0] == '\0')
        return;
    put_wrapped(out, 4, "", text(instance, "error"));
    put_wrapped(out, 4, "-> ", text(instance, "source"));
}

static void print_instances(FILE *out, json_t *last, double now_s)
{
    json_t *instance;
    size_t i;

    json_array_foreach(find(last, "instances"), i, instance)
    {
        if (i == INSTANCES_MAX)
            break;
        print_instance(out, instance, now_s);
    }
    if (number(last, "all") > INSTANCES_MAX)
        fprintf(out, "  and %.0f more: the page shows them (Checks)\n",
                number(last, "all") - INSTANCES_MAX);
}

static void print_checks(FILE *out, json_t *checks, double now_s)
{
    json_t *last = find(checks, "last"), *problem;
    size_t i;

    if (!json_is_object(last))
        return;
    put(out, last, "\nchecks      %n instances", "all");
    if (number(last, "all") > 0)
        fputs(": ", out);
    put_states(out, find(last, "states"));
    fputs(is_true(last, "ended") ? "; their runner ended " : "; heard of ", out);
    put_span(out, number(checks, "silent_ms") / 1000);
    fputs(" ago\n", out);
    json_array_foreach(find(last, "problems"), i, problem)
    {
        if (i == PROBLEMS_SHOWN_MAX)
            break;
        put_wrapped(out, 2, "wrong: ", json_string_value(problem));
    }
    print_instances(out, last, now_s);
}

static void print_findings(FILE *out, json_t *findings)
{
    json_t *finding;
    size_t i;

    if (json_array_size(findings) == 0) {
        fputs("\nfindings    none\n", out);
        return;
    }
    fputs("\nfindings\n", out);
    json_array_foreach(findings, i, finding)
    {
        put(out, finding, "  %s: %s, since ", "severity", "id");
        put_clock(out, number(finding, "since_s"));
        putc('\n', out);
        put_wrapped(out, 4, "", text(finding, "sentence"));
        put_wrapped(out, 4, "-> ", text(finding, "mend"));
    }
}

void status_screen_print(json_t *status, FILE *out)
{
    print_head(out, status);
    print_threads(out, find(status, "threads"));
    print_load(out, status);
    print_ledger(out, find(status, "ledger"));
    print_listeners(out, find(status, "listeners"));
    print_endpoints(out, status);
    print_redis(out, find(status, "redis"));
    print_checks(out, find(status, "checks"), number(status, "now_ms") / 1000);
    print_findings(out, find(status, "findings"));
}
