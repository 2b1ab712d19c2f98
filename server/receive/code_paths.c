#include "server/receive/code_paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "protocol/scan.h"
#include "server/receive/fingerprint.h"

struct cpu_step *const code_steps[CODE_STEPS] = { &scan_step, &hash_step };

static void use_best(struct cpu_step *step)
{
    step->used = 0;
    while (!cpu_has(step->paths[step->used].needs))
        step->used++; /* the last path needs nothing */
}

/* Takes the path of that name, of the steps that no name was given for yet. */
static bool use_named(const char *name, size_t len, bool named[CODE_STEPS])
{
    for (int i = 0; i < CODE_STEPS; i++) {
        struct cpu_step *step = code_steps[i];

        for (size_t path = 0; path < step->n && !named[i]; path++) {
            const struct code_path *row = &step->paths[path];
            if (strlen(row->word) != len || memcmp(row->word, name, len) != 0 ||
                !cpu_has(row->needs))
                continue;
            step->used = path;
            return named[i] = true;
        }
    }
    return false;
}

static bool use_all_named(const char *words)
{
    bool named[CODE_STEPS] = { false };

    for (;;) {
        size_t len = strcspn(words, ",");

        if (!use_named(words, len, named))
            return false;
        if (words[len] == '\0')
            return true;
        words += len + 1;
    }
}

static void say_choice(const char *words, char *problem, size_t problem_size)
{
    FILE *out = fmemopen(problem, problem_size, "w");

    if (out == NULL)
        return;
    fprintf(out, "HEELER_CPU=%s: this processor has", words);
    for (int i = 0; i < CODE_STEPS; i++) {
        fprintf(out, "%s the %s", i > 0 ? " and" : "", code_steps[i]->word);
        for (size_t path = 0; path < code_steps[i]->n; path++)
            if (cpu_has(code_steps[i]->paths[path].needs))
                fprintf(out, " %s", code_steps[i]->paths[path].word);
    }
    fputs("; name one of each at most, with a comma between them", out);
    fclose(out);
}

bool code_paths_choose(const char *words, char *problem, size_t problem_size)
{
    for (int i = 0; i < CODE_STEPS; i++)
        use_best(code_steps[i]);
    if (words == NULL || words[0] == '\0' || use_all_named(words))
        return true;
    say_choice(words, problem, problem_size);
    for (int i = 0; i < CODE_STEPS; i++)
        use_best(code_steps[i]);
    return false;
}

void code_paths_choose_or_exit(void)
{
    char problem[512] = "HEELER_CPU is wrong";

    if (code_paths_choose(getenv("HEELER_CPU"), problem, sizeof problem))
        return;
    fprintf(stderr, "heeler: %s\n", problem);
    exit(EX_CONFIG);
}
