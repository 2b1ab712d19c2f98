#include "bench/search.h"

#include <linux/sockios.h>
#include <math.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>

enum { CONFIRM_WINDOWS = 3, CONFIRM_TRIES = 8, GIVE_UP_RATE = 100 };

static const double most_lost = 1e-4, drain_seconds = 0.5, patience_seconds = 30;
static const double precise = 1.02, step_down = 0.8, next_try = 0.97, generator_margin = 0.98;

struct window {
    struct load_result load;
    double rate;       /* lines a second that were sent */
    double lost_lines; /* negative: the server counts more than was sent */
    uint64_t dropped_datagrams;
    double drain_seconds;
    bool by_books;
    bool lossless;
};

struct search {
    const struct search_order *order;
    struct subject subject;
    struct load load;
};

static bool search_open(struct search *search, const struct search_order *order,
                        const struct ring *ring)
{
    *search = (struct search){ .order = order };
    if (!subject_start(&search->subject, &order->server))
        return false;
    if (pin_to_cpu(order->pin) && load_open(&search->load, order->to, ring))
        return true;
    subject_stop(&search->subject);
    return false;
}

static void search_close(struct search *given)
{
    load_close(&given->load);
    subject_stop(&given->subject);
}

/* ---- one window -------------------------------------------------------- */

/* Bytes that the server has not read yet. */
static uint64_t queued_bytes(const struct load *load)
{
    int unread = 0;

    if (load->way == WAY_UDP)
        return udp_state(load->port).queued_bytes;
    return ioctl(load->fd, SIOCOUTQ, &unread) == 0 ? (uint64_t)unread : 0;
}

static void short_nap(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
}

/* How long the queue took to run empty; the next window starts with it empty
 * even if this one has failed. */
static double drain(const struct search *search)
{
    double start = clock_seconds();

    while (queued_bytes(&search->load) > 0 && clock_seconds() - start < patience_seconds &&
           subject_alive(&search->subject))
        short_nap();
    return clock_seconds() - start;
}

/* Lines missing from the server's books, which it may keep with some delay. */
static double missing_lines(const struct search *search, double before, double sent)
{
    double end = clock_seconds() + search->order->books_wait_seconds, now = before;

    do {
        if (!subject_lines(&search->subject, &now))
            return sent;
        if (now - before >= sent)
            break;
        short_nap();
    } while (clock_seconds() < end);
    return sent - (now - before);
}

static bool measure(struct search *search, const struct load_order *order, struct window *out)
{
    struct udp_state before = udp_state(search->load.port);
    double books = 0, sent, dropped_lines;

    *out = (struct window){ .by_books = subject_lines(&search->subject, &books) };
    if (!load_run(&search->load, order, &out->load))
        return false;
    sent = (double)out->load.totals.lines;
    out->rate = sent / out->load.seconds;
    out->drain_seconds = drain(search);
    if (search->load.way == WAY_UDP)
        out->dropped_datagrams =
            udp_state(search->load.port).dropped_datagrams - before.dropped_datagrams;
    dropped_lines = (double)out->dropped_datagrams * sent / (double)out->load.totals.datagrams;
    out->lost_lines = dropped_lines;
    if (out->by_books && dropped_lines <= sent * most_lost)
        out->lost_lines = fmax(dropped_lines, missing_lines(search, books, sent));
    out->lossless =
        out->lost_lines <= sent * most_lost && out->drain_seconds <= drain_seconds &&
        (out->load.generator_limited || out->rate >= 0.995 * order->lines_per_second);
    fprintf(stderr,
            "%12.0f lines/s asked, %12.0f sent, %10.0f lost, empty after %.2f s: %s%s\n",
            order->lines_per_second, out->rate, out->lost_lines, out->drain_seconds,
            out->lossless ? "lossless" : "not lossless",
            out->load.generator_limited ? " (generator limit)" : "");
    if (subject_alive(&search->subject))
        return true;
    fprintf(stderr, "the server has exited; its output is in %s\n", search->order->server.log);
    return false;
}

static bool measure_rate(struct search *search, double rate, double seconds, struct window *out)
{
    return measure(search,
                   &(struct load_order){ .lines_per_second = rate,
                                         .seconds = seconds,
                                         .segment = search->order->segment },
                   out);
}

/* ---- the search -------------------------------------------------------- */

/* Doubles the rate until something gives, then halves the gap; nothing from
 * `high` on is tried. *rate is the highest that one window took, 0 if none did. */
static bool narrow(struct search *search, double start, double high, double seconds,
                   double *rate, bool *generator_limit)
{
    double low = 0, next = start;
    struct window window;

    *generator_limit = false;
    while (high > low * precise && next >= GIVE_UP_RATE && !*generator_limit) {
        if (!measure_rate(search, next, seconds, &window))
            return false;
        if (window.lossless) {
            /* Held up once it may still be faster; without gain this is its end. */
            *generator_limit = window.load.generator_limited && window.rate < low * precise;
            low = fmax(low, window.rate);
        } else {
            /* What was really sent is too much; held back by the receiver, what was asked. */
            high = window.load.generator_limited && window.rate > low ? window.rate : next;
        }
        next = isinf(high) ? low * 2 : low > 0 ? sqrt(low * high) : high * step_down;
    }
    *rate = low;
    return true;
}

static bool confirm(struct search *search, double rate, struct window *windows, bool *confirmed)
{
    *confirmed = true;
    for (int i = 0; i < CONFIRM_WINDOWS && *confirmed; i++) {
        if (!measure_rate(search, rate, search->order->window_seconds, &windows[i]))
            return false;
        *confirmed = windows[i].lossless;
    }
    return true;
}

static const char *evidence(const struct search *search, const struct window *window)
{
    if (window->by_books)
        return "the server's books";
    return search->load.way == WAY_UDP ? "kernel drops alone" : "back-pressure alone";
}

static void print_usage(const struct subject_usage *before, const struct subject_usage *after,
                        const struct totals *totals)
{
    double cpu = after->cpu_seconds - before->cpu_seconds;

    printf("\"cpu_seconds\":%.4f,\"cpu_seconds_per_million_lines\":%.4f,"
           "\"cpu_ns_per_datagram\":%.0f,\"resident_mib\":%.1f,\"peak_mib\":%.1f",
           cpu, cpu * 1e6 / (double)totals->lines, cpu * 1e9 / (double)totals->datagrams,
           (double)after->resident_bytes / 1048576, (double)after->peak_bytes / 1048576);
}

static void print_lossless(const struct search *search, const struct window *windows,
                           bool generator_limit, const struct subject_usage *before)
{
    struct subject_usage after;
    struct totals sum = { 0 };
    double least = HUGE_VAL, seconds = 0;

    subject_usage(&search->subject, &after);
    for (int i = 0; i < CONFIRM_WINDOWS; i++) {
        sum.lines += windows[i].load.totals.lines;
        sum.datagrams += windows[i].load.totals.datagrams;
        sum.bytes += windows[i].load.totals.bytes;
        seconds += windows[i].load.seconds;
        least = fmin(least, windows[i].rate);
        generator_limit = generator_limit || windows[i].load.generator_limited;
    }
    printf("{\"load\":\"%s\",\"lossless_lines_per_s\":%.0f,\"at_least\":%s,",
           search->order->label, least, generator_limit ? "true" : "false");
    printf(
        "\"datagrams_per_s\":%.0f,\"bytes_per_s\":%.0f,\"segmented\":%s,\"evidence\":\"%s\",",
        (double)sum.datagrams / seconds, (double)sum.bytes / seconds,
        windows[0].load.segmented ? "true" : "false", evidence(search, &windows[0]));
    for (int i = 0; i < CONFIRM_WINDOWS; i++)
        printf("%s{\"lines\":%llu,\"lost\":%.0f,\"seconds\":%.3f,\"empty_after\":%.3f}",
               i == 0 ? "\"windows\":[" : ",", (unsigned long long)windows[i].load.totals.lines,
               windows[i].lost_lines, windows[i].load.seconds, windows[i].drain_seconds);
    printf("],");
    print_usage(before, &after, &sum);
    printf("}\n");
    fflush(stdout);
}

static bool find(struct search *search)
{
    struct window windows[CONFIRM_WINDOWS];
    struct subject_usage before;
    bool generator_limit, confirmed = false;
    double rate;

    if (!narrow(search, search->order->rate, HUGE_VAL, search->order->probe_seconds, &rate,
                &generator_limit))
        return false;
    for (int i = 0; i < CONFIRM_TRIES && rate >= GIVE_UP_RATE && !confirmed; i++) {
        if (generator_limit)
            rate *= generator_margin; /* asked for a little less, it can be kept */
        subject_usage(&search->subject, &before);
        if (!confirm(search, rate, windows, &confirmed))
            return false;
        if (confirmed)
            print_lossless(search, windows, generator_limit, &before);
        else if (!narrow(search, rate * next_try, rate, search->order->window_seconds, &rate,
                         &generator_limit))
            return false;
    }
    if (!confirmed)
        fprintf(stderr, "no rate was lossless three times in a row\n");
    return confirmed;
}

bool search_lossless(const struct search_order *order, const struct ring *ring)
{
    struct search search;
    bool found;

    if (!search_open(&search, order, ring))
        return false;
    found = find(&search);
    search_close(&search);
    return found;
}

/* ---- the cost of a quiet load ------------------------------------------ */

static void rest(double seconds)
{
    for (double end = clock_seconds() + seconds; clock_seconds() < end;)
        short_nap();
}

static bool cost(struct search *search)
{
    const struct search_order *order = search->order;
    struct load_order load = { .lines_per_second = order->rate,
                               .seconds = order->lines > 0 ? 0 : order->window_seconds,
                               .lines = order->lines,
                               .segment = order->segment };
    struct subject_usage start, loaded, rested;
    struct window window;

    if (!subject_usage(&search->subject, &start) || !measure(search, &load, &window) ||
        !subject_usage(&search->subject, &loaded))
        return false;
    rest(order->rest_seconds);
    if (!subject_usage(&search->subject, &rested))
        return false;
    printf(
        "{\"load\":\"%s\",\"lines\":%llu,\"seconds\":%.3f,\"lines_per_s\":%.0f,\"lost\":%.0f,"
        "\"evidence\":\"%s\",\"generator_limited\":%s,\"start_mib\":%.1f,\"loaded_mib\":%.1f,"
        "\"rest_cpu_seconds\":%.4f,",
        order->label, (unsigned long long)window.load.totals.lines, window.load.seconds,
        window.rate, window.lost_lines, evidence(search, &window),
        window.load.generator_limited ? "true" : "false",
        (double)start.resident_bytes / 1048576, (double)loaded.resident_bytes / 1048576,
        rested.cpu_seconds - loaded.cpu_seconds);
    rested.cpu_seconds = loaded.cpu_seconds; /* the rest is told apart */
    print_usage(&start, &rested, &window.load.totals);
    printf("}\n");
    fflush(stdout);
    return true;
}

bool search_cost(const struct search_order *order, const struct ring *ring)
{
    struct search search;
    bool measured;

    if (!search_open(&search, order, ring))
        return false;
    measured = cost(&search);
    search_close(&search);
    return measured;
}
