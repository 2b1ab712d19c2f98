"""server/checks/runner/orphans.py: what a check started, and what outlives the check's process.

A process of an instance is killed with its group. What left that group (setsid, a daemon) is not
hit; its parent gone, the kernel gives it to the supervisor, who is its subreaper (or the first
process of a container). Here it is ended and reaped, so that a check that is restarted again and
again leaves nothing running and no zombies.

Only what a process of an instance started is ended: it carries the token of that process in its
environment (runner/process.py). The children that others left to the supervisor are reaped when
they have ended, and otherwise let alone.
"""

import ctypes
import os
import signal

PR_SET_CHILD_SUBREAPER = 36
TOKEN = "HEELER_CHECKS_PROCESS"
MAX_ENVIRONMENT = 1 << 20


def adopt():
    """From now on this process is given what its descendants leave behind."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end(processes):
    """Ends and reaps what is not of `processes`, those that still live. Once in a while; what is
    killed now is reaped by the next call. Says how many were killed."""
    pids = {process.pid for process in processes}
    tokens = {process.token for process in processes}
    killed = 0
    for pid in _children():
        if pid in pids or _reaped(pid):
            continue
        token = _token(pid)
        if token is not None and token not in tokens:
            killed += _kill(pid)
    return killed


def _children():
    """The kernel's list; empty where it keeps none. There is one thread only."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def _reaped(pid):
    """True if it had ended, and is no more."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _token(pid):
    """What its environment says, or None."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            environment = file.read(MAX_ENVIRONMENT)
    except OSError:
        return None
    mark = TOKEN.encode() + b"="
    found = [entry for entry in environment.split(b"\0") if entry.startswith(mark)]
    return found[0][len(mark):].decode("ascii", "replace") if found else None


def _kill(pid):
    """It is our child and not reaped: the number is nobody else's."""
    try:
        os.kill(pid, signal.SIGKILL)
        return 1
    except OSError:
        return 0
