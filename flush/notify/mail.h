/* flush/notify/mail.h: a notification as a mail: text, HTML, and the picture in it.
 *
 *   with a picture   multipart/related ( multipart/alternative ( text, HTML ), image/png )
 *   without          multipart/alternative ( text, HTML )
 *
 * RFC 5322 and 2045. Its Message-ID is the notification's id; what is told of one monitor and
 * group refers to one name, so that mail programs show it as one conversation. All that comes
 * from templates and tags is encoded for where it stands: no header, line or markup is of
 * theirs. Pure; the time is the notification's. */
#ifndef FLUSH_NOTIFY_MAIL_H
#define FLUSH_NOTIFY_MAIL_H

#include "flush/notify/notification.h"

/* Views. from: an address; hostname stands in the Message-ID. */
struct mail {
    const struct notification *notification;
    const char *from, *hostname;
};

/* Appends it, with CR LF throughout. False without memory. */
MUST_CHECK bool mail_write(const struct mail *mail, struct bytes *out);

#endif
