#!/usr/bin/python3
"""Sends random traffic to a Heeler and compares what reaches the intake with
what the model says. With the default interval the whole run falls in one."""

import argparse
import json
import re
import socket
import sys
import time

import dogstatsd_model as model
from generate import Generator
from intake import Intake
from server import Server

OWN_SERIES = ("heeler.", "datadog.agent.", "datadog.dogstatsd.", "datadog.heeler.", "n_o_i_n_d_e_x.")


class Report:
    """Counts comparisons and prints the first differences."""

    def __init__(self, shown):
        self.passed, self.failed, self.shown = 0, 0, shown

    def check(self, good, what):
        if good:
            self.passed += 1
            return
        self.failed += 1
        if self.failed <= self.shown:
            print(what)


# ---------------------------------------------------------------- comparing

def grouped(points, merge):
    """{series: {ts: [values]}}; a series is what the intake tells apart."""
    series = {}
    for point in points:
        key = (point.name, point.type, point.host, point.tags, point.resources)
        ts = "any" if merge(point) else point.ts
        series.setdefault(key, {}).setdefault(ts, []).append(point)
    return series


def combined(points):
    """Points of one series in time order as one: rates are summed, gauges keep
    the last, sketches are merged bin by bin."""
    points = sorted(points, key=lambda point: point.ts)
    last = points[-1]
    if last.type == "rate":
        return last._replace(value=sum(point.value for point in points),
                             scale=sum(point.scale for point in points))
    if last.type != "sketch" or len(points) == 1:
        return last
    bins = {}
    for point in points:
        for key, count in zip(point.value["k"], point.value["n"]):
            bins[key] = bins.get(key, 0) + count
    values = [point.value for point in points]
    return last._replace(value={
        "cnt": sum(value["cnt"] for value in values), "min": min(value["min"] for value in values),
        "max": max(value["max"] for value in values), "sum": sum(value["sum"] for value in values),
        "k": sorted(bins), "n": [bins[key] for key in sorted(bins)]})


def same_value(expected, actual):
    if expected.type != "sketch":
        return expected.unit == actual.unit and model.is_close(expected.value, actual.value, expected.scale)
    left, right = expected.value, actual.value
    return (all(left[key] == right[key] for key in ("cnt", "min", "max", "k", "n")) and
            all(model.is_close(left[key], right[key], expected.scale)
                for key in ("sum", "avg") if key in left and key in right))


def describe(key, point, line):
    name, kind, host, tags, resources = key
    value = point.value if point else "nothing"
    if isinstance(value, dict):
        value = {name: part if not isinstance(part, list) or len(part) < 9 else part[:8] + ["..."]
                 for name, part in value.items()}
    return f"{kind} {name!r} host={host!r} tags={tags} {resources or ''}\n    value {value}, first line {line!r:.300}"


def compare_points(report, expected, actual, first_lines):
    for key in sorted(set(expected) | set(actual)):
        name, _, host, tags, _ = key
        wanted, got = expected.get(key, {}), actual.get(key, {})
        if not wanted and name.startswith(OWN_SERIES):
            continue
        for ts in sorted(set(wanted) | set(got), key=str):
            left, right = wanted.get(ts, []), got.get(ts, [])
            if ts == "any" and left and right:
                left, right = [combined(left)], [combined(right)]
            if len(left) > 1:       # timestamped: in any order, and only numbers
                left, right = (sorted(side, key=lambda point: point.value) for side in (left, right))
            if len(left) == len(right) and all(map(same_value, left, right)):
                report.check(True, "")
                continue
            line = first_line(first_lines, key) if report.failed < report.shown else None
            report.check(False, f"at {ts}: expected {describe(key, left[0] if left else None, line)}\n"
                                f"    got {[point.value for point in right][:3]!r:.600}")


def first_line(first_lines, key):
    """The line that a series began with; a histogram's name has lost its suffix."""
    name, _, host, tags, resources = key
    for candidate in (name, re.sub(r"\.[0-9a-z]+$", "", name)):
        for (seen, seen_host, seen_tags), line in first_lines.items():
            if (seen, seen_host) == (candidate, host) and set(tags) <= set(seen_tags) \
                    and len(seen_tags) == len(tags) + len(resources):
                return line
    return None


def plain(text):
    """Invalid UTF-8 becomes one mark, however many an encoder writes."""
    text = text.encode("latin-1").decode("utf-8", "replace")
    return re.sub("\ufffd+", "\ufffd", text)


def clean(value):
    if isinstance(value, list):
        return [clean(item) for item in value]
    return re.sub("\ufffd+", "\ufffd", value) if isinstance(value, str) else value


def stamp(ts, started):
    """Messages without a time get that of their arrival."""
    return "now" if ts == 0 or started - 2 <= ts <= time.time() + 2 else ts


def expected_event(event, started):
    return [plain(event["title"]), plain(event["text"]), stamp(event["ts"], started),
            event["priority"], plain(event["host"]), sorted(map(plain, event["tags"])),
            event["alert_type"], plain(event["aggregation_key"]), plain(event["source_type"])]


def actual_event(item, started):
    return clean([item["msg_title"], item["msg_text"], stamp(item["timestamp"], started),
                  item.get("priority", "normal"), item["host"], sorted(item.get("tags") or []),
                  item.get("alert_type", "info"), item.get("aggregation_key", ""),
                  item.get("source_type_name", "")])


def expected_check(check, started):
    return [plain(check["name"]), check["status"], stamp(check["ts"], started), plain(check["host"]),
            plain(check["message"]), sorted(map(plain, check["tags"]))]


def actual_check(item, started):
    return clean([item["check"], item["status"], stamp(item["timestamp"], started), item["host_name"],
                  item["message"], sorted(item["tags"] or [])])


def compare_messages(report, what, expected, actual):
    expected, actual = ([json.dumps(item) for item in side] for side in (expected, actual))
    actual = [item for item in actual if not item.startswith(('["datadog.agent.', '["Agent Startup'))]
    for item in sorted(set(expected) | set(actual)):
        wanted, got = expected.count(item), actual.count(item)
        report.check(wanted == got, f"{what} expected {wanted} times, came {got} times: {item}")


# ---------------------------------------------------------------- running

def wait_for_room(interval, seconds):
    """Waits for the next interval when too little of this one is left."""
    left = interval - time.time() % interval
    if left < seconds and interval > seconds:
        time.sleep(left + 0.05)


def send(server, datagrams, window=8):
    """Never more on the way than the smallest receive buffer holds."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for at in range(0, len(datagrams), window):
        for datagram in datagrams[at:at + window]:
            sender.sendto(datagram, ("127.0.0.1", server.udp_port))
        sent = min(at + window, len(datagrams))
        if server.wait_received(sent) != sent:
            raise RuntimeError(f"the kernel dropped some of {sent} datagrams")
    sender.close()


def run(arguments, report):
    started = time.time()
    settings = {"hostname": "model-host", "heeler_interval": arguments.interval}
    datagrams = [datagram for datagram in Generator(arguments.seed, started).datagrams(arguments.lines)
                 if datagram]       # an empty one is legal, but nothing to wait for
    aggregator = model.Aggregator(model.settings_with(settings))
    for datagram in datagrams:
        aggregator.datagram(datagram, started)
    expected = aggregator.flush(started, final=True)

    intake = Intake().start()
    server = Server(arguments.heeler, {"dd_url": intake.url, "heeler_stop_timeout": 20, **settings,
                                       **dict(pair.split("=", 1) for pair in arguments.set)})
    try:
        wait_for_room(arguments.interval, 20)
        begin = time.time()
        send(server, datagrams)
        end = time.time()
        metrics = server.metrics()
        code = server.stop()
    finally:
        server.stop()
    intake.stop()
    print(f"seed {arguments.seed}: {len(datagrams)} datagrams in {end - begin:.1f} s, "
          f"{len(expected)} points expected, {len(intake.points)} came, "
          f"{time.time() - started:.1f} s in all")
    report.check(code == 0, f"exit code {code}:\n{server.log()[-2000:]}")
    compare_counters(report, server, metrics, aggregator, len(datagrams))
    one_interval = begin // arguments.interval == time.time() // arguments.interval
    if not one_interval:
        print("the run fell in several intervals: sums, last values and sketches only")
    compare_all(report, aggregator, expected, intake, started, one_interval)


def compare_counters(report, server, metrics, aggregator, sent):
    for name, wanted in (("heeler_datagrams_received_total", sent),
                         ("heeler_datagrams_truncated_total", 0),
                         ("heeler_lines_rejected_total", aggregator.rejected),
                         ("heeler_lines_received_total", sum(aggregator.lines.values()))):
        got = server.total(name, metrics)
        report.check(got == wanted, f"{name}: expected {wanted}, got {got} {metrics.get(name)}")
    report.check("heeler_ledger_imbalance" in metrics and
                 not any(metrics["heeler_ledger_imbalance"].values()),
                 f"imbalance {metrics.get('heeler_ledger_imbalance')}")


def names_of_one_interval(aggregator):
    """Names of points that do not add up over intervals."""
    names = set(aggregator.names.get("s", ()))
    for name in aggregator.names.get("h", ()):
        names |= {name + suffix for suffix in (".max", ".median", ".avg", ".95percentile")}
    return names


def compare_all(report, aggregator, expected, intake, started, one_interval):
    oldest = min(started - 3000, started - aggregator.interval)
    now = time.time() + 10

    def is_recent(point):       # not one of the timestamped, which lie further back
        return oldest < point.ts < now

    arrived = [model.Point(name, kind, host, tags, resources, ts, value, 0, intake.units[key])
               for key, value in intake.points.items()
               for name, host, tags, resources, kind, ts in [key]]
    arrived += [model.Point(name, kind, host, tags, resources, ts, earlier, 0)
                for (name, host, tags, resources, kind, ts), earlier, _ in intake.duplicates]
    if not one_interval:
        partial = names_of_one_interval(aggregator)
        expected = [point for point in expected if point.name not in partial]
        arrived = [point for point in arrived if point.name not in partial]
    compare_points(report, grouped(expected, is_recent), grouped(arrived, is_recent), aggregator.origin)
    compare_messages(report, "event", [expected_event(item, started) for item in aggregator.events],
                     [actual_event(item, started) for item in intake.events])
    compare_messages(report, "check", [expected_check(item, started) for item in aggregator.checks],
                     [actual_check(item, started) for item in intake.checks])
    stray = [key for key, _, _ in intake.duplicates if oldest < key[-1] < now]
    report.check(not stray, f"{len(stray)} points came twice: {stray[:3]}")
    report.check(not intake.violations,
                 f"{len(intake.violations)} violations: " + "\n  ".join(intake.violations[:10]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heeler", default="build/heeler")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--interval", type=int, default=60)
    parser.add_argument("--show", type=int, default=10, help="differences to print")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="passed on")
    arguments = parser.parse_args()
    report = Report(arguments.show)
    run(arguments, report)
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
