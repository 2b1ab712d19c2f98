/* bench_births: what a new context costs the flusher, in nanoseconds and in resident
 * bytes: tags canonical, strings interned, the series made. Each shape in a process
 * of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/load.h"
#include "flush/series/catalogue.h"

enum { LINE_MAX_BYTES = 8192 };

struct shape {
    const char *what;
    uint32_t contexts;
    size_t (*write)(uint32_t context, char *name, char *tags);
};

static uint32_t random_state;

static uint32_t draw(uint32_t least, uint32_t most)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return least + random_state % (most - least + 1);
}

/* 1,000 names of 1,000 tag values. */
static size_t write_plain(uint32_t context, char *name, char *tags)
{
    snprintf(name, LINE_MAX_BYTES, "service.requests.%u", context / 1000);
    return (size_t)snprintf(tags, LINE_MAX_BYTES, "customer:%u", context % 1000);
}

/* One of the tags is new in 10, as in the profile smp; the text of a number is always
 * the same. */
static size_t write_rich(uint32_t context, char *name, char *tags)
{
    size_t len = 0;
    uint32_t n = draw(2, 50), made = context * 3 + 1;

    snprintf(name, LINE_MAX_BYTES, "n%0*u", (int)draw(8, 200), context);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t tag = i < n / 9 ? made + i : draw(0, made);
        int width = 3 + (int)(tag * 2654435761u >> 25);
        len += (size_t)snprintf(tags + len, LINE_MAX_BYTES - len, "%s%0*u:%u", i > 0 ? "," : "",
                                width, tag, tag % 7);
    }
    return len;
}

static const struct shape shapes[] = {
    { "1,000 names, 1,000 tag values", 1000000, write_plain },
    { "2 to 50 tags, a tenth of them new", 250000, write_rich },
};

static size_t resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
        exit(1);
    fclose(file);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

static struct enricher *make_enricher(struct settings *settings)
{
    struct settings_source nothing = { .n_sets = 0 };
    struct problems problems = { .n_unlisted = 0 };
    char problem[200];

    if (!settings_load(settings, &nothing, &problems))
        exit(1);
    problems_free(&problems);
    struct enricher *enricher = enrich_new(settings, "bench", problem, sizeof problem);
    if (enricher == NULL)
        exit(1);
    return enricher;
}

static void run(const struct shape *shape)
{
    static char name[LINE_MAX_BYTES], tags[LINE_MAX_BYTES];
    static struct settings settings;
    static struct flusher_ledger ledger;
    struct enricher *enricher = make_enricher(&settings);
    struct catalogue_config config = { .max_series = shape->contexts, .workers = 1 };
    struct catalogue *catalogue = catalogue_new(&config, &ledger);
    size_t before = resident_bytes();
    int64_t spent_ns = 0;

    if (catalogue == NULL)
        exit(1);
    random_state = 2463534242u;
    for (uint32_t context = 0; context < shape->contexts; context++) {
        size_t len = shape->write(context, name, tags);
        struct birth birth = { context, (uint32_t)strlen(name), (uint32_t)len, CELL_COUNT };
        int64_t start_ns = clock_monotonic_ns();
        catalogue_admit(catalogue, enricher, 0, &birth, (struct slice){ name, birth.name_len },
                        (struct slice){ tags, len });
        spent_ns += clock_monotonic_ns() - start_ns;
    }
    printf("%-36s %8u contexts  %7.0f ns  %6.1f bytes each, of which text %.1f\n", shape->what,
           shape->contexts, (double)spent_ns / shape->contexts,
           (double)(resident_bytes() - before) / shape->contexts,
           (double)counter_read(&ledger.strings) / shape->contexts);
}

int main(void)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            run(&shapes[i]);
            return 0;
        }
        waitpid(child, NULL, 0);
    }
    return 0;
}
