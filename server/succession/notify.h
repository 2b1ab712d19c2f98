/* server/succession/notify.h: what systemd wants to hear, said without its library.
 *
 * Lines to the unix datagram socket in NOTIFY_SOCKET (a path, or "@name" in the
 * abstract space). Without that variable all of it does nothing. Descriptors may go
 * into the store of the unit, which gives them back to the next process: only where
 * FDSTORE says that there is one (systemd 254 sets it; older ones: the unit file). */
#ifndef SERVER_SUCCESSION_NOTIFY_H
#define SERVER_SUCCESSION_NOTIFY_H

#include <stdbool.h>

void notify_ready(void);     /* also after a reload */
void notify_reloading(void); /* until notify_ready() */
void notify_stopping(void);

bool notify_has_store(void);

/* A copy of it outlives this process. False when it could not be said. */
bool notify_store(int fd, const char *name);
void notify_forget(const char *name);

#endif
