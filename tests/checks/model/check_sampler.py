#!/usr/bin/python3
"""Random checks through the sampler and through the model: what each run ends with is equal.

  check_sampler.py [SEED...] [--histories N]

A history is one instance's runs: some late, some lost, some with a clock that was set back;
counters that are reset, pauses of 2 commits and of more than 25 hours, contexts that change their
type, values that are not finite, several samples of one context in a run.
"""

import argparse
import math
import pathlib
import random
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent.parent
sys.path[:0] = [str(TOP / "server" / "checks"), str(TOP / "tests" / "checks" / "model")]

from runner.sampler import Sampler
from sampling import MTYPES, STATEFUL, History, Sample

AGGREGATES = ("max", "min", "median", "avg", "sum", "count", "mode")
PERCENTILES = ("0.95", "0", "1", "0.5", "0.999", "0.004", "0.951")
TAGS = ([], ["a"], ["b", "a"], ["a", "b", "a"], ["a", "b"], ["role:db", "a"])
KEPT = [MTYPES.index(word) for word in STATEFUL]
ODD = (math.nan, math.inf, -math.inf)
WILD = (1e308, -1e308, 1.7e308, 5e-324, 0.1, -0.0, 1e100, -1e100, 2.0 ** 53, 1 / 3)


class Instance:
    """Makes the runs of a random check."""

    def __init__(self, draw):
        self.draw = draw
        # Runs of what is kept for 25 hours, with pauses around that.
        self.is_sparse = draw.random() < 0.2
        self.contexts = [self.context(i) for i in range(draw.randint(1, 6))]
        self.time, self.now = 1_700_000_000 + draw.randint(0, 10**6), draw.uniform(0, 10**6)

    def context(self, number):
        draw = self.draw
        types = [draw.choice(KEPT) if self.is_sparse else draw.randrange(len(MTYPES))]
        if draw.random() < 0.3:
            types.append(draw.randrange(len(MTYPES)))
        return {"name": f"m{number % 4}", "tags": draw.choice(TAGS), "types": types,
                "host": draw.choice((None, None, "", "h")), "value": 0.0, "silent": 0,
                "first": draw.choice((0.0, 0.0, 1.0, 0.5)), "odd": draw.choice((0, 0, 0.2)),
                "often": 0.5 if self.is_sparse else draw.choice((0.2, 0.7, 1.0)),
                "most": draw.choice((1, 1, 3, 40))}

    def pause(self):
        """Whole seconds to the next run."""
        kind = self.draw.random()
        if self.is_sparse and kind < 0.5:
            return self.draw.choice((90_000, 90_001))
        if kind < 0.05:
            return self.draw.choice((89_985, 90_000, 90_001, 200_000))
        if kind < 0.08:
            return self.draw.choice((0, -1, -3600))
        return self.draw.choice((1, 15, 15, 15, 16, 40, 300))

    def value(self, context):
        draw, kind = self.draw, self.draw.random()
        if kind < context["odd"]:
            return draw.choice(ODD)
        if kind < 0.75:
            context["value"] += draw.choice((0, 1, draw.uniform(0, 1e3), draw.randint(0, 10**9)))
        elif kind < 0.85:
            context["value"] = draw.choice((0.0, draw.uniform(-10, 10)))
        elif kind < 0.9:
            return draw.choice(WILD)
        return float(context["value"])

    def samples(self, run):
        draw, now, found = self.draw, self.now, []
        for context in self.contexts:
            if context["silent"] > 0:
                context["silent"] -= 1
                continue
            if draw.random() > context["often"]:
                context["silent"] = draw.choice((0, 0, 1, 2, 2, 3, 5))
                continue
            found += [context] * draw.randint(1, context["most"])
        draw.shuffle(found)
        for context in found:
            now += draw.choice((0.0, 1e-3, 1.0, draw.uniform(0, 2)))
            tags = list(context["tags"])
            draw.shuffle(tags)
            yield Sample(run, draw.choice(context["types"]), context["name"], self.value(context),
                         tags, context["host"], draw.random() < context["first"], now)


def without_value(point):
    kind, name, _, at, tags, host = point
    return repr((name, tags, host, kind, at))


def check_history(seed, number):
    """How many samples it had, or what differs."""
    draw = random.Random(f"{seed}/{number}")
    settings = (draw.sample(AGGREGATES, draw.randint(0, 7)),
                draw.sample(PERCENTILES, draw.randint(0, 7)))
    sampler, history, instance = Sampler(*settings), History(*settings), Instance(draw)
    for run in range(draw.randint(1, 40)):
        instance.time += instance.pause()
        instance.now += draw.uniform(1, 1e5)
        history.times.append(instance.time)
        sampler.begin(instance.time)
        for sample in instance.samples(run):
            history.samples.append(sample)
            sampler.add(sample.mtype, sample.name, sample.value, sample.tags, sample.host,
                        sample.first_counts, sample.now)
        got = sorted(map(tuple, sampler.commit()), key=without_value)
        expected = sorted(history.points(run), key=without_value)
        if got != expected:
            return f"run {run}:\n  sampler {got}\n  model   {expected}"
    return len(history.samples)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seeds", nargs="*", default=["1"])
    parser.add_argument("--histories", type=int, default=300)
    arguments = parser.parse_args()
    failed = samples = 0
    for seed in arguments.seeds:
        for number in range(arguments.histories):
            result = check_history(seed, number)
            if isinstance(result, str):
                failed += 1
                print(f"FAIL seed {seed}, history {number}, {result}")
            else:
                samples += result
    passed = len(arguments.seeds) * arguments.histories - failed
    print(f"sampler: {passed} histories equal to the model, {samples} samples")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
