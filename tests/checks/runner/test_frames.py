import datetime
import json
import unittest

from runner import frames
from runner.point import Point

DONE = {"op": "done", "seconds": 0.5, "samples": 1, "points": 1, "events": 0, "service_checks": 0,
        "error": None, "warnings": [], "dropped": {}, "metadata": {},
        "files": []}
CHECK = {"op": "service_check", "name": "up", "status": 0, "tags": [], "host": None, "message": "",
         "timestamp": 1}


def points(*parts):
    return json.dumps({"op": "points", "points": [list(parts)]}).encode()


class CheckedTest(unittest.TestCase):
    def garbage(self, line):
        with self.assertRaises(frames.Garbage):
            frames.checked(line if isinstance(line, bytes) else json.dumps(line).encode())

    def test_points(self):
        frame = frames.checked(points("gauge", "a", 3, 1700000000, ["x:y"], None))
        self.assertEqual([Point("gauge", "a", 3.0, 1700000000, ("x:y",), None)], frame["points"])

    def test_bad_points(self):
        good = ["gauge", "a", 3, 1, ["x"], None]
        for index, bads in enumerate((["set", 1, None, []], ["", None, 1],
                                      ["3", None, True, 10 ** 400], [None, "1"], [None, "x", [1]],
                                      [1, []])):
            for bad in bads:
                self.garbage(points(*good[:index], bad, *good[index + 1:]))
        self.garbage(points(*good[:5]))
        self.garbage(points(*good, 1))
        self.garbage(b'{"op":"points","points":[["gauge","a",NaN,1,[],null]]}')
        self.garbage(b'{"op":"points","points":[["gauge","a",1,Infinity,[],null]]}')
        self.garbage(b'{"op":"points","points":[["gauge","a",1,1e300,[],null]]}')
        self.garbage(b'{"op":"points","points":[1]}')
        self.garbage({"op": "points", "points": [good] * 501})

    def test_garbage(self):
        for line in (b"", b"hello", b"[" * 100000, b'"op"', b"[]", b"{}", b'{"op":[]}',
                     b'{"op":"x"}', b"\xff\xfe", b'{"op":"done"}', b"1" * 5000,
                     b'{"op":"log","level":"info","text":1}'):
            self.garbage(line)

    def test_service_checks(self):
        self.assertEqual(0, frames.checked(frames.encoded(CHECK))["status"])
        for change in ({"status": 4}, {"status": True}, {"status": "0"}, {"name": ""},
                       {"tags": [1]}, {"host": 3}, {"timestamp": None}, {"timestamp": 1e300}):
            self.garbage({**CHECK, **change})

    def test_events(self):
        frames.checked(b'{"op":"event","msg_title":"a","tags":["x"],"timestamp":1,"host":null}')
        self.garbage(b'{"op":"event","msg_title":{"a":1}}')
        self.garbage(b'{"op":"event","tags":[1]}')

    def test_done(self):
        frames.checked(frames.encoded(DONE))
        frames.checked(frames.encoded({**DONE, "error": {"message": "a", "traceback": "b"}}))
        without = {key: value for key, value in DONE.items() if key != "error"}
        self.assertIsNone(frames.checked(frames.encoded(without))["error"])
        for change in ({"error": {}}, {"error": "x"}, {"warnings": [1]}, {"seconds": "1"},
                       {"dropped": {"a": "b"}}, {"metadata": {"a": 1}}, {"points": None},
                       {"samples": True}, {"samples": -1}, {"samples": 10 ** 4000},
                       {"seconds": 1e300}, {"dropped": {"a": 1e300}}, {"dropped": {"a": -1}}):
            self.garbage({**DONE, **change})
        told = frames.checked(frames.encoded({**DONE, "dropped": {"x" * 100000: 1.0}}))
        self.assertEqual({"x" * 100: 1}, told["dropped"])

    def test_files(self):
        loaded = {"op": "loaded", "class": "A", "version": "1", "files": ["/a.py"]}
        self.assertEqual(["/a.py"], frames.checked(frames.encoded(loaded))["files"])
        for files in (["/a\0.py"], [1], ["/a"] * 501, "/a"):
            self.garbage({**loaded, "files": files})
            self.garbage({**DONE, "files": files})

    def test_lone_surrogates_become_text(self):
        frame = frames.checked(b'{"op":"event","\\ud800":"\\ud800"}')
        self.assertEqual("?", frame["?"])
        frame = frames.checked(b'{"op":"log","level":"info","text":"a\\ud800b"}')
        self.assertEqual("a?b", frame["text"])
        frame = frames.checked(points("gauge", "\udc00", 1, 1, ["\udc00"], "\udc00"))
        self.assertEqual(Point("gauge", "?", 1.0, 1, ("?",), "?"), frame["points"][0])


class WrappedTest(unittest.TestCase):
    def test_what_yaml_has_and_json_does_not(self):
        value = {"a": [1, 2.5, None, True, "x"], 80: {(1, 2): "y", None: 1}, "b": b"\x00\xff",
                 "d": datetime.date(2026, 11, 28), "t": datetime.datetime(2026, 11, 28, 1, 2, 3, 4),
                 "s": {"p", 1}, "\x00map": [], "e": {}, "m": {"\x00map": 1}}
        line = frames.encoded(frames.wrapped(value))
        self.assertEqual(value, frames.unwrapped(frames.decoded(line)))

    def test_plain_values_stay_as_they_are(self):
        value = {"host": "localhost", "tags": ["a:b"], "n": {"x": [1]}}
        self.assertEqual(value, frames.wrapped(value))


if __name__ == "__main__":
    unittest.main()
