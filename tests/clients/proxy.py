"""A UDP proxy that remembers every datagram and marks it with a count of one,
so that the intake can tell how many of them the server accepted."""

import errno
import socket
import threading
import time

MARK = b"\nheeler_test.datagrams:1|c"
MARK_NAME = "heeler_test.datagrams"


class Proxy:
    def __init__(self, server_port):
        self.datagrams = []         # (time, bytes), as forwarded
        self.closed = False         # the server's port answered "nobody here"
        self.local = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.local.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        self.local.bind(("127.0.0.1", 0))
        self.local.settimeout(0.1)
        self.port = self.local.getsockname()[1]
        self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.server.connect(("127.0.0.1", server_port))
        self.running = True
        self.thread = threading.Thread(target=self.forward, daemon=True)
        self.thread.start()

    def forward(self):
        while True:
            try:
                datagram = self.local.recv(65536)
            except TimeoutError:
                if self.running:
                    continue
                return
            if not self.closed:
                self.pass_on(datagram.rstrip(b"\n") + MARK)

    def pass_on(self, datagram):
        """On loopback a closed port is known as soon as send() has returned."""
        try:
            self.server.send(datagram)
            error = self.server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        except OSError as failed:
            error = failed.errno
        if error == errno.ECONNREFUSED:
            self.closed = True
            return
        if error:
            raise OSError(error, "forwarding")
        self.datagrams.append((time.time(), datagram))

    def stop(self):
        """Every datagram that a client has sent by now is forwarded first."""
        self.running = False
        self.thread.join()
        self.local.close()
        self.server.close()
