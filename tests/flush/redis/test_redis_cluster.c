#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "tests/support/redis_server.h"
#include "tests/support/redis_talk.h"

/* One cluster for all tests, in their order: the last one loses a master. */
static struct redis_cluster cluster;

enum { KEYS = 200 };

static int start_cluster(void **state)
{
    (void)state;
    redis_cluster_start(&cluster);
    undo_forget_all();
    return 0;
}

static int stop_cluster(void **state)
{
    (void)state;
    redis_cluster_stop(&cluster);
    return 0;
}

/* Every key, spread over all slots, to that value. */
static void set_all(struct talk *talk, int value)
{
    char key[32], text[16];

    snprintf(text, sizeof text, "%d", value);
    for (uint64_t i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "h:{key%d}:10", (int)i);
        talk_send(talk, i, "HSET", key, "f", text, NULL);
    }
}

static char *get_anywhere(const char *key)
{
    char *answer = NULL;

    for (int i = 0; i < REDIS_CLUSTER_SIZE; i++) {
        if (cluster.nodes[i].pid == 0)
            continue;
        free(answer);
        answer = redis_server_ask(&cluster.nodes[i], "HGET", key, "f", NULL);
        if (strncmp(answer, "MOVED", 5) != 0 && strncmp(answer, "ASK", 3) != 0)
            break;
    }
    return answer;
}

static void expect_all(const char *value)
{
    for (int i = 0; i < KEYS; i++) {
        char key[32];

        snprintf(key, sizeof key, "h:{key%d}:10", i);
        char *found = get_anywhere(key);

        if (strcmp(found, value) != 0)
            fail_msg("%s is %s, not %s", key, found, value);
        free(found);
    }
}

/* Who stalls a server gives a time-out, which is then all that there is to wait for. */
static void start_with(struct talk *talk, int node, int64_t timeout_ms)
{
    talk_start(talk, (struct redis_client_config){ .url = cluster.nodes[node].url,
                                                   .cluster = true,
                                                   .reply_ms = timeout_ms,
                                                   .connect_ms = timeout_ms });
    talk_until(talk, &talk->ups, 1);
}

static void start_at(struct talk *talk, int node)
{
    start_with(talk, node, 0);
}

static void any_node_leads_to_all(void **state)
{
    (void)state;
    for (int node = 0; node < REDIS_CLUSTER_SIZE; node += 4) { /* a master, a replica */
        struct talk talk = { 0 };
        char value[16];

        start_at(&talk, node);
        set_all(&talk, node + 1);
        talk_until(&talk, &talk.replies, KEYS);
        assert_int_equal(talk.errors + talk.failed + talk.downs, 0);
        snprintf(value, sizeof value, "%d", node + 1);
        expect_all(value);
        talk_stop(&talk);
    }
}

static void without_the_option_a_cluster_says_which_it_is(void **state)
{
    struct talk talk = { 0 };
    (void)state;

    talk_start(&talk, (struct redis_client_config){ .url = cluster.nodes[0].url });
    talk_until(&talk, &talk.ups, 1);
    set_all(&talk, 1);
    talk_until(&talk, &talk.downs, 1);
    assert_int_equal(talk.replies + talk.failed, KEYS);
    assert_int_equal(talk.failure, REDIS_FAILED_CLUSTER);
    assert_non_null(strstr(talk.sentence, "heeler_redis_cluster must be on"));
    talk_stop(&talk);
}

static void a_single_server_is_no_cluster(void **state)
{
    static struct redis_server server = { 0 };
    struct talk talk = { 0 };
    (void)state;

    redis_server_start(&server);
    talk_start(&talk, (struct redis_client_config){ .url = server.url, .cluster = true });
    talk_until(&talk, &talk.downs, 2);
    assert_int_equal(talk.failure, REDIS_FAILED_CLUSTER);
    assert_non_null(strstr(talk.sentence, "cluster support disabled"));
    talk_stop(&talk);
    redis_server_stop(&server);
}

static char *id_of(int node)
{
    return redis_server_ask(&cluster.nodes[node], "CLUSTER", "MYID", NULL);
}

/* Moves the slot of key 0 from its master to another, keeping its key; the steps are
 * those of a migration, and between them the client writes. */
static void a_slot_is_followed_while_it_moves(void **state)
{
    char slot[16], port[16];
    struct talk talk = { 0 };
    unsigned number = redis_key_slot(SLICE("key0"));
    int from = number <= 5460 ? 0 : number <= 10922 ? 1 : 2;
    int to = (from + 1) % 3;
    char *from_id = id_of(from), *to_id = id_of(to);
    (void)state;

    snprintf(slot, sizeof slot, "%u", number);
    snprintf(port, sizeof port, "%d", cluster.nodes[to].port);
    start_at(&talk, from);
    redis_server_expect(&cluster.nodes[to], "OK", "CLUSTER", "SETSLOT", slot, "IMPORTING",
                        from_id);
    redis_server_expect(&cluster.nodes[from], "OK", "CLUSTER", "SETSLOT", slot, "MIGRATING",
                        to_id);
    set_all(&talk, 10); /* still at the old place */
    talk_until(&talk, &talk.replies, KEYS);
    redis_server_expect(&cluster.nodes[from], "OK", "MIGRATE", "127.0.0.1", port, "h:{key0}:10",
                        "0", "5000");
    set_all(&talk, 11); /* ASK for that key */
    talk_until(&talk, &talk.replies, 2 * KEYS);
    assert_int_equal(talk.errors + talk.failed + talk.downs, 0);
    redis_server_expect(&cluster.nodes[to], "OK", "CLUSTER", "SETSLOT", slot, "NODE", to_id);
    redis_server_expect(&cluster.nodes[from], "OK", "CLUSTER", "SETSLOT", slot, "NODE", to_id);
    set_all(&talk, 12); /* MOVED: it fails, and the client comes up anew */
    talk_until(&talk, &talk.downs, 1);
    assert_int_equal(talk.failure, REDIS_FAILED_CLUSTER);
    assert_int_equal(talk.replies + talk.failed, 3 * KEYS);
    assert_int_equal(talk.fates[0], 'f');
    talk_until(&talk, &talk.ups, 2);
    int downs = talk.downs;

    set_all(&talk, 13);
    talk_until(&talk, &talk.replies, talk.replies + KEYS);
    assert_int_equal(talk.downs, downs);
    expect_all("13");
    talk_stop(&talk);
    free(from_id);
    free(to_id);
}

static void a_stalled_master_holds_all_until_it_answers(void **state)
{
    struct talk talk = { 0 };
    (void)state;

    start_with(&talk, 0, 1000);
    int downs = talk.downs; /* on a busy machine it may not be up at once */

    kill(cluster.nodes[1].pid, SIGSTOP);
    set_all(&talk, 20);
    talk_until(&talk, &talk.downs, downs + 1);
    assert_int_equal(talk.replies + talk.failed, KEYS);
    assert_true(talk.failed > 0);
    kill(cluster.nodes[1].pid, SIGCONT);
    talk_until(&talk, &talk.ups, 2);
    redis_cluster_wait(&cluster);
    talk_stop(&talk);
}

static void write_again(struct talk *talk)
{
    set_all(talk, 31);
}

static void a_lost_master_is_replaced_by_its_replica(void **state)
{
    struct talk talk = { 0 };
    (void)state;

    start_at(&talk, 2);
    set_all(&talk, 30);
    talk_until(&talk, &talk.replies, KEYS);
    redis_server_kill(&cluster.nodes[2]);
    talk_until(&talk, &talk.downs, 1);
    memset(talk.fates, 0, sizeof talk.fates);
    talk.on_up = write_again;
    while (memchr(talk.fates, 'f', KEYS) != NULL || memchr(talk.fates, 0, KEYS) != NULL)
        talk_until(&talk, &talk.replies, talk.replies + 1);
    expect_all("31");
    talk_stop(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_node_leads_to_all),
        cmocka_unit_test(without_the_option_a_cluster_says_which_it_is),
        cmocka_unit_test(a_single_server_is_no_cluster),
        cmocka_unit_test(a_slot_is_followed_while_it_moves),
        cmocka_unit_test(a_stalled_master_holds_all_until_it_answers),
        cmocka_unit_test(a_lost_master_is_replaced_by_its_replica),
    };

    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_LEVEL_OFF);
    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
