#include "config/limits.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A sanitizer's own memory is beyond any bound, and it starts another program to name what it
 * found. */
#ifdef HEELER_CHECKS
#define MEMORY_BOUND RLIM_INFINITY
#else
#define MEMORY_BOUND memory
#endif

static bool bound_resources(size_t memory)
{
    const struct {
        __rlimit_resource_t what;
        rlim_t most;
    } bounds[] = {
        { RLIMIT_AS, MEMORY_BOUND }, { RLIMIT_CPU, LIMITS_CPU_S }, { RLIMIT_CORE, 0 },
        { RLIMIT_NOFILE, 16 },       { RLIMIT_FSIZE, memory },
    };

    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        struct rlimit limit;
        if (getrlimit(bounds[i].what, &limit) != 0)
            return false;
        if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max <= bounds[i].most)
            continue;
        limit = (struct rlimit){ bounds[i].most, bounds[i].most };
        if (setrlimit(bounds[i].what, &limit) != 0)
            return false;
    }
    return true;
}

/* ---- the filter of system calls ---------------------------------------- */

#ifdef HEELER_CHECKS
#elif defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef OWN_ARCHITECTURE
/* An error for this call, and on to the next question otherwise. */
#define REFUSE(call)                                        \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##call, 0, 1), \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES)

/* Numbers of another architecture, as of x32, mean other calls: none is taken. */
static void filter_calls(void)
{
    static struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        REFUSE(socket),
        REFUSE(socketpair),
        REFUSE(connect),
        REFUSE(execve),
        REFUSE(execveat),
        REFUSE(ptrace),
        REFUSE(process_vm_readv),
        REFUSE(process_vm_writev),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof code / sizeof code[0], code };

    (void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#else
static void filter_calls(void)
{
}
#endif

bool limits_set(size_t memory)
{
    if (!bound_resources(memory))
        return false;
    (void)syscall(SYS_close_range, 3, ~0U, 0);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        filter_calls();
    return true;
}
