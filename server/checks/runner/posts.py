"""server/checks/runner/posts.py: series and documents on their way to the server's HTTP.

  Outbox ──► bodies ──► POST /api/v1/series        one exchange at a time
  the newest document of a path ──► POST PATH      before series

A server that is away, or says that it has too much to do, is tried again (runner/backoff.py), on
each of its addresses in turn. It takes a body whole or not at all; a body that it refuses is
halved, so that one bad point takes no other with it. A server that does not know the path of a
document gets the series all the same.

Nothing waits. What is being sent is owned here until it is answered.
"""

import collections
import math

from runner.addresses import http_target
from runner.backoff import Backoff
from runner.exchange import Exchange, Failure
from runner.outbox import POINTS
from runner.series import series_body

SERIES_PATH = "/api/v1/series"
BODY_MAX = 2 << 20
REFUSED = (400, 413)
UNKNOWN = (404, 405)        # of a document's path


class Posts:
    def __init__(self, addresses, app_key, version, outbox, sent, given_up):
        self.targets = [http_target(address) for address in addresses]
        self.backoff = Backoff()
        self.moved = -math.inf          # when something was last taken, or refused
        self.refusal = None             # the last one, as the server said it, and when
        self.refused_at = -math.inf
        self._headers = {"User-Agent": f"heeler-checks/{version}"}
        if app_key:
            self._headers["DD-APPLICATION-KEY"] = app_key
        self._outbox, self._sent, self._given_up = outbox, sent, given_up
        self._documents = {}            # path -> body
        self._halves = collections.deque()
        self._exchange = None
        self._path, self._sending = None, None

    def post(self, path, body):
        """A document; one of the same path that was not sent yet is forgotten."""
        if self.targets:
            self._documents[path] = body

    def waiting(self):
        """How many series are not sent."""
        sending = len(self._sending) if self._path == SERIES_PATH else 0
        return len(self._outbox) + sum(map(len, self._halves)) + sending

    def is_idle(self):
        return self._exchange is None and not self._documents and self.waiting() == 0

    def watched(self):
        return [self._exchange.watched()] if self._exchange else []

    def due(self, now):
        """When a turn can do something, if nothing happens before; None: never."""
        if self._exchange is not None:
            return self._exchange.until()
        return None if self.is_idle() else max(now, self.backoff.until)

    def turn(self, now):
        try:
            if self._exchange is None and not self._begin(now):
                return
            answer = self._exchange.step(now)
        except Failure as failure:
            self._failed(str(failure), now)
            return
        if answer is not None:
            self._answered(answer, now)

    def close(self):
        if self._exchange is not None:
            self._exchange.close()
        self._exchange = None

    def _begin(self, now):
        if now < self.backoff.until or self.is_idle():
            return False
        if self._documents:
            self._path, body = self._documents.popitem()
            self._sending = body
        else:
            self._path = SERIES_PATH
            self._sending = (self._halves.popleft() if self._halves
                             else self._outbox.take(BODY_MAX, 1))
            body = series_body([item for _, item in self._sending])
        self._exchange = Exchange(self.targets[0], self._path, body, self._headers, now)
        return True

    def _answered(self, answer, now):
        self._exchange = None
        if 200 <= answer.status < 300:
            self.backoff.worked()
            self.moved = now
            if self._path == SERIES_PATH:
                self._sent[POINTS] += len(self._sending)
        elif answer.status in REFUSED or (answer.status in UNKNOWN and self._path != SERIES_PATH):
            self.backoff.worked()
            self.moved = self.refused_at = now
            self._refused(answer)
        else:
            self._failed(f"{answer.status} {answer.text.strip()[:200]}", now, answer.retry_after_s)
        self._path = self._sending = None

    def _refused(self, answer):
        self.refusal = f"{self._path}: {answer.text.strip()[:200]}"
        if self._path != SERIES_PATH:
            return
        half = len(self._sending) // 2
        if half > 0:
            self._halves.extendleft([self._sending[half:], self._sending[:half]])
        else:
            self._given_up["refused"] += len(self._sending)

    def _failed(self, why, now, retry_after_s=0):
        """What was being sent waits again; the next address is tried."""
        self._exchange = None
        self.backoff.failed(now, f"the server cannot be reached at {self._name()}: {why}",
                            retry_after_s)
        self.targets.append(self.targets.pop(0))
        if self._path == SERIES_PATH:
            self._outbox.give_back(self._sending)
        elif self._path is not None:
            self._documents.setdefault(self._path, self._sending)
        self._path = self._sending = None

    def _name(self):
        family, address, name = self.targets[0]
        return f"unix:{address}" if isinstance(address, str) else f"http://{name}"
