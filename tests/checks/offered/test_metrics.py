import math
import unittest
from decimal import Decimal

from tests.checks.offered.recording import RecordedTest

import aggregator
from datadog_checks.base import AgentCheck, ConfigurationError


class Namespaced(AgentCheck):
    __NAMESPACE__ = "ns"


def check_with(**instance):
    check = AgentCheck("name", {}, [instance])
    check.check_id = "name:1"
    return check


class MethodsTest(RecordedTest):
    def test_each_has_its_type(self):
        check = check_with()
        for number, method in enumerate((check.gauge, check.rate, check.count,
                                         check.monotonic_count, check.increment, check.histogram,
                                         check.historate)):
            method("m", 2)
            sample = self.recorder.metrics[-1]
            self.assertEqual(("name:1", number, "m", 2.0, [], None, False), sample)
            self.assertIs(float, type(sample.value))

    def test_arguments(self):
        check = check_with()
        check.gauge("m", 1, ["b", "a", "b"], "other", "sda")
        check.gauge("m", 1, tags=("b", "a"), hostname=b"other", device_name="sda")
        check.monotonic_count("m", 1, flush_first_value=True)
        first, second, third = self.recorder.metrics
        self.assertEqual((["device:sda", "b", "a", "b"], "other"), (first.tags, first.hostname))
        self.assertEqual((["device:sda", "b", "a"], "other"), (second.tags, second.hostname))
        self.assertTrue(third.flush_first_value)

    def test_increment_and_decrement(self):
        check = check_with()
        check.increment("m")
        check.decrement("m")
        check.increment("m", 5, tags=["a"])
        self.assertEqual([1.0, -1.0, 5.0], [sample.value for sample in self.recorder.metrics])
        self.assertEqual({aggregator.COUNTER}, {sample.mtype for sample in self.recorder.metrics})
        self.assertEqual(1, len(check.get_warnings()), "one warning for an object, ever")
        check.decrement("m")
        self.assertEqual([], check.get_warnings())
        other = check_with()
        other.decrement("m")
        self.assertEqual(1, len(other.get_warnings()))

    def test_agent_5s_timestamp(self):
        check = check_with()
        check.gauge("m", 1, ["a"], None, None, 1700000000)
        check.gauge("m", 1, timestamp=1700000000.5)
        check.gauge("m", 1, None, None, None, None)
        self.assertEqual(["m"] * 3, [sample.name for sample in self.recorder.metrics])
        self.assertEqual(1, len(self.said()), "said once")
        self.assertEqual([], check.get_warnings(), "which is no warning of the run")

    def test_histogram_bucket(self):
        check = Namespaced("n", {}, [{}])
        check.check_id = "n:1"
        check.submit_histogram_bucket("b", "3", 0.5, 1, True, None, ["a"])
        check.submit_histogram_bucket("b", 3.9, 0.5, math.inf, False, "h", [], raw=True,
                                      flush_first_value=True)
        check.submit_histogram_bucket("b", "x", 0, 1, True, None, [])
        self.assertEqual([("n:1", "ns.b", 3, 0.5, 1.0, True, None, ["a"], False),
                          ("n:1", "b", 3, 0.5, math.inf, False, "h", [], True)],
                         self.recorder.histogram_buckets)
        self.assertEqual(1, len(check.get_warnings()))


class ValuesTest(RecordedTest):
    def test_values(self):
        cases = (
            # value, what is submitted, why
            (None, [], "ignored silently"),
            (True, [1.0], "float() takes it"),
            ("1.5", [1.5], "a text that is a number"),
            (b"2", [2.0], "bytes, too"),
            (Decimal("0.1"), [0.1], "what databases give"),
            (math.inf, [math.inf], "the sampler's to refuse"),
            (2**70, [float(2**70)], "a large whole number"),
        )
        for value, expected, why in cases:
            with self.subTest(why):
                self.recorder.reset()
                check = check_with()
                check.gauge("m", value)
                self.assertEqual(expected, [sample.value for sample in self.recorder.metrics])
                self.assertEqual([], check.get_warnings())

    def test_nan_is_left_to_the_sampler(self):
        check_with().gauge("m", math.nan)
        self.assertTrue(math.isnan(self.recorder.metrics[0].value))

    def test_a_text_that_is_no_number(self):
        check = check_with()
        check.gauge("n", "x")
        check.gauge("m", 1)
        self.assertEqual(["m"], [sample.name for sample in self.recorder.metrics])
        self.assertEqual(["Metric: 'n' has non float value: 'x'. Only float values can be "
                          "submitted as metrics."], check.get_warnings())

    def test_a_text_that_is_no_number_in_a_unit_test(self):
        aggregator.install(None)
        with self.assertRaisesRegex(ValueError, "non float value"):
            check_with().gauge("n", "x")

    def test_a_value_of_another_type_fails_the_run(self):
        for value in ([], {}, object()):
            with self.assertRaises(TypeError):
                check_with().gauge("m", value)

    def test_what_is_kept_without_a_recorder(self):
        aggregator.install(None)
        aggregator.kept.reset()
        check_with().gauge("m", 1)
        self.assertEqual("m", aggregator.kept.metrics[0].name)
        aggregator.kept.reset()


class NamesTest(RecordedTest):
    def test_namespace(self):
        check = Namespaced("n", {}, [{}])
        check.gauge("m", 1)
        check.gauge("m", 1, raw=True)
        check.gauge(b"m", 1)
        check.gauge("m", 1, None, None, None, True)
        self.assertEqual(["ns.m", "m", "ns.m", "m"], [one.name for one in self.recorder.metrics])

    def test_no_names(self):
        for name in (None, 5, ["m"]):
            with self.assertRaises(TypeError):
                check_with().gauge(name, 1)
        check_with().gauge("", 1)
        self.assertEqual(([], ["metric without a name"]),
                         (self.recorder.metrics, self.recorder.reasons))

    def test_patterns(self):
        names = ("cpu.user", "cpu.system", "mem.free", "ns.cpu")
        cases = (
            # patterns, what is left, why
            ({}, names, "no pattern"),
            ({"include": ["cpu"]}, ("cpu.user", "cpu.system", "ns.cpu"), "found anywhere"),
            ({"include": ["^cpu"]}, ("cpu.user", "cpu.system"), "unless it says where"),
            ({"exclude": ["user", "free"]}, ("cpu.system", "ns.cpu"), "either of two"),
            ({"include": ["cpu"], "exclude": ["user"]}, ("cpu.system", "ns.cpu"),
             "what is excluded is, whatever is included"),
            ({"include": ["a|cpu.u", "m"]}, ("cpu.user", "cpu.system", "mem.free"),
             "each is an expression of its own"),
            ({"include": []}, names, "an empty list is none"),
        )
        for patterns, expected, why in cases:
            with self.subTest(why):
                self.recorder.reset()
                check = check_with(metric_patterns=patterns)
                for name in names:
                    check.gauge(name, 1)
                self.assertEqual(list(expected), [one.name for one in self.recorder.metrics])

    def test_patterns_are_of_the_name_with_its_namespace(self):
        check = Namespaced("n", {}, [{"metric_patterns": {"include": [r"^ns\.a"]}}])
        check.gauge("a", 1)
        check.gauge("a", 1, raw=True)
        check.submit_histogram_bucket("a", 1, 0, 1, True, None, [])
        check.submit_histogram_bucket("b", 1, 0, 1, True, None, [])
        self.assertEqual(["ns.a"], [sample.name for sample in self.recorder.metrics])
        self.assertEqual(["ns.a"], [one.name for one in self.recorder.histogram_buckets])

    def test_wrong_patterns_are_refused(self):
        for patterns, word in (({"include": ["a", "("]}, "include: number 2"),
                               ({"exclude": "a"}, "exclude has to be a list"),
                               ({"exclude": [5]}, "exclude: number 1"),
                               (["a"], "has to be a map")):
            with self.assertRaisesRegex(ConfigurationError, word):
                check_with(metric_patterns=patterns)


class TagsTest(RecordedTest):
    def test_tags(self):
        cases = (
            # tags, what is left, lines in the log, why
            (None, [], 0, "none"),
            ([], [], 0, "none"),
            (("a", "b"), ["a", "b"], 0, "a tuple"),
            (["b", "a", "b"], ["b", "a", "b"], 0, "not sorted, and nothing taken out"),
            ([None, "a", None], ["a"], 0, "None is skipped without a word"),
            ([b"a:\xc3\xa9", "a:é"], ["a:é", "a:é"], 0, "bytes are decoded"),
            ([b"\xff", "a"], ["a"], 1, "bytes that are no UTF-8"),
            ([5, "a", ["x"]], ["a"], 2, "no texts"),
            ("env:prod", ["env:prod"], 1, "a text instead of a list"),
            ({"a"}, ["a"], 0, "a set"),
            ((tag for tag in ["a"]), ["a"], 0, "a generator"),
        )
        for tags, expected, lines, why in cases:
            with self.subTest(why):
                self.recorder.reset()
                self.agent.lines.clear()
                check_with().gauge("m", 1, tags=tags)
                self.assertEqual([expected], [one.tags for one in self.recorder.metrics])
                self.assertEqual(lines, len(self.said()))

    def test_the_checks_list_stays_its_own(self):
        tags = ["a"]
        check = check_with(service="web")
        check.gauge("m", 1, tags=tags, device_name="sda")
        check.service_check("s", 0, tags=tags)
        check.event({"msg_title": "t", "tags": tags})
        self.assertEqual(["a"], tags)
        self.recorder.metrics[0].tags.append("z")
        self.assertEqual(["a"], tags)

    def test_generic_tags(self):
        tags = ["host:h", "hosts:h", "cluster:c", "cluster", "a:host:b"]
        for word, expected in ((False, tags), (True, ["name_host:h", "hosts:h", "name_cluster:c",
                                                      "cluster", "a:host:b"])):
            self.recorder.reset()
            check = check_with(disable_generic_tags=word, service="web")
            check.gauge("m", 1, tags=tags)
            check.service_check("s", 0, tags=tags)
            check.event({"msg_title": "t", "tags": tags})
            for sent in (self.recorder.metrics[0].tags, self.recorder.service_checks[0].tags,
                         self.recorder.events[0]["tags"]):
                self.assertEqual([*expected, "service:web"], sent)

    def test_tags_of_the_instance_are_not_added(self):
        check_with(tags=["a:b"]).gauge("m", 1)
        self.assertEqual([], self.recorder.metrics[0].tags)


class InstanceTest(RecordedTest):
    """What the Agent's sender adds, on metrics, service checks and events alike."""

    def submitted(self, check):
        self.recorder.reset()
        check.gauge("m", 1, tags=["a"])
        check.service_check("s", 0, tags=["a"])
        check.event({"msg_title": "t", "tags": ["a"]})
        return [(self.recorder.metrics[0].tags, self.recorder.metrics[0].hostname),
                (self.recorder.service_checks[0].tags, self.recorder.service_checks[0].hostname),
                (self.recorder.events[0]["tags"], self.recorder.events[0]["host"])]

    def test_service(self):
        cases = (
            # init_config, instance, service tags, why
            ({}, {"service": "web"}, ["service:web"], "the instance's"),
            ({"service": "all"}, {}, ["service:all"], "init_config's"),
            ({"service": "all"}, {"service": "web"}, ["service:web"], "the instance's before"),
            ({}, {"service": ""}, [], "an empty one is none"),
            ({}, {}, [], "none"),
        )
        for init_config, instance, expected, why in cases:
            with self.subTest(why):
                for tags, host in self.submitted(AgentCheck("n", init_config, [instance])):
                    self.assertEqual((["a", *expected], None), (tags, host))

    def test_no_host(self):
        for word, host in ((True, ""), (False, None)):
            check = check_with(empty_default_hostname=word)
            self.assertEqual({host}, {host for _, host in self.submitted(check)})
        check = check_with(empty_default_hostname=True)
        check.gauge("named", 1, hostname="other")
        self.assertEqual("other", self.recorder.metrics[-1].hostname)

    def test_a_check_that_changes_its_instance(self):
        check = check_with(service="web")
        check.instance = {}
        check.instances[0]["service"] = "other"
        self.assertIn("service:web", self.submitted(check)[0][0])

    def test_a_call_of_the_module_itself(self):
        check = check_with(service="web")
        aggregator.submit_metric(check, "i", aggregator.GAUGE, "m", 1, None, "")
        self.assertEqual(("i", 0, "m", 1.0, ["service:web"], None, False),
                         self.recorder.metrics[0])
        aggregator.submit_metric(None, "i", aggregator.GAUGE, "m", 1, ["a"], "h", True)
        self.assertEqual(("i", 0, "m", 1.0, ["a"], "h", True), self.recorder.metrics[1])
        with self.assertRaisesRegex(ValueError, "no type"):
            aggregator.submit_metric(None, "i", 7, "m", 1, [], "")


class LimitTest(RecordedTest):
    def run_of(self, check, contexts):
        for number in range(contexts):
            check.gauge("m", 1, tags=[f"n:{number}"])
            check.gauge("m", 2, tags=[f"n:{number}"])
        check._heeler.limit.reset()   # as run() does

    def test_contexts_of_a_run(self):
        check = check_with(max_returned_metrics=2)
        for _ in range(2):
            self.recorder.reset()
            self.run_of(check, 4)
            self.assertEqual(4, len(self.recorder.metrics), "two contexts, two samples each")
            self.assertEqual(["max_returned_metrics"] * 4, self.recorder.reasons)
            self.assertEqual(1, len(check.get_warnings()), "one for each run")

    def test_which_limit(self):
        class Limited(AgentCheck):
            DEFAULT_METRIC_LIMIT = 3
        cases = (
            # class, instance, contexts that pass of 5, why
            (AgentCheck, {}, 5, "no limit"),
            (AgentCheck, {"max_returned_metrics": 0}, 5, "0 is none"),
            (AgentCheck, {"max_returned_metrics": "2"}, 2, "a text that is a number"),
            (AgentCheck, {"max_returned_metrics": "x"}, 5, "what is no number is the default"),
            (Limited, {}, 3, "the class's"),
            (Limited, {"max_returned_metrics": 4}, 4, "the instance's"),
            (Limited, {"max_returned_metrics": 0}, 3, "0 is the class's"),
            (Limited, {"max_returned_metrics": -1}, 3, "so is less"),
        )
        for kind, instance, expected, why in cases:
            with self.subTest(why):
                self.recorder.reset()
                self.run_of(kind("n", {}, [instance]), 5)
                self.assertEqual(expected * 2, len(self.recorder.metrics))


if __name__ == "__main__":
    unittest.main()
