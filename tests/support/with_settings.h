/* tests/support/with_settings.h: the defaults with a few of them changed. */
#ifndef TESTS_SUPPORT_WITH_SETTINGS_H
#define TESTS_SUPPORT_WITH_SETTINGS_H

#include "config/settings.h"

/* sets: "KEY=VALUE" as on the command line. False, and the first sentence on
 * standard error, when they are refused. Free with settings_free() either way. */
bool with_settings(struct settings *out, char **sets, size_t n_sets);

/* The same, written out: WITH_SETTINGS(&settings, "env=test", "tags=a b"). */
#define WITH_SETTINGS(out, ...)                   \
    with_settings(out, (char *[]){ __VA_ARGS__ }, \
                  sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *))

/* The same from an object: {"tags": ["a", "b"]}; NULL changes nothing. */
bool with_settings_of(struct settings *out, const json_t *config);

#endif
