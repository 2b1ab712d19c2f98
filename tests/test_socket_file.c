#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/socket_file.h"
#include "tests/support/temp_file.h"

static char folder[TEMP_PATH_SIZE];
static char problem[512];

static const struct socket_access standard = { 0722, (uid_t)-1, (gid_t)-1 };

static int make_folder(void **state)
{
    (void)state;
    temp_folder_make(folder);
    problem[0] = '\0';
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    temp_folder_remove(folder);
    return 0;
}

/* A view, good until the next call. */
static const char *in_folder(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int new_socket(int type)
{
    int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    return fd;
}

static bool bind_to(struct socket_file *file, int fd, const char *name)
{
    return socket_file_bind(file, fd, in_folder(name), &standard, problem, sizeof problem);
}

static int connect_to(const char *name, int type)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = new_socket(type);

    strcpy(address.sun_path, in_folder(name));
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool exists(const char *name)
{
    struct stat found;

    return lstat(in_folder(name), &found) == 0;
}

static void assert_problem(const char *part)
{
    if (strstr(problem, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, problem);
}

static void makes_missing_folders_and_sets_the_mode(void **state)
{
    struct socket_file file;
    struct stat made;
    int fd = new_socket(SOCK_DGRAM);
    mode_t mask = umask(022);
    (void)state;

    assert_true(bind_to(&file, fd, "a/b/c.socket"));
    assert_int_equal(lstat(in_folder("a/b/c.socket"), &made), 0);
    assert_true(S_ISSOCK(made.st_mode));
    assert_int_equal(made.st_mode & 07777, 0722);
    assert_int_equal(stat(in_folder("a/b"), &made), 0);
    assert_int_equal(made.st_mode & 07777, 0755);
    umask(mask);
    socket_file_remove(&file);
    assert_false(exists("a/b/c.socket"));
    close(fd);
}

static void replaces_what_a_dead_server_left(void **state)
{
    static const int types[] = { SOCK_DGRAM, SOCK_STREAM };
    (void)state;

    for (size_t i = 0; i < 4; i++) { /* the dead and the new one, of each type */
        struct socket_file dead, file;
        int fd = new_socket(types[i / 2]);
        assert_true(bind_to(&dead, fd, "s"));
        close(fd);
        assert_true(exists("s"));

        fd = new_socket(types[i % 2]);
        assert_true(bind_to(&file, fd, "s"));
        int client = connect_to("s", types[i % 2]);
        assert_true(client >= 0);
        close(client);
        socket_file_remove(&file);
        close(fd);
    }
}

static void never_touches_a_live_servers_socket(void **state)
{
    static const int types[] = { SOCK_DGRAM, SOCK_STREAM };
    (void)state;

    for (size_t i = 0; i < 4; i++) {
        struct socket_file live, file;
        int owner = new_socket(types[i / 2]), second = new_socket(types[i % 2]);

        assert_true(bind_to(&live, owner, "s"));
        assert_false(bind_to(&file, second, "s"));
        assert_problem("is in use");
        close(second);
        int client = connect_to("s", types[i / 2]);
        assert_true(client >= 0);
        close(client);
        socket_file_remove(&live);
        close(owner);
    }
}

/* connect() says EAGAIN then, and not ECONNREFUSED. */
static void knows_a_live_server_with_a_full_backlog(void **state)
{
    struct socket_file live, file;
    int owner = new_socket(SOCK_STREAM), second = new_socket(SOCK_STREAM), clients[8], n = 0;
    (void)state;

    assert_true(bind_to(&live, owner, "s"));
    assert_int_equal(listen(owner, 0), 0);
    while (n < 8 && (clients[n] = connect_to("s", SOCK_STREAM)) >= 0)
        n++;
    assert_true(n < 8);
    assert_false(bind_to(&file, second, "s"));
    assert_problem("is in use");
    while (n > 0)
        close(clients[--n]);
    socket_file_remove(&live);
    close(owner);
    close(second);
}

static void refuses_what_is_no_socket_and_leaves_it(void **state)
{
    struct socket_file dead, file;
    int fd = new_socket(SOCK_DGRAM);
    char target[256];
    (void)state;

    assert_true(bind_to(&dead, fd, "dead"));
    close(fd);
    close(open(in_folder("file"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_int_equal(mkdir(in_folder("folder"), 0700), 0);
    strcpy(target, in_folder("dead"));
    assert_int_equal(symlink(target, in_folder("link")), 0);
    assert_int_equal(symlink("/nowhere/at/all", in_folder("dangling")), 0);

    static const char *const names[] = { "file", "folder", "link", "dangling" };
    for (size_t i = 0; i < 4; i++) {
        fd = new_socket(SOCK_DGRAM);
        assert_false(bind_to(&file, fd, names[i]));
        assert_problem("is no socket");
        assert_true(exists(names[i]));
        close(fd);
    }
    assert_true(exists("dead"));
}

static void refuses_paths_that_cannot_be(void **state)
{
    struct socket_file file;
    char name[120];
    int fd = new_socket(SOCK_DGRAM);
    (void)state;

    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_false(bind_to(&file, fd, name));
    assert_problem("longer than 107 bytes");

    close(open(in_folder("file"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_false(bind_to(&file, fd, "file/s")); /* a file where a folder should be */
    assert_problem("Not a directory");
    assert_false(bind_to(&file, fd, "file/a/s"));
    assert_problem("cannot make the folder");
    close(fd);
}

static void takes_the_longest_path(void **state)
{
    struct socket_file file;
    char name[SOCKET_PATH_SIZE];
    size_t len = SOCKET_PATH_SIZE - 1 - strlen(folder) - 1;
    int fd = new_socket(SOCK_DGRAM);
    (void)state;

    memset(name, 'x', len);
    name[len] = '\0';
    assert_true(bind_to(&file, fd, name));
    int client = connect_to(name, SOCK_DGRAM);
    assert_true(client >= 0);
    close(client);
    socket_file_remove(&file);
    assert_false(exists(name));
    close(fd);
}

static void removes_only_its_own_file(void **state)
{
    struct socket_file first, second;
    int fd = new_socket(SOCK_DGRAM), successor = new_socket(SOCK_DGRAM);
    (void)state;

    assert_true(bind_to(&first, fd, "s"));
    assert_int_equal(unlink(in_folder("s")), 0);
    socket_file_remove(&first); /* gone: nothing happens */

    assert_true(bind_to(&second, successor, "s"));
    first = second;
    first.inode++; /* another file has taken the path */
    socket_file_remove(&first);
    assert_true(exists("s"));
    socket_file_remove(&second);
    assert_false(exists("s"));
    socket_file_remove(&second);
    close(fd);
    close(successor);
}

static void reads_mode_owner_and_group(void **state)
{
    static const struct {
        const char *mode, *owner, *group, *complaint; /* NULL: fine */
    } cases[] = {
        { "0722", "", "", NULL },
        { "777", "", "", NULL },
        { "0660", "0", "0", NULL }, /* ids that need no name */
        { "0660", "root", "root", NULL },
        { "", "", "", "heeler_socket_mode" },
        { "rwx", "", "", "heeler_socket_mode" },
        { "0788", "", "", "heeler_socket_mode" },
        { "4722", "", "", "heeler_socket_mode" }, /* setuid means nothing here */
        { "0722", "no-such-user", "", "heeler_socket_owner" },
        { "0722", "", "no-such-group", "heeler_socket_group" },
        { "0722", "4294967295", "", "heeler_socket_owner" }, /* "unchanged" to chown */
        { "0722", "", "99999999999", "heeler_socket_group" },
        { "0722", "-1", "", "heeler_socket_owner" },
    };
    struct socket_access access;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool read = socket_access_read(&access, cases[i].mode, cases[i].owner, cases[i].group,
                                       problem, sizeof problem);
        assert_int_equal(read, cases[i].complaint == NULL);
        if (!read)
            assert_problem(cases[i].complaint);
    }
}

static void sets_owner_and_group(void **state)
{
    struct socket_file file;
    struct socket_access access;
    struct stat made;
    int fd = new_socket(SOCK_STREAM);
    (void)state;

    assert_true(socket_access_read(&access, "0770", "12345", "54321", problem, sizeof problem));
    bool bound = socket_file_bind(&file, fd, in_folder("s"), &access, problem, sizeof problem);
    if (bound) { /* root */
        assert_int_equal(lstat(in_folder("s"), &made), 0);
        assert_int_equal(made.st_uid, 12345);
        assert_int_equal(made.st_gid, 54321);
        assert_int_equal(made.st_mode & 07777, 0770);
        socket_file_remove(&file);
    } else {
        assert_problem("owner and group cannot be set");
    }
    assert_false(exists("s"));
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(makes_missing_folders_and_sets_the_mode),
        TEST(replaces_what_a_dead_server_left),
        TEST(never_touches_a_live_servers_socket),
        TEST(knows_a_live_server_with_a_full_backlog),
        TEST(refuses_what_is_no_socket_and_leaves_it),
        TEST(refuses_paths_that_cannot_be),
        TEST(takes_the_longest_path),
        TEST(removes_only_its_own_file),
        TEST(reads_mode_owner_and_group),
        TEST(sets_owner_and_group),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
