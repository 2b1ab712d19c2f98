import collections
import unittest

from runner.datagrams import UDP_AT_ONCE, UDP_PACKED, UDP_PAUSE_S, Datagrams
from runner.outbox import POINTS, Outbox
from tests.checks.runner.fakes import Folder, Receiver

NOW = 1000.0


class DatagramsTest(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.close)
        self.path = self.folder.file("dsd.socket")
        self.sent, self.given_up = collections.Counter(), collections.Counter()
        self.box = Outbox(1 << 20, self.given_up)

    def receiver(self, path=None, port=0):
        receiver = Receiver(path, port)
        self.addCleanup(receiver.close)
        return receiver

    def datagrams(self, path, address, line_max=8192):
        sender = Datagrams(path, address, line_max, self.box, self.sent, self.given_up)
        self.addCleanup(sender.close)
        return sender

    def fill(self, n, size=10):
        for i in range(n):
            self.box.add(POINTS, b"%0*d" % (size, i))

    def test_lines_share_a_datagram_and_each_has_its_end(self):
        receiver, sender = self.receiver(self.path), self.datagrams(self.path, "")
        self.fill(2)
        sender.turn(NOW)
        self.assertEqual([b"0000000000\n0000000001\n"], receiver.datagrams())
        self.assertEqual({POINTS: 2}, self.sent)
        self.assertIsNone(sender.due(NOW))

    def test_a_datagram_is_no_longer_than_its_reader_takes(self):
        for path, address, most in ((self.path, "", 500), ("", None, UDP_PACKED)):
            receiver = self.receiver(path)
            sender = self.datagrams(path, address if path else receiver.address(), 500)
            self.fill(300)
            sender.turn(NOW)
            datagrams = receiver.datagrams()
            self.assertEqual(300, len(b"".join(datagrams).split()))
            self.assertTrue(all(most - 11 <= len(one) <= most for one in datagrams[:-1]))

    def test_a_full_socket_is_waited_for(self):
        receiver, sender = self.receiver(self.path), self.datagrams(self.path, "", 20)
        self.fill(5000)
        received = []
        for _ in range(5000):
            sender.turn(NOW)
            if sender.watched():
                self.assertIsNone(sender.due(NOW))
                received += receiver.lines()
            if not self.box:
                break
        received += receiver.lines()
        self.assertEqual([b"%010d" % i for i in range(5000)], received)

    def test_a_server_that_is_away_is_tried_again_and_nothing_is_lost(self):
        receiver, sender = self.receiver(self.path), self.datagrams(self.path, "")
        self.fill(1)
        sender.turn(NOW)
        receiver.lines()
        receiver.close()
        self.fill(3)
        sender.turn(NOW)
        self.assertEqual((3, NOW + 0.5), (len(self.box), sender.due(NOW)))
        self.assertRegex(sender.backoff.problem, "dsd.socket: Connection refused")
        sender.turn(NOW + 0.5)
        self.assertEqual(NOW + 1.5, sender.due(NOW))
        receiver = self.receiver(self.path)
        sender.turn(NOW + 1.5)
        self.assertEqual([b"0000000000", b"0000000001", b"0000000002"], receiver.lines())
        self.assertIsNone(sender.backoff.problem)
        self.assertEqual(4, self.sent[POINTS])

    def test_udp_to_nobody_loses_nothing(self):
        receiver = self.receiver()
        sender = self.datagrams("", receiver.address())
        port = receiver.socket.getsockname()[1]
        receiver.close()
        self.fill(3)
        sender.turn(NOW)
        self.assertEqual((3, 0), (len(self.box), self.sent[POINTS]))
        receiver = self.receiver(None, port)
        sender.turn(sender.due(NOW))
        self.assertEqual(3, len(receiver.lines()))

    def test_udp_gets_some_at_a_time(self):
        receiver = self.receiver()
        sender = self.datagrams("", receiver.address())
        self.fill(UDP_AT_ONCE + 1, UDP_PACKED - 1)
        sender.turn(NOW)
        self.assertEqual(UDP_AT_ONCE, len(receiver.datagrams()))
        self.assertEqual(NOW + UDP_PAUSE_S, sender.due(NOW))
        sender.turn(NOW + UDP_PAUSE_S / 2)
        self.assertEqual([], receiver.datagrams())
        sender.turn(NOW + UDP_PAUSE_S)
        self.assertEqual(1, len(receiver.datagrams()))

    def test_udp_is_left_as_soon_as_the_unix_socket_is_there(self):
        udp = self.receiver()
        sender = self.datagrams(self.path, udp.address())
        self.fill(1)
        sender.turn(NOW)
        self.assertEqual(1, len(udp.lines()))
        unix = self.receiver(self.path)
        self.fill(1)
        sender.turn(NOW)
        self.assertEqual((1, []), (len(unix.lines()), udp.lines()))

    def test_a_path_that_is_none_is_a_problem_and_no_crash(self):
        sender = self.datagrams("/" + "x" * 200, "")
        self.fill(1)
        sender.turn(NOW)
        self.assertRegex(sender.backoff.problem, "path too long")
