#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/receive/socket_file.h"
#include "tests/support/temp_file.h"

static char folder[TEMP_PATH_SIZE];
static char problem[512];

/* Somebody who is at work between bind and whatever comes next. */
static void (*between)(void);

int bind(int fd, const struct sockaddr *at, socklen_t size)
{
    int (*real)(int, const struct sockaddr *, socklen_t);

    *(void **)&real = dlsym(RTLD_NEXT, "bind");
    int result = real(fd, at, size);
    if (result == 0 && between != NULL)
        between();
    return result;
}

static const struct socket_access standard = { 0722, (uid_t)-1, (gid_t)-1 };

static int make_folder(void **state)
{
    (void)state;
    temp_folder_make(folder);
    problem[0] = '\0';
    between = NULL;
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

/* ---- a folder where others may write ----------------------------------- */

static void move_away(const char *name)
{
    char from[256];

    strcpy(from, in_folder(name));
    assert_int_equal(rename(from, in_folder("away")), 0);
}

static void put_a_link(void)
{
    char target[256];

    strcpy(target, in_folder("victim"));
    move_away("s");
    assert_int_equal(symlink(target, in_folder("s")), 0);
}

static void make_victim(void)
{
    close(open(in_folder("victim"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_int_equal(chmod(in_folder("victim"), 0600), 0);
}

static void assert_victim_is_well(void)
{
    struct stat victim;

    assert_int_equal(lstat(in_folder("victim"), &victim), 0);
    assert_int_equal(victim.st_mode & 07777, 0600);
    assert_int_equal(victim.st_uid, geteuid());
    assert_int_equal(victim.st_gid, getegid());
}

static void a_link_swapped_in_behind_bind_leads_nowhere(void **state)
{
    struct socket_access accesses[] = { standard, { 0777, 12345, 54321 } };
    (void)state;

    make_victim();
    between = put_a_link;
    for (size_t i = 0; i < 4; i++) {
        struct socket_file file;
        int fd = new_socket(i < 2 ? SOCK_DGRAM : SOCK_STREAM);
        assert_false(socket_file_bind(&file, fd, in_folder("s"), &accesses[i % 2], problem,
                                      sizeof problem));
        assert_problem("is no socket of ours");
        assert_victim_is_well();
        socket_file_remove(&file);
        assert_true(exists("s")); /* the link is not ours */
        assert_int_equal(unlink(in_folder("s")), 0);
        close(fd);
    }
}

static void put_a_socket_of_another_user(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = new_socket(SOCK_DGRAM);

    between = NULL;
    strcpy(address.sun_path, in_folder("s"));
    assert_int_equal(unlink(address.sun_path), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(lchown(address.sun_path, 12345, 12345), 0);
    close(fd);
}

static void a_socket_swapped_in_is_not_taken_for_ours(void **state)
{
    struct socket_file file;
    int fd = new_socket(SOCK_DGRAM);
    (void)state;

    if (geteuid() == 0) { /* who else could play two users */
        between = put_a_socket_of_another_user;
        assert_false(bind_to(&file, fd, "s"));
        assert_problem("is no socket of ours");
        socket_file_remove(&file);
        assert_true(exists("s"));
    }
    close(fd);
}

static void the_mode_is_there_from_the_first_moment(void **state)
{
    static const struct {
        mode_t mode, mask;
    } cases[] = { { 0722, 022 }, { 0777, 077 }, { 0700, 0 }, { 0, 022 }, { 0666, 0777 } };
    struct stat made;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct socket_access access = { cases[i].mode, (uid_t)-1, (gid_t)-1 };
        struct socket_file file;
        int fd = new_socket(SOCK_DGRAM);
        mode_t before = umask(cases[i].mask);
        assert_true(
            socket_file_bind(&file, fd, in_folder("s"), &access, problem, sizeof problem));
        assert_int_equal(umask(before), cases[i].mask); /* as it was */
        assert_int_equal(lstat(in_folder("s"), &made), 0);
        assert_int_equal(made.st_mode & 07777, cases[i].mode);
        socket_file_remove(&file);
        close(fd);
    }
}

static void no_owner_is_set_where_everybody_may_write(void **state)
{
    static const struct {
        mode_t folder;
        bool is_open;
    } cases[] = {
        { 0777, true }, { 0703, true }, { 01777, false }, { 0755, false }, { 0775, false }
    };
    struct socket_access access = { 0722, geteuid(), (gid_t)-1 };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct socket_file file;
        int fd = new_socket(SOCK_STREAM);
        assert_int_equal(chmod(folder, cases[i].folder), 0);
        assert_int_equal(socket_folder_is_open(in_folder("s")), cases[i].is_open);
        assert_int_equal(
            socket_file_bind(&file, fd, in_folder("s"), &access, problem, sizeof problem),
            !cases[i].is_open);
        if (cases[i].is_open)
            assert_problem("heeler_socket_owner and heeler_socket_group");
        assert_int_equal(exists("s"), !cases[i].is_open);
        socket_file_remove(&file);
        close(fd);
    }
    assert_false(socket_folder_is_open(in_folder("none/s")));
}

static void what_is_not_the_file_that_was_bound_stays(void **state)
{
    struct socket_file file;
    int fd = new_socket(SOCK_DGRAM), other = new_socket(SOCK_DGRAM);
    (void)state;

    assert_true(bind_to(&file, fd, "s"));
    move_away("s");
    struct socket_file theirs;
    assert_true(bind_to(&theirs, other, "s"));
    socket_file_remove(&file);
    assert_true(exists("s"));
    assert_true(exists("away"));
    socket_file_remove(&theirs);
    assert_false(exists("s"));
    close(fd);
    close(other);
}

/* rep-010: it was the errno of a look at the folder that came behind. */
static void a_folder_that_cannot_be_made_says_why(void **state)
{
    struct socket_file file;
    int fd = new_socket(SOCK_DGRAM);
    uid_t me = geteuid();
    (void)state;

    assert_int_equal(mkdir(in_folder("locked"), 0555), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    if (me == 0)
        assert_int_equal(seteuid(12345), 0);
    bool bound = bind_to(&file, fd, "locked/y/d.sock");
    if (me == 0)
        assert_int_equal(seteuid(0), 0);
    assert_false(bound);
    assert_problem("cannot make the folder ");
    assert_problem("/locked/y: Permission denied");
    close(fd);
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
        TEST(a_link_swapped_in_behind_bind_leads_nowhere),
        TEST(a_socket_swapped_in_is_not_taken_for_ours),
        TEST(the_mode_is_there_from_the_first_moment),
        TEST(no_owner_is_set_where_everybody_may_write),
        TEST(what_is_not_the_file_that_was_bound_stays),
        TEST(a_folder_that_cannot_be_made_says_why),
        TEST(reads_mode_owner_and_group),
        TEST(sets_owner_and_group),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
