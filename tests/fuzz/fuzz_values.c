/* Any text as the value of any setting, as a variable and as a plain scalar of a file: what
 * is taken is printed, and read again it is the same. The first byte chooses the setting. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/change.h"
#include "config/load.h"
#include "config/settings_print.h"
#include "config/values.h"
#include "config/yaml_scalar.h"

/* The defaults, filled once. */
static struct settings *standard(void)
{
    static struct settings settings;
    static bool filled;
    struct problems problems = { .n_unlisted = 0 };
    struct settings_source none = { .file = NULL };

    if (!filled && !settings_load(&settings, &none, &problems))
        abort();
    filled = true;
    return &settings;
}

/* The value that is printed behind "key = ", in front of "  (origin)". */
static char *printed(const struct settings *settings, const struct option *option)
{
    char *text = NULL, prefix[OPTION_NAME_MAX + 8];
    size_t size;
    FILE *out = open_memstream(&text, &size);

    settings_print(settings, out);
    fclose(out);
    snprintf(prefix, sizeof prefix, "%s = ", option->key);
    char *line = option == options ? text : strstr(text, "\n");
    while (line != NULL && strncmp(line + (*line == '\n'), prefix, strlen(prefix)) != 0)
        line = strchr(line + 1, '\n');
    if (line == NULL)
        abort();
    line += (*line == '\n') + strlen(prefix);
    char *end = strstr(line, "  (again)\n");
    char *value = end != NULL ? strndup(line, (size_t)(end - line)) : NULL;

    free(text);
    return value;
}

/* Numbers and words come back as they are; texts are escaped, secrets masked. */
static bool comes_back(const struct option *option)
{
    return option->type == OPTION_BOOL || option->type == OPTION_INT ||
           option->type == OPTION_PORT || option->type == OPTION_CHOICE;
}

static void take(struct settings *settings, const struct option *option, const char *text)
{
    struct problems problems = { .n_unlisted = 0 };

    values_set_text(settings, option, text, "again", &problems);
    char *value = problems.errors.n == 0 ? printed(settings, option) : NULL;

    if (value != NULL && comes_back(option)) {
        values_set_text(settings, option, value, "again", &problems);
        char *second = printed(settings, option);
        if (problems.errors.n > 0 || second == NULL || strcmp(value, second) != 0)
            abort();
        free(second);
    }
    free(value);
    problems_free(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
    struct problems problems = { .n_unlisted = 0 };
    char plain[YAML_SCALAR_SIZE];

    if (size < 1)
        return 0;
    const struct option *option = &options[at[0] % SETTING_COUNT];
    struct settings *settings = standard();
    char *text = strndup((const char *)at + 1, size - 1);

    take(settings, option, text);
    take(settings, option, yaml_scalar_plain(option->type, text, plain));
    values_set_text(settings, option, option->standard, "default", &problems);
    if (problems.errors.n > 0)
        abort();
    problems_free(&problems);
    free(text);
    return 0;
}
