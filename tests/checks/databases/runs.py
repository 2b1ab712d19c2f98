"""tests/checks/databases/runs.py: a check's runs, with the seconds given, and what came of them.

Runs stands where the child of the runner stands: it calls the check and makes points of what it
submits. The clock is an argument: fifteen seconds pass between two runs at once.
"""

import collections

import aggregator
from runner.sampler import Sampler

INTERVAL_S = 15
Run = collections.namedtuple("Run", "points service_checks error warnings")


class Runs:
    def __init__(self, make, name, instance):
        """make: the check's class. The object lives as long as this one."""
        self.check = make(name, {}, [instance])
        self.check.check_id = f"{name}:test"
        self._sampler = Sampler()
        self._time = 1_700_000_000
        self._done = []

    def run(self):
        """One run; gives its Run. error: the text of what it failed with, traceback and all."""
        kept = aggregator.kept
        kept.reset()
        self._time += INTERVAL_S
        self._sampler.begin(self._time)
        error = self.check.run()
        for sample in kept.metrics:
            self._sampler.add(sample.mtype, sample.name, sample.value, sample.tags,
                              sample.hostname, sample.flush_first_value, now=0.0)
        run = Run(self._sampler.commit(), list(kept.service_checks), error,
                  self.check.get_warnings())
        self._done.append(run)
        return run

    def summed(self, name, *tags):
        """Value times seconds over the points of all runs, of the series with these tags."""
        return sum(point.value * (INTERVAL_S if point.kind == "gauge" else 1)
                   for run in self._done for point in found(run, name, *tags))


def found(run, name, *tags):
    return [point for point in run.points if point.name == name and set(tags) <= set(point.tags)]


def value(run, name, *tags):
    """Of the one point that has this name and these tags."""
    point, = found(run, name, *tags)
    return point.value


def statuses(run, name):
    return [each.status for each in run.service_checks if each.name == name]
