#!/usr/bin/python3
"""Many who look on beside an even load: three pages, three readers of its lines, of which one has
stopped reading, and eight who ask one question after the other (bench/table/watchers.py).

/live is asked all the time and must answer; every line sent is read, and the
balances are 0; main's longest turn is at most 20 ms; memory is flat: the last third of the run needs
no more than the first, beyond what the rollups, which fill for hours, say that they have. The
server, the load, the intake and those who look on share the CPUs of the machine; a turn of main
has the time in it that others took."""

import argparse
import http.client
import json
import pathlib
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "model"))
from server import Server  # noqa: E402

CROWD = ("page=3", "tail=2", "stopped=1", "asker=8")
LOOKS_APART_S = 1
FLAT_FROM_S = 60        # a shorter run says nothing of memory
MIB = 1 << 20


class Live:
    """Asks /live on each port ten times a second, over a new connection."""

    def __init__(self, ports):
        self.took_ms, self.bad, self.ending = [], [], threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(port,)) for port in ports]
        for thread in self.threads:
            thread.start()

    def run(self, port):
        while not self.ending.wait(0.1):
            begin = time.monotonic()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            try:
                connection.request("GET", "/live")
                status = connection.getresponse().status
                if status != 200:
                    self.bad.append(f"status {status}")
            except (OSError, http.client.HTTPException) as error:
                self.bad.append(f"{type(error).__name__}: {error}")
            finally:
                connection.close()
            self.took_ms.append((time.monotonic() - begin) * 1000)

    def end(self):
        self.ending.set()
        for thread in self.threads:
            thread.join()
        return sorted(self.took_ms)


class Memory:
    """MiB resident beside the rollups, once a second."""

    def __init__(self, server):
        self.server, self.looks, self.ending = server, [], threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.ending.wait(LOOKS_APART_S):
            try:
                metrics = self.server.metrics()
            except OSError:
                continue    # /live tells
            self.looks.append((metrics["process_resident_memory_bytes"][""] / MIB,
                               metrics["heeler_rollup_bytes"][""] / MIB))

    def thirds(self):
        """(mean of the first third, of the last third) beside the rollups, and resident at last"""
        self.ending.set()
        self.thread.join()
        third = max(1, len(self.looks) // 3)
        beside = [resident - rollups for resident, rollups in self.looks]
        return statistics.mean(beside[:third]), statistics.mean(beside[-third:]), self.looks[-1][0]


def start(*command):
    return subprocess.Popen([sys.executable, *map(str, command)], stdout=subprocess.PIPE, text=True)


def end(process):
    """What it said at its end."""
    process.terminate()
    return process.communicate()[0]


def load(options, server, seconds):
    done = subprocess.run([options.bench, "send", "--to", f"udp:127.0.0.1:{server.udp_port}",
                           "--profile", "tagged", "--contexts", str(options.series),
                           "--rate", str(options.rate), "--lines", str(options.rate * seconds)],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["lines"]


def flush(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=10)
    connection.request("POST", "/flush")    # urllib would send it as a form
    assert connection.getresponse().status == 200
    connection.close()


def waited_for_cpu_s(pid):
    """How long the first thread could have run and another did."""
    return int(pathlib.Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[1]) / 1e9


def wait_read(server, sent):
    """What waits in the socket is read."""
    deadline = time.monotonic() + 10
    while server.total("heeler_lines_received_total") < sent and time.monotonic() < deadline:
        time.sleep(0.05)


def watch(options, server):
    """Returns what went wrong."""
    sent = load(options, server, 1)
    flush(server)   # there is something to look at
    crowd = start(ROOT / "bench/table/watchers.py", f"127.0.0.1:{server.http_port}", *CROWD)
    live, memory = Live([server.http_port]), Memory(server)
    try:
        sent += load(options, server, options.seconds)
    finally:
        thirds, took_ms = memory.thirds(), live.end()
        had = json.loads(end(crowd))
    wait_read(server, sent)
    return judge(options, server.metrics(), sent, thirds, (took_ms, live.bad), had,
                 waited_for_cpu_s(server.process.pid))


def judge(options, metrics, sent, thirds, live, had, waited_s):
    total = {name: sum(values.values()) for name, values in metrics.items()}
    read = total["heeler_lines_received_total"]
    turn_ms, cpu_ms = (total[f"heeler_main_turn_longest_{of}microseconds"] / 1000 for of in ("", "cpu_"))
    balances = list(metrics["heeler_ledger_imbalance"].values())
    (first, last, resident), (took_ms, bad) = thirds, live
    print(f"{sent} lines sent, {read:.0f} read; balances {balances}; dropped by the kernel "
          f"{total['heeler_datagrams_dropped_by_kernel_total']:.0f}\n"
          f"/live {len(took_ms)} times: median {statistics.median(took_ms):.1f} ms, slowest {took_ms[-1]:.1f} ms\n"
          f"main's longest turn {turn_ms:.1f} ms, the most CPU time of one {cpu_ms:.1f} ms; main waited "
          f"{waited_s:.2f} s in all for a CPU\n"
          f"memory beside the rollups: first third {first:.1f} MiB, last third {last:.1f} MiB; resident {resident:.1f} MiB")
    for kind, count in had.items():
        print(f"{kind}: {dict(count)}")
    problems = [f"/live: {why}" for why in bad[:3]]
    if read != sent:
        problems.append("not all that was sent was read")
    if any(balances) or len(balances) != 3:
        problems.append("the books do not balance")
    if took_ms[-1] > options.live_ms:
        problems.append(f"/live took over {options.live_ms} ms")
    if turn_ms > options.turn_ms:
        problems.append(f"a turn of main took over {options.turn_ms} ms"
                        + ("" if cpu_ms > options.turn_ms else ", most of which others had the CPU"))
    if options.seconds >= FLAT_FROM_S and last > first * 1.05 + 2:
        problems.append("memory grows")
    for kind, count in had.items():
        refused = {what: times for what, times in count.items()
                   if what not in ("bytes", "answers", "opened", "slowest_ms")}
        if refused or count.get("bytes", 0) == 0:
            problems.append(f"{kind}: {refused or 'it got nothing'}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heeler", default="build/heeler")
    parser.add_argument("--bench", default="build/bench/heeler-bench")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--rate", type=int, default=100_000)
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--live-ms", type=float, default=1000, help="what a prober waits by default")
    parser.add_argument("--turn-ms", type=float, default=20)
    options = parser.parse_args()
    intake = start(ROOT / "bench/intake.py")
    server = None
    try:
        server = Server(options.heeler, {"dd_url": f"http://127.0.0.1:{intake.stdout.readline().split()[1]}"})
        problems = watch(options, server)
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
