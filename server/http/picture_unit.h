/* server/http/picture_unit.h: the unit of a picture's values, from what is known of its metric.
 *
 * The unit is that of the first series, where it is one of a metric itself: what a function or
 * arithmetic makes of it may be anything else. Pure. */
#ifndef SERVER_HTTP_PICTURE_UNIT_H
#define SERVER_HTTP_PICTURE_UNIT_H

#include "flush/memory/bytes.h"
#include "server/api/definitions.h"

/* Appends the definition (chart/definition.h), which is valid JSON, with the members unit and
 * per_unit if they are known. */
void picture_unit_add(const struct definitions *definitions, struct slice definition,
                      struct bytes *out);

#endif
