#!/usr/bin/python3
"""Asks random questions about random series with gaps, and compares each answer with the model's.

    query_differential.py --asker build/tests/model/asker --seed 1 --questions 10000
    query_differential.py --heeler build/heeler --seed 1 --questions 1000

The series go into the rollups of a process that has no clock of its own (tests/model/asker.c), or into a
Redis as a fleet leaves them there (tests/model/fleet.py)."""

import argparse
import json
import math
import random
import subprocess
import sys
import time

import fleet
import query_model as model

# Two hours ago: all of it is settled, and nothing has expired.
START, INTERVALS = (int(time.time()) // 3600 - 2) * 3600, 360
METRICS = {"a": "gauge", "b": "gauge", "c": "count", "d": "count"}
KEYS = {"env": ("dev", "prod", "test"), "host": ("h1", "h2", "h3", "h4"), "zone": ("x", "y")}


# ---------------------------------------------------------------- series

def make_points(choose, kind):
    points, t = {}, choose.randrange(40)
    while t < INTERVALS:
        for _ in range(choose.randrange(1, 80)):
            if t < INTERVALS:
                points[START + 10 * t] = float(choose.randrange(-50, 200) if kind == "gauge" else choose.randrange(1, 90))
            t += 1
        quiet = choose.randrange(1, 60 if kind == "gauge" else 6)
        if kind == "count":       # a quiet counter has zeros
            for _ in range(quiet):
                if t < INTERVALS:
                    points[START + 10 * t] = 0.0
                t += 1
        else:
            t += quiet
    return points


def make_world(choose):
    world = []
    for metric, kind in METRICS.items():
        seen = set()
        for _ in range(9):
            tags = tuple((key, choose.choice(values)) for key, values in KEYS.items()
                         if key == "host" or choose.random() < 0.8)
            if tags not in seen:
                seen.add(tags)
                world.append(model.Series(metric, kind, tags, make_points(choose, kind)))
    return world


class Asker:
    def __init__(self, program, world):
        self.process = subprocess.Popen([program, str(START)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        lines = []
        for series in world:
            tags = ",".join(f"{key}:{value}" for key, value in series.tags)
            letter = "g" if series.kind == "gauge" else "c"
            for at, value in series.points.items():
                if series.kind == "gauge" or value:
                    lines.append((at + 1, f"{series.metric}:{value:g}|{letter}|#{tags}"))
        for at, line in sorted(lines):
            self.process.stdin.write(f"L {at} {line}\n")
        self.process.stdin.write(f"F {START + 10 * INTERVALS + 1}\n")

    def ask(self, start, end, text):
        self.process.stdin.write(f"Q {start} {end} {text}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self):
        """Whether it ended well."""
        self.process.stdin.close()
        return self.process.wait() == 0


# ---------------------------------------------------------------- questions

def make_scope(choose, depth=2):
    """(text, function of tags)"""
    kind = choose.random()
    key = choose.choice(list(KEYS))
    value = choose.choice(KEYS[key])
    if depth == 0 or kind < 0.4:
        form = choose.randrange(4)
        if form == 0:
            return f"{key}:{value}", lambda tags: tags.get(key) == value
        if form == 1:
            return f"{key}:{value[0]}*", lambda tags: tags.get(key, "").startswith(value[0])
        if form == 2:
            return f"{key}:*{value[-1]}", lambda tags: tags.get(key, "").endswith(value[-1])
        others = choose.sample(KEYS[key], choose.randrange(1, len(KEYS[key]) + 1))
        word = choose.choice(("IN", "NOT IN"))
        return (f"{key} {word} ({','.join(others)})",
                lambda tags: (tags.get(key) in others) == (word == "IN"))
    left, holds_left = make_scope(choose, depth - 1)
    if kind < 0.55:
        word = choose.choice(("!", "NOT "))
        return f"{word}({left})", lambda tags: not holds_left(tags)
    right, holds_right = make_scope(choose, depth - 1)
    if kind < 0.8:
        word = choose.choice((",", " AND "))
        return f"({left}){word}({right})", lambda tags: holds_left(tags) and holds_right(tags)
    return f"({left} OR {right})", lambda tags: holds_left(tags) or holds_right(tags)


def make_query(choose):
    scope, holds = make_scope(choose) if choose.random() < 0.4 else ("*", lambda tags: True)
    aggregate = choose.choice(("", "avg", "sum", "min", "max", "count"))
    by = tuple(choose.sample(list(KEYS), choose.choice((0, 0, 0, 1, 1, 1, 2))))
    query = model.Query(choose.choice(list(METRICS)), holds, aggregate or "avg", by)
    text = f"{aggregate}:" * bool(aggregate) + f"{query.metric}{{{scope}}}"
    text += f" by {{{','.join(by)}}}" * bool(by)
    if choose.random() < 0.5:
        method = choose.choice(("", "avg", "sum", "min", "max", "count", "last"))
        seconds = choose.choice((0, 0, 0, 5, 10, 15, 20, 60, 60, 90, 120, 300, 3600))
        if method or seconds:
            text += f".rollup({', '.join(str(part) for part in (method, seconds) if part)})"
            query = model.replace(query, method=method, seconds=seconds)
    if choose.random() < 0.2:
        shape = choose.choice(("count", "rate"))
        text += f".as_{shape}()"
        query = model.replace(query, shape=shape)
    if choose.random() < 0.2:
        how, limit = choose.choice(("linear", "last", "zero", "null")), choose.choice((300, 60, 600))
        text += f".fill({how}, {limit})" if limit != 300 or choose.random() < 0.5 else f".fill({how})"
        query = model.replace(query, fill=(how, limit))
    return text, ("query", query)


def make_arguments(choose, name):
    if name in ("clamp_min", "clamp_max", "cutoff_min", "cutoff_max"):
        return (choose.choice((-3.7, 0.31, 12.3, 55.57)),)
    if name == "moving_rollup":
        return choose.choice((1, 20, 45, 60, 300)), choose.choice(("avg", "sum", "min", "max", "count"))
    if name == "top":
        return (choose.choice((1, 3, 5, 10, 20)), choose.choice(("max", "mean", "min", "sum", "last", "l2norm", "area")),
                choose.choice(("asc", "desc")))
    if name == "timeshift":
        return (choose.choice((-60, -300, -7, -3600)),)
    return ()


def make_tree(choose, depth):
    kind = choose.random()
    if depth == 0 or kind < 0.2:
        return make_query(choose)
    if kind < 0.65:
        name = choose.choice(list(model.FUNCTIONS)) if choose.random() < 0.4 else choose.choice(
            [name for name in model.FUNCTIONS if not name.startswith(("top", "bottom"))])
        arguments = make_arguments(choose, name)
        text, tree = make_tree(choose, depth - 1)
        shown = "".join(f", '{one}'" if isinstance(one, str) else f", {one}" for one in arguments)
        return f"{name}({text}{shown})", ("function", name, arguments, tree)
    sign = choose.choice("+-*/")
    left, left_tree = make_tree(choose, depth - 1)
    if choose.random() < 0.4:
        number = choose.choice((2, 100, 0.5, 3))
        if choose.random() < 0.5:
            return f"({left}) {sign} {number}", ("operator", sign, left_tree, ("number", number))
        return f"{number}{sign}({left})", ("operator", sign, ("number", number), left_tree)
    right, right_tree = make_tree(choose, depth - 1)
    return f"({left}){sign}({right})", ("operator", sign, left_tree, right_tree)


# ---------------------------------------------------------------- comparing

def read(answer):
    rows = {}
    for series in answer["series"]:
        group = frozenset(tuple(tag.split(":", 1)) for tag in series["tag_set"])
        rows[group] = {int(ms) // 1000: value for ms, value in series["pointlist"]}
    return rows


def difference(wanted, got):
    for group in sorted(set(wanted) | set(got), key=sorted):
        left, right = wanted.get(group, {}), got.get(group, {})
        scale = max([1.0] + [abs(value) for value in left.values()])
        for time in sorted(set(left) | set(right)):
            a, b = left.get(time, math.nan), right.get(time, math.nan)
            if math.isnan(a) and abs(b) > 1e10:
                continue    # divided by what rounding left of 0
            if not (abs(a - b) <= 1e-7 * scale or (math.isnan(a) and math.isnan(b))):
                return f"{sorted(group)} at {time - START}: expected {a!r}, got {b!r}"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--asker")
    parser.add_argument("--heeler")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--questions", type=int, default=10000)
    options = parser.parse_args()
    choose = random.Random(options.seed)
    world = make_world(choose)
    model.SILENT_SERIES = not options.heeler
    asked = fleet.Fleet(options.heeler, world) if options.heeler else Asker(options.asker, world)
    compared = points = fragile = refused = failed = 0
    for _ in range(options.questions):
        text, tree = make_tree(choose, choose.choice((0, 1, 1, 2, 2, 3)))
        start = START + choose.randrange(-600, 3300)
        end = start + choose.choice((60, 300, 300, 900, 900, 3600))
        answer = asked.ask(start, end, text)
        try:
            wanted = model.evaluate(world, tree, start, end)
        except model.Fragile:
            fragile += 1
            continue
        except model.Refused:
            refused += 1
            wrong = None if "expected groups by the same keys" in answer.get("error", "") else "it is answered"
        else:
            wrong = answer["error"] if "error" in answer else difference(wanted, read(answer))
            points += sum(map(len, wanted.values()))
        compared += 1
        if wrong:
            failed += 1
            if failed <= 10:
                print(f"{start - START}..{end - START}: {text}\n    {wrong}")
    ended = asked.end()
    print(f"seed {options.seed}: {compared} questions compared, {points} points; {refused} rightly refused, "
          f"{fragile} left out, {failed} differ")
    sys.exit(failed > 0 or not ended or points < options.questions)


main()
