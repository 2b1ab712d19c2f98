#include "server/commands/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* ENTER: the alternate screen, no cursor, lines are cut. */
#define ENTER "\x1b[?1049h\x1b[?25l\x1b[?7l"
#define LEAVE "\x1b[?7h\x1b[?25h\x1b[?1049l"

static struct termios before;
static volatile sig_atomic_t is_open, is_gone;

bool terminal_is_there(void)
{
    return isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
}

/* ---- begin and end ----------------------------------------------------- */

/* May be called by a handler of signals. */
static void restore(void)
{
    if (!is_open)
        return;
    is_open = 0;
    (void)!write(STDOUT_FILENO, LEAVE, sizeof LEAVE - 1);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &before); /* it waits for no output */
}

static void on_end(int signal_number)
{
    (void)signal_number;
    is_gone = 1;
}

static void on_crash(int signal_number)
{
    restore();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void on_size(int signal_number)
{
    (void)signal_number; /* it ends the waiting for a key */
}

static void handle(int signal_number, void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler };

    sigemptyset(&action.sa_mask);
    sigaction(signal_number, &action, NULL);
}

static void handle_signals(void)
{
    static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
    static const int crashes[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        handle(ends[i], on_end);
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
        handle(crashes[i], on_crash);
    handle(SIGWINCH, on_size);
}

bool terminal_open(void)
{
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return false;
    raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    raw.c_cc[VSUSP] = _POSIX_VDISABLE; /* a stopped program would leave its screen behind */
    atexit(restore);
    handle_signals();
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0)
        return false;
    is_open = 1;
    fputs(ENTER, stdout);
    return true;
}

void terminal_close(void)
{
    fflush(stdout);
    restore();
}

/* ---- the screen -------------------------------------------------------- */

void terminal_size(int *columns, int *rows)
{
    struct winsize size = { 0 };
    bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;

    *rows = is_known ? size.ws_row : 24;
    *columns = is_known && size.ws_col > 0 ? size.ws_col : 80;
}

void terminal_begin_screen(void)
{
    fputs("\x1b[H", stdout);
}

void terminal_end_screen(void)
{
    fputs("\x1b[J", stdout);
    if (fflush(stdout) != 0)
        is_gone = 1;
}

/* ---- keys -------------------------------------------------------------- */

static int key_of_sequence(const char *bytes)
{
    static const struct {
        const char *bytes;
        int key;
    } keys[] = {
        { "[A", KEY_UP },   { "[B", KEY_DOWN },     { "OA", KEY_UP },
        { "OB", KEY_DOWN }, { "[5~", KEY_PAGE_UP }, { "[6~", KEY_PAGE_DOWN },
        { "[H", KEY_HOME }, { "[F", KEY_END },      { "[1~", KEY_HOME },
        { "[4~", KEY_END },
    };

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(bytes, keys[i].bytes) == 0)
            return keys[i].key;
    return KEY_NONE;
}

/* A byte that was read and is the next key; 0: none. */
static unsigned char put_back;

/* What stands behind an ESC is there already, or it was the key itself. */
static int read_sequence(void)
{
    char bytes[8];
    size_t n;

    if (read(STDIN_FILENO, bytes, 1) != 1)
        return KEY_ESCAPE;
    if (bytes[0] != '[' && bytes[0] != 'O') {
        put_back = (unsigned char)bytes[0];
        return KEY_ESCAPE;
    }
    for (n = 1; n + 1 < sizeof bytes && read(STDIN_FILENO, &bytes[n], 1) == 1; n++)
        if (bytes[n] >= '@' && bytes[n] <= '~') {
            n++;
            break;
        }
    bytes[n] = '\0';
    return key_of_sequence(bytes);
}

static int meaning(unsigned char byte)
{
    switch (byte) {
    case KEY_ESCAPE:
        return read_sequence();
    case '\b':
        return KEY_ERASE;
    case '\r':
        return KEY_ENTER;
    default:
        return byte;
    }
}

int terminal_key(int timeout_ms)
{
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
    unsigned char byte = put_back;

    put_back = 0;
    if (is_gone)
        return KEY_GONE;
    if (byte != 0)
        return meaning(byte);
    int n = poll(&input, 1, timeout_ms);
    if (is_gone || (n < 0 && errno != EINTR))
        return KEY_GONE;
    if (n <= 0)
        return KEY_NONE;
    if (read(STDIN_FILENO, &byte, 1) != 1)
        return KEY_GONE; /* it was readable, so this is its end */
    return meaning(byte);
}
