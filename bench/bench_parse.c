/* bench_parse: what a line costs from the datagram to the sample, in one core's
 * nanoseconds: the newline scan and parse_samples, no hash, no table.
 *
 * The lines fill datagrams of 1,432 bytes, as clients send them, and all
 * datagrams lie in the cache. Prints the median of RUNS runs.
 *
 *   bench_parse [LOAD]     all loads, or one, by its number from 0 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "protocol/lines.h"
#include "protocol/parse.h"
#include "server/receive/code_paths.h"

enum { DATAGRAM_BYTES = 1432, DATAGRAMS = 64, RUNS = 101, LINES_A_RUN = 200000, GROUP = 16 };

struct load {
    const char *what;
    const char *name; /* two digits are added */
    const char *tail; /* behind a value of one digit */
};

struct texts {
    char bytes[DATAGRAMS][DATAGRAM_BYTES];
    size_t len[DATAGRAMS];
    size_t lines;
};

static volatile double sink;

/* Names and values vary a little, lengths do not. */
static size_t write_line(char *to, const struct load *load, unsigned number)
{
    return (size_t)sprintf(to, "%s%02u:%u%s\n", load->name, number % 100, number * 7 % 9 + 1,
                           load->tail);
}

static void fill(struct texts *all, const struct load *load)
{
    char line[256];
    unsigned number = 0;

    all->lines = 0;
    for (size_t i = 0; i < DATAGRAMS; i++) {
        size_t len;

        all->len[i] = 0;
        while (len = write_line(line, load, number), all->len[i] + len <= DATAGRAM_BYTES) {
            memcpy(all->bytes[i] + all->len[i], line, len);
            all->len[i] += len;
            all->lines++;
            number++;
        }
    }
}

static double nanoseconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double parse_datagram(struct slice datagram)
{
    static double pool[DATAGRAM_BYTES];
    struct parser parser = { .pool = pool };
    struct scan scan;
    struct parsed stop;
    struct sample samples[GROUP];
    double sum = 0;
    uint32_t n;

    scan_start(&scan, datagram, false);
    do {
        n = parse_samples(&parser, &scan, samples, GROUP, &stop);
        for (uint32_t i = 0; i < n; i++)
            sum += samples[i].values[0] + (double)samples[i].tags.len;
    } while (n == GROUP);
    return sum;
}

static double run_once(const struct texts *all)
{
    size_t rounds = LINES_A_RUN / all->lines, lines = 0;
    double start = nanoseconds_now(), sum = 0;

    for (size_t round = 0; round < rounds; round++, lines += all->lines)
        for (size_t i = 0; i < DATAGRAMS; i++)
            sum += parse_datagram((struct slice){ all->bytes[i], all->len[i] });
    sink = sum;
    return (nanoseconds_now() - start) / (double)lines;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static const struct load loads[] = {
        { "no tags", "requests.total.", "|c" },
        { "4 tags", "service.requests.coun",
          "|c|#env:prod,service:checkout,region:eu-west,az:eu-a" },
        { "4 tags, decimals", "service.requests.ti",
          ".25|h|#env:prod,service:checkout,region:eu-west,az:eu" },
        { "14 tags", "service.requests.count",
          "|c|#env:prod,service:checkout,region:eu-west-1,az:eu-west-1a,host:web-0123456789,"
          "version:1.22.333,team:payments,customer:0123456789abcdef,endpoint:/api/v2/checkout,"
          "status:200,method:POST,pod:checkout-5f7d9c6b8-x2x4z,namespace:production-eu,zone:"
          "az1" },
    };
    static struct texts all;
    const size_t n = sizeof loads / sizeof loads[0];
    size_t first = argc == 2 ? (size_t)atoi(argv[1]) : 0, end = argc == 2 ? first + 1 : n;

    code_paths_choose_or_exit();
    for (size_t i = first; i < end && i < n; i++) {
        double runs[RUNS];
        char line[512];

        fill(&all, &loads[i]);
        for (int run = 0; run < RUNS; run++)
            runs[run] = run_once(&all);
        qsort(runs, RUNS, sizeof runs[0], by_value);
        printf("%3zu bytes, %-18s%6.2f ns a line (best %.2f)\n",
               write_line(line, &loads[i], 1) - 1, loads[i].what, runs[RUNS / 2], runs[0]);
    }
    return 0;
}
