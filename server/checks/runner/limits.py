"""server/checks/runner/limits.py: what a check's process may take of the machine.

Called in the child, once, before anything of the check is imported. Soft and hard limits are the
same, so that a check cannot raise them. What the kernel does not offer is not missed: the unit's
cgroup bounds all checks together.
"""

import ctypes
import os
import resource
import signal
import threading

PR_SET_PDEATHSIG = 1
OPEN_FILES = 256
FILE_BYTES = 64 << 20
THREAD_STACK = 2 << 20      # of the address space; by default 8 MiB
NICE = 5
OOM_SCORE = 500


def apply(memory_max_bytes, parent):
    """parent: the pid that started this process; with it gone there is nobody to run for."""
    _limit(resource.RLIMIT_AS, memory_max_bytes)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _limit(resource.RLIMIT_FSIZE, FILE_BYTES)
    _limit(resource.RLIMIT_CORE, 0)
    threading.stack_size(THREAD_STACK)
    os.nice(NICE)
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write(str(OOM_SCORE))
    except OSError:
        pass
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # Who died before that call sends no signal any more.
    if os.getppid() != parent:
        os._exit(0)


def _limit(which, most):
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(which, (most, most))
