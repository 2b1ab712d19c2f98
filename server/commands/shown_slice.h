/* server/commands/shown_slice.h: a slice of what others wrote, onto a terminal
 * (config/shown.h). */
#ifndef SERVER_COMMANDS_SHOWN_SLICE_H
#define SERVER_COMMANDS_SHOWN_SLICE_H

#include <stdio.h>

#include "config/shown.h"
#include "protocol/slice.h"

static inline void shown_slice(FILE *out, struct slice text)
{
    shown_put(out, text.at, text.len);
}

#endif
