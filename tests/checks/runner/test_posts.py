import collections
import json
import unittest

from runner.outbox import POINTS, Outbox
from runner.posts import BODY_MAX, Posts
from tests.checks.runner.fakes import Clock, Http, turn_until


class PostsTest(unittest.TestCase):
    def setUp(self):
        self.clock = Clock()
        self.sent, self.given_up = collections.Counter(), collections.Counter()
        self.box = Outbox(8 << 20, self.given_up)

    def server(self, *answers):
        server = Http(*answers)
        self.addCleanup(server.close)
        return server

    def posts(self, *servers, key=""):
        posts = Posts([server.url for server in servers], key, "1", self.box, self.sent,
                      self.given_up)
        self.addCleanup(posts.close)
        return posts

    def fill(self, *items):
        for item in items:
            self.box.add(POINTS, json.dumps(item).encode())

    def send(self, posts):
        turn_until(posts, self.clock, posts.is_idle)

    def series(self, server):
        return [json.loads(body)["series"] for _, _, body in server.requests]

    def test_what_waits_is_one_body(self):
        server = self.server(202)
        posts = self.posts(server, key="secret")
        self.fill(1, 2, 3)
        self.assertEqual(3, posts.waiting())
        self.send(posts)
        self.assertEqual(([[1, 2, 3]], {POINTS: 3}), (self.series(server), self.sent))
        path, headers, _ = server.requests[0]
        self.assertEqual(("/api/v1/series", "secret", "heeler-checks/1"),
                         (path, headers["DD-APPLICATION-KEY"], headers["User-Agent"]))
        self.assertIsNone(posts.due(self.clock.now))

    def test_bodies_are_bounded(self):
        server = self.server(202)
        self.fill(*["x" * 1000] * 5000)
        self.send(self.posts(server))
        self.assertEqual(5000, self.sent[POINTS])
        self.assertEqual(3, len(server.requests))
        self.assertTrue(all(len(body) < BODY_MAX + 100 for _, _, body in server.requests))

    def test_a_server_with_too_much_to_do_is_tried_again(self):
        for status in (503, 429, 500, 403, 404, 408):
            server = self.server(status, status, 202)
            begin = self.clock.now
            posts = self.posts(server)
            self.fill(status)
            self.send(posts)
            self.assertEqual([[status]] * 3, self.series(server))
            self.assertEqual(1.5, self.clock.now - begin)
        self.assertEqual(({}, 6), (self.given_up, self.sent[POINTS]))

    def test_how_long_to_wait_is_heard(self):
        server = self.server(b"HTTP/1.1 429 X\r\nRetry-After: 4\r\n\r\n", 202)
        self.fill(1)
        self.send(self.posts(server))
        self.assertEqual(Clock.now + 4, self.clock.now)

    def test_another_address_is_tried(self):
        gone, server = self.server(202), self.server(202)
        posts = self.posts(gone, server)
        gone.close()
        self.fill(1)
        self.send(posts)
        self.assertEqual([[1]], self.series(server))

    def test_a_bad_point_takes_no_other_with_it(self):
        def judge(body):
            return 400 if b'"bad"' in body else 202
        server = self.server(judge)
        self.fill(*range(10), "bad", *range(10, 20), "bad")
        posts = self.posts(server)
        self.send(posts)
        self.assertEqual((20, {"refused": 2}), (self.sent[POINTS], self.given_up))
        self.assertEqual("/api/v1/series: {}", posts.refusal)
        self.assertEqual(Clock.now, self.clock.now)

    def test_of_documents_the_newest_of_a_path_is_sent_before_series(self):
        server = self.server(503, 202)
        posts = self.posts(server)
        self.fill(1)
        posts.post("/status", b"1")
        posts.post("/status", b"2")
        self.send(posts)
        self.assertEqual([("/status", b"2"), ("/status", b"2"),
                          ("/api/v1/series", b'{"series":[1]}')],
                         [(path, body) for path, _, body in server.requests])

    def test_a_newer_document_replaces_one_that_failed(self):
        server = self.server(503, 202)
        posts = self.posts(server)
        posts.post("/status", b"1")
        turn_until(posts, self.clock, lambda: posts.backoff.problem)
        posts.post("/status", b"2")
        self.send(posts)
        self.assertEqual([b"1", b"2"], [body for _, _, body in server.requests])

    def test_a_server_that_knows_no_such_document_gets_the_series(self):
        for status in (404, 405):
            server = self.server(status, 202)
            posts = self.posts(server)
            self.fill(1)
            posts.post("/status", b"1")
            self.send(posts)
            self.assertEqual(["/status", "/api/v1/series"],
                             [path for path, _, _ in server.requests])
            self.assertEqual("/status: {}", posts.refusal)
        self.assertEqual(Clock.now, self.clock.now)

    def test_without_addresses_nothing_waits(self):
        posts = self.posts()
        posts.post("/status", b"1")
        self.assertTrue(posts.is_idle())
