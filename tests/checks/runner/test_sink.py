import json
import unittest

from runner.point import COUNT, GAUGE, RATE, Point
from runner.sink import MOVING_S, TOLD_S, Sink
from tests.checks.runner.fakes import Clock, Folder, Http, Receiver, settings, turn_until

T = 1700000000


def point(kind=GAUGE, name="m", tags=()):
    return Point(kind, name, 1.0, T, tags, None)


class SinkTest(unittest.TestCase):
    def setUp(self):
        folder = Folder()
        self.addCleanup(folder.close)
        self.path = folder.file("dsd.socket")
        self.receiver = Receiver(self.path)
        self.addCleanup(self.receiver.close)
        self.http = Http(202)
        self.addCleanup(self.http.close)
        self.clock = Clock()

    def sink(self, box_bytes=1 << 20, **changed):
        changed = {"dogstatsd_socket": self.path, "http": [self.http.url], **changed}
        sink = Sink(settings(**changed), box_bytes)
        self.addCleanup(sink.close)
        return sink

    def send(self, sink):
        turn_until(sink, self.clock, sink.is_idle)

    def posted(self):
        return [(series["metric"], series["type"]) for _, _, body in self.http.requests
                for series in json.loads(body)["series"]]

    def test_gauges_are_lines_and_counts_and_rates_are_series(self):
        sink = self.sink()
        sink.points([point(), point(COUNT, "c"), point(RATE, "r")])
        sink.service_check("s", 0, [], None, "", T)
        sink.event({"op": "event", "msg_title": "t", "msg_text": "x", "host": None})
        self.assertEqual(5, sink.counts()["queued"])
        self.send(sink)
        self.assertEqual([b"m:1.0|g|T1700000000", b"_sc|s|0|d:1700000000", b"_e{1,1}:t|x"],
                         self.receiver.lines())
        self.assertEqual([("c", COUNT), ("r", RATE)], self.posted())
        self.assertEqual({"points": 3, "service_checks": 1, "events": 1, "given_up": {},
                          "queued": 0}, sink.counts())
        self.assertEqual([], sink.problems())

    def test_gauges_are_series_where_lines_would_not_do(self):
        for changed, tags in (({"dogstatsd_socket": ""}, ()), ({}, ("x" * 9000,)),
                              ({"agent": {"dogstatsd_buffer_size": 100}}, ("x" * 90,)),
                              ({"agent": {"dogstatsd_no_aggregation_pipeline": False}}, ())):
            sink = self.sink(**changed)
            sink.points([point(tags=tags)])
            self.send(sink)
            self.assertEqual(([], [("m", GAUGE)]), (self.receiver.lines(), self.posted()))
            self.http.requests.clear()

    def test_what_has_nowhere_to_go_is_counted_by_reason(self):
        sink = self.sink(http=[])
        sink.points([point(COUNT), point(tags=("x" * 9000,)), point(name=""), point()])
        sink.service_check("", 0, [], None, "", T)
        sink.service_check("s", 0, ["x" * 9000], None, "", T)
        self.assertEqual({"no_http": 1, "too_long": 2, "no_name": 2}, sink.counts()["given_up"])
        sink = self.sink(dogstatsd_socket="")
        sink.event({"msg_title": "t"})
        self.assertEqual({"no_socket": 1}, sink.counts()["given_up"])

    def test_a_server_that_is_away_costs_the_oldest_and_no_memory(self):
        self.receiver.close()
        sink = self.sink(20_000)
        for second in range(1000):
            sink.points([Point(GAUGE, "m", 1.0, T + second, (), None)])
            sink.turn(self.clock.now)
        counts = sink.counts()
        self.assertEqual(1000, counts["queued"] + counts["given_up"]["queue_full"])
        self.assertTrue(100 < counts["queued"] < 200)
        self.assertRegex(sink.problems()[0], "lines cannot be sent to /.*dsd.socket: ")
        self.receiver = Receiver(self.path)
        self.addCleanup(self.receiver.close)
        self.send(sink)
        lines = self.receiver.lines()
        self.assertEqual((counts["queued"], b"m:1.0|g|T%d" % (T + 999)), (len(lines), lines[-1]))

    def test_it_is_busy_while_much_waits_on_a_way_that_moves(self):
        for kind, server in ((GAUGE, self.receiver), (COUNT, self.http)):
            points = [Point(kind, "m", 1.0, T, ("x" * 900,), None)] * 15
            sink = self.sink(20_000)
            sink.points(points)
            self.assertFalse(sink.is_busy())        # who knows whether there is a server
            turn_until(sink, self.clock, lambda: sink.counts()["points"])
            sink.points(points)
            self.assertTrue(sink.is_busy())
            server.close()
            self.clock.now += MOVING_S
            turn_until(sink, self.clock, sink.problems)
            self.assertFalse(sink.is_busy())

    def test_a_refusal_is_told_for_some_time(self):
        self.http.answers[0] = 400
        sink = self.sink()
        sink.points([point(COUNT)])
        self.send(sink)
        self.assertEqual(["the server refused what was sent: /api/v1/series: {}"], sink.problems())
        self.assertEqual({"refused": 1}, sink.counts()["given_up"])
        sink.turn(self.clock.now + TOLD_S)
        self.assertEqual([], sink.problems())

    def test_the_end_sends_what_waits(self):
        sink = self.sink()
        sink.points([point(), point(COUNT, "c")])
        sink.post("/api/v1/checks/status", b"{}")
        sink.end(60)
        self.assertEqual((1, 2), (len(self.receiver.lines()), len(self.http.requests)))

    def test_the_end_does_not_wait_for_a_server_that_is_away(self):
        self.receiver.close()
        sink = self.sink()
        sink.points([point()])
        sink.end(0.01)
        self.assertEqual(1, sink.counts()["queued"])

    def test_an_address_that_is_none_is_named(self):
        with self.assertRaisesRegex(ValueError, "example.com:8125 is no address"):
            self.sink(dogstatsd_address="example.com:8125")
