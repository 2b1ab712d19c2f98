"""server/checks/runner/kinds.py: what each method of a check makes of its samples, as in the Agent.

One object a context, of the type that its first sample has. add() takes a sample and the time
that it was taken; take() ends a run that had samples, and gives (kind, suffix, value, timestamp)
of each of its points. `stateful` ones keep the sample that the next run's is compared with.
"""

import array
import fractions
import math
import sys

from runner.point import COUNT, GAUGE, RATE


class Gauge:
    """The last value of a run."""
    stateful = False

    def add(self, value, time, flush_first_value):
        self.value = value

    def take(self, time):
        return [(GAUGE, "", self.value, time)]


class Sum:
    """What a run adds up to: a count as it is, a counter as what it is in a second."""
    stateful = False
    kind = COUNT

    def __init__(self):
        self.value = 0.0

    def add(self, value, time, flush_first_value):
        self.value += value

    def take(self, time):
        value, self.value = self.value, 0.0
        return [(self.kind, "", value, time)]


class Counter(Sum):
    kind = RATE


class MonotonicCount:
    """By how much a counter grew, across runs. One that fell was reset: that step says nothing,
    unless the check knows that it began at 0 (flush_first_value)."""
    stateful = True

    def __init__(self):
        self.last = None
        self.value = 0.0
        self.is_known = False

    def add(self, value, time, flush_first_value):
        if self.last is not None and value >= self.last:
            self.value += value - self.last
        elif flush_first_value:
            self.value = value
        self.is_known = self.last is not None or flush_first_value
        self.last = value

    def take(self, time):
        value, self.value = self.value, 0.0
        return [(COUNT, "", value, time)] if self.is_known else []


class Rate:
    """The slope between the last two samples, across runs. A counter that fell was reset, and
    the lower sample is what the next one is compared with."""
    stateful = True

    def __init__(self):
        self.before = None
        self.last = None

    def add(self, value, time, flush_first_value):
        self.before, self.last = self.last, (value, time)

    def take(self, time):
        slope = _slope(self.before, self.last)
        if slope is None or self.last[0] < self.before[0]:
            return []
        return [(GAUGE, "", slope, int(self.last[1]))]


class Histogram:
    """How the values of one run are distributed."""
    stateful = False

    def __init__(self, parts):
        self.parts = parts
        self.values = array.array("d")

    def add(self, value, time, flush_first_value):
        self.values.append(value)

    def take(self, time):
        values, self.values = sorted(self.values), array.array("d")
        return [(kind, suffix, part(values), time) for kind, suffix, part in self.parts
                if values]


class Historate(Histogram):
    """The same of the slopes between the samples of one run."""

    def __init__(self, parts):
        super().__init__(parts)
        self.last = None

    def add(self, value, time, flush_first_value):
        slope = _slope(self.last, (value, time))
        self.last = (value, time)
        if slope is not None and math.isfinite(slope):
            self.values.append(slope)

    def take(self, time):
        self.last = None
        return super().take(time)


def _slope(before, last):
    """None when there are no two samples, or no time passed between them."""
    if before is None or last[1] <= before[1]:
        return None
    return (last[0] - before[0]) / (last[1] - before[1])


# ---- parts of a histogram --------------------------------------------------

def _total(values):
    """Rounded once and not with each addition, whatever overflows on the way there."""
    try:
        return math.fsum(values)
    except OverflowError:
        exact = sum(map(fractions.Fraction, values))
        return float(exact) if abs(exact) <= sys.float_info.max else math.inf


AGGREGATES = {
    "max": (GAUGE, lambda values: values[-1]),
    "min": (GAUGE, lambda values: values[0]),
    "median": (GAUGE, lambda values: values[(len(values) - 1) // 2]),
    "avg": (GAUGE, lambda values: _total(values) / len(values)),
    "sum": (GAUGE, _total),
    "count": (RATE, lambda values: float(len(values))),
}


def histogram_parts(aggregates, percentiles):
    """[(kind, suffix, function of the sorted values)] of the settings histogram_aggregates and
    histogram_percentiles (fractions). What is none is skipped: the server has told of it."""
    parts = [(AGGREGATES[word][0], "." + word, AGGREGATES[word][1])
             for word in dict.fromkeys(aggregates) if word in AGGREGATES]
    for percent in sorted(set(map(_percent, percentiles)) - {None}):
        parts.append((GAUGE, f".{percent}percentile", _percentile(percent)))
    return parts


def _percent(fraction):
    try:
        fraction = float(fraction)
    except (TypeError, ValueError):
        return None
    return math.floor(100 * fraction + 0.5) if 0 <= fraction <= 1 else None


def _percentile(percent):
    """The first value with more than (percent * n - 1) / 100 values up to it."""
    return lambda values: values[max(0, (percent * len(values) - 1) // 100)]
