import unittest

from runner.clock import Clock


class ClockTest(unittest.TestCase):
    def test_the_first_sample_of_a_context_has_the_time_of_the_run(self):
        clock = Clock()
        clock.begin(1700000000)
        self.assertEqual(1700000000, clock.stamp("a", 50.0))
        self.assertEqual(1700000000, clock.stamp("b", 53.5))

    def test_later_ones_have_the_time_that_passed_since(self):
        clock = Clock()
        clock.begin(1700000000)
        clock.stamp("a", 50.0)
        clock.stamp("b", 51.0)
        self.assertEqual(1700000002.5, clock.stamp("a", 52.5))
        self.assertEqual(1700000001.5, clock.stamp("b", 52.5))

    def test_the_next_run_begins_anew(self):
        clock = Clock()
        clock.begin(1700000000)
        clock.stamp("a", 50.0)
        clock.begin(1700000015)
        self.assertEqual(1700000015, clock.stamp("a", 68.25))
