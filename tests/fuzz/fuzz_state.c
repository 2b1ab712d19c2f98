/* fuzz_state: a state of any bytes, as a file and as its parts. The checksums of the
 * file are left to the bytes; the parts are read as if they were right. The first byte
 * says which: p and d the payloads (read, and taken over by a delivery), s the server's
 * part, e the variable that leads to all of it; any other the series. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/load.h"
#include "config/log.h"
#include "flush/delivery/delivery.h"
#include "flush/flusher.h"
#include "flush/payloads/payload_state.h"
#include "server/succession/inheritance.h"

static struct settings settings;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static char small[] = "heeler_max_contexts=100", *sets[] = { small }, *none[] = { NULL };
    struct settings_source source = { .environment = none, .sets = sets, .n_sets = 1 };
    struct problems problems = { 0 };

    (void)argc, (void)argv;
    log_set_level(LOG_LEVEL_OFF);
    if (!settings_load(&settings, &source, &problems))
        abort();
    problems_free(&problems);
    for (int fd = 0; fd < 3; fd++) /* or they would look as if they came through an exec */
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return 0;
}

static void restore(struct state_reader in)
{
    static struct flusher_ledger ledger;
    static struct worker_account account;
    struct arena_budget budget;
    struct inbox inbox;
    struct outbox outbox;
    char problem[256];

    arena_budget_init(&budget, 16 << 20);
    if (!inbox_open(&inbox) || !outbox_open(&outbox))
        abort();
    struct flusher_config config = { .settings = &settings,
                                     .hostname = "h",
                                     .workers = 1,
                                     .inbox = &inbox,
                                     .outbox = &outbox,
                                     .accounts = &account,
                                     .budget = &budget,
                                     .ledger = &ledger };
    struct flusher *flusher = flusher_new(&config, problem, sizeof problem);

    if (flusher == NULL)
        abort();
    if (flusher_restore(flusher, in, INT64_C(1700000000000000000), 1000000000))
        flusher_finish(flusher, 1700000010, INT64_C(11000000000));
    flusher_free(flusher);
    outbox_close(&outbox);
    inbox_close(&inbox);
}

static void read_payloads(struct state_reader in)
{
    struct payload *payload;

    while ((payload = payload_state_read(&in)) != NULL)
        payload_free(payload);
}

static void take_over(struct state_reader in)
{
    static struct delivery_ledger ledger;
    struct outbox outbox;
    struct state state = { .at = in.at, .size = (size_t)(in.end - in.at), .users = 1 };
    struct delivery_config config = {
        .timeout_ms = 1000, .queue_bytes = 1 << 20, .concurrent = 1, .inherited = &state
    };

    state.parts[STATE_PAYLOADS] = in;
    if (!outbox_open(&outbox))
        abort();
    struct delivery *delivery = delivery_start(&config, &outbox, &ledger);

    if (delivery == NULL || !delivery_stop(delivery, INT64_MAX / 2))
        abort();
    outbox_close(&outbox);
}

/* A connection and a datagram socket that the bytes may speak of. */
static void inherit(struct state_reader in)
{
    struct listener listener = { .kind = LISTENER_STREAM };
    struct listeners listeners = { .at = &listener, .n = 1 };
    struct inheritance *inheritance = inheritance_new();
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct inherited_socket found;
    int pair[2];

    if (inheritance == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        abort();
    snprintf(listener.name, sizeof listener.name, "s");
    inherited_add(&inheritance->sockets,
                  (struct inherited_socket){ .fd = pair[0], .connection = true });
    inherited_add(&inheritance->sockets,
                  (struct inherited_socket){ .fd = pair[1], .kept = true });
    inheritance->state =
        (struct state){ .at = in.at, .size = (size_t)(in.end - in.at), .users = 1 };
    inheritance->state.parts[STATE_SERVER] = in;
    inheritance->looked_at = true;
    (void)!inheritance_read(inheritance);
    stream_inherited_free(inheritance_connections(inheritance, &listeners));
    if (inherited_take(&inheritance->sockets, (struct sockaddr *)&address, SOCK_STREAM, false,
                       &found))
        close(found.fd);
    inheritance_free(inheritance);
}

static void find(const uint8_t *at, size_t size)
{
    char text[4096];

    if (size > 4000)
        return;
    snprintf(text, sizeof text, "%ld %.*s", (long)getpid(), (int)size, (const char *)at);
    setenv("HEELER_HANDOVER", text, 1);
    inheritance_free(inheritance_find());
    if (getenv("HEELER_HANDOVER") != NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct state state;
    char problem[160];

    (void)!state_open(&state, data, size, problem, sizeof problem);
    if (size == 0)
        return 0;
    uint32_t version = data[0] == '1' ? STATE_VERSION_READ : STATE_VERSION;
    struct state_reader in = { data + 1, data + size, false, version };

    switch (data[0]) {
    case 'p':
        read_payloads(in);
        break;
    case 'd':
        take_over(in);
        break;
    case 's':
        inherit(in);
        break;
    case 'e':
        find(data + 1, size - 1);
        break;
    default:
        restore(in);
    }
    return 0;
}
