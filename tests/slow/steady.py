"""What the long runs share: an even load, an intake that only records, and a
look at what it recorded.

Load and intake run in processes of their own and do little, so that the server
is what is measured. Every series gets the value 1 once in every interval, so
each point that the intake should have is known: series, time and value. (A load
that was held up gives 0 in one interval and 2 in the next.)"""

import ctypes
import multiprocessing
import os
import pathlib
import re
import signal
import socket
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import zstandard        # Debian: python3-zstandard

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "model"))
from server import Server  # noqa: E402,F401

RECORD = struct.Struct("<dI")       # of a body in the file: when it came, its length
# tag n, then the point: time, and the value when it is not 0
POINT = re.compile(rb"\x1a\x08n:(\d{6}).{1,60}?\x22(?:\x0f\x10(.{5})\x09(.{8})|\x06\x10(.{5}))", re.S)
ONE = struct.pack("<d", 1.0)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def start_process(target, *arguments):
    process = multiprocessing.get_context("fork").Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


# ---------------------------------------------------------------- the intake

class Recording(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200, b'{"valid":true}')

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.hangs:
            threading.Event().wait()
        if self.path == "/api/v2/series":
            with self.server.lock:
                self.server.file.write(RECORD.pack(time.time(), len(body)) + body)
                self.server.file.flush()
        self.answer(202, b'{"errors":[]}')

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(port, path, hangs):
    die_with_parent()
    ThreadingHTTPServer.request_queue_size = 64
    server = ThreadingHTTPServer(("127.0.0.1", port), Recording)
    server.daemon_threads = True
    server.hangs, server.lock = hangs, threading.Lock()
    with open(path, "ab") as server.file:
        server.serve_forever()


class Recorder:
    """An intake that keeps bodies in a file; dead is refused connections, or hangs."""

    def __init__(self, folder, name="bodies"):
        self.port, self.path, self.process = free_port(), os.path.join(folder, name), None
        self.url = f"http://127.0.0.1:{self.port}"

    def set(self, state):
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None
        if state != "refused":
            self.process = start_process(serve, self.port, self.path, state == "hang")

    def payloads(self):
        """(when it came, its bytes before compression)"""
        with open(self.path, "rb") as file:
            while head := file.read(RECORD.size):
                came, size = RECORD.unpack(head)
                yield came, zstandard.ZstdDecompressor().decompressobj().decompress(file.read(size))


def number(varint):
    return sum((byte & 0x7F) << 7 * at for at, byte in enumerate(varint))


class Seen:
    """Every point that a recorder has, and when its payload came."""

    def __init__(self, recorder, series):
        self.times = {}         # time -> one byte for each series: how often it came
        self.order = []         # (when a payload came, the time of its points)
        self.arrived = {}       # time -> when its last payload came
        self.values = {}        # time -> their sum
        times = {}
        for came, body in recorder.payloads():
            known, ones, others = None, 0, 0
            for name, when, value, zero_when in POINT.findall(body):
                known = when or zero_when
                if known not in times:
                    times[known] = number(known)
                counts = self.times.setdefault(times[known], bytearray(series))
                counts[int(name)] += 1
                if value == ONE:
                    ones += 1
                elif value:
                    others += struct.unpack("<d", value)[0]
            if known is not None:
                self.order.append((came, times[known]))
                self.values[times[known]] = self.values.get(times[known], 0) + ones + others
                self.arrived[times[known]] = came

    def missing(self):
        """{time: how many series have no point}, of the times between the first and the last."""
        return {when: counts.count(0) for when, counts in sorted(self.times.items())
                if counts.count(0)}

    def twice(self):
        return sum(len(counts) - counts.count(0) - counts.count(1) for counts in self.times.values())

    def points(self):
        return sum(len(counts) - counts.count(0) for counts in self.times.values())


# ---------------------------------------------------------------- the load

def send(port, series, interval, stopping, passes):
    """One value for each series in the middle of each interval."""
    die_with_parent()
    lines = [f"outage.count:1|c|#id:{os.urandom(4).hex()},n:{n:06}" for n in range(series)]
    datagrams = ["\n".join(lines[at:at + 180]).encode() for at in range(0, series, 180)]
    to = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    to.connect(("127.0.0.1", port))
    begin = (time.time() // interval + 1) * interval
    while not stopping.is_set():
        refused = 0
        for at, datagram in enumerate(datagrams):
            wait = begin + interval * (0.1 + 0.6 * at / len(datagrams)) - time.time()
            if wait > 0.002:
                time.sleep(wait)
            try:
                to.send(datagram)
            except OSError:
                refused += 1
        passes.put((int(begin), refused, time.time() - begin))
        begin += interval


class Load:
    def __init__(self, port, series, interval):
        self.passes, self.stopping = multiprocessing.SimpleQueue(), multiprocessing.Event()
        self.sent = {}          # time -> datagrams refused
        self.slow = 0           # passes that did not end within their interval
        self.longest = 0        # of interval: over 0.7 the machine was busy elsewhere
        self.interval = interval
        self.process = start_process(send, port, series, interval, self.stopping, self.passes)

    def look(self):
        while not self.passes.empty():
            when, refused, took = self.passes.get()
            self.sent[when] = refused
            self.slow += took > self.interval
            self.longest = max(self.longest, took / self.interval)

    def stop(self):
        self.stopping.set()
        while self.process.is_alive():
            self.look()
            time.sleep(0.05)
        self.look()


# ---------------------------------------------------------------- the server

class Watch:
    """Resident memory of a process, twice a second; `phase` names what is going on."""

    def __init__(self):
        self.phase, self.most, self.last, self.pid = "idle", {}, {}, None
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                with open(f"/proc/{self.pid}/status") as file:
                    pages = [line for line in file if line.startswith("VmRSS")]
                kib = int(pages[0].split()[1])
                self.last[self.phase] = kib
                self.most[self.phase] = max(kib, self.most.get(self.phase, 0))
            except (OSError, IndexError):
                pass
            time.sleep(0.5)


def labelled(metrics, name, part):
    return sum(value for labels, value in metrics.get(name, {}).items() if part in labels)


def settle(server, limit_s, sink='sink="intake"'):
    """Until nothing of a sink waits; False at the limit."""
    deadline = time.monotonic() + limit_s
    quiet = 0
    while time.monotonic() < deadline and quiet < 2:
        metrics = server.metrics()
        waits = labelled(metrics, "heeler_queue_points", sink) + \
            labelled(metrics, "heeler_spool_points", sink)
        quiet = 0 if waits else quiet + 1
        time.sleep(0.2)
    return quiet > 0
