"""server/checks/runner/outbox.py: what waits to be sent on one way, oldest first, bounded in bytes.

An item is (what, bytes), `what` a word of WORDS. take() gives items away until they are sent, or
come back by give_back(). Where there is no room the oldest are given up; `given_up` counts them by
reason.
"""

import collections

POINTS, SERVICE_CHECKS, EVENTS = WORDS = ("points", "service_checks", "events")
ITEM_BYTES = 100        # what an item costs beside its bytes


class Outbox:
    def __init__(self, bytes_max, given_up):
        self._bytes_max, self._given_up = bytes_max, given_up
        self._items = collections.deque()
        self._bytes = 0

    def __len__(self):
        return len(self._items)

    def is_half_full(self):
        return self._bytes * 2 > self._bytes_max

    def add(self, what, body):
        self._items.append((what, body))
        self._bytes += len(body) + ITEM_BYTES
        self._shrink()

    def give_back(self, items):
        """What take() gave: it is the oldest again."""
        self._items.extendleft(reversed(items))
        self._bytes += sum(len(body) + ITEM_BYTES for _, body in items)
        self._shrink()

    def take(self, bytes_max, between):
        """Items of at most so many bytes with `between` for each; at least one if there is one."""
        taken, size = [], 0
        while self._items:
            more = len(self._items[0][1]) + between
            if taken and size + more > bytes_max:
                break
            taken.append(self._items.popleft())
            size += more
        self._bytes -= size + len(taken) * (ITEM_BYTES - between)
        return taken

    def _shrink(self):
        while self._bytes > self._bytes_max:
            _, body = self._items.popleft()
            self._bytes -= len(body) + ITEM_BYTES
            self._given_up["queue_full"] += 1
