#!/usr/bin/python3
"""200 stops (SIGTERM) at random moments under load.

Each server is told to end while a sender sends and goes on sending. Of every datagram
the books say what became of it: sent = read + dropped by the kernel + refused at the
gate, to the datagram; and what was read is at the intake, to the unit."""

import argparse
import pathlib
import random
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "model"))
from intake import Handler, Intake  # noqa: E402
from server import Server  # noqa: E402

OWN = ("heeler.", "datadog.")


class WaitingHandler(Handler):
    """Answers when nobody sends any more, so that the sockets stay open until then: what
    comes to a closed one, no server can count."""

    def do_POST(self):
        self.server.intake.go_on.wait(20)
        try:
            super().do_POST()
        except OSError as error:
            self.server.intake.violations.append(f"the answer was not waited for: {error}")


class Flood:
    """Datagrams of one value each, as fast as it goes; those that the kernel took."""

    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))
        self.sent, self.stopping = 0, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        lines = [f"stop.count:1|c|#n:{n}".encode() for n in range(20)]
        while not self.stopping:
            for line in lines:
                try:
                    self.socket.send(line)
                    self.sent += 1
                except ConnectionRefusedError:
                    pass
            time.sleep(0.0002)

    def stop(self):
        self.stopping = True
        self.thread.join()
        self.socket.close()
        return self.sent


def once(binary, workers, moment_s):
    problems = []
    intake = Intake()
    intake.server.RequestHandlerClass = WaitingHandler
    intake.go_on = threading.Event()
    intake.start()
    server = Server(binary, {"dd_url": intake.url, "heeler_interval": 1,
                             "heeler_workers": workers, "heeler_stop_timeout": 15,
                             "forwarder_apikey_validation_interval": 0})
    load = Flood(server.udp_port)
    time.sleep(moment_s)
    server.process.send_signal(signal.SIGTERM)
    while "stopping" not in server.log():
        time.sleep(0.001)
    time.sleep(0.02)
    sent = load.stop()
    intake.go_on.set()
    status = server.process.wait(30)        # a second signal would end it at once
    ledger = server.final_ledger()
    if status != 0:
        problems.append(f"the exit code is {status}")
    counted = sum(ledger.get(key, 0) for key in ("datagrams", "kernel_drops", "gate"))
    if counted != sent:
        problems.append(f"sent {sent}, on accounts {counted}: {ledger}")
    arrived = round(sum(value * intake.intervals[key] for key, value in intake.points.items()
                        if not key[0].startswith(OWN)))
    if arrived != ledger.get("datagrams"):
        problems.append(f"read {ledger.get('datagrams')}, at the intake {arrived}")
    if " imbalance=0/0/0" not in server.log():
        problems.append("the ledger says it is not balanced")
    if intake.duplicates:
        problems.append(f"{len(intake.duplicates)} points came twice")
    problems += intake.violations[:3]
    intake.stop()
    return problems, sent, ledger.get("gate", 0), server


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heeler", default="build/heeler")
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    failed = total = gated = 0
    for number in range(options.times):
        moment_s = draw.uniform(0, 0.3) if number % 10 else draw.uniform(0.8, 1.3)
        problems, sent, gate, server = once(options.heeler, draw.choice((1, 2)), moment_s)
        total, gated = total + sent, gated + gate
        if not problems:
            continue
        failed += 1
        print(f"FAIL stop {number}, after {moment_s:.3f} s")
        print("\n".join("  " + line for line in problems + server.log().splitlines()[-5:]))
    print(f"{options.times - failed} stops well, {failed} not; {total} datagrams sent, "
          f"{gated} counted at the gate")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
