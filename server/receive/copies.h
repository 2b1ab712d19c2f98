/* server/receive/copies.h: what a source receives, shown to who looks on and kept for who will
 * look back.
 *
 *   batch, frames ──► the worker's tap, while somebody looks (tap.h)
 *                 ├─► its page of hosts, while a monitor's message wants addresses (sighting.h)
 *                 └─► its ring of recent datagrams, where heeler_ring_bytes is set (recent.h)
 *
 * The source asks whether there is a tap or a ring; nothing here is called where there is
 * none. A batch is shown from its first datagram on afterwards. */
#ifndef SERVER_RECEIVE_COPIES_H
#define SERVER_RECEIVE_COPIES_H

#include "server/receive/source_config.h"

/* NULL: nobody looks on. */
struct tap *copies_open_tap(const struct source_config *config);

/* For a datagram of any length. */
bool copies_tap_has_room(const struct source_config *config);

void copies_show_batch(const struct source_config *config, struct tap *tap);
void copies_show_frames(const struct source_config *config, struct tap *tap,
                        const struct slice *frames, size_t n, const struct sender *from);

/* Which hosts sent it, where that is to be looked at. */
void copies_sight_batch(const struct source_config *config, int64_t now_ns);
void copies_sight_frames(const struct source_config *config, const struct slice *frames,
                         size_t n, int64_t now_ns);

void copies_keep_batch(const struct source_config *config);
void copies_keep_frames(const struct source_config *config, const struct slice *frames,
                        size_t n, pid_t pid);

#endif
