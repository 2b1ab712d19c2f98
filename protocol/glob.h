/* protocol/glob.h: whether a text is one that somebody looks for.
 *
 * A pattern with * (any bytes) or ? (one byte) must match the whole text; one without is looked
 * for anywhere in it, and an empty one is found everywhere. Letters of ASCII match whatever
 * their case. Pure: it takes at most as many steps as both are long, multiplied. */
#ifndef PROTOCOL_GLOB_H
#define PROTOCOL_GLOB_H

#include "protocol/slice.h"

bool glob_finds(struct slice pattern, struct slice text);

#endif
