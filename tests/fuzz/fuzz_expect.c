/* fuzz_expect: any bytes as a file of expectations, and as datagrams that are held against it.
 *
 * What stands ahead of the first byte 0x1f is the file, each part behind it a datagram. The
 * file is read whole or refused with sentences of printable ASCII; a report sends nothing to a
 * terminal but plain text; and what came, written as a file, can be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/log.h"
#include "config/shown.h"
#include "server/commands/expect_report.h"
#include "server/commands/expect_update.h"
#include "server/receive/code_paths.h"
#include "tests/support/pipeline.h"

enum { BUFFER_SIZE = 8192 }; /* dogstatsd_buffer_size */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    log_set_level(LOG_LEVEL_OFF);
    code_paths_choose_or_exit();
    return 0;
}

static void send_datagrams(struct pipeline *pipeline, struct slice rest)
{
    struct ingest *ingest = pipeline->workers[0].ingest;

    while (rest.len > 0) {
        struct slice datagram = slice_cut(&rest, 0x1f);

        if (datagram.len > BUFFER_SIZE)
            datagram.len = BUFFER_SIZE;
        ingest_datagram(ingest, datagram, false, "fuzz", pipeline->now_ns, 1000);
        ingest_settle(ingest);
    }
}

/* Whatever came is remembered. */
static struct expect_seen *see(struct slice datagrams)
{
    struct expect_seen *seen = expect_seen_new("h");
    struct pipeline *pipeline =
        PIPELINE(1, 1000, "heeler_interval=1", "heeler_rollup_max_bytes=0",
                 "dogstatsd_no_aggregation_pipeline=false", "serializer_compressor_kind=none");

    if (seen == NULL || !flusher_observe(pipeline->flusher, expect_seen_observer(seen)))
        abort();
    send_datagrams(pipeline, datagrams);
    pipeline_finish(pipeline);
    pipeline_free(pipeline);
    return seen;
}

static void assert_plain(const char *text, size_t len)
{
    size_t step;

    for (size_t i = 0; i < len; i += step)
        if (text[i] == '\n')
            step = 1;
        else if (!shown_is_plain(text + i, len - i, &step))
            abort();
}

static void report(const struct expect_file *file, struct expect_seen *seen)
{
    struct verdicts verdicts;
    struct private_account account = { .lines = 1 };
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL)
        abort();
    expect_check_all(&verdicts, file, seen, &account);
    expect_report_put(out, &verdicts, file->path, seen, &account);
    fclose(out);
    assert_plain(text, len);
    free(text);
    verdicts_free(&verdicts);
}

static void update(const struct expect_file *former, struct expect_seen *seen)
{
    struct problems problems = { .n_unlisted = 0 };
    struct expect_file file;
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL)
        abort();
    expect_seen_sort(seen);
    expect_update_put(out, former, "", seen);
    fclose(out);
    if (!expect_file_read(&file, "f.yaml", (const unsigned char *)text, len, &problems)) {
        fprintf(stderr, "%s\n%s\n", text, problems.errors.n > 0 ? problems.errors.at[0] : "");
        abort();
    }
    free(text);
    expect_file_free(&file);
    problems_free(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = { (const char *)data, size };
    struct slice yaml = slice_cut(&rest, 0x1f);
    struct problems problems = { .n_unlisted = 0 };
    struct expect_file file;
    bool fine =
        expect_file_read(&file, "f.yaml", (const unsigned char *)yaml.at, yaml.len, &problems);

    if (fine != (problems.errors.n == 0))
        abort();
    for (size_t i = 0; i < problems.errors.n; i++)
        for (const char *at = problems.errors.at[i]; *at != '\0'; at++)
            if (*at < ' ' || *at > '~')
                abort();
    if (fine) {
        struct expect_seen *seen = see(rest);

        report(&file, seen);
        update(&file, seen);
        expect_seen_free(seen);
    }
    expect_file_free(&file);
    problems_free(&problems);
    return 0;
}
