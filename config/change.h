/* config/change.h: what a reload changes: two loads of the settings, compared.
 *
 * What the table marks as fit for a reload takes the new value; whatever else
 * differs keeps the old one until the next start. The keys of each are listed
 * apart, in the order of the table; values are nowhere in it. { 0 } is an empty change. */
#ifndef CONFIG_CHANGE_H
#define CONFIG_CHANGE_H

#include "config/must_check.h"
#include "config/options.h"
#include "config/settings.h"

struct settings_change {
    struct string_list reloaded;      /* keys */
    struct string_list needs_restart; /* keys */
    bool renames;                     /* series may be called otherwise */
};

bool settings_differ(const struct settings *a, const struct settings *b,
                     const struct option *option);

/* Replaces the option's value in `fresh` by a copy of the one in force, and adds its key to
 * those that need a restart. False without memory. */
MUST_CHECK bool settings_keep(struct settings *fresh, const struct settings *in_force,
                              const struct option *option, struct settings_change *change);

/* Compares all; keeps in `fresh` what needs a restart. False without memory. Adds to
 * the change, which settings_change_free() frees whatever the result. */
bool settings_compare(struct settings *fresh, const struct settings *in_force,
                      struct settings_change *change);
void settings_change_free(struct settings_change *given);

#endif
