"""tests/checks/runner/fakes.py: small real servers, in a folder or on a port of their own.

close() leaves nothing behind. Nothing here waits for longer than PATIENCE_S.
"""

import collections
import os
import select
import shutil
import socket
import tempfile
import threading
import types

PATIENCE_S = 60


class Folder:
    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="heeler-checks-")

    def file(self, name):
        return os.path.join(self.path, name)

    def close(self):
        shutil.rmtree(self.path)


class Receiver:
    """Datagrams, of a unix socket or of UDP."""

    def __init__(self, path=None, port=0):
        family = socket.AF_UNIX if path else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind(path or ("127.0.0.1", port))
        self.path = path

    def address(self):
        return "%s:%d" % self.socket.getsockname()

    def datagrams(self):
        found = []
        while select.select([self.socket], [], [], 0)[0]:
            found.append(self.socket.recv(65536))
        return found

    def lines(self):
        return b"".join(self.datagrams()).splitlines()

    def close(self):
        self.socket.close()
        if self.path and os.path.exists(self.path):
            os.unlink(self.path)


class Http:
    """Answers each request with the next of `answers` (status, or bytes as they are), or the last
    one again. `requests`: (path, headers, body)."""

    def __init__(self, *answers, path=None):
        self.answers, self.requests = collections.deque(answers), []
        family = socket.AF_UNIX if path else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.bind(path or ("127.0.0.1", 0))
        self.listener.listen(8)
        self.listener.settimeout(PATIENCE_S)
        self.url = f"unix:{path}" if path else "http://%s:%d" % self.listener.getsockname()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(PATIENCE_S)
                self.answer(connection)

    def answer(self, connection):
        stream = connection.makefile("rb")
        path = stream.readline().split(b" ")[1].decode()
        headers = {}
        while (line := stream.readline().decode().strip()):
            key, _, value = line.partition(": ")
            headers[key] = value
        self.requests.append((path, headers, stream.read(int(headers["Content-Length"]))))
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        answer = answer(self.requests[-1][2]) if callable(answer) else answer
        if isinstance(answer, int):
            answer = b"HTTP/1.1 %d X\r\nContent-Length: 3\r\n\r\n{}\n" % answer
        connection.sendall(answer)

    def close(self):
        # A thread that waits in accept() is woken by this, and not by close().
        if self.listener.fileno() >= 0:
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(PATIENCE_S)


def settings(**changed):
    return types.SimpleNamespace(**{
        "hostname": "own", "version": "1", "app_key": "", "dogstatsd_socket": "",
        "dogstatsd_address": "", "http": [], "agent": {}, **changed})


def turn_until(sink, clock, done):
    """Turns, with a clock that stands still unless nothing else can happen before it moves."""
    for _ in range(100_000):
        sink.turn(clock.now)
        if done():
            return
        poll = select.poll()
        for fd, events in sink.watched():
            poll.register(fd, events)
        waits = bool(sink.watched())
        if waits:
            if not poll.poll(PATIENCE_S * 1000):
                raise AssertionError("nothing happened")
        elif sink.due(clock.now) is None:
            raise AssertionError("nothing will happen")
        else:
            clock.now = max(clock.now, sink.due(clock.now))
    raise AssertionError("it did not come true")


class Clock:
    now = 1000.0
