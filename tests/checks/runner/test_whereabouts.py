import threading
import unittest

from runner.whereabouts import Whereabouts


def hang(began, over):
    began.set()
    over.wait()


class WhereaboutsTest(unittest.TestCase):
    def place(self, folders):
        """Of a thread that hangs in hang() above, called from here."""
        began, over = threading.Event(), threading.Event()
        thread = threading.Thread(target=hang, args=(began, over))
        thread.start()
        try:
            began.wait()
            return Whereabouts(60, folders, None).place(thread.ident)
        finally:
            over.set()
            thread.join()

    def test_the_innermost_place_in_the_code_of_the_check(self):
        folder = __file__.rpartition("/")[0]
        for given in (folder, folder + "/"):
            self.assertRegex(self.place(["/none", given]), r"/test_whereabouts.py:\d+, in hang$")

    def test_the_innermost_of_all_where_there_is_none(self):
        self.assertRegex(self.place(["/none"]), r"/threading.py:\d+, in ")
        self.assertRegex(self.place([]), r"/threading.py:\d+, in ")

    def test_a_thread_that_has_ended_is_nowhere(self):
        self.assertEqual("", Whereabouts(60, [], None).place(-1))

    def test_it_looks_somewhat_before_the_limit(self):
        for limit, after in ((60, 58), (10, 8), (5, 4), (1, 0.8)):
            self.assertAlmostEqual(after, Whereabouts(limit, [], None).after_s)

    def test_nothing_is_told_of_what_is_over_before(self):
        told = []
        before = threading.active_count()
        with Whereabouts(3600, [], told.append):
            self.assertEqual(before + 1, threading.active_count())
        self.assertEqual([], told)


if __name__ == "__main__":
    unittest.main()
