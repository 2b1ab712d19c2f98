#!/usr/bin/env python3
"""Those who look at a server while it works: readers of its lines, a page, questions.

    watchers.py HOST:PORT KIND=N ... [--name METRIC]

Kinds: tail reads all lines as they come; stopped asks for them and never reads; top asks who
sends most, once a second; page asks once a second all that the page's views ask, each once an
interval; asker asks one question after the other, ten a second at most. They wait until the
server is there, and end with SIGTERM: then a line of JSON tells by kind how much was had.

It does little with what it gets, so that it can share the CPU of a load generator."""
import argparse
import collections
import fcntl
import http.client
import itertools
import json
import select
import signal
import socket
import struct
import termios
import threading
import time
import urllib.parse

TIMEOUT_S = 30


class Watcher(threading.Thread):
    """One of them. `had` counts, and is read when the thread has ended."""

    def __init__(self, address, name, number):
        super().__init__(daemon=True)
        self.address, self.metric, self.number = address, name, number
        self.ending = threading.Event()
        self.had = collections.Counter()
        self.slowest_ms = 0.0

    def run(self):
        while not self.ending.is_set():
            try:
                socket.create_connection(self.address, TIMEOUT_S).close()
                break
            except OSError:
                self.ending.wait(0.05)
        while not self.ending.is_set():
            try:
                self.watch()
            except (OSError, http.client.HTTPException) as error:
                self.had[type(error).__name__] += not self.ending.is_set()
            self.ending.wait(0.1)

    def watch(self):
        """Until it is to end, or what it asked over is closed."""
        raise NotImplementedError

    def end(self):
        self.ending.set()


class Asking(Watcher):
    """Asks again and again over one connection."""
    period_s = 1.0

    def watch(self):
        connection = http.client.HTTPConnection(*self.address, timeout=TIMEOUT_S)
        due = time.monotonic()
        try:
            while not self.ending.wait(max(0, due - time.monotonic())):
                due = max(due + self.period_s, time.monotonic())
                for target in self.targets():
                    self.ask(connection, target)
        finally:
            connection.close()

    def ask(self, connection, target):
        begin = time.monotonic()
        connection.request("GET", target)
        with connection.getresponse() as answer:
            while read := answer.read(1 << 18):
                self.had["bytes"] += len(read)
            self.had["answers" if answer.status == 200 else f"status {answer.status}"] += 1
        self.slowest_ms = max(self.slowest_ms, (time.monotonic() - begin) * 1000)

    def targets(self):
        raise NotImplementedError


def target(path, **parameters):
    return path + "?" + urllib.parse.urlencode(parameters)


class Page(Asking):
    """What the views of server/http/page ask in an interval, each view open for a second."""

    def targets(self):
        now = int(time.time())
        return (target("/api/v1/status"),
                target("/api/v1/catalogue", match="", sort="name", limit=200, offset=0),
                target("/api/v1/catalogue", match=self.metric[:4], sort="values", limit=200, offset=0),
                target("/api/v1/catalogue/metric", name=self.metric, limit=500),
                target("/api/v1/query", to=now, query=f"sum:{self.metric}{{*}}.as_rate()", **{"from": now - 3600}),
                target("/api/v1/query", to=now, query=f"sum:{self.metric}{{*}} by {{env}}.as_rate()",
                       **{"from": now - 900}),
                target("/api/v1/events"))


class Top(Asking):
    def targets(self):
        return (target("/api/v1/top", by="sender", sort="lines", limit=50),)


class Asker(Asking):
    """Each asks something else, so that no answer is shared."""
    period_s = 0.1

    def targets(self):
        now = int(time.time())
        span = (900, 3600, 14400)[self.number % 3]
        return (target("/api/v1/query", to=now, query=f"sum:{self.metric}{{*}} by {{env}}.as_rate()",
                       **{"from": now - span - 10 * self.number}),)


class Tail(Watcher):
    """All lines; only counted in bytes, and what the server says it did not show."""

    def open(self):
        connection = socket.create_connection(self.address, TIMEOUT_S)
        connection.sendall(b"GET /api/v1/tail HTTP/1.1\r\nHost: %s:%d\r\n\r\n"
                           % (self.address[0].encode(), self.address[1]))
        self.had["opened"] += 1
        return connection

    def watch(self):
        with self.open() as connection:
            connection.settimeout(0.5)
            while not self.ending.is_set():
                try:
                    read = connection.recv(1 << 20)
                except TimeoutError:
                    continue
                if not read:
                    return
                self.had["bytes"] += len(read)


class Stopped(Tail):
    """Asks and never reads; again, when the server has given it up."""

    def watch(self):
        before = self.had["bytes"]
        with self.open() as connection:
            closed = select.poll()
            closed.register(connection, select.POLLRDHUP)
            while not self.ending.wait(0.2) and not closed.poll(0):
                waits = struct.unpack("i", fcntl.ioctl(connection, termios.FIONREAD, b"\0" * 4))[0]
                self.had["bytes"] = before + waits


KINDS = {"tail": Tail, "stopped": Stopped, "top": Top, "page": Page, "asker": Asker}


class Crowd:
    def __init__(self, address, counts, name):
        host, _, port = address.rpartition(":")
        self.of = {kind: [KINDS[kind]((host, int(port)), name, number) for number in range(count)]
                   for kind, count in counts.items()}
        for watcher in itertools.chain(*self.of.values()):
            watcher.start()

    def end(self):
        """{kind: {what: how often, "slowest_ms": of one answer}}"""
        everybody = list(itertools.chain(*self.of.values()))
        for watcher in everybody:
            watcher.end()
        deadline = time.monotonic() + 10
        for watcher in everybody:
            watcher.join(max(0, deadline - time.monotonic()))
        return {kind: {**sum((one.had for one in some), collections.Counter()),
                       "slowest_ms": round(max((one.slowest_ms for one in some), default=0), 1)}
                for kind, some in self.of.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("kinds", nargs="+")
    parser.add_argument("--name", default="service.requests", help="the metric that is asked about")
    options = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    counts = {kind: int(count) for kind, count in (word.split("=") for word in options.kinds)}
    crowd = Crowd(options.address, counts, options.name)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    print(json.dumps(crowd.end()), flush=True)


if __name__ == "__main__":
    main()
