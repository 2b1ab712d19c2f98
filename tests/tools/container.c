/* container: starts programs as the runtime of containers would, for scripts; needs root.
 *
 *   container run [--net PID] [--user UID:GID] [--env NAME=VALUE]... [--mount FROM:TO[:ro]]...
 *                 ROOT PROGRAM WORD...
 *       PROGRAM is process 1 of its own namespaces, with ROOT to read and what is mounted to
 *       write, without capabilities, and in the environment that is said and no other. Prints
 *       "pid N", passes SIGTERM on, and ends as PROGRAM does. --net: in the network of PID.
 *   container pod   a network of a loopback only, which others join; prints "pid N" and stays
 *   container can   exit 0 where namespaces are to be had, 77 where not
 *
 * Whoever is killed takes along what it started. Knows nothing of the server's code. */
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_PERMITTED = 77, LIST_MAX = 64, PATH_SIZE = 4096 };

struct container {
    const char *net; /* the number of a process; NULL: a network of its own */
    unsigned uid, gid;
    char *environment[LIST_MAX + 1];
    char *mounts[LIST_MAX];
    int n_environment, n_mounts;
    const char *root;
    char **command;
};

/* Ends the process. */
static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void loopback_up(void)
{
    struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) != 0)
        fail("lo");
    close(fd);
}

static void join_net(const char *pid)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%s/ns/net", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
        fail(path);
    close(fd);
}

/* What a mount lies on, with the folders on its way, as a runtime makes it where an image has
 * none. The path is as it was afterwards. */
static void make_target(char *path, const char *from)
{
    struct stat source;

    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0755);
        *slash = '/';
    }
    if (stat(from, &source) == 0 && !S_ISDIR(source.st_mode))
        close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    else
        (void)mkdir(path, 0755);
}

/* "FROM:TO" or "FROM:TO:ro". */
static void mount_one(const char *root, const char *words)
{
    char from[PATH_SIZE], target[PATH_SIZE * 2];

    snprintf(from, sizeof from, "%s", words);
    char *to = strchr(from, ':');
    if (to == NULL)
        fail(words);
    *to++ = '\0';
    char *mode = strchr(to, ':');
    if (mode != NULL)
        *mode = '\0';
    snprintf(target, sizeof target, "%s%s", root, to);
    make_target(target, from);
    if (mount(from, target, NULL, MS_BIND, NULL) != 0 ||
        (mode != NULL &&
         mount(NULL, target, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0))
        fail(target);
}

/* Nothing of the machine's own tree can be reached from here on. */
static void enter_root(const struct container *container)
{
    char proc[PATH_SIZE];

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount(container->root, container->root, NULL, MS_BIND, NULL) != 0)
        fail(container->root);
    snprintf(proc, sizeof proc, "%s/proc", container->root);
    (void)mkdir(proc, 0555);
    if (mount("proc", proc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
        fail(proc);
    mount_one(container->root, "/dev/null:/dev/null");
    for (int i = 0; i < container->n_mounts; i++)
        mount_one(container->root, container->mounts[i]);
    if (mount(NULL, container->root, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0 ||
        chdir(container->root) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 ||
        umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
        fail("pivot_root");
}

/* The bounding set goes too, so that not even user 0 has a capability behind exec. */
static void drop_rights(const struct container *container)
{
    for (int i = 0; i <= CAP_LAST_CAP; i++)
        (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    if (syscall(SYS_setgroups, 0, NULL) != 0 ||
        setresgid(container->gid, container->gid, container->gid) != 0 ||
        setresuid(container->uid, container->uid, container->uid) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        fail("rights");
}

/* Process 1. */
static void become(const struct container *container)
{
    static const char name[] = "container";

    if (sethostname(name, sizeof name - 1) != 0)
        fail("sethostname");
    enter_root(container);
    drop_rights(container);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* a change of user clears it */
    signal(SIGTERM, SIG_DFL);
    execve(container->command[0], container->command, (char **)container->environment);
    fail(container->command[0]);
}

static pid_t child;

static void pass_on(int number)
{
    kill(child, number);
}

static int run(const struct container *container)
{
    int status;

    if (container->net != NULL)
        join_net(container->net);
    if (unshare((container->net == NULL ? CLONE_NEWNET : 0) | CLONE_NEWNS | CLONE_NEWPID |
                CLONE_NEWIPC | CLONE_NEWUTS) != 0)
        fail("unshare");
    if (container->net == NULL)
        loopback_up();
    signal(SIGTERM, pass_on);
    child = fork();
    if (child < 0)
        fail("fork");
    if (child == 0)
        become(container);
    printf("pid %d\n", child);
    fflush(stdout);
    while (waitpid(child, &status, 0) < 0)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int pod(void)
{
    if (unshare(CLONE_NEWNET) != 0)
        fail("unshare");
    loopback_up();
    printf("pid %d\n", getpid());
    fflush(stdout);
    while (pause() < 0) /* until it is killed */
        ;
    return 0;
}

static int can(void)
{
    return unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID) == 0 &&
                   mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0
               ? 0
               : NOT_PERMITTED;
}

/* Returns the words behind the options. */
static char **read_options(struct container *out, char **words)
{
    for (; words[0] != NULL && words[1] != NULL && words[0][0] == '-'; words += 2) {
        if (strcmp(words[0], "--net") == 0)
            out->net = words[1];
        else if (strcmp(words[0], "--user") == 0 &&
                 sscanf(words[1], "%u:%u", &out->uid, &out->gid) == 2)
            ;
        else if (strcmp(words[0], "--env") == 0 && out->n_environment < LIST_MAX)
            out->environment[out->n_environment++] = words[1];
        else if (strcmp(words[0], "--mount") == 0 && out->n_mounts < LIST_MAX)
            out->mounts[out->n_mounts++] = words[1];
        else
            break;
    }
    return words;
}

int main(int argc, char **argv)
{
    static struct container container;
    const char *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "pod") == 0)
        return pod();
    if (strcmp(what, "can") == 0)
        return can();
    char **words = argc > 2 ? read_options(&container, argv + 2) : argv;
    if (strcmp(what, "run") != 0 || words[0] == NULL || words[0][0] != '/' ||
        words[1] == NULL) {
        fputs("container run [--net PID] [--user UID:GID] [--env NAME=VALUE]... "
              "[--mount FROM:TO[:ro]]... /ROOT PROGRAM WORD... | pod | can\n",
              stderr);
        return 2;
    }
    container.root = words[0];
    container.command = words + 1;
    return run(&container);
}
