/* heeler capture: asks a running server for the datagrams that it receives, or has kept, and
 * writes them to a file as the Agent does (protocol/dog.h). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/shown.h"
#include "protocol/number.h"
#include "server/commands/commands.h"
#include "server/commands/dog_save.h"
#include "server/commands/fetch.h"
#include "server/commands/interrupt.h"
#include "server/commands/progress.h"
#include "server/commands/times.h"

enum { PATH_SIZE = 4096, LONGEST_MS = 7 * 86400 * 1000 };

struct capturing {
    const char *at; /* NULL: what the settings say */
    const char *file, *folder;
    int64_t ms;
    bool looks_back; /* --last */
    bool says_compressed, is_compressed;
    char path[PATH_SIZE]; /* of the file */

    struct dog_save *save; /* NULL: the answer has not begun, or the file could not be made */
    struct bytes rest;     /* of the answer: a record that is not whole yet */
    bool has_header;
    bool refused, foreign; /* it is no 200; it is no heeler's */
    int error;             /* errno of the file, else 0 */
    struct dog_note note;  /* the last one */
    uint64_t datagrams, bytes;
    int64_t first_ns, last_ns;
    struct progress progress;
};

static int complain(const char *what, const char *why)
{
    return command_complain("capture", what, why, EXIT_SYSTEM);
}

/* ---- words ------------------------------------------------------------- */

/* As everywhere here, or as the Agent has it: "1m30s". */
static bool read_span(const char *text, int64_t *ms)
{
    int64_t seconds, sum = 0;
    char piece[24];

    while (*text != '\0') {
        size_t len = strspn(text, "0123456789");

        len += text[len] != '\0';
        if (len >= sizeof piece)
            return false;
        memcpy(piece, text, len);
        piece[len] = '\0';
        text += len;
        if (strcmp(piece, "0s") == 0) /* "1m0s" */
            continue;
        if (!times_read_span(piece, &seconds) || seconds > LONGEST_MS / 1000)
            return false;
        sum += seconds;
        if (sum > LONGEST_MS / 1000)
            return false;
    }
    *ms = sum * 1000;
    return sum > 0;
}

static bool read_value(const char *name, const char *value, struct capturing *out)
{
    bool looks_back = strcmp(name, "--last") == 0;

    if (looks_back || command_word_is(name, "-d", "--duration")) {
        if (out->ms != 0)
            return false; /* one or the other */
        out->looks_back = looks_back;
        return read_span(value, &out->ms);
    }
    if (command_word_is(name, "-p", "--path"))
        return (out->folder = value) != NULL;
    return strcmp(name, "--at") == 0 && (out->at = value) != NULL;
}

/* "-z", "-z=false", "--compressed=true". */
static bool read_compressed(const char *word, struct capturing *out)
{
    const char *value = strchr(word, '=');
    size_t len = value != NULL ? (size_t)(value - word) : strlen(word);

    if (!(len == 2 && memcmp(word, "-z", 2) == 0) &&
        !(len == 12 && memcmp(word, "--compressed", 12) == 0))
        return false;
    out->says_compressed = true;
    out->is_compressed = value == NULL || strcmp(value, "=true") == 0;
    return out->is_compressed || strcmp(value, "=false") == 0;
}

static bool read_words(const struct command_line *line, struct capturing *out)
{
    for (int i = 0; i < line->n_rest; i++) {
        const char *word = line->rest[i];

        if (read_compressed(word, out))
            continue;
        if (word[0] == '-') {
            if (i + 1 == line->n_rest || !read_value(word, line->rest[i + 1], out)) {
                complain(word, "is unknown, or lacks a good value (see heeler help capture)");
                return false;
            }
            i++;
        } else if (out->file != NULL) {
            command_line_refuse(line, word);
            return false;
        } else {
            out->file = word;
        }
    }
    if (out->ms == 0)
        out->ms = 60000;
    return true;
}

static bool ends_in(const char *text, const char *end)
{
    size_t len = strlen(text), n = strlen(end);

    return len > n && strcmp(text + len - n, end) == 0;
}

/* Without a name it is the Agent's, and then compressed unless that is not wanted. */
static bool choose_path(struct capturing *capturing)
{
    const char *file = capturing->file;
    int n;

    if (!capturing->says_compressed)
        capturing->is_compressed =
            file == NULL || ends_in(file, ".zstd") || ends_in(file, ".zst");
    if (file != NULL)
        n = snprintf(capturing->path, PATH_SIZE, "%s%s%s",
                     capturing->folder != NULL ? capturing->folder : "",
                     capturing->folder != NULL ? "/" : "", file);
    else
        n = snprintf(capturing->path, PATH_SIZE, "%s/datadog-capture-%" PRId64 "%s",
                     capturing->folder != NULL ? capturing->folder : ".", clock_wall_s(),
                     capturing->is_compressed ? ".zstd" : "");
    if (n < PATH_SIZE)
        return true;
    complain("the file", "its path is too long");
    return false;
}

/* ---- the answer -------------------------------------------------------- */

static void say_so_far(struct capturing *capturing)
{
    char words[80];
    int64_t now_ns = clock_monotonic_ns();

    snprintf(words, sizeof words, "%.0f s, %" PRIu64 " datagrams, %.1f MiB",
             (double)(now_ns - capturing->progress.began_ns) / 1e9, capturing->datagrams,
             (double)capturing->bytes / 1048576.0);
    progress_say(&capturing->progress, words, now_ns);
}

static bool fail(struct capturing *capturing)
{
    capturing->error = errno != 0 ? errno : EIO;
    return false;
}

/* Notes come once a second, so all is in the file then. False: enough. */
static bool take_note(struct capturing *capturing, const struct dog_note *note)
{
    capturing->note = *note;
    say_so_far(capturing);
    return dog_save_flush(capturing->save) || fail(capturing);
}

static bool take_record(struct capturing *capturing, const struct dog_record *record)
{
    if (record->note.is_there)
        return take_note(capturing, &record->note);
    if (capturing->datagrams++ == 0)
        capturing->first_ns = record->time_ns;
    capturing->bytes += record->payload.len;
    capturing->last_ns = record->time_ns;
    dog_save_add(capturing->save, record);
    return true;
}

static bool is_foreign(struct capturing *capturing)
{
    capturing->foreign = true;
    return false;
}

/* Whole records are taken off the front of what came. False: enough. */
static bool take_records(struct capturing *capturing, struct slice *rest)
{
    struct dog_record record;
    size_t at;

    while (rest->len >= DOG_SIZE_BYTES && !interrupt_came()) {
        uint32_t size = dog_read_size((const unsigned char *)rest->at);

        if (size == 0 || size > DOG_RECORD_MAX)
            return is_foreign(capturing);
        if (rest->len - DOG_SIZE_BYTES < size)
            break;
        if (dog_read_record((struct slice){ rest->at + DOG_SIZE_BYTES, size }, DOG_VERSION,
                            &record, &at) != NULL)
            return is_foreign(capturing);
        if (!take_record(capturing, &record))
            return false;
        *rest = slice_skip(*rest, DOG_SIZE_BYTES + size);
    }
    return !interrupt_came();
}

/* The file is made when the server has begun to answer. */
static bool begin_file(struct capturing *capturing, struct slice *rest)
{
    if (rest->len < DOG_HEADER_BYTES)
        return true;
    if (dog_version((const unsigned char *)rest->at) != DOG_VERSION)
        return is_foreign(capturing);
    *rest = slice_skip(*rest, DOG_HEADER_BYTES);
    capturing->has_header = true;
    errno = 0;
    capturing->save = dog_save_new(capturing->path, capturing->is_compressed);
    return capturing->save != NULL || fail(capturing);
}

static bool take(long status, const void *at, size_t n, void *argument)
{
    struct capturing *capturing = argument;
    struct bytes *bytes = &capturing->rest;
    bool goes_on = true;

    if (status != 200) {
        capturing->refused = true;
        return true;
    }
    bytes_add(bytes, at, n);
    if (bytes->failed) {
        errno = ENOMEM;
        return fail(capturing);
    }
    struct slice rest = bytes_view(bytes);
    if (!capturing->has_header)
        goes_on = begin_file(capturing, &rest);
    if (goes_on && capturing->has_header)
        goes_on = take_records(capturing, &rest);
    memmove(bytes->at, rest.at, rest.len);
    bytes->len = rest.len;
    return goes_on;
}

/* ---- the end ----------------------------------------------------------- */

static bool tell_lost(const struct capturing *capturing, uint64_t n, const char *what)
{
    char text[200];

    if (n == 0)
        return false;
    snprintf(text, sizeof text, "%" PRIu64 " %s", n, what);
    complain(capturing->path, text);
    return true;
}

/* The status: whether something is missing. */
static int tell_all_lost(const struct capturing *capturing)
{
    const struct dog_note *note = &capturing->note;
    char text[200];
    bool lost = tell_lost(capturing, note->lines,
                          "lines were left out, beyond what the server gives "
                          "(see heeler help settings heeler_tail_max_bytes)");

    lost = tell_lost(capturing, note->datagrams,
                     capturing->looks_back
                         ? "datagrams were not kept, as another capture took its time"
                         : "datagrams had no room on their way here") ||
           lost;
    if (note->since_ns != 0) {
        snprintf(text, sizeof text,
                 "the server had kept the last %.1f s only (see heeler help settings "
                 "heeler_ring_bytes)",
                 (double)(clock_wall_ns() - note->since_ns) / 1e9);
        complain(capturing->path, text);
        lost = true;
    }
    return lost ? EXIT_SYSTEM : EXIT_OK;
}

static int say_sums(const struct capturing *capturing)
{
    shown_put_text(stdout, capturing->path);
    printf(": %" PRIu64 " datagrams (%" PRIu64 " bytes) of %.1f s\n", capturing->datagrams,
           capturing->bytes, (double)(capturing->last_ns - capturing->first_ns) / 1e9);
    fflush(stdout);
    return tell_all_lost(capturing);
}

static const char *why_refused(long status)
{
    switch (status) {
    case 409:
        return "it keeps nothing: heeler_ring_bytes is 0";
    case 429:
    case 503:
        return "too many look on already, or there is no memory for it";
    default:
        return "it does not tell (see heeler_app_keys), or is no heeler of this version";
    }
}

static int end_file(struct capturing *capturing)
{
    errno = 0;
    if (capturing->save != NULL && !dog_save_end(capturing->save) && capturing->error == 0)
        (void)fail(capturing);
    capturing->save = NULL;
    return capturing->error;
}

/* A file that was begun is made whole, whatever became of the server. */
static int say_end(struct capturing *capturing, const char *where, long status,
                   const char *problem)
{
    bool has_file = capturing->save != NULL;

    progress_end(&capturing->progress);
    if (end_file(capturing) != 0)
        return complain(capturing->path, strerror(capturing->error));
    if (!has_file && interrupt_came())
        return complain(where, "it was ended before anything came");
    if (capturing->refused || status >= 400)
        return complain(where, why_refused(status));
    if (!has_file)
        return complain(where, capturing->foreign || status != 0 ? "this is no heeler's answer"
                                                                 : problem);
    int sums = say_sums(capturing);
    if (capturing->note.is_last || interrupt_came())
        return sums;
    return complain(where, capturing->foreign ? "this is no heeler's answer"
                                              : "the server has ended before the capture has");
}

static int capture(struct capturing *capturing, const struct settings *settings)
{
    char where[FETCH_WHERE_MAX], problem[512], path[80];
    struct fetch fetch = { .at = capturing->at,
                           .settings = settings,
                           .path = path,
                           .take = take,
                           .argument = capturing };

    snprintf(path, sizeof path, "/api/v1/capture?%s=%" PRId64,
             capturing->looks_back ? "last_ms" : "ms", capturing->ms);
    interrupt_watch();
    progress_begin(&capturing->progress, clock_monotonic_ns());
    long status = fetch_run(&fetch, where, problem, sizeof problem);
    int result = say_end(capturing, where, status, problem);
    bytes_free(&capturing->rest);
    return result;
}

static int act(struct command_line *line)
{
    struct capturing capturing = { .at = NULL };
    struct settings settings = { 0 };
    int status = EXIT_SETTINGS;

    if (read_words(line, &capturing) && choose_path(&capturing) &&
        command_settings(&settings, line))
        status = capture(&capturing, &settings);
    settings_free(&settings);
    return status;
}

int command_capture(int n, char **words)
{
    return command_with_line("capture", n, words, true, act);
}
