#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/log.h"
#include "config/log_syslog.h"
#include "tests/support/temp_file.h"

/* A daemon: a datagram socket with a name. */
struct rig {
    char folder[TEMP_PATH_SIZE];
    char path[TEMP_PATH_SIZE + 8];
    int fd;
};

static void daemon_start(struct rig *rig)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };

    unlink(rig->path);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", rig->path);
    rig->fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(rig->fd, (struct sockaddr *)&at, sizeof at), 0);
}

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);

    *state = rig;
    if (rig == NULL)
        return -1;
    temp_folder_make(rig->folder);
    snprintf(rig->path, sizeof rig->path, "%s/log", rig->folder);
    daemon_start(rig);
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    close(rig->fd);
    temp_folder_remove(rig->folder);
    free(rig);
    return 0;
}

/* The next datagram; a view. */
static const char *receive(struct rig *rig)
{
    static char text[8192];
    ssize_t n = recv(rig->fd, text, sizeof text - 1, 0);

    assert_true(n >= 0);
    text[n] = '\0';
    return text;
}

static void a_uri_is_a_socket(void **state)
{
    const char *path;
    (void)state;

    assert_true(log_syslog_parse("", &path));
    assert_string_equal(path, "/dev/log");
    assert_true(log_syslog_parse("unixgram:///run/log", &path));
    assert_string_equal(path, "/run/log");
    assert_false(log_syslog_parse("unixgram://", &path));
    assert_false(log_syslog_parse("udp://localhost:514", &path));
    assert_false(log_syslog_parse("/dev/log", &path));
}

static void headers_are_those_of_the_two_standards(void **state)
{
    char out[400], expected[64];
    (void)state;

    log_syslog_header(LOG_LEVEL_ERROR, false, 0, out, sizeof out);
    snprintf(expected, sizeof expected, " heeler[%ld]: ", (long)getpid());
    assert_memory_equal(out, "<27>", 4);
    assert_string_equal(out + 4 + 15, expected);
    log_syslog_header(LOG_LEVEL_INFO, true, INT64_C(1700000000123000000), out, sizeof out);
    assert_memory_equal(out, "<30>1 2023-11-14T22:13:20.123Z ", 31);
    snprintf(expected, sizeof expected, " heeler %ld - - ", (long)getpid());
    assert_non_null(strstr(out, expected));
}

static void each_line_is_a_datagram(void **state)
{
    struct rig *rig = *state;
    struct log_syslog *syslog = log_syslog_new(rig->path);

    assert_non_null(syslog);
    assert_true(log_syslog_write(syslog, "one\ntwo\n", 8));
    assert_string_equal(receive(rig), "one");
    assert_string_equal(receive(rig), "two");
    log_syslog_free(syslog);
}

static void a_daemon_may_come_and_go(void **state)
{
    struct rig *rig = *state;
    struct log_syslog *syslog = log_syslog_new(rig->path);

    assert_true(log_syslog_write(syslog, "one\n", 4));
    close(rig->fd);
    assert_false(log_syslog_write(syslog, "lost\n", 5));
    daemon_start(rig);
    assert_true(log_syslog_write(syslog, "two\n", 4));
    assert_string_equal(receive(rig), "two");
    close(rig->fd);
    daemon_start(rig);
    assert_true(log_syslog_write(syslog, "three\n", 6)); /* not even one is lost then */
    assert_string_equal(receive(rig), "three");
    log_syslog_free(syslog);
}

static void the_log_goes_there_too(void **state)
{
    struct rig *rig = *state;

    assert_true(log_open(LOG_LEVEL_INFO, "", false, false));
    assert_true(log_to_syslog(rig->path, false));
    log_warn("a\nb");
    log_close();
    const char *text = receive(rig);
    assert_memory_equal(text, "<28>", 4);
    assert_string_equal(strstr(text, "]: "), "]: a\\nb");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_uri_is_a_socket),
        cmocka_unit_test(headers_are_those_of_the_two_standards),
        cmocka_unit_test_setup_teardown(each_line_is_a_datagram, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_daemon_may_come_and_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_log_goes_there_too, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
