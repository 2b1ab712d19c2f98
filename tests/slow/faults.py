#!/usr/bin/python3
"""The fault matrix: the built program against an intake that fails.

For each fault the intake fails for some seconds under load and is then healthy.
The intake keeps one value per series and second, as the real one does. At the end
the sum of what it took equals what was sent, minus what the ledger lists as
refused, to the unit; and the books of the server balance."""

import argparse
import os
import random
import pathlib
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "model")]
import names  # noqa: E402
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
        if self.connection in self.server.intake.impostors:
            self.server.intake.fault(self.path, "sent to whom the certificate does not name")
        if fault is None or fault in TLS_FAULTS:
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
        self.impostors = set()
        self.failed = 0
        self.largest = 200
        self.refused_points = self.refused_values = 0

    def begin(self, fault):
        self.fault_now = fault

    def end(self):
        self.fault_now = None

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


def make_certificate(folder, name, host, signed_by=None):
    """name.pem with key and certificate for host, self-signed or signed by another."""
    path = os.path.join(folder, name + ".pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes", "-days", "2", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}",
               "-keyout", path + ".key", "-out", path + ".crt"]
    if signed_by is not None:
        command += ["-CA", signed_by + ".crt", "-CAkey", signed_by + ".key",
                    "-addext", "basicConstraints=critical,CA:FALSE"]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return path


class TlsIntake(FaultyIntake):
    """Speaks TLS as localhost; under a fault with another certificate, or no TLS."""

    def __init__(self, port, folder):
        super().__init__(port)
        authority = make_certificate(folder, "authority", "test authority")
        paths = {None: make_certificate(folder, "good", "localhost", authority),
                 "self-signed": make_certificate(folder, "self-signed", "localhost"),
                 "other host": make_certificate(folder, "other", "other.test", authority)}
        self.authority, self.contexts, self.open = authority + ".crt", {}, set()
        for fault, path in paths.items():
            self.contexts[fault] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.contexts[fault].load_cert_chain(path + ".crt", path + ".key")
        self.server.finish_request = self.shake_hands

    def begin(self, fault):
        super().begin(fault)
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def shake_hands(self, raw, address):
        fault = self.fault_now
        self.failed += fault is not None
        try:
            if fault not in self.contexts:
                raw.recv(2000)
                raw.sendall(os.urandom(400) if fault == "garbage for TLS" else
                            b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                return
            connection = self.contexts[fault].wrap_socket(raw, server_side=True)
        except OSError:
            return
        self.open.add(connection)
        if fault is not None:
            self.impostors.add(connection)
        FaultyHandler(connection, address, self.server)
        self.open.discard(connection)
        connection.close()


class NamedIntake(FaultyIntake):
    """Healthy, but for its name."""

    def __init__(self, port):
        super().__init__(port)
        self.names = names.NameServer()

    def begin(self, fault):
        self.names.mode = fault

    def end(self):
        self.names.mode = "answer"
        self.failed = self.names.asked


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
TLS_FAULTS = ["plain for TLS", "garbage for TLS", "self-signed", "other host"]
NAME_FAULTS = ["no such name", "silent"]


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


def settings_for(url, folder):
    return {**SETTINGS, "dd_url": url, "forwarder_storage_path": folder,
            "forwarder_storage_max_disk_ratio": 1, "forwarder_storage_max_size_in_bytes": 64 << 20}


def open_intake(fault, port, folder):
    """The intake, and what the server has to be told."""
    if fault in TLS_FAULTS:
        intake = TlsIntake(port, folder)
        return intake, {**settings_for(f"https://localhost:{port}", folder),
                        "heeler_ca_file": intake.authority}
    if fault in NAME_FAULTS:
        intake = NamedIntake(port)
        intake.begin(fault)     # from the start: a name that was found is remembered
        return intake, settings_for(f"http://intake.test:{port}", folder)
    return FaultyIntake(port), settings_for(f"http://127.0.0.1:{port}", folder)


def one_fault(binary, fault, seconds, folder, name=None):
    begin = time.monotonic()
    port = free_port()
    intake, settings = open_intake(fault, port, folder)
    intake.start()
    server = Server(binary, settings)
    load = Load(server.udp_port)
    time.sleep(1.5)
    if fault == "refused":
        intake.stop()
    else:
        intake.begin(fault)
    time.sleep(seconds)
    if fault == "refused":
        healthy = FaultyIntake(port)
        healthy.points, healthy.intervals, healthy.failed = intake.points, intake.intervals, 1
        intake = healthy.start()
    intake.end()
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
    if (name == "full disk") != ("the disk is full" in server.log()):
        problems.append("only a full disk is said to be full")
    intake.stop()
    return result(name or fault, problems, server, intake, sent, time.monotonic() - begin)


def until_on_disk(server, problems):
    """The last interval is over, and all of it on disk."""
    time.sleep(2.5)
    deadline = time.monotonic() + 5
    while labelled(server.metrics(), "heeler_queue_points", "intake"):
        if time.monotonic() > deadline:
            problems.append("points wait only in memory while the intake is dead")
            return
        time.sleep(0.05)


def kill(server):
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()


class Spooled:
    """What files of the spool hold: read before they are harmed."""

    def __init__(self):
        self.files = self.points = self.values = 0

    def add(self, path):
        body = path.read_bytes()
        self.files += 1
        self.points += struct.unpack_from("<I", body, 16)[0]
        data = decompress(body[64:], "zstd", print)
        self.values += round(sum(point.value * point.scale for point in decode_series(data, print)
                                 if not point.name.startswith(OWN)))


def heal_and_judge(name, server, intake, sent, lost, begin, problems):
    """lost: what cannot come; its points are on the account of shed or of nobody."""
    intake.failed = 1
    if not settle(server):
        problems.append("something still waits")
    damaged = labelled(server.metrics(), "heeler_spool_files_damaged_total", "intake")
    if server.stop() != 0:
        problems.append("the exit code is not 0")
    if intake.total() != sent - lost.values:
        problems.append(f"{sent - lost.values - intake.total()} missing beyond {lost.values} lost")
    shed = server.final_ledger().get("points_shed")
    if shed != lost.points:
        problems.append(f"{shed} points counted as shed, {lost.points} were")
    if intake.duplicates:
        problems.append(f"{len(intake.duplicates)} points came twice")
    problems += intake.violations[:3]
    check_books(server, problems)
    intake.stop()
    good = result(name, problems, server, intake, sent, time.monotonic() - begin)
    if lost.files or damaged:
        print(f"      lost on purpose: {lost.points} points ({lost.values} values) in {lost.files} "
              f"files, and {damaged:.0f} files found damaged at the start")
    return good


def outage_with_kill(binary, fault, seconds, folder):
    """Dead intake, kill -9 in the middle, restart: only the open interval is lost."""
    begin = time.monotonic()
    port = free_port()
    # No time-out that would tell the server before the kill.
    settings = {**settings_for(f"http://127.0.0.1:{port}", folder), "forwarder_timeout": 60}
    problems = []
    if fault == "hang":
        dead = FaultyIntake(port)
        dead.fault_now = "hang"
        dead.start()
    first = Server(binary, settings)
    load = Load(first.udp_port)
    time.sleep(seconds)
    sent_first = load.stop()
    until_on_disk(first, problems)
    kill(first)
    if fault == "hang":
        dead.stop()
    second = Server(binary, settings)
    load = Load(second.udp_port)
    time.sleep(seconds)
    intake = FaultyIntake(port).start()
    time.sleep(2)
    sent = sent_first + load.stop()
    time.sleep(1.5)
    if not labelled(second.metrics(), "heeler_points_recovered_total", "intake"):
        problems.append("nothing was recovered")
    return heal_and_judge(f"kill -9, {fault}", second, intake, sent, Spooled(), begin, problems)


def spool_files(folder):
    return sorted(pathlib.Path(folder).glob("*/*.payload"))


def delete_folder(folder, lost):
    """In one step, as far as the server can see; read at leisure; gone."""
    for sink in list(pathlib.Path(folder).iterdir()):
        away = sink.with_name("away-" + sink.name)
        sink.rename(away)
        for path in away.glob("*.payload"):
            lost.add(path)
        shutil.rmtree(away)


def damage_bodies(folder, lost):
    """Every other file: random bytes behind its header, or cut off."""
    for at, path in enumerate(spool_files(folder)[::2]):
        lost.add(path)
        size = path.stat().st_size
        with open(path, "r+b") as file:
            if at % 2:
                file.truncate(random.randrange(size))
            else:
                file.seek(64)
                file.write(os.urandom(size - 64))


def damage_whole_files(folder, lost):
    """Every other file is random bytes; and there are some that never were ours."""
    for path in spool_files(folder)[::2]:
        lost.add(path)
        path.write_bytes(os.urandom(random.choice([0, 1, 63, 64, path.stat().st_size])))
    lost.points = 0             # nobody can know them: they are counted as files
    for sink in pathlib.Path(folder).iterdir():
        (sink / "unfinished").write_bytes(os.urandom(100))
        (sink / "readme").write_bytes(b"not ours")
        (sink / "000000000000000-zz.payload").write_bytes(os.urandom(1000))
        (sink / "000001700000000-0000000000000001.payload").symlink_to("/etc/passwd")


def harmed_spool(binary, name, harm, restarts, seconds, folder):
    """Dead intake; the spool is harmed, running or between two runs; the rest goes on."""
    begin = time.monotonic()
    port = free_port()
    settings = settings_for(f"http://127.0.0.1:{port}", folder)
    problems, lost = [], Spooled()
    server = Server(binary, settings)
    load = Load(server.udp_port)
    time.sleep(seconds)
    sent = load.stop()
    until_on_disk(server, problems)
    if restarts:
        kill(server)
    harm(folder, lost)
    if not lost.files:
        problems.append("nothing was harmed")
    if restarts:
        server = Server(binary, settings)
    load = Load(server.udp_port)
    time.sleep(seconds)
    intake = FaultyIntake(port).start()
    time.sleep(2)
    sent += load.stop()
    time.sleep(1.5)
    return heal_and_judge(name, server, intake, sent, lost, begin, problems)


def in_private_network(name, options):
    code = names.run_again([str(HERE), "--heeler", options.heeler, "--seconds",
                            str(options.seconds), "--quiet", name])
    if code is None:
        print(f"skip  {name}: no network and mount namespace can be made")
    return not code


def full_disk(binary, seconds, folder):
    """A tmpfs of 16 KiB: what does not fit stays in memory, nothing is lost."""
    if os.geteuid() != 0 or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", folder],
            stderr=subprocess.DEVNULL, check=False).returncode != 0:
        print("skip  full disk: no tmpfs can be mounted")
        return True
    try:
        return one_fault(binary, "503", seconds, folder, "full disk")
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heeler", default="build/heeler")
    parser.add_argument("--seconds", type=float, default=3, help="how long each fault lasts")
    parser.add_argument("--quiet", action="store_true", help="no sum at the end")
    parser.add_argument("faults", nargs="*", help="only these")
    options = parser.parse_args()
    binary, seconds = options.heeler, options.seconds
    runs = [(fault, lambda folder, fault=fault: one_fault(binary, fault, seconds, folder))
            for fault in FAULTS + TLS_FAULTS]
    runs += [(fault, lambda folder, fault=fault: one_fault(binary, fault, seconds, folder)
              if names.IS_PRIVATE else in_private_network(fault, options)) for fault in NAME_FAULTS]
    runs += [("kill", lambda folder: outage_with_kill(binary, "refused", seconds, folder)),
             ("kill hang", lambda folder: outage_with_kill(binary, "hang", seconds, folder)),
             ("full disk", lambda folder: full_disk(binary, seconds, folder))]
    runs += [(name, lambda folder, row=(name, harm, restarts): harmed_spool(binary, *row, seconds, folder))
             for name, harm, restarts in [("deleted folder", delete_folder, False),
                                          ("damaged files", damage_bodies, False),
                                          ("random files", damage_whole_files, True)]]
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
    if not options.quiet:
        print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
