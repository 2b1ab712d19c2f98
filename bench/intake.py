#!/usr/bin/env python3
"""A stand-in for the intake, for long runs: takes every payload and forgets it.
Prints its port, and at the end how many it took."""
import http.server
import signal
import sys

taken = 0


class Intake(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        global taken
        left = int(self.headers.get("Content-Length", 0))
        while left > 0:
            left -= len(self.rfile.read(min(left, 1 << 16)))
        taken += 1
        self.send_response(202)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *unused):
        pass


def stop(*unused):
    print(f"payloads {taken}", flush=True)
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Intake)
server.daemon_threads = True
print(f"port {server.server_address[1]}", flush=True)
server.serve_forever()
