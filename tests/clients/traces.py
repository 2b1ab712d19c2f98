#!/usr/bin/python3
"""dd-trace in an application of express, traced by a Heeler, end to end.

    twenty clients ──► the application ── spans ──► a proxy that records bodies ──► Heeler

Four applications at once: bodies of v0.4, of v0.5, one that is told of no /info, and one that
counts itself and drops the spans that nobody asked for. What the clients counted, the spans in the
recorded bodies (decoded by another hand) and the answers to questions have to be the same."""

import argparse
import collections
import concurrent.futures
import http.client
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "model"))

from differential import Report             # noqa: E402
from server import Server                   # noqa: E402
from trace_bodies import counted, spans_of  # noqa: E402

NODE = "/usr/bin/node" if pathlib.Path("/usr/bin/node").exists() else "node"
TRACES = re.compile(r"traces: listening on 127\.0\.0\.1:(\d+)")
CLIENTS = 20
PATIENCE_S = 60
ROUTES = [("GET", "/", 200), ("GET", "/item/{}", 200), ("GET", "/fail", 500), ("POST", "/order", 201),
          ("GET", "/call", 200), ("GET", "/nowhere", 404)]


class Recorder(http.server.ThreadingHTTPServer):
    """Passes requests on and keeps the bodies of traces; info: whether /info is there."""

    daemon_threads = True

    def __init__(self, port, info):
        self.port, self.info, self.bodies, self.statuses = port, info, [], collections.Counter()
        super().__init__(("127.0.0.1", 0), Passing)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Passing(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def read_body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while (size := int(self.rfile.readline(), 16)) > 0:
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def pass_on(self):
        body = self.read_body()
        if self.path == "/info" and not self.server.info:
            status, answer, headers = 404, b"", []
        else:
            onward = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
            kept = {key: value for key, value in self.headers.items()
                    if key.lower() not in ("transfer-encoding", "content-length", "connection")}
            onward.request(self.command, self.path, body, kept)
            response = onward.getresponse()
            status, answer, headers = response.status, response.read(), response.getheaders()
            onward.close()
        if self.path.endswith("/traces"):
            self.server.bodies.append((self.path, body))
            self.server.statuses[status] += 1
        self.send_response(status)
        for key, value in headers:
            if key.lower() not in ("content-length", "connection", "date", "transfer-encoding"):
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_PUT = do_POST = pass_on


class Application:
    """One that is traced, and what its clients counted."""

    def __init__(self, service, version, traces_port, info=True, counts_itself=False):
        self.service, self.version, self.counts_itself = service, version, counts_itself
        self.recorder = Recorder(traces_port, info)
        environment = {**os.environ, "DD_SERVICE": service, "DD_ENV": "test", "DD_VERSION": "1.0",
                       "DD_TRACE_AGENT_URL": f"http://127.0.0.1:{self.recorder.server_port}",
                       "DD_TRACE_AGENT_PROTOCOL_VERSION": version,
                       "DD_TRACE_STATS_COMPUTATION_ENABLED": str(counts_itself).lower(),
                       "DD_REMOTE_CONFIGURATION_ENABLED": "true",
                       "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "true"}
        self.process = subprocess.Popen([NODE, "client_express.js"], cwd=HERE, env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())
        self.sent = collections.Counter()

    def client(self, number, rounds):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        for i in range(rounds):
            method, path, status = ROUTES[(number + i) % len(ROUTES)]
            connection.request(method, path.format(i))
            response = connection.getresponse()
            response.read()
            assert response.status == status, (path, response.status)
            self.sent[method, path, status] += 1

    def load(self, rounds):
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(self.client, range(CLIENTS), [rounds] * CLIENTS))

    def requests(self):
        """How many it answered; one of /call asks it another time."""
        return sum(self.sent.values()) + self.sent["GET", "/call", 200]

    def end(self):
        """What dd-trace complained of."""
        output, _ = self.process.communicate("", timeout=PATIENCE_S)
        return json.loads(output)

    def spans(self):
        return [span for path, body in self.recorder.bodies for trace in spans_of(path, body)
                for span in counted(trace)]


def resource_of(method, path, status):
    """As dd-trace names them: a path without a route, or that of the root alone, is left out."""
    return method if path in ("/", "/nowhere") else f"{method} {path.replace('{}', ':id')}"


def as_tag(text):
    """The value of a tag, for what stands in resources here."""
    return re.sub(r"[^a-z0-9:./-]+", "_", text.lower()).rstrip("_")


class Asker:
    def __init__(self, port, since):
        self.port, self.since = port, int(since)

    def series(self, query):
        """{scope: sum of its points, or for one point alone that}"""
        arguments = urllib.parse.urlencode({"from": self.since - 60, "to": int(time.time()) + 60, "query": query})
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/query?{arguments}", timeout=30) as answer:
            found = json.load(answer)
        return {one["scope"]: [point[1] for point in one["pointlist"] if point[1] is not None]
                for one in found["series"]}

    def total(self, query):
        return sum(value for points in self.series(query).values() for value in points)


def nearest_rank(values, q):
    return sorted(values)[round(q * (len(values) - 1))]


def check_requests(report, asker, application):
    """What the clients counted is in the numbers, request by request."""
    wanted = collections.Counter()
    for (method, path, status), n in application.sent.items():
        wanted[resource_of(method, path, status), status] += n
    wanted["GET /item/:id", 200] += application.sent["GET", "/call", 200]  # called by the application
    for (resource, status), n in sorted(wanted.items()):
        scope = (f"{{service:{application.service},env:test,version:1.0,span.kind:server,"
                 f"resource:{as_tag(resource)},http.status_code:{status}}}")
        got = asker.total(f"sum:trace.express.request.hits{scope}.as_count()")
        report.check(got == n, f"{application.service} {resource} {status}: {got} hits of {n}")
        errors = asker.total(f"sum:trace.express.request.errors{scope}.as_count()")
        report.check(errors == (n if status == 500 else 0), f"{application.service} {resource}: {errors} errors")


def check_spans(report, asker, application):
    """Each group of the recorded spans is in the numbers, and their durations."""
    groups = collections.defaultdict(list)
    for span in application.spans():
        groups[span["service"], span["name"], span["resource"]].append(span)
    report.check(len(groups) > 5, f"{application.service}: only {len(groups)} groups of spans")
    for (service, name, resource), spans in sorted(groups.items()):
        scope = f"{{service:{as_tag(service)},resource:{as_tag(resource)}}}"
        hits = asker.total(f"sum:trace.{name}.hits{scope}.as_count()")
        report.check(hits == len(spans), f"{service} {name} {resource}: {hits} hits of {len(spans)}")
        errors = sum(span["error"] != 0 for span in spans)
        got = asker.total(f"sum:trace.{name}.errors{scope}.as_count()")
        report.check(got == errors, f"{service} {name} {resource}: {got} errors of {errors}")
        p95 = nearest_rank([span["duration"] / 1e9 for span in spans], 0.95)
        for points in asker.series(f"p95:trace.{name}{scope}.rollup(86400)").values():
            off = abs(max(points) / p95 - 1)
            report.check(off <= 0.008 or len(points) > 1, f"{service} {name} {resource}: p95 {points} of {p95}")


def until(what, come_true):
    deadline = time.monotonic() + PATIENCE_S
    while not come_true():
        if time.monotonic() > deadline:
            print(f"never came true: {what}")
            return
        time.sleep(0.2)


def wait_for_spans(server, asker, applications):
    """Until as many requests as there were are in the bodies and in the answers, and what was counted is told."""
    def is_sent(application):
        return sum(span["name"] == "express.request" for span in application.spans()) >= application.requests()

    def is_told(application):
        return asker.total(f"sum:trace.express.request.hits{{service:{application.service}}}.as_count()") \
            >= application.requests()

    for application in applications:
        if not application.counts_itself:
            until(f"the spans of {application.service}", lambda one=application: is_sent(one))
    spans = sum(len(application.spans()) for application in applications if not application.counts_itself)
    until(f"{spans} spans are counted", lambda: server.total("heeler_trace_buckets_open") == 0 and
          server.metrics().get("heeler_spans_total", {}).get('end="counted"', 0) >= spans)
    for application in applications:
        until(f"the hits of {application.service}", lambda one=application: is_told(one))
    flushed = server.total("heeler_snapshots_total")
    until("the flusher", lambda: server.total("heeler_snapshots_total") >= flushed + 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heeler", required=True)
    parser.add_argument("--rounds", type=int, default=60, help="requests of each of twenty clients")
    arguments = parser.parse_args()
    report = Report(40)
    started = time.time()
    server = Server(arguments.heeler, {"api_key": "", "heeler_interval": 1, "apm_config.enabled": "true",
                                       "apm_config.receiver_port": "__random__"})
    port = int(server.wait_for(TRACES))
    applications = [Application("shop-v4", "0.4", port), Application("shop-v5", "0.5", port),
                    Application("shop-blind", "0.4", port, info=False),
                    Application("shop-itself", "0.4", port, counts_itself=True)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(lambda one: one.load(arguments.rounds), applications))
    asker = Asker(server.http_port, started)
    wait_for_spans(server, asker, applications)
    complaints = [application.end() for application in applications]
    for application, complained in zip(applications, complaints):
        report.check(complained == [], f"{application.service}: dd-trace says {complained}")
        report.check(set(application.recorder.statuses) == {200}, f"statuses {application.recorder.statuses}")
        paths = {path for path, _ in application.recorder.bodies}
        report.check(paths == {f"/v{application.version}/traces"}, f"{application.service}: {paths}")
        check_requests(report, asker, application)
        if not application.counts_itself:
            check_spans(report, asker, application)
    metrics = server.metrics()
    report.check(all(value == 0 for value in metrics["heeler_ledger_imbalance"].values()), "the books do not balance")
    report.check(server.stop() == 0, "the server did not stop well")
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
