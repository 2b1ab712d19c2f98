/* heeler replay: sends the datagrams of a capture file again, at the pace at which they came,
 * at another one, or flat out. A file that is damaged or cut is sent as far as it goes. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/shown.h"
#include "protocol/number.h"
#include "server/commands/commands.h"
#include "server/commands/dog_file.h"
#include "server/commands/interrupt.h"
#include "server/commands/progress.h"
#include "server/commands/send_target.h"

enum { LOOK_NS = 100000000, FULL_NS = 1000000 };

struct replaying {
    const char *path, *to;
    double speed;  /* 0: flat out */
    int64_t loops; /* 0: for ever */
    bool verbose;
    struct send_target target;
    struct progress progress;
    uint64_t size;             /* of the file; 0: nobody knows */
    uint64_t done;             /* bytes of the file in the loops before this one */
    uint64_t datagrams, bytes; /* that were sent */
    uint64_t too_long;         /* datagrams that the socket does not take */
};

static int complain(const char *what, const char *why, int status)
{
    fputs("heeler replay: ", stderr);
    shown_put_text(stderr, what);
    fprintf(stderr, ": %s\n", why);
    return status;
}

/* ---- words ------------------------------------------------------------- */

static bool read_value(const char *name, const char *value, struct replaying *out)
{
    if (command_word_is(name, "-l", "--loops"))
        return number_int64(slice_of(value), &out->loops) && out->loops >= 0;
    if (strcmp(name, "--speed") == 0)
        return number_double(slice_of(value), &out->speed) && out->speed >= 0 &&
               out->speed <= 1e9;
    if (strcmp(name, "--to") == 0)
        return (out->to = value) != NULL;
    return command_word_is(name, "-f", "--file") && (out->path = value) != NULL;
}

/* A flag of the Agent's that changes nothing here: how it reads the file. */
static bool is_mmap(const char *word)
{
    return command_word_is(word, "-m", "--mmap") || strncmp(word, "-m=", 3) == 0 ||
           strncmp(word, "--mmap=", 7) == 0;
}

static bool read_words(const struct command_line *line, struct replaying *out)
{
    for (int i = 0; i < line->n_rest; i++) {
        const char *word = line->rest[i];

        if (command_word_is(word, "-v", "--verbose")) {
            out->verbose = true;
        } else if (word[0] == '-' && word[1] != '\0' && !is_mmap(word)) {
            if (i + 1 == line->n_rest || !read_value(word, line->rest[i + 1], out)) {
                complain(word, "is unknown, or lacks a good value (see heeler help replay)", 0);
                return false;
            }
            i++;
        } else if (!is_mmap(word)) {
            if (out->path != NULL) {
                command_line_refuse(line, word);
                return false;
            }
            out->path = word;
        }
    }
    if (out->path == NULL)
        complain("no file", "say which one (see heeler help replay)", 0);
    return out->path != NULL;
}

/* ---- sending ----------------------------------------------------------- */

static void show_progress(struct replaying *replaying, const struct dog_file *file)
{
    uint64_t all = replaying->size * (uint64_t)replaying->loops;

    progress_show(&replaying->progress, replaying->done + dog_file_taken(file), all,
                  clock_monotonic_ns());
}

static void sleep_until(int64_t at_ns)
{
    struct timespec at = { at_ns / 1000000000, at_ns % 1000000000 };

    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

/* In pieces where somebody looks at the bar. */
static void wait_until(struct replaying *replaying, const struct dog_file *file, int64_t at_ns)
{
    for (int64_t now_ns; (now_ns = clock_monotonic_ns()) < at_ns && !interrupt_came();) {
        bool pieces = replaying->progress.is_shown && at_ns - now_ns > LOOK_NS;

        show_progress(replaying, file);
        sleep_until(pieces ? now_ns + LOOK_NS : at_ns);
    }
}

/* Where the system has no room for a datagram, it has some a moment later. */
static bool send_whole(const struct replaying *replaying, struct slice payload)
{
    while (!send_target_send(&replaying->target, payload.at, payload.len)) {
        if ((errno != ENOBUFS && errno != EAGAIN) || interrupt_came())
            return false;
        sleep_until(clock_monotonic_ns() + FULL_NS);
    }
    return true;
}

static void tell(const struct dog_record *record, int64_t first_ns)
{
    printf("%+.6f pid %" PRId32 ": ", (double)(record->time_ns - first_ns) / 1e9, record->pid);
    shown_put(stdout, record->payload.at, record->payload.len);
    putchar('\n');
}

/* False: the server is gone. */
static bool send_record(struct replaying *replaying, const struct dog_record *record)
{
    if (send_whole(replaying, record->payload)) {
        replaying->datagrams++;
        replaying->bytes += record->payload.len;
    } else if (errno == EMSGSIZE) {
        replaying->too_long++;
    } else {
        progress_end(&replaying->progress);
        (void)send_target_complain(&replaying->target, errno);
        return false;
    }
    return true;
}

/* The moment that a record is due, as counted from the first one; times that go back are due at
 * once. */
static int64_t due_ns(const struct replaying *replaying, int64_t began_ns, int64_t after_ns)
{
    double wait_ns = after_ns > 0 ? (double)after_ns / replaying->speed : 0;

    return began_ns + (wait_ns < 1e18 ? (int64_t)wait_ns : INT64_C(1000000000000000000));
}

static int end_of_file(struct replaying *replaying, const struct dog_file *file,
                       enum dog_step step)
{
    if (step != DOG_BAD)
        return EXIT_OK;
    progress_end(&replaying->progress);
    return complain(replaying->path, dog_file_problem(file), EXIT_SYSTEM);
}

/* The exit status. */
static int send_all(struct replaying *replaying, struct dog_file *file)
{
    int64_t began_ns = clock_monotonic_ns(), first_ns = 0;
    struct dog_record record;
    enum dog_step step = DOG_RECORD;
    bool has_first = false;

    while (!interrupt_came() && (step = dog_file_next(file, &record)) == DOG_RECORD) {
        if (record.note.is_there)
            continue;
        if (!has_first)
            first_ns = record.time_ns;
        has_first = true;
        if (replaying->speed > 0)
            wait_until(replaying, file, due_ns(replaying, began_ns, record.time_ns - first_ns));
        if (interrupt_came())
            break;
        if (replaying->verbose)
            tell(&record, first_ns);
        if (!send_record(replaying, &record))
            return EXIT_SYSTEM;
        show_progress(replaying, file);
    }
    replaying->done += dog_file_taken(file);
    return end_of_file(replaying, file, step);
}

/* ---- loops ------------------------------------------------------------- */

/* NULL, with a sentence. */
static struct dog_file *open_file(struct replaying *replaying)
{
    bool is_input = strcmp(replaying->path, "-") == 0;
    int fd = is_input ? dup(STDIN_FILENO) : open(replaying->path, O_RDONLY | O_CLOEXEC);
    FILE *opened = fd >= 0 ? fdopen(fd, "r") : NULL;
    struct stat found;

    if (opened == NULL) {
        complain(replaying->path, strerror(errno), 0);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode))
        replaying->size = (uint64_t)found.st_size;
    struct dog_file *file = dog_file_new(opened);
    if (file == NULL)
        complain(replaying->path, "not enough memory", 0);
    return file;
}

static int send_loops(struct replaying *replaying)
{
    int status = EXIT_OK;

    for (int64_t i = 0; status == EXIT_OK && !interrupt_came() &&
                        (replaying->loops == 0 || i < replaying->loops);
         i++) {
        uint64_t before = replaying->datagrams + replaying->too_long;
        struct dog_file *file = open_file(replaying);

        status = file != NULL ? send_all(replaying, file) : EXIT_SYSTEM;
        dog_file_free(file);
        if (before == replaying->datagrams + replaying->too_long)
            break; /* there is nothing in it, and never will be */
    }
    return status;
}

static int say_sums(const struct replaying *replaying, int64_t took_ns, int status)
{
    printf("replayed %" PRIu64 " datagrams (%" PRIu64 " bytes) to %s in %.1f s\n",
           replaying->datagrams, replaying->bytes, replaying->target.name,
           (double)took_ns / 1e9);
    if (replaying->too_long > 0) {
        fflush(stdout);
        fprintf(stderr, "heeler replay: %" PRIu64 " datagrams are longer than %s takes\n",
                replaying->too_long, replaying->target.name);
        status = EXIT_SYSTEM;
    }
    return interrupt_came() && replaying->loops != 0 ? EXIT_SYSTEM : status;
}

static int replay(struct replaying *replaying)
{
    int64_t began_ns = clock_monotonic_ns();

    interrupt_watch();
    progress_begin(&replaying->progress, began_ns);
    replaying->progress.is_shown = replaying->progress.is_shown && !replaying->verbose;
    int status = send_loops(replaying);
    progress_end(&replaying->progress);
    if (replaying->datagrams > 0 && !send_target_was_taken(&replaying->target))
        status = EXIT_SYSTEM;
    return say_sums(replaying, clock_monotonic_ns() - began_ns, status);
}

/* The server of this machine: its unix socket, where it is there, so that nothing is lost. */
static const char *choose_target(const struct replaying *replaying,
                                 const struct settings *settings, char *room, size_t size)
{
    if (replaying->to != NULL || settings->dogstatsd_socket[0] == '\0' ||
        access(settings->dogstatsd_socket, W_OK) != 0)
        return replaying->to;
    snprintf(room, size, "unix:%s", settings->dogstatsd_socket);
    return room;
}

static int act(struct command_line *line)
{
    struct replaying replaying = {
        .speed = 1,
        .loops = 1,
        .target = { .command = "replay", .takes_streams = true, .fd = -1 },
    };
    struct settings settings = { 0 };
    int status = EXIT_SETTINGS;
    char room[4096];

    if (read_words(line, &replaying) && command_settings(&settings, line)) {
        status = send_target_open(&replaying.target,
                                  choose_target(&replaying, &settings, room, sizeof room),
                                  &settings);
        if (status == EXIT_OK)
            status = replay(&replaying);
    }
    send_target_close(&replaying.target);
    settings_free(&settings);
    return status;
}

int command_replay(int n, char **words)
{
    int status = command_with_line("replay", n, words, true, act);

    errno = 0;
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return status;
    return complain("standard output", errno != 0 ? strerror(errno) : "cannot be written",
                    status != EXIT_OK ? status : EXIT_SYSTEM);
}
