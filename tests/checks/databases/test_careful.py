"""tests/checks/databases/test_careful.py: a server that asks for the password in clear text."""

import socket
import struct
import threading
import unittest

from datadog_checks.mysql.connection import Connection
from heeler_database.session import Lost

SECRET = "never to be seen"
# CLIENT_PROTOCOL_41, CLIENT_SECURE_CONNECTION, CLIENT_PLUGIN_AUTH
CAPABILITIES = 0x200 | 0x8000 | 0x80000
GREETING = (b"\x0a" b"8.0.0\0" + struct.pack("<I", 1) + b"saltsalt\0"
            + struct.pack("<HBHHB", CAPABILITIES & 0xFFFF, 45, 2, CAPABILITIES >> 16, 21)
            + bytes(10) + b"saltsaltsalt\0" b"mysql_native_password\0")


def packet(number, body):
    return struct.pack("<I", len(body))[:3] + bytes([number]) + body


class CarefulTest(unittest.TestCase):
    def setUp(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listener.close)
        self.heard = b""

    def serve(self, plugin):
        """Greets, and asks for another way to prove the password; hears what comes."""
        client, _ = self.listener.accept()
        with client:
            client.settimeout(60)
            client.sendall(packet(0, GREETING))
            self.heard += client.recv(4096)
            client.sendall(packet(2, b"\xfe" + plugin + b"\0salt\0"))
            while data := client.recv(4096):
                self.heard += data

    def test_password_is_not_sent_in_clear_text(self):
        for plugin in (b"mysql_clear_password", b"dialog"):
            with self.subTest(plugin):
                server = threading.Thread(target=self.serve, args=(plugin,))
                server.start()
                with self.assertRaisesRegex(Lost, "asks for the password in clear text"):
                    Connection({"host": "127.0.0.1", "port": self.listener.getsockname()[1],
                                "user": "heeler", "password": SECRET.encode()}, 10, 1000, str)
                server.join()
                self.assertIn(b"heeler", self.heard)
                self.assertNotIn(SECRET.encode(), self.heard)


if __name__ == "__main__":
    unittest.main()
