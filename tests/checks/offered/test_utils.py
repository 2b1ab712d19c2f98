import logging
import os
import ssl
import sys
import tempfile
import threading
import unittest
from datetime import datetime, timedelta, timezone

from tests.checks.offered.recording import RecordedTest

from datadog_checks.base import AgentCheck, is_affirmative
from datadog_checks.base.utils import common
from datadog_checks.base.utils.constants import MILLISECOND
from datadog_checks.base.utils.containers import freeze, hash_mutable, iter_unique
from datadog_checks.base.utils.date import format_rfc3339, parse_rfc3339
from datadog_checks.base.utils.limiter import Limiter
from datadog_checks.base.utils.options import remapped
from datadog_checks.base.utils.platform import Platform
from datadog_checks.base.utils.subprocess_output import (SubprocessOutputEmptyError,
                                                         get_subprocess_output,
                                                         subprocess_output)
from datadog_checks.base.utils.tailfile import TailFile
from datadog_checks.base.utils.time import ensure_aware_datetime, get_timestamp
from datadog_checks.base.utils.timeout import TimeoutException, timeout
from datadog_checks.base.utils.tracing import traced
from datadog_checks.base.utils.tracking import tracked_method


class ValuesTest(unittest.TestCase):
    def test_is_affirmative(self):
        for value in ("yes", "true", "1", "Y", "on", " True ", True, 1, 2.5):
            self.assertIs(True, is_affirmative(value), repr(value))
        for value in ("no", "false", "0", "", "off", "affirmative", None, False, 0, 0.0):
            self.assertIs(False, is_affirmative(value), repr(value))

    def test_texts(self):
        self.assertEqual((b"\xc3\xa9", b"x", 5), tuple(map(common.ensure_bytes, ("é", b"x", 5))))
        for function in (common.ensure_unicode, common.to_native_string, common.to_string):
            self.assertEqual(("é", "x", 5), tuple(map(function, (b"\xc3\xa9", "x", 5))))

    def test_numbers(self):
        self.assertEqual((3.0, 2.68, 2.0), (common.round_value(2.5), common.round_value(2.675, 2),
                                            common.round_value(2)))
        self.assertEqual((50.0, 0), (common.compute_percent(1, 2), common.compute_percent(1, 0)))
        self.assertEqual(50.0, common.total_time_to_temporal_percent(500))
        self.assertEqual(50.0, common.total_time_to_temporal_percent(0.5, scale=1))
        self.assertEqual({"a": 0}, common.exclude_undefined_keys({"a": 0, "b": None}))
        self.assertEqual(1000, MILLISECOND)

    def test_pattern_filter(self):
        items = ["cpu.user", "cpu.system", "mem"]
        cases = (({}, items), ({"whitelist": ["cpu"]}, items[:2]),
                 ({"blacklist": ["user"]}, items[1:]),
                 ({"whitelist": ["cpu"], "blacklist": ["user"]}, ["cpu.system"]))
        for lists, expected in cases:
            self.assertEqual(expected, common.pattern_filter(items, **lists))
        self.assertEqual([{"n": "mem"}], common.pattern_filter(
            [{"n": "mem"}, {"n": "x"}], whitelist=["m"], key=lambda item: item["n"]))

    def test_frozen(self):
        self.assertEqual(freeze({"a": [1, {"b": 2}]}), freeze({"a": [{"b": 2}, 1]}))
        self.assertEqual(hash_mutable([1, "a", None]), hash_mutable(["a", None, 1]))
        self.assertNotEqual(freeze({"a": 1}), freeze({"a": 2}))
        self.assertEqual([{"a": 1}, {"a": 2}], list(iter_unique([{"a": 1}, {"a": 2}], [{"a": 1}])))

    def test_time(self):
        moment = datetime(1970, 1, 2, tzinfo=timezone.utc)
        self.assertEqual(86400, get_timestamp(moment))
        self.assertEqual(86400, get_timestamp(datetime(1970, 1, 2)))
        east = moment.astimezone(timezone(timedelta(hours=2)))
        self.assertIs(east, ensure_aware_datetime(east))
        self.assertEqual("1970-01-02T00:00:00.000Z", format_rfc3339(moment))
        self.assertEqual("1970-01-02T02:00:00.000+02:00", format_rfc3339(east))
        for text in ("1970-01-02T00:00:00Z", "1970-01-02T02:00:00+02:00", "1970-01-02T00:00:00"):
            self.assertEqual(moment, parse_rfc3339(text))

    def test_platform(self):
        self.assertEqual((True, False, True), (Platform.is_linux("linux2"), Platform.is_linux(
            "darwin"), Platform.is_windows("win32")))
        self.assertEqual(sys.platform.startswith("linux"), Platform.is_linux())

    def test_remapped(self):
        remapper = {"no_check": {"name": "tls_verify", "default": False, "invert": True},
                    "ca": {"name": "tls_ca_cert"}}
        cases = (
            # instance, what is added, why
            ({}, {"tls_verify": False}, "the default"),
            ({"no_check": True}, {"tls_verify": False}, "inverted"),
            ({"no_check": "no"}, {"tls_verify": True}, "inverted"),
            ({"no_check": True, "tls_verify": True}, {}, "the present name counts more"),
            ({"ca": "f"}, {"tls_verify": False, "tls_ca_cert": "f"}, "as it is"),
        )
        for instance, added, why in cases:
            with self.subTest(why):
                self.assertEqual({**instance, **added}, remapped(instance, remapper))


    def test_marks_leave_what_they_mark(self):
        def function():
            return 5
        self.assertIs(function, traced(function))
        self.assertIs(function, tracked_method(agent_check_getter=lambda: None)(function))


class SubprocessTest(unittest.TestCase):
    def test_output(self):
        cases = (
            # command, out, errors, status
            (["printf", "a\\nb"], "a\nb", "", 0),
            ("printf 'a b'", "a b", "", 0),
            (["sh", "-c", "echo out; echo err >&2; exit 3"], "out\n", "err\n", 3),
            (["printf", "\\377x"], "\ufffdx", "", 0),
        )
        for command, *expected in cases:
            self.assertEqual(tuple(expected), get_subprocess_output(command, logging.getLogger()))
            self.assertEqual(tuple(expected), subprocess_output(command))

    def test_nothing_written(self):
        with self.assertRaisesRegex(SubprocessOutputEmptyError, "sh wrote nothing.* 5"):
            get_subprocess_output(["sh", "-c", "exit 5"], logging.getLogger())
        self.assertEqual(("", "", 5), get_subprocess_output(
            ["sh", "-c", "exit 5"], logging.getLogger(), raise_on_empty_output=False))
        self.assertEqual(("", "", 0), get_subprocess_output(["true"], False),
                         "an older caller's second argument")

    def test_surroundings(self):
        self.assertEqual("v", get_subprocess_output(["sh", "-c", "printf $WORD"], None,
                                                    env={"WORD": "v"})[0])
        self.assertEqual("", get_subprocess_output(["cat"], None, False)[0], "stdin is empty")
        with self.assertRaises(OSError):
            get_subprocess_output(["/no/such/program"], None)


class TimeoutTest(unittest.TestCase):
    def test_results(self):
        @timeout(60)
        def add(a, b=1):
            return a + b
        self.assertEqual(5, add(2, b=3))
        with self.assertRaises(TypeError):
            add("x", b=1)

    def test_a_call_that_hangs_costs_one_thread(self):
        release, started = threading.Event(), []

        @timeout(0)
        def hang():
            started.append(1)
            release.wait()
        for _ in range(3):
            with self.assertRaises(TimeoutException):
                hang()
        self.assertEqual([1], started)
        release.set()


class TailTest(unittest.TestCase):
    def test_lines(self):
        lines = []
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "log")

            def write(text, mode="a"):
                with open(path, mode) as file:
                    file.write(text)
            write("before\n")
            tail = TailFile(logging.getLogger(), path, lines.append)
            reader = tail.tail(line_by_line=False)
            steps = (
                # what happens, the lines after it, why
                (lambda: None, [], "begins at the end"),
                (lambda: write("a\nb\r\nhal"), ["a", "b"], "whole lines only"),
                (lambda: write("f\n"), ["half"], "the rest of one"),
                (lambda: write("new\n", "w"), ["new"], "a file that became shorter"),
                (lambda: (os.rename(path, path + ".1"), write("other\n")), ["other"],
                 "another file in its place"),
            )
            for step, expected, why in steps:
                lines.clear()
                step()
                next(reader)
                self.assertEqual(expected, lines, why)
            write("1\n2\n")
            each = tail.tail()
            self.assertEqual([True, True, False], [next(each) for _ in range(3)])
            tail.close()


class LimiterTest(unittest.TestCase):
    def test_reached(self):
        said = []
        limiter = Limiter("n", "things", 2, said.append)
        self.assertEqual([False, False, True, True, False],
                         [limiter.is_reached(uid) for uid in "abcda"])
        self.assertEqual(["n has more than 2 things: the others are left out"], said)
        limiter.reset()
        self.assertEqual([False, False, True], [limiter.is_reached() for _ in range(3)])


class TlsTest(RecordedTest):
    def test_options(self):
        cases = (
            # instance, verify mode, whether the name counts, why
            ({}, ssl.CERT_REQUIRED, True, "the default is to look"),
            ({"tls_verify": False}, ssl.CERT_NONE, False, "not at all"),
            ({"tls_verify": "false"}, ssl.CERT_NONE, False, "as a text"),
            ({"tls_validate_hostname": False}, ssl.CERT_REQUIRED, False, "at the signature only"),
        )
        for instance, mode, name, why in cases:
            with self.subTest(why):
                context = AgentCheck("n", {}, [instance]).get_tls_context()
                self.assertEqual((mode, name), (context.verify_mode, context.check_hostname))

    def test_is_made_once(self):
        check = AgentCheck("n", {}, [{}])
        first = check.get_tls_context()
        self.assertIs(first, check.get_tls_context())
        second = check.get_tls_context(overrides={"tls_verify": False})
        self.assertEqual(ssl.CERT_NONE, second.verify_mode)
        self.assertIs(first, check.get_tls_context(), "an override is of this call only")
        self.assertIsNot(first, check.get_tls_context(refresh=True))

    def test_files_that_are_not_there(self):
        for key in ("tls_ca_cert", "tls_cert"):
            with self.assertRaises(OSError):
                AgentCheck("n", {}, [{key: "/no/such/file"}]).get_tls_context()


if __name__ == "__main__":
    unittest.main()
