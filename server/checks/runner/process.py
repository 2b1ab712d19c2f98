"""server/checks/runner/process.py: the parent's side of the process of one instance.

  parent                        child.py, leader of its session
    input  ---- frames ----> 0
    output <--- prints ----- 1, 2
    frames <--- frames ----- 3
    pidfd  <--- its end

Nothing here blocks: the supervisor selects on descriptors() (and on input_descriptor() while
wants_write()), calls step(), and is told what happened:

  ("frame", frame)             as frames.checked() gives it
  ("printed", lines, more)     what the check printed: bytes as text, cut; `more` lines are not here
  ("ended", sentence)          the last one. The process and all of its group are gone and reaped,
                               its descriptors are closed, and `killed` says whether it was us

A child that writes what is no frame, or too much, is killed for it. The owner calls kill(sentence)
for its own reasons, and step() once more as soon as it can. Kernels without pidfd: call step() once
a second.
"""

import itertools
import os
import signal
import sys

from runner import frames, orphans

CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "child.py")
MAX_RUN = 64 << 20          # bytes of frames from "run" to "run"
MAX_OUTPUT_LINE = 1000      # more than is shown, so that a secret is masked before the cut
MAX_OUTPUT_LINES = 20       # that one step tells of
MAX_WHERE = 300
READ = 1 << 16
READS = 4                   # of one descriptor in one step, so that others have their turn
PF_EXITING = 4              # a flag in /proc/PID/stat
LAST_READS = 64             # of what is left in the pipe of one that ended
DEFAULTED = (signal.SIGPIPE, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD,
             signal.SIGUSR1, signal.SIGUSR2, signal.SIGXFSZ)
# Secrets of the server, and what systemd means for the supervisor alone.
NOT_INHERITED = ("DD_API_KEY", "DD_APP_KEY", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
                 "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "STATE_DIRECTORY",
                 "CREDENTIALS_DIRECTORY")
_numbers = itertools.count(1)


class Process:
    """Starts on construction (OSError where it cannot). `ended` is None until the end, and then
    the sentence; `pid` is of no use any more then. `token` is in its environment, and in that of
    all that it starts."""

    def __init__(self, child=CHILD, environment=None):
        self.ended = None
        self.killed = False
        self._reason = None
        self._busy = False      # from load or run to their answer
        self._where = ""
        self._unsent = bytearray()
        self._frames = bytearray()
        self._line = bytearray()
        self._skips = False     # the rest of a line that was too long
        self._run_bytes = 0
        self.token = f"{os.getpid()}.{next(_numbers)}"
        self._spawn(child, {**_environment(os.environ if environment is None else environment),
                            orphans.TOKEN: self.token})
        try:
            self._pidfd = os.pidfd_open(self.pid)
        except (OSError, AttributeError):
            self._pidfd = None

    def descriptors(self):
        """To be selected for reading."""
        return [fd for fd in (self._frames_fd, self._output_fd, self._pidfd) if fd is not None]

    def input_descriptor(self):
        return self._input_fd

    def wants_write(self):
        return bool(self._unsent) and self._input_fd is not None

    def send(self, frame):
        """Queues a frame, and writes what can be written."""
        if frame["op"] in ("load", "run"):
            self._busy, self._where, self._run_bytes = True, "", 0
        self._unsent += frames.encoded(frame)
        self._write()

    def kill(self, sentence):
        """Ends the whole group now. The first sentence stays the reason; where the child has said
        which line it is at, it is told, too."""
        if self.ended is not None:
            return
        if self._where:
            sentence += f": it was at {self._where}"
        self._reason = self._reason or sentence
        self._kill_group()

    def step(self):
        """What happened since the last one."""
        if self.ended is not None:
            return []
        self._write()
        happened = self._read_frames(READS) + self._read_output(READS)
        if self._has_exited():
            # The dead leader keeps the number of its group until it is reaped: nobody else is hit.
            self._kill_group()
            happened += self._read_frames(LAST_READS) + self._read_output(LAST_READS)
            happened += self._printed(final=True)
            happened.append(("ended", self._reap()))
        return happened

    def _spawn(self, child, environment):
        (input_end, self._input_fd, self._output_fd, output_end, self._frames_fd,
         frames_end) = _pipes(3)
        try:
            actions = [(os.POSIX_SPAWN_DUP2, input_end, 0), (os.POSIX_SPAWN_DUP2, output_end, 1),
                       (os.POSIX_SPAWN_DUP2, 1, 2), (os.POSIX_SPAWN_DUP2, frames_end, 3)]
            words = [sys.executable, "-I", "-B", child, str(os.getpid())]
            self.pid = os.posix_spawn(sys.executable, words, environment, file_actions=actions,
                                      setsid=True, setsigmask=[], setsigdef=DEFAULTED)
        except OSError:
            for descriptor in (self._input_fd, self._output_fd, self._frames_fd):
                os.close(descriptor)
            raise
        finally:
            for descriptor in (input_end, output_end, frames_end):
                os.close(descriptor)
        for descriptor in (self._input_fd, self._output_fd, self._frames_fd):
            os.set_blocking(descriptor, False)

    def _write(self):
        if not self.wants_write():
            return
        try:
            del self._unsent[:os.write(self._input_fd, self._unsent)]
        except BlockingIOError:
            pass
        except OSError:
            # It does not listen any more; that it ended is told elsewhere.
            self._unsent.clear()

    def _read_frames(self, reads):
        happened = []
        while reads and self._frames_fd is not None and self._reason is None:
            reads -= 1
            data = _read(self._frames_fd)
            if data is None:
                break
            if not data:
                os.close(self._frames_fd)
                self._frames_fd = None
                if not _is_exiting(self.pid):
                    self.kill("its process closed the descriptor of the runner")
                break
            self._run_bytes += len(data)
            self._frames += data
            happened += self._whole_frames()
        return happened

    def _whole_frames(self):
        """The frames that are complete, up to the first one that is none."""
        happened = []
        *lines, self._frames = self._frames.split(b"\n")
        for line in lines:
            try:
                happened += self._taken(frames.checked(line))
            except frames.Garbage as garbage:
                self.kill(f"its process wrote what is no frame to the runner: {garbage}")
                break
        if len(self._frames) > frames.MAX_LINE:
            self.kill(f"its process wrote a line of more than {frames.MAX_LINE} bytes to the "
                      "runner")
        if self._run_bytes > MAX_RUN:
            self.kill(f"its process wrote more than {MAX_RUN} bytes to the runner in one run")
        return happened

    def _taken(self, frame):
        """What the owner gets of a frame: all but where the child is, which is ours to keep."""
        if frame["op"] == "where":
            # One that comes just after the end of what it is about is about nothing.
            self._where = frame["text"][:MAX_WHERE] if self._busy else ""
            return []
        if frame["op"] in ("loaded", "failed", "done"):
            self._busy, self._where = False, ""
        return [("frame", frame)]

    def _read_output(self, reads):
        while reads and self._output_fd is not None:
            reads -= 1
            data = _read(self._output_fd)
            if data is None:
                break
            if not data:
                os.close(self._output_fd)
                self._output_fd = None
                break
            self._line += data
        return self._printed(final=False)

    def _printed(self, final):
        """Whole lines, and the beginning of one that is too long to wait for its end."""
        if self._skips:
            _, end, self._line = self._line.partition(b"\n")
            self._skips = not end
        *lines, rest = self._line.split(b"\n")
        if len(rest) > MAX_OUTPUT_LINE or (final and rest):
            lines, rest, self._skips = lines + [rest], bytearray(), True
        self._line = rest
        if not lines:
            return []
        shown = [line[:MAX_OUTPUT_LINE].decode("utf-8", "replace").rstrip("\r")
                 for line in lines[:MAX_OUTPUT_LINES]]
        return [("printed", shown, len(lines) - len(shown))]

    def _kill_group(self):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            # It was killed before it became the leader of its group.
            os.kill(self.pid, signal.SIGKILL)
        except PermissionError:
            pass

    def _has_exited(self):
        """Looks, and leaves it to be reaped."""
        found = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return found is not None

    def _reap(self):
        _, status = os.waitpid(self.pid, 0)
        self._close()
        by_kill = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        self.killed = bool(self._reason) and by_kill
        self.ended = self._reason if self.killed else _told(status)
        return self.ended

    def _close(self):
        for name in ("_input_fd", "_frames_fd", "_output_fd", "_pidfd"):
            descriptor = getattr(self, name)
            setattr(self, name, None)
            if descriptor is not None:
                os.close(descriptor)


def _environment(environment):
    """What the runner was started with, without its secrets. One arena and the small locale keep
    the address space, which is limited, for the check."""
    kept = {key: value for key, value in environment.items() if key not in NOT_INHERITED}
    return {**kept, "MALLOC_ARENA_MAX": "1", "LC_ALL": "C.UTF-8"}


def _pipes(number):
    """The two ends of each; all or none, when there are no more descriptors to be had."""
    ends = []
    try:
        for _ in range(number):
            ends += os.pipe2(os.O_CLOEXEC)
    except OSError:
        for descriptor in ends:
            os.close(descriptor)
        raise
    return ends


def _read(descriptor):
    """Bytes, b"" at the end, None where there is nothing yet."""
    try:
        return os.read(descriptor, READ)
    except BlockingIOError:
        return None


def _is_exiting(pid):
    """True for a process that is on its way out: its descriptors are closed a moment before its end
    can be waited for, and then its own end is what is to be told."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            flags = int(file.read().rpartition(b")")[2].split()[6])
    except (OSError, ValueError, IndexError):
        return False
    return bool(flags & PF_EXITING)


def _told(status):
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = f"signal {number}"
        cause = " (as where memory runs out)" if number == signal.SIGKILL else ""
        return f"its process was ended by {name}{cause}"
    return f"its process ended with exit status {os.WEXITSTATUS(status)}"
