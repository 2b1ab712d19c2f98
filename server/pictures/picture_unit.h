/* server/pictures/picture_unit.h: the unit of a picture's values, from what is known of its
 * metric (GET /api/v1/metrics/NAME).
 *
 * The metric is that of the first series, where it is shown as it is: what a function or
 * arithmetic makes of it may be of any unit. Pure; all JSON is valid
 * (flush/memory/json_view.h). */
#ifndef SERVER_PICTURES_PICTURE_UNIT_H
#define SERVER_PICTURES_PICTURE_UNIT_H

#include "flush/memory/bytes.h"
#include "protocol/slice.h"

enum { PICTURE_UNIT_ROOM = 8192 };

/* Its name, a view of room; empty: there is no such metric. The definition is what
 * picture_write() makes. */
struct slice picture_unit_metric(struct slice definition, char room[PICTURE_UNIT_ROOM]);

/* Appends the definition with the unit and per_unit of what is known, an object or empty. */
void picture_unit_add(struct slice known, struct slice definition, struct bytes *out);

#endif
