/* flush/history/database.h: the SQLite file of the history, and that it is ours alone.
 *
 *   FOLDER/history.db             what is kept, and beside it SQLite's -wal and -shm
 *   FOLDER/history.lock           locked by the process that owns the file
 *   FOLDER/history.db.aside.N     a file that could not be used, with what was beside it
 *   FOLDER/history.db.version.N   a copy of the file as it was before it was migrated
 *
 * The folder and the files must be ours, and nobody else's to write: 0700 and 0600. The lock
 * (an OFD lock, which ends with the process however it ends) is held before the file is looked
 * at, so of two servers in one folder the second never touches it.
 *
 * A file that SQLite cannot read, or that is no history, is set aside and a new one begun; one
 * that a newer program wrote is left alone. The file is written ahead (WAL): a process that is
 * killed loses what it had not committed and damages nothing.
 *
 * Memory and disk are bounded: a page cache of a mebibyte, a log that is written back after
 * two. Text goes into statements as parameters alone; the schema of a file is not trusted.
 *
 * One thread, which may wait for the disk. */
#ifndef FLUSH_HISTORY_DATABASE_H
#define FLUSH_HISTORY_DATABASE_H

#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/must_check.h"

enum { DATABASE_PATH_SIZE = PATH_MAX, DATABASE_PROBLEM_SIZE = 256 };

enum database_state {
    DATABASE_OPEN,
    DATABASE_HELD,  /* another process owns it */
    DATABASE_NEWER, /* a newer program wrote it: it stays as it is */
    DATABASE_FAILED,
};

struct database {
    sqlite3 *handle; /* NULL: closed */
    int lock_fd;     /* -1: none */
    char path[DATABASE_PATH_SIZE];
    char problem[DATABASE_PROBLEM_SIZE]; /* why it is not open; a sentence */
    char aside[DATABASE_PATH_SIZE]; /* where the one before it was set aside; empty: none was */
};

/* Makes the folder if it is missing. *database is filled, whatever is returned, and closed
 * unless DATABASE_OPEN is. */
MUST_CHECK enum database_state database_open(struct database *database, const char *folder);

/* Opens a file that others may write meanwhile, to read it: nothing is made, locked or
 * migrated. As database_open(); it is never DATABASE_HELD. */
MUST_CHECK enum database_state database_open_to_read(struct database *database,
                                                     const char *folder);

/* Writes the log back into the file. Statements were finalized before. */
void database_close(struct database *given);

/* Asks the file system for something that it cannot answer from memory where it is a server's,
 * and changes nothing but the times of the lock. It returns when there is an answer. */
void database_touch(const struct database *database);

/* Closes the file, sets it aside and begins a new one, under the same lock. To be called when
 * sql_is_damage() said so. Statements were finalized before. */
MUST_CHECK enum database_state database_begin_anew(struct database *database);

#endif
