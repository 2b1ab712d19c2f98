#!/usr/bin/python3
"""The fault matrix: the built program against an intake that fails.

For each fault the intake fails for some seconds under load and is then healthy.
The intake keeps one value per series and second, as the real one does. At the end
the sum of what it took equals what was sent, minus what the ledger lists as
refused, to the unit; and the books of the server balance."""

import argparse
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "model"))
from intake import Handler, Intake, decode_series, decompress  # noqa: E402
from server import Server  # noqa: E402

RATE = 2000             # values a second
OWN = ("heeler.", "datadog.")


class FaultyHandler(Handler):
    """Does what the intake's fault says; otherwise answers as a healthy one."""

    def do_GET(self):
        if self.server.intake.fault_now == "403":
            self.answer(403, {"errors": ["Forbidden"]})
        else:
            super().do_GET()

    def do_POST(self):
        fault = self.server.intake.fault_now
        if fault is None:
            super().do_POST()
            return
        self.server.intake.failed += 1
        if fault == "reset before":
            self.cut()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.partition("?")[0]
        if fault.isdigit():
            self.refuse(int(fault), path, body)
        elif fault == "429 wait":
            self.send_response(429)
            self.send_header("Retry-After", "1")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif fault == "reset after":
            self.server.intake.take(path, self.headers, body)   # accepted, and the answer is lost
            self.cut()
        elif fault == "half an answer":
            self.server.intake.take(path, self.headers, body)
            self.wfile.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n{\"err")
            self.close_connection = True
        elif fault == "hang":
            time.sleep(30)
            self.close_connection = True
        elif fault == "trickle":
            self.trickle()

    def refuse(self, status, path, body):
        intake = self.server.intake
        # Too large is what has many items; the rest passes.
        if status == 413 and len(body) <= intake.largest:
            intake.failed -= 1
            intake.take(path, self.headers, body)
            self.answer(202, {"errors": []})
        else:
            if status == 400:
                intake.note_refused(self.headers, body)
            self.answer(status, {"errors": ["no"]})

    def trickle(self):
        try:
            for byte in b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nX-Slow: ":
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(0.2)
        except OSError:
            pass
        self.close_connection = True

    def cut(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def handle(self):
        try:
            super().handle()
        except (OSError, ValueError):
            pass

    def finish(self):
        try:
            super().finish()
        except (OSError, ValueError):
            pass


class FaultyIntake(Intake):
    def __init__(self, port=0):
        super().__init__(port=port)
        self.server.RequestHandlerClass = FaultyHandler
        self.fault_now = None
        self.failed = 0
        self.largest = 200
        self.refused_points = self.refused_values = 0

    def note_refused(self, headers, body):
        data = decompress(body, headers.get("Content-Encoding", ""), self.violations.append)
        with self.lock:
            for point in decode_series(data, self.violations.append):
                self.refused_points += 1
                if not point.name.startswith(OWN):
                    self.refused_values += point.value * point.scale

    def total(self):
        """Of the counters sent: rates times their interval."""
        with self.lock:
            return round(sum(value * self.intervals[key] for key, value in self.points.items()
                             if not key[0].startswith(OWN)), 6)


class Load:
    """Counters of 50 series, each value 1, at an even pace."""

    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))
        self.sent, self.stopping = 0, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        begin, rounds = time.monotonic(), 0
        while not self.stopping:
            lines = [f"fault.count:1|c|#n:{n}" for n in range(50)]
            self.socket.send("\n".join(lines).encode())
            self.sent += len(lines)
            rounds += 1
            time.sleep(max(0, begin + rounds * 50 / RATE - time.monotonic()))

    def stop(self):
        self.stopping = True
        self.thread.join()
        return self.sent


SETTINGS = {"heeler_interval": 1, "forwarder_backoff_base": 0.1, "forwarder_backoff_max": 1,
            "forwarder_timeout": 1, "forwarder_recovery_reset": "true",
            "heeler_stop_timeout": 10, "serializer_max_series_points_per_payload": 20}
FAULTS = ["400", "403", "404", "408", "413", "429", "429 wait", "500", "502", "503", "504",
          "refused", "reset before", "reset after", "half an answer", "hang", "trickle"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def labelled(metrics, name, part):
    return sum(value for labels, value in metrics.get(name, {}).items() if part in labels)


def settle(server, limit_s=20):
    """Until nothing waits any more."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        metrics = server.metrics()
        if not labelled(metrics, "heeler_queue_points", "intake") and \
                not labelled(metrics, "heeler_spool_points", "intake"):
            return True
        time.sleep(0.05)
    return False


def result(name, problems, server, intake, sent, seconds):
    ledger = server.final_ledger() if server.process.poll() is not None else {}
    print(f"{'ok  ' if not problems else 'FAIL'}  {name:16} sent {sent}, at the intake "
          f"{intake.total():.0f}, requests failed {intake.failed}, twice {len(intake.duplicates)}, "
          f"refused points {ledger.get('refused')}, {seconds:.1f} s")
    for problem in problems:
        print(f"      {problem}")
    if problems:
        print("\n".join("      " + line for line in server.log().splitlines()[-15:]))
    return not problems


def check_books(server, problems):
    ledger = server.final_ledger()
    came = ledger.get("points", -1) + ledger.get("recovered", 0)
    went = sum(ledger.get(key, 0) for key in ("delivered", "delivered_stale", "refused",
                                              "points_shed", "spooled", "local"))
    if came != went:
        problems.append(f"points {came}, on accounts {went}: {ledger}")
    if " imbalance=0/0/0" not in server.log():
        problems.append("the ledger says it is not balanced")


def one_fault(binary, fault, seconds, folder):
    begin = time.monotonic()
    port = free_port()
    intake = FaultyIntake(port).start()
    server = Server(binary, {**SETTINGS, "dd_url": f"http://127.0.0.1:{port}",
                             "forwarder_storage_path": folder, "forwarder_storage_max_disk_ratio": 1,
                             "forwarder_storage_max_size_in_bytes": 64 << 20})
    load = Load(server.udp_port)
    time.sleep(1.5)
    if fault == "refused":
        intake.stop()
    else:
        intake.fault_now = fault
    time.sleep(seconds)
    if fault == "refused":
        healthy = FaultyIntake(port)
        healthy.points, healthy.intervals, healthy.failed = intake.points, intake.intervals, 1
        intake = healthy.start()
    intake.fault_now = None
    time.sleep(2.5)
    sent = load.stop()
    time.sleep(1.5)
    problems = [] if settle(server) else ["something still waits"]
    if server.stop() != 0:
        problems.append("the exit code is not 0")
    ledger = server.final_ledger()
    if not intake.failed:
        problems.append("the fault never came to pass")
    if ledger.get("values") != sent or ledger.get("points_shed"):
        problems.append(f"not all came in, or some were shed: {ledger}")
    missing = sent - intake.total() - round(intake.refused_values)
    if missing or ledger.get("refused") != intake.refused_points:
        problems.append(f"{missing} missing, {ledger.get('refused')} points refused "
                        f"by the ledger, {intake.refused_points} by the intake")
    if (fault == "400") != (intake.refused_points > 0):
        problems.append("only 400 refuses for good")
    if intake.duplicates and fault not in ("reset after", "half an answer"):
        problems.append(f"{len(intake.duplicates)} points came twice")
    problems += intake.violations[:3]
    check_books(server, problems)
    intake.stop()
    return result(fault, problems, server, intake, sent, time.monotonic() - begin)


def outage_with_kill(binary, seconds, folder):
    """Dead intake, kill -9 in the middle, restart: only the open interval is lost."""
    begin = time.monotonic()
    port = free_port()
    settings = {**SETTINGS, "dd_url": f"http://127.0.0.1:{port}", "forwarder_storage_path": folder,
                "forwarder_storage_max_size_in_bytes": 64 << 20,
                "forwarder_storage_max_disk_ratio": 1}
    problems = []
    first = Server(binary, settings)
    load = Load(first.udp_port)
    time.sleep(seconds)
    sent_first = load.stop()
    time.sleep(2.5)                 # the interval is over: all of it is on disk
    if labelled(first.metrics(), "heeler_queue_points", "intake"):
        problems.append("points wait in memory while the intake is dead")
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    second = Server(binary, settings)
    load = Load(second.udp_port)
    time.sleep(seconds)
    intake = FaultyIntake(port).start()
    intake.failed = 1
    time.sleep(2)
    sent = sent_first + load.stop()
    time.sleep(1.5)
    if not settle(second):
        problems.append("something still waits")
    if second.stop() != 0:
        problems.append("the exit code is not 0")
    if intake.total() != sent:
        problems.append(f"{sent - intake.total()} missing")
    if not second.final_ledger().get("recovered"):
        problems.append("nothing was recovered")
    if intake.duplicates:
        problems.append(f"{len(intake.duplicates)} points came twice")
    problems += intake.violations[:3]
    check_books(second, problems)
    intake.stop()
    return result("kill -9", problems, second, intake, sent, time.monotonic() - begin)


def full_disk(binary, seconds, folder):
    """A tmpfs of 64 KiB: what does not fit stays in memory, nothing is lost."""
    if os.geteuid() != 0 or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder],
            stderr=subprocess.DEVNULL, check=False).returncode != 0:
        print("skip  full disk: no tmpfs can be mounted")
        return True
    try:
        return one_fault(binary, "503", seconds, folder)
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heeler", default="build/heeler")
    parser.add_argument("--seconds", type=float, default=3, help="how long each fault lasts")
    parser.add_argument("faults", nargs="*", help="only these")
    options = parser.parse_args()
    checks = {fault: one_fault for fault in FAULTS}
    runs = [(fault, lambda folder, fault=fault: checks[fault](
        options.heeler, fault, options.seconds, folder)) for fault in FAULTS]
    runs += [("kill", lambda folder: outage_with_kill(options.heeler, options.seconds, folder)),
             ("full disk", lambda folder: full_disk(options.heeler, options.seconds, folder))]
    passed = failed = 0
    for name, run in runs:
        if options.faults and name not in options.faults:
            continue
        folder = tempfile.mkdtemp(prefix="heeler-faults-")
        try:
            good = run(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
