#!/usr/bin/python3
"""200 upgrades in place (SIGUSR2) under load over UDP, unix datagram and unix stream.

Now and then the program's file is replaced by another one. At the end the sum at the
intake equals what was sent, to the unit; no point came twice; every stamp is the start
of an interval, so no interval was split; the kernel dropped nothing. The pauses that
the processes tell are printed."""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "model"))
from intake import Intake  # noqa: E402
from server import LEDGER_NUMBER, Server  # noqa: E402

INTERVAL = 2
OWN = ("heeler.", "datadog.")
PAUSE = re.compile(r"worker \d+: reads again, the pause was ([\d.]+) ms")


class Stream:
    """One connection all the time, its frames cut anywhere."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.sent, self.stopping = 0, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        text = "\n".join(f"upgrade.stream:1|c|#n:{n}" for n in range(20)).encode()
        frame = struct.pack("<I", len(text)) + text
        while not self.stopping:
            cut = self.sent % len(frame)
            self.socket.sendall(frame[:cut])
            time.sleep(0.005)
            self.socket.sendall(frame[cut:])
            self.sent += 20

    def stop(self):
        self.stopping = True
        self.thread.join()
        self.socket.close()
        return self.sent


class Load:
    """The load generator, until it is stopped by the end of its seconds."""

    def __init__(self, bench, to, rate, seconds):
        self.process = subprocess.Popen(
            [bench, "send", "--to", to, "--rate", str(rate), "--seconds", str(seconds)],
            stdout=subprocess.PIPE, text=True)

    def wait(self):
        return json.loads(self.process.communicate()[0])


def total(intake):
    with intake.lock:
        return round(sum(value * intake.intervals[key] for key, value in intake.points.items()
                         if not key[0].startswith(OWN)))


def replace(binary, folder):
    """Another file under the same name, as a package manager does it."""
    new = os.path.join(folder, "new")
    shutil.copy(binary, new)
    os.rename(new, os.path.join(folder, "heeler"))


def upgrade(server, number, limit_s=20):
    server.process.send_signal(signal.SIGUSR2)
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        pauses = PAUSE.findall(server.log())
        if len(pauses) >= number:
            return True
        time.sleep(0.01)
    return False


def check(server, intake, sent, problems):
    if total(intake) != sent:
        problems.append(f"sent {sent}, at the intake {total(intake)}")
    if intake.duplicates:
        problems.append(f"{len(intake.duplicates)} points came twice: {intake.duplicates[:2]}")
    stamps = {key[-1] for key in intake.points if not key[0].startswith(OWN)}
    split = sorted(stamp for stamp in stamps if stamp % INTERVAL)[1:]   # the first start
    if split:
        problems.append(f"intervals were split: {split[:5]}")
    problems += intake.violations[:3]
    ledgers = [line for line in server.log().splitlines() if "final ledger" in line]
    for line in ledgers:
        numbers = dict(LEDGER_NUMBER.findall(line))
        if numbers["kernel_drops"] != "0" or numbers["shed"] != "0" or \
                "imbalance=0/0/0" not in line:
            problems.append(line)
    handed = sum(int(dict(LEDGER_NUMBER.findall(line))["handed_over"]) for line in ledgers)
    taken = sum(int(dict(LEDGER_NUMBER.findall(line))["taken_over"]) for line in ledgers)
    if handed != taken:
        problems.append(f"values handed over {handed}, taken over {taken}")
    for word in ("ERROR", "refused", "late"):
        lines = [line for line in server.log().splitlines() if f" {word} " in line]
        problems += lines[:2]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heeler", default="build/heeler")
    parser.add_argument("--bench", default="build/bench/heeler-bench")
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--every", type=float, default=0.25, help="seconds between two upgrades")
    parser.add_argument("--rate", type=int, default=100000, help="lines a second, of both sockets")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="heeler-upgrade-")
    replace(options.heeler, folder)
    intake = Intake().start()
    server = Server(os.path.join(folder, "heeler"), {
        "dd_url": intake.url, "heeler_interval": INTERVAL, "heeler_workers": options.workers,
        "dogstatsd_socket": os.path.join(folder, "dgram"),
        "dogstatsd_stream_socket": os.path.join(folder, "stream")})
    seconds = options.times * options.every + 1
    loads = [Load(options.bench, f"udp:127.0.0.1:{server.udp_port}", options.rate * 6 // 10, seconds),
             Load(options.bench, f"unix:{folder}/dgram", options.rate * 4 // 10, seconds)]
    stream = Stream(os.path.join(folder, "stream"))
    problems, begin, done = [], time.monotonic(), 0
    for number in range(1, options.times + 1):
        time.sleep(max(0, begin + number * options.every - time.monotonic()))
        if number % 10 == 0:
            replace(options.heeler, folder)
        if not upgrade(server, number * options.workers):
            problems.append(f"upgrade {number} did not come to its end")
            break
        done = number
    results = [load.wait() for load in loads]
    sent = stream.stop() + sum(result["lines"] for result in results)
    time.sleep(0.5)
    status = server.stop()
    if status != 0:
        problems.append(f"the exit code is {status}")
    check(server, intake, sent, problems)
    intake.stop()
    pauses = [float(pause) for pause in PAUSE.findall(server.log())]
    rate = sum(result["lines"] / result["seconds"] for result in results)
    print(f"{'FAIL' if problems else 'ok'}: {done} upgrades, {sent} lines at {rate:.0f} a second, "
          f"{total(intake)} at the intake; pause median {statistics.median(pauses):.1f} ms, "
          f"worst {max(pauses):.1f} ms")
    for problem in problems:
        print(f"  {problem}")
    if problems:
        print("\n".join("  " + line for line in server.log().splitlines()[-20:]))
    shutil.rmtree(folder, ignore_errors=True)
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
