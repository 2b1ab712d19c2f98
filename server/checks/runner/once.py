"""server/checks/runner/once.py: `heeler checks --once NAME`: each instance is run, and printed.

It works without a server: nothing is sent. Instances run one after the other, each in a process
with the limits that it has under the supervisor. With --check-rate each runs twice, a second or
more apart, and the second run is what is printed: rates and monotonic counts need two samples.
"""

import json
import select
import sys
import time

from runner import configuration
from runner.masking import Mask
from runner.report import Report
from runner.shown import cut, shown
from runner.starter import start

EXIT_FAILED, EXIT_CONFIG = 1, 78
LEAVE_S = 5
MAX_PRINTED = 1000     # lines of one instance


def once(settings, log, name, twice, as_json, out):
    """0; 1: an instance failed; 78: its files are wrong, or there are none."""
    found = configuration.read(settings.confd_path)
    instances = [one for one in found.instances if one.name == name]
    problems = [one for one in found.problems if concerns(one, settings.confd_path, name)]
    if not instances and not problems:
        problems = found.problems if not found.instances else []
        problems = problems + [f"no instance of the check {name} is configured in "
                               f"{settings.confd_path}"]
    for problem in problems:
        print(f"heeler-checks: {shown(problem)}", file=sys.stderr)
    reports = []
    for number, configured in enumerate(instances):
        reports.append(Hand(settings, log, configured).run(twice))
        if not as_json:
            out.write("\n" * (number > 0) + reports[-1].text())
            out.flush()
    if as_json:
        json.dump({"check": name, "instances": [one.document() for one in reports],
                   "problems": problems}, out, indent=2)
        out.write("\n")
    out.flush()
    if problems:
        return EXIT_CONFIG
    return EXIT_FAILED if any(one.error is not None for one in reports) else 0


def concerns(problem, confd_path, name):
    """Whether a sentence is about a file of this check."""
    start = confd_path.rstrip("/") + "/" + name
    return problem.startswith(tuple(start + end for end in (".yaml", ".yml", ".d/", ".d:")))


class Hand:
    """Runs one instance by hand, and waits for it."""

    def __init__(self, settings, log, configured):
        self.settings, self.log, self.configured = settings, log, configured
        self.mask = Mask(configured.init_config, configured.instance)
        self.printed = 0
        self.process = None

    def run(self, twice):
        report = Report(self.configured, self.mask)
        try:
            self.process = start(self.configured, self.settings)
        except OSError as error:
            report.fail(f"its process could not be started: {error.strerror}")
            return report
        try:
            if self.load(report):
                report = self.run_loaded(twice)
        except Gone as gone:
            report.fail(str(gone))
        except KeyboardInterrupt:
            self.process.kill("interrupted")
            raise
        finally:
            self.end()
        return report

    def load(self, report):
        """False: it was refused, and the report says so."""
        for frame in self.frames("loading it"):
            if frame["op"] == "loaded":
                return True
            if frame["op"] == "failed":
                report.fail(frame["sentence"], frame["traceback"])
                return False

    def run_loaded(self, twice):
        second = whole_second(0) if twice else int(time.time())
        report = self.run_once(second)
        if twice and report.error is None:
            report = self.run_once(max(whole_second(1), second + 1))
        return report

    def run_once(self, second):
        report = Report(self.configured, self.mask)
        self.process.send({"op": "run", "time": second})
        try:
            for frame in self.frames("a run"):
                report.take(frame)
                if frame["op"] == "done":
                    break
        except Gone as gone:
            report.fail(str(gone))
        return report

    def frames(self, what):
        """Each frame as it comes. Gone: the process ended, or took too long and was killed."""
        deadline = time.monotonic() + self.settings.run_timeout_s
        while True:
            happened = self.process.step()
            for _, *details in (one for one in happened if one[0] == "printed"):
                self.show_output(*details)      # first, because who reads may stop at a frame
            for _, frame in (one for one in happened if one[0] == "frame"):
                self.show_log(frame)
                yield frame
            if self.process.ended is not None:
                raise Gone(self.process.ended if self.process.killed
                           else f"{self.process.ended}, in {what}")
            left = deadline - time.monotonic()
            if left <= 0:
                self.process.kill(f"{what} took longer than {self.settings.run_timeout_s} s")
            wait(self.process, left)

    def show_log(self, frame):
        if frame["op"] == "log":
            text = cut(self.mask(frame["text"]), 1000)
            self.log.line(frame["level"], f"{self.configured.check_id}: {text}")

    def show_output(self, lines, more):
        for line in lines:
            self.printed += 1
            if self.printed <= MAX_PRINTED:
                self.show(f"printed: {cut(self.mask(line), 200)}")
        if more:
            self.show(f"printed {more} lines more")

    def show(self, text):
        print(f"{shown(self.configured.name)} {shown(text)}", file=sys.stderr)

    def end(self):
        """The process is asked to end, and then killed."""
        if self.process.ended is None:
            self.process.send({"op": "cancel"})
        deadline = time.monotonic() + LEAVE_S
        while self.process.ended is None:
            if time.monotonic() > deadline:
                self.process.kill("it did not end when it was asked to")
            wait(self.process, 0.1)
            for what, *details in self.process.step():
                if what == "printed":
                    self.show_output(*details)


class Gone(Exception):
    """The process; str() says why."""


def wait(process, seconds):
    """Until it has something to say or room to listen; at most a second."""
    writing = [process.input_descriptor()] if process.wants_write() else []
    select.select(process.descriptors(), writing, [], max(min(seconds, 1), 0.01))


def whole_second(after):
    """Waits for the first whole second that begins so many seconds from now, or later."""
    now = time.time()
    second = int(now + after) + 1
    time.sleep(max(second - now, 0))
    return second
