/* chart/plain.h: text of strangers, as it may be drawn.
 *
 * What controls a terminal or turns the text around it has no business in a picture either
 * (config/shown.h): each such character becomes U+FFFD. What is too long is cut between two
 * characters, and ends with an ellipsis. Pure. */
#ifndef CHART_PLAIN_H
#define CHART_PLAIN_H

#include "protocol/slice.h"

/* NUL-terminated; size: of out, 4 at least. */
void plain_copy(struct slice text, char *out, size_t size);

/* Cuts a plain text by one character more, before the ellipsis that it ends with or gets; there
 * is room for one behind the text. False: nothing is left to cut. */
bool plain_shorten(char *text);

#endif
