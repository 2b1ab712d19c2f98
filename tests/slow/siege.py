#!/usr/bin/python3
"""What an operator or a client can do to a server without meaning well, each beside an
even load of UDP datagrams: connections that send a byte a second to both HTTP ports, a
log that nobody reads, a console that nobody reads, 40 descriptors.

/live is asked all the time on both ports and must answer, healthy; every datagram sent is
read and is at the intake, to the unit; the balances are 0; SIGTERM ends the server. How long
/live and the stop may take is judged in the long form alone, of half a minute or more: it is
for a machine that does nothing else."""

import argparse
import fcntl
import http.client
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from steady import free_port

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "model"))
from intake import Intake  # noqa: E402

STOP_TIMEOUT_S = 5
JUDGED_S = 30       # so long a load, and the times are judged
PATIENCE_S = 60
F_SETPIPE_SZ = 1031

# Nobody connects between the connection of one who asks and his question: a server without a free
# place ends the connection that has been silent for longest, and that would be his.
connecting = threading.Lock()


def ask(port, path):
    """The body of a good answer, and how many milliseconds it took."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        with connecting:
            begin = time.monotonic()
            connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise OSError(f"status {answer.status}")
        return body, (time.monotonic() - begin) * 1000
    except http.client.HTTPException as error:
        raise OSError(error) from error
    finally:
        connection.close()


def stuck_pipe():
    """(what stays here, what the server writes to): nobody reads it, and it is small."""
    kept, given = os.pipe()
    fcntl.fcntl(given, F_SETPIPE_SZ, 4096)
    return kept, given


class Server:
    def __init__(self, binary, settings, stdout, stderr, descriptors=None):
        self.udp, self.http, self.health = free_port(), free_port(), free_port()
        settings = {"api_key": "k", "dogstatsd_port": self.udp, "dogstatsd_socket": "",
                    "heeler_http_listen": f"127.0.0.1:{self.http}",
                    "health_port": self.health, "heeler_interval": 1,
                    "dogstatsd_so_rcvbuf": 64 << 20, "heeler_stop_timeout": STOP_TIMEOUT_S,
                    **settings}
        command = [binary, "run"]
        for key, value in settings.items():
            command += ["--set", f"{key}={value}"]

        def limit():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout,
                                        stderr=stderr, preexec_fn=limit)

    def metrics(self):
        lines = ask(self.http, "/metrics")[0].decode().splitlines()
        return {name: float(value) for name, value in
                (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}

    def wait_received(self, lines):
        """The metrics, as soon as so many lines were read."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            metrics = self.metrics()
            if lines_of(metrics) >= lines or time.monotonic() > deadline:
                return metrics
            time.sleep(0.1)

    def wait_ready(self):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                return self.metrics()
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("the server does not start")


def lines_of(metrics):
    return int(sum(value for key, value in metrics.items()
                   if key.startswith("heeler_lines_received_total")))


class Probe:
    """Asks /live on both ports, ten times a second; the slowest answer, and each bad one."""

    def __init__(self, ports):
        self.slowest_ms, self.asked, self.bad, self.stopping = 0, 0, [], False
        self.threads = [threading.Thread(target=self.run, args=(port,)) for port in ports]
        for thread in self.threads:
            thread.start()

    def run(self, port):
        while not self.stopping:
            try:
                self.slowest_ms = max(self.slowest_ms, ask(port, "/live")[1])
            except OSError as error:
                self.bad.append(f"/live: {error}")
            self.asked += 1
            time.sleep(0.1)

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join()


class Clients:
    """Connections that are kept: opened anew when closed, each fed a byte a second."""

    def __init__(self, addresses, first_bytes):
        self.addresses, self.first_bytes, self.opened = addresses, first_bytes, 0
        self.open = [None] * len(addresses)
        self.stopping = False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def feed(self, at):
        try:
            if self.open[at] is None:
                family = socket.AF_UNIX if isinstance(self.addresses[at], str) else socket.AF_INET
                self.open[at] = socket.socket(family)
                self.open[at].settimeout(0.2)
                with connecting:
                    self.open[at].connect(self.addresses[at])
                    self.open[at].sendall(self.first_bytes)
                self.opened += 1
            elif self.first_bytes:
                self.open[at].sendall(b"x")
        except OSError:
            self.open[at].close()
            self.open[at] = None

    def run(self):
        while not self.stopping:
            for at in range(len(self.open)):
                self.feed(at)
            time.sleep(1)

    def stop(self):
        self.stopping = True
        self.thread.join()
        for connection in self.open:
            if connection:
                connection.close()


def bad_lines(port, stopping):
    """Lines that are refused and so logged, ten a second."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.connect(("127.0.0.1", port))
    while not stopping.is_set():
        sender.send(b"no such line " + b"x" * 200)
        stopping.sent += 1
        stopping.wait(0.1)


def siege(options, name, settings, stdout, stderr, descriptors=None, besiegers=None):
    problems = []
    intake = Intake().start()
    server = Server(options.heeler, {"dd_url": intake.url, **settings}, stdout, stderr,
                    descriptors)
    try:
        server.wait_ready()
        bad = threading.Event()
        bad.sent = 0
        talker = threading.Thread(target=bad_lines, args=(server.udp, bad))
        talker.start()
        clients = besiegers(server) if besiegers else []
        time.sleep(2)
        probe = Probe([server.http, server.health])
        lines = options.rate * options.seconds
        load = subprocess.run([options.bench, "send", "--to", f"udp:127.0.0.1:{server.udp}",
                               "--profile", "tagged", "--rate", str(options.rate),
                               "--lines", str(lines)], capture_output=True, text=True)
        lines = json.loads(load.stdout)["lines"] if load.returncode == 0 else lines
        probe.stop()
        bad.set()
        talker.join()
        try:
            metrics = server.wait_received(lines + bad.sent)
        except OSError as error:
            metrics = {}
            problems.append(f"/metrics: {error}")
        begin = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        try:
            status = server.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            status = "none: it does not end"
        took_s = time.monotonic() - begin
        for each in clients:
            each.stop()
    finally:
        server.process.kill()
        server.process.wait()
        intake.stop()
    arrived = round(sum(value * intake.intervals[key] for key, value in intake.points.items()
                        if key[0] == "service.requests"))
    received = lines_of(metrics)
    imbalance = [int(value) for key, value in metrics.items()
                 if key.startswith("heeler_ledger_imbalance")]
    dropped = metrics.get("heeler_log_lines_dropped_total", -1)
    if load.returncode != 0 or arrived != lines:
        problems.append(f"sent {lines}, at the intake {arrived} ({load.stderr.strip()})")
    if received != lines + bad.sent:
        problems.append(f"sent {lines} + {bad.sent} bad ones, read {received}")
    if any(imbalance) or len(imbalance) != 3:
        problems.append(f"balances {imbalance}")
    if probe.bad:
        problems.append(f"{len(probe.bad)} of {probe.asked} probes failed: {probe.bad[:3]}")
    judged = options.seconds >= JUDGED_S
    if judged and probe.slowest_ms > options.live_ms:
        problems.append(f"/live took {probe.slowest_ms:.0f} ms")
    if status != 0 or (judged and took_s > STOP_TIMEOUT_S + 2):
        problems.append(f"the stop took {took_s:.1f} s, exit code {status}")
    problems += intake.violations[:3]
    opened = sum(each.opened for each in clients)
    print(f"{'FAIL' if problems else 'ok  '} {name}: {lines} lines, {arrived} at the intake; "
          f"/live {probe.asked} times, slowest {probe.slowest_ms:.0f} ms; stop {took_s:.2f} s; "
          f"balances {imbalance}; log lines dropped {dropped:.0f}; connections {opened}", flush=True)
    for problem in problems:
        print("     " + problem)
    return not problems


def slow_connections(options):
    head = b"GET /live HTTP/1.1\r\nX: "
    with tempfile.TemporaryFile() as log:
        return siege(options, "80 slow connections to each HTTP port", {}, log, log, None,
                     lambda server: [Clients([("127.0.0.1", port)] * 80, head)
                                     for port in (server.http, server.health)])


def stuck_log(options):
    kept, given = stuck_pipe()
    with tempfile.TemporaryFile() as log:
        result = siege(options, "a log that nobody reads", {"log_level": "debug"}, log, given)
    os.close(kept)
    os.close(given)
    return result


def stuck_console(options):
    kept, given = stuck_pipe()
    with tempfile.TemporaryFile() as log:
        result = siege(options, "a console that nobody reads", {"heeler_console": "true"}, given,
                       log)
    os.close(kept)
    os.close(given)
    return result


def few_descriptors(options):
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        path = folder + "/stream"
        return siege(options, "40 descriptors, 60 stream and 60 slow HTTP connections",
                     {"dogstatsd_stream_socket": path}, log, log, 40,
                     lambda server: [Clients([path] * 60, b""),
                                     Clients([("127.0.0.1", server.http)] * 60, b"GET /")])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heeler", default="build/heeler")
    parser.add_argument("--bench", default="build/bench/heeler-bench")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rate", type=int, default=100_000)
    parser.add_argument("--live-ms", type=float, default=100)
    options = parser.parse_args()
    results = [run(options) for run in (slow_connections, stuck_log, stuck_console,
                                        few_descriptors)]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
