"""A private network whose name server is a test's: names that answer, fail or hang.

The test runs itself again in a network and a mount namespace of its own, where
/etc/resolv.conf is another file and port 53 is free. Both end with the process,
so nothing is left behind."""

import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading

MARK = "HEELER_PRIVATE_NETWORK"
IS_PRIVATE = os.environ.get(MARK) == "1"
LOOPBACK_UP = struct.pack("16sh14x", b"lo", 0x41)      # IFF_UP, IFF_RUNNING


def unshare():
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", "--net", "--mount", *user]


def run_again(arguments):
    """The exit code of the same program there; None when the machine does not permit it."""
    with tempfile.NamedTemporaryFile("w") as resolv:
        resolv.write("nameserver 127.0.0.1\n")
        resolv.flush()
        enter = [*unshare(), "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', resolv.name]
        try:
            if subprocess.run([*enter, "true"], stderr=subprocess.DEVNULL, check=False).returncode:
                return None
        except OSError:
            return None
        return subprocess.run([*enter, sys.executable, *arguments], check=False,
                              env={**os.environ, MARK: "1"}).returncode


def bring_up_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, LOOPBACK_UP)   # SIOCSIFFLAGS


class NameServer:
    """Every name is 127.0.0.1; or there is none; or no answer."""

    def __init__(self):
        bring_up_loopback()
        self.mode, self.asked = "answer", 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            query, sender = self.socket.recvfrom(512)
            if self.mode != "answer":
                self.asked += 1
            if self.mode != "silent":
                self.socket.sendto(self.answer(query), sender)

    def answer(self, query):
        end = query.index(b"\0", 12) + 5
        is_a = query[end - 4:end - 2] == b"\0\1" and self.mode == "answer"
        flags = 0x8180 if self.mode == "answer" else 0x8183     # no such name
        head = query[:2] + struct.pack(">HHHHH", flags, 1, is_a, 0, 0)
        record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + bytes([127, 0, 0, 1])
        return head + query[12:end] + (record if is_a else b"")
