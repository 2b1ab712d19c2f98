#include "flush/notify/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <xxhash.h>

void digest_add(struct digest *digest, const struct notification *of)
{
    struct bytes *lines = &digest->lines;
    char when[32];
    time_t at = (time_t)of->raised_s;
    struct tm parts;

    digest->n++;
    if (of->transition.to > digest->worst)
        digest->worst = of->transition.to;
    if (lines->len + of->title.len + strlen(of->id) + sizeof when > DIGEST_TEXT_MAX)
        return;
    digest->n_listed++;
    if (gmtime_r(&at, &parts) != NULL)
        bytes_add(lines, when, strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC ", &parts));
    bytes_add(lines, of->title.at, of->title.len);
    bytes_add_text(lines, "\n    ");
    bytes_add_text(lines, of->id);
    bytes_add_text(lines, "\n");
}

static void write_text(const struct digest *digest, uint32_t per_hour, struct bytes *out)
{
    char line[128];

    snprintf(line, sizeof line,
             "%zu messages came beyond the %" PRIu32
             " in an hour (heeler_notify_per_hour):\n\n",
             digest->n, per_hour);
    bytes_add_text(out, line);
    bytes_add(out, digest->lines.at, digest->lines.len);
    if (digest->n > digest->n_listed) {
        snprintf(line, sizeof line, "and %zu more.\n", digest->n - digest->n_listed);
        bytes_add_text(out, line);
    }
    out->failed = out->failed || digest->lines.failed;
}

struct notification *digest_end(struct digest *given, struct slice receiver, uint32_t per_hour,
                                int64_t now_s)
{
    struct bytes text = { 0 };
    char title[64];
    int len = snprintf(title, sizeof title, "[Digest] %zu messages", given->n);

    write_text(given, per_hour, &text);
    struct notification made = {
        .transition = { .to = given->worst, .at_s = now_s, .is_told = true },
        .raised_s = now_s,
        .group = SLICE("*"),
        .receiver = receiver,
        .title = { title, (size_t)len },
        .text = bytes_view(&text),
    };

    snprintf(made.id, sizeof made.id, "digest.%016" PRIx64 ".%" PRId64,
             (uint64_t)XXH3_64bits(receiver.at, receiver.len), now_s);
    struct notification *copy = text.failed ? NULL : notification_new(&made);

    bytes_free(&text);
    bytes_free(&given->lines);
    *given = (struct digest){ .n = 0 };
    return copy;
}
