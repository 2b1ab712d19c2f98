#!/usr/bin/python3
"""Sends random traces in all layouts, and what libraries count themselves, and compares what is counted with the model's groups.

    trace_differential.py --counter build/tests/model/counter --seed 1 --spans 100000

The spans are counted by a process that has no clock of its own (tests/model/counter.c)."""

import argparse
import collections
import json
import random
import struct
import subprocess
import sys

import trace_model as model

START_S = 1700000003
V03, V04, V05, V07, COUNTED = range(5)  # trace_decode.h, and what libraries counted
MSGPACK, JSON = range(2)
ODD = "aZ09_.-/: é\u00dcß漢я\u0130\u0301😀٣"
TYPES = ("web", "http", "sql", "redis", "", "worker", "T" * 99 + "é", "queue")
STATUSES = ("200", "404", "503", "99", "600", "abc", "", "4o4", "2000", "100", "599")
VALUED = ("env", "version", "http.method", "http.route", "http.endpoint", "rpc.grpc.status_code", "grpc.code",
          "_dd.hostname", "_dd.base_service", "peer.service", "db.name", "out.host", "messaging.system", "x")


# ---------------------------------------------------------------- spans

def odd_text(choose, most=12):
    return "".join(choose.choice(ODD) for _ in range(choose.randrange(most)))


def name(choose, words):
    draw = choose.random()
    if draw < 0.8:
        return choose.choice(words)
    if draw < 0.97:
        return odd_text(choose)
    return choose.choice("ab é") * choose.choice((99, 100, 101, 250)) + odd_text(choose)


def make_meta(choose):
    meta = {}
    if choose.random() < 0.5:
        meta["span.kind"] = choose.choice(("server", "client", "CLIENT", "producer", "Consumer", "internal", "odd", ""))
    if choose.random() < 0.3:
        meta["http.status_code"] = choose.choice(STATUSES)
    for key in VALUED:
        if choose.random() < 0.12:
            meta[key] = choose.choice(("a", "b", "Prod", "GET", "")) if choose.random() < 0.8 else odd_text(choose)
    if choose.random() < 0.05:
        meta["_dd.origin"] = choose.choice(("synthetics", "synthetics-browser", "rum", ""))
    if choose.random() < 0.002:
        meta["env"] = "e" * choose.choice((199, 200, 201, 300))
        meta["db.name"] = "n" * choose.choice((25000, 25001, 25010))
    return meta


def make_metrics(choose):
    metrics = {}
    for key, chance, values in (("_dd.measured", 0.1, (1, 1, 0, 2)), ("_dd.top_level", 0.3, (1, 1, 0)),
                                ("_dd.partial_version", 0.03, (0, 1, -1, 1700000000)),
                                ("_sample_rate", 0.2, (0.5, 0.1, 1, 0, -1, 1.5, 0.3)),
                                ("http.status_code", 0.1, (200, 404.0, 500))):
        if choose.random() < chance:
            metrics[key] = float(choose.choice(values))
    return metrics


def make_span(choose, trace_id, parents, now_ns):
    span_id = choose.choice((choose.randrange(1, 2**64), choose.randrange(1, 60)))
    duration = int(choose.expovariate(1e-7)) if choose.random() < 0.97 else choose.choice((0, -5, 10**11, model.LARGEST))
    end = now_ns - int(choose.expovariate(1 / 4e9))
    if choose.random() < 0.02:
        end = now_ns + choose.choice((5, 300, 599, 610, 86400)) * model.SECOND
    start = end - (duration if 0 < duration < 10**12 else 0)
    if choose.random() < 0.01:
        start, duration = choose.choice((0, 10**9, -7)), abs(duration) % 10**10
    parent = choose.choice(parents) if parents and choose.random() < 0.9 else choose.choice((0, 0, choose.randrange(1, 99)))
    if choose.random() < 0.02:
        span_id = parent = trace_id     # its own parent
    return {"service": name(choose, ("shop", "db", "Cart Service", "")), "name": name(choose, ("web.request", "sql.query", "")),
            "resource": name(choose, ("GET /", "SELECT 1", "")) if choose.random() < 0.999 else "漢é" * 1001,
            "type": choose.choice(TYPES), "trace_id": trace_id if choose.random() < 0.998 else choose.choice((0, 7)),
            "span_id": span_id if choose.random() < 0.999 else 0, "parent_id": parent, "start": start,
            "duration": duration, "error": choose.choice((0, 0, 0, 1, 2)), "meta": make_meta(choose),
            "metrics": make_metrics(choose)}


def make_plain_trace(choose, now_ns):
    """A request with a call in it, as many are: groups of more than one."""
    trace_id, end = choose.randrange(1, 2**64), now_ns - choose.randrange(25 * model.SECOND)
    error, weight = choose.randrange(4) == 0, {"_sample_rate": choose.choice((0.1, 0.3, 1.0))}

    def span(span_id, parent, service, kind, metrics):
        duration = int(choose.expovariate(1e-7))
        return {"service": service, "name": f"{service}.work", "resource": choose.choice(("one", "two")), "type": "web",
                "trace_id": trace_id, "span_id": span_id, "parent_id": parent, "start": end - duration, "duration": duration,
                "error": int(error), "meta": {"span.kind": kind, "env": "prod", "peer.service": "db"}, "metrics": metrics}
    return [span(1, 0, "shop", "server", weight), span(2, 1, "shop", "internal", {}), span(3, 2, "shop", "client", {}),
            span(4, 3, choose.choice(("db", "cache")), "server", {})]


def make_trace(choose, now_ns):
    if choose.random() < 0.5:
        return make_plain_trace(choose, now_ns)
    trace_id, parents, trace = choose.choice((choose.randrange(1, 2**64), 5)), [], []
    for _ in range(choose.choice((0, 1, 1, 2, 3, 5, 8, 12)) if choose.random() < 0.2 else choose.randrange(1, 9)):
        trace.append(make_span(choose, trace_id, parents, now_ns))
        parents.append(trace[-1]["span_id"])
    choose.shuffle(trace)
    return trace


def make_body(choose, now_ns):
    layout = choose.choice((V03, V04, V05, V07))
    body = {"layout": layout, "form": MSGPACK if layout == V07 else choose.choice((MSGPACK, JSON)),
            "language": choose.choice(("", "python", "js")), "top_level": choose.random() < 0.2,
            "stats": choose.random() < 0.03, "env": "", "hostname": "", "app_version": "", "container_id": "",
            "traces": [{"origin": "", "spans": make_trace(choose, now_ns)} for _ in range(choose.randrange(1, 6))]}
    if layout == V07:
        body.update(env=choose.choice(("", "Stage 1", "prod")), hostname=choose.choice(("", "h7")),
                    app_version=choose.choice(("", "7.1")), container_id=choose.choice(("", "c7")))
        for chunk in body["traces"]:
            chunk["origin"] = choose.choice(("", "", "", "synthetics", "lambda"))
    return body


# ---------------------------------------------------------------- what libraries counted

Sketch = collections.namedtuple("Sketch", "gamma offset bins zeros")


def make_sketch(choose):
    gamma, offset = choose.choice(((1.015625, 1338.5), (1.01 / 0.99, 0.0)))
    start = choose.randrange(700, 1200)
    return Sketch(gamma, offset, {start + choose.randrange(60): choose.randrange(1, 5) for _ in range(choose.randrange(4))},
                  choose.randrange(3))


def make_group(choose):
    return {"Service": name(choose, ("shop", "db", "")), "Name": name(choose, ("shop.work", "db.work")),
            "Resource": name(choose, ("one", "two", "")), "HTTPStatusCode": choose.choice((0, 0, 200, 99, 600)),
            "Type": choose.choice(("web", "sql")), "Hits": choose.randrange(100), "Errors": choose.randrange(9),
            "Duration": choose.randrange(10**12), "OkSummary": make_sketch(choose), "ErrorSummary": make_sketch(choose),
            "Synthetics": choose.random() < 0.1, "TopLevelHits": choose.randrange(100),
            "SpanKind": choose.choice(("server", "client", "")),
            "PeerTags": choose.choice(([], ["z:1", "a:2"], ["peer.service:db"])),
            "IsTraceRoot": choose.randrange(3), "GRPCStatusCode": choose.choice(("", "5")),
            "HTTPMethod": choose.choice(("", "GET")), "HTTPEndpoint": ""}


def make_counted(choose, now_ns):
    start = (now_ns // model.SECOND - choose.randrange(-20, 50)) // 10 * 10 * model.SECOND
    return {"Hostname": choose.choice(("", "h7")), "Env": choose.choice(("", "prod", "Prod")),
            "Version": choose.choice(("", "1")), "Lang": choose.choice(("", "js")), "ContainerID": "", "Sequence": 7,
            "Stats": [{"Start": start + i * 10 * model.SECOND, "Duration": 10 * model.SECOND,
                       "Stats": [make_group(choose) for _ in range(choose.randrange(6))]}
                      for i in range(choose.randrange(1, 3))]}


def double(field, value):
    return struct.pack("<Bd", field << 3 | 1, value)


def varint(number):
    """In two bytes, for what is less than 16384."""
    return bytes([number & 127 | 128, number >> 7])


def message(field, raw):
    return bytes([field << 3 | 2]) + varint(len(raw)) + raw


def sketched(sketch):
    """As protobuf: a map of bins, or a run of them."""
    bins = sketch.bins
    if len(bins) % 2 == 0:
        store = b"".join(message(1, b"\x08" + varint(2 * index) + double(2, count)) for index, count in bins.items())
    else:
        run = [float(bins.get(index, 0)) for index in range(min(bins), max(bins) + 1)]
        store = message(2, struct.pack(f"<{len(run)}d", *run)) + b"\x18" + varint(2 * min(bins))
    return message(1, double(1, sketch.gamma) + double(2, sketch.offset)) + message(2, store) + double(4, sketch.zeros)


# ---------------------------------------------------------------- bodies

def packed(thing):
    if isinstance(thing, bool):
        return b"\xc3" if thing else b"\xc2"
    if isinstance(thing, float):
        return struct.pack(">Bd", 0xcb, thing)
    if isinstance(thing, int):
        return struct.pack(">Bq", 0xd3, thing) if thing < 0 else bytes([thing]) if thing < 128 else struct.pack(">BQ", 0xcf, thing)
    if isinstance(thing, Sketch):
        raw = sketched(thing)
        return struct.pack(">BI", 0xc6, len(raw)) + raw
    if isinstance(thing, str):
        raw = thing.encode()
        return (bytes([0xa0 | len(raw)]) if len(raw) < 32 else struct.pack(">BI", 0xdb, len(raw))) + raw
    if isinstance(thing, dict):
        return struct.pack(">BI", 0xdf, len(thing)) + b"".join(packed(key) + packed(value) for key, value in thing.items())
    return struct.pack(">BI", 0xdd, len(thing)) + b"".join(map(packed, thing))


def indexed(traces):
    """v0.5: texts once, and spans of twelve."""
    texts = {"": 0}

    def place(text):
        return texts.setdefault(text, len(texts))
    rows = [[[place(span["service"]), place(span["name"]), place(span["resource"]), span["trace_id"], span["span_id"],
              span["parent_id"], span["start"], span["duration"], span["error"],
              {place(key): place(value) for key, value in span["meta"].items()},
              {place(key): value for key, value in span["metrics"].items()}, place(span["type"])]
             for span in trace] for trace in traces]
    return [list(texts), rows]


def written(body):
    traces = [chunk["spans"] for chunk in body["traces"]]
    if body["layout"] == V05:
        traces = indexed(traces)
    if body["layout"] == V07:
        traces = {"env": body["env"], "hostname": body["hostname"], "app_version": body["app_version"],
                  "container_id": body["container_id"],
                  "chunks": [{"priority": 1, "origin": chunk["origin"], "spans": chunk["spans"]} for chunk in body["traces"]]}
    return packed(traces) if body["form"] == MSGPACK else json.dumps(traces).encode()


# ---------------------------------------------------------------- the other

class Counting:
    def __init__(self, program):
        self.process = subprocess.Popen([program, str(START_S)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.peer_keys = json.loads(self.process.stdout.readline())

    def _send(self, now_ns, layout, form, language, top_level, stats, raw):
        self.process.stdin.write(b"B %d %d %d %s %d %d %d\n%s\n" % (
            now_ns, layout, form, (language or "-").encode(), top_level, stats, len(raw), raw))

    def take(self, body, now_ns):
        self._send(now_ns, body["layout"], body["form"], body["language"], body["top_level"], body["stats"], written(body))

    def take_counted(self, payload, language, now_ns):
        self._send(now_ns, COUNTED, MSGPACK, language, False, False, packed(payload))

    def _groups(self):
        groups = {}
        while (said := json.loads(self.process.stdout.readline())) is not None:
            said["key"]["peer_tags"] = tuple(said["key"]["peer_tags"])
            groups[said["start"], tuple(sorted(said["key"].items()))] = said
        return groups

    def due(self, now_s):
        self.process.stdin.write(b"T %d\n" % now_s)
        self.process.stdin.flush()
        return self._groups()

    def end(self):
        self.process.stdin.write(b"E\n")
        self.process.stdin.close()
        return self._groups(), json.loads(self.process.stdout.readline()), self.process.wait()


def durations(values):
    return [len(values), min(values), max(values), sum(values)] if values else [0, 0.0, 0.0, 0.0]


def near(a, b):
    return abs(a - b) <= 1e-9 * max(abs(a), abs(b))


def differences(wanted, got):
    for place in sorted(set(wanted) | set(got)):
        if place not in got or place not in wanted:
            yield f"{'missing' if place in wanted else 'not expected'}: {place[0]} {dict(place[1])}"
            continue
        group, said = wanted[place], got[place]
        left = [group.hits, group.errors, group.top, group.duration, *durations(group.ok), *durations(group.failed)]
        right = [said["hits"], said["errors"], said["top"], said["duration"], *said["ok"], *said["failed"]]
        if not all(map(near, left, right)):
            yield f"{place[0]} {dict(place[1])}:\n    expected {left}\n    got      {right}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--counter", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--spans", type=int, default=100000)
    options = parser.parse_args()
    choose = random.Random(options.seed)
    other = Counting(options.counter)
    counter = model.Counter(START_S, other.peer_keys)
    now_ns, told_s, groups, failed = START_S * model.SECOND, START_S, 0, 0

    def compare(wanted, got):
        nonlocal groups, failed
        groups += len(wanted)
        for wrong in differences(wanted, got):
            failed += 1
            if failed <= 10:
                print(wrong)

    while counter.books["spans"] < options.spans:
        body = make_body(choose, now_ns)
        counter.take(body, now_ns)
        other.take(body, now_ns)
        if choose.random() < 0.1:
            payload = make_counted(choose, now_ns)
            counter.take_counted(payload, body["language"], now_ns)
            other.take_counted(payload, body["language"], now_ns)
        now_ns += choose.randrange(model.SECOND // 20)
        if now_ns // model.SECOND > told_s:
            told_s = now_ns // model.SECOND
            if choose.random() < 0.9:       # a tick may come late
                compare(counter.due(told_s), other.due(told_s))
    rest, books, status = other.end()
    compare(counter.due(told_s, everything=True), rest)
    if books != counter.books:
        failed += 1
        print(f"the books: expected {counter.books}, got {books}")
    print(f"seed {options.seed}: {books['spans']} spans, {books['counted']} counted, {books['late']} late, {books['groups']} groups of libraries, "
          f"{groups} groups compared, {failed} differ")
    sys.exit(failed > 0 or status != 0 or books["late"] == 0)


main()
