"""Starts a Heeler on ports of the kernel's choice, reads its metrics, stops it."""

import atexit
import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.request

UDP = re.compile(r"listening on udp 127\.0\.0\.1:(\d+)")
HTTP = re.compile(r"http: listening on 127\.0\.0\.1:(\d+)")
SAMPLE = re.compile(r"([a-z_]+)(?:\{(.*)\})? (\S+)")
LEDGER_NUMBER = re.compile(r"\b([a-z_]+)=(\d+)")
PATIENCE_S = 60     # nobody waits for it but where something is broken


class Server:
    """One process. Its log goes to a file, so that no full pipe can stop it."""

    def __init__(self, binary, settings, config=None):
        settings = {"api_key": "k", "dogstatsd_port": "__random__", "dogstatsd_socket": "",
                    "heeler_http_listen": "127.0.0.1:0", "dogstatsd_so_rcvbuf": 64 << 20, **settings}
        command = [binary, "run"] + (["--config", config] if config else [])
        for key, value in settings.items():
            command += ["--set", f"{key}={value}"]
        environment = {key: value for key, value in os.environ.items()
                       if not key.startswith(("DD_", "HEELER_"))}
        self.log_file = tempfile.TemporaryFile("w+b")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment,
                                        stdout=self.log_file, stderr=subprocess.STDOUT)
        atexit.register(self.kill)     # none outlives a test that failed
        self.udp_port = int(self.wait_for(UDP))
        self.http_port = int(self.wait_for(HTTP))

    def log(self):
        return os.pread(self.log_file.fileno(), 16 << 20, 0).decode("utf-8", "replace")

    def wait_for(self, pattern, limit_s=PATIENCE_S):
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline and self.process.poll() is None:
            found = pattern.search(self.log())
            if found:
                return found.group(1)
            time.sleep(0.01)
        self.kill()
        raise RuntimeError(f"no {pattern.pattern!r} in the log:\n{self.log()}")

    def metrics(self):
        """{name: {labels: value}}"""
        url = f"http://127.0.0.1:{self.http_port}/metrics"
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            text = answer.read().decode()
        metrics = {}
        for line in text.splitlines():
            found = SAMPLE.fullmatch(line)
            if found:
                name, labels, value = found.groups()
                metrics.setdefault(name, {})[labels or ""] = float(value)
        return metrics

    def total(self, name, metrics=None):
        return sum((metrics or self.metrics()).get(name, {}).values())

    def wait_received(self, datagrams, limit_s=PATIENCE_S):
        """How many datagrams arrived: all of them, or what there was at the limit."""
        deadline = time.monotonic() + limit_s
        while True:
            received = self.total("heeler_datagrams_received_total")
            if received >= datagrams or time.monotonic() > deadline:
                return int(received)
            time.sleep(0.001)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self, limit_s=PATIENCE_S):
        """The exit code; a server that does not stop in time is killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def final_ledger(self):
        """The numbers of the last `final ledger` line."""
        lines = [line for line in self.log().splitlines() if "final ledger" in line]
        return {key: int(number) for key, number in LEDGER_NUMBER.findall(lines[-1])} if lines else {}
