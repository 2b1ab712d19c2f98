"""tests/checks/world.py: the whole program, with folders and a server of the test's own.

A World lives as long as its test, and leaves nothing behind: what it started it ends. Nobody waits
for time here, but for what happens; LIMIT_S is only there so that a broken one ends.
"""

import http.server
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

from tests.checks import CHECKS

SEEDS = pathlib.Path(__file__).resolve().parent / "data" / "seeds"
LIMIT_S = 120
PYTHON = "/usr/bin/python3"
GAUGE = re.compile(rb"^([^:|]+):([^|]+)\|g\|T(\d+)")


def alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


class World:
    def __init__(self, test):
        folder = tempfile.TemporaryDirectory()
        test.addCleanup(folder.cleanup)
        self.test = test
        self.base = pathlib.Path(folder.name)
        self.confd, self.checksd = self.base / "conf.d", self.base / "checks.d"
        for path in (self.confd, self.checksd):
            path.mkdir(0o755)
        self.changed = threading.Condition()
        self.lines, self.series, self.documents = [], [], []
        self.log = ""
        self._listen()

    # ---- files -------------------------------------------------------------

    def write(self, path, text):
        """Replaced whole, so that nobody reads the half of it."""
        path.with_name(".new").write_text(text, encoding="utf-8")
        path.with_name(".new").chmod(0o644)
        path.with_name(".new").rename(path)

    def code(self, name, text):
        self.write(self.checksd / f"{name}.py", text)

    def check(self, name, body, interval=1):
        """A check whose check() is that line, and its yaml."""
        self.code(name, "import os, sys, time\nfrom checks import AgentCheck\n\n\n"
                  "class One(AgentCheck):\n    def check(self, instance):\n"
                  f"        {body}\n")
        self.conf(name, f"instances:\n  - min_collection_interval: {interval}\n")

    def conf(self, name, text):
        self.write(self.confd / f"{name}.yaml", text)

    def seed(self, name, path):
        """One of the files that people wrote, as it is."""
        self.write(path, (SEEDS / name).read_text(encoding="utf-8"))

    # ---- the program -------------------------------------------------------

    def words(self, words, **settings):
        """(command, descriptor of the settings), for one who starts it."""
        document = {"version": "1.2.3", "hostname": "me", "confd_path": str(self.confd),
                    "additional_checksd": str(self.checksd), "run_timeout_s": 60, "agent": {},
                    "dogstatsd_socket": str(self.base / "dogstatsd.socket"),
                    "http": [f"http://127.0.0.1:{self.http.server_address[1]}"], **settings}
        descriptor = os.memfd_create("settings", 0)
        os.write(descriptor, json.dumps(document).encode())
        return [PYTHON, "-I", str(CHECKS / "heeler-checks"), "--settings-fd", str(descriptor),
                *words], descriptor

    def run(self, *words, **settings):
        """It runs to its end: exit status, output, errors."""
        command, descriptor = self.words(words, **settings)
        done = subprocess.run(command, pass_fds=[descriptor], capture_output=True, text=True,
                              timeout=LIMIT_S, stdin=subprocess.DEVNULL)
        os.close(descriptor)
        return done.returncode, done.stdout, done.stderr

    def start(self, environment=None, **settings):
        """It runs until the test ends."""
        command, descriptor = self.words([], **settings)
        program = subprocess.Popen(command, pass_fds=[descriptor], stderr=subprocess.PIPE,
                                   stdin=subprocess.DEVNULL,
                                   env={**os.environ, **(environment or {})})
        os.close(descriptor)
        reader = threading.Thread(target=self._read_log, args=[program.stderr], daemon=True)
        reader.start()
        self.test.addCleanup(self._end, program, reader)
        return program

    def children(self, program):
        """The processes that it has started and not reaped."""
        path = f"/proc/{program.pid}/task/{program.pid}/children"
        return [int(pid) for pid in pathlib.Path(path).read_text().split()]

    def until(self, condition):
        """Waits until it is true, and gives what it gave."""
        deadline = time.monotonic() + LIMIT_S
        with self.changed:
            while True:
                found = condition()
                if found:
                    return found
                if time.monotonic() > deadline:
                    self.test.fail(f"it did not happen; the log is:\n{self.log[-4000:]}")
                self.changed.wait(0.2)

    def stamps(self, name):
        """When the gauge of that name was, in the order in which it came."""
        found = [GAUGE.match(line) for line in self.lines]
        return [int(one[3]) for one in found if one and one[1] == name.encode()]

    def told(self, name):
        """The newest status of the one instance of a check, or {}."""
        instances = self.documents[-1]["instances"] if self.documents else []
        return next((one for one in instances if one["name"] == name), {})

    # ---- the server --------------------------------------------------------

    def _listen(self):
        world = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with world.changed:
                    if self.path == "/api/v1/checks/status":
                        world.documents.append(document)
                    else:
                        world.series += document["series"]
                    world.changed.notify_all()
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.test.addCleanup(self.http.server_close)
        self.test.addCleanup(self.http.shutdown)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.base / "dogstatsd.socket"))
        threading.Thread(target=self._receive, daemon=True).start()
        self.test.addCleanup(self.socket.close)
        self.test.addCleanup(self.socket.shutdown, socket.SHUT_RDWR)

    def _receive(self):
        while True:
            datagram = self.socket.recv(65536)
            if not datagram:
                return
            with self.changed:
                self.lines += datagram.split(b"\n")
                self.changed.notify_all()

    def _read_log(self, stream):
        for line in stream:
            with self.changed:
                self.log += line.decode("utf-8", "replace")
                self.changed.notify_all()
        stream.close()

    @staticmethod
    def _end(program, reader):
        if program.poll() is None:
            program.send_signal(signal.SIGKILL)
        program.wait()
        reader.join()
