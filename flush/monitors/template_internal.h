/* flush/monitors/template_internal.h: what the two files of templates share. */
#ifndef FLUSH_MONITORS_TEMPLATE_INTERNAL_H
#define FLUSH_MONITORS_TEMPLATE_INTERNAL_H

#include "flush/monitors/template.h"

/* Appends the variable's value as it is. False: it is not known. */
bool template_value(const struct template_facts *facts, struct slice name, struct bytes *out);

/* Whether a block holds: its name, and what stands behind it. False: it is not known. */
bool template_holds(const struct template_facts *facts, struct slice name,
                    struct slice arguments, bool *holds);

/* Cuts the first word off, or a text in quotes without them. */
struct slice template_cut_argument(struct slice *arguments);

#endif
