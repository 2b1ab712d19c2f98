import unittest

from runner.schedule import MAX_BACKOFF_S, SECOND_NS, Schedule, Seconds


class SecondsTest(unittest.TestCase):
    def test_begin_where_the_wall_clocks_do(self):
        seconds = Seconds(5 * SECOND_NS, 1000 * SECOND_NS + 900_000_000)
        first = seconds.last
        self.assertEqual(first, seconds.at(5 * SECOND_NS + 99_999_999, 1001 * SECOND_NS - 1))
        self.assertEqual(first + 1, seconds.at(5 * SECOND_NS + 100_000_000, 1001 * SECOND_NS))

    def test_a_wall_clock_set_back_or_forward_changes_nothing(self):
        for step in (-3600, -1, 1, 3600, 86400 * 365):
            seconds = Seconds(5 * SECOND_NS, 1000000 * SECOND_NS)
            before = seconds.last
            for passed in range(1, 100):
                wall = 1000000 + passed + (step if passed > 50 else 0)
                self.assertEqual(before + passed,
                                 seconds.at((5 + passed) * SECOND_NS, wall * SECOND_NS))

    def test_a_step_by_a_fraction_moves_the_beginning_and_never_goes_back(self):
        for step in range(-990_000_000, 990_000_001, 30_000_000):
            seconds = Seconds(0, 10 * SECOND_NS)
            now = [seconds.at(n * 10_000_000, 10 * SECOND_NS + n * 10_000_000 +
                              (step if n >= 450 else 0)) for n in range(1000)]
            self.assertEqual(now, sorted(now))
            self.assertTrue(all(after - before <= 1 for before, after in zip(now, now[1:])))
            self.assertIn(now[-1] - now[0], (8, 9, 10))
            wall_ns = 10 * SECOND_NS + 9_990_000_000 + step
            to_next = SECOND_NS - wall_ns % SECOND_NS
            self.assertEqual(now[-1] + 1,
                             seconds.at(9_990_000_000 + to_next, wall_ns + to_next))


def runs(schedule, first, last, ready=lambda key, second: True):
    """The seconds at which each key's run starts; a run takes no time."""
    starts = {}
    for second in range(first, last):
        for key in schedule.due(second):
            if ready(key, second):
                schedule.take(key, second)
                starts.setdefault(key, []).append(second)
            else:
                schedule.put_off(key, second)
    return starts


class ScheduleTest(unittest.TestCase):
    def setUp(self):
        self.schedule = Schedule()

    def test_every_interval_and_the_first_soon(self):
        self.schedule.add("a", 40, 1000)
        self.assertEqual({"a": [1001, 1041, 1081]}, runs(self.schedule, 1000, 1121))

    def test_instances_of_an_interval_are_spread_over_it(self):
        for number in range(45):
            self.schedule.add(number, 15, 1000)
        starts = runs(self.schedule, 1000, 1016)
        firsts = sorted(second for run in starts.values() for second in run)
        self.assertEqual(sorted(list(range(1001, 1016)) * 3), firsts)

    def test_intervals_do_not_all_begin_in_the_same_second(self):
        for interval in range(10, 20):
            self.schedule.add(interval, interval, 0)
        self.assertEqual(10, len({turn.next for turn in self.schedule.turns.values()}))

    def test_one_that_leaves_makes_room(self):
        self.schedule.add("a", 10, 0)
        self.schedule.add("b", 10, 0)
        self.schedule.remove("a")
        self.schedule.add("c", 10, 0)
        self.assertEqual([1, 2], sorted(turn.next for turn in self.schedule.turns.values()))

    def test_a_turn_of_one_that_is_running_is_skipped_and_counted(self):
        self.schedule.add("a", 10, 0)
        self.schedule.take("a", 1)
        self.schedule.skip("a", 11)
        self.schedule.skip("a", 21)
        turn = self.schedule.turns["a"]
        self.assertEqual((2, 31), (turn.skipped, turn.next))

    def test_turns_missed_while_nobody_looked_are_counted_and_not_made_up_for(self):
        self.schedule.add("a", 10, 0)
        self.schedule.take("a", 1)
        self.assertEqual(["a"], self.schedule.due(1000))
        self.schedule.take("a", 1000)
        turn = self.schedule.turns["a"]
        self.assertEqual((98, 1001), (turn.skipped, turn.next))
        self.assertEqual([], self.schedule.due(1000))

    def test_a_late_turn_keeps_its_second(self):
        self.schedule.add("a", 10, 0)
        self.schedule.take("a", 4)
        self.assertEqual((0, 11), (self.schedule.turns["a"].skipped, self.schedule.turns["a"].next))

    def test_one_without_a_process_waits_and_then_has_its_own_seconds(self):
        self.schedule.add("a", 40, 0)
        starts = runs(self.schedule, 0, 100, lambda key, second: second >= 9)
        self.assertEqual([9, 49, 89], starts["a"])
        self.assertEqual(0, self.schedule.turns["a"].skipped)

    def test_back_off_doubles_to_a_limit_and_a_good_run_ends_it(self):
        self.schedule.add("a", 15, 0)
        waits = []
        for _ in range(8):
            self.schedule.back_off("a", 1000)
            waits.append(self.schedule.turns["a"].next - 1000)
        self.assertEqual([30, 60, 120, 240, 480, 600, 600, 600], waits)
        self.schedule.succeeded("a")
        self.schedule.back_off("a", 1000)
        self.assertEqual(1030, self.schedule.turns["a"].next)

    def test_back_off_is_never_shorter_than_the_interval(self):
        self.schedule.add("a", 3600, 0)
        self.schedule.back_off("a", 1000)
        self.assertEqual(4600, self.schedule.turns["a"].next)
        self.assertLess(MAX_BACKOFF_S, 3600)

    def test_a_thousand_failures_are_no_overflow(self):
        self.schedule.add("a", 86400, 0)
        self.schedule.turns["a"].failures = 10 ** 9
        self.schedule.back_off("a", 0)
        self.assertEqual(86400, self.schedule.turns["a"].next)


if __name__ == "__main__":
    unittest.main()
