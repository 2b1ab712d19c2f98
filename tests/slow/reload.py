#!/usr/bin/python3
"""Reloads and flushes under load: nothing is lost, split or doubled.

`reload`: 50 reloads, by SIGHUP and by POST in turn, each with other tags, at 100,000
lines a second over UDP and unix datagrams. Every interval belongs to one generation
of the settings; the sum at the intake is what was sent, to the unit.
`flush`: the same load, long intervals, and POST /flush at odd moments.
Needs build/bench/heeler-bench."""

import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "model"))
from intake import Intake  # noqa: E402
from server import Server  # noqa: E402

RATE = 100000
OWN = ("heeler.", "datadog.")


class Load:
    """heeler-bench on both kinds of sockets, half of the rate each."""

    def __init__(self, bench, server, socket_path, seconds):
        self.runs = [subprocess.Popen(
            [bench, "send", "--to", to, "--rate", str(RATE // 2), "--seconds", str(seconds),
             "--contexts", "100", "--seed", str(seed), "--segment", "off"],
            stdout=subprocess.PIPE, text=True)
            for seed, to in enumerate((f"udp:127.0.0.1:{server.udp_port}", f"unix:{socket_path}"), 1)]

    def done(self):
        """Lines and datagrams sent, by both."""
        results = [json.loads(run.communicate()[0]) for run in self.runs]
        return sum(one["lines"] for one in results), sum(one["datagrams"] for one in results)


def post(server, path):
    request = urllib.request.Request(f"http://127.0.0.1:{server.http_port}{path}", method="POST", data=b"")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status, json.load(answer)


def memory_kib(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def sent_points(intake):
    """(series and timestamp) -> value in units, of what clients sent and not of zeros."""
    with intake.lock:
        return {key: round(value * intake.intervals[key]) for key, value in intake.points.items()
                if not key[0].startswith(OWN) and value != 0}


def check(server, intake, sent, datagrams):
    problems = []
    ledger = server.final_ledger()
    total = sum(sent_points(intake).values())
    if ledger.get("datagrams") != datagrams or ledger.get("kernel_drops") or ledger.get("gate"):
        problems.append(f"{datagrams} datagrams sent: {ledger}")
    if ledger.get("values") != sent or ledger.get("shed"):
        problems.append(f"{sent} lines sent: {ledger}")
    if total != sent:
        problems.append(f"{sent - total} missing at the intake")
    if intake.duplicates:
        problems.append(f"{len(intake.duplicates)} points twice: {intake.duplicates[:3]}")
    if " imbalance=0/0/0" not in server.log():
        problems.append("the books do not balance")
    return problems + intake.violations[:3]


def result(name, problems, figures):
    print(f"{'ok  ' if not problems else 'FAIL'}  {name}: {figures}")
    for problem in problems:
        print(f"      {problem}")
    return not problems


def begin(options, folder, interval, workers):
    """The server with a file of settings, and its intake."""
    config, socket_path = os.path.join(folder, "heeler.yaml"), os.path.join(folder, "socket")
    pathlib.Path(config).write_text("tags: [generation:0]\n")
    intake = Intake().start()
    server = Server(options.heeler, {
        "dd_url": intake.url, "dogstatsd_socket": socket_path, "heeler_interval": interval,
        "heeler_workers": workers, "dogstatsd_expiry_seconds": 3, "heeler_stop_timeout": 10},
        config=config)
    return server, intake, config, socket_path


def reloads(options, folder, workers):
    server, intake, config, socket_path = begin(options, folder, 1, workers)
    load = Load(options.bench, server, socket_path, options.reloads * options.pause + 3)
    time.sleep(2)
    memory, problems, slowest = memory_kib(server), [], 0
    for generation in range(1, options.reloads + 1):
        wrong = "heeler_workers: many\n" if generation % 10 == 5 else ""
        pathlib.Path(config).write_text(
            f"tags: [generation:{generation}]\nhistogram_percentiles: [0.{generation:02}]\n{wrong}")
        if wrong or generation % 2:
            before = time.monotonic()
            try:
                status, _ = post(server, "/reload")
            except urllib.error.HTTPError as refused:
                status = refused.code
            slowest = max(slowest, time.monotonic() - before)
            if status != (400 if wrong else 200):
                problems.append(f"reload {generation} is answered {status}")
        else:
            server.process.send_signal(signal.SIGHUP)
        time.sleep(options.pause)
    grown = memory_kib(server) - memory
    pause_ms = server.total("heeler_seal_longest_microseconds") / 1000
    sent, datagrams = load.done()
    if server.stop() != 0:
        problems.append("the exit code is not 0")
    problems += check(server, intake, sent, datagrams)
    intake.stop()
    points = sent_points(intake)
    generations = {}
    for key in points:
        generations.setdefault(key[5], set()).update(tag for tag in key[2] if tag.startswith("generation:"))
    mixed = [stamp for stamp, tags in generations.items() if len(tags) > 1]
    if mixed and workers == 1:
        problems.append(f"intervals of several generations: {mixed}")
    stamps = sorted(generations)
    if len(stamps) > stamps[-1] - stamps[0] + 1:
        problems.append("more stamps than seconds")
    seen = {tag for tags in generations.values() for tag in tags}
    return result(f"{options.reloads} reloads, {workers} workers", problems,
                  f"{sent} lines in {datagrams} datagrams, all at the intake; {len(seen)} generations in "
                  f"{len(stamps)} intervals, {len(mixed)} of them mixed; slowest answer "
                  f"{slowest * 1000:.1f} ms; memory {grown:+} KiB; longest pause for a seal {pause_ms:.1f} ms")


def flushes(options, folder, workers):
    server, intake, _, socket_path = begin(options, folder, 10, workers)
    load = Load(options.bench, server, socket_path, 25)
    problems, slowest, chance = [], 0, random.Random(1)
    for _ in range(12):
        time.sleep(chance.uniform(0, 1.5))
        before = time.monotonic()
        status, answer = post(server, "/flush")
        slowest = max(slowest, time.monotonic() - before)
        if status != 200 or not answer["settled"]:
            problems.append(f"a flush is answered {status}: {answer}")
    sent, datagrams = load.done()
    if post(server, "/drain")[0] != 202:
        problems.append("a drain is not answered 202")
    if server.process.wait(30) != 0:
        problems.append("the exit code is not 0")
    problems += check(server, intake, sent, datagrams)
    intake.stop()
    stamps = {key[5] for key in sent_points(intake)}
    return result(f"12 flushes, {workers} workers", problems,
                  f"{sent} lines in {datagrams} datagrams, all at the intake with {len(stamps)} "
                  f"timestamps; slowest answer {slowest * 1000:.0f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heeler", default="build/heeler")
    parser.add_argument("--bench", default="build/bench/heeler-bench")
    parser.add_argument("--reloads", type=int, default=50)
    parser.add_argument("--pause", type=float, default=0.7, help="seconds between two reloads")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    options = parser.parse_args()
    failed = 0
    for workers in options.workers:
        for run in (reloads, flushes):
            folder = tempfile.mkdtemp(prefix="heeler-reload-")
            try:
                failed += not run(options, folder, workers)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    print(f"{2 * len(options.workers) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
