/* heeler checks: becomes heeler-checks, which runs checks in Python.
 *
 * That one is a package of its own, so it may be missing. It gets the settings as a sealed file
 * in memory (server/commands/checks_settings.h), for what stands among the words or in the
 * environment of a process others can read. It may run as a user of its own, who reads none of
 * the server's files of secrets. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/files.h"
#include "config/hostname.h"
#include "config/options.h"
#include "server/commands/checks_settings.h"
#include "server/commands/commands.h"

static const char name_of_program[] = "heeler-checks";

enum { OWN_WORDS = 4 }; /* of the new program: its name, --settings-fd, N and a NULL */

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "heeler checks: %s%s\n", what, why);
    return EXIT_SYSTEM;
}

/* ---- the words --------------------------------------------------------- */

/* They are read only to be refused here, and handed on as they are. */
struct asked {
    bool once, rate, list, json;
};

/* NULL: there is no such word. */
static bool *asked_by(struct asked *asked, const char *word)
{
    if (strcmp(word, "--once") == 0)
        return &asked->once;
    if (strcmp(word, "--check-rate") == 0)
        return &asked->rate;
    if (strcmp(word, "--list") == 0)
        return &asked->list;
    return strcmp(word, "--json") == 0 ? &asked->json : NULL;
}

/* NULL, or what is wrong with all of them together. */
static const char *fault_of(const struct asked *asked)
{
    if (asked->once && asked->list)
        return "--once and --list: only one of them";
    if (asked->rate && !asked->once)
        return "--check-rate is for --once NAME";
    if (asked->json && !asked->once && !asked->list)
        return "--json is for --once NAME and for --list";
    return NULL;
}

static bool is_name(const struct command_line *line, int i)
{
    return i < line->n_rest && line->rest[i][0] != '-' && line->rest[i][0] != '\0';
}

/* False, with a sentence: they make no sense. */
static bool check_words(const struct command_line *line, struct asked *asked)
{
    for (int i = 0; i < line->n_rest; i++) {
        bool *word = asked_by(asked, line->rest[i]);

        if (word == NULL || *word) {
            command_line_refuse(line, line->rest[i]);
            return false;
        }
        *word = true;
        if (word == &asked->once && !is_name(line, ++i)) {
            complain("--once needs the name of a check behind it", "");
            return false;
        }
    }
    const char *fault = fault_of(asked);

    if (fault != NULL)
        complain(fault, "");
    return fault == NULL;
}

/* ---- the program ------------------------------------------------------- */

/* As it is installed: PREFIX/bin/heeler and PREFIX/lib/heeler/heeler-checks. */
static bool find_installed(char out[PATH_MAX])
{
    if (!files_beside_program(out, ""))
        return false;
    for (int i = 0; i < 2; i++) { /* "/usr/bin/" to "/usr" */
        char *slash = strrchr(out, '/');

        if (slash == NULL)
            return false;
        *slash = '\0';
    }
    size_t len = strlen(out);

    return snprintf(out + len, PATH_MAX - len, "/lib/heeler/%s", name_of_program) <
           (int)(PATH_MAX - len);
}

/* The build has a link to the one among the sources. */
static bool find_built(char out[PATH_MAX])
{
    char link[PATH_MAX];

    return files_beside_program(link, name_of_program) && realpath(link, out) != NULL;
}

/* Where there is none, it is missed where it would be installed. */
static void find_program(char out[PATH_MAX], const struct settings *settings)
{
    char built[PATH_MAX];

    if (settings->heeler_checks_path[0] != '\0') {
        snprintf(out, PATH_MAX, "%s", settings->heeler_checks_path);
        return;
    }
    if (!find_installed(out))
        snprintf(out, PATH_MAX, "/usr/lib/heeler/%s", name_of_program);
    if (access(out, F_OK) != 0 && find_built(built))
        memcpy(out, built, PATH_MAX);
}

static int cannot_start(const char *program, int error)
{
    bool is_there = access(program, F_OK) == 0;

    fprintf(stderr, "heeler checks: %s, which runs checks, ", program);
    if (error == ENOENT && is_there) /* what its first line names */
        fputs("needs /usr/bin/python3: install the package python3\n", stderr);
    else if (error == ENOENT)
        fprintf(stderr, "is not there: install the package %s, or set heeler_checks_path\n",
                name_of_program);
    else
        fprintf(stderr, "does not start: %s\n", strerror(error));
    return EXIT_SYSTEM;
}

/* ---- what it gets ------------------------------------------------------ */

/* The folder that systemd made for this service, which is another than the server's. */
static void find_state_path(char out[PATH_MAX])
{
    const char *folders = getenv("STATE_DIRECTORY");

    folders = folders != NULL ? folders : "";
    snprintf(out, PATH_MAX, "%.*s", (int)strcspn(folders, ":"), folders);
}

/* A descriptor from which the whole text is to be read; -1 with errno. */
static int seal(const struct bytes *text)
{
    int fd = memfd_create("settings", MFD_ALLOW_SEALING);
    int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

    if (fd >= 0 && (files_write(fd, text->at, text->len) != text->len ||
                    fcntl(fd, F_ADD_SEALS, seals) != 0 || lseek(fd, 0, SEEK_SET) != 0)) {
        int why = errno;

        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

static int seal_settings(const struct settings *settings, const char *hostname)
{
    struct json_out out = { .comma = false };
    char state_path[PATH_MAX];

    find_state_path(state_path);
    checks_settings_write(&out, settings, hostname, state_path);
    errno = ENOMEM;
    int fd = out.bytes.failed ? -1 : seal(&out.bytes);
    bytes_free(&out.bytes);
    return fd;
}

/* Checks see the environment; who may read it needs no key of the server's. */
static void forget_secrets(void)
{
    char variable[OPTION_NAME_MAX];

    for (int i = 0; i < SETTING_COUNT; i++) {
        if (!options[i].secret)
            continue;
        option_variable(options[i].key, variable);
        unsetenv(variable);
    }
}

static int become(const struct command_line *line, const struct settings *settings,
                  const char *hostname)
{
    char program[PATH_MAX], number[16], option[] = "--settings-fd";
    char **words = calloc((size_t)line->n_rest + OWN_WORDS, sizeof *words);
    int n = 0, fd = words != NULL ? seal_settings(settings, hostname) : -1;

    if (fd < 0) {
        free(words);
        return complain("the settings cannot be passed on: ", strerror(errno));
    }
    find_program(program, settings);
    snprintf(number, sizeof number, "%d", fd);
    words[n++] = program;
    for (int i = 0; i < line->n_rest; i++)
        words[n++] = line->rest[i];
    words[n++] = option;
    words[n++] = number;
    forget_secrets();
    execv(program, words);
    int error = errno;
    free(words);
    close(fd);
    return cannot_start(program, error);
}

/* ---- all of it --------------------------------------------------------- */

static bool find_hostname(const struct settings *settings, char out[HOSTNAME_SIZE])
{
    struct problems problems = { .n_unlisted = 0 };
    const char *how;
    bool found = hostname_find(settings, out, HOSTNAME_SIZE, &how, &problems);

    command_print_problems(&problems);
    problems_free(&problems);
    return found;
}

/* The service looks at its files at SIGHUP, and it has read none of them before it listens:
 * until then there is nothing to do, and it must not end. By hand, SIGHUP is the terminal's
 * that closes. */
static void ignore_hangup(const struct asked *asked)
{
    if (!asked->once && !asked->list)
        signal(SIGHUP, SIG_IGN);
}

static int run(struct command_line *line)
{
    struct settings settings = { 0 };
    char hostname[HOSTNAME_SIZE];
    struct asked asked = { .once = false };
    int status = EXIT_SETTINGS;

    line->no_secret_files = true;
    if (!check_words(line, &asked))
        return status;
    ignore_hangup(&asked);
    if (command_settings(&settings, line) && find_hostname(&settings, hostname))
        status = become(line, &settings, hostname);
    settings_free(&settings);
    return status;
}

int command_checks(int n, char **words)
{
    return command_with_line("checks", n, words, true, run);
}
