/* heeler send: DogStatsD lines from a shell.
 *
 * Each line is a datagram, sent as it is given; {random} in a line is replaced by a
 * whole number of --random's range. UDP promises nothing, but the system says when
 * nobody listens: that is told, and the status is 1. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "config/clock.h"
#include "protocol/number.h"
#include "server/commands/commands.h"
#include "server/commands/send_target.h"

enum { LINE_BYTES_MAX = 8192 };

struct sending {
    struct send_target target;
    int64_t count;     /* how many times all lines are sent */
    double rate;       /* rounds a second; 0: as fast as it goes */
    int64_t low, high; /* of {random} */
    bool random;
    char **lines;
    int n_lines;
};

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "heeler send: %s: %s\n", what, why);
    return EXIT_SETTINGS;
}

/* ---- options ----------------------------------------------------------- */

static bool read_count(const char *text, int64_t *out)
{
    return number_int64(slice_of(text), out) && *out >= 1;
}

static bool read_range(const char *text, struct sending *out)
{
    struct slice rest = slice_of(text);
    struct slice low = slice_cut(&rest, ':');

    out->random =
        number_int64(low, &out->low) && number_int64(rest, &out->high) && out->low <= out->high;
    return out->random;
}

/* Reads an option of ours and its value. False: there is no such option, or its value is bad.
 */
static bool read_option(const char *name, const char *value, struct sending *out,
                        const char **to)
{
    if (strcmp(name, "--count") == 0)
        return read_count(value, &out->count);
    if (strcmp(name, "--rate") == 0)
        return number_double(slice_of(value), &out->rate) && out->rate >= 0;
    if (strcmp(name, "--random") == 0)
        return read_range(value, out);
    if (strcmp(name, "--to") == 0)
        *to = value;
    return strcmp(name, "--to") == 0;
}

static bool read_words(struct command_line *line, struct sending *out, const char **to)
{
    for (int i = 0; i < line->n_rest; i++) {
        char *word = line->rest[i];
        if (strncmp(word, "--", 2) != 0) {
            out->lines[out->n_lines++] = word;
            continue;
        }
        if (i + 1 == line->n_rest || !read_option(word, line->rest[i + 1], out, to)) {
            complain(word, i + 1 == line->n_rest
                               ? "needs a value behind it"
                               : "is unknown or has a bad value (see heeler help send)");
            return false;
        }
        i++;
    }
    return true;
}

/* ---- sending ----------------------------------------------------------- */

static int64_t draw(const struct sending *sending)
{
    uint64_t bits = 0, span = (uint64_t)sending->high - (uint64_t)sending->low + 1;

    if (getrandom(&bits, sizeof bits, 0) != (ssize_t)sizeof bits)
        bits = (uint64_t)clock_monotonic_ns();
    return (int64_t)((uint64_t)sending->low + (span != 0 ? bits % span : bits));
}

/* The line with every {random} replaced; its length, 0 when it is too long. */
static size_t fill_in(const struct sending *sending, const char *line, char out[LINE_BYTES_MAX])
{
    static const char mark[] = "{random}";
    size_t used = 0;

    while (*line != '\0') {
        char number[24];
        const char *piece = line;
        size_t len = 1;
        if (sending->random && strncmp(line, mark, sizeof mark - 1) == 0) {
            len = (size_t)snprintf(number, sizeof number, "%lld", (long long)draw(sending));
            piece = number;
            line += sizeof mark - 1;
        } else {
            line++;
        }
        if (used + len > LINE_BYTES_MAX)
            return 0;
        memcpy(out + used, piece, len);
        used += len;
    }
    return used;
}

static bool send_round(const struct sending *sending)
{
    char line[LINE_BYTES_MAX];

    for (int i = 0; i < sending->n_lines; i++) {
        size_t len = fill_in(sending, sending->lines[i], line);
        if (len == 0) {
            complain("a line", "is empty or longer than 8192 bytes");
            return false;
        }
        if (!send_target_send(&sending->target, line, len)) {
            (void)send_target_complain(&sending->target, errno);
            return false;
        }
    }
    return true;
}

static void wait_until(int64_t at_ns)
{
    struct timespec at = { at_ns / 1000000000, at_ns % 1000000000 };

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        ;
}

static int send_all(const struct sending *sending)
{
    int64_t start_ns = clock_monotonic_ns();

    for (int64_t i = 0; i < sending->count; i++) {
        if (sending->rate > 0)
            wait_until(start_ns + (int64_t)((double)i * 1e9 / sending->rate));
        if (!send_round(sending))
            return EXIT_SYSTEM;
    }
    return send_target_was_taken(&sending->target) ? EXIT_OK : EXIT_SYSTEM;
}

static int send_line(struct command_line *line)
{
    struct sending sending = { .target = { .command = "send", .fd = -1 }, .count = 1 };
    struct settings settings = { 0 };
    const char *to = NULL;
    int status = EXIT_SETTINGS;

    sending.lines = calloc((size_t)line->n_rest + 1, sizeof *sending.lines);
    if (sending.lines != NULL && read_words(line, &sending, &to) &&
        command_settings(&settings, line)) {
        if (sending.n_lines == 0)
            complain("no line", "give one or more, such as 'my_metric:42|g|#env:dev'");
        else
            status = send_target_open(&sending.target, to, &settings);
        if (status == EXIT_OK)
            status = send_all(&sending);
    }
    send_target_close(&sending.target);
    settings_free(&settings);
    free(sending.lines);
    return status;
}

int command_send(int n, char **words)
{
    return command_with_line("send", n, words, true, send_line);
}
