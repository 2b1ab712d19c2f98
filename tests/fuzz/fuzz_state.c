/* fuzz_state: a state of any bytes, as a file and as its parts. The checksums of the
 * file are left to the bytes; the parts are read as if they were right. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "config/load.h"
#include "config/log.h"
#include "flush/flusher.h"
#include "flush/queue.h"

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

    while ((payload = queue_read(&in)) != NULL)
        payload_free(payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct state state;
    char problem[160];

    (void)state_open(&state, data, size, problem, sizeof problem);
    if (size == 0)
        return 0;
    uint32_t version = data[0] == '1' ? STATE_VERSION_READ : STATE_VERSION;
    struct state_reader in = { data + 1, data + size, false, version };

    if (data[0] == 'p')
        read_payloads(in);
    else
        restore(in);
    return 0;
}
