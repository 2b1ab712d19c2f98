/* chart/definition.h: the definition of a picture, in JSON, as a chart.
 *
 *   {"width": 800, "height": 320,         pixels
 *    "theme": "light",                    or "dark"
 *    "title": "...",
 *    "from": 1700000000, "to": 1700003600,  seconds since 1970, from < to
 *    "min": 0, "max": 100,                of the values' axis
 *    "requests": [{"answer": {...},       what GET /api/v1/query answers, as it is
 *                  "type": "line",        or "area" or "bars"
 *                  "name": "..."}],       else the series are named by their scopes
 *    "markers": [{"value": 800,           or "y = 800" or "0 < y < 10", as dashboards say it
 *                 "type": "error dashed", error, warning, ok or info; dashed, bold or solid
 *                 "label": "..."}]}
 *
 * All but requests, from and to may be left out. All of it is checked; a member that is not
 * here is refused, but for those of an answer, which others may add to.
 *
 * A series of an answer with "role":"lower" or "role":"upper" among its attributes is a bound
 * of the band around the series before it, of which a "direction" says on which side points are
 * outside (docs/api.md). A "message" of an answer is shown. */
#ifndef CHART_DEFINITION_H
#define CHART_DEFINITION_H

#include <jansson.h>

#include "chart/chart.h"
#include "config/must_check.h"
#include "protocol/slice.h"

/* False with a sentence; the chart must be freed all the same. */
MUST_CHECK bool definition_read(struct chart *out, struct slice json, char *problem,
                                size_t problem_size);
void definition_free(struct chart *given);

/* ---- its parts --------------------------------------------------------- */

/* What is read, and what is wrong with it. */
struct definition {
    struct chart *chart;
    char *problem;
    size_t problem_size;
};

/* Makes the sentence; false always. where: "requests[2]". */
bool definition_refuse(const struct definition *reading, const char *where,
                       const char *sentence);

/* A member that is a text, cut to the size of out, which keeps its value where there is none.
 * False with a sentence: it is another thing. */
bool definition_text(const struct definition *reading, const json_t *object, const char *name,
                     char *out, size_t size);

/* All members are among the names, which end with NULL. */
bool definition_knows(const struct definition *reading, json_t *object,
                      const char *const *names);

/* The lines of one request: chart/definition_answer.c. */
bool definition_add_request(const struct definition *reading, json_t *request,
                            const char *where);

/* A marker: chart/definition_marker.c. */
bool definition_add_marker(const struct definition *reading, json_t *marker, const char *where);

#endif
