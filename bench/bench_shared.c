/* bench_shared: what workers share on the path of a sample: instructions and cache lines a
 * line at 1, 2 and 4 workers, and the cache lines that one writes and another touches.
 *
 * Counted, not timed: it runs itself under valgrind's lackey, which prints every access to
 * memory. Each worker is a thread that ingests the same batch into a table of its own, whose
 * contexts are known already. They take turns, and a store to a mark begins and ends a turn
 * in the trace. Fails when anything is shared. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/clock.h"
#include "server/receive/code_paths.h"
#include "server/receive/ingest.h"

enum { WORKERS_MAX = 4, DATAGRAMS = 64, DATAGRAM_BYTES = 1432, BUFFER_BYTES = 8192 };
enum { CONTEXTS = 1000, LINE_MAX_BYTES = 96, CACHE_LINE_BITS = 6 };

static const char *const shapes[] = {
    "counter.n%08u:1|c\n",
    "service.requests:1|c|#pod:%08u,env:prod,service:checkout,region:eu-west-1\n",
};

/* ---- the workers ------------------------------------------------------- */

/* Stores to these bytes begin and end the turn of a worker. */
enum mark { MARK_BEGINS, MARK_ENDS, MARK_COUNT };
static volatile char marks[WORKERS_MAX][MARK_COUNT];

struct worker {
    volatile char *marks;
    struct table *table;
    struct ingest *ingest;
    char (*buffers)[BUFFER_BYTES];
    size_t lengths[DATAGRAMS];
    sem_t may_go, has_gone;
    pthread_t thread;
};

/* The same bytes for every worker. Returns the lines of text. */
static unsigned fill(struct worker *worker, const char *format)
{
    uint32_t random = 12345;
    unsigned lines = 0;
    char line[LINE_MAX_BYTES];

    for (int i = 0; i < DATAGRAMS; i++)
        for (;; lines++) {
            random = random * 1664525 + 1013904223;
            size_t len = (size_t)snprintf(line, sizeof line, format, (random >> 8) % CONTEXTS);
            if (worker->lengths[i] + len > DATAGRAM_BYTES)
                break;
            memcpy(worker->buffers[i] + worker->lengths[i], line, len);
            worker->lengths[i] += len;
        }
    return lines;
}

static void take_batch(struct worker *worker)
{
    int64_t now_ns = clock_monotonic_ns();

    for (int i = 0; i < DATAGRAMS; i++)
        ingest_datagram(worker->ingest,
                        (struct slice){ worker->buffers[i], worker->lengths[i] }, false,
                        "bench", now_ns, 1700000000);
    ingest_settle(worker->ingest);
}

static void *run(void *argument)
{
    struct worker *worker = argument;

    take_batch(worker); /* the births, which are not counted */
    sem_post(&worker->has_gone);
    sem_wait(&worker->may_go);
    worker->marks[MARK_BEGINS] = 1;
    take_batch(worker);
    worker->marks[MARK_ENDS] = 1;
    sem_post(&worker->has_gone);
    return NULL;
}

/* What is traced. It tells where the marks are and how many lines a worker takes. */
static int subject(int n, const char *format)
{
    static struct worker workers[WORKERS_MAX];
    static struct arena_budget budget;
    static struct inbox inbox;
    struct worker_ledger *ledgers = own_lines((size_t)n * sizeof *ledgers);
    struct worker_account *accounts = own_lines((size_t)n * sizeof *accounts);

    arena_budget_init(&budget, 1 << 30);
    if (ledgers == NULL || accounts == NULL || !inbox_open(&inbox) || !table_make_secret())
        return 1;
    for (int i = 0; i < n; i++) {
        struct table_config table = {
            .worker = (uint32_t)i,
            .max_contexts = CONTEXTS,
            .idle_intervals = 2,
            .histogram_exact_values = 16384,
            .max_behind = 1 << 30,
            .inbox = &inbox,
            .account = &accounts[i],
            .budget = &budget,
            .ledger = &ledgers[i],
        };
        struct ingest_config ingest = { .buffer_size = BUFFER_BYTES, .ledger = &ledgers[i] };
        struct worker *worker = &workers[i];

        worker->marks = marks[i];
        worker->buffers = own_lines(DATAGRAMS * sizeof *worker->buffers);
        worker->table = table_new(&table, 1700000000, clock_monotonic_ns());
        worker->ingest = ingest_new(&ingest, worker->table);
        unsigned lines = fill(worker, format);
        if (i == 0)
            printf("subject %p %u\n", (void *)(uintptr_t)marks, lines);
        fflush(stdout);
        sem_init(&worker->may_go, 0, 0);
        sem_init(&worker->has_gone, 0, 0);
        pthread_create(&worker->thread, NULL, run, worker);
        sem_wait(&worker->has_gone);
    }
    for (int i = 0; i < n; i++) {
        sem_post(&workers[i].may_go);
        sem_wait(&workers[i].has_gone);
        pthread_join(workers[i].thread, NULL);
    }
    return 0;
}

/* ---- the trace --------------------------------------------------------- */

/* A cache line and who touched it, one bit a worker. */
struct touched {
    uint64_t line_plus_one;
    unsigned readers, writers;
};

enum { TOUCHED_MAX = 1 << 18 };

struct trace {
    struct touched touched[TOUCHED_MAX];
    uint64_t marks;
    unsigned lines; /* of text, that a worker takes */
    int worker;     /* whose turn it is; -1: nobody's */
    uint64_t instructions[WORKERS_MAX];
};

static struct touched *find(struct trace *trace, uint64_t line)
{
    uint64_t at = line * UINT64_C(0x9E3779B97F4A7C15) >> 46; /* 18 bits */

    while (trace->touched[at].line_plus_one != line + 1 &&
           trace->touched[at].line_plus_one != 0)
        at = (at + 1) % TOUCHED_MAX;
    trace->touched[at].line_plus_one = line + 1;
    return &trace->touched[at];
}

/* "I  addr,size", " L addr,size", " S addr,size" or " M addr,size": an instruction, a load, a
 * store, and both. */
static void take_access(struct trace *trace, char kind, uint64_t address, uint64_t size)
{
    if (kind == 'S' && address >= trace->marks && address < trace->marks + sizeof marks) {
        uint64_t mark = address - trace->marks;
        trace->worker = mark % MARK_COUNT == MARK_BEGINS ? (int)(mark / MARK_COUNT) : -1;
        return;
    }
    if (trace->worker < 0)
        return;
    if (kind == 'I') {
        trace->instructions[trace->worker]++;
        return;
    }
    for (uint64_t line = address >> CACHE_LINE_BITS;
         line <= (address + size - 1) >> CACHE_LINE_BITS; line++) {
        struct touched *touched = find(trace, line);
        touched->readers |= kind == 'S' ? 0 : 1u << trace->worker;
        touched->writers |= kind == 'L' ? 0 : 1u << trace->worker;
    }
}

static bool read_trace(struct trace *trace, const char *program, int n, int shape)
{
    char command[512], line[512], kind;
    unsigned long long address, size;

    snprintf(command, sizeof command,
             "valgrind --tool=lackey --trace-mem=yes --basic-counts=no %s %d %d 2>&1", program,
             n, shape);
    FILE *in = popen(command, "r");
    trace->worker = -1;
    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        if (sscanf(line, "subject %llx %u", &address, &trace->lines) == 2)
            trace->marks = address;
        else if (sscanf(line, " %c %llx,%llu", &kind, &address, &size) == 3 && size > 0)
            take_access(trace, kind, address, size);
    }
    return in != NULL && pclose(in) == 0 && trace->marks != 0 && trace->instructions[n - 1] > 0;
}

static bool is_one(unsigned workers)
{
    return (workers & (workers - 1)) == 0;
}

/* A row; false when anything is shared. */
static bool report(const struct trace *trace, int n, int shape)
{
    double touched = 0, written = 0, instructions = 0;
    unsigned shared = 0, common = 0;

    for (int worker = 0; worker < n; worker++)
        instructions += (double)trace->instructions[worker];
    for (size_t i = 0; i < TOUCHED_MAX; i++) {
        unsigned writers = trace->touched[i].writers;
        unsigned all = trace->touched[i].readers | writers;

        touched += __builtin_popcount(all);
        written += __builtin_popcount(writers);
        shared += writers != 0 && !is_one(all);
        common += writers == 0 && !is_one(all);
    }
    double lines = (double)trace->lines * n;
    printf("%2d bytes, %d workers, a line: %5.1f instructions, %4.2f cache lines, %4.2f of "
           "them written; written and shared: %u; read by several: %u\n",
           shape == 0 ? 21 : 77, n, instructions / lines, touched / lines, written / lines,
           shared, common);
    return shared == 0;
}

int main(int argc, char **argv)
{
    bool fine = true;

    code_paths_choose_or_exit();
    if (argc == 3)
        return subject(atoi(argv[1]), shapes[atoi(argv[2]) != 0]);
    for (int shape = 0; shape < 2; shape++)
        for (int n = 1; n <= WORKERS_MAX; n *= 2) {
            struct trace *trace = calloc(1, sizeof *trace);
            if (trace == NULL || !read_trace(trace, argv[0], n, shape)) {
                fprintf(stderr, "bench_shared: no trace; is valgrind there?\n");
                return 1;
            }
            fine = report(trace, n, shape) && fine;
            free(trace);
        }
    return fine ? 0 : 1;
}
