"""tests/checks/model/sampling.py: what samples become, recomputed from all there ever were.

Written from the rules alone; it shares no code and no way of thinking with server/checks. The
sampler folds each sample into what it keeps and forgets it. Here nothing is kept but the whole
history, and the points of a run are found by looking back through it:

  touches of a context ──► lives (one ends where it was silent for too long)
  the life that a run is in ──► its finite samples ──► the points of that run

Values that the sampler adds up in a fixed order are added up in that order; what it says to be
exact is computed with fractions. So all comparisons are for equality.
"""

import math
from collections import namedtuple
from fractions import Fraction

# now: monotonic seconds. run: the number of the run, whose second is history.times[run].
Sample = namedtuple("Sample", "run mtype name value tags host first_counts now")

MTYPES = ("gauge", "rate", "count", "monotonic_count", "counter", "histogram", "historate")
STATEFUL = ("rate", "monotonic_count")
SILENT_COMMITS = 2
KEPT_S = 90_000


class History:
    """Every sample, and the second of every run. Each run is committed once."""

    def __init__(self, aggregates, percentiles):
        self.aggregates, self.percentiles = aggregates, percentiles
        self.samples, self.times = [], []

    def points(self, run):
        """[(kind, name, value, timestamp, tags, host)] of a run."""
        by_context = {}
        for sample in self.samples:
            if sample.run <= run:
                key = (sample.name, tuple(sorted(set(sample.tags))), sample.host)
                by_context.setdefault(key, []).append(sample)
        found = []
        for (name, tags, host), samples in by_context.items():
            if samples[-1].run == run:
                found += [(kind, name + suffix, value, at, tags, host)
                          for kind, suffix, value, at in self.of_context(samples, run)
                          if math.isfinite(value)]
        return found

    def of_context(self, samples, run):
        life = [sample for sample in self.last_life(samples) if math.isfinite(sample.value)]
        if not life or life[-1].run != run:
            return []
        begins = {}
        for sample in life:
            begins.setdefault(sample.run, sample.now)
        timed = [(sample, self.times[sample.run] + (sample.now - begins[sample.run]))
                 for sample in life]
        return getattr(self, MTYPES[life[0].mtype])(timed, run)

    # ---- lives

    def last_life(self, samples):
        life = samples[:1]
        for sample in samples[1:]:
            if sample.run > life[-1].run and self.is_dead_between(life, sample.run):
                life = []
            life.append(sample)
        return life

    def is_dead_between(self, life, run):
        """Whether a commit from the life's last touch on, and before that run, ended it."""
        ended = life[-1].run + SILENT_COMMITS
        first = next((sample for sample in life if math.isfinite(sample.value)), None)
        if first is None or MTYPES[first.mtype] not in STATEFUL:
            return ended < run
        return any(self.times[commit] > self.times[ended] + KEPT_S
                   for commit in range(ended + 1, run))

    # ---- types

    def gauge(self, life, run):
        return [("gauge", "", life[-1][0].value, self.times[run])]

    def total(self, life, run):
        total = 0.0
        for sample, _ in life:
            if sample.run == run:
                total += sample.value
        return total

    def count(self, life, run):
        return [("count", "", self.total(life, run), self.times[run])]

    def counter(self, life, run):
        return [("rate", "", self.total(life, run), self.times[run])]

    def rate(self, life, run):
        if len(life) < 2:
            return []
        (before, earlier), (last, later) = life[-2:]
        if later <= earlier or last.value < before.value:
            slope = -1.0
        else:
            slope = (last.value - before.value) / (later - earlier)
        return [("gauge", "", slope, math.floor(later))] if slope >= 0 else []

    def monotonic_count(self, life, run):
        """Steps up from where it was last known to begin at 0, or from the run's begin."""
        samples = [sample for sample, _ in life]
        first = next(i for i, sample in enumerate(samples) if sample.run == run)
        if len(samples) == 1 and not samples[0].first_counts:
            return []
        total, begin = 0.0, first
        for i in range(len(samples) - 1, first - 1, -1):
            fell = i == 0 or samples[i].value < samples[i - 1].value
            if fell and samples[i].first_counts:
                total, begin = samples[i].value, i + 1
                break
        for i in range(max(begin, 1), len(samples)):
            if samples[i].value >= samples[i - 1].value:
                total += samples[i].value - samples[i - 1].value
        return [("count", "", total, self.times[run])]

    def histogram(self, life, run):
        return self.parts([sample.value for sample, _ in life if sample.run == run], run)

    def historate(self, life, run):
        here = [(sample.value, at) for sample, at in life if sample.run == run]
        slopes = [(b - a) / (t - s) for (a, s), (b, t) in zip(here, here[1:]) if t > s]
        return self.parts([slope for slope in slopes if math.isfinite(slope)], run)

    # ---- parts of a histogram

    def parts(self, values, run):
        if not values:
            return []
        exact = sum(map(Fraction, values))
        total = as_float(exact)
        known = {
            "max": max(values), "min": min(values), "sum": total, "avg": total / len(values),
            "median": first_above(values, Fraction(len(values) - 1, 2)),
            "count": float(len(values))}
        found = {"." + word: known[word] for word in self.aggregates if word in known}
        for fraction in self.percentiles:
            percent = int(math.floor(100 * float(fraction) + 0.5))
            found[f".{percent}percentile"] = first_above(
                values, Fraction(percent * len(values) - 1, 100))
        return [("rate" if suffix == ".count" else "gauge", suffix, value, self.times[run])
                for suffix, value in found.items()]


def as_float(exact):
    try:
        return float(exact)
    except OverflowError:
        return math.inf


def first_above(values, target):
    """The least value such that more values than the target are as small as it."""
    for candidate in sorted(values):
        if sum(value <= candidate for value in values) > target:
            return candidate
    return None
