"""server/checks/runner/channel.py: the child's end of the pipes to its parent.

The check shares this process, reads its standard input and writes to whatever descriptors it
finds. So the two of the parent move out of its way, to high numbers that what it starts does not
inherit, and standard input is empty. Frames of any thread go out one after the other; a process
that the check forked says nothing.
"""

import fcntl
import os
import threading

from runner import frames

HIGH = 100


class Channel:
    """Lives as long as the process. input, output: descriptors, taken over."""

    def __init__(self, input, output):
        self.pid = os.getpid()
        self.lock = threading.RLock()
        self.output = _moved(output)
        self.input = open(_moved(input), "rb")
        if input == 0:
            os.open(os.devnull, os.O_RDONLY)     # takes the lowest number, which is free: 0

    def receive(self):
        """The parent's next frame; None when it is gone, or the check closed the descriptor."""
        try:
            line = self.input.readline()
        except OSError:
            return None
        return frames.decoded(line) if line.endswith(b"\n") else None

    def send(self, frame):
        """False where the frame is too large or no JSON: it is not sent. With the parent gone, or
        the descriptor closed by the check, the process ends."""
        try:
            line = frames.encoded(frame)
        except (ValueError, TypeError, RecursionError):
            return False
        if len(line) > frames.MAX_LINE:
            return False
        with self.lock:
            if os.getpid() == self.pid:
                self._write(line)
        return True

    def _write(self, line):
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self.output, rest):]
        except OSError:
            os._exit(70)


def _moved(descriptor):
    high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, HIGH)
    os.close(descriptor)
    return high
