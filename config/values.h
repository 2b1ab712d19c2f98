/* config/values.h: one setting's value, between text and its typed field.
 *
 * Everything that becomes a setting comes through here, so the limits of the
 * table hold whatever the source. `where` names the source ("datadog.yaml:12")
 * and is copied. A refused value adds a sentence to the problems and leaves the
 * field as it was; the value of a secret is never quoted in it. */
#ifndef CONFIG_VALUES_H
#define CONFIG_VALUES_H

#include "config/options.h"
#include "config/problems.h"
#include "config/settings.h"

/* By the conventions of environment variables: a list is separated by blanks or
 * a JSON array, a structure is JSON. */
void values_set_text(struct settings *settings, const struct option *option, const char *text,
                     const char *where, struct problems *problems);

/* For OPTION_LIST. The list is given. */
void values_set_list(struct settings *settings, const struct option *option,
                     struct string_list given, const char *where, struct problems *problems);

/* For OPTION_JSON_LIST and OPTION_JSON_MAP. The value is given. */
void values_set_json(struct settings *settings, const struct option *option, json_t *given,
                     const char *where, struct problems *problems);

#endif
