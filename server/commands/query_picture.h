/* server/commands/query_picture.h: the answer to a question as a PNG in a file.
 *
 * heeler-chart draws it (server/pictures/painter.h), which takes what it is given from anybody.
 */
#ifndef SERVER_COMMANDS_QUERY_PICTURE_H
#define SERVER_COMMANDS_QUERY_PICTURE_H

#include <stdint.h>

#include "config/must_check.h"
#include "config/string_list.h"
#include "flush/memory/bytes.h"
#include "protocol/slice.h"

/* All are views. */
struct query_picture {
    const char *file;    /* "-": standard output */
    const char *program; /* heeler_chart_path */
    const char *title;
    int64_t from_s, to_s;
    struct slice answer; /* JSON, of one question */
    const struct string_list *markers;
};

enum { QUERY_PICTURE_PROBLEM_SIZE = 512 };

/* The exit status. But for EXIT_OK, with a sentence; then a file that was there is as it was,
 * unless writing it failed. */
MUST_CHECK int query_picture_write(const struct query_picture *picture,
                                   char problem[QUERY_PICTURE_PROBLEM_SIZE]);

#endif
