#include "tests/support/redis_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <hiredis/hiredis.h>

#include "config/clock.h"

/* Another process is asked until it is ready; only one that never is takes a minute. */
enum { WAIT_S = 60, PAUSE_MS = 10, MAX_WORDS = 16, ANSWER_MAX = 65536 };

static int64_t wait_begin(void)
{
    return clock_monotonic_ns() + WAIT_S * INT64_C(1000000000);
}

/* False: too late. */
static bool wait_more(int64_t until_ns)
{
    poll(NULL, 0, PAUSE_MS);
    return clock_monotonic_ns() < until_ns;
}

/* A port for a server that says SO_REUSEADDR, as redis-server does: it may listen there, and
 * the kernel gives it to nobody else for as long as *held is open. */
static int hold_port(int *held)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof at;

    *held = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(*held, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)), 0);
    assert_int_equal(bind(*held, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(*held, (struct sockaddr *)&at, &len), 0);
    return ntohs(at.sin_port);
}

/* ---- asking ------------------------------------------------------------ */

static void write_reply(const redisReply *reply, char *out, size_t size)
{
    size_t len = strlen(out);

    if (reply->type == REDIS_REPLY_INTEGER)
        snprintf(out + len, size - len, "%lld", reply->integer);
    else if (reply->type == REDIS_REPLY_NIL)
        snprintf(out + len, size - len, "(nil)");
    else if (reply->type != REDIS_REPLY_ARRAY)
        snprintf(out + len, size - len, "%s", reply->str);
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
        write_reply(reply->element[i], out, size);
        len = strlen(out);
        snprintf(out + len, size - len, "%s", i + 1 < reply->elements ? "\n" : "");
    }
}

static redisContext *reach(const struct redis_server *server)
{
    redisContext *to =
        redisConnectUnixWithTimeout(server->socket, (struct timeval){ .tv_sec = 5 });

    if (to != NULL && to->err == 0 && server->password[0] != '\0')
        freeReplyObject(redisCommand(to, "AUTH %s", server->password));
    return to;
}

/* NULL: it cannot be reached. */
static char *ask(const struct redis_server *server, int n, const char **words)
{
    redisContext *to = reach(server);
    redisReply *reply =
        to != NULL && to->err == 0 ? redisCommandArgv(to, n, words, NULL) : NULL;
    char *answer = NULL;

    if (reply != NULL) {
        answer = calloc(1, ANSWER_MAX);
        write_reply(reply, answer, ANSWER_MAX);
        freeReplyObject(reply);
    }
    if (to != NULL)
        redisFree(to);
    return answer;
}

char *redis_server_ask(const struct redis_server *server, const char *word, ...)
{
    const char *words[MAX_WORDS] = { word };
    int n = 1;
    va_list list;

    va_start(list, word);
    while (n < MAX_WORDS && (words[n] = va_arg(list, const char *)) != NULL)
        n++;
    va_end(list);
    char *answer = ask(server, n, words);

    if (answer == NULL)
        fail_msg("redis-server at port %d does not answer %s", server->port, word);
    return answer;
}

/* ---- start and stop ---------------------------------------------------- */

static void add(char *arguments[], int *n, const char *name, const char *value)
{
    arguments[(*n)++] = strdup(name);
    arguments[(*n)++] = strdup(value);
}

static void run(const struct redis_server *server)
{
    char *arguments[64] = { strdup("redis-server") };
    char port[16], log[128];
    int n = 1;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(port, sizeof port, "%d", server->port);
    snprintf(log, sizeof log, "%s/log", server->folder);
    add(arguments, &n, "--port", server->certificate[0] != '\0' ? "0" : port);
    add(arguments, &n, "--bind", "127.0.0.1");
    add(arguments, &n, "--dir", server->folder);
    add(arguments, &n, "--unixsocket", server->socket);
    add(arguments, &n, "--logfile", log);
    add(arguments, &n, "--save", "");
    add(arguments, &n, "--appendonly", "yes");
    if (server->password[0] != '\0')
        add(arguments, &n, "--requirepass", server->password);
    if (server->certificate[0] != '\0') {
        add(arguments, &n, "--tls-port", port);
        add(arguments, &n, "--tls-cert-file", server->certificate);
        add(arguments, &n, "--tls-key-file", server->key);
        add(arguments, &n, "--tls-auth-clients", "no");
        add(arguments, &n, "--tls-ca-cert-file", server->certificate);
    }
    if (server->cluster) {
        snprintf(port, sizeof port, "%d", server->bus_port);
        add(arguments, &n, "--cluster-enabled", "yes");
        add(arguments, &n, "--cluster-port", port);
        /* Long enough that no node is given up for dead on a loaded machine. */
        add(arguments, &n, "--cluster-node-timeout", "3000");
        add(arguments, &n, "--cluster-replica-validity-factor", "0");
        add(arguments, &n, "--repl-diskless-sync-delay", "0");
    }
    for (int i = 0; server->extra[i] != NULL; i++)
        arguments[n++] = strdup(server->extra[i]);
    execvp(arguments[0], arguments);
    perror("redis-server");
    _exit(127);
}

static void wait_until_it_answers(struct redis_server *server)
{
    int64_t until_ns = wait_begin();

    do {
        char *answer = ask(server, 1, (const char *[]){ "PING" });
        bool answers = answer != NULL && strcmp(answer, "PONG") == 0;

        free(answer);
        if (answers)
            return;
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid) {
            server->pid = 0;
            break;
        }
    } while (wait_more(until_ns));
    fail_msg("redis-server does not start; see \"make deps\"");
}

void redis_server_restart(struct redis_server *server)
{
    server->pid = fork();
    if (server->pid == 0)
        run(server);
    assert_true(server->pid > 0);
    wait_until_it_answers(server);
}

static void undo(void *what)
{
    redis_server_stop(what);
}

void redis_server_start(struct redis_server *server)
{
    server->held[0] = server->held[1] = -1;
    undo_later(undo, server);
    temp_folder_make(server->folder);
    snprintf(server->socket, sizeof server->socket, "%s/socket", server->folder);
    server->port = hold_port(&server->held[0]);
    server->bus_port = hold_port(&server->held[1]);
    snprintf(server->url, sizeof server->url, "redis%s://127.0.0.1:%d",
             server->certificate[0] != '\0' ? "s" : "", server->port);
    redis_server_restart(server);
}

void redis_server_kill(struct redis_server *server)
{
    if (server->pid == 0)
        return;
    kill(server->pid, SIGCONT);
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

void redis_server_stop(struct redis_server *given)
{
    undo_forget(given);
    redis_server_kill(given);
    if (given->folder[0] == '\0')
        return;
    temp_folder_remove(given->folder);
    given->folder[0] = '\0';
    for (int i = 0; i < 2; i++)
        close(given->held[i]);
}

/* ---- a cluster --------------------------------------------------------- */

static int known_nodes(const struct redis_server *server)
{
    char *info = redis_server_ask(server, "CLUSTER", "INFO", (const char *)NULL);
    const char *known = strstr(info, "cluster_known_nodes:");
    bool ok = strstr(info, "cluster_state:ok") != NULL;
    int n = known != NULL ? atoi(known + strlen("cluster_known_nodes:")) : 0;

    free(info);
    return ok ? n : -n;
}

static void wait_for_nodes(struct redis_cluster *cluster, bool state_ok)
{
    int64_t until_ns = wait_begin();

    do {
        int ready = 0;

        for (int node = 0; node < REDIS_CLUSTER_SIZE; node++) {
            int known = cluster->nodes[node].pid != 0 ? known_nodes(&cluster->nodes[node])
                                                      : REDIS_CLUSTER_SIZE;

            ready += known == REDIS_CLUSTER_SIZE || (!state_ok && -known == REDIS_CLUSTER_SIZE);
        }
        if (ready == REDIS_CLUSTER_SIZE)
            return;
    } while (wait_more(until_ns));
    fail_msg("the cluster does not come together");
}

void redis_cluster_wait(struct redis_cluster *cluster)
{
    wait_for_nodes(cluster, true);
}

static void meet(const struct redis_server *one, const struct redis_server *other)
{
    char port[16], *bus = redis_server_ask(other, "CONFIG", "GET", "cluster-port", NULL);

    snprintf(port, sizeof port, "%d", other->port);
    redis_server_expect(one, "OK", "CLUSTER", "MEET", "127.0.0.1", port, strchr(bus, '\n') + 1);
    free(bus);
}

static void follow(const struct redis_server *replica, const struct redis_server *master)
{
    char *id = redis_server_ask(master, "CLUSTER", "MYID", (const char *)NULL);
    int64_t until_ns = wait_begin();
    char *answer;

    while (true) {
        answer = redis_server_ask(replica, "CLUSTER", "REPLICATE", id, (const char *)NULL);
        if (strcmp(answer, "OK") == 0)
            break;
        if (!wait_more(until_ns))
            fail_msg("a replica does not follow: %s", answer);
        free(answer);
    }
    free(answer);
    free(id);
}

static bool is_linked(const struct redis_server *replica)
{
    char *info = redis_server_ask(replica, "INFO", "replication", NULL);
    bool up = strstr(info, "master_link_status:up") != NULL;

    free(info);
    return up;
}

static void wait_for_replicas(struct redis_cluster *cluster)
{
    int64_t until_ns = wait_begin();

    for (int i = 3; i < REDIS_CLUSTER_SIZE; i++)
        while (!is_linked(&cluster->nodes[i]))
            if (!wait_more(until_ns))
                fail_msg("a replica is not linked to its master");
}

void redis_cluster_start(struct redis_cluster *cluster)
{
    static const char *const slots[][2] = { { "0", "5460" },
                                            { "5461", "10922" },
                                            { "10923", "16383" } };

    for (int i = 0; i < REDIS_CLUSTER_SIZE; i++) {
        cluster->nodes[i].cluster = true;
        redis_server_start(&cluster->nodes[i]);
    }
    for (int i = 1; i < REDIS_CLUSTER_SIZE; i++)
        meet(&cluster->nodes[0], &cluster->nodes[i]);
    for (int i = 0; i < 3; i++)
        redis_server_expect(&cluster->nodes[i], "OK", "CLUSTER", "ADDSLOTSRANGE", slots[i][0],
                            slots[i][1]);
    wait_for_nodes(cluster, false);
    for (int i = 3; i < REDIS_CLUSTER_SIZE; i++)
        follow(&cluster->nodes[i], &cluster->nodes[i - 3]);
    redis_cluster_wait(cluster);
    wait_for_replicas(cluster);
}

void redis_cluster_stop(struct redis_cluster *given)
{
    for (int i = 0; i < REDIS_CLUSTER_SIZE; i++)
        redis_server_stop(&given->nodes[i]);
}
