import unittest

from runner.backoff import Backoff


class BackoffTest(unittest.TestCase):
    def test_pauses_double_up_to_a_bound_and_begin_anew(self):
        backoff, pauses = Backoff(), []
        for _ in range(7):
            backoff.failed(100.0, "why")
            pauses.append(backoff.until - 100.0)
        self.assertEqual([0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0], pauses)
        self.assertEqual("why", backoff.problem)
        backoff.worked()
        self.assertEqual((0.0, None), (backoff.until, backoff.problem))
        backoff.failed(100.0, "why")
        self.assertEqual(100.5, backoff.until)

    def test_who_says_how_long_is_heard_within_bounds(self):
        backoff = Backoff()
        backoff.failed(100.0, "why", 3)
        self.assertEqual(103.0, backoff.until)
        backoff.failed(100.0, "why", 10**9)
        self.assertEqual(115.0, backoff.until)
