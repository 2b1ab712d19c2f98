#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/log.h"
#include "server/succession/notify.h"
#include "tests/support/temp_file.h"

/* Bound to that path, or to a name of the abstract space; NOTIFY_SOCKET says so. */
static int manager_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t len = strlen(path);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    memcpy(address.sun_path, path, len);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    assert_int_equal(
        bind(fd, (struct sockaddr *)&address,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] != '@'))),
        0);
    setenv("NOTIFY_SOCKET", path, 1);
    return fd;
}

static const char *heard(int manager, int *fd)
{
    static char text[256];
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct iovec part = { text, sizeof text - 1 };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control,
                              .msg_controllen = sizeof control };
    ssize_t n = recvmsg(manager, &message, MSG_DONTWAIT);

    text[n > 0 ? n : 0] = '\0';
    *fd = -1;
    if (n > 0 && CMSG_FIRSTHDR(&message) != NULL)
        memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof *fd);
    return text;
}

static void the_manager_hears_every_step(void **state)
{
    char folder[TEMP_PATH_SIZE], path[96], name[64];
    int fd, pipes[2];
    struct stat ours, theirs;
    (void)state;

    temp_folder_make(folder);
    snprintf(path, sizeof path, "%s/n", folder);
    snprintf(name, sizeof name, "@heeler-test-%ld", (long)getpid());
    assert_int_equal(pipe(pipes), 0);
    for (int i = 0; i < 2; i++) {
        int manager = manager_at(i == 0 ? path : name);

        notify_ready();
        assert_string_equal(heard(manager, &fd), "READY=1\n");
        notify_reloading();
        assert_memory_equal(heard(manager, &fd), "RELOADING=1\nMONOTONIC_USEC=", 27);
        notify_stopping();
        assert_string_equal(heard(manager, &fd), "STOPPING=1\n");
        notify_forget("x");
        assert_string_equal(heard(manager, &fd), "FDSTOREREMOVE=1\nFDNAME=x\n");
        assert_true(notify_store(pipes[0], "x"));
        assert_string_equal(heard(manager, &fd), "FDSTORE=1\nFDNAME=x\nFDPOLL=0\n");
        assert_int_equal(fstat(pipes[0], &ours), 0);
        assert_int_equal(fstat(fd, &theirs), 0);
        assert_true(ours.st_ino == theirs.st_ino);
        close(fd);
        close(manager);
    }
    close(pipes[0]);
    close(pipes[1]);
    temp_folder_remove(folder);
}

static void without_a_manager_nothing_is_said(void **state)
{
    static const char *const none[] = { "", "relative", "/nowhere/at/all" };
    (void)state;

    unsetenv("NOTIFY_SOCKET");
    notify_ready();
    assert_false(notify_store(0, "x"));
    setenv("FDSTORE", "1", 1);
    assert_false(notify_has_store());
    log_set_level(LOG_LEVEL_OFF);
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        setenv("NOTIFY_SOCKET", none[i], 1);
        assert_false(notify_store(0, "x"));
    }
    assert_true(notify_has_store()); /* the last one is a path */
    setenv("FDSTORE", "0", 1);
    assert_false(notify_has_store());
    unsetenv("FDSTORE");
    assert_false(notify_has_store());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manager_hears_every_step),
        cmocka_unit_test(without_a_manager_nothing_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
