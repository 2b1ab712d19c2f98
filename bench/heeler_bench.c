/* heeler-bench: deterministic loads for Heeler and any other StatsD server,
 * the search for the rate that it takes without loss, and what that costs.
 * bench/README.md has the method and the commands. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/core.h"
#include "bench/load.h"
#include "bench/profile.h"
#include "bench/search.h"
#include "bench/sink.h"
#include "bench/span_load.h"

/* What was on the command line: texts or NULL, numbers or NAN. */
struct options {
    const char *to, *profile, *types, *values, *rate, *segment;
    const char *server, *server_log, *total_from, *total_less, *read_total, *ready;
    const char *udp, *unix_path, *stream, *layout;
    double seconds, lines, contexts, datagram, per_datagram, tags, pack, sample_rate, seed;
    double pin, server_cpu, settle, window, probe, books_wait, rest, receive_buffer;
    double spans, traces, services, resources, connections, pid;
};

enum option_kind { OPTION_TEXT, OPTION_NUMBER };

struct option_row {
    const char *name;
    enum option_kind kind;
    size_t at;
    const char *sentence;
};

#define COMMAND(name, function, usage, sentence)
#define TEXT(name, field, sentence) \
    { name, OPTION_TEXT, offsetof(struct options, field), sentence },
#define NUMBER(name, field, sentence) \
    { name, OPTION_NUMBER, offsetof(struct options, field), sentence },
static const struct option_row rows[] = {
#include "bench/heeler_bench_table.h"
};

#define COMMAND(name, function, usage, sentence) \
    static bool function(const struct options *options);
#define TEXT(name, field, sentence)
#define NUMBER(name, field, sentence)
#include "bench/heeler_bench_table.h"

static const struct {
    const char *name;
    bool (*run)(const struct options *options);
    const char *usage, *sentence;
} commands[] = {
#define COMMAND(name, function, usage, sentence) { name, function, usage, sentence },
#define TEXT(name, field, sentence)
#define NUMBER(name, field, sentence)
#include "bench/heeler_bench_table.h"
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void show_usage(FILE *out)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "%s heeler-bench %s %s\n           %s\n", i == 0 ? "usage:" : "      ",
                commands[i].name, commands[i].usage, commands[i].sentence);
    fputc('\n', out);
}

static int help(void)
{
    show_usage(stdout);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        printf("  %-22s%s\n", rows[i].name, rows[i].sentence);
    return 0;
}

/* "1432", "100k", "1.5M"; *rest is what follows. */
static bool parse_number(const char *text, double *out, const char **rest)
{
    char *end;

    *out = strtod(text, &end);
    if (end == text || !(*out >= 0 && *out < 1e15))
        return false;
    if (*end == 'k') {
        *out *= 1e3;
        end++;
    } else if (*end == 'M' && end[1] == '\0') {
        *out *= 1e6;
        end++;
    }
    *rest = end;
    return true;
}

static bool set_option(struct options *options, const char *name, const char *value)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *field = (char *)options + rows[i].at;
        const char *rest = "";

        if (strcmp(rows[i].name, name) != 0)
            continue;
        if (rows[i].kind == OPTION_TEXT)
            memcpy(field, &value, sizeof value);
        else if (!parse_number(value, (double *)(void *)field, &rest) || *rest != '\0')
            break;
        return true;
    }
    fprintf(stderr, "heeler-bench: %s %s: unknown option, or not a number\n", name, value);
    return false;
}

static bool read_options(struct options *options, char **words)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].kind == OPTION_NUMBER)
            *(double *)(void *)((char *)options + rows[i].at) = NAN;
    for (; *words != NULL; words += 2)
        if (!set_option(options, words[0], words[1] != NULL ? words[1] : "") ||
            words[1] == NULL)
            return false;
    return true;
}

static double or_default(double given, double otherwise)
{
    return isnan(given) ? otherwise : given;
}

static void override(uint32_t *setting, double given)
{
    if (!isnan(given))
        *setting = given < UINT32_MAX ? (uint32_t)given : UINT32_MAX;
}

/* The place of `text` in the words, `otherwise` when not given, -1 for others. */
static int choice(const char *text, const char *const *words, int otherwise)
{
    for (int i = 0; text != NULL && words[i] != NULL; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    return text == NULL ? otherwise : -1;
}

static bool choose_profile(const struct options *options, struct profile *out)
{
    static const char *const kinds[] = { "one", "int", "float", "wide", NULL };
    const char *name = options->profile != NULL ? options->profile : "plain", *refusal;
    int values;

    if (!profile_preset(name, out)) {
        fprintf(stderr, "heeler-bench: there is no profile %s\n", name);
        return false;
    }
    override(&out->contexts, options->contexts);
    override(&out->datagram_bytes, options->datagram);
    override(&out->lines_per_datagram, options->per_datagram);
    override(&out->tags, options->tags);
    override(&out->pack, options->pack);
    out->sample_rate = or_default(options->sample_rate, out->sample_rate);
    out->seed = (uint64_t)or_default(options->seed, 1);
    values = choice(options->values, kinds, (int)out->values);
    if (values < 0 || (options->types != NULL && !profile_set_weights(out, options->types))) {
        fprintf(stderr, "heeler-bench: --values or --types cannot be understood\n");
        return false;
    }
    out->values = (enum load_values)values;
    refusal = profile_refusal(out);
    if (refusal != NULL)
        fprintf(stderr, "heeler-bench: %s\n", refusal);
    return refusal == NULL;
}

static bool choose_ring(const struct options *options, bool framed, struct ring *out)
{
    struct profile profile;

    if (!choose_profile(options, &profile))
        return false;
    if (ring_build(&profile, framed, (uint64_t)or_default(options->lines, 0), out))
        return true;
    fprintf(stderr, "heeler-bench: the load could not be built\n");
    return false;
}

/* Lines a second; a rate in bytes is turned into lines by the ring's mean. */
static bool choose_rate(const char *text, const struct ring *ring, double otherwise,
                        double *out)
{
    const char *rest = "";

    *out = otherwise;
    if (text == NULL)
        return true;
    *out = 0;
    if (strcmp(text, "max") == 0)
        return true;
    if (parse_number(text, out, &rest) && *out > 0) {
        if (*rest == '\0')
            return true;
        if (strcmp(rest, "MiB") == 0) {
            *out *= 1048576.0 * (double)ring->n_notes / (double)ring->n_text;
            return true;
        }
    }
    fprintf(stderr, "heeler-bench: --rate %s cannot be understood\n", text);
    return false;
}

static bool choose_segment(const struct options *options, enum load_segment *out)
{
    static const char *const words[] = { "auto", "on", "off", NULL };
    int found = choice(options->segment, words, SEGMENT_AUTO);

    *out = (enum load_segment)found;
    if (found < 0)
        fprintf(stderr, "heeler-bench: --segment is auto, on or off\n");
    return found >= 0;
}

static bool choose_way(const struct options *options, enum load_way *out)
{
    if (options->to != NULL && load_way(options->to, out))
        return true;
    fprintf(stderr, "heeler-bench: --to must be udp:HOST:PORT, unix:PATH or stream:PATH\n");
    return false;
}

static bool send_ring(const struct options *options, const struct ring *ring)
{
    struct load_order order = { .lines = (uint64_t)or_default(options->lines, 0) };
    struct load_result result;
    struct load load;
    bool sent;

    order.seconds = or_default(options->seconds, order.lines > 0 ? 0 : 10);
    if (!choose_rate(options->rate, ring, 0, &order.lines_per_second) ||
        !choose_segment(options, &order.segment) ||
        !pin_to_cpu((int)or_default(options->pin, -1)) || !load_open(&load, options->to, ring))
        return false;
    sent = load_run(&load, &order, &result);
    if (sent)
        load_print(stdout, &result, &order, ring->integral);
    load_close(&load);
    return sent;
}

static bool command_send(const struct options *options)
{
    enum load_way way;
    struct ring ring;
    bool sent;

    if (!choose_way(options, &way) || !choose_ring(options, way == WAY_STREAM, &ring))
        return false;
    sent = send_ring(options, &ring);
    ring_free(&ring);
    return sent;
}

static bool command_show(const struct options *options)
{
    struct ring ring;

    if (!choose_ring(options, false, &ring))
        return false;
    for (size_t i = 0; i < ring.n_payloads; i++)
        printf("%.*s\n", (int)ring.payloads[i].bytes, ring.text + ring.payloads[i].at);
    ring_free(&ring);
    return true;
}

static const char *given_url(const char *text)
{
    return text != NULL && strcmp(text, "none") != 0 ? text : NULL;
}

/* ready: room for a URL, where none is given and Heeler's page says where it is. */
static struct subject_order subject_of(const struct options *options, char *ready,
                                       size_t ready_room)
{
    struct subject_order order = {
        .command = options->server,
        .log = options->server_log != NULL ? options->server_log : "/dev/null",
        .total_from = given_url(options->total_from),
        .total_less = options->total_less,
        .read_total = given_url(options->read_total),
        .ready = given_url(options->ready),
        .settle_seconds = or_default(options->settle, 1),
        .cpu = (int)or_default(options->server_cpu, -1),
    };

    if (order.ready == NULL && options->ready == NULL && order.total_from != NULL) {
        const char *path = strrchr(order.total_from, '/');

        snprintf(ready, ready_room, "%.*s/ready", (int)(path - order.total_from),
                 order.total_from);
        order.ready = ready;
    }
    return order;
}

static bool choose_search(const struct options *options, const struct ring *ring, char *ready,
                          size_t ready_room, struct search_order *out)
{
    *out = (struct search_order){
        .server = subject_of(options, ready, ready_room),
        .to = options->to,
        .label = options->profile != NULL ? options->profile : "plain",
        .window_seconds = or_default(options->window, or_default(options->seconds, 10)),
        .books_wait_seconds = or_default(options->books_wait, 2),
        .rest_seconds = or_default(options->rest, 0),
        .lines = (uint64_t)or_default(options->lines, 0),
        .pin = (int)or_default(options->pin, -1),
    };
    out->probe_seconds = or_default(options->probe, out->window_seconds / 3);
    return choose_rate(options->rate, ring, 100000, &out->rate) && out->rate > 0 &&
           choose_segment(options, &out->segment);
}

static bool search(const struct options *options, bool lossless)
{
    struct search_order order;
    enum load_way way;
    struct ring ring;
    char ready[256];
    bool done;

    if (options->server == NULL) {
        fprintf(stderr, "heeler-bench: --server is missing\n");
        return false;
    }
    if (!choose_way(options, &way) || !choose_ring(options, way == WAY_STREAM, &ring))
        return false;
    done = choose_search(options, &ring, ready, sizeof ready, &order) &&
           (lossless ? search_lossless : search_cost)(&order, &ring);
    ring_free(&ring);
    return done;
}

static bool choose_spans(const struct options *options, struct spans_profile *out)
{
    static const char *const layouts[] = { "v0.4", "v0.5", NULL };
    int layout = choice(options->layout, layouts, SPANS_V04);
    const char *refusal;

    *out = spans_preset();
    out->layout = (enum spans_layout)layout;
    override(&out->spans, options->spans);
    override(&out->traces, options->traces);
    override(&out->tags, options->tags);
    override(&out->services, options->services);
    override(&out->resources, options->resources);
    out->seed = (uint64_t)or_default(options->seed, 1);
    refusal = layout < 0 ? "--layout is v0.4 or v0.5" : spans_refusal(out);
    if (refusal != NULL)
        fprintf(stderr, "heeler-bench: %s\n", refusal);
    return refusal == NULL;
}

static bool choose_span_order(const struct options *options, struct span_order *out)
{
    double connections = or_default(options->connections, 4),
           most = or_default(options->lines, 0);
    const char *rest = "";

    *out = (struct span_order){
        .to = options->to,
        .seconds = or_default(options->seconds, most > 0 ? 0 : 10),
        .spans = (uint64_t)most,
        .connections = (unsigned)connections,
        .total_from = given_url(options->total_from),
        .pid = (pid_t)or_default(options->pid, 0),
    };
    if (options->rate != NULL && strcmp(options->rate, "max") != 0 &&
        (!parse_number(options->rate, &out->spans_per_second, &rest) || *rest != '\0'))
        fprintf(stderr, "heeler-bench: --rate %s cannot be understood\n", options->rate);
    else if (options->to == NULL)
        fprintf(stderr, "heeler-bench: --to is missing\n");
    else if (connections < 1 || connections > SPAN_CONNECTIONS_MAX)
        fprintf(stderr, "heeler-bench: there are 1 to %d connections\n", SPAN_CONNECTIONS_MAX);
    else
        return true;
    return false;
}

static bool send_spans(const struct options *options, const struct span_order *order,
                       const struct spans_profile *profile)
{
    struct span_result result;
    bool sent =
        pin_to_cpu((int)or_default(options->pin, -1)) && span_load_run(order, profile, &result);

    if (sent)
        span_load_print(stdout, &result, order);
    return sent;
}

static bool command_traces(const struct options *options)
{
    struct spans_profile profile;
    struct span_order order;
    struct subject_order server;
    struct subject subject;
    char ready[256];
    bool sent;

    if (!choose_spans(options, &profile) || !choose_span_order(options, &order))
        return false;
    if (options->server == NULL)
        return send_spans(options, &order, &profile);
    server = subject_of(options, ready, sizeof ready);
    if (!subject_start(&subject, &server))
        return false;
    order.pid = subject.pid;
    sent = send_spans(options, &order, &profile);
    subject_stop(&subject);
    return sent;
}

static bool command_sink(const struct options *options)
{
    const char *places[] = { options->udp, options->unix_path, options->stream };
    static const char *const ways[] = { "udp", "unix", "stream" };
    char to[256];

    for (int i = 0; i < 3; i++)
        if (places[i] != NULL) {
            snprintf(to, sizeof to, "%s:%s", ways[i], places[i]);
            return sink_run(to, (int)fmin(or_default(options->receive_buffer, 0), 1 << 30));
        }
    show_usage(stderr);
    return false;
}

static bool command_core(const struct options *options)
{
    struct core_speed speed;

    if (!pin_to_cpu((int)or_default(options->pin, -1)))
        return false;
    speed = core_measure();
    printf("{\"dependent_per_ns\":%.3f,\"independent_per_ns\":%.3f,\"share\":%.3f}\n",
           speed.dependent_per_ns, speed.independent_per_ns, speed.share);
    return true;
}

static bool command_find_lossless(const struct options *options)
{
    return search(options, true);
}

static bool command_cost(const struct options *options)
{
    return search(options, false);
}

/* False: there is no such command, or it did not do it. */
static bool run_command(const char *name, const struct options *options)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].run(options);
    return false;
}

int main(int count, char **words)
{
    static struct options options;
    /* --traces is what traces is. */
    const char *command = count > 1 ? words[1] + strspn(words[1], "-") : "";
    bool done;

    for (int i = 1; i < count; i++)
        if (strcmp(words[i], "--help") == 0)
            return help();
    if (strcmp(command, "help") == 0)
        return help();
    done = count >= 2 && read_options(&options, words + 2) && run_command(command, &options);
    if (!done)
        fputs("heeler-bench: nothing measured; heeler-bench --help tells the options\n",
              stderr);
    return done ? 0 : 1;
}
