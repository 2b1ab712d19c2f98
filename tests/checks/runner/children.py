"""tests/checks/runner/children.py: checks in real processes, for the tests of what drives them.

A Checks is a folder of code and its processes, all gone after the test. No test waits for time: it
waits for what happens, and LIMIT_S is only there so that a broken one ends.
"""

import os
import select
import tempfile
import time
import textwrap

from runner import process

PROGRAM = os.path.dirname(os.path.dirname(os.path.abspath(process.__file__)))
OFFERED = os.path.join(PROGRAM, "offered")
LIMIT_S = 120
MEMORY = 256 << 20
HEAD = """import os, sys, time, threading, signal, subprocess
from checks import AgentCheck

class One(AgentCheck):
    def check(self, instance):
"""


class Checks:
    """Made in setUp, with the test as its owner."""

    def __init__(self, test):
        folder = tempfile.TemporaryDirectory()
        test.addCleanup(folder.cleanup)
        test.addCleanup(self.end)
        self.test = test
        self.base = os.path.realpath(folder.name)
        self.code = os.path.join(self.base, "checks.d")
        self.state = os.path.join(self.base, "state")
        os.mkdir(self.code, 0o755)
        os.mkdir(self.state, 0o700)
        self.started = []

    def write(self, name, text, mode=0o644):
        """A file of code; its folders are made."""
        path = os.path.join(self.code, name)
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(textwrap.dedent(text))
        os.chmod(path, mode)
        return path

    def check(self, body, name="one"):
        """A check whose check() has that body."""
        return self.write(name + ".py", HEAD + textwrap.indent(textwrap.dedent(body), " " * 8))

    def start(self, name="one", init_config=None, instance=None, memory=MEMORY, seconds=600):
        """A Child that has got its first frame."""
        child = Child(self.test)
        self.started.append(child)
        child.process.send({
            "op": "load", "name": name, "check_id": name + ":1", "source": "conf.d/one.yaml:1",
            "init_config": init_config or {}, "instance": instance or {},
            "code": [OFFERED, self.code], "agent": {"log_level": "info"},
            "hostname": "here", "version": "1.2.3", "state_path": self.state,
            "limits": {"memory_max_bytes": memory, "run_timeout_s": seconds}})
        return child

    def loaded(self, *words, **options):
        child = self.start(*words, **options)
        self.test.assertEqual("loaded", child.until("loaded", "failed")["op"], child.frames)
        return child

    def end(self):
        for child in self.started:
            child.process.kill("the test is over")
            child.until_ended()


class Child:
    """One Process, and what it said."""

    def __init__(self, test):
        self.test = test
        self.process = process.Process()
        self.frames, self.lines, self.more = [], [], 0
        self.asked = 0
        self.ended = None

    def turn(self, deadline):
        """One round of a loop as the supervisor's."""
        if time.monotonic() > deadline:
            self.test.fail(f"nothing came: {self.frames[-3:]} {self.lines}")
        writers = [self.process.input_descriptor()] if self.process.wants_write() else []
        select.select(self.process.descriptors(), writers, [], 1)
        for what, *rest in self.process.step():
            if what == "frame":
                self.frames.append(rest[0])
            elif what == "printed":
                self.lines += rest[0]
                self.more += rest[1]
            else:
                self.ended = rest[0]

    def until(self, *ops):
        """The next frame of these, of those that came after the one that was last asked for."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            while self.asked < len(self.frames):
                self.asked += 1
                if self.frames[self.asked - 1]["op"] in ops:
                    return self.frames[self.asked - 1]
            if self.ended is not None:
                self.test.fail(f"ended: {self.ended} {self.lines}")
            self.turn(deadline)

    def run(self, time_s=1700000000):
        """A whole run → its done."""
        self.process.send({"op": "run", "time": time_s})
        return self.until("done")

    def until_ended(self):
        """The sentence."""
        deadline = time.monotonic() + LIMIT_S
        while self.process.ended is None:
            self.turn(deadline)
        return self.process.ended

    def until_printed(self, text):
        deadline = time.monotonic() + LIMIT_S
        while not any(text in line for line in self.lines):
            if self.ended is not None:
                self.test.fail(f"ended: {self.ended} {self.lines}")
            self.turn(deadline)

    def until_at(self, place):
        """Until the process has said that it is there."""
        deadline = time.monotonic() + LIMIT_S
        while place not in self.process._where:
            self.turn(deadline)

    def points(self):
        return [point for frame in self.frames if frame["op"] == "points"
                for point in frame["points"]]

    def of(self, op):
        return [frame for frame in self.frames if frame["op"] == op]


def is_gone(pid):
    """Neither running nor a zombie that its parent has not looked at."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_until(test, condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            test.fail("it did not come to be")
        time.sleep(0.01)


