/* flush/history/remake.h: parts of coarser windows, made of the finer ones.
 *
 * Windows are written when they are sealed, so a process that is killed leaves its single
 * intervals and not the hour that they lie in. What a level lacks is therefore made when the
 * store is opened, level by level, of the next finer one that fits into it, from the last but
 * one of its windows on; or, where a clock was ahead once, from the last but one of whoever
 * wrote last.
 *
 * A fine part is in the coarse window already if a part of that holds its whole time and has
 * the same writer, who wrote it from memory, or a later one, who made it of all that was there
 * from before. The stamp alone does not say so: two processes may use one, when the second
 * starts within the interval in which the first ended.
 *
 * What came late for a time before its process began is in the coarse window, whatever the
 * stamps say, if that process wrote anything there: the value went into each level when it
 * came. If it did not live to, the late part is made as well, and stays that process's. To make
 * the same twice changes nothing.
 *
 * On the thread of the store. */
#ifndef FLUSH_HISTORY_REMAKE_H
#define FLUSH_HISTORY_REMAKE_H

#include "flush/history/retention.h"
#include "flush/history/store.h"

/* For all levels that are kept, as parts of that writer, who is later than all that wrote what
 * is in the store, and is none that writes on. A result; SQLITE_NOMEM too. */
MUST_CHECK int remake(struct store *store, const struct retention *retention, int64_t writer);

#endif
