#include "flush/history/database.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "config/files.h"
#include "flush/history/schema.h"
#include "flush/history/sql.h"
#include "flush/history/whole.h"

enum {
    ASIDE_MAX = 4, /* the last one is overwritten: they could fill the disk */
    BUSY_MS = 1000,
    VALUE_MAX = 64 << 20, /* bytes of one blob or text */
    URI_SIZE = 3 * DATABASE_PATH_SIZE + 32,
};

static const char file_name[] = "/history.db";

/* ---- what is wrong ----------------------------------------------------- */

static enum database_state fail(struct database *database, const char *what, const char *why)
{
    snprintf(database->problem, sizeof database->problem, "%s: %s", what, why);
    return DATABASE_FAILED;
}

static enum database_state fail_by_errno(struct database *database, const char *what)
{
    return fail(database, what, strerrordesc_np(errno));
}

/* ---- the folder and the lock ------------------------------------------- */

static bool is_ours(const struct stat *stat)
{
    return stat->st_uid == geteuid() && (stat->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static enum database_state open_folder(struct database *database, const char *folder)
{
    struct stat stats;
    size_t failed, len = strlen(folder);

    if (len == 0 || len + sizeof file_name > sizeof database->path - 32) {
        errno = ENAMETOOLONG;
        return fail_by_errno(database, "its folder");
    }
    snprintf(database->path, sizeof database->path, "%s%s", folder, file_name);
    if (!files_make_folders(folder, len, 0700, &failed) || stat(folder, &stats) != 0)
        return fail_by_errno(database, "its folder");
    if (!is_ours(&stats))
        return fail(database, "its folder", "it is not ours alone to write to (chmod go-w)");
    return DATABASE_OPEN;
}

static enum database_state take_lock(struct database *database, const char *folder)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    char path[DATABASE_PATH_SIZE + 16];

    snprintf(path, sizeof path, "%s/history.lock", folder);
    database->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (database->lock_fd < 0)
        return fail_by_errno(database, "its lock");
    if (fcntl(database->lock_fd, F_OFD_SETLK, &whole) == 0)
        return DATABASE_OPEN;
    if (errno != EAGAIN && errno != EACCES)
        return fail_by_errno(database, "its lock");
    snprintf(database->problem, sizeof database->problem, "another process has it");
    return DATABASE_HELD;
}

/* ---- the file ---------------------------------------------------------- */

/* Makes it if it is missing, for us alone, so that SQLite makes what lies beside it alike. It
 * is closed again before SQLite opens it, because a close drops the locks of the process. */
static enum database_state make_file(struct database *database)
{
    struct stat stats;
    int fd = open(database->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

    if (fd < 0)
        return fail_by_errno(database, file_name + 1);
    int found = fstat(fd, &stats);

    close(fd);
    if (found != 0 || !S_ISREG(stats.st_mode) || !is_ours(&stats))
        return fail(database, file_name + 1, "it is no file of ours alone");
    return DATABASE_OPEN;
}

/* What a file that somebody made up could use against its reader is off. */
static void guard(sqlite3 *handle)
{
    static const struct {
        int what, on;
    } switches[] = {
        { SQLITE_DBCONFIG_DEFENSIVE, 1 },      { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
        { SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 }, { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
        { SQLITE_DBCONFIG_DQS_DDL, 0 },        { SQLITE_DBCONFIG_DQS_DML, 0 },
    };

    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
        (void)sqlite3_db_config(handle, switches[i].what, switches[i].on, NULL);
    (void)sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
    (void)sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, VALUE_MAX);
}

/* page_size and auto_vacuum are traits of the file, and only an empty one takes them. Of a row
 * of packed columns the last page is half empty, so small ones waste less. In WAL mode "normal"
 * loses the last commits when the power fails, and never more than that. */
static int set_up(struct database *database)
{
    return sql_run(database->handle, "PRAGMA page_size = 2048;"
                                     "PRAGMA auto_vacuum = INCREMENTAL;"
                                     "PRAGMA cell_size_check = ON;"
                                     "PRAGMA cache_size = -1024;"
                                     "PRAGMA mmap_size = 0;"
                                     "PRAGMA temp_store = MEMORY;"
                                     "PRAGMA journal_mode = WAL;"
                                     "PRAGMA synchronous = NORMAL;"
                                     "PRAGMA wal_autocheckpoint = 1024;"
                                     "PRAGMA journal_size_limit = 2097152");
}

/* Whether it has our tables, and not only our number: who lacks one cannot be used, today or
 * tomorrow. */
static bool has_tables(sqlite3 *handle)
{
    return (sql_run(handle,
                    "SELECT 1 FROM metrics, series, windows, events, checks, definitions"
                    " LIMIT 0") &
            0xff) != SQLITE_ERROR;
}

/* *unusable: the file is to be set aside. */
static enum database_state open_file(struct database *database, bool *unusable)
{
    int result = sqlite3_open_v2(database->path, &database->handle,
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    enum schema_state state = SCHEMA_FAILED;

    if (result == SQLITE_OK) {
        guard(database->handle);
        (void)sqlite3_busy_timeout(database->handle, BUSY_MS);
        state = schema_look(&schema, database->handle, &result);
    }
    if (state == SCHEMA_READY)
        result = whole_look(database->handle, database->path);
    if (state == SCHEMA_READY && result == SQLITE_OK) /* before that nothing is changed */
        result = set_up(database);
    if (state == SCHEMA_READY && result != SQLITE_OK)
        state = SCHEMA_FAILED;
    if (state == SCHEMA_READY)
        state = schema_apply(&schema, database->handle, database->path, &result);
    if (state == SCHEMA_READY && !has_tables(database->handle))
        state = SCHEMA_FOREIGN;
    *unusable = state == SCHEMA_FOREIGN || sql_is_damage(result);
    if (state == SCHEMA_READY)
        return DATABASE_OPEN;
    (void)fail(database, file_name + 1,
               state == SCHEMA_NEWER     ? "a newer program wrote it"
               : state == SCHEMA_FOREIGN ? "it is something else's"
                                         : sqlite3_errstr(result));
    return state == SCHEMA_NEWER ? DATABASE_NEWER : DATABASE_FAILED;
}

/* Writes the log back and removes it. */
static void close_file(struct database *database)
{
    (void)sqlite3_close(database->handle);
    database->handle = NULL;
}

/* ---- setting aside ----------------------------------------------------- */

/* What lies beside the file stays as it is. */
static void leave_file(struct database *database)
{
    (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    close_file(database);
}

static bool move_aside(const struct database *database, const char *suffix)
{
    char from[DATABASE_PATH_SIZE + 8], to[DATABASE_PATH_SIZE + 8];

    snprintf(from, sizeof from, "%s%s", database->path, suffix);
    snprintf(to, sizeof to, "%s%s", database->aside, suffix);
    (void)unlink(to); /* what lay beside an older one belongs to no other */
    return rename(from, to) == 0 || errno == ENOENT;
}

/* The file goes last: without the log beside it it is as unusable as before. */
static bool set_aside(struct database *database)
{
    int number = 1;

    for (; number <= ASIDE_MAX; number++) {
        int len = snprintf(database->aside, sizeof database->aside, "%s.aside.%d",
                           database->path, number);
        if (len >= (int)sizeof database->aside)
            return false;
        if (access(database->aside, F_OK) != 0)
            break;
    }
    return move_aside(database, "-wal") && move_aside(database, "-shm") &&
           move_aside(database, "");
}

/* ---- the outside ------------------------------------------------------- */

static enum database_state open_or_set_aside(struct database *database)
{
    bool unusable = false;
    enum database_state state = make_file(database);

    if (state == DATABASE_OPEN)
        state = open_file(database, &unusable);
    if (!unusable)
        return state;
    leave_file(database);
    if (!set_aside(database))
        return fail_by_errno(database, "what could not be read could not be set aside");
    state = make_file(database);
    return state == DATABASE_OPEN ? open_file(database, &unusable) : state;
}

static void release(struct database *database)
{
    close_file(database);
    if (database->lock_fd >= 0)
        close(database->lock_fd);
    database->lock_fd = -1;
}

enum database_state database_open(struct database *database, const char *folder)
{
    *database = (struct database){ .lock_fd = -1 };
    enum database_state state = open_folder(database, folder);

    if (state == DATABASE_OPEN)
        state = take_lock(database, folder);
    if (state == DATABASE_OPEN)
        state = open_or_set_aside(database);
    if (state != DATABASE_OPEN)
        release(database);
    return state;
}

/* SQLite would wait for a pipe, and says of a file that it may not open no reason. */
static enum database_state look_at_file(struct database *database)
{
    struct stat stats;

    if (stat(database->path, &stats) != 0)
        return fail_by_errno(database, file_name + 1);
    if (!S_ISREG(stats.st_mode))
        return fail(database, file_name + 1, "it is no file");
    if (stats.st_size == 0)
        return fail(database, file_name + 1, "it is empty");
    return access(database->path, R_OK) == 0 ? DATABASE_OPEN
                                             : fail_by_errno(database, file_name + 1);
}

/* Whether nobody can write to it, and no log is beside it: then SQLite, which would make one to
 * read, is told that it does not change. */
static bool is_immutable(const struct database *database)
{
    char log[DATABASE_PATH_SIZE + 8];
    struct statvfs system;
    struct stat stats;

    snprintf(log, sizeof log, "%s-wal", database->path);
    return statvfs(database->path, &system) == 0 && (system.f_flag & ST_RDONLY) != 0 &&
           (stat(log, &stats) != 0 || stats.st_size == 0);
}

/* "file:PATH", in which all but letters, digits and slashes are as %41. */
static void name_file(const struct database *database, char out[static URI_SIZE])
{
    char *to = out + snprintf(out, URI_SIZE, "file:");

    for (const char *at = database->path; *at != '\0'; at++)
        if (isalnum((unsigned char)*at) || *at == '/')
            *to++ = *at;
        else
            to += snprintf(to, 4, "%%%02X", (unsigned char)*at);
    snprintf(to, 16, "%s", is_immutable(database) ? "?immutable=1" : "");
}

enum database_state database_open_to_read(struct database *database, const char *folder)
{
    int64_t application = 0, version = 0;

    *database = (struct database){ .lock_fd = -1 };
    if (strlen(folder) + sizeof file_name > sizeof database->path) {
        errno = ENAMETOOLONG;
        return fail_by_errno(database, "its folder");
    }
    snprintf(database->path, sizeof database->path, "%s%s", folder, file_name);
    if (look_at_file(database) != DATABASE_OPEN)
        return DATABASE_FAILED;
    char uri[URI_SIZE];

    name_file(database, uri);
    int result =
        sqlite3_open_v2(uri, &database->handle,
                        SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);

    if (result == SQLITE_OK) {
        guard(database->handle);
        (void)sqlite3_busy_timeout(database->handle, BUSY_MS);
        result = sql_number(database->handle, "PRAGMA application_id", &application);
    }
    if (result == SQLITE_OK)
        result = sql_number(database->handle, "PRAGMA user_version", &version);
    if (result == SQLITE_OK && application == SCHEMA_APPLICATION && version == schema.n)
        return DATABASE_OPEN;
    (void)fail(database, file_name + 1,
               result != SQLITE_OK                 ? sqlite3_errstr(result)
               : application != SCHEMA_APPLICATION ? "it is something else's"
               : version > schema.n
                   ? "a newer program wrote it"
                   : "an older program wrote it, and no server has opened it since");
    close_file(database);
    return version > schema.n ? DATABASE_NEWER : DATABASE_FAILED;
}

enum database_state database_begin_anew(struct database *database)
{
    leave_file(database);
    enum database_state state =
        set_aside(database)
            ? open_or_set_aside(database)
            : fail_by_errno(database, "what could not be read could not be set aside");

    if (state != DATABASE_OPEN)
        release(database);
    return state;
}

void database_touch(const struct database *database)
{
    (void)!futimens(database->lock_fd, NULL); /* whatever the answer is */
}

void database_close(struct database *given)
{
    release(given);
}
