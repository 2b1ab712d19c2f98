/* config/log_file.h: the file that is logged to, as the target of a writer.
 *
 * Beyond max_bytes it becomes FILE.1, which became FILE.2, up to FILE.max_rolls, the
 * oldest. Only regular files roll. A FIFO is opened for reading too: that neither waits
 * for a reader nor breaks when it goes. Opening never waits; writing does. */
#ifndef CONFIG_LOG_FILE_H
#define CONFIG_LOG_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_file {
    char *path;
    int fd;
    uint64_t bytes;              /* in it now */
    _Atomic(uint64_t) max_bytes; /* 0: it never rolls */
    _Atomic(uint64_t) max_rolls; /* 0: no bound */
    bool torn;                   /* the last write ended amid a line */
};

/* "10Mb", "10MB", "512k" or a number of bytes; 0: no bound. False: none of these. */
bool log_size_parse(const char *text, uint64_t *bytes);

/* Owned; NULL, and errno. */
struct log_file *log_file_open(const char *path);
void log_file_free(struct log_file *given);

/* Whole lines. False: they could not be written, or not to their end. */
bool log_file_write(struct log_file *file, const char *lines, size_t len);

/* Opens it anew under its name. False, and errno: the old one stays in use. */
bool log_file_reopen(struct log_file *file);

#endif
