/* flush/history/remake.h: parts of coarser windows, made of the finer ones.
 *
 * Windows are written when they are sealed, so a process that is killed leaves its single
 * intervals and not the hour that they lie in. What a level lacks behind its newest stamp is
 * therefore made when the store is opened, level by level, of the next finer one that fits into
 * it. To make the same twice changes nothing, nor does it when the whole window comes later: it
 * covers the part that was made.
 *
 * On the thread of the store. */
#ifndef FLUSH_HISTORY_REMAKE_H
#define FLUSH_HISTORY_REMAKE_H

#include "flush/history/retention.h"
#include "flush/history/store.h"

/* For all levels that are kept, as parts of that writer: the store's own if it wrote what they
 * are made of, so that its whole windows replace them. A result; SQLITE_NOMEM too. */
MUST_CHECK int remake(struct store *store, const struct retention *retention, int64_t writer);

#endif
