/* config/key_file.h: secrets from files of their own: the api_key from the one that
 * heeler_api_key_file names, heeler_smtp_url from that of heeler_smtp_url_file.
 *
 * A secret in a file of its own can be given to the server's user alone, while everybody may
 * read the settings. The file is read whenever the settings are, so a reload takes a new one
 * over. One that others than its owner and group may read or change is refused. An empty file
 * is none, and a value from elsewhere goes before it. */
#ifndef CONFIG_KEY_FILE_H
#define CONFIG_KEY_FILE_H

#include <stdbool.h>

#include "config/must_check.h"
#include "config/problems.h"
#include "config/settings.h"

enum { KEY_FILE_MAX = 4096 }; /* bytes; far more than any key has */

/* Sets what there is a file for and no other value. False if a file is refused, with a
 * sentence among the problems. */
MUST_CHECK bool key_file_load(struct settings *settings, struct problems *problems);

/* What one says, without the blanks and line breaks around it: a view of room. NULL with the
 * end of a sentence that begins with the setting and the path. what: "key" or the like. */
MUST_CHECK char *key_file_read(const char *path, const char *what, char room[KEY_FILE_MAX + 1],
                               char *problem, size_t problem_size);

#endif
