/* server/api/monitor_files.h: the monitors and downtimes of heeler_monitors_path.
 *
 * A file holds what the API answers about a monitor or a downtime, in either version, or what
 * is sent to make one. It has the id that it says, else one made of its name, so that the
 * states of a monitor last. A time that a downtime does not say is that of the file. */
#ifndef SERVER_API_MONITOR_FILES_H
#define SERVER_API_MONITOR_FILES_H

#include "server/api/definition_files.h"

/* Reads the disk. An empty folder: there are none. NULL without memory. */
struct definition_files *monitor_files_read(const char *folder);

#endif
