/* flush/monitors/template_internal.h: what the files of templates share. */
#ifndef FLUSH_MONITORS_TEMPLATE_INTERNAL_H
#define FLUSH_MONITORS_TEMPLATE_INTERNAL_H

#include "flush/monitors/template.h"

/* Appends the variable's value as it is. False: it is not known. */
bool template_value(const struct template_facts *facts, struct slice name, struct bytes *out);

/* Whether a block holds: its name, and what stands behind it. Returns what in it is not known,
 * which is empty if all is. */
struct slice template_holds(const struct template_facts *facts, struct slice name,
                            struct slice arguments, bool *holds);

/* {{eval "value / 1000"}}: appends the number, or nothing where a variable has none or the
 * result is none. False: it is no expression, or has what is not known. */
bool template_eval(const struct template_facts *facts, struct slice arguments,
                   struct bytes *out);

/* {{override_priority 'P1'}}: 1 to 5; 0: it is something else. */
int template_priority(struct slice name);

/* Cuts the first word off, or a text in quotes or in parentheses without them. */
struct slice template_cut_argument(struct slice *arguments);

#endif
