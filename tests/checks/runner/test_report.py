import unittest

from runner.configuration import Instance
from runner.masking import Mask
from runner.point import Point
from runner.report import Report, number
from runner.table import table

DONE = {"op": "done", "seconds": 0.1234, "samples": 1, "points": 1, "events": 0,
        "service_checks": 0, "error": {"message": "boom hunter22",
                                       "traceback": "Traceback\n  x\nboom\n"},
        "warnings": ["careful"], "dropped": {"not_finite": 2},
        "metadata": {"version": "1.2 hunter22"}}


def report():
    one = Report(Instance("one:1", "one", "conf.d/one.yaml:3", 15, {}, {}),
                 Mask({"password": "hunter22"}))
    one.take({"op": "points", "points": [Point("gauge", "a.b", 512.0, 7, ("x:y", "z"), None),
                                         Point("count", "c\x1b", 0.1, 7, (), "h"),
                                         Point("rate", "d", 1e300, 7, (), "")]})
    one.take({"op": "service_check", "name": "can", "status": 2, "tags": ["x"], "host": None,
              "message": "no\nway for hunter22", "timestamp": 7})
    one.take({"op": "event", "msg_title": "T", "msg_text": "text hunter22", "tags": ["x"]})
    one.take({"op": "log", "level": "info", "text": "x"})
    one.take(DONE)
    return one


class ReportTest(unittest.TestCase):
    def test_text(self):
        self.assertEqual("""\
one: conf.d/one.yaml:3, every 15 s (one:1)

  METRIC  TYPE   VALUE   HOST    TAGS
  a.b     gauge  512     -       x:y,z
  c\\x1b   count  0.1     h
  d       rate   1e+300  (none)

  SERVICE CHECK  STATUS    HOST  TAGS  MESSAGE
  can            CRITICAL  -     x     no\\nway for ********

  EVENT  TYPE  HOST  TAGS  TEXT
  T            -     x     text ********

  Warning: careful
  Metadata: version = 1.2 ********
  Dropped: 2 (not_finite)
  Error: boom ********
    Traceback
      x
    boom
  It took 0.123 s.
""", report().text())

    def test_document(self):
        document = report().document()
        self.assertEqual({"name": "a.b", "type": "gauge", "value": 512.0, "timestamp": 7,
                          "tags": ["x:y", "z"], "host": None}, document["metrics"][0])
        self.assertEqual([{"msg_title": "T", "msg_text": "text ********", "tags": ["x"]}],
                         document["events"])
        self.assertEqual(("can", "boom ********", 0.1234), (
            document["service_checks"][0]["name"], document["error"], document["seconds"]))

    def test_numbers(self):
        self.assertEqual(["1", "-3", "0.1", "1e+16", "0"],
                         [number(value) for value in (1.0, -3.0, 0.1, 1e16, 0.0)])

    def test_a_long_column_is_cut_and_the_last_is_not(self):
        lines = table(("A", "B"), [("a" * 200, "b" * 200)]).split("\n")
        self.assertEqual("a" * 77 + "...  " + "b" * 200, lines[1])


if __name__ == "__main__":
    unittest.main()
