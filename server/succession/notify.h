/* server/succession/notify.h: messages to systemd, without its library.
 *
 * Lines to the unix datagram socket in NOTIFY_SOCKET (a path, or "@name" in the
 * abstract space). Without that variable all of it does nothing. Descriptors may go
 * into the store of the unit, from which the next process gets them back, but only if
 * FDSTORE says that there is a store (systemd 254 sets it; before that the unit file does). */
#ifndef SERVER_SUCCESSION_NOTIFY_H
#define SERVER_SUCCESSION_NOTIFY_H

#include <stdbool.h>

void notify_ready(void);     /* also after a reload */
void notify_reloading(void); /* until notify_ready() */
void notify_stopping(void);

bool notify_has_store(void);

/* Gives systemd a copy of the descriptor, which outlives this process. False: the message could
 * not be sent. */
bool notify_store(int fd, const char *name);
void notify_forget(const char *name);

#endif
