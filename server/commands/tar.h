/* server/commands/tar.h: files into an archive that every tar reads (POSIX ustar).
 *
 *   header of 512 bytes | content, filled up to 512 | ... | 1024 zeros */
#ifndef SERVER_COMMANDS_TAR_H
#define SERVER_COMMANDS_TAR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { TAR_NAME_MAX = 99 };

/* One file of mode 0600. False: the name is too long, or the stream fails. */
bool tar_add(FILE *out, const char *name, const void *at, size_t len, int64_t modified_s);

/* The end. False: the stream failed, now or before. */
bool tar_finish(FILE *out);

#endif
