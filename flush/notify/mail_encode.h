/* flush/notify/mail_encode.h: any text as what may stand in a mail.
 *
 * Whatever the bytes are: lines end in CR LF and have 76 characters at most, all of them
 * printable ASCII, and no header ends early. Bytes that are no UTF-8 become U+FFFD. Pure. */
#ifndef FLUSH_NOTIFY_MAIL_ENCODE_H
#define FLUSH_NOTIFY_MAIL_ENCODE_H

#include "flush/memory/bytes.h"
#include "protocol/slice.h"

/* "Name: text": plain where it is short and ASCII, encoded words (RFC 2047) otherwise, on
 * folded lines; control characters become spaces. */
void mail_encode_header(const char *name, struct slice text, struct bytes *out);

/* Quoted-printable (RFC 2045, 6.7); an end of line may be LF, CR or both. */
void mail_encode_quoted(struct slice text, struct bytes *out);

/* Base 64 (RFC 2045, 6.8), on lines. */
void mail_encode_base64(struct slice bytes, struct bytes *out);

/* Text for HTML: between tags, or in an attribute with double quotes. */
void mail_encode_html(struct slice text, struct bytes *out);

#endif
