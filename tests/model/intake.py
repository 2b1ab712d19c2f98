#!/usr/bin/python3
"""A small fake intake on a port of the kernel's choice.

It accepts series, sketches, events and checks, holds every payload against the
rules of the real intake, and keeps what it was told: one value per series and
second, and the list of those that came twice. Text is latin-1, as in the model."""

import argparse
import json
import math
import re
import struct
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import zstandard        # Debian: python3-zstandard

from dogstatsd_model import Point

# route -> content type, largest body as sent, largest body decompressed
ROUTES = {
    "/api/v2/series": ("application/x-protobuf", 512_000, 5_242_880),
    "/api/beta/sketches": ("application/x-protobuf", 2_621_440, 4_194_304),
    "/intake/": ("application/json", 2_621_440, 4_194_304),
    "/api/v1/check_run": ("application/json", 2_621_440, 4_194_304),
}
MAX_POINTS = 10_000
TYPES = {1: "count", 2: "rate", 3: "gauge"}


# ---------------------------------------------------------------- protobuf

def varint(body, at):
    number = shift = 0
    while True:
        number |= (body[at] & 0x7F) << shift
        if body[at] < 0x80:
            return number, at + 1
        at, shift = at + 1, shift + 7


def fields(body):
    """(number, value) of each field: an int, a float or bytes."""
    at = 0
    while at < len(body):
        tag, at = varint(body, at)
        wire = tag & 7
        if wire == 0:
            value, at = varint(body, at)
        elif wire == 1:
            value, at = struct.unpack_from("<d", body, at)[0], at + 8
        elif wire == 2:
            size, at = varint(body, at)
            value, at = body[at:at + size], at + size
        else:
            raise ValueError(f"wire type {wire}")
        if at > len(body):
            raise ValueError("cut short")
        yield tag >> 3, value


def packed(body):
    at, numbers = 0, []
    while at < len(body):
        number, at = varint(body, at)
        numbers.append(number)
    return numbers


def signed64(number):
    return number - 2**64 if number >= 2**63 else number


def zigzag(number):
    return (number >> 1) ^ -(number & 1)


def collect(body, known, fault):
    """{number: [values]} of one message."""
    found = {}
    for number, value in fields(body):
        if number not in known:
            fault(f"unknown field {number}")
        found.setdefault(number, []).append(value)
    return found


def text(found, number):
    return found.get(number, [b""])[-1].decode("latin-1")


def texts(found, number):
    return [value.decode("latin-1") for value in found.get(number, [])]


def check_origin(found, fault):
    """Product 10 is the Agent, category 10 DogStatsD."""
    origin = [dict(fields(inner)) for metadata in found.get("metadata", [])
              for number, inner in fields(metadata) if number == 1]
    if not origin or origin[0].get(4) != 10 or origin[0].get(5) != 10:
        fault(f"origin {origin}")


def decode_series(body, fault):
    points = []
    for number, series in fields(body):
        if number != 1:
            fault(f"unknown field {number} of the payload")
            continue
        found = collect(series, range(1, 10), fault)
        points += series_points(found, fault)
    if not 1 <= len(points) <= MAX_POINTS:
        fault(f"{len(points)} points in a payload")
    return points


def series_points(found, fault):
    name = text(found, 2)
    resources = []
    for resource in found.get(1, []):
        pair = collect(resource, (1, 2), fault)
        resources.append((text(pair, 1), text(pair, 2)))
    hosts = [value for kind, value in resources if kind == "host"]
    if len(hosts) != 1 or resources[0][0] != "host" or len(resources) > 500:
        fault(f"{name}: resources {resources}")
    kind = TYPES.get(found.get(5, [0])[-1])
    interval = signed64(found.get(8, [0])[-1])
    if kind is None or (kind == "rate" and interval < 1) or not 0 <= interval <= 3600:
        fault(f"{name}: type {kind}, interval {interval}")
    tags = tuple(sorted(texts(found, 3)))
    if any(tag.startswith(("device:", "dd.internal.resource:")) for tag in tags):
        fault(f"{name}: a resource is left in tags {tags}")
    check_origin({"metadata": found.get(9, [])}, fault)
    if not found.get(4):
        fault(f"{name}: no points")
    others = tuple(sorted(pair for pair in resources if pair[0] != "host"))
    points = []
    for point in found.get(4, []):
        values = collect(point, (1, 2), fault)
        points.append(Point(name, kind, "".join(hosts), tags, others,
                            signed64(values.get(2, [0])[-1]), values.get(1, [0.0])[-1], interval,
                            text(found, 6)))
    return points


def decode_sketches(body, fault):
    points, metadata = [], 0
    for number, sketch in fields(body):
        if number == 2:
            metadata += 1
        elif number != 1:
            fault(f"unknown field {number} of the payload")
        else:
            found = collect(sketch, (1, 2, 4, 7, 8), fault)
            check_origin({"metadata": found.get(8, [])}, fault)
            for point in found.get(7, []):
                ts, value = sketch_point(collect(point, range(1, 9), fault), fault)
                points.append(Point(text(found, 1), "sketch", text(found, 2),
                                    tuple(sorted(texts(found, 4))), (), ts, value, 0))
    if metadata != 1 or not body.endswith(b"\x12\x00"):
        fault("a sketch payload ends with empty metadata")
    return points


def sketch_point(found, fault):
    last = {number: values[-1] for number, values in found.items()}
    value = {"cnt": signed64(last.get(2, 0)), "min": last.get(3, 0.0), "max": last.get(4, 0.0),
             "avg": last.get(5, 0.0), "sum": last.get(6, 0.0),
             "k": [zigzag(number) for number in packed(last.get(7, b""))],
             "n": packed(last.get(8, b""))}
    keys, counts = value["k"], value["n"]
    if len(keys) != len(counts) or keys != sorted(keys) or not keys or len(keys) > 4096:
        fault(f"bins {len(keys)}/{len(counts)}, sorted {keys == sorted(keys)}")
    if sum(counts) != value["cnt"] or 0 in counts or any(abs(key) > 32767 for key in keys):
        fault(f"bins hold {sum(counts)} of {value['cnt']}")
    if not value["min"] <= value["max"]:
        fault(f"min {value['min']} max {value['max']}")
    return signed64(last.get(1, 0)), value


# ---------------------------------------------------------------- rules

def check_point(point, now, fault):
    """What the intake refuses, whatever the kind of point."""
    where = f"{point.name} {point.tags}"[:200]
    if not 1 <= len(point.name) <= 350 or not re.search("[A-Za-z]", point.name):
        fault(f"{where}: name")
    if len(point.tags) > 100 or sum(map(len, point.tags)) > 100 * 1024:
        fault(f"{where}: too many tags")
    if len(set(point.tags)) != len(point.tags):
        fault(f"{where}: a tag twice")
    if len(point.host) > 255:       # an empty host is what the Agent sends, too
        fault(f"{where}: host")
    if not 0 < point.ts <= now + 600:
        fault(f"{where}: time {point.ts}")
    values = [point.value] if point.type != "sketch" else [
        point.value[key] for key in ("min", "max", "avg", "sum")]
    if not all(map(math.isfinite, values)):
        fault(f"{where}: value {values}")


def decompress(body, encoding, fault):
    if encoding == "zstd":
        stream = zstandard.ZstdDecompressor().decompressobj()
        data = stream.decompress(body)
        if stream.unused_data:
            fault("bytes behind the zstd frame")
        return data
    if encoding in ("deflate", "gzip"):
        return zlib.decompress(body, 31 if encoding == "gzip" else 15)
    if encoding:
        fault(f"Content-Encoding {encoding}")
    return body


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path.startswith("/api/v1/validate"):
            self.answer(200, {"valid": True})
        else:
            self.answer(404, {"errors": ["Not found"]})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.partition("?")[0]
        if path not in ROUTES:
            self.server.intake.fault(path, "no such route")
            self.answer(404, {"errors": ["Not found"]})
            return
        self.server.intake.take(path, self.headers, body)
        self.answer(202, {"errors": []} if path == "/api/v2/series" else {"status": "ok"})

    def log_message(self, *_):
        pass


class Intake:
    """start() it, point dd_url at url, read the lists after the sender stopped."""

    def __init__(self, api_key="k", port=0):
        self.api_key = api_key
        self.points = {}            # (name, host, tags, resources, type, ts) -> value
        self.intervals = {}         # the same -> the series' interval
        self.units = {}             # the same -> its unit
        self.duplicates = []        # (key, earlier value, later value)
        self.events, self.checks, self.violations = [], [], []
        self.payloads = {route: 0 for route in ROUTES}
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.server.intake = self
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def start(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def fault(self, route, what):
        self.violations.append(f"{route}: {what}")

    def take(self, route, headers, body):
        def fault(what):
            self.fault(route, what)

        with self.lock:
            self.payloads[route] += 1
            try:
                self.check_request(route, headers, body, fault)
                data = decompress(body, headers.get("Content-Encoding", ""), fault)
                if len(data) > ROUTES[route][2]:
                    fault(f"{len(data)} bytes decompressed")
                self.read(route, data, fault)
            except (ValueError, IndexError, KeyError, TypeError, AttributeError, struct.error,
                    zlib.error, zstandard.ZstdError) as error:
                fault(f"unreadable: {error!r}")

    def check_request(self, route, headers, body, fault):
        if headers.get("DD-Api-Key") != self.api_key:
            fault(f"DD-Api-Key {headers.get('DD-Api-Key')}")
        if headers.get("Content-Type") != ROUTES[route][0]:
            fault(f"Content-Type {headers.get('Content-Type')}")
        if len(body) > ROUTES[route][1]:
            fault(f"{len(body)} bytes compressed")

    def read(self, route, data, fault):
        if route == "/intake/":
            self.read_events(json.loads(data), fault)
        elif route == "/api/v1/check_run":
            self.read_checks(json.loads(data), fault)
        else:
            decode = decode_series if route == "/api/v2/series" else decode_sketches
            for point in decode(data, fault):
                check_point(point, time.time(), fault)
                self.keep(point)

    def keep(self, point):
        key = (point.name, point.host, point.tags, point.resources, point.type, point.ts)
        if key in self.points:
            self.duplicates.append((key, self.points[key], point.value))
        self.points[key] = point.value
        self.intervals[key] = point.scale
        self.units[key] = point.unit

    def read_events(self, body, fault):
        if set(body) != {"apiKey", "events", "internalHostname"} or not body["events"]:
            fault(f"keys {sorted(body)}")
        for source, items in body["events"].items():
            for item in items:
                if not {"msg_title", "msg_text", "timestamp", "host"} <= set(item):
                    fault(f"event keys {sorted(item)}")
                if (item.get("source_type_name") or "api") != source:
                    fault(f"event of {item.get('source_type_name')} under {source}")
                self.events.append(item)

    def read_checks(self, body, fault):
        for item in body:
            if set(item) != {"check", "host_name", "timestamp", "status", "message", "tags"}:
                fault(f"check keys {sorted(item)}")
            if item["status"] not in (0, 1, 2, 3):
                fault(f"check status {item['status']}")
            self.checks.append(item)


def main():
    parser = argparse.ArgumentParser(description="Runs the fake intake until interrupted.")
    parser.add_argument("--port", type=int, default=0)
    intake = Intake(port=parser.parse_args().port).start()
    print(intake.url, flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
    print(f"{intake.payloads} {len(intake.points)} points, {len(intake.duplicates)} twice, "
          f"{len(intake.events)} events, {len(intake.checks)} checks")
    print("\n".join(intake.violations[:20]))


if __name__ == "__main__":
    main()
