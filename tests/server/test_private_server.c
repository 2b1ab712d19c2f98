#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/log.h"
#include "server/commands/expect_seen.h"
#include "server/commands/expect_settings.h"
#include "server/commands/private_server.h"
#include "server/receive/code_paths.h"
#include "tests/support/temp_file.h"
#include "tests/support/udp.h"

/* On the heap, as the server's threads look at it. */
struct rig {
    char folder[TEMP_PATH_SIZE];
    struct settings settings;
    struct expect_seen *seen;
    struct private_server *server;
};

static int set_up(void **state)
{
    static char environment[] = "DD_API_KEY=0123456789abcdef0123456789abcdef";
    static char *sets[] = { "statsd_metric_namespace=shop", "api_key=0123456789abcdef",
                            "heeler_http_listen=127.0.0.1:0", "heeler_state_path=/nowhere" };
    struct command_line line = { .sets = sets, .n_sets = 4 };
    struct rig *rig = calloc(1, sizeof *rig);
    char problem[512];

    *state = rig;
    code_paths_choose_or_exit();
    log_set_level(LOG_LEVEL_ERROR);
    putenv(environment);
    temp_folder_make(rig->folder);
    if (!expect_settings(&rig->settings, &line, rig->folder))
        return -1;
    rig->seen = expect_seen_new("expect");
    rig->server = private_server_start(
        &rig->settings, "expect", expect_seen_observer(rig->seen), problem, sizeof problem);
    if (rig->server == NULL)
        fprintf(stderr, "%s\n", problem);
    return rig->server != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    struct private_account account;

    if (rig->server != NULL)
        private_server_stop(rig->server, &account);
    expect_seen_free(rig->seen);
    settings_free(&rig->settings);
    temp_folder_remove(rig->folder);
    free(rig);
    return 0;
}

/* Nothing of it is sent, kept or shown, whoever asks for that. */
static void it_is_in_local_mode(void **state)
{
    const struct rig *rig = *state;

    assert_true(settings_is_local(&rig->settings));
    assert_int_equal(rig->settings.heeler_http_listen.n, 0);
    assert_string_equal(rig->settings.heeler_state_path, "");
    assert_string_equal(rig->settings.statsd_metric_namespace, "shop");
}

static void what_is_in_its_sockets_at_the_end_is_seen(void **state)
{
    struct rig *rig = *state;
    struct private_account account;
    char name[64];
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int local = socket(AF_UNIX, SOCK_DGRAM, 0);

    snprintf(name, sizeof name, "udp 127.0.0.1:%d", private_server_udp_port(rig->server));
    snprintf(address.sun_path, sizeof address.sun_path, "%s/dsd.socket", rig->folder);
    assert_int_equal(connect(local, (struct sockaddr *)&address, sizeof address), 0);
    int fd = udp_sender(name);
    for (int i = 0; i < 100; i++)
        udp_send(fd, "orders:1|c|#a:b\nbad|q");
    assert_true(send(local, "_sc|db|1", 8, 0) == 8);
    close(fd);
    close(local);
    assert_true(private_server_stop(rig->server, &account));
    rig->server = NULL;
    expect_seen_sort(rig->seen);
    assert_int_equal(account.datagrams, 101);
    assert_int_equal(account.lines, 201);
    assert_int_equal(account.rejected, 100);
    assert_int_equal(expect_seen_count(rig->seen), 2);
    const struct seen_item *item = expect_seen_at(rig->seen, 0);

    assert_true(slice_equal(item->fields[FIELD_NAME], SLICE("shop.orders")));
    assert_true(item->number == 100);
    assert_int_equal(item->n_tags, 1);
    assert_int_equal(item->fields[FIELD_HOST].len, 0);
    assert_int_equal(expect_seen_at(rig->seen, 1)->kind, EXPECT_CHECK);
    assert_int_not_equal(access(address.sun_path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_in_local_mode, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_in_its_sockets_at_the_end_is_seen, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
