#!/usr/bin/python3
"""Real client libraries through a Heeler, end to end.

A proxy between them and the server records every datagram, so what the intake
should hold is what the model says of the recorded bytes, sampling included. In
the second part the server is stopped in the middle of an interval under load; in the third it
is asked by clients of Datadog's API."""

import argparse
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "model"))

import dogstatsd_model as model             # noqa: E402
from differential import Report, compare_all  # noqa: E402
from intake import Intake                   # noqa: E402
from proxy import MARK_NAME, Proxy          # noqa: E402
from server import Server                   # noqa: E402

NODE = "/usr/bin/node" if pathlib.Path("/usr/bin/node").exists() else "node"
CLIENTS = {
    "hot-shots": [NODE, "client_hot_shots.js"],
    "dd-trace": [NODE, "client_dd_trace.js"],
    "python3-statsd": ["/usr/bin/python3", "client_statsd.py"],
    "python3-aiodogstatsd": ["/usr/bin/python3", "client_aiodogstatsd.py"],
    "ruby-statsd": ["ruby", "client_ruby.rb"],
    "Net::Statsd": ["perl", "client_perl.pl"],
}
# The last kinds of lines that those send who are stopped: behind them each has sent all of its series.
LAST_LINES = {
    "hot-shots": [b"hotshots.load.d:", b"hotshots.aggregated.load.g:", b"hotshots.buffered.load.ms:",
                  b"datadog.dogstatsd.client.metrics:"],
    "python3-statsd": [b"pystatsd.load.sampled:"],
    "python3-aiodogstatsd": [b"aio.load.ms:"],
    "Net::Statsd": [b"perl.load.g:"],
}
PATIENCE_S = 60
SETTINGS = {"hostname": "client-host", "heeler_interval": 1}


class Chain:
    """Proxy, server and intake, the last one started first."""

    def __init__(self, heeler):
        self.started = time.time()
        self.intake = Intake().start()
        self.server = Server(heeler, {"dd_url": self.intake.url, "heeler_stop_timeout": 20, **SETTINGS})
        self.proxy = Proxy(self.server.udp_port)

    def start(self, name, seconds):
        return subprocess.Popen([*CLIENTS[name], str(self.proxy.port), str(seconds)],
                                cwd=HERE, stdout=subprocess.PIPE, text=True)

    def wait_for(self, wanted):
        """How many datagrams there are, when each of these bytes is in one."""
        deadline, seen = time.monotonic() + PATIENCE_S, 0
        while wanted and time.monotonic() < deadline:
            datagrams = self.proxy.datagrams[seen:]
            seen += len(datagrams)
            wanted = [text for text in wanted if not any(text in datagram for _, datagram in datagrams)]
            time.sleep(0.01)
        if wanted:
            raise RuntimeError(f"nobody sent {wanted}")
        return len(self.proxy.datagrams)

    def model_of(self, datagrams):
        aggregator = model.Aggregator(model.settings_with(SETTINGS))
        for at, datagram in datagrams:
            aggregator.datagram(datagram, at)
        return aggregator

    def stop(self):
        code = self.server.stop()
        self.intake.stop()
        return code


def counts_of(points):
    """{(name, host, tags): sum} of all counters; the interval is one second."""
    sums = {}
    for point in points:
        if point.type == "rate":
            key = (point.name, point.host, point.tags)
            sums[key] = sums.get(key, 0) + point.value
    return sums


def counts_at(intake):
    sums = {}
    for points in (intake.points.items(), ((key, earlier) for key, earlier, _ in intake.duplicates)):
        for (name, host, tags, _, kind, ts), value in points:
            if kind == "rate":
                interval = intake.intervals[name, host, tags, _, kind, ts]
                sums[name, host, tags] = sums.get((name, host, tags), 0) + value * interval
    return sums


def check_counts(report, expected, intake):
    """To the unit, where a sum is whole."""
    arrived = counts_at(intake)
    for key, total in expected.items():
        if abs(total - round(total)) < 1e-6:
            got = round(arrived.get(key, 0))
            report.check(got == round(total), f"counter {key}: sent {round(total)}, arrived {got}")


def by_name(sums):
    names = {}
    for (name, _, _), total in sums.items():
        names[name] = names.get(name, 0) + round(total)
    return names


def check_server(report, chain, sent, rejected):
    """The server's own account while all is well."""
    received = chain.server.wait_received(sent)
    report.check(received == sent, f"{sent} datagrams sent, {received} received")
    metrics = chain.server.metrics()
    got = chain.server.total("heeler_lines_rejected_total", metrics)
    report.check(got == rejected, f"{rejected} lines to be rejected, {got} were")
    imbalance = metrics.get("heeler_ledger_imbalance", {})
    report.check(imbalance and not any(imbalance.values()), f"imbalance {imbalance}")


def run_clients(arguments, report):
    chain = Chain(arguments.heeler)
    try:
        clients = {name: chain.start(name, arguments.seconds) for name in CLIENTS}
        totals = {}
        for name, client in clients.items():
            output, _ = client.communicate(timeout=arguments.seconds + 60)
            report.check(client.returncode == 0, f"{name}: exit code {client.returncode}")
            totals[name] = json.loads(output or "{}")
        chain.proxy.stop()
        datagrams = chain.proxy.datagrams
        aggregator = chain.model_of(datagrams)
        check_server(report, chain, len(datagrams), aggregator.rejected)
        report.check(aggregator.rejected == 0, f"{aggregator.rejected} lines of clients are not valid")
    finally:
        code = chain.stop()
    report.check(code == 0, f"exit code {code}")
    print(f"{len(datagrams)} datagrams, {sum(aggregator.lines.values())} lines, "
          f"{sum(chain.intake.payloads.values())} payloads, {len(chain.intake.points)} points")
    expected = aggregator.flush(time.time(), final=True)
    check_counts(report, counts_of(expected), chain.intake)
    compare_all(report, aggregator, expected, chain.intake, chain.started, one_interval=False)
    print_totals(report, totals, by_name(counts_at(chain.intake)))


def print_totals(report, totals, arrived):
    """What the clients counted themselves, beside what the intake has."""
    print(f"{'client':22} {'counter':26} {'counted':>12} {'arrived':>12}")
    for client, counters in totals.items():
        report.check(counters, f"{client} counted nothing")
        for name, total in counters.items():
            print(f"{client:22} {name:26} {total:12} {arrived.get(name, 0):12}")
            report.check(total == arrived.get(name), f"{name}: {total} counted, {arrived.get(name)} arrived")


def run_stop(arguments, report):
    """SIGTERM under load: what was accepted arrives, the rest is counted."""
    chain = Chain(arguments.heeler)
    clients = [chain.start(name, 10 * PATIENCE_S) for name in LAST_LINES]
    try:
        chain.server.wait_received(chain.wait_for([line for lines in LAST_LINES.values() for line in lines]))
        time.sleep(1.5 - time.time() % 1)       # the middle of an interval
        dropped = chain.server.total("heeler_datagrams_dropped_by_kernel_total")
        code = chain.server.stop()
    finally:
        for client in clients:
            client.kill()
            client.communicate()
        chain.proxy.stop()
        chain.stop()
    report.check(code == 0, f"exit code {code}:\n{chain.server.log()[-2000:]}")
    ledger = chain.server.final_ledger()
    sent, accepted = len(chain.proxy.datagrams), by_name(counts_at(chain.intake)).get(MARK_NAME, 0)
    print(f"stop under load: {sent} datagrams sent, {accepted} accepted, {ledger.get('gate')} refused by the "
          f"gate, {dropped:.0f} dropped before")
    report.check(dropped == 0, "the kernel dropped datagrams: the machine is too slow for this load")
    report.check("gate" in ledger and sent == accepted + ledger["gate"], f"final ledger {ledger}")
    aggregator = chain.model_of(chain.proxy.datagrams[:accepted])
    expected = aggregator.flush(time.time(), final=True)
    check_counts(report, counts_of(expected), chain.intake)
    compare_all(report, aggregator, expected, chain.intake, chain.started, one_interval=False)


def make_certificate(folder):
    """For the front of a client that speaks TLS alone."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return [str(key), str(certificate)]


def run_api(arguments, report):
    """Datadog's own clients of its API: dashboards, what they submit, events, questions."""
    chain = Chain(arguments.heeler)
    ended = threading.Event()

    def send_a_line():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while not ended.wait(0.2):
                sender.sendto(b"client.line:1|g|#a:1", ("127.0.0.1", chain.server.udp_port))

    line = threading.Thread(target=send_a_line)
    line.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            port = str(chain.server.http_port)
            for script, more in (("api_datadog.js", []), ("api_dogapi.js", make_certificate(pathlib.Path(folder)))):
                done = subprocess.run([NODE, script, port, *more], cwd=HERE, capture_output=True, text=True, timeout=180)
                print(f"{script}: {done.stdout.split()}")
                report.check(done.returncode == 0, f"{script}: {done.stderr}")
        imbalance = chain.server.metrics().get("heeler_ledger_imbalance", {})
        report.check(imbalance and not any(imbalance.values()), f"imbalance {imbalance}")
    finally:
        ended.set()
        line.join()
        chain.proxy.stop()
        code = chain.stop()
    report.check(code == 0, f"exit code {code}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heeler", default="build/heeler")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--show", type=int, default=10, help="differences to print")
    arguments = parser.parse_args()
    arguments.heeler = str(pathlib.Path(arguments.heeler).resolve())
    report = Report(arguments.show)
    run_clients(arguments, report)
    run_stop(arguments, report)
    run_api(arguments, report)
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
