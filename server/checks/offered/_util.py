"""offered/_util.py: a command that a check runs, and what it wrote.

The command is the check's child: it is of its process group, and ends with it at the latest.
"""

import shlex
import subprocess


class SubprocessOutputEmptyError(Exception):
    """The command wrote nothing, and the check said that it must."""


def subprocess_output(command, raise_on_empty_output=True, env=None):
    """(what it wrote, what it wrote as errors, exit status), the first two as text.

    command is a list, or a text that is split as a shell would; no shell runs it. A program that is
    not there raises OSError."""
    if isinstance(command, (str, bytes)):
        command = shlex.split(command if isinstance(command, str) else command.decode())
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=env,
                          check=False)
    if raise_on_empty_output and not done.stdout:
        raise SubprocessOutputEmptyError(f"{command[0]} wrote nothing, and ended with "
                                         f"{done.returncode}")
    return (done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"),
            done.returncode)


def get_subprocess_output(command, log=None, raise_on_empty_output=True, log_debug=True, env=None):
    """As above, and told to `log` first. A second argument that is True or False is an older
    caller's raise_on_empty_output."""
    if isinstance(log, bool):
        raise_on_empty_output, log = log, None
    if log is not None and log_debug:
        log.debug("running %r", command)
    return subprocess_output(command, raise_on_empty_output, env)
