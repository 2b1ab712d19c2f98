/* server/commands/expect_settings.h: the settings of a server that nobody sees.
 *
 * Neither the environment nor /etc is looked at, so a CI's DD_API_KEY changes nothing. What
 * --config and --set say of names, tags and aggregation counts; what would send, keep or
 * disclose anything does not. */
#ifndef SERVER_COMMANDS_EXPECT_SETTINGS_H
#define SERVER_COMMANDS_EXPECT_SETTINGS_H

#include "server/commands/commands.h"

/* With the unix socket in that folder. False, with sentences on standard error; the settings
 * must be freed all the same. */
bool expect_settings(struct settings *out, const struct command_line *line, const char *folder);

#endif
