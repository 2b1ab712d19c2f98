/* server/commands/checks_settings.h: the settings as heeler-checks gets them, one JSON object.
 *
 *   settings ──► this text ──► a sealed file in memory ──► heeler-checks --settings-fd N
 *
 * What it names itself is what a runner needs: where points go, what a process may take, how
 * histograms are told. Its member "agent" has every setting that is no secret, by its key, for
 * checks that ask for one of the Agent's. The only secret is "app_key", which the server's own
 * HTTP may want. tests/server/commands/test_checks_settings.c has an example of each member. */
#ifndef SERVER_COMMANDS_CHECKS_SETTINGS_H
#define SERVER_COMMANDS_CHECKS_SETTINGS_H

#include "config/settings.h"
#include "flush/memory/json_out.h"

/* state_path: a folder of the runner's own; empty: it has none. */
void checks_settings_write(struct json_out *out, const struct settings *settings,
                           const char *hostname, const char *state_path);

#endif
