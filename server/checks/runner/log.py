"""server/checks/runner/log.py: one line per event worth an operator's time, as the server's are.

  2026-11-22T20:00:00.123Z INFO checks: postgres: the first run took 0.2 s

Lines go to standard error, one write each of less than a pipe takes at once. When nobody reads
them, lines are dropped and counted: that holds nobody up. What strangers said goes through shown()
here; secrets are masked where they are known (runner/masking.py).
"""

import json
import os
import select
import time

from runner.shown import cut, shown

LEVELS = {"off": 0, "critical": 1, "error": 1, "warn": 2, "warning": 2, "info": 3, "debug": 4,
          "trace": 4}
NAMES = ["OFF", "ERROR", "WARN", "INFO", "DEBUG"]
MAX_MESSAGE = 2048   # characters
MAX_JSON = 900       # so that no object is cut, whatever its characters
MAX_LINE = 4000      # bytes: a pipe that polls as writable takes 4096 bytes without waiting


class Log:
    """Where lines go, and which. Lives as long as the program."""

    def __init__(self, level="info", as_json=False, fd=2, now=time.time):
        self.level = LEVELS.get(level, LEVELS["info"])
        self.as_json = as_json
        self.fd = fd
        self.now = now
        self.dropped = 0
        self.poll = select.poll()
        self.poll.register(fd, select.POLLOUT)

    def error(self, message):
        self.line("error", message)

    def warn(self, message):
        self.line("warn", message)

    def info(self, message):
        self.line("info", message)

    def debug(self, message):
        self.line("debug", message)

    def line(self, level, message):
        """One line, of a level that LEVELS knows; an unknown one is info."""
        if not self.enabled(level):
            return
        number = LEVELS.get(level, LEVELS["info"])
        try:
            if self.poll.poll(0):
                os.write(self.fd, self.formed(number, message))
                return
        except OSError:
            pass   # a full disk or a reader that is gone: there is nobody to tell
        self.dropped += 1

    def enabled(self, level):
        return 0 < LEVELS.get(level, LEVELS["info"]) <= self.level

    def formed(self, number, message):
        """The bytes of the line, with its end."""
        now = self.now()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
        stamp += f".{int(now % 1 * 1000):03d}Z"
        text = cut(shown("checks: " + message), MAX_MESSAGE)
        line = f"{stamp} {NAMES[number]} {text}"
        if self.as_json:
            line = json.dumps({"time": stamp, "level": NAMES[number].lower(),
                               "message": cut(text, MAX_JSON)}, separators=(",", ":"),
                              ensure_ascii=False)
        whole = line.encode("utf-8", "replace")[:MAX_LINE].decode("utf-8", "ignore")
        return whole.encode("utf-8") + b"\n"


class Limit:
    """At most so many lines in a minute; says how many were not let through before."""

    def __init__(self, lines=20, seconds=60):
        self.lines, self.seconds = lines, seconds
        self.began = None
        self.passed = self.suppressed = 0

    def pass_at(self, now):
        """None: this line is not to be logged; else the number that were suppressed before."""
        if self.began is None or not 0 <= now - self.began < self.seconds:
            self.began, self.passed = now, 0
        if self.passed >= self.lines:
            self.suppressed += 1
            return None
        self.passed += 1
        suppressed, self.suppressed = self.suppressed, 0
        return suppressed
