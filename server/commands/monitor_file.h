/* server/commands/monitor_file.h: a file that defines a monitor or a downtime, and what is
 * wrong with it.
 *
 *   FILE ── a JSON object, as the API gives it back ──► struct monitor, or a sentence
 *                                                       "FILE, line 3: ..."
 *
 * Errors are what makes it no monitor; warnings are what does not do what it looks like: a
 * variable that is not known, a receiver who is refused, an option that nobody reads. */
#ifndef SERVER_COMMANDS_MONITOR_FILE_H
#define SERVER_COMMANDS_MONITOR_FILE_H

#include "config/must_check.h"
#include "config/problems.h"
#include "flush/memory/bytes.h"
#include "flush/monitors/monitor.h"

struct receivers;

enum { MONITOR_FILE_MAX = 1 << 20 };

struct monitor_file {
    const char *path; /* a view */
    struct bytes text;
    struct slice value;     /* a view of the text */
    bool is_downtime;       /* it is one, and no monitor */
    struct monitor monitor; /* of the value */
};

/* False, with an error: it is none. out is to be freed in any case. */
MUST_CHECK bool monitor_file_read(struct monitor_file *out, const char *path,
                                  struct problems *problems);
void monitor_file_free(struct monitor_file *given);

/* Warnings about a monitor that was read. receivers: NULL, they are not known. */
void monitor_file_survey(const struct monitor_file *file, const struct receivers *receivers,
                         struct problems *problems);

#endif
