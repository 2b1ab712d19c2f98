#include "flush/history/schema.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "flush/history/sql.h"

static const char first[] = "CREATE TABLE metrics("
                            " id INTEGER PRIMARY KEY,"
                            " name BLOB NOT NULL UNIQUE,"
                            " about BLOB"
                            ") STRICT;"
                            "CREATE TABLE series("
                            " id INTEGER PRIMARY KEY,"
                            " metric INTEGER NOT NULL,"
                            " kind INTEGER NOT NULL,"
                            " unit INTEGER NOT NULL,"
                            " hash INTEGER NOT NULL," /* of all that it is told apart by */
                            " host BLOB NOT NULL,"
                            " tags BLOB NOT NULL,"
                            " last_s INTEGER NOT NULL" /* of its newest value, an hour coarse */
                            ") STRICT;"
                            "CREATE INDEX series_by_metric ON series(metric);"
                            "CREATE INDEX series_by_hash ON series(hash);"
                            "CREATE TABLE windows("
                            " id INTEGER PRIMARY KEY,"
                            " step_s INTEGER NOT NULL,"
                            " start_s INTEGER NOT NULL,"
                            " first_s INTEGER NOT NULL,"
                            " last_s INTEGER NOT NULL,"
                            " writer INTEGER NOT NULL," /* a process, by when it began */
                            " low INTEGER NOT NULL,"    /* the lowest and the highest series */
                            " high INTEGER NOT NULL,"
                            " cells INTEGER NOT NULL,"
                            " ids BLOB NOT NULL,"
                            " sums BLOB NOT NULL,"
                            " counts BLOB NOT NULL,"
                            " minima BLOB NOT NULL,"
                            " maxima BLOB NOT NULL,"
                            " lasts BLOB NOT NULL,"
                            " objects BLOB NOT NULL"
                            ") STRICT;"
                            "CREATE UNIQUE INDEX windows_by_time ON windows(step_s, start_s, "
                            "first_s, writer, low, high, cells);"
                            "CREATE TABLE events("
                            " id INTEGER PRIMARY KEY,"
                            " time_s INTEGER NOT NULL,"
                            " body BLOB NOT NULL"
                            ") STRICT;"
                            "CREATE INDEX events_by_time ON events(time_s);"
                            "CREATE TABLE checks("
                            " identity BLOB PRIMARY KEY," /* name, host and tags */
                            " time_s INTEGER NOT NULL,"
                            " body BLOB NOT NULL"
                            ") STRICT;"
                            "CREATE TABLE definitions("
                            " kind TEXT NOT NULL,"
                            " name TEXT NOT NULL,"
                            " changed_s INTEGER NOT NULL,"
                            " body BLOB NOT NULL,"
                            " PRIMARY KEY(kind, name)"
                            ") STRICT;";

static const char *const steps[] = { first };

const struct schema schema = { steps, sizeof steps / sizeof steps[0] };

/* ---- the copy ---------------------------------------------------------- */

static int copy_into(sqlite3 *handle, const char *path)
{
    sqlite3 *to = NULL;
    int result = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE, NULL);
    sqlite3_backup *backup =
        result == SQLITE_OK ? sqlite3_backup_init(to, "main", handle, "main") : NULL;

    if (backup != NULL) {
        (void)sqlite3_backup_step(backup, -1);
        result = sqlite3_backup_finish(backup);
    } else if (result == SQLITE_OK) {
        result = sqlite3_errcode(to);
    }
    (void)sqlite3_close(to);
    return result;
}

/* A copy that is there already is of a migration that did not succeed. */
static int keep_copy(sqlite3 *handle, const char *path, int64_t version)
{
    char copy[PATH_MAX + 32];

    snprintf(copy, sizeof copy, "%s.version.%lld", path, (long long)version);
    (void)unlink(copy);
    int fd = open(copy, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return SQLITE_CANTOPEN;
    close(fd);
    return copy_into(handle, copy);
}

/* ---- applying ---------------------------------------------------------- */

static int run_steps(const struct schema *of, sqlite3 *handle, int version)
{
    char sql[128];
    int result = SQLITE_OK;

    for (; version < of->n && result == SQLITE_OK; version++)
        result = sql_run(handle, of->steps[version]);
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             SCHEMA_APPLICATION, of->n);
    return result == SQLITE_OK ? sql_run(handle, sql) : result;
}

static int migrate(const struct schema *of, sqlite3 *handle, const char *path, int version)
{
    int result = version > 0 ? keep_copy(handle, path, version) : SQLITE_OK;

    if (result == SQLITE_OK)
        result = sql_run(handle, "BEGIN IMMEDIATE");
    if (result != SQLITE_OK)
        return result;
    result = run_steps(of, handle, version);
    if (result == SQLITE_OK)
        result = sql_run(handle, "COMMIT");
    if (result != SQLITE_OK)
        (void)!sql_run(handle, "ROLLBACK");
    return result;
}

static int read_numbers(sqlite3 *handle, int64_t *application, int64_t *version,
                        int64_t *objects)
{
    int result = sql_number(handle, "PRAGMA application_id", application);

    if (result == SQLITE_OK)
        result = sql_number(handle, "PRAGMA user_version", version);
    if (result == SQLITE_OK)
        result = sql_number(handle, "SELECT count(*) FROM sqlite_schema", objects);
    return result;
}

static enum schema_state look(const struct schema *of, sqlite3 *handle, int64_t *version,
                              int *result)
{
    int64_t application, objects;

    *result = read_numbers(handle, &application, version, &objects);
    if (*result != SQLITE_OK)
        return SCHEMA_FAILED;
    bool empty = application == 0 && *version == 0 && objects == 0;

    if (!empty && (application != SCHEMA_APPLICATION || *version < 1))
        return SCHEMA_FOREIGN;
    return *version > of->n ? SCHEMA_NEWER : SCHEMA_READY;
}

enum schema_state schema_look(const struct schema *of, sqlite3 *handle, int *result)
{
    int64_t version;

    return look(of, handle, &version, result);
}

enum schema_state schema_apply(const struct schema *of, sqlite3 *handle, const char *path,
                               int *result)
{
    int64_t version;
    enum schema_state state = look(of, handle, &version, result);

    if (state != SCHEMA_READY)
        return state;
    if (version < of->n)
        *result = migrate(of, handle, path, (int)version);
    return *result == SQLITE_OK ? SCHEMA_READY : SCHEMA_FAILED;
}
