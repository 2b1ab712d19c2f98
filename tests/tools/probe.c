/* probe: the other ends of a server under test, for scripts.
 *
 *   probe burst PORT COUNT   sends COUNT datagrams at once, prints how many left
 *   probe from ADDRESS PORT TEXT  sends one from another address of the loopback
 *   probe flood PORT         sends until SIGTERM and one behind it, prints how many left
 *   probe pour PORT SERIES   counters of so many series in turn, some 20,000 a second, until it
 *                            is killed or nobody listens
 *   probe get PORT PATH      prints the body; exit 1 unless the answer is 200
 *   probe post PORT PATH     the same by POST; exit 1 unless it is 200 or 202
 *   probe metric PORT NAME   prints the sum of the samples of /metrics that begin so
 *   probe until PORT NAME N  waits until that sum is N at least; exit 1 after two minutes
 *   probe await FILE PATTERN waits for a line of the file with that basic regular expression
 *       [NTH]                and something in its \(\), or for so many; prints what is in the
 *                            last one's; exit 1 likewise
 *   probe watch PORT SECONDS  asks /live and /metrics all the time; prints how long answers
 *                            took, and how late after each full second a flush was seen
 *   probe hang               a TCP server that accepts and never answers; prints its port
 *   probe take               an intake that answers 202 to all; prints its port
 *   probe refuse             an intake that answers 403 to all; prints its port
 *   probe say STATUS BODY    a server that answers so to all; prints its port
 *   probe crowd WHERE COUNT TEXT  opens COUNT connections to a port or a unix socket's path
 *                            and sends TEXT on each, then a byte a second, until it is killed
 *   probe hold               a UDP socket bound for nobody else; prints its port
 *
 * All on 127.0.0.1. Knows nothing of the server's code. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <regex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t told_to_end;

static void on_term(int number)
{
    (void)number;
    told_to_end = 1;
}

static struct sockaddr_in loopback(const char *port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)atoi(port)),
                                 .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

static int fail(const char *what)
{
    perror(what);
    return 1;
}

static int open_to(int type, const char *port)
{
    struct sockaddr_in at = loopback(port);
    int fd = socket(AF_INET, type, 0);

    return fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0 ? fd : -1;
}

static int open_to_path(const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    return fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0 ? fd : -1;
}

/* A datagram that the kernel refuses to take was not sent. */
static int send_many(const char *port, int64_t count)
{
    static const char line[] = "probe.count:1|c|#a:1";
    int fd = open_to(SOCK_DGRAM, port);
    int64_t sent = 0;

    if (fd < 0)
        return fail("connect");
    signal(SIGTERM, on_term);
    bool was_told = false;
    while (!was_told && sent < count) {
        bool is_last = told_to_end;
        if (send(fd, line, sizeof line - 1, 0) == sizeof line - 1) {
            sent++;
            was_told = is_last;
        } else if (errno != EINTR && errno != ENOBUFS)
            return fail("send");
    }
    printf("%lld\n", (long long)sent);
    return 0;
}

enum { LINES_A_DATAGRAM = 20 };

static int pour(const char *port, int series)
{
    int fd = open_to(SOCK_DGRAM, port), next = 0;
    char datagram[LINES_A_DATAGRAM * 32];

    if (fd < 0 || series < 1)
        return fail("connect");
    for (;;) {
        size_t len = 0;

        for (int i = 0; i < LINES_A_DATAGRAM; i++, next = (next + 1) % series)
            len += (size_t)snprintf(datagram + len, sizeof datagram - len, "poured:1|c|#k:%d\n",
                                    next);
        if (send(fd, datagram, len, 0) < 0 && errno != EINTR && errno != ENOBUFS)
            return errno == ECONNREFUSED ? 0 : fail("send");
        poll(NULL, 0, 1);
    }
}

/* The whole answer, or NULL. */
static const char *fetch(const char *port, const char *method, const char *path)
{
    static char answer[1 << 20];
    char request[512];
    size_t used = 0;
    ssize_t n = 0;
    int fd = open_to(SOCK_STREAM, port);
    int len = snprintf(request, sizeof request, "%s %s HTTP/1.0\r\n\r\n", method, path);

    if (fd < 0)
        return NULL;
    if (write(fd, request, (size_t)len) == len)
        while (used < sizeof answer - 1 &&
               (n = read(fd, answer + used, sizeof answer - 1 - used)) > 0)
            used += (size_t)n;
    answer[used] = '\0';
    close(fd);
    return n == 0 && strstr(answer, "\r\n\r\n") != NULL ? answer : NULL;
}

static bool is_fine(const char *answer)
{
    return answer != NULL && (strncmp(strchr(answer, ' '), " 200 ", 5) == 0 ||
                              strncmp(strchr(answer, ' '), " 202 ", 5) == 0);
}

static int ask(const char *port, const char *method, const char *path)
{
    const char *answer = fetch(port, method, path);

    if (answer != NULL)
        fputs(strstr(answer, "\r\n\r\n") + 4, stdout);
    return !is_fine(answer);
}

static double now_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* "what: 812 times, median 0.3, 99 % 1.2, worst 4.5 ms" */
static void report(const char *what, double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
    if (n == 0)
        printf("%s: never\n", what);
    else
        printf("%s: %zu times, median %.1f, 99 %% %.1f, worst %.1f ms\n", what, n,
               values[n / 2], values[n * 99 / 100], values[n - 1]);
}

/* ---- waiting ----------------------------------------------------------- */

enum { PATIENCE_MS = 120000, LOOK_MS = 20 };

/* The sum of the samples whose lines begin so. */
static bool read_metric(const char *port, const char *name, double *out)
{
    const char *answer = fetch(port, "GET", "/metrics");
    const char *line = is_fine(answer) ? strstr(answer, "\r\n\r\n") : NULL;

    if (line == NULL)
        return false;
    *out = 0;
    for (line += 4; *line != '\0'; line += line[0] == '\n') {
        const char *end = strchrnul(line, '\n');
        const char *space = memrchr(line, ' ', (size_t)(end - line));

        if (space != NULL && strncmp(line, name, strlen(name)) == 0)
            *out += strtod(space + 1, NULL);
        line = end;
    }
    return true;
}

static int metric(const char *port, const char *name)
{
    double sum;

    if (!read_metric(port, name, &sum))
        return 1;
    printf("%lld\n", (long long)sum);
    return 0;
}

static int until(const char *port, const char *name, double n)
{
    double end = now_ms(CLOCK_MONOTONIC) + PATIENCE_MS, sum;

    do {
        if (read_metric(port, name, &sum) && sum >= n)
            return 0;
        poll(NULL, 0, LOOK_MS);
    } while (now_ms(CLOCK_MONOTONIC) < end);
    return 1;
}

/* Of whole lines; a last one without its end may still be on its way. */
static bool find(FILE *file, const regex_t *pattern, int nth)
{
    static char *line;
    static size_t size;
    regmatch_t match[2];
    ssize_t len;

    while (nth > 0 && (len = getline(&line, &size, file)) > 0 && line[len - 1] == '\n') {
        line[len - 1] = '\0';
        for (char *nul = line;
             (nul = memchr(nul, '\0', (size_t)(line + len - 1 - nul))) != NULL;)
            *nul = ' ';
        if (regexec(pattern, line, 2, match, 0) != 0 || match[1].rm_eo <= match[1].rm_so)
            continue;
        if (--nth == 0)
            printf("%.*s\n", (int)(match[1].rm_eo - match[1].rm_so), line + match[1].rm_so);
    }
    return nth == 0;
}

static int await(const char *path, const char *text, int nth)
{
    double end = now_ms(CLOCK_MONOTONIC) + PATIENCE_MS;
    char whole[1024];
    regex_t pattern;

    /* The last in a line, as of sed. */
    snprintf(whole, sizeof whole, "%s%s", text[0] == '^' ? "" : ".*", text);
    if (regcomp(&pattern, whole, 0) != 0)
        return fail(text);
    do {
        FILE *file = fopen(path, "r");
        bool found = file != NULL && find(file, &pattern, nth);

        if (file != NULL)
            fclose(file);
        if (found)
            return 0;
        poll(NULL, 0, LOOK_MS);
    } while (now_ms(CLOCK_MONOTONIC) < end);
    return 1;
}

enum { ROUNDS_MAX = 100000, PAUSE_MS = 5 };

static int watch(const char *port, double seconds)
{
    static double answers[ROUNDS_MAX], flushes[ROUNDS_MAX];
    size_t n_answers = 0, n_flushes = 0;
    double end = now_ms(CLOCK_MONOTONIC) + seconds * 1e3;
    long long before = -1;

    while (now_ms(CLOCK_MONOTONIC) < end && n_answers < ROUNDS_MAX) {
        double asked = now_ms(CLOCK_MONOTONIC);
        if (!is_fine(fetch(port, "GET", "/live")))
            return fail("/live");
        answers[n_answers++] = now_ms(CLOCK_MONOTONIC) - asked;
        const char *metrics = fetch(port, "GET", "/metrics");
        const char *at = is_fine(metrics) ? strstr(metrics, "\nheeler_snapshots_total ") : NULL;
        if (at == NULL)
            return fail("/metrics");
        long long flushed = atoll(strchr(at + 1, ' '));
        if (before >= 0 && flushed > before) {
            double wall = now_ms(CLOCK_REALTIME) / 1e3;
            flushes[n_flushes++] = (wall - (double)(long long)wall) * 1e3;
        }
        before = flushed;
        poll(NULL, 0, PAUSE_MS);
    }
    report("/live answered", answers, n_answers);
    report("a flush was seen behind the second", flushes, n_flushes);
    return 0;
}

/* A byte a second holds whoever reads on; one that was sent away is left. */
static int crowd(const char *where, int count, const char *text)
{
    enum { CROWD_MAX = 1000 };
    static int fds[CROWD_MAX];

    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < count && i < CROWD_MAX; i++) {
        fds[i] = where[0] == '/' ? open_to_path(where) : open_to(SOCK_STREAM, where);
        if (fds[i] < 0)
            return fail("connect");
        (void)!write(fds[i], text, strlen(text));
    }
    puts("crowded");
    fflush(stdout);
    while (true) {
        poll(NULL, 0, 1000);
        for (int i = 0; i < count && i < CROWD_MAX; i++)
            (void)!write(fds[i], "x", text[0] != '\0');
    }
}

/* One request a connection; its length is in the head. */
static void answer_with(const char *status, const char *body, int fd)
{
    static char request[1 << 20];
    size_t used = 0, wanted = sizeof request - 1;
    ssize_t n;

    while (used < wanted && (n = read(fd, request + used, wanted - used)) > 0) {
        used += (size_t)n;
        request[used] = '\0';
        const char *end = strstr(request, "\r\n\r\n");
        const char *length = strcasestr(request, "\r\nContent-Length:");
        if (end != NULL)
            wanted = (size_t)(end + 4 - request) +
                     (length != NULL ? strtoul(length + 17, NULL, 10) : 0);
    }
    dprintf(fd, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", status,
            strlen(body), body);
    close(fd);
}

/* Prints its port and stays until it is killed. status, body: of its answers, if it gives any.
 */
static int stay(int type, const char *status, const char *body)
{
    struct sockaddr_in at = loopback("0");
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, type, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) != 0 ||
        (type == SOCK_STREAM && listen(fd, 64) != 0) ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0)
        return fail("bind");
    printf("port %d\n", ntohs(at.sin_port));
    fflush(stdout);
    while (true) {
        int client = type == SOCK_STREAM ? accept(fd, NULL, NULL) : pause();

        if (status != NULL && client >= 0)
            answer_with(status, body, client);
    }
}

static int send_from(const char *address, const char *port, const char *text)
{
    struct sockaddr_in own = { .sin_family = AF_INET }, to = loopback(port);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    if (fd < 0 || inet_pton(AF_INET, address, &own.sin_addr) != 1 ||
        bind(fd, (struct sockaddr *)&own, sizeof own) != 0 ||
        sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to, sizeof to) < 0)
        return fail("sendto");
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "burst") == 0 && argc == 4)
        return send_many(argv[2], atoll(argv[3]));
    if (strcmp(what, "from") == 0 && argc == 5)
        return send_from(argv[2], argv[3], argv[4]);
    if (strcmp(what, "flood") == 0 && argc == 3)
        return send_many(argv[2], INT64_MAX);
    if (strcmp(what, "get") == 0 && argc == 4)
        return ask(argv[2], "GET", argv[3]);
    if (strcmp(what, "post") == 0 && argc == 4)
        return ask(argv[2], "POST", argv[3]);
    if (strcmp(what, "metric") == 0 && argc == 4)
        return metric(argv[2], argv[3]);
    if (strcmp(what, "until") == 0 && argc == 5)
        return until(argv[2], argv[3], atof(argv[4]));
    if (strcmp(what, "await") == 0 && (argc == 4 || argc == 5))
        return await(argv[2], argv[3], argc == 5 ? atoi(argv[4]) : 1);
    if (strcmp(what, "pour") == 0 && argc == 4)
        return pour(argv[2], atoi(argv[3]));
    if (strcmp(what, "watch") == 0 && argc == 4)
        return watch(argv[2], atof(argv[3]));
    if (strcmp(what, "hang") == 0)
        return stay(SOCK_STREAM, NULL, NULL);
    if (strcmp(what, "take") == 0)
        return stay(SOCK_STREAM, "202 Accepted", "{}");
    if (strcmp(what, "refuse") == 0)
        return stay(SOCK_STREAM, "403 Forbidden", "{}");
    if (strcmp(what, "say") == 0 && argc == 4)
        return stay(SOCK_STREAM, argv[2], argv[3]);
    if (strcmp(what, "crowd") == 0 && argc == 5)
        return crowd(argv[2], atoi(argv[3]), argv[4]);
    if (strcmp(what, "hold") == 0)
        return stay(SOCK_DGRAM, NULL, NULL);
    fputs("probe burst PORT COUNT | from ADDRESS PORT TEXT | flood PORT | pour PORT SERIES | "
          "get PORT PATH | post PORT PATH | metric PORT NAME | until PORT NAME N | "
          "await FILE PATTERN [NTH] | watch PORT "
          "SECONDS | hang | take | refuse | say STATUS BODY | crowd WHERE COUNT TEXT | hold\n",
          stderr);
    return 2;
}
