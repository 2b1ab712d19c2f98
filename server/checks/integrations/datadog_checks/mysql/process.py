"""datadog_checks/mysql/process.py: the processor's time that the server took, from /proc.

The server is the process that its own pid_file names, where we may read that file, else the only
process of a server's name. Two servers on a machine without a readable pid_file are not told
apart: then there is no answer rather than a wrong one. Nothing is kept between calls.
"""

import os

NAMES = ("mysqld", "mariadbd")


def cpu_seconds(pid_file, proc="/proc"):
    """(user, kernel) seconds since the server started, or None where it cannot be found."""
    pid = _of_file(pid_file, proc) or _of_name(proc)
    stat = _read(f"{proc}/{pid}/stat") if pid else None
    if stat is None:
        return None
    # The second field is the name in parentheses, which may hold anything; user and kernel time
    # are the fields 14 and 15.
    fields = stat.rpartition(")")[2].split()
    ticks_a_second = os.sysconf("SC_CLK_TCK")
    return int(fields[11]) / ticks_a_second, int(fields[12]) / ticks_a_second


def _of_file(pid_file, proc):
    """The number may be of another namespace, or stale: the process has to have the name."""
    text = (_read(pid_file) or "").strip() if pid_file and os.path.isabs(pid_file) else ""
    return text if text.isdigit() and _name(text, proc) in NAMES else None


def _of_name(proc):
    found = [pid for pid in os.listdir(proc) if pid.isdigit() and _name(pid, proc) in NAMES]
    return found[0] if len(found) == 1 else None


def _name(pid, proc):
    return (_read(f"{proc}/{pid}/comm") or "").rstrip("\n")


def _read(path):
    """The first bytes of a file, or None: processes end while one looks at them."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(opened, "rb") as stream:
            return stream.read(4096).decode("utf-8", "replace")
    except OSError:
        return None
