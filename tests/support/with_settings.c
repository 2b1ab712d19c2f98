#include "tests/support/with_settings.h"

#include <stdlib.h>

#include "config/load.h"

enum { MOST_SETTINGS = 32 };

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

/* "KEY=VALUE" as on the command line; the caller frees. */
static char *set_of(const char *key, const json_t *value)
{
    char *json = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT), *set = NULL;

    if (asprintf(&set, "%s=%s", key, json_is_string(value) ? json_string_value(value) : json) <
        0)
        set = NULL;
    free(json);
    return set;
}

bool with_settings_of(struct settings *out, const json_t *config)
{
    char *sets[MOST_SETTINGS] = { NULL };
    size_t n = 0;
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)config, key, value)
    {
        if (n < MOST_SETTINGS)
            sets[n++] = set_of(key, value);
    }
    bool loaded = with_settings(out, sets, n);

    while (n > 0)
        free(sets[--n]);
    return loaded;
}
