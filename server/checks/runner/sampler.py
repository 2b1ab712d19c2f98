"""server/checks/runner/sampler.py: the samples of one instance become the points of its runs.

  begin(time)   add() add() add() ...   commit() -> points        and again

A context is what has one name, host and set of tags. Its first sample decides of which type it
is for as long as it lives; samples of other types then count as that type. A context ends after
two commits without a sample; rates and monotonic counts, which compare with the sample before,
are kept for 25 hours more. Samples that are not finite are dropped, and keep a context alive.

Pure: no clock, no input or output. It lives as long as the process of the instance. Memory is
bounded by the contexts it may have; beyond that the one that was silent for longest gives way.
"""

import collections
import math

from runner import kinds
from runner.clock import Clock
from runner.point import Point

CONTEXTS_MAX = 100_000
POINTS_MAX = 100_000            # of a run
COMMITS_KEPT = 2
STATE_KEPT_S = 25 * 3600

# The numbers that the module `aggregator` has for the types.
GAUGE, RATE, COUNT, MONOTONIC_COUNT, COUNTER, HISTOGRAM, HISTORATE = range(7)


class _Context:
    __slots__ = ("name", "tags", "host", "metric", "seen", "sampled", "deadline")

    def __init__(self, name, tags, host):
        self.name, self.tags, self.host = name, tuple(sorted(tags)), host
        self.metric = None          # until there is a finite sample
        self.seen = None            # the run of the last sample
        self.sampled = None         # the run of the last finite one
        self.deadline = None        # of what is kept after its end


class Sampler:
    """`dropped` has what a run lost by reason; begin() clears it."""

    def __init__(self, aggregates=("max", "median", "avg", "count"), percentiles=("0.95",),
                 contexts_max=CONTEXTS_MAX, points_max=POINTS_MAX):
        parts = kinds.histogram_parts(aggregates, percentiles)
        self._makers = {
            GAUGE: kinds.Gauge,
            RATE: kinds.Rate,
            COUNT: kinds.Sum,
            MONOTONIC_COUNT: kinds.MonotonicCount,
            COUNTER: kinds.Counter,
            HISTOGRAM: lambda: kinds.Histogram(parts),
            HISTORATE: lambda: kinds.Historate(parts),
        }
        self._contexts_max, self._points_max = contexts_max, points_max
        self._contexts = collections.OrderedDict()      # the longest silent first
        self._clock = Clock()
        self._run = 0
        self.dropped = collections.Counter()

    def begin(self, time):
        """A run that begins at that whole second since 1970."""
        self._clock.begin(time)
        self.dropped.clear()

    def add(self, mtype, name, value, tags, host, flush_first_value, now):
        """A sample. tags: texts in any order; host as in a point; now: monotonic seconds."""
        context = self._context(name, frozenset(tags), host)
        if context is None:
            self.dropped["contexts"] += 1
        elif not math.isfinite(value):
            self.dropped["not_finite"] += 1
        elif context.metric is not None or self._make(context, mtype):
            context.metric.add(value, self._clock.stamp(context, now), flush_first_value)
            context.sampled = self._run

    def commit(self):
        """The points of the run, those of one context one after the other."""
        points = []
        for context in self._sampled():
            for kind, suffix, value, time in context.metric.take(self._clock.time):
                if not math.isfinite(value):
                    self.dropped["not_finite"] += 1
                elif len(points) == self._points_max:
                    self.dropped["points"] += 1
                else:
                    points.append(Point(kind, context.name + suffix, value, time, context.tags,
                                        context.host))
        self._expire()
        self._run += 1
        return points

    def _context(self, name, tags, host):
        """None: there are too many."""
        key = (name, tags, host)
        context = self._contexts.get(key)
        if context is None:
            if len(self._contexts) >= self._contexts_max and not self._evict():
                return None
            context = self._contexts[key] = _Context(name, tags, host)
        elif context.seen != self._run:
            self._contexts.move_to_end(key)
        context.seen, context.deadline = self._run, None
        return context

    def _evict(self):
        """The context that was silent for longest; False when all have samples in this run."""
        key, oldest = next(iter(self._contexts.items()), (None, None))
        if oldest is None or oldest.seen == self._run:
            return False
        if oldest.metric is not None and oldest.metric.stateful:
            self.dropped["references"] += 1
        del self._contexts[key]
        return True

    def _make(self, context, mtype):
        make = self._makers.get(mtype)
        if make is None:
            self.dropped["type"] += 1
            return False
        context.metric = make()
        return True

    def _sampled(self):
        """Those with a finite sample in this run, in the order in which they came."""
        seen = []
        for context in reversed(self._contexts.values()):
            if context.seen != self._run:
                break
            seen.append(context)
        return [context for context in reversed(seen) if context.sampled == self._run]

    def _expire(self):
        time = self._clock.time
        ended = []
        for key, context in self._contexts.items():
            if context.seen > self._run - COMMITS_KEPT:
                break
            if context.deadline is None and context.metric is not None and context.metric.stateful:
                context.deadline = time + STATE_KEPT_S
            elif context.deadline is None or context.deadline < time:
                ended.append(key)
        for key in ended:
            del self._contexts[key]
