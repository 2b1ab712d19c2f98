import json
import unittest

from runner.point import COUNT, GAUGE, RATE, Point
from runner.series import series_body, series_item

T = 1700000000


def item(kind=COUNT, name="m", value=1.0, tags=(), host=None):
    text = series_item(Point(kind, name, value, T, tags, host), "own")
    return text and json.loads(text)


class SeriesTest(unittest.TestCase):
    def test_a_count_has_no_interval_and_a_rate_is_of_a_second(self):
        self.assertEqual({"metric": "m", "type": "count", "points": [[T, 1.5]], "tags": ["a:b"],
                          "host": "own"}, item(value=1.5, tags=("a:b",)))
        self.assertNotIn("interval", item(GAUGE))
        self.assertEqual(1, item(RATE)["interval"])

    def test_hosts(self):
        self.assertEqual(["own", "", "h", "x"], [
            item()["host"], item(host="")["host"], item(host="h")["host"],
            item(tags=("host:x",))["host"]])

    def test_values_are_the_same_when_they_are_read(self):
        for value in (0.1 + 0.2, 1e300, -5e-324, 1 / 3):
            self.assertEqual(value, item(value=value)["points"][0][1])

    def test_a_series_is_called_as_a_line_would(self):
        self.assertEqual(("a_b", ["x_y", "z_"]),
                         (item(name="a:b")["metric"], item(tags=("x,y", "", "z\n"))["tags"]))
        self.assertIsNone(item(name=""))

    def test_a_body_is_a_list(self):
        body = series_body([series_item(Point(COUNT, name, 1.0, T, (), None), "own")
                            for name in ("a", "b\u00e9\"")])
        self.assertEqual(["a", "b\u00e9\""],
                         [series["metric"] for series in json.loads(body)["series"]])
