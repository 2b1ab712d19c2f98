import socket
import unittest

from runner.addresses import http_target, udp_target


class AddressesTest(unittest.TestCase):
    def test_addresses_as_the_settings_write_them(self):
        self.assertEqual((socket.AF_INET, ("127.0.0.1", 8125)), udp_target("127.0.0.1:8125"))
        self.assertEqual((socket.AF_INET6, ("::1", 8125)), udp_target("[::1]:8125"))
        self.assertEqual((socket.AF_INET, ("127.0.0.1", 8125)), udp_target("localhost:8125"))
        self.assertEqual((socket.AF_INET, ("127.0.0.1", 8127), "127.0.0.1:8127"),
                         http_target("http://127.0.0.1:8127"))
        self.assertEqual((socket.AF_INET6, ("::1", 8127), "[::1]:8127"),
                         http_target("http://[::1]:8127/"))
        self.assertEqual((socket.AF_UNIX, "/run/x", "localhost"), http_target("unix:/run/x"))

    def test_what_is_no_address_is_named(self):
        for text in ("example.com:8125", "127.0.0.1", "127.0.0.1:x", ""):
            with self.assertRaisesRegex(ValueError, "is no address of this machine"):
                udp_target(text)
