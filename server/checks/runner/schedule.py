"""server/checks/runner/schedule.py: when it is whose turn. Pure: time is an argument.

  wall clock   ....|1000.....|1001.....|1002.....|      stamps of runs
  seconds          |7........|8........|9........|      counted, never go back: turns are at these
  monotonic clock  ..(offset so that seconds begin with the wall clock's)..

Turns lie on whole seconds. Seconds counts them by the monotonic clock, so a wall clock that is set
forward or back makes nobody wait and nobody hurry; where a second begins follows the wall clock,
so that a run starts at the beginning of the second that it is stamped with.

The instances of one interval are spread over its seconds. An instance's turn comes every interval;
a turn that comes while the run before is still going, or that passed while the supervisor itself
was held up, is skipped and counted, never made up for.
"""

from collections import Counter

SECOND_NS = 1_000_000_000
MAX_BACKOFF_S = 600
MAX_SPREAD_S = 600   # a first turn is no later, however long the interval


class Seconds:
    """Counts whole seconds. They begin where those of the wall clock do, and never go back."""

    def __init__(self, monotonic_ns, wall_ns):
        self.offset_ns = (wall_ns - monotonic_ns) % SECOND_NS
        self.last = (monotonic_ns + self.offset_ns) // SECOND_NS

    def at(self, monotonic_ns, wall_ns):
        """The number of the second that is now."""
        shift = (wall_ns - monotonic_ns - self.offset_ns) % SECOND_NS
        self.offset_ns += shift if shift < SECOND_NS // 2 else shift - SECOND_NS
        self.last = max(self.last, (monotonic_ns + self.offset_ns) // SECOND_NS)
        return self.last


class Turn:
    """An instance's place in the schedule. `next` is the second of its next turn."""

    def __init__(self, interval, first):
        self.interval = interval
        self.next = first
        self.skipped = 0
        self.failures = 0    # in a row, of those that back off


class Schedule:
    """Turns by the id of their instance."""

    def __init__(self):
        self.turns = {}

    def add(self, key, interval, second):
        """The first turn is soon: in a second of this interval that the fewest others have."""
        turns = self.turns.values()
        taken = Counter(turn.next % interval for turn in turns if turn.interval == interval)
        crowd = Counter(turn.next for turn in turns)
        ahead = range(second + 1, second + 1 + min(interval, MAX_SPREAD_S))
        first = min(ahead, key=lambda at: (taken[at % interval], crowd[at], at))
        self.turns[key] = Turn(interval, first)

    def remove(self, key):
        self.turns.pop(key, None)

    def due(self, second):
        """The keys whose turn it is, longest due first. Each is then taken, skipped or put off."""
        late = [(turn.next, key) for key, turn in self.turns.items() if turn.next <= second]
        return [key for _, key in sorted(late)]

    def take(self, key, second):
        """The run starts now. Turns that were missed before it are counted."""
        self._go_on(self.turns[key], second, 0)

    def skip(self, key, second):
        """The run before is still going."""
        self._go_on(self.turns[key], second, 1)

    def put_off(self, key, second):
        """Its process is not there yet: its turns begin when that is."""
        self.turns[key].next = second + 1

    def back_off(self, key, second):
        """It failed so that it had to be ended, or ended: interval x 2^n, but at most 600 s."""
        turn = self.turns[key]
        turn.failures += 1
        longest = max(MAX_BACKOFF_S, turn.interval)
        turn.next = second + min(turn.interval << min(turn.failures, 20), longest)

    def succeeded(self, key):
        """A whole run: what was before is forgotten."""
        self.turns[key].failures = 0

    def soon(self, key, second):
        """What it failed at may work now."""
        self.turns[key].failures = 0
        self.turns[key].next = second + 1

    @staticmethod
    def _go_on(turn, second, skipped):
        missed = (second - turn.next) // turn.interval
        turn.skipped += missed + skipped
        turn.next += (missed + 1) * turn.interval
