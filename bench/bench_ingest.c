/* bench_ingest: what a line costs from the datagram to its cell, in one core's
 * nanoseconds and bytes: scan, parse, hash, find, add.
 *
 * Lines lie in datagrams of 1,432 bytes and pick their contexts at random, so
 * that the caches see what a server sees. As the kernel does for a server, each
 * batch is copied into the receive buffers first, which is not timed. Prints the median and the
 * best of RUNS runs over all datagrams, and resident bytes per context.
 *
 *   bench_ingest                            all cases, each in a process of its own
 *   bench_ingest SHAPE CONTEXTS [LINES]     one; 0: 21 bytes, 1: 77. With LINES one run of
 *                                           about so many, as for callgrind */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/clock.h"
#include "server/receive/code_paths.h"
#include "server/receive/ingest.h"

enum {
    DATAGRAM_BYTES = 1432,
    RUNS = 9,
    LINES_LEAST = 100000,
    LINES_A_RUN = 2000000,
    DATAGRAMS_A_BATCH = 64
};

struct shape {
    const char *what;
    const char *format; /* of a context's number */
};

static const struct shape shapes[] = {
    { "21 bytes, no tags", "counter.n%08u:1|c\n" },
    { "77 bytes, 4 tags",
      "service.requests:1|c|#pod:%08u,env:prod,service:checkout,region:eu-west-1\n" },
};

struct ring {
    char *bytes;
    uint32_t *lengths;
    size_t datagrams, lines;
};

static uint64_t random_state = 88172645463325252u;

static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state % below);
}

static struct ring make_ring(const struct shape *shape, uint32_t contexts)
{
    struct ring ring = { 0 };
    size_t wanted = LINES_LEAST > contexts * 2 ? LINES_LEAST : contexts * 2;
    size_t most = wanted / 12 + 1;

    ring.bytes = malloc(most * DATAGRAM_BYTES);
    ring.lengths = calloc(most, sizeof *ring.lengths);
    if (ring.bytes == NULL || ring.lengths == NULL)
        exit(1);
    while (ring.lines < wanted && ring.datagrams < most) {
        char *at = ring.bytes + ring.datagrams * DATAGRAM_BYTES;
        uint32_t used = 0;
        for (;;) {
            char line[128];
            /* First every context once, so that all are born before the timing. */
            uint32_t context = ring.lines < contexts ? (uint32_t)ring.lines : draw(contexts);
            uint32_t len = (uint32_t)snprintf(line, sizeof line, shape->format, context);
            if (used + len > DATAGRAM_BYTES)
                break;
            memcpy(at + used, line, len);
            used += len;
            ring.lines++;
        }
        ring.lengths[ring.datagrams++] = used;
    }
    return ring;
}

enum { BUFFER_BYTES = 8192 };

/* Feeds the whole ring; the nanoseconds that it took without the copying. */
static int64_t feed(struct ingest *ingest, const struct ring *ring)
{
    static char buffers[DATAGRAMS_A_BATCH][BUFFER_BYTES];
    int64_t spent_ns = 0;

    for (size_t first = 0; first < ring->datagrams; first += DATAGRAMS_A_BATCH) {
        size_t n = ring->datagrams - first < DATAGRAMS_A_BATCH ? ring->datagrams - first
                                                               : DATAGRAMS_A_BATCH;
        for (size_t i = 0; i < n; i++)
            memcpy(buffers[i], ring->bytes + (first + i) * DATAGRAM_BYTES,
                   ring->lengths[first + i]);
        int64_t now_ns = clock_monotonic_ns();
        for (size_t i = 0; i < n; i++)
            ingest_datagram(ingest, (struct slice){ buffers[i], ring->lengths[first + i] },
                            false, "bench", now_ns, 1700000000);
        ingest_settle(ingest);
        spent_ns += clock_monotonic_ns() - now_ns;
    }
    return spent_ns;
}

static long resident_bytes(void)
{
    long total, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL || fscanf(file, "%ld %ld", &total, &resident) != 2)
        resident = 0;
    if (file != NULL)
        fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

/* Frees what a run pushed: nobody is behind the inbox here. */
static void empty(struct inbox *inbox, struct worker_account *account)
{
    for (struct parcel *next, *parcel = inbox_take(inbox); parcel != NULL; parcel = next) {
        next = parcel->next;
        atomic_fetch_add(&account->handled_bytes, parcel->bytes);
        if (parcel->kind == PARCEL_BUCKET)
            bucket_free((struct bucket *)parcel);
        else
            free(parcel);
    }
}

/* lines: of each of the runs. */
static void run(const struct shape *shape, uint32_t contexts, int runs, size_t lines)
{
    static struct worker_ledger ledger;
    static struct worker_account account;
    struct arena_budget budget = { .left = 1 << 30 };
    struct inbox inbox;
    struct ring ring = make_ring(shape, contexts);
    long before = resident_bytes();
    double times[RUNS];

    memset(&ledger, 0, sizeof ledger);
    memset(&account, 0, sizeof account);
    if (!inbox_open(&inbox) || !table_make_secret())
        exit(1);
    struct table_config config = {
        .max_contexts = contexts + 1,
        .idle_intervals = 2,
        .histogram_exact_values = 16384,
        .max_behind = 1 << 30,
        .inbox = &inbox,
        .account = &account,
        .budget = &budget,
        .ledger = &ledger,
    };
    struct table *table = table_new(&config, 1700000000, clock_monotonic_ns());
    struct ingest_config ingest_config = { .buffer_size = 8192, .ledger = &ledger };
    struct ingest *ingest = ingest_new(&ingest_config, table);

    feed(ingest, &ring);
    if (!table_seal(table, 1700000010, clock_monotonic_ns()))
        exit(1);
    empty(&inbox, &account);
    long bytes = resident_bytes() - before;
    size_t rounds = 1 + lines / ring.lines;
    for (int i = 0; i < runs; i++) {
        int64_t spent_ns = 0;
        for (size_t round = 0; round < rounds; round++)
            spent_ns += feed(ingest, &ring);
        times[i] = (double)spent_ns / (double)(ring.lines * rounds);
    }
    qsort(times, (size_t)runs, sizeof times[0], compare);
    printf("%-20s %9u contexts  %6.1f ns/line  (best %5.1f)  %6.1f bytes/context  "
           "%zu lines a run\n",
           shape->what, contexts, times[runs / 2], times[0], (double)bytes / contexts,
           ring.lines * rounds);
    ingest_free(ingest);
    table_free(table);
    empty(&inbox, &account);
    inbox_close(&inbox);
    free(ring.bytes);
    free(ring.lengths);
}

/* In a process of its own: memory that an earlier case gave back would be used. */
static void run_alone(const struct shape *shape, uint32_t contexts)
{
    fflush(stdout);
    pid_t child = fork();

    if (child == 0) {
        run(shape, contexts, RUNS, LINES_A_RUN);
        exit(0);
    }
    waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
    static const uint32_t sizes[] = { 1000, 100000, 1000000 };

    code_paths_choose_or_exit();
    if (argc == 3 || argc == 4) {
        int runs = argc == 3 ? RUNS : 1;
        size_t lines = argc == 3 ? LINES_A_RUN : (size_t)atol(argv[3]);

        run(&shapes[atoi(argv[1]) != 0], (uint32_t)atoi(argv[2]), runs, lines);
        return 0;
    }
    for (size_t shape = 0; shape < sizeof shapes / sizeof shapes[0]; shape++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
            run_alone(&shapes[shape], sizes[i]);
    return 0;
}
