#!/usr/bin/env python3
"""A server with default settings in a memory control group of 128 MiB, under more contexts
and distributions than fit there. It has to live, to receive, and to say what it shed.

Needs root and a memory controller that may be written to (version 1 or 2). The group is
removed at the end.

    memory_group.py --heeler build/heeler [--mib 128] [--contexts 1200000]
                    [--distributions 300000] [--intake 202|dead] [--redis URL]
"""

import argparse
import http.server
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request


class Intake(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        left = int(self.headers.get("Content-Length", 0))
        while left > 0:
            left -= len(self.rfile.read(min(left, 65536)))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *arguments):
        pass


class Group:
    """A control group of its own, of either version."""

    def __init__(self, mib):
        name = f"heeler-test-{os.getpid()}"
        if os.path.isdir("/sys/fs/cgroup/memory"):
            self.path, limit = f"/sys/fs/cgroup/memory/{name}", "memory.limit_in_bytes"
        else:
            self.path, limit = f"/sys/fs/cgroup/{name}", "memory.max"
        os.mkdir(self.path)
        self.write(limit, mib << 20)

    def write(self, name, value):
        with open(f"{self.path}/{name}", "w", encoding="ascii") as file:
            file.write(str(value))

    def read(self, name):
        try:
            with open(f"{self.path}/{name}", encoding="ascii") as file:
                return file.read()
        except OSError:
            return ""

    def kills(self):
        text = self.read("memory.oom_control") + self.read("memory.events")
        return sum(int(n) for n in re.findall(r"^oom_kill (\d+)", text, re.M))

    def peak_mib(self):
        peak = self.read("memory.max_usage_in_bytes") or self.read("memory.peak") or "0"
        return int(peak) >> 20

    def remove(self):
        for _ in range(50):
            try:
                os.rmdir(self.path)
                return
            except OSError:
                time.sleep(0.1)


def lines(kind, first, last, name):
    """Datagrams of some 1,400 bytes."""
    datagram = b""
    for i in range(first, last):
        line = b"%s.requests:%d|%s|#customer:customer-%d,path:/a/b/%d\n" % (
            name, i % 1000, kind, i, i % 100)
        if len(datagram) + len(line) > 1400:
            yield datagram
            datagram = b""
        datagram += line
    yield datagram


def send(to, datagrams):
    family = socket.AF_UNIX if isinstance(to, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as out:
        out.connect(to)
        for datagram in datagrams:
            out.send(datagram)


def metrics(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return answer.read().decode()


def total(text, name, label=""):
    return sum(float(line.split()[-1]) for line in text.splitlines()
               if line.startswith(name) and label in line)


def wait_for(path, pattern):
    for _ in range(1000):
        with open(path, encoding="utf-8") as file:
            found = re.search(pattern, file.read())
        if found:
            return found.group(1)
        time.sleep(0.01)
    sys.exit(f"no {pattern} in {path}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--heeler", default="build/heeler")
    parser.add_argument("--mib", type=int, default=128)
    parser.add_argument("--contexts", type=int, default=1200000)
    parser.add_argument("--distributions", type=int, default=300000)
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--intake", default="202", choices=["202", "dead"])
    parser.add_argument("--redis", default="")
    arguments = parser.parse_args()

    intake = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Intake)
    threading.Thread(target=intake.serve_forever, daemon=True).start()
    intake_port = intake.server_port if arguments.intake == "202" else 1
    folder = tempfile.mkdtemp()
    log = f"{folder}/log"
    group = Group(arguments.mib)
    server = None
    try:
        words = [arguments.heeler, "run", "--set", "dogstatsd_port=__random__",
                 "--set", f"dogstatsd_socket={folder}/h.sock",
                 "--set", "heeler_http_listen=127.0.0.1:0",
                 "--set", f"dd_url=http://127.0.0.1:{intake_port}"]
        if arguments.redis:
            words += ["--set", f"heeler_redis_url={arguments.redis}"]
        with open(log, "w", encoding="utf-8") as out:
            server = subprocess.Popen(
                words, stdout=out, stderr=out,
                env=dict(os.environ, DD_API_KEY="0123456789abcdef0123456789abcdef"),
                preexec_fn=lambda: group.write("cgroup.procs", os.getpid()))
        udp = int(wait_for(log, r"listening on udp 127\.0\.0\.1:(\d+)"))
        port = int(wait_for(log, r"http: listening on 127\.0\.0\.1:(\d+)"))
        end = time.monotonic() + arguments.seconds
        while time.monotonic() < end and server.poll() is None:
            for kind, n, name in ((b"c", arguments.contexts, b"web"),
                                  (b"d", arguments.distributions, b"sizes")):
                half = n // 2
                threads = [threading.Thread(target=send, args=(f"{folder}/h.sock",
                                                               lines(kind, 0, half, name))),
                           threading.Thread(target=send, args=(("127.0.0.1", udp),
                                                               lines(kind, half, n, name)))]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            time.sleep(1)
        if server.poll() is not None:
            sys.exit(f"the server ended with {server.returncode}; kills: {group.kills()}")
        text = metrics(port)
        shed = {label: total(text, "heeler_values_shed_total", label)
                for label in ("memory", "contexts_full", "flusher_behind")}
        server.terminate()
        status = server.wait(60)
        print(f"peak {group.peak_mib()} MiB of {arguments.mib}, shed {shed}, "
              f"exit {status}, kills {group.kills()}")
        with open(log, encoding="utf-8") as file:
            said = file.read()
        print("\n".join(line for line in said.splitlines()
                        if "may use" in line or "WARN" in line or "final ledger" in line)[-2500:])
        if status != 0 or group.kills() > 0 or sum(shed.values()) == 0:
            sys.exit("it did not hold")
        if "imbalance=0/0/0" not in said:
            sys.exit("the balances are not 0")
    finally:
        if server is not None and server.poll() is None:
            server.kill()
            server.wait()
        group.remove()
        shutil.rmtree(folder)


main()
