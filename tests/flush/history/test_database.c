#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flush/history/database.h"
#include "flush/history/schema.h"
#include "flush/history/sql.h"
#include "tests/support/temp_file.h"

/* ---- a folder for each test -------------------------------------------- */

static char root[TEMP_PATH_SIZE], folder[128], file[160];

static int make(void **state)
{
    (void)state;
    temp_folder_make(root);
    snprintf(folder, sizeof folder, "%s/state", root);
    snprintf(file, sizeof file, "%s/history.db", folder);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    temp_folder_remove(root);
    return 0;
}

static void open_it(struct database *database)
{
    enum database_state opened = database_open(database, folder);

    if (opened != DATABASE_OPEN)
        fail_msg("%s", database->problem);
}

static void run(struct database *database, const char *sql)
{
    int result = sql_run(database->handle, sql);

    if (result != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(database->handle));
}

static int64_t number(struct database *database, const char *sql)
{
    int64_t out;

    assert_int_equal(sql_number(database->handle, sql, &out), SQLITE_OK);
    return out;
}

static void write_file(const char *path, const char *at, size_t len)
{
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    assert_int_equal(fwrite(at, 1, len, out), len);
    assert_int_equal(fclose(out), 0);
}

static unsigned mode_of(const char *path)
{
    struct stat stats;

    assert_int_equal(stat(path, &stats), 0);
    return stats.st_mode & 0777;
}

static bool is_there(const char *suffix)
{
    char path[256];

    snprintf(path, sizeof path, "%s%s", file, suffix);
    return access(path, F_OK) == 0;
}

/* One with an event in it, closed. */
static void make_one(void)
{
    struct database database;

    open_it(&database);
    run(&database, "INSERT INTO events(time_s, body) VALUES(1700000000, x'61')");
    database_close(&database);
}

/* ---- tests ------------------------------------------------------------- */

static void what_was_committed_is_there_again(void **state)
{
    struct database database;
    (void)state;

    make_one();
    open_it(&database);
    assert_int_equal(number(&database, "SELECT time_s FROM events"), 1700000000);
    assert_string_equal(database.aside, "");
    database_close(&database);
}

static void folder_and_files_are_for_us_alone(void **state)
{
    struct database database;
    char path[256];
    mode_t before = umask(0);
    (void)state;

    open_it(&database);
    run(&database, "INSERT INTO events(time_s, body) VALUES(1, x'61')");
    umask(before);
    assert_int_equal(mode_of(folder), 0700);
    assert_int_equal(mode_of(file), 0600);
    snprintf(path, sizeof path, "%s-wal", file);
    assert_int_equal(mode_of(path), 0600);
    snprintf(path, sizeof path, "%s/history.lock", folder);
    assert_int_equal(mode_of(path), 0600);
    database_close(&database);
}

static void memory_and_disk_are_bounded(void **state)
{
    struct database database;
    (void)state;

    open_it(&database);
    assert_int_equal(number(&database, "PRAGMA auto_vacuum"), 2);
    assert_int_equal(number(&database, "PRAGMA page_size"), 2048);
    assert_int_equal(number(&database, "PRAGMA cache_size"), -1024);
    assert_int_equal(number(&database, "PRAGMA mmap_size"), 0);
    assert_int_equal(number(&database, "PRAGMA trusted_schema"), 0);
    assert_int_equal(number(&database, "PRAGMA journal_size_limit"), 2097152);
    database_close(&database);
}

static void a_second_owner_is_told_and_touches_nothing(void **state)
{
    struct database owner, other;
    (void)state;

    open_it(&owner);
    assert_int_equal(database_open(&other, folder), DATABASE_HELD);
    assert_string_equal(other.problem, "another process has it");
    run(&owner, "INSERT INTO events(time_s, body) VALUES(1, x'61')");
    database_close(&owner);
    open_it(&other);
    assert_int_equal(number(&other, "SELECT count(*) FROM events"), 1);
    database_close(&other);
}

static void what_is_no_database_is_set_aside_with_what_lies_beside_it(void **state)
{
    struct database database;
    char text[4096], path[256];
    (void)state;

    make_one();
    memset(text, 'x', sizeof text);
    write_file(file, text, sizeof text);
    snprintf(path, sizeof path, "%s-wal", file);
    write_file(path, text, sizeof text);
    open_it(&database);
    assert_int_equal(number(&database, "SELECT count(*) FROM events"), 0);
    assert_true(is_there(".aside.1") && is_there(".aside.1-wal"));
    snprintf(path, sizeof path, "%s.aside.1", file);
    assert_string_equal(database.aside, path);
    database_close(&database);
}

static void what_is_too_short_for_a_head_is_set_aside(void **state)
{
    static const char zeros[600];
    struct database database;
    (void)state;

    open_it(&database); /* makes the folder */
    database_close(&database);
    for (size_t len = 0; len < sizeof zeros; len += 99) {
        write_file(file, zeros, len);
        open_it(&database);
        assert_int_equal(database.aside[0] != '\0', len > 0); /* an empty one is a new one */
        database_close(&database);
    }
}

static void no_more_than_four_are_set_aside(void **state)
{
    struct database database;
    (void)state;

    make_one();
    for (int i = 0; i < 6; i++) {
        write_file(file, "this is no database, nor will it ever be one", 44);
        open_it(&database);
        database_close(&database);
    }
    assert_true(is_there(".aside.4"));
    assert_false(is_there(".aside.5"));
}

static void a_database_of_something_else_is_set_aside(void **state)
{
    struct database database;
    sqlite3 *other;
    (void)state;

    make_one();
    assert_int_equal(unlink(file), 0);
    assert_int_equal(sqlite3_open(file, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "CREATE TABLE mine(a)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_int_equal(chmod(file, 0600), 0);
    open_it(&database);
    assert_true(is_there(".aside.1"));
    database_close(&database);
}

static size_t read_file(const char *path, char *at, size_t size)
{
    FILE *in = fopen(path, "r");

    assert_non_null(in);
    size_t len = fread(at, 1, size, in);

    assert_int_equal(fclose(in), 0);
    return len;
}

static void what_lacks_a_table_is_set_aside(void **state)
{
    static const char *const done[] = { "DROP TABLE checks",
                                        "ALTER TABLE series RENAME TO others;"
                                        "CREATE VIEW series AS SELECT * FROM others" };
    struct database database;
    (void)state;

    for (int i = 0; i < 2; i++) {
        open_it(&database);
        run(&database, done[i]);
        database_close(&database);
        open_it(&database);
        assert_true(database.aside[0] != '\0');
        assert_int_equal(number(&database, "SELECT count(*) FROM series, checks"), 0);
        database_close(&database);
    }
}

/* Each byte of them stays as it is, the mode of its journal too. */
static void what_is_not_ours_is_not_changed(void **state)
{
    static const char *const sql[] = { "CREATE TABLE mine(a)",
                                       "PRAGMA application_id = 0x48654c72;"
                                       "PRAGMA user_version = 1000; CREATE TABLE ours(a)" };
    static char before[65536], after[65536], aside[192];
    struct database database;
    sqlite3 *other;
    (void)state;

    snprintf(aside, sizeof aside, "%s.aside.1", file);
    for (int newer = 0; newer < 2; newer++) {
        make_one();
        assert_int_equal(unlink(file), 0);
        assert_int_equal(sqlite3_open(file, &other), SQLITE_OK);
        assert_int_equal(sqlite3_exec(other, sql[newer], NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(other), SQLITE_OK);
        assert_int_equal(chmod(file, 0600), 0);
        size_t len = read_file(file, before, sizeof before);

        assert_int_equal(database_open(&database, folder),
                         newer ? DATABASE_NEWER : DATABASE_OPEN);
        if (!newer)
            database_close(&database);
        assert_int_equal(read_file(newer ? file : aside, after, sizeof after), len);
        assert_memory_equal(before, after, len);
    }
}

static void a_file_of_a_newer_program_is_left_alone(void **state)
{
    struct database database;
    (void)state;

    open_it(&database);
    run(&database, "PRAGMA user_version = 1000");
    database_close(&database);
    assert_int_equal(database_open(&database, folder), DATABASE_NEWER);
    assert_non_null(strstr(database.problem, "a newer program wrote it"));
    assert_false(is_there(".aside.1"));
}

static void a_file_cut_anywhere_is_read_or_set_aside(void **state)
{
    struct database database;
    struct stat whole;
    unsigned seed = 17;
    (void)state;

    make_one();
    assert_int_equal(stat(file, &whole), 0);
    char *bytes = malloc((size_t)whole.st_size);
    FILE *in = fopen(file, "r");

    assert_true(bytes != NULL && in != NULL);
    assert_int_equal(fread(bytes, 1, (size_t)whole.st_size, in), whole.st_size);
    fclose(in);
    for (int i = 0; i < 20; i++) {
        seed = seed * 1103515245 + 12345;
        write_file(file, bytes, (seed >> 8) % (unsigned)whole.st_size);
        open_it(&database);
        run(&database, "INSERT INTO events(time_s, body) VALUES(2, x'62')");
        database_close(&database);
    }
    free(bytes);
}

/* The file and its log as a process leaves them that is killed, the file without so many bytes
 * of its end. */
static void kill_and_cut(struct database *database, size_t less)
{
    static char bytes[1 << 18], log_bytes[1 << 18];
    char log[256];

    snprintf(log, sizeof log, "%s-wal", file);
    size_t len = read_file(file, bytes, sizeof bytes);
    size_t log_len = read_file(log, log_bytes, sizeof log_bytes);

    database_close(database);
    assert_true(log_len > 0 && len > less);
    write_file(file, bytes, len - less);
    write_file(log, log_bytes, log_len);
    assert_int_equal(chmod(log, 0600), 0);
}

static void a_page_that_is_neither_in_the_file_nor_in_its_log_is_missed(void **state)
{
    static const char add[] =
        "INSERT INTO events(time_s, body)"
        " VALUES(2, CAST(replace(hex(zeroblob(20000)), '0', 'x') AS BLOB))";
    struct database database;
    (void)state;

    open_it(&database);
    run(&database, add);
    kill_and_cut(&database, 0); /* all of it is in the log, and the file is short by right */
    open_it(&database);
    assert_string_equal(database.aside, "");
    assert_int_equal(number(&database, "SELECT instr(body, x'00') FROM events"), 0);
    run(&database, "PRAGMA wal_checkpoint(TRUNCATE)");
    run(&database, "INSERT INTO checks(time_s, body, identity) VALUES(1, x'61', x'61')");
    kill_and_cut(&database, 2048);
    open_it(&database);
    assert_string_not_equal(database.aside, "");
    assert_int_equal(number(&database, "SELECT count(*) FROM events"), 0);
    database_close(&database);
}

static void what_turns_out_to_be_damaged_is_begun_anew(void **state)
{
    struct database database, other;
    (void)state;

    make_one();
    open_it(&database);
    assert_true(sql_is_damage(SQLITE_CORRUPT_VTAB));
    assert_false(sql_is_damage(SQLITE_IOERR_READ));
    assert_int_equal(database_begin_anew(&database), DATABASE_OPEN);
    assert_int_equal(number(&database, "SELECT count(*) FROM events"), 0);
    assert_true(is_there(".aside.1"));
    assert_int_equal(database_open(&other, folder), DATABASE_HELD);
    database_close(&database);
}

static void what_others_may_write_to_is_refused(void **state)
{
    struct database database;
    (void)state;

    make_one();
    assert_int_equal(chmod(folder, 0770), 0);
    assert_int_equal(database_open(&database, folder), DATABASE_FAILED);
    assert_non_null(strstr(database.problem, "its folder: it is not ours alone"));
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(chmod(file, 0622), 0);
    assert_int_equal(database_open(&database, folder), DATABASE_FAILED);
    assert_non_null(strstr(database.problem, "it is no file of ours alone"));
}

static void a_link_a_pipe_and_a_folder_that_is_a_file_are_refused(void **state)
{
    struct database database;
    char path[192];
    (void)state;

    make_one();
    assert_int_equal(unlink(file), 0);
    assert_int_equal(symlink("/etc/passwd", file), 0);
    assert_int_equal(database_open(&database, folder), DATABASE_FAILED);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkfifo(file, 0600), 0);
    assert_int_equal(database_open(&database, folder), DATABASE_FAILED);
    snprintf(path, sizeof path, "%s/history.lock", folder);
    assert_int_equal(database_open(&database, path), DATABASE_FAILED);
    assert_int_equal(database_open(&database, ""), DATABASE_FAILED);
}

/* ---- versions ---------------------------------------------------------- */

static void an_older_file_is_migrated_at_once_with_a_copy(void **state)
{
    const char *const steps[] = { schema.steps[0], "ALTER TABLE events ADD COLUMN more BLOB;" };
    const struct schema next = { steps, 2 };
    struct database database;
    sqlite3 *copy;
    char path[256];
    int result;
    (void)state;

    make_one();
    open_it(&database);
    assert_int_equal(schema_apply(&next, database.handle, database.path, &result),
                     SCHEMA_READY);
    assert_int_equal(number(&database, "PRAGMA user_version"), 2);
    assert_int_equal(number(&database, "SELECT count(*) FROM events WHERE more IS NULL"), 1);
    database_close(&database);

    snprintf(path, sizeof path, "%s.version.1", file);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(sqlite3_open(path, &copy), SQLITE_OK);
    database.handle = copy;
    assert_int_equal(number(&database, "SELECT count(*) FROM events"), 1);
    assert_int_equal(number(&database, "PRAGMA user_version"), 1);
    assert_int_equal(sqlite3_close(copy), SQLITE_OK);
}

static void a_migration_that_fails_leaves_the_file_as_it_was(void **state)
{
    const char *const steps[] = { schema.steps[0], "DROP TABLE checks;", "no statement;" };
    const struct schema next = { steps, 3 };
    struct database database;
    int result;
    (void)state;

    make_one();
    open_it(&database);
    assert_int_equal(schema_apply(&next, database.handle, database.path, &result),
                     SCHEMA_FAILED);
    assert_int_equal(result, SQLITE_ERROR);
    assert_int_equal(number(&database, "PRAGMA user_version"), schema.n);
    assert_int_equal(number(&database, "SELECT count(*) FROM checks"), 0);
    database_close(&database);
}

static void text_of_nothing_is_empty(void **state)
{
    static const struct {
        const char *sql, *text;
    } cases[] = { { "SELECT 'ok'", "ok" },
                  { "SELECT NULL", "" }, /* as SQLite's own check may answer */
                  { "SELECT 1 WHERE 0", "" },
                  { "SELECT ''", "" },
                  { "SELECT 17", "17" } };
    struct database database;
    char text[8];
    (void)state;

    assert_int_equal(database_open(&database, root), DATABASE_OPEN);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(sql_text(database.handle, cases[i].sql, text, sizeof text), SQLITE_OK);
        assert_string_equal(text, cases[i].text);
    }
    assert_int_equal(sql_text(database.handle, "SELECT nonsense", text, sizeof text),
                     SQLITE_ERROR);
    assert_string_equal(text, "");
    database_close(&database);
}

/* A pipe above all: nobody waits for what comes out of it. */
static void who_reads_is_told_what_there_is_instead(void **state)
{
    static const char *const said[] = { "No such file", "is no file", "is no file",
                                        "is empty" };
    struct database database;
    (void)state;

    assert_int_equal(mkdir(folder, 0700), 0);
    for (int i = 0; i < 4; i++) {
        if (i == 1)
            assert_int_equal(mkfifo(file, 0600), 0);
        else if (i == 2)
            assert_int_equal(mkdir(file, 0700), 0);
        else if (i == 3)
            write_file(file, "", 0);
        assert_int_equal(database_open_to_read(&database, folder), DATABASE_FAILED);
        assert_non_null(strstr(database.problem, said[i]));
        assert_null(database.handle);
        assert_true(i == 0 || remove(file) == 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_committed_is_there_again),
        TEST(folder_and_files_are_for_us_alone),
        TEST(memory_and_disk_are_bounded),
        TEST(a_second_owner_is_told_and_touches_nothing),
        TEST(what_is_no_database_is_set_aside_with_what_lies_beside_it),
        TEST(what_is_too_short_for_a_head_is_set_aside),
        TEST(no_more_than_four_are_set_aside),
        TEST(a_database_of_something_else_is_set_aside),
        TEST(what_lacks_a_table_is_set_aside),
        TEST(what_is_not_ours_is_not_changed),
        TEST(a_file_of_a_newer_program_is_left_alone),
        TEST(a_file_cut_anywhere_is_read_or_set_aside),
        TEST(a_page_that_is_neither_in_the_file_nor_in_its_log_is_missed),
        TEST(what_turns_out_to_be_damaged_is_begun_anew),
        TEST(what_others_may_write_to_is_refused),
        TEST(a_link_a_pipe_and_a_folder_that_is_a_file_are_refused),
        TEST(an_older_file_is_migrated_at_once_with_a_copy),
        TEST(a_migration_that_fails_leaves_the_file_as_it_was),
        TEST(who_reads_is_told_what_there_is_instead),
        TEST(text_of_nothing_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
