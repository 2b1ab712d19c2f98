import random
import struct
import unittest

from runner.lines import line_event, line_gauge, line_name, line_service_check, line_tags
from runner.point import GAUGE, Point

T = 1700000000
MAX = 8191


def gauge(name="m", value=1.0, tags=(), host=None, bytes_max=MAX):
    return line_gauge(Point(GAUGE, name, value, T, tags, host), bytes_max)


def check(bytes_max=MAX, **fields):
    return line_service_check({"name": "c", "status": 0, "tags": [], "host": None, "message": None,
                               "timestamp": T, **fields}, bytes_max)


def event(bytes_max=MAX, **fields):
    return line_event({"msg_title": "t", "msg_text": "x", "host": None, **fields}, bytes_max)


class GaugeTest(unittest.TestCase):
    def test_what_a_line_says(self):
        self.assertEqual(b"m:1.5|g|T1700000000", gauge(value=1.5))
        self.assertEqual(b"m:1.0|g|T1700000000|#a:b,c", gauge(tags=("a:b", "c")))
        self.assertEqual("m\u00e9:1.0|g|T1700000000|#\u00e9".encode(),
                         gauge("m\u00e9", 1.0, ("\u00e9",)))

    def test_hosts(self):
        self.assertEqual(b"m:1.0|g|T1700000000|#a,host:h", gauge(tags=("a",), host="h"))
        self.assertEqual(b"m:1.0|g|T1700000000|#host:", gauge(host=""))
        self.assertEqual(b"m:1.0|g|T1700000000|#host:h_i_", gauge(host="h,i|"))

    def test_values_are_the_same_when_they_are_read(self):
        for value in (0.1 + 0.2, 1e300, -5e-324, 2.0 ** 53 + 2, 1 / 3, 1e16, 123456789.125, -0.0):
            text = gauge(value=value).split(b":")[1].split(b"|")[0]
            self.assertEqual(struct.pack("d", value), struct.pack("d", float(text)))

    def test_what_would_end_a_field_or_a_line(self):
        self.assertEqual(b"a_b_c_d:1.0|g|T1700000000|#x_y,z_",
                         gauge("a:b|c\nd", tags=("x,y", "z|")))
        self.assertEqual(b"m:1.0|g|T1700000000|#a_,b", gauge(tags=("a\r", "", "b")))

    def test_what_would_be_a_line_of_another_kind(self):
        self.assertEqual(["score", "e{1,1}", "event", "_x"],
                         [line_name("_score"), line_name("_e{1,1}"),
                          line_name("event"), line_name("_x")])

    def test_what_cannot_be_said(self):
        self.assertIsNone(gauge(""))
        self.assertIsNone(gauge(tags=("x" * 100,), bytes_max=100))
        self.assertEqual(100, len(gauge(tags=("x" * 79,), bytes_max=100)))

    def test_a_host_among_the_tags_is_the_host_if_no_other_is_named(self):
        self.assertEqual((["a"], "x"), line_tags(("host:x", "a"), None))
        self.assertEqual((["a"], "y"), line_tags(("host:x", "a"), "y"))
        self.assertEqual((["hosts:x"], None), line_tags(("hosts:x",), None))


class ServiceCheckTest(unittest.TestCase):
    def test_what_a_line_says(self):
        self.assertEqual(b"_sc|c|0|d:1700000000", check())
        self.assertEqual(b"_sc|c|2|d:1700000000|h:h|#a,host:h|m:why",
                         check(status=2, tags=["a"], host="h", message="why"))
        self.assertEqual(b"_sc|c|0|d:1700000000|#host:", check(host=""))

    def test_a_message_has_one_line(self):
        self.assertEqual(b"_sc|c|0|d:1700000000|m:a\\nb/c d", check(message="a\r\nb|c\td"))

    def test_a_message_that_is_too_long_is_cut(self):
        line = check(message="\u00e9" * 100, bytes_max=60)
        self.assertTrue(55 < len(line) <= 60)
        self.assertTrue(line.decode().endswith("\u00e9..."))
        self.assertEqual(60, len(check(message="x" * 100, bytes_max=60)))

    def test_what_cannot_be_said(self):
        self.assertIsNone(check(name=""))
        self.assertIsNone(check(tags=["x" * 100], message="x", bytes_max=60))
        self.assertEqual(b"_sc|a_b|0|d:1700000000", check(name="a|b"))


class EventTest(unittest.TestCase):
    def test_what_a_line_says(self):
        self.assertEqual(b"_e{1,1}:t|x", event())
        self.assertEqual(
            b"_e{1,1}:t|x|d:1700000000|h:h|k:key|p:low|s:src|t:error|#a,host:h",
            event(timestamp=T, host="h", aggregation_key="key", priority="low",
                  source_type_name="src", alert_type="error", tags=["a"], event_type="e",
                  api_key="k"))

    def test_lengths_are_of_bytes_of_what_is_escaped(self):
        line = event(msg_title="\u00e9", msg_text="\u00e9\r\n|")
        self.assertEqual("_e{2,5}:\u00e9|\u00e9\\n|".encode(), line)

    def test_a_text_is_cut_where_a_character_ends(self):
        for bytes_max in range(30, 60):
            for text in ("\u00e9" * 100, "\n" * 100, "x" * 100):
                line = event(msg_text=text, bytes_max=bytes_max, tags=["a"])
                head, rest = line.split(b":", 1)
                title, length = map(int, head[3:-1].split(b","))
                kept = rest[title + 1:title + 1 + length]
                self.assertLessEqual(len(line), bytes_max)
                self.assertEqual(b"|#a", rest[title + 1 + length:])
                self.assertTrue(kept.decode().endswith("..."))
                self.assertFalse(kept.endswith(b"\\..."))

    def test_a_title_is_there(self):
        self.assertEqual(b"_e{4,4}:text|text", event(msg_title="", msg_text="text"))
        self.assertIsNone(event(msg_title="", msg_text=None))

    def test_what_a_check_may_have_put_into_it(self):
        self.assertEqual(b"_e{1,1}:1|2|h:3|k:4|#host:3", event(
            msg_title=1, msg_text=2, host=3, aggregation_key=4, timestamp="now", tags="no list"))


class HostileTest(unittest.TestCase):
    """Whatever a check says: one line, of the fields that it should have, and no longer than it may
    be."""

    def texts(self):
        draw = random.Random(1)
        return lambda: "".join(draw.choice("a:|,#@T\n\r\x00\\ \u00e9_{}e") for _ in range(
            draw.randint(0, 12)))

    def check_line(self, line, fields):
        self.assertFalse(set(line) & set(b"\n\r\x00"), line)
        self.assertLessEqual(len(line), 200)
        self.assertIn(line.count(b"|"), fields, line)

    def test_gauges(self):
        text = self.texts()
        for _ in range(2000):
            name = text()
            line = gauge(name, 1.0, (text(), text()), text(), 200)
            self.assertEqual(line is None, line_name(name) == "")
            if line is not None:
                self.check_line(line, (3,))
                self.assertEqual(1, line.partition(b"|")[0].count(b":"))
                self.assertFalse(line.startswith((b"_sc", b"_e{")))

    def test_service_checks(self):
        text = self.texts()
        for _ in range(2000):
            line = check(200, name=text() + "c", tags=[text()], host=text(), message=text())
            self.check_line(line, range(4, 7))

    def test_events(self):
        text = self.texts()
        for _ in range(2000):
            line = event(200, msg_title=text() + "t", msg_text=text() * 30, host=text(),
                         tags=[text()], aggregation_key=text())
            head, _, rest = line.partition(b":")
            title, length = map(int, head[3:-1].split(b","))
            self.assertEqual(b"|", rest[title:title + 1])
            self.check_line(rest[title + 1 + length:], range(1, 4))
