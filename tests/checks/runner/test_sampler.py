import math
import unittest

from runner import sampler
from runner.point import COUNT, GAUGE, RATE, Point
from runner.sampler import Sampler

T = 1700000000
# 1 to 100, twenty times, in an order that is none.
HUNDREDS = [float(i * 37 % 100 + 1) for i in range(2000)]


class SamplerTest(unittest.TestCase):
    def setUp(self):
        self.sampler = Sampler()
        self.now = 500.0

    def run_of(self, time, *samples):
        """Samples: (mtype, value) or (mtype, value, more arguments of add)."""
        self.sampler.begin(time)
        for mtype, value, *more in samples:
            more = dict(zip(("name", "tags", "host", "first", "seconds"), more))
            self.now += more.get("seconds", 1.0)
            self.sampler.add(mtype, more.get("name", "m"), value, more.get("tags", ()),
                             more.get("host"), more.get("first", False), self.now)
        return self.sampler.commit()

    def values(self, time, *samples):
        return [point.value for point in self.run_of(time, *samples)]

    def test_a_gauge_is_the_last_value_and_is_not_repeated(self):
        self.assertEqual([Point(GAUGE, "m", 2.0, T, (), None)],
                         self.run_of(T, (sampler.GAUGE, 1.0), (sampler.GAUGE, 2.0)))
        self.assertEqual([], self.run_of(T + 15))
        self.assertEqual([], self.run_of(T + 30, (sampler.GAUGE, math.nan)))
        self.assertEqual({"not_finite": 1}, self.sampler.dropped)

    def test_counts_are_sums_of_a_run(self):
        self.assertEqual([Point(COUNT, "m", 3.5, T, (), None)],
                         self.run_of(T, (sampler.COUNT, 1.0), (sampler.COUNT, 2.5)))
        self.assertEqual([4.0], self.values(T + 15, (sampler.COUNT, 4.0)))

    def test_increments_are_rates_of_a_run(self):
        self.assertEqual([Point(RATE, "m", 1.0, T, (), None)],
                         self.run_of(T, (sampler.COUNTER, 2.0), (sampler.COUNTER, -1.0)))

    def test_a_rate_needs_two_samples_and_time_between_them(self):
        self.assertEqual([], self.run_of(T, (sampler.RATE, 10.0)))
        self.assertEqual([Point(GAUGE, "m", 2.0, T + 15, (), None)],
                         self.run_of(T + 15, (sampler.RATE, 40.0)))
        self.assertEqual([], self.run_of(T + 15, (sampler.RATE, 50.0)))
        self.assertEqual([3.0], self.values(T + 25, (sampler.RATE, 80.0)))

    def test_a_rate_that_fell_is_where_the_next_one_begins(self):
        self.values(T, (sampler.RATE, 1000.0))
        self.assertEqual([], self.values(T + 10, (sampler.RATE, 100.0)))
        self.assertEqual([5.0], self.values(T + 20, (sampler.RATE, 150.0)))

    def test_of_three_samples_in_a_run_the_last_two_make_the_rate(self):
        points = self.run_of(T, (sampler.RATE, 0.0), (sampler.RATE, 1.0), (sampler.RATE, 4.0))
        self.assertEqual([(3.0, T + 2)], [(point.value, point.timestamp) for point in points])

    def test_how_long_a_check_took_does_not_change_its_rate(self):
        self.values(T, (sampler.RATE, 0.0, "m", (), None, False, 0.1))
        self.assertEqual([1.0], self.values(T + 15,
                                            (sampler.RATE, 15.0, "m", (), None, False, 9.0)))

    def test_monotonic_counts_as_in_the_example_of_the_agent(self):
        def counts(*values):
            return [(sampler.MONOTONIC_COUNT, value) for value in values]
        self.assertEqual([5.0], self.values(T, *counts(2.0, 3.0, 6.0, 7.0)))
        self.assertEqual([4.0], self.values(T + 15, *counts(10.0, 11.0)))
        self.assertEqual([0.0], self.values(T + 30, *counts(11.0)))
        self.assertEqual([], self.values(T + 45))
        self.assertEqual([2.0], self.values(T + 60, *counts(3.0, 5.0)))

    def test_the_first_monotonic_sample_says_nothing_unless_it_began_at_zero(self):
        self.assertEqual([], self.values(T, (sampler.MONOTONIC_COUNT, 7.0)))
        self.assertEqual([7.0], self.values(T, (sampler.MONOTONIC_COUNT, 7.0, "n", (), None, True)))
        self.assertEqual([3.0], self.values(T, (sampler.MONOTONIC_COUNT, 3.0, "n", (), None, True)))

    def test_a_histogram_has_the_parts_that_the_settings_ask_for(self):
        self.sampler = Sampler(["max", "median", "avg", "count", "min", "sum", "mode"],
                               ["0.95", "0.8", "x", "2", 0.2])
        samples = [(sampler.HISTOGRAM, value) for value in (1.0, 10.0, 4.0, 5.0, 2.0, 2.0)]
        points = {point.name: (point.kind, point.value) for point in self.run_of(T, *samples)}
        self.assertEqual({
            "m.max": (GAUGE, 10.0), "m.median": (GAUGE, 2.0), "m.avg": (GAUGE, 4.0),
            "m.count": (RATE, 6.0), "m.min": (GAUGE, 1.0), "m.sum": (GAUGE, 24.0),
            "m.20percentile": (GAUGE, 2.0), "m.80percentile": (GAUGE, 5.0),
            "m.95percentile": (GAUGE, 10.0)}, points)

    def test_ranks_of_many_values(self):
        points = self.run_of(T, *[(sampler.HISTOGRAM, value) for value in HUNDREDS])
        self.assertEqual({"m.max": 100.0, "m.median": 50.0, "m.avg": 50.5, "m.count": 2000.0,
                          "m.95percentile": 95.0}, {point.name: point.value for point in points})
        self.assertEqual([], self.run_of(T + 15))

    def test_a_sum_loses_nothing_to_rounding(self):
        self.sampler = Sampler(["sum", "avg"], [])
        samples = [(sampler.HISTOGRAM, value) for value in (1.0, 1e100, 1.0, -1e100)]
        self.assertEqual([2.0, 0.5], self.values(T, *samples))
        samples = [(sampler.HISTOGRAM, value) for value in (1e308, 1e308, -1e308)]
        self.assertEqual([1e308, 1e308 / 3], self.values(T, *samples))

    def test_a_historate_is_of_one_run(self):
        self.sampler = Sampler(["max", "count"], [])
        self.assertEqual([], self.values(T, (sampler.HISTORATE, 10.0)))
        self.assertEqual([], self.values(T + 15, (sampler.HISTORATE, 20.0)))
        self.assertEqual([4.0, 2.0], self.values(
            T + 30, *[(sampler.HISTORATE, value) for value in (20.0, 24.0, 25.0)]))

    def test_the_first_type_of_a_context_stays(self):
        self.assertEqual([3.0], self.values(T, (sampler.COUNT, 1.0), (sampler.GAUGE, 2.0)))
        self.assertEqual([Point(COUNT, "m", 5.0, T + 15, (), None)],
                         self.run_of(T + 15, (sampler.GAUGE, 5.0)))

    def test_a_context_ends_after_two_commits_without_a_sample(self):
        self.run_of(T, (sampler.COUNT, 1.0))
        self.run_of(T + 15)
        self.assertEqual(COUNT, self.run_of(T + 30, (sampler.GAUGE, 1.0))[0].kind)
        self.run_of(T + 45)
        self.run_of(T + 60)
        self.assertEqual(GAUGE, self.run_of(T + 75, (sampler.GAUGE, 1.0))[0].kind)

    def test_what_compares_is_kept_for_25_hours_more(self):
        end = T + 30 + 25 * 3600
        for late, points in ((end, 1), (end + 1, 0)):
            self.setUp()
            self.run_of(T, (sampler.RATE, 1.0))
            self.run_of(T + 15)
            self.run_of(T + 30)
            self.run_of(late)
            self.assertEqual(points, len(self.run_of(end + 15, (sampler.RATE, 1.0))))

    def test_contexts_are_told_apart_by_name_host_and_tags_in_any_order(self):
        points = self.run_of(
            T, (sampler.COUNT, 1.0, "m", ["b", "a"]), (sampler.COUNT, 2.0, "m", ["a", "b", "a"]),
            (sampler.COUNT, 4.0, "m", ["a"]), (sampler.COUNT, 8.0, "m", ["a"], ""),
            (sampler.COUNT, 16.0, "m", ["a"], "h"), (sampler.COUNT, 32.0, "n", ["a"]))
        self.assertEqual([
            Point(COUNT, "m", 3.0, T, ("a", "b"), None), Point(COUNT, "m", 4.0, T, ("a",), None),
            Point(COUNT, "m", 8.0, T, ("a",), ""), Point(COUNT, "m", 16.0, T, ("a",), "h"),
            Point(COUNT, "n", 32.0, T, ("a",), None)], points)

    def test_what_is_not_finite_is_dropped_and_counted(self):
        self.assertEqual([2.0], self.values(T, (sampler.COUNT, math.inf), (sampler.COUNT, 2.0)))
        self.assertEqual({"not_finite": 1}, self.sampler.dropped)
        self.assertEqual([], self.values(T, (sampler.COUNT, 1.5e308), (sampler.COUNT, 1.5e308)))
        self.assertEqual({"not_finite": 1}, self.sampler.dropped)

    def test_an_unknown_type_is_dropped_and_counted(self):
        self.assertEqual([], self.values(T, (7, 1.0)))
        self.assertEqual({"type": 1}, self.sampler.dropped)

    def test_too_many_contexts_of_a_run_are_dropped_and_counted(self):
        self.sampler = Sampler(contexts_max=2)
        names = [(sampler.GAUGE, 1.0, name) for name in ("a", "b", "c", "b", "d")]
        self.assertEqual(["a", "b"], [point.name for point in self.run_of(T, *names)])
        self.assertEqual({"contexts": 2}, self.sampler.dropped)

    def test_the_context_that_was_silent_for_longest_gives_way(self):
        self.sampler = Sampler(contexts_max=2)
        self.run_of(T, (sampler.RATE, 1.0, "a"), (sampler.RATE, 1.0, "b"))
        self.run_of(T + 15, (sampler.RATE, 1.0, "a"))
        self.run_of(T + 30, (sampler.RATE, 1.0, "c"))
        self.assertEqual({"references": 1}, self.sampler.dropped)
        points = self.run_of(T + 45, (sampler.RATE, 2.0, "a"), (sampler.RATE, 2.0, "c"))
        self.assertEqual(["a", "c"], [point.name for point in points])

    def test_too_many_points_of_a_run_are_dropped_and_counted(self):
        self.sampler = Sampler(points_max=3)
        self.assertEqual(3, len(self.run_of(T, (sampler.HISTOGRAM, 1.0))))
        self.assertEqual({"points": 2}, self.sampler.dropped)
