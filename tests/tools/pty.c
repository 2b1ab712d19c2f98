/* pty PROGRAM WORDS...: runs it on a terminal of 80 columns and 24 lines, and does what
 * standard input says, a line each:
 *
 *   expect TEXT   reads until the program has written that since then, for a minute
 *   send KEYS     types them; \e is an ESC
 *   size ROWS     the window has so many lines now
 *   signal N      sends it to the program
 *
 * Then it waits for the end of the program, and ends with its status. Standard output is all
 * that the program wrote; "attributes kept" behind it, if the terminal is as it was. */
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

enum { SEEN_MAX = 1 << 22, MINUTE_MS = 60000 };

static char seen[SEEN_MAX + 1];
static size_t n_seen, n_expected;
static int terminal;

/* False: nothing came for so long. */
static bool read_more(int patience_ms)
{
    struct pollfd fd = { .fd = terminal, .events = POLLIN };

    if (n_seen == SEEN_MAX || poll(&fd, 1, patience_ms) <= 0)
        return false;
    ssize_t n = read(terminal, seen + n_seen, SEEN_MAX - n_seen);
    if (n <= 0)
        return false;
    fwrite(seen + n_seen, 1, (size_t)n, stdout);
    n_seen += (size_t)n;
    return true;
}

static void expect(const char *text)
{
    char *found;

    while ((found = memmem(seen + n_expected, n_seen - n_expected, text, strlen(text))) == NULL)
        if (!read_more(MINUTE_MS)) {
            printf("\npty: \"%s\" did not come\n", text);
            exit(99);
        }
    n_expected = (size_t)(found - seen) + strlen(text);
}

static void type(const char *keys)
{
    for (; *keys != '\0'; keys++) {
        bool escape = keys[0] == '\\' && keys[1] == 'e';

        (void)!write(terminal, escape ? "\x1b" : keys, 1);
        keys += escape;
    }
}

static void obey(pid_t program, char *line)
{
    line[strcspn(line, "\n")] = '\0';
    char *rest = strchr(line, ' ');
    if (rest == NULL)
        return;
    *rest++ = '\0';
    if (strcmp(line, "expect") == 0)
        expect(rest);
    else if (strcmp(line, "send") == 0)
        type(rest);
    else if (strcmp(line, "size") == 0)
        ioctl(terminal, TIOCSWINSZ,
              &(struct winsize){ .ws_row = (unsigned short)atoi(rest), .ws_col = 80 });
    else if (strcmp(line, "signal") == 0)
        kill(program, atoi(rest));
}

int main(int argc, char **argv)
{
    struct winsize size = { .ws_row = 24, .ws_col = 80 };
    struct termios before, after;
    char line[512];
    int status = 0, slave;

    if (argc < 2 || openpty(&terminal, &slave, NULL, NULL, &size) != 0)
        return 99;
    tcgetattr(slave, &before);
    pid_t program = fork();
    if (program == 0) {
        close(terminal);
        if (login_tty(slave) != 0)
            _exit(98);
        execv(argv[1], argv + 1);
        _exit(98);
    }
    while (fgets(line, sizeof line, stdin) != NULL)
        obey(program, line);
    while (waitpid(program, &status, WNOHANG) == 0)
        (void)read_more(10);
    tcgetattr(slave, &after);
    while (read_more(0))
        ;
    if (before.c_lflag == after.c_lflag &&
        memcmp(before.c_cc, after.c_cc, sizeof before.c_cc) == 0)
        puts("\nattributes kept");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 97;
}
