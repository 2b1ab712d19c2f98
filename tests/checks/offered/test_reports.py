import copy
import unittest

from tests.checks.offered.recording import RecordedTest

import aggregator
from datadog_checks.base import AgentCheck


class Namespaced(AgentCheck):
    __NAMESPACE__ = "ns"


class ServiceCheckTest(RecordedTest):
    def test_both_orders(self):
        cases = (
            # arguments, named, (name, status, tags, hostname, message), why
            (("s", 0), {}, ("s", 0, [], None, ""), "the least"),
            (("s", 1, ["a"], "h", "text"), {}, ("s", 1, ["a"], "h", "text"), "today's order"),
            (("s", 1), {"tags": ["a"], "hostname": "h", "message": "text"},
             ("s", 1, ["a"], "h", "text"), "by names"),
            (("s", 1, ["a"], None, "text"), {}, ("s", 1, ["a"], None, "text"),
             "no host: today's order, of which this is much the more usual"),
            (("s", 1, None, None, None, False), {}, ("s", 1, [], None, ""), "all six"),
            (("s", 1, ["a"], 1700000000), {}, ("s", 1, ["a"], None, ""), "Agent 5's timestamp"),
            (("s", 1, ["a"], 1700000000.5, "h", 7, "text"), {}, ("s", 1, ["a"], "h", "text"),
             "Agent 5's order"),
            (("s", 1, ["a"], None, "h", None, "text"), {}, ("s", 1, ["a"], "h", "text"),
             "Agent 5's: only it has seven"),
            (("s", 1, ["a"], None, "h", None), {}, ("s", 1, ["a"], "h", ""),
             "Agent 5's: today's sixth is True or False"),
            ((), {"check_name": "s", "status": 2, "timestamp": 1, "check_run_id": 5,
                  "message": b"text"}, ("s", 2, [], None, "text"), "Agent 5's names"),
            (("s", 3, [b"a", None]), {}, ("s", 3, ["a"], None, ""), "tags as of metrics"),
        )
        for args, named, expected, why in cases:
            with self.subTest(why):
                self.recorder.reset()
                check = AgentCheck("n", {}, [{}])
                check.check_id = "n:1"
                check.service_check(*args, **named)
                self.assertEqual([("n:1", *expected)], self.recorder.service_checks)

    def test_namespace(self):
        check = Namespaced("n", {}, [{}])
        check.service_check("s", check.OK)
        check.service_check("s", check.OK, raw=True)
        check.service_check("s", check.OK, None, None, None, True)
        self.assertEqual(["ns.s", "s", "s"], [one.name for one in self.recorder.service_checks])

    def test_statuses(self):
        check = AgentCheck("n", {}, [{}])
        for status in (-1, 4, 200):
            check.service_check("s", status)
        self.assertEqual([], self.recorder.service_checks)
        self.assertEqual(["status of a service check out of 0 to 3"] * 3, self.recorder.reasons)
        for status in ("OK", True, 1.0, None):
            with self.assertRaises(TypeError):
                check.service_check("s", status)

    def test_without_a_name(self):
        AgentCheck("n", {}, [{}]).service_check("", 0)
        self.assertEqual(["service check without a name"], self.recorder.reasons)

    def test_what_it_does_not_take(self):
        check = AgentCheck("n", {}, [{}])
        for args, named in ((("s",), {}), ((), {"status": 0}), (("s", 0), {"host": "h"}),
                            (("s", 0, [], 1, "h", 7, "m", 8), {})):
            with self.assertRaisesRegex(TypeError, "service_check"):
                check.service_check(*args, **named)

    def test_secrets_are_not_in_the_message(self):
        check = AgentCheck("n", {}, [{}])
        check.register_secret("hunter")
        check.register_secret(b"hunter2")
        check.register_secret("")
        check.service_check("s", 2, message="login as root:hunter2, then root:hunter")
        self.assertEqual("login as root:********, then root:********",
                         self.recorder.service_checks[0].message)


class EventTest(RecordedTest):
    def sent(self, event, kind=AgentCheck):
        self.recorder.reset()
        before = copy.deepcopy(event)
        kind("n", {}, [{}]).event(event)
        self.assertEqual(before, event, "the check's dictionary stays as it is")
        return self.recorder.events[0]

    def test_the_documented_one(self):
        event = {"timestamp": 1700000000, "event_type": "Error", "msg_title": "Example Event",
                 "msg_text": "This is an example", "aggregation_key": "k", "alert_type": "error",
                 "source_type_name": "sys", "host": "h", "tags": ["a"], "priority": "low"}
        self.assertEqual(event, self.sent(event))

    def test_rules(self):
        cases = (
            # event, key, value, why
            ({"timestamp": 1700000000.9}, "timestamp", 1700000000, "made int"),
            ({"timestamp": "1700000000"}, "timestamp", 1700000000, "of a text, too"),
            ({}, "timestamp", None, "of now"),
            ({"timestamp": None}, "timestamp", None, "of now"),
            ({"api_key": "secret"}, "api_key", None, "has no place"),
            ({"unknown": 1}, "unknown", None, "nor what nobody knows"),
            ({"msg_title": b"t\xc3\xa9"}, "msg_title", "té", "bytes are decoded"),
            ({"aggregation_key": 5}, "aggregation_key", "5", "texts are texts"),
            ({"priority": None}, "priority", None, "None is not sent"),
            ({}, "tags", [], "always a list"),
            ({"tags": [None, b"a"]}, "tags", ["a"], "as of metrics"),
            ({}, "host", None, "the server's own"),
        )
        for event, key, expected, why in cases:
            with self.subTest(why):
                self.assertEqual(expected, self.sent({"msg_title": "t", **event}).get(key))

    def test_source_type_name_is_the_namespace(self):
        self.assertNotIn("source_type_name", self.sent({"msg_title": "t"}))
        self.assertEqual("ns", self.sent({"msg_title": "t"}, Namespaced)["source_type_name"])
        self.assertEqual("own", self.sent({"source_type_name": "own"}, Namespaced)
                         ["source_type_name"])

    def test_what_it_does_not_take(self):
        for event, error in ((None, TypeError), ("text", TypeError),
                             ({"timestamp": "soon"}, ValueError)):
            with self.assertRaises(error):
                AgentCheck("n", {}, [{}]).event(event)


class NotExpressibleTest(RecordedTest):
    def test_is_counted(self):
        check = AgentCheck("n", {}, [{}])
        for call in (check.database_monitoring_query_sample,
                     check.database_monitoring_query_metrics,
                     check.database_monitoring_query_activity,
                     check.database_monitoring_metadata):
            call("{}")
        check.event_platform_event("{}", "any")
        check.send_log({"message": "m"})
        aggregator.submit_event_platform_event(check, "n:1", "{}", "any")
        self.assertEqual(["event of the event platform"] * 5 + ["log line of a check"] +
                         ["event of the event platform"], self.recorder.reasons)
        check.service_metadata("a", "b")


if __name__ == "__main__":
    unittest.main()
