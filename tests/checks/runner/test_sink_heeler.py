"""The sink, a real server, and a fake intake behind it: what arrives there is what was meant.

HEELER is the built program; without one this is skipped.
"""

import os
import pathlib
import sys
import time
import unittest

from runner.point import COUNT, GAUGE, RATE, Point
from runner.sink import Sink
from tests.checks.runner.fakes import PATIENCE_S, Folder, settings

TOP = pathlib.Path(__file__).resolve().parent.parent.parent.parent
HEELER = os.environ.get("HEELER") or str(TOP / "build/heeler")
LONG = tuple(f"k{i:02d}:" + "v" * 150 for i in range(60))

# (a point, as it is known at the intake: name, host, tags, resources, interval)
SENT = [
    ((GAUGE, "g", 0.1 + 0.2, ("a:b", "device:sda"), None), ("g", "own", ("a:b",),
                                                           (("device", "sda"),), 10)),
    ((GAUGE, "g.host", 1e300, ("x",), "other"), ("g.host", "other", ("x",), (), 10)),
    ((GAUGE, "g.none", -5e-324, (), ""), ("g.none", "", (), (), 10)),
    ((GAUGE, "g:o|d\n", 2.0, ("a,b", "c|d\n"), None), ("g_o_d_", "own", ("a_b", "c_d_"), (), 10)),
    ((GAUGE, "_score", 3.0, ("host:named",), None), ("score", "named", (), (), 10)),
    ((GAUGE, "g.long", 4.0, LONG, None), ("g.long", "own", LONG, (), 0)),
    ((COUNT, "c", 13.5, ("a:b", "device:sda"), None), ("c", "own", ("a:b",),
                                                       (("device", "sda"),), 0)),
    ((COUNT, "c.host", 1e15 + 1, (), "other"), ("c.host", "other", (), (), 0)),
    ((COUNT, "c.none", 1 / 3, (), ""), ("c.none", "", (), (), 0)),
    ((COUNT, "c:o|d\n", 2.0, ("a,b", "c|d\n"), None), ("c_o_d_", "own", ("a_b", "c_d_"), (), 0)),
    ((RATE, "h.count", 6.0, ("a",), None), ("h.count", "own", ("a",), (), 1)),
]


@unittest.skipUnless(os.access(HEELER, os.X_OK), "there is no heeler")
class SinkHeelerTest(unittest.TestCase):
    def setUp(self):
        sys.path.insert(0, str(TOP / "tests/model"))
        self.addCleanup(sys.path.pop, 0)
        from intake import Intake
        from server import Server
        folder = Folder()
        self.addCleanup(folder.close)
        self.intake = Intake().start()
        self.addCleanup(self.intake.stop)
        self.socket, self.http = folder.file("dsd.socket"), folder.file("http.socket")
        self.server = Server(HEELER, {
            "dd_url": self.intake.url, "hostname": "own", "dogstatsd_socket": self.socket,
            "heeler_http_listen": f"127.0.0.1:0 unix:{self.http}"})
        self.addCleanup(self.server.stop)

    def check(self, **changed):
        """What is sent by that way is what the intake gets when the server has stopped."""
        sink = Sink(settings(**changed))
        now = int(time.time())
        sink.points([Point(kind, name, value, now - age, tags, host) for age in (0, 15)
                     for (kind, name, value, tags, host), _ in SENT])
        sink.service_check("s", 2, ["a:b", "c|d"], None, "one\ntwo|three", now)
        sink.service_check("s", 1, [], "other", None, now)
        sink.service_check("s", 0, [], "", None, now)
        sink.event({"msg_title": "t|", "msg_text": "a\nb|c", "timestamp": now, "host": None,
                    "tags": ["a:b"], "priority": "low", "alert_type": "error",
                    "aggregation_key": "k", "source_type_name": "src"})
        sink.end(PATIENCE_S)
        self.assertEqual({"points": 2 * len(SENT), "service_checks": 3, "events": 1,
                          "given_up": {}, "queued": 0}, sink.counts())
        self.assertEqual(0, self.server.stop())
        self.check_points(now)
        self.check_others(now)
        self.assertEqual([], self.intake.violations + self.intake.duplicates)

    def check_points(self, now):
        for (kind, _, value, _, _), (name, host, tags, resources, interval) in SENT:
            for age in (0, 15):
                key = (name, host, tags, resources, kind, now - age)
                self.assertEqual(value, self.intake.points.get(key), key)
                self.assertEqual(interval, self.intake.intervals[key], key)

    def check_others(self, now):
        checks = [(check["host_name"], check["status"], check["message"], check["tags"],
                   check["timestamp"]) for check in self.intake.checks]
        self.assertEqual(sorted([("own", 2, "one\\ntwo/three", ["a:b", "c_d"], now),
                                 ("other", 1, "", [], now), ("", 0, "", [], now)]), sorted(checks))
        event, = self.intake.events
        self.assertEqual(
            ("t|", "a\nb|c", now, "own", ["a:b"], "low", "error", "k", "src"),
            tuple(event[key] for key in (
                "msg_title", "msg_text", "timestamp", "host", "tags", "priority", "alert_type",
                "aggregation_key", "source_type_name")))

    def test_by_the_unix_socket_and_http_over_one(self):
        self.check(dogstatsd_socket=self.socket, http=[f"unix:{self.http}"])

    def test_by_udp_and_http_over_tcp(self):
        self.check(dogstatsd_address=f"127.0.0.1:{self.server.udp_port}",
                   http=[f"http://127.0.0.1:{self.server.http_port}"])
