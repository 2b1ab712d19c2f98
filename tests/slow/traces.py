#!/usr/bin/python3
"""Traces beside lines: 50,000 spans a second in traces of ten, over HTTP, and a million DogStatsD
lines a second over UDP. The server has the second CPU to itself, both senders the first.

No span is unaccounted: what was answered is received, and received is counted, not eligible, partial,
counted by the client or refused. No line is lost, all balances are 0, and the rate of spans is kept. Memory
is bounded: what the trace thread holds stays far below heeler_trace_max_bytes, and the last third of a
minute needs no more than the first, beyond what the rollups say that they have."""

import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "model"))
from server import Server  # noqa: E402
from watchers import FLAT_FROM_S, MIB, Memory, end, start, wait_read  # noqa: E402

DOOR = re.compile(r"traces: listening on 127\.0\.0\.1:(\d+)")
SENDERS_CPU, SERVER_CPU = 0, os.cpu_count() - 1
HELD_MAX_MIB = 16       # of 64: a few bodies and the groups of three buckets


def pin(pid, cpu):
    """Each thread that there is; those to come do as the one that makes them."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), {cpu})


def cpu_seconds(pid):
    """{name of a thread: seconds that it ran}"""
    seconds = collections.Counter()
    for folder in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name = (folder / "comm").read_text().strip()
        seconds[name] += int((folder / "schedstat").read_text().split()[0]) / 1e9
    return seconds


class Held(Memory):
    """What the trace thread holds, too."""

    def __init__(self, server):
        self.most = 0
        super().__init__(server)

    def run(self):
        while not self.ending.wait(1):
            metrics = self.server.metrics()
            self.looks.append((metrics["process_resident_memory_bytes"][""] / MIB,
                               metrics["heeler_rollup_bytes"][""] / MIB))
            self.most = max(self.most, metrics["heeler_trace_held_bytes"][""] / MIB)


def bench(options, *words):
    return subprocess.Popen([options.bench, *map(str, words), "--pin", str(SENDERS_CPU),
                             "--seconds", str(options.seconds)], stdout=subprocess.PIPE, text=True)


def said(process):
    text = process.communicate()[0]
    if process.returncode != 0:
        raise RuntimeError(f"{process.args[1]}: nothing was sent")
    return json.loads(text)


def load(options, server):
    """What both senders say."""
    lines = bench(options, "send", "--to", f"udp:127.0.0.1:{server.udp_port}", "--profile", "tagged",
                  "--rate", options.lines)
    spans = bench(options, "traces", "--to", f"http://127.0.0.1:{server.wait_for(DOOR)}",
                  "--rate", options.spans, "--layout", options.layout, "--pid", server.process.pid,
                  "--total-from", f"http://127.0.0.1:{server.http_port}/metrics")
    return said(lines), said(spans)


def soak(options, server):
    """Returns what went wrong."""
    pin(server.process.pid, SERVER_CPU)
    before = cpu_seconds(server.process.pid)
    memory = Held(server)
    try:
        lines, spans = load(options, server)
    finally:
        thirds = memory.thirds()
    wait_read(server, lines["lines"])
    time.sleep(1.5)     # the trace thread looks at its books once a second
    ran = cpu_seconds(server.process.pid)
    ran.subtract(before)
    tell(lines, spans, thirds, memory.most, ran)
    return judge(options, server.metrics(), lines, spans) + judge_memory(options, thirds, memory.most)


def tell(lines, spans, thirds, held, ran):
    print(f"{lines['lines']} lines in {lines['seconds']:.1f} s, {lines['lines_per_s'] / 1e6:.2f} M a second; "
          f"{spans['spans']} spans in {spans['requests']} bodies, {spans['spans_per_s']} a second, slowest answer "
          f"{spans['slowest_ms']:.1f} ms\n"
          f"seconds of CPU: {', '.join(f'{name} {seconds:.2f}' for name, seconds in ran.most_common(5))}; "
          f"of the trace thread {ran['traces'] * 1e9 / spans['spans']:.0f} ns a span\n"
          f"memory beside the rollups: first third {thirds[0]:.1f} MiB, last third {thirds[1]:.1f} MiB; resident "
          f"{thirds[2]:.1f} MiB; held by traces {held:.1f} MiB at most")


def judge(options, metrics, lines, spans):
    total = {name: sum(values.values()) for name, values in metrics.items()}
    read, received = total["heeler_lines_received_total"], total["heeler_spans_received_total"]
    ends = metrics["heeler_spans_total"]
    known = sum(ends.values()) + total["heeler_spans_refused_total"]
    print(f"{read:.0f} lines read, dropped by the kernel {total['heeler_datagrams_dropped_by_kernel_total']:.0f}; "
          f"{received:.0f} spans received, {known:.0f} accounted for: {ends}; "
          f"balances {metrics['heeler_ledger_imbalance']}")
    problems = []
    if read != lines["lines"]:
        problems.append("not all lines that were sent were read")
    if spans["refused"] or spans["spans_missing"] or received != spans["spans"]:
        problems.append(f"not all spans were received: {spans}")
    if received != known:
        problems.append("spans are unaccounted")
    if any(metrics["heeler_ledger_imbalance"].values()):
        problems.append("the books do not balance")
    if total["heeler_values_shed_total"]:
        problems.append("values were shed")
    if options.spans and spans["spans_per_s"] < options.spans * 0.99:
        problems.append("the rate of spans was not kept")
    return problems


def judge_memory(options, thirds, held):
    problems = []
    if held > HELD_MAX_MIB:
        problems.append(f"the trace thread held over {HELD_MAX_MIB} MiB")
    if options.seconds >= FLAT_FROM_S and thirds[1] > thirds[0] * 1.05 + 2:
        problems.append("memory grows")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heeler", default="build/heeler")
    parser.add_argument("--bench", default="build/bench/heeler-bench")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--spans", type=int, default=50_000, help="a second")
    parser.add_argument("--lines", type=int, default=1_000_000, help="a second")
    parser.add_argument("--layout", default="v0.4")
    options = parser.parse_args()
    os.sched_setaffinity(0, {SENDERS_CPU})
    intake, server = start(ROOT / "bench/intake.py"), None
    try:
        server = Server(options.heeler, {"dd_url": f"http://127.0.0.1:{intake.stdout.readline().split()[1]}",
                                         "heeler_workers": 1, "apm_config.enabled": "true",
                                         "apm_config.receiver_port": "__random__"})
        problems = soak(options, server)
        if server.stop() != 0:
            problems.append("the server did not stop in order")
    finally:
        if server is not None:
            server.stop()
        end(intake)
    for problem in problems:
        print("     " + problem)
    print("FAIL" if problems else "ok")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
