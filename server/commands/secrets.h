/* server/commands/secrets.h: whatever the settings call secret, out of a text.
 *
 * What goes into a bug report is masked where it is made. This is the second look: the report
 * goes to others, and it is read over once more for the secrets that are known here. */
#ifndef SERVER_COMMANDS_SECRETS_H
#define SERVER_COMMANDS_SECRETS_H

#include "config/settings.h"
#include "flush/memory/bytes.h"

/* Puts a star in place of each byte of each secret of the settings that the text holds, plain
 * or as a part of a URL. Secrets of fewer than SECRET_LEN_MIN bytes cannot be told from
 * words. */
enum { SECRET_LEN_MIN = 6 };
void secrets_mask(struct bytes *text, const struct settings *settings);

#endif
