#include "tests/support/with_settings.h"

#include "config/load.h"

bool with_settings(struct settings *out, char **sets, size_t n_sets)
{
    struct settings_source source = { .sets = sets, .n_sets = n_sets };
    struct problems problems = { .n_unlisted = 0 };
    bool loaded = settings_load(out, &source, &problems);

    if (!loaded)
        fprintf(stderr, "%s\n", problems.errors.n > 0 ? problems.errors.at[0] : "no memory");
    problems_free(&problems);
    return loaded;
}
