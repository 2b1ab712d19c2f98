/* server/api/dashboard_files.h: the dashboards of heeler_dashboards_path.
 *
 * A file holds what the API answers about a dashboard or a timeboard, or what is sent to make
 * one. It has the id that it says, else one made of its name, so that links to it last. */
#ifndef SERVER_API_DASHBOARD_FILES_H
#define SERVER_API_DASHBOARD_FILES_H

#include "server/api/definition_files.h"

/* Reads the disk. An empty folder: no dashboards. NULL without memory. */
struct definition_files *dashboard_files_read(const char *folder);

#endif
