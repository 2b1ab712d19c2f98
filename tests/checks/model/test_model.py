import unittest

from tests.checks.model.check_sampler import check_history

HISTORIES = 200


class ModelTest(unittest.TestCase):
    """The sampler beside the model; check_sampler.py does the same of seeds that are chosen."""

    def check(self, seed):
        for number in range(HISTORIES):
            result = check_history(seed, number)
            self.assertIsInstance(result, int, f"seed {seed}, history {number}: {result}")

    def test_histories_of_a_seed(self):
        self.check("1")

    def test_histories_of_another_seed(self):
        self.check("2")
