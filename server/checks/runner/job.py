"""server/checks/runner/job.py: one instance as the supervisor knows it: what it does, and did.

         start            loaded           turn             done
  ABSENT -----> LOADING ---------> READY ---------> RUNNING -------> READY
    ^              |                                   |
    +--------------+------ the process ended ----------+

A job lives as long as its instance is configured; processes come and go under it. It reads no
descriptor and no clock: the supervisor moves it, and asks what to tell of it. Texts from the
check are masked as soon as they come in.
"""

from runner.configuration import signature
from runner.log import Limit
from runner.masking import Mask
from runner.shown import cut
from runner.watch import Watch

ABSENT, LOADING, READY, RUNNING = "absent", "loading", "ready", "running"
NOTHING = {"metrics": 0, "samples": 0, "events": 0, "service_checks": 0}
MAX_TEXT = 2000
MAX_TRACEBACK = 16384
MAX_WARNINGS = 20
MAX_REASONS = 50
PRINTED_A_MINUTE = 20
LOGGED_A_MINUTE = 60


class Job:
    def __init__(self, configured):
        self.configured = configured
        self.mask = Mask(configured.init_config, configured.instance)
        self.phase = ABSENT
        self.process = None
        self.deadline = None        # monotonic: when what it does now has taken too long
        self.stale = False          # its code changed during a run: a new process after it
        self.slow_from = None       # monotonic: loading since then, it waits rather than works
        self.files = []             # of its code
        self.code = Watch(lambda: signature(self.files, 0))
        self.code.take()
        self.outcome = "waiting"    # of the last run, or why there is no process
        self.last_run = None
        self.since = None           # monotonic, when that began
        self.seconds = 0.0
        self.last = dict(NOTHING)
        self.runs = self.failures = self.kills = 0
        self.dropped = {}
        self.warnings = []
        self.error = None
        self.traceback = ""
        self.output_lines = 0
        self.output_last = ""
        self.logged = None          # the error that the log has, so that it gets what is new
        self.printing, self.logging = Limit(PRINTED_A_MINUTE), Limit(LOGGED_A_MINUTE)

    @property
    def key(self):
        return self.configured.check_id

    @property
    def name(self):
        return self.configured.name

    def know_files(self, files):
        """Those that its code came from, or should have."""
        self.files = files
        self.code.take()

    def learn_files(self, files):
        """Those that the run came to, too. What changed meanwhile is not taken for known."""
        if len(files) > len(self.files):
            self.stale = self.stale or self.code.changed(True)
            self.know_files(files)

    def began(self, time, now):
        self.phase, self.last_run, self.since = RUNNING, time, now

    def done(self, frame):
        """A whole run, whatever came of it."""
        self.phase = READY
        self.runs += 1
        self.seconds = frame["seconds"]
        self.last = {"metrics": frame["points"], "samples": frame["samples"],
                     "events": frame["events"], "service_checks": frame["service_checks"]}
        self.warnings = [self._text(text) for text in frame["warnings"][:MAX_WARNINGS]]
        for reason, number in frame["dropped"].items():
            self.add_dropped(reason, number)
        if frame["error"] is None:
            self._set_error("warning" if self.warnings else "ok", None, "")
            return
        self.failures += 1
        self._set_error("error", frame["error"]["message"] or "an exception without a message",
                        frame["error"]["traceback"])

    def refused(self, sentence, traceback):
        """Its code could not be loaded."""
        self.failures += 1
        self._set_error("refused", sentence, traceback)

    def lost(self, sentence, by_us, now):
        """Its process ended in the middle of something, or was killed for what it did."""
        if self.phase == RUNNING:
            self.runs += 1
            self.seconds, self.last = now - self.since, dict(NOTHING)
        self.failures += 1
        self.kills += by_us
        self.warnings = []
        self._set_error("killed" if by_us else "backing off", sentence, "")

    def add_dropped(self, reason, number):
        if reason in self.dropped or len(self.dropped) < MAX_REASONS:
            self.dropped[reason] = self.dropped.get(reason, 0) + number

    def printed(self, line):
        """A line of its output, masked; the supervisor decides whether the log gets it."""
        self.output_lines += 1
        self.output_last = cut(self.mask(line), 200)
        return self.output_last

    def told(self, skipped, next_run):
        """Its part of the status; next_run in seconds since 1970."""
        return {
            "id": self.key, "name": self.name, "source": self.configured.source,
            "interval_s": self.configured.interval_s,
            "state": self.state(),
            "last_run": self.last_run, "seconds": round(self.seconds, 6),
            "runs": self.runs, "failures": self.failures, "skipped": skipped, "kills": self.kills,
            **self.last, "dropped": dict(self.dropped), "warnings": list(self.warnings),
            "error": self.error, "traceback": self.traceback, "next_run": next_run,
            "output": {"lines": self.output_lines, "last": self.output_last}}

    def state(self):
        """One that failed has failed until a run went well, not only until the next one began."""
        well = self.outcome in ("waiting", "ok", "warning")
        return "running" if self.phase == RUNNING and well else self.outcome

    def _set_error(self, outcome, message, traceback):
        self.outcome = outcome
        self.error = None if message is None else self._text(message)
        self.traceback = self.mask(traceback)[-MAX_TRACEBACK:]

    def _text(self, text):
        return cut(self.mask(text), MAX_TEXT)
