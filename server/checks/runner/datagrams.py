"""server/checks/runner/datagrams.py: lines on their way to the server, several in a datagram.

  Outbox ──► a datagram ──► the unix socket, else UDP

A full unix socket says so, and what waits is sent when there is room. UDP says nothing when it is
full, so it gets some datagrams at a time; on loopback the kernel does say at once when nobody
listens. Then, and when a socket is gone, what was sent in vain is the oldest in the box again.

Nothing waits: turn() does what can be done now. The socket is owned.
"""

import errno
import math
import os
import select
import socket

from runner.addresses import udp_target
from runner.backoff import Backoff

LINE_MAX = 8192             # what the server reads of a datagram, unless it is told otherwise
UDP_PACKED = 1432           # more lines are not put into one datagram of UDP
UNIX_AT_ONCE = 64           # in a turn
UDP_AT_ONCE, UDP_PAUSE_S = 32, 0.01


class Datagrams:
    def __init__(self, path, address, line_max, outbox, sent, given_up):
        """The path of the unix socket and HOST:PORT, each or ""."""
        self.ways = [(socket.AF_UNIX, path)] if path else []
        self.ways += [udp_target(address)] if address else []
        self.line_max = line_max
        self.backoff = Backoff()
        self.moved = -math.inf      # when something was last sent
        self._outbox, self._sent, self._given_up = outbox, sent, given_up
        self._socket = None
        self._family = None
        self._is_full = False
        self._pause_until = 0.0

    def watched(self):
        """[(descriptor, events of poll)] that a turn waits for."""
        return [(self._socket.fileno(), select.POLLOUT)] if self._is_full else []

    def due(self, now):
        """When a turn can do something, if nothing happens before; None: never."""
        if not self._outbox or self._is_full:
            return None
        return max(now, self.backoff.until, self._pause_until)

    def turn(self, now):
        if now < self.backoff.until or now < self._pause_until:
            return
        self._is_full = False
        left = UNIX_AT_ONCE if self._family == socket.AF_UNIX else UDP_AT_ONCE
        while left > 0 and self._outbox and self._send(now):
            left -= 1
        if left == 0 and self._family != socket.AF_UNIX:
            self._pause_until = now + UDP_PAUSE_S
        # What is not the first way is left again: it may be lossy.
        if self._socket is not None and not self._outbox and self._family != self.ways[0][0]:
            self.close()

    def close(self):
        if self._socket is not None:
            self._socket.close()
        self._socket, self._family, self._is_full = None, None, False

    def _send(self, now):
        """One datagram. False: nothing more can be sent now."""
        if self._socket is None and not self._open(now):
            return False
        packed = self.line_max if self._family == socket.AF_UNIX else UDP_PACKED
        items = self._outbox.take(packed, 1)
        try:
            self._socket.send(b"".join(body + b"\n" for _, body in items))
            self._raise_refused()
        except BlockingIOError:
            self._outbox.give_back(items)
            self._is_full = True
            return False
        except OSError as error:
            return self._failed(error, items, now)
        self.backoff.worked()
        self.moved = now
        for what, _ in items:
            self._sent[what] += 1
        return True

    def _failed(self, error, items, now):
        if error.errno == errno.EMSGSIZE:
            self._given_up["too_long"] += len(items)
            return True
        self._outbox.give_back(items)
        if error.errno not in (errno.ENOBUFS, errno.ENOMEM):
            self.close()
        self.backoff.failed(now, self._problem(error))
        return False

    def _open(self, now):
        problem = "there is no socket for lines"
        for family, target in self.ways:
            opened = None
            try:
                opened = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
                opened.connect(target)
            except OSError as error:
                problem = self._problem(error)
                if opened is not None:
                    opened.close()
                continue
            self._socket, self._family = opened, family
            return True
        self.backoff.failed(now, problem)
        return False

    def _raise_refused(self):
        if self._family != socket.AF_UNIX:
            number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number:
                raise OSError(number, os.strerror(number))

    def _problem(self, error):
        names = " or ".join(target if family == socket.AF_UNIX else f"udp {target[0]}:{target[1]}"
                            for family, target in self.ways)
        return f"lines cannot be sent to {names}: {error.strerror or error}"
