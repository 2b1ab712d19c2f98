/* manager: what systemd does for one service, for scripts.
 *
 *   manager RESTARTS SOCKET NOTIFY PROGRAM WORDS...
 *
 * SOCKET: "udp" (127.0.0.1, a port of the kernel's choice), a path (unix datagram), or
 * "-". It is bound here and given to every start, ahead of what the program put into the
 * store. NOTIFY: a path or "@name". Prints the socket's port, the number of each process,
 * what each says, and how each ended; after RESTARTS starts more it ends with the status
 * of the last. Knows nothing of the server's code. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STORE_MAX = 64, FIRST_FD = 3, ASIDE = 200 };

static struct {
    int fd;
    char name[64];
} store[STORE_MAX];
static int n_stored;

static int fail(const char *what)
{
    perror(what);
    exit(99);
}

static socklen_t unix_address(struct sockaddr_un *out, const char *path)
{
    size_t len = strlen(path);

    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    memcpy(out->sun_path, path, len);
    if (path[0] == '@')
        out->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] != '@'));
}

static int bind_unix(const char *path)
{
    struct sockaddr_un address;
    socklen_t len = unix_address(&address, path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0)
        fail(path);
    return fd;
}

static int bind_udp(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        fail("udp");
    printf("port %d\n", ntohs(address.sin_port));
    return fd;
}

/* ---- the store --------------------------------------------------------- */

static bool is_same(int a, int b)
{
    struct stat x, y;

    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

static void keep(int fd, const char *name)
{
    for (int i = 0; i < n_stored; i++) {
        if (!is_same(store[i].fd, fd))
            continue;
        close(fd);
        return;
    }
    if (n_stored == STORE_MAX)
        fail("store");
    store[n_stored].fd = fd;
    snprintf(store[n_stored++].name, sizeof store[0].name, "%s", name);
}

static void forget(const char *name)
{
    int n = 0;

    for (int i = 0; i < n_stored; i++) {
        if (strcmp(store[i].name, name) == 0)
            close(store[i].fd);
        else
            store[n++] = store[i];
    }
    n_stored = n;
}

static void name_in(const char *text, char name[64])
{
    const char *at = strstr(text, "FDNAME=");

    snprintf(name, 64, "%.*s", at != NULL ? (int)strcspn(at + 7, "\n") : 0,
             at != NULL ? at + 7 : "");
}

static int descriptor_of(struct msghdr *message)
{
    struct cmsghdr *head = CMSG_FIRSTHDR(message);
    int fd = -1;

    if (head != NULL && head->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(head), sizeof fd);
    return fd;
}

/* One message, if there is one. */
static bool hear(int notify)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    char text[512], name[64];
    struct iovec part = { text, sizeof text - 1 };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control,
                              .msg_controllen = sizeof control };
    ssize_t n = recvmsg(notify, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (n < 0)
        return false;
    text[n] = '\0';
    name_in(text, name);
    int fd = descriptor_of(&message);

    if (strstr(text, "FDSTORE=1") != NULL && fd >= 0)
        keep(fd, name);
    if (strstr(text, "FDSTOREREMOVE=1") != NULL)
        forget(name);
    printf("%.*s %s, %d stored\n", (int)strcspn(text, "\n"), text, name, n_stored);
    return true;
}

/* ---- the service ------------------------------------------------------- */

/* Behind each other from descriptor 3 on. */
static _Noreturn void become(char **words, int own)
{
    char text[16];
    int n = 0;

    if (own >= 0)
        dup2(own, ASIDE + n++);
    for (int i = 0; i < n_stored; i++)
        dup2(store[i].fd, ASIDE + n++);
    for (int i = 0; i < n; i++) {
        dup2(ASIDE + i, FIRST_FD + i);
        close(ASIDE + i);
    }
    snprintf(text, sizeof text, "%d", n);
    setenv("LISTEN_FDS", text, 1);
    snprintf(text, sizeof text, "%ld", (long)getpid());
    setenv("LISTEN_PID", text, 1);
    setenv("FDSTORE", "64", 1);
    execv(words[0], words);
    fail(words[0]);
    _exit(99);
}

static int serve(char **words, int own, int notify)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        become(words, own);
    printf("pid %ld with %d stored\n", (long)pid, n_stored);
    while (waitpid(pid, &status, WNOHANG) == 0) {
        struct pollfd ready = { notify, POLLIN, 0 };

        poll(&ready, 1, 20);
        while (hear(notify))
            ;
    }
    while (hear(notify))
        ;
    if (WIFSIGNALED(status))
        printf("killed %d\n", WTERMSIG(status));
    else
        printf("ended %d\n", WEXITSTATUS(status));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
    int own = -1, status = 0;

    if (argc < 5) {
        fprintf(stderr, "usage: see the head of manager.c\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(argv[2], "udp") == 0)
        own = bind_udp();
    else if (strcmp(argv[2], "-") != 0)
        own = bind_unix(argv[2]);
    int notify = bind_unix(argv[3]);

    setenv("NOTIFY_SOCKET", argv[3], 1);
    for (int left = atoi(argv[1]); left >= 0; left--)
        status = serve(argv + 4, own, notify);
    return status;
}
