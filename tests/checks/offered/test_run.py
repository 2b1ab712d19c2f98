import json
import sys
import unittest

from tests.checks.offered.recording import RecordedTest

from checks import AgentCheck


class Run(AgentCheck):
    """Does what a test gives it as `work`."""

    def check(self, instance):
        self.work(self, instance)


def check_of(work, *args):
    check = Run("n", *(args or ({}, [{}])))
    check.work, check.check_id = work, "n:1"
    return check


class RunTest(RecordedTest):
    def failure(self, check):
        result = json.loads(check.run())
        self.assertEqual(1, len(result))
        self.assertEqual({"message", "traceback"}, set(result[0]))
        return result[0]

    def test_a_good_run(self):
        check = check_of(lambda self, instance: self.gauge("m", 1))
        self.assertEqual("", check.run())
        self.assertEqual(["m"], [sample.name for sample in self.recorder.metrics])

    def test_the_instance_is_a_copy(self):
        def work(self, instance):
            instance["list"].append(len(instance["list"]))
            self.gauge("m", len(instance["list"]))
        check = check_of(work, {}, [{"list": []}])
        check.run()
        check.run()
        self.assertEqual([1.0, 1.0], [sample.value for sample in self.recorder.metrics])
        self.assertEqual({"list": []}, check.instance)

    def test_errors(self):
        class Wordless(Exception):
            def __str__(self):
                raise RuntimeError("no words")

        class Strange(BaseException):
            """Some libraries' time limits are such."""

        cases = (
            # what is raised, the message, why
            (ValueError("broken"), "broken", "an error"),
            (KeyError("k"), "'k'", "as it tells itself"),
            (AssertionError(), "AssertionError", "one without words has its name"),
            (SystemExit(3), "the check called sys.exit(3)", "an exit takes the run and no more"),
            (SystemExit(), "the check called sys.exit(None)", "the same"),
            (MemoryError(), "MemoryError", "the limit of memory"),
            (Strange("time"), "time", "no Exception"),
            (Wordless(), "the check failed, and its error cannot be shown", "one that fails"),
        )
        for error, message, why in cases:
            with self.subTest(why):
                def work(self, instance):
                    raise error
                self.assertEqual(message, self.failure(check_of(work))["message"])

    def test_the_traceback_names_file_and_line(self):
        def work(self, instance):
            raise ValueError("here")
        shown = self.failure(check_of(work))["traceback"]
        self.assertIn(f'File "{__file__}", line {work.__code__.co_firstlineno + 1}', shown)

        def leave(self, instance):
            sys.exit(1)
        shown = self.failure(check_of(leave))["traceback"]
        self.assertIn(f"line {leave.__code__.co_firstlineno + 1}", shown)

    def test_an_interruption_is_passed_on(self):
        def work(self, instance):
            raise KeyboardInterrupt
        with self.assertRaises(KeyboardInterrupt):
            check_of(work).run()

    def test_what_was_submitted_stays(self):
        def work(self, instance):
            self.gauge("before", 1)
            self.set("s", "x")
            raise ValueError
        self.failure(check_of(work))
        self.assertEqual(["before", "s"], [sample.name for sample in self.recorder.metrics])

    def test_secrets(self):
        def work(self, instance):
            self.register_secret("hunter2")
            raise ValueError("cannot log in with hunter2")
        failure = self.failure(check_of(work))
        self.assertEqual("cannot log in with ********", failure["message"])
        self.assertNotIn("ValueError: cannot log in with hunter2", failure["traceback"])

    def test_no_instance_and_no_maps(self):
        for init_config, instances, words in (
                ({}, [], "the instance has to be a map, and is of the type NoneType"),
                ({}, ["secret"], "the instance has to be a map, and is of the type str"),
                (["secret"], [{}], "init_config has to be a map, and is of the type list")):
            check = check_of(lambda self, instance: None, init_config, instances)
            self.assertEqual(words, self.failure(check)["message"])

    def test_a_check_with_members_of_these_names(self):
        check = check_of(lambda self, instance: self.gauge("m", 1), {}, [{"timeout": 3}])
        check.instance, check.init_config, check.check_initializations = object(), None, [print]
        check.check_initializations.clear()
        self.assertEqual("", check.run())
        self.assertEqual(["m"], [sample.name for sample in self.recorder.metrics])

    def test_without_check(self):
        self.assertIn("no method check()", self.failure(AgentCheck("n", {}, [{}]))["message"])

    def test_initializations_run_once_when_they_succeed(self):
        calls = []

        def parse():
            calls.append("parse")
            if len(calls) == 1:
                raise ValueError("not yet")
        check = check_of(lambda self, instance: calls.append("check"))
        check.check_initializations.append(parse)
        self.assertEqual("not yet", self.failure(check)["message"])
        self.assertEqual("", check.run())
        self.assertEqual("", check.run())
        self.assertEqual(["parse", "parse", "check", "check"], calls)

    def test_limit_of_metrics_is_the_runs(self):
        check = check_of(lambda self, instance: [self.gauge(name, 1) for name in "abc"],
                         {}, [{"max_returned_metrics": 2}])
        check.run()
        check.run()
        self.assertEqual(["a", "b"] * 2, [sample.name for sample in self.recorder.metrics])
        self.assertEqual(2, len(check.get_warnings()))


class WarningsTest(RecordedTest):
    def test_warnings(self):
        cases = (
            # arguments, text, why
            (("plain",), "plain", "as it is"),
            (("100 %",), "100 %", "not formatted without arguments"),
            (("%s of %d", "a", 5), "a of 5", "formatted with"),
            ((b"bytes",), "bytes", "decoded"),
            ((ValueError("e"),), "e", "whatever it is"),
        )
        for args, text, why in cases:
            with self.subTest(why):
                check = AgentCheck("n", {}, [{}])
                check.warning(*args)
                self.assertEqual([text], check.get_warnings())
                self.assertEqual([], check.get_warnings(), "asked once")
        check.register_secret("hunter2")
        check.warning("login with %s", "hunter2")
        self.assertEqual(["login with ********"], check.get_warnings())
        self.assertIn("a of 5", self.said())

    def test_what_a_check_put_there_itself(self):
        check = AgentCheck("n", {}, [{}])
        check.warnings.append(5)
        self.assertTrue(check.has_warnings())
        self.assertEqual(["5"], check.get_warnings())


class CancelTest(RecordedTest):
    def test_agent_5s_stop(self):
        calls = []

        class Stopping(AgentCheck):
            def stop(self):
                calls.append("stop")
        Stopping("n", {}, [{}]).cancel()
        AgentCheck("n", {}, [{}]).cancel()
        self.assertEqual(["stop"], calls)


if __name__ == "__main__":
    unittest.main()
