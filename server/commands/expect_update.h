/* server/commands/expect_update.h: what came, as a file of expectations.
 *
 * Series with their type, all their tags and their value, where a test can know it: what a
 * histogram or a distribution measured is another the next time, so only its count is written.
 * The comment that the former file begins with stays, and so do its only, ignore and refused.
 */
#ifndef SERVER_COMMANDS_EXPECT_UPDATE_H
#define SERVER_COMMANDS_EXPECT_UPDATE_H

#include "server/commands/expect_seen.h"

/* The whole text. What was seen is sorted. */
void expect_update_put(FILE *out, const struct expect_file *former, const char *comment,
                       struct expect_seen *seen);

/* In the place of the former file, if there was one; it is never half written. False with
 * errno: EFBIG if more came than a file may say. */
bool expect_update_write(const struct expect_file *former, struct expect_seen *seen);

#endif
