/* server/api/dashboard_files.h: the dashboards of heeler_dashboards_path.
 *
 *   each FILE.json of the folder, in the order of names ──► a definition, or a sentence
 *
 * A file holds what the API answers about a dashboard or a timeboard, or what is sent to make
 * one. It has the id that it says, else one made of its name, so that links to it last. What is
 * wrong with a file leaves the others as they are.
 *
 * Once read it never changes. */
#ifndef SERVER_API_DASHBOARD_FILES_H
#define SERVER_API_DASHBOARD_FILES_H

#include "config/string_list.h"
#include "server/api/definitions.h"

struct dashboard_files {
    struct definitions definitions; /* nobody else keeps them; each names its file */
    struct string_list problems;    /* "web.json, line 3, byte 12: expected ..." */
};

/* Reads the disk. An empty folder: no dashboards. NULL without memory. */
struct dashboard_files *dashboard_files_read(const char *folder);

void dashboard_files_free(struct dashboard_files *given); /* NULL is fine */

#endif
