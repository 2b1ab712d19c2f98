"""server/checks/runner/sink.py: where points, service checks and events go.

  gauge, service check, event ──► lines  ──► unix socket, else UDP      (runner/datagrams.py)
  count, rate                 ──► series ──► POST /api/v1/series        (runner/posts.py)
  documents (status)          ──────────────► POST PATH

A gauge whose line is too long, or has nowhere to go, is a series, too. Both ways have a bounded box
of what waits while the server is away; what is given up is counted by reason:

  queue_full   it waited while newer items filled the box
  refused      the server understood it, and does not take it
  too_long     the line of an event or a service check, or a gauge's without HTTP
  no_name      nothing of the name can be sent
  no_http      a count or a rate, and the settings have no address of the server's HTTP
  no_socket    a service check or an event, and the settings have no socket for lines

Nothing waits, but for end(). The loop polls watched() until due() and calls turn(); times are
monotonic seconds. While it is_busy() the loop should not bring more: a run of many points is sent
as fast as the server takes them, and nothing is given up for it. A server that takes nothing keeps
nobody from anything. It owns its sockets.
"""

import collections
import select
import time

from runner.datagrams import LINE_MAX, Datagrams
from runner.lines import line_event, line_gauge, line_service_check
from runner.outbox import EVENTS, POINTS, SERVICE_CHECKS, WORDS, Outbox
from runner.point import GAUGE
from runner.posts import Posts
from runner.series import series_item

BOX_BYTES = 8 << 20
MOVING_S = 2.0          # a way on which nothing went for so long does not move
TOLD_S = 300.0          # how long it is told that the server refused something


class Sink:
    def __init__(self, settings, box_bytes=BOX_BYTES):
        """Settings of runner/settings.py. ValueError with a sentence: an address is none."""
        self.sent = collections.Counter()
        self.given_up = collections.Counter()
        self._now = 0.0              # of the last turn
        self._hostname = settings.hostname
        self._keeps_times = _setting(settings, "dogstatsd_no_aggregation_pipeline", True)
        line_max = _setting(settings, "dogstatsd_buffer_size", LINE_MAX)
        self._lines = Outbox(box_bytes, self.given_up)
        self._series = Outbox(box_bytes, self.given_up)
        # An end of line behind each line is in the datagram, too.
        self._line_max = max(1, min(line_max, LINE_MAX) - 1)
        self._datagrams = Datagrams(settings.dogstatsd_socket, settings.dogstatsd_address,
                                    self._line_max + 1, self._lines, self.sent, self.given_up)
        self._posts = Posts(settings.http, settings.app_key, settings.version, self._series,
                            self.sent, self.given_up)

    # ---- what is to be sent ------------------------------------------------

    def points(self, points):
        """Points of a run; of some hundreds it takes some milliseconds."""
        for point in points:
            line = None
            if point.kind == GAUGE and self._keeps_times and self._datagrams.ways:
                line = line_gauge(point, self._line_max)
            if line is not None:
                self._lines.add(POINTS, line)
            else:
                self._add_series(point)

    def service_check(self, name, status, tags, host, message, timestamp):
        check = {"name": name, "status": status, "tags": tags, "host": host, "message": message,
                 "timestamp": timestamp}
        self._add_line(SERVICE_CHECKS, line_service_check(check, self._line_max), name)

    def event(self, event):
        """What a check gave to event(), but `host` as in a point."""
        self._add_line(EVENTS, line_event(event, self._line_max),
                       event.get("msg_title") or event.get("msg_text"))

    def post(self, path, body):
        """A document of JSON, as bytes. One of the same path that was not sent yet is forgotten."""
        self._posts.post(path, body)

    # ---- the loop ----------------------------------------------------------

    def watched(self):
        """[(descriptor, events of poll)], other ones after each turn."""
        return self._datagrams.watched() + self._posts.watched()

    def due(self, now):
        """When there is something to do though nothing happened; None: never."""
        times = [self._datagrams.due(now), self._posts.due(now)]
        return min((at for at in times if at is not None), default=None)

    def turn(self, now):
        """Does what can be done now."""
        self._now = now
        self._datagrams.turn(now)
        self._posts.turn(now)

    def is_busy(self):
        """Whether much waits on a way that moves."""
        return any(box.is_half_full() and self._now - way.moved < MOVING_S
                   for box, way in ((self._lines, self._datagrams), (self._series, self._posts)))

    def end(self, seconds):
        """Sends what waits, and waits for that at most so long; closes."""
        now = time.monotonic()
        deadline = now + seconds
        # Who would be tried again later is tried now.
        self._datagrams.backoff.worked()
        self._posts.backoff.worked()
        self.turn(now)
        while not self.is_idle() and now < deadline:
            due = self.due(now)
            _wait(self.watched(), deadline if due is None else min(due, deadline))
            now = time.monotonic()
            self.turn(now)
        self.close()

    def close(self):
        self._datagrams.close()
        self._posts.close()

    # ---- what is told of it ------------------------------------------------

    def is_idle(self):
        return not self._lines and self._posts.is_idle()

    def counts(self):
        """`sent` of the status document."""
        return {**{word: self.sent[word] for word in WORDS}, "given_up": dict(self.given_up),
                "queued": len(self._lines) + self._posts.waiting()}

    def problems(self):
        """Sentences about what does not work now."""
        problems = [self._datagrams.backoff.problem, self._posts.backoff.problem]
        if self._now - self._posts.refused_at < TOLD_S:
            problems.append(f"the server refused what was sent: {self._posts.refusal}")
        return [problem for problem in problems if problem]

    # ---- ways --------------------------------------------------------------

    def _add_series(self, point):
        item = series_item(point, self._hostname)
        if item is None:
            self.given_up["no_name"] += 1
        elif self._posts.targets:
            self._series.add(POINTS, item)
        else:
            self.given_up["too_long" if point.kind == GAUGE and self._datagrams.ways
                          else "no_http"] += 1

    def _add_line(self, what, line, name):
        if not self._datagrams.ways:
            self.given_up["no_socket"] += 1
        elif line is None:
            self.given_up["too_long" if name else "no_name"] += 1
        else:
            self._lines.add(what, line)


def _setting(settings, key, otherwise):
    """One of the server's, with the type of the default."""
    value = settings.agent.get(key, otherwise)
    if isinstance(otherwise, bool):
        return value not in (False, "false")
    return value if isinstance(value, int) and value > 0 else otherwise


def _wait(watched, until):
    poll = select.poll()
    for fd, events in watched:
        poll.register(fd, events)
    poll.poll(max(0.0, until - time.monotonic()) * 1000)
