/* flush/history/whole.h: whether each page of the database is somewhere.
 *
 * SQLite takes a page that lies behind the end of its file for zeros. Where the end was cut off
 * (a disk that failed, a copy that was not finished) it notices if the page belongs to a tree,
 * and not if it holds the end of a long value: then zeros are read for numbers. But a file may
 * be shorter than the database and nothing is missing: a process that is killed while it writes
 * its log back leaves the rest in the log.
 *
 * So each page behind the end must be in the log beside it. The format of both is SQLite's
 * (sqlite.org/fileformat2.html, 4.1). */
#ifndef FLUSH_HISTORY_WHOLE_H
#define FLUSH_HISTORY_WHOLE_H

#include <sqlite3.h>

#include "config/must_check.h"

/* To be asked before anything is written. SQLITE_CORRUPT: a page is nowhere; else a result
 * (flush/history/sql.h). path: of the file that handle has open. */
MUST_CHECK int whole_look(sqlite3 *handle, const char *path);

#endif
