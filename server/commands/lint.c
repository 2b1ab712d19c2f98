#include "server/commands/lint.h"

#include <stdlib.h>

#include "flush/values/distinct.h"
#include "server/commands/lint_seen.h"

/* What was told once; a power of two. Three quarters full, everything is told: nothing that is
 * new may be left out. */
enum { TOLD_SLOTS = 1 << 16, TOLD_MAX = TOLD_SLOTS / 4 * 3 };

struct lint {
    struct lint_config config;
    struct lint_line *line;
    struct lint_seen *seen;
    struct lint_sums sums;
    size_t n_told;
    uint64_t told[TOLD_SLOTS]; /* hashes of finding, name and key; 0: none */
};

struct lint *lint_new(const struct lint_config *config, char *problem, size_t problem_size)
{
    struct lint *lint = calloc(1, sizeof *lint);

    snprintf(problem, problem_size, "not enough memory");
    if (lint == NULL)
        return NULL;
    lint->config = *config;
    lint->seen = lint_seen_new();
    if (lint->seen != NULL)
        lint->line = lint_line_new(config->settings, problem, problem_size);
    if (lint->line != NULL)
        return lint;
    lint_free(lint);
    return NULL;
}

void lint_free(struct lint *given)
{
    if (given == NULL)
        return;
    lint_line_free(given->line);
    lint_seen_free(given->seen);
    free(given);
}

/* Whether it is the first of its kind for that name and key, as far as there is room. */
static bool is_first(struct lint *lint, const struct lint_finding *finding)
{
    uint64_t hash = (distinct_hash(finding->name) * 31 + distinct_hash(finding->key)) * 31 +
                    (uint64_t)finding->id + 1;
    size_t i = hash % TOLD_SLOTS;

    while (lint->told[i] != 0 && lint->told[i] != hash)
        i = (i + 1) % TOLD_SLOTS;
    if (lint->told[i] == hash)
        return false;
    if (lint->n_told < TOLD_MAX && hash != 0) {
        lint->told[i] = hash;
        lint->n_told++;
    }
    return true;
}

static void take_finding(void *argument, const struct lint_finding *finding)
{
    struct lint *lint = argument;

    if (lint->config.allowed[finding->id])
        return;
    lint->sums.found[finding->id]++;
    lint->sums.findings++;
    if (lint_where_of(finding->id) == LINT_EACH_NAME && !lint->config.all &&
        !is_first(lint, finding))
        return;
    lint->config.tell(lint->config.argument, finding);
}

void lint_take(struct lint *lint, struct slice line, struct lint_place place)
{
    struct lint_metric metric;

    if (line.len == 0)
        return;
    lint->sums.lines++;
    if (lint_line_check(lint->line, line, place.number, take_finding, lint, &metric))
        lint_seen_metric(lint->seen, &metric, place, take_finding, lint);
}

void lint_end(struct lint *lint)
{
    lint_seen_end(lint->seen, take_finding, lint);
}

void lint_sum(const struct lint *lint, struct lint_sums *out)
{
    *out = lint->sums;
    out->full = lint_seen_full(lint->seen);
}
