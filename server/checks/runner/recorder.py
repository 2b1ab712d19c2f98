"""server/checks/runner/recorder.py: what a check submits → samples, and frames to the parent.

The module `aggregator` that checks call is given a Recorder, `datadog_agent` an Agent; both live as
long as the process of the instance. Samples are summed up by the sampler and leave with the end
of the run; service checks, events and lines of the log leave as they come. Everything is bounded
per run, and what is beyond is counted by reason. A constructor, or a thread of the check, may call
while there is no run: what it submits belongs to the next one, and service checks and events wait
for it.
"""

import collections
import os
import threading
import time

from runner import frames

MAX_SERVICE_CHECKS = 1000
MAX_EVENTS = 1000
MAX_LOG_LINES = 200
MAX_LOG_TEXT = 4096
MAX_METADATA = 100
MAX_METADATA_TEXT = 1000
MAX_REASONS = 30
LEVELS = ((50, "critical"), (40, "error"), (30, "warn"), (20, "info"), (10, "debug"), (0, "trace"))
PLAIN = (str, int, float, type(None))


class Run:
    """What one run came to."""

    def __init__(self):
        self.samples = self.points = self.events = self.service_checks = self.log_lines = 0
        self.dropped = collections.Counter()
        self.metadata = {}


class Recorder:
    """For aggregator.install(). sampler: as runner/sampler.py; send(frame): False if not sent."""

    def __init__(self, sampler, send, monotonic=time.monotonic, wall=time.time):
        self.sampler, self.send = sampler, send
        self.monotonic, self.wall = monotonic, wall
        self.lock = threading.RLock()
        self.pid = os.getpid()
        self.run = Run()
        self.waiting = []       # for a run, while there is none; None while there is one

    def begin(self, time_s):
        """A run that is stamped with that second begins."""
        with self.lock:
            self.sampler.begin(time_s)
            waiting, self.waiting = self.waiting, None
            for kind, frame in waiting or ():
                self._send(kind, frame)

    def end(self):
        """Sends the points → the Run, and a new one begins."""
        with self.lock:
            points = self.sampler.commit()
            for reason, number in self.sampler.dropped.items():
                self._drop(reason, number)
            self.run.points = len(points)
            for first in range(0, len(points), frames.MAX_POINTS):
                self._send_points(points[first:first + frames.MAX_POINTS])
            ended, self.run, self.waiting = self.run, Run(), []
            return ended

    def metric(self, check_id, mtype, name, value, tags, hostname, flush_first_value):
        with self.lock:
            self.run.samples += 1
            self.sampler.add(mtype, str(name), value, [str(tag) for tag in tags or ()],
                             _text_or_none(hostname), flush_first_value, self.monotonic())

    def service_check(self, check_id, name, status, tags, hostname, message):
        frame = {"op": "service_check", "name": str(name), "status": int(status),
                 "tags": [str(tag) for tag in tags or ()], "host": _text_or_none(hostname),
                 "message": _text_or_none(message), "timestamp": int(self.wall())}
        self._submit("service_checks", MAX_SERVICE_CHECKS, frame)

    def event(self, check_id, event):
        frame = {str(key): _plain(value) for key, value in event.items()}
        frame["op"] = "event"
        self._submit("events", MAX_EVENTS, frame)

    def histogram_bucket(self, check_id, *bucket):
        """There is no way to send one."""
        self.dropped("histogram_bucket")

    def dropped(self, reason):
        with self.lock:
            self._drop(str(reason)[:100])

    def log(self, level, text):
        frame = {"op": "log", "level": _level(level), "text": str(text)[:MAX_LOG_TEXT]}
        with self.lock:
            if self.run.log_lines == MAX_LOG_LINES:
                self._drop("log_lines")
            elif self.send(frame):
                self.run.log_lines += 1

    def metadata(self, name, value):
        with self.lock:
            if name in self.run.metadata or len(self.run.metadata) < MAX_METADATA:
                self.run.metadata[str(name)[:MAX_METADATA_TEXT]] = str(value)[:MAX_METADATA_TEXT]
            else:
                self._drop("metadata")

    def _drop(self, reason, number=1):
        if reason not in self.run.dropped and len(self.run.dropped) >= MAX_REASONS:
            reason = "other"
        self.run.dropped[reason] += number

    def _submit(self, kind, most, frame):
        """kind: which number of Run counts it."""
        with self.lock:
            if getattr(self.run, kind) >= most:
                self._drop(kind)
                return
            setattr(self.run, kind, getattr(self.run, kind) + 1)
            if self.waiting is None:
                self._send(kind, frame)
            else:
                self.waiting.append((kind, frame))

    def _send(self, kind, frame):
        if not self.send(frame):
            setattr(self.run, kind, getattr(self.run, kind) - 1)
            self._drop("too_large")

    def _send_points(self, points):
        """In as many frames as they need; one that no frame can hold is dropped."""
        if self.send({"op": "points", "points": points}):
            return
        if len(points) == 1:
            self.run.points -= 1
            self._drop("too_large")
            return
        half = len(points) // 2
        self._send_points(points[:half])
        self._send_points(points[half:])


class Agent:
    """For datadog_agent.install(). config: the settings that checks may see."""

    def __init__(self, recorder, cache, hostname, version, config):
        self.recorder, self.cache = recorder, cache
        self.hostname, self.version, self.config = hostname, version, config

    def log(self, level, text):
        self.recorder.log(level, text)

    def metadata(self, check_id, name, value):
        self.recorder.metadata(name, value)

    def external_tags(self, tags):
        """There is no way to send them."""
        self.recorder.dropped("external_tags")

    def cache_read(self, key):
        return self.cache.read(str(key))

    def cache_write(self, key, value):
        try:
            self.cache.write(str(key), str(value))
        except OSError as error:
            self.recorder.log(30, f"the persistent cache cannot be written: {error.strerror}")


def _level(number):
    """A number of Python's logging → a word."""
    if isinstance(number, str):
        return number
    return next((word for least, word in LEVELS if number >= least), "trace")


def _text_or_none(value):
    return value if value is None else str(value)


def _plain(value):
    """What a frame may hold in an event."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, tuple, set)):
        return [str(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, PLAIN):
        return str(value)
    if isinstance(value, float) and not abs(value) < 1e300:
        return str(value)
    return value
