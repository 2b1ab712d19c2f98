/* config/key_file.h: the api_key from the file that heeler_api_key_file names.
 *
 * A key in a file of its own can be given to the server's user alone, while everybody may read
 * the settings. The file is read whenever the settings are, so a reload takes a new key over.
 * One that others than its owner and group may read or change is refused. An empty file is
 * no key, and an api_key from elsewhere goes before it. */
#ifndef CONFIG_KEY_FILE_H
#define CONFIG_KEY_FILE_H

#include <stdbool.h>

#include "config/must_check.h"
#include "config/problems.h"
#include "config/settings.h"

enum { KEY_FILE_MAX = 4096 }; /* bytes; far more than any key has */

/* Sets api_key if there is a file and no other key. False if the file is refused, with a
 * sentence among the problems. */
MUST_CHECK bool key_file_load(struct settings *settings, struct problems *problems);

#endif
