import select
import socket
import unittest

from runner.addresses import http_target
from runner.exchange import SILENT_MAX_S, Answer, Exchange, Failure
from tests.checks.runner.fakes import PATIENCE_S, Folder, Http

NOW = 1000.0
BODY = b'{"x":1}'


class ExchangeTest(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.close)

    def exchange(self, url, body=BODY):
        exchange = Exchange(http_target(url), "/path", body, {"X-A": "b"}, NOW)
        self.addCleanup(exchange.close)
        return exchange

    def whole(self, exchange):
        while (answer := exchange.step(NOW)) is None:
            self.assertTrue(select.select(*self.waits(exchange), PATIENCE_S))
        return answer

    def waits(self, exchange):
        fd, events = exchange.watched()
        return ([fd], [], []) if events == select.POLLIN else ([], [fd], [])

    def server(self, answer, path=None):
        server = Http(answer, path=path)
        self.addCleanup(server.close)
        return server

    def test_a_request_and_its_answer(self):
        for path in (None, self.folder.file("http.sock")):
            server = self.server(b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\n"
                                 b"Content-Length: 2\r\n\r\nno", path)
            self.assertEqual(Answer(429, 7, "no"), self.whole(self.exchange(server.url)))
            (at, headers, body), = server.requests
            self.assertEqual(("/path", BODY, "b", "application/json", "close"), (
                at, body, headers["X-A"], headers["Content-Type"], headers["Connection"]))

    def test_a_large_body_goes_in_parts(self):
        server = self.server(202)
        body = b"x" * (8 << 20)
        self.assertEqual(202, self.whole(self.exchange(server.url, body)).status)
        self.assertEqual(body, server.requests[0][2])

    def test_answers_that_are_none(self):
        for said in (b"220 mail.example.com ESMTP\r\n", b"", b"HTTP/1.1\r\n\r\n"):
            with self.assertRaisesRegex(Failure, "none of HTTP"):
                self.whole(self.exchange(self.server(said).url))

    def test_an_answer_without_a_length_ends_with_the_connection(self):
        server = self.server(b"HTTP/1.0 200 OK\r\n\r\nwhole")
        self.assertEqual(Answer(200, 0, "whole"), self.whole(self.exchange(server.url)))

    def test_nobody_is_there(self):
        with socket.create_server(("127.0.0.1", 0)) as gone:
            url = "http://127.0.0.1:%d" % gone.getsockname()[1]
        with self.assertRaisesRegex(Failure, "Connection refused"):
            self.whole(self.exchange(url))
        for path, why in ((self.folder.file("none"), "No such file"), ("x" * 200, "too long")):
            with self.assertRaisesRegex(Failure, why):
                self.exchange("unix:" + path)

    def test_a_server_that_says_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            exchange = self.exchange("http://127.0.0.1:%d" % silent.getsockname()[1])
            exchange.step(NOW)
            self.assertIsNone(exchange.step(NOW + SILENT_MAX_S - 1))
            with self.assertRaisesRegex(Failure, "no answer for 10 s"):
                exchange.step(NOW + 3 * SILENT_MAX_S)
