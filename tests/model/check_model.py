#!/usr/bin/python3
"""Runs the model and the fake intake's decoders against the vectors in
tests/data, so that a difference to the server is the server's fault."""

import argparse
import json
import math
import pathlib
import sys

import dogstatsd_model as model
import intake

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
SPECIAL = {"NaN": math.nan, "+Inf": math.inf, "-Inf": -math.inf}


def vectors(name):
    text = (DATA / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def as_latin1(thing):
    """Expected text is UTF-8; the model's has one character per byte."""
    if isinstance(thing, str):
        return thing.encode("utf-8").decode("latin-1")
    if isinstance(thing, list):
        return [as_latin1(item) for item in thing]
    if isinstance(thing, dict):
        return {key: as_latin1(value) for key, value in thing.items()}
    return thing


def same(expected, actual, scale=0.0):
    if isinstance(expected, dict):
        return (isinstance(actual, dict) and
                all(same(value, actual.get(key), scale) for key, value in expected.items()))
    if isinstance(expected, list):
        return (isinstance(actual, (list, tuple)) and len(expected) == len(actual) and
                all(same(left, right, scale) for left, right in zip(expected, actual)))
    if isinstance(actual, float):
        expected = SPECIAL.get(expected, expected)
        if isinstance(expected, str) or expected is None:
            return False
        return model.is_close(expected, actual, scale) or (expected != expected and actual != actual)
    return expected == actual


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, vector, expected, actual, scale=0.0):
        if same(expected, actual, scale):
            self.passed += 1
            return
        self.failed += 1
        print(f"{vector.get('id', vector.get('name'))}: {vector.get('why', '')}\n"
              f"  expected {expected}\n  actual   {actual}")


def vector_input(vector):
    if "input_latin1" in vector:
        return vector["input_latin1"], vector.get("expect")
    return as_latin1(vector["input"]), as_latin1(vector.get("expect"))


def check_parse(tally, vector):
    settings = model.settings_with(vector.get("config", {}))
    line, expected = vector_input(vector)
    tally.check(vector, expected, model.parse(line, settings))


def check_packet(tally, vector):
    settings = model.settings_with(vector.get("config", {}))
    text, expected = vector_input(vector)
    lines, unterminated = model.split_lines(text.encode("latin-1"), settings, vector["listener"])
    messages = [model.parse(line, settings) for line in lines]
    tally.check(vector, expected, {
        "messages": [message for message in messages if message],
        "errors": messages.count(None), "unterminated": unterminated})


def check_enrich(tally, vector):
    if "dogstatsd_mapper_profiles" in vector.get("config", {}):
        return
    settings = model.settings_with(vector.get("config", {}))
    line, expected = vector_input(vector)
    answer = model.enrich(model.parse(line, settings), settings)
    tally.check(vector, expected, {"samples": answer} if isinstance(answer, list) else answer)


def series_of(points):
    """Points in the shape of the vectors; timestamped samples stay apart there."""
    return sorted((point.name, point.type, point.host, sorted(point.tags), point.ts, point.value)
                  for point in points)


def expected_points(series):
    return sorted((one["name"], one["type"], one["host"], sorted(one["tags"]), ts, value)
                  for one in series for ts, value in one["points"])


def check_aggregation(tally, vector):
    if vector.get("quirk"):
        return
    aggregator = model.Aggregator(model.settings_with(vector.get("config", {})))
    expected = iter(vector["expect"])
    for step in vector["steps"]:
        if "line" in step:
            aggregator.datagram(step["line"].encode("utf-8"), step["t"])
        if step.get("flush"):
            points = aggregator.flush(step["t"], step.get("force", False))
            wanted = [list(point) for point in expected_points(as_latin1(next(expected)["series"]))]
            tally.check(vector, wanted, [list(point) for point in series_of(points)])


def check_sketch(tally, vector):
    if vector.get("bin_width") == 65535 or "values" not in vector:
        return
    sketch = model.Sketch(vector.get("bin_limit", 4096))
    for prefix in ("", "merge_"):
        values = vector.get(prefix + "values", [])
        for value, rate in zip(values, vector.get(prefix + "rates", [1.0] * len(values))):
            sketch.insert(value, rate)
    expected = {key: vector[key] for key in ("k", "n", "cnt", "min", "max", "sum", "avg")}
    scale = max(abs(vector["min"]), abs(vector["max"]))
    tally.check(vector, expected, sketch.point(), scale)


def check_payload(tally, vector):
    """The decoders must read golden bytes and find no fault with them."""
    name, body = vector["name"], bytes.fromhex(vector["hex"])
    decode = {"v2": intake.decode_series, "sketch": intake.decode_sketches}.get(name.split()[0])
    if decode is None:
        return
    faults = []
    points = [(point.name, point.type, point.host, list(point.tags), list(map(list, point.resources)),
               point.ts, point.value) for point in decode(body, faults.append)]
    wanted = []
    for one in vector["input"]:
        devices = [["device", one["device"]]] if "device" in one else []
        for point in one["points"]:
            ts, value = (point.pop("ts"), point) if isinstance(point, dict) else point
            wanted.append([one["metric"], one.get("type", "sketch"), one["host"],
                           one.get("tags", []), devices, ts, value])
    tally.check(vector, wanted, points)
    tally.check(vector, [], faults)


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    tally = Tally()
    kinds = {"parse": check_parse, "packet": check_packet, "enrich": check_enrich}
    for vector in vectors("parse.jsonl"):
        if vector["kind"] in kinds:
            kinds[vector["kind"]](tally, vector)
    for vector in vectors("aggregation.jsonl"):
        check_aggregation(tally, vector)
    for vector in vectors("sketch.jsonl"):
        check_sketch(tally, vector)
    for vector in vectors("payloads.jsonl"):
        check_payload(tally, vector)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
