import ctypes
import os
import unittest

from runner import main

PR_GET_DUMPABLE = 3


class MainTest(unittest.TestCase):
    def test_the_memory_of_the_parent_is_not_for_its_checks(self):
        pid = os.fork()
        if pid == 0:
            main._hide()
            os._exit(10 + ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0))
        _, status = os.waitpid(pid, 0)
        self.assertEqual(10, os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    unittest.main()
