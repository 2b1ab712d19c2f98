#!/usr/bin/python3
"""Reloads, flushes, upgrades, stops and a failing intake, mixed at random under load.

Counters come over UDP, unix datagrams and a unix stream while the actions of a seed
follow each other: settings that rename all series, SIGUSR2 once, twice, amid a reload
or a flush, SIGTERM right behind SIGUSR2, an intake that refuses, hangs or does not
know the key. At the end the sum at the intake is what was sent, to the unit; no series
has a second twice; and the books of all processes add up."""

import argparse
import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "model"))
from intake import Handler, Intake  # noqa: E402
from server import LEDGER_NUMBER, Server  # noqa: E402

OWN = ("heeler.", "datadog.")
LINES = "\n".join([f"mixed.count:1|c|#n:{n}" for n in range(20)] +
                  ["mixed.gauge:+1|g", "mixed.set:a|s", "mixed.time:3|ms", "mixed.sketch:4|d"]).encode()
COUNTS = 20     # counters of those lines
VALUES = 24


class MoodyHandler(Handler):
    """Before it takes anything: refuses, or hangs until the client goes away."""

    def moody(self):
        mood = self.server.intake.mood
        if mood == "hangs":
            self.server.intake.cheer.wait(30)
            self.close_connection = True
        elif mood != "takes":
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.answer({"refuses": 503, "forbids": 403}[mood], {"errors": [mood]})
        return mood != "takes"

    def do_GET(self):
        if not self.moody():
            super().do_GET()

    def do_POST(self):
        try:
            if not self.moody():
                super().do_POST()
        except OSError as error:
            if self.server.intake.mood == "takes":
                self.server.intake.violations.append(f"the answer was not waited for: {error}")


class MoodyIntake(Intake):
    def __init__(self):
        super().__init__()
        self.server.RequestHandlerClass = MoodyHandler
        self.mood, self.cheer = "takes", threading.Event()

    def turn(self, mood):
        self.mood = mood
        self.cheer.set()
        self.cheer = threading.Event()


class Load:
    """All three kinds of sockets, in turn; it can pause."""

    def __init__(self, rate):
        self.rate, self.sent, self.go, self.ending = rate, 0, threading.Event(), False
        self.idle = threading.Event()
        self.outputs, self.datagrams = [], 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def connect(self, port, folder):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.connect(("127.0.0.1", port))
        datagram = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        datagram.connect(f"{folder}/datagram")
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream.connect(f"{folder}/stream")
        self.outputs = [udp, datagram, stream]
        self.go.set()

    def pause(self):
        """What was sent is in the sockets; the connections stay."""
        self.go.clear()
        self.idle.wait()

    def close(self):
        for output in self.outputs:
            output.close()
        self.outputs = []

    def run(self):
        frame = struct.pack("<I", len(LINES)) + LINES
        while not self.ending:
            if not self.go.is_set():
                self.idle.set()
                self.go.wait(0.1)
                continue
            self.idle.clear()
            for output in self.outputs[:2]:
                output.send(LINES)
            cut = self.sent % len(frame)
            self.outputs[2].sendall(frame[:cut])
            time.sleep(3 * VALUES / self.rate)
            self.outputs[2].sendall(frame[cut:])
            self.sent += 3


class Mixed:
    """One run: what there is, and the actions."""

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.draw = random.Random(options.seed)
        self.problems, self.done = [], []
        self.logs = []
        self.config = os.path.join(folder, "heeler.yaml")
        self.write_settings()
        shutil.copy(options.heeler, os.path.join(folder, "heeler"))
        self.intake = MoodyIntake().start()
        self.load = Load(options.rate)
        self.start()

    def start(self):
        self.server = Server(os.path.join(self.folder, "heeler"), {
            "dd_url": self.intake.url, "heeler_workers": self.draw.choice((1, 2, 3)),
            "dogstatsd_socket": f"{self.folder}/datagram", "heeler_statsd_gauge_deltas": "true",
            "dogstatsd_stream_socket": f"{self.folder}/stream",
            "forwarder_storage_path": f"{self.folder}/spool",
            "forwarder_storage_max_size_in_bytes": 256 << 20,
            "forwarder_backoff_base": 0.05, "forwarder_backoff_max": 0.2,
            "forwarder_stop_timeout": 1, "heeler_stop_timeout": 3,
            "dogstatsd_expiry_seconds": 3}, config=self.config)
        self.load.connect(self.server.udp_port, self.folder)

    def write_settings(self, wrong=""):
        """Names that were there before come again; the interval only at a restart."""
        pathlib.Path(self.config).write_text(
            f"tags: [generation:{self.draw.randrange(3)}]\n"
            f"heeler_interval: {self.draw.choice((1, 2, 3))}\n"
            f"histogram_copy_to_distribution: {self.draw.choice(('true', 'false'))}\n"
            f"heeler_histogram_exact_values: {self.draw.choice((1, 10, 1000))}\n{wrong}")

    def signal(self, *numbers):
        for number in numbers:
            self.server.process.send_signal(number)
            time.sleep(self.draw.choice((0, 0, 0.003, 0.01, 0.02, 0.04)))

    def post(self, path):
        request = urllib.request.Request(f"http://127.0.0.1:{self.server.http_port}{path}",
                                         method="POST", data=b"")
        try:
            urllib.request.urlopen(request, timeout=10).close()
        except OSError:         # refused, or the process was replaced amid it
            pass

    def post_aside(self, path):
        thread = threading.Thread(target=self.post, args=(path,), daemon=True)
        thread.start()

    # ---- the actions

    def reload(self):
        self.write_settings()
        self.signal(signal.SIGHUP)

    def reload_wrong(self):
        self.write_settings("log_level: loud\n")
        self.post("/reload")
        self.write_settings()

    def upgrade(self):
        self.signal(signal.SIGUSR2)

    def upgrade_twice(self):
        self.signal(signal.SIGUSR2, signal.SIGUSR2)

    def upgrade_amid_reload(self):
        self.write_settings()
        self.signal(*self.draw.choice(((signal.SIGHUP, signal.SIGUSR2), (signal.SIGUSR2, signal.SIGHUP),
                                       (signal.SIGHUP, signal.SIGUSR2, signal.SIGHUP))))

    def upgrade_amid_flush(self):
        self.post_aside("/flush")
        self.signal(signal.SIGUSR2)
        self.post_aside("/flush")

    def flush(self):
        self.post_aside("/flush")

    def mood(self):
        self.intake.turn(self.draw.choice(("takes", "takes", "refuses", "hangs", "forbids")))

    def restart(self):
        """The end may come while the program is replaced."""
        self.load.pause()
        self.load.close()
        self.signal(*self.draw.choice(((signal.SIGTERM,), (signal.SIGUSR2, signal.SIGTERM),
                                       (signal.SIGHUP, signal.SIGUSR2, signal.SIGTERM))))
        self.end()
        time.sleep(2)       # no process starts in a second that the last one has used
        self.start()

    def end(self):
        try:
            status = self.server.process.wait(30)
        except Exception:
            self.problems.append("SIGTERM did not end it")
            self.server.process.kill()
            status = self.server.process.wait()
        if status != 0:
            self.problems.append(f"the exit code is {status}")
        self.logs.append(self.server.log())

    def run(self):
        actions = [self.reload, self.reload_wrong, self.upgrade, self.upgrade, self.upgrade_twice,
                   self.upgrade_amid_reload, self.upgrade_amid_reload, self.upgrade_amid_flush,
                   self.flush, self.mood, self.mood, self.mood, self.restart]
        until = time.monotonic() + self.options.seconds
        while time.monotonic() < until and not self.problems:
            action = self.draw.choice(actions)
            self.done.append(action.__name__)
            try:
                action()
            except Exception as error:
                self.problems.append(f"{action.__name__}: {error}")
                return
            time.sleep(self.draw.choice((0, 0.01, 0.05, 0.2, 0.6)))
        self.intake.turn("takes")
        time.sleep(4)
        self.load.pause()
        self.load.close()
        self.signal(signal.SIGTERM)
        self.end()

    # ---- the books

    def arrived(self, name):
        with self.intake.lock:
            return round(sum(value * self.intake.intervals[key]
                             for key, value in self.intake.points.items() if key[0] == name))

    def check(self):
        log = "\n".join(self.logs)
        ledgers = [dict((key, int(number)) for key, number in LEDGER_NUMBER.findall(line))
                   for line in log.splitlines() if "final ledger" in line]
        sums = {key: sum(ledger.get(key, 0) for ledger in ledgers)
                for key in ("datagrams", "values", "kernel_drops", "gate", "shed", "points_shed",
                            "refused", "handed_over", "taken_over")}
        sent = self.load.sent
        if sums["datagrams"] != sent:
            self.problems.append(f"datagrams sent {sent}, read {sums['datagrams']}")
        for name, number in (("mixed.count", COUNTS), ("mixed.time.count", 1)):
            if self.arrived(name) != sent * number:
                self.problems.append(f"{name}: sent {sent * number}, arrived {self.arrived(name)}")
        if self.intake.duplicates:
            self.problems.append(f"{len(self.intake.duplicates)} points twice: {self.intake.duplicates[:2]}")
        if sums["handed_over"] != sums["taken_over"]:
            self.problems.append("what was handed over is not what was taken over")
        for key in ("kernel_drops", "gate", "shed", "points_shed", "refused"):
            if sums[key]:
                self.problems.append(f"{key}={sums[key]}")
        self.problems += [line for line in log.splitlines()
                          if "final ledger" in line and "imbalance=0/0/0" not in line][:2]
        self.problems += self.intake.violations[:3]
        return ledgers, sums


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heeler", default="build/heeler")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=int, default=20000, help="values a second")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="heeler-mixed-")
    mixed = Mixed(options, folder)
    try:
        mixed.run()
    finally:
        mixed.load.ending = True
        if mixed.server.process.poll() is None:
            mixed.server.process.kill()
    ledgers, sums = mixed.check()
    print(f"{'FAIL' if mixed.problems else 'ok'}: seed {options.seed}: {len(mixed.done)} actions, "
          f"{len(ledgers)} processes, {mixed.load.sent * VALUES} values sent; {sums}")
    for problem in mixed.problems:
        print(f"  {problem}")
    if mixed.problems:
        print("  " + " ".join(mixed.done))
        pathlib.Path(f"{tempfile.gettempdir()}/heeler-mixed-{options.seed}.log").write_text(
            "\n".join(mixed.logs) or mixed.server.log())
    mixed.intake.stop()
    shutil.rmtree(folder, ignore_errors=True)
    sys.exit(bool(mixed.problems))


if __name__ == "__main__":
    main()
