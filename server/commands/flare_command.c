/* heeler flare: what somebody needs who is to find out why, in one file that may be sent to
 * others.
 *
 * Asked of the running server, as far as it answers, and of this machine. Nothing in it is a
 * secret: it is masked where it is made, and once more here (server/commands/secrets.h). The
 * file is made anew, of mode 0600, for the reader to look into before it is sent. */
#include <curl/curl.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "config/clock.h"
#include "config/settings_print.h"
#include "server/commands/commands.h"
#include "server/commands/fetch.h"
#include "server/commands/secrets.h"
#include "server/commands/status_screen.h"
#include "server/commands/tar.h"

enum { TIMEOUT_S = 15, ANSWER_MAX = 64 << 20 };

static int complain(const char *what, const char *why)
{
    return command_complain("flare", what, why, EXIT_SYSTEM);
}

struct flare {
    const char *path, *at; /* at: NULL: what the settings say */
    const struct settings *settings;
    FILE *out;
    bool good;
    int error; /* errno of what went wrong first; 0: none, or no memory */
};

static void note(struct flare *flare, bool good)
{
    if (good || !flare->good)
        return;
    flare->good = false;
    flare->error = errno;
}

/* ---- the parts --------------------------------------------------------- */

/* Puts it in, and says so. */
static void pack(struct flare *flare, const char *name, const char *about, struct bytes *text)
{
    char path[TAR_NAME_MAX + 1];

    secrets_mask(text, flare->settings);
    snprintf(path, sizeof path, "heeler-flare/%s", name);
    errno = 0;
    note(flare, !text->failed &&
                    tar_add(flare->out, path, text->at != NULL ? (const void *)text->at : "",
                            text->len, clock_wall_s()));
    printf("  %-13s %9zu bytes  %s\n", name, text->len, about);
}

/* What the server says at that path; its status, 0 with a sentence when it says nothing. */
static long fetch_part(const struct flare *flare, const char *path, struct bytes *out)
{
    char where[FETCH_WHERE_MAX], problem[512];
    long status = fetch_all(flare->at, flare->settings, path, TIMEOUT_S, ANSWER_MAX, out, where,
                            problem, sizeof problem);

    if (status != 0)
        return status;
    bytes_clear(out);
    bytes_add(out, where, strlen(where));
    bytes_add(out, ": ", 2);
    bytes_add(out, problem, strlen(problem));
    bytes_add(out, "\n", 1);
    return 0;
}

/* The status as a person reads it; the JSON is a view. */
static void pack_screen(struct flare *flare, const struct bytes *json)
{
    json_t *status = json_loadb((const char *)json->at, json->len, JSON_ALLOW_NUL, NULL);
    struct bytes text = { 0 };
    char *screen = NULL;
    size_t len = 0;
    FILE *out = status_screen_is_status(status) ? open_memstream(&screen, &len) : NULL;

    if (out != NULL) {
        status_screen_print(status, out);
        fclose(out);
        bytes_add(&text, screen, len);
        pack(flare, "status.txt", "the same on one screen, with what it found", &text);
    }
    free(screen);
    bytes_free(&text);
    json_decref(status);
}

static void pack_server(struct flare *flare)
{
    static const struct {
        const char *path, *name, *about;
    } parts[] = {
        { "/api/v1/status", "status.json", "the state of the server" },
        { "/metrics", "metrics.txt", "its counters" },
        { "/api/v1/settings", "settings.txt", "its settings, secrets masked" },
        { "/api/v1/log", "log.txt", "the last lines of its log" },
    };

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct bytes body = { 0 };
        long status = fetch_part(flare, parts[i].path, &body);

        pack(flare, parts[i].name,
             status == 200 ? parts[i].about : "why the server does not say", &body);
        if (i == 0 && status == 200)
            pack_screen(flare, &body);
        bytes_free(&body);
    }
}

static void print_file(FILE *out, const char *path)
{
    char line[256];
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return;
    for (int i = 0; i < 10 && fgets(line, sizeof line, file) != NULL; i++)
        fprintf(out, "%s: %s%s", path, line, strchr(line, '\n') != NULL ? "" : "\n");
    fclose(file);
}

static void print_versions(const struct flare *flare, FILE *out)
{
    struct utsname system;

    (void)flare;
    fprintf(out, "heeler %s\n", HEELER_VERSION);
    fprintf(out, "%s\nlibevent %s\n%s\nzlib %s\nzstd %s\njansson %s\n", curl_version(),
            event_get_version(), OpenSSL_version(OPENSSL_VERSION), zlibVersion(),
            ZSTD_versionString(), JANSSON_VERSION);
    if (uname(&system) == 0)
        fprintf(out, "%s %s %s %s\n", system.sysname, system.release, system.version,
                system.machine);
    fprintf(out, "processors: %ld\n", sysconf(_SC_NPROCESSORS_ONLN));
    print_file(out, "/etc/os-release");
    print_file(out, "/proc/meminfo");
    print_file(out, "/proc/sys/net/core/rmem_max");
    print_file(out, "/proc/sys/net/unix/max_dgram_qlen");
    print_file(out, "/proc/sys/net/ipv4/udp_mem");
}

static void print_own_settings(const struct flare *flare, FILE *out)
{
    settings_print(flare->settings, out);
}

static void pack_printed(struct flare *flare, const char *name, const char *about,
                         void (*print)(const struct flare *flare, FILE *out))
{
    struct bytes text = { 0 };
    char *printed = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&printed, &len);

    note(flare, out != NULL);
    if (out == NULL)
        return;
    print(flare, out);
    fclose(out);
    bytes_add(&text, printed, len);
    pack(flare, name, about, &text);
    free(printed);
    bytes_free(&text);
}

/* ---- the file ---------------------------------------------------------- */

/* It is removed, as half of it helps nobody. */
static int give_up(const struct flare *flare)
{
    char why[128];

    unlink(flare->path);
    snprintf(why, sizeof why, "%s; it was removed",
             flare->error != 0 ? strerror(flare->error) : "not enough memory");
    return complain(flare->path, why);
}

static int make(struct flare *flare)
{
    int fd = open(flare->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    flare->out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (flare->out == NULL) {
        complain(flare->path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return EXIT_SYSTEM;
    }
    flare->good = true;
    signal(SIGXFSZ, SIG_IGN); /* a file beyond the limit is an error like a full disk */
    printf("packed into %s, which only you may read:\n", flare->path);
    pack_server(flare);
    pack_printed(flare, "here.txt", "the settings as this command sees them, masked",
                 print_own_settings);
    pack_printed(flare, "versions.txt", "versions, and this machine", print_versions);
    errno = 0;
    note(flare, tar_finish(flare->out));
    note(flare, fclose(flare->out) == 0);
    if (!flare->good)
        return give_up(flare);
    puts("Names of metrics, tags, hosts and addresses are in it: look into it before you send "
         "it.");
    return EXIT_OK;
}

static bool read_words(const struct command_line *line, struct flare *out)
{
    for (int i = 0; i < line->n_rest; i++) {
        if (strcmp(line->rest[i], "--at") == 0 && i + 1 < line->n_rest) {
            out->at = line->rest[++i];
        } else if (out->path == NULL && line->rest[i][0] != '-') {
            out->path = line->rest[i];
        } else {
            command_line_refuse(line, line->rest[i]);
            return false;
        }
    }
    if (out->path == NULL)
        complain("which file?", "heeler flare heeler.tar");
    return out->path != NULL;
}

static int flare_line(struct command_line *line)
{
    struct settings settings = { 0 };
    struct flare flare = { .settings = &settings };
    int status = EXIT_SETTINGS;

    if (read_words(line, &flare) && command_settings(&settings, line))
        status = make(&flare);
    settings_free(&settings);
    return status;
}

int command_flare(int n, char **words)
{
    return command_with_line("flare", n, words, true, flare_line);
}
