import unittest

from runner.watch import MAX_UNREST, Watch


class WatchTest(unittest.TestCase):
    def setUp(self):
        self.looks = 1
        self.watch = Watch(lambda: self.looks)
        self.watch.take()

    def seen(self, looks, at_once=False):
        self.looks = looks
        return self.watch.changed(at_once)

    def test_a_change_is_told_once_when_it_rests(self):
        self.assertEqual([False, False, True, False],
                         [self.seen(looks) for looks in (1, 2, 2, 2)])

    def test_what_is_being_written_is_waited_for(self):
        self.assertEqual([False, False, False, True],
                         [self.seen(looks) for looks in (2, 3, 4, 4)])

    def test_at_once(self):
        self.assertEqual([True, False], [self.seen(2, True), self.seen(2, True)])

    def test_a_change_that_was_taken_back_is_none(self):
        self.assertEqual([False, False, False], [self.seen(looks) for looks in (2, 1, 1)])

    def test_what_never_rests_is_told_after_a_while(self):
        told = [self.seen(looks) for looks in range(2, 3 + 2 * MAX_UNREST)]
        self.assertEqual([MAX_UNREST], [n for n, now in enumerate(told) if now])


if __name__ == "__main__":
    unittest.main()
