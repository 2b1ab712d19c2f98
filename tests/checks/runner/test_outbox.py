import collections
import unittest

from runner.outbox import ITEM_BYTES, POINTS, Outbox


class OutboxTest(unittest.TestCase):
    def setUp(self):
        self.given_up = collections.Counter()
        self.box = Outbox(3 * (10 + ITEM_BYTES), self.given_up)

    def fill(self, letters):
        for letter in letters:
            self.box.add(POINTS, letter.encode() * 10)

    def letters(self, bytes_max=1000):
        return "".join(body.decode()[0] for _, body in self.box.take(bytes_max, 1))

    def test_the_oldest_are_given_up_when_it_is_full(self):
        self.fill("abcde")
        self.assertEqual(("cde", {"queue_full": 2}), (self.letters(), self.given_up))
        self.fill("fgh")
        self.assertEqual(("fgh", {"queue_full": 2}), (self.letters(), self.given_up))

    def test_what_is_taken_fits_with_what_is_between(self):
        self.fill("abc")
        self.assertEqual("ab", self.letters(22))
        self.assertEqual("c", self.letters(5))
        self.assertEqual("", self.letters())

    def test_what_comes_back_is_the_oldest_again(self):
        self.fill("abc")
        items = self.box.take(22, 1)
        self.fill("d")
        self.box.give_back(items)
        self.assertEqual({"queue_full": 1}, self.given_up)
        self.assertEqual("bcd", self.letters())

    def test_one_that_is_too_large_for_it_is_given_up(self):
        self.box.add(POINTS, b"x" * 1000)
        self.assertEqual((0, {"queue_full": 1}), (len(self.box), self.given_up))
