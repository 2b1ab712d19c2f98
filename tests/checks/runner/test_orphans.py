import ctypes
import os
import unittest

from runner import orphans
from tests.checks.runner.children import Checks, is_gone, wait_until

DAEMON = """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        if os.fork() == 0:
            print("daemon", os.getpid(), flush=True)
            os.close(writer)
            time.sleep(1e6)
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(writer)
    os.read(reader, 1)
    %s
"""


class OrphansTest(unittest.TestCase):
    def setUp(self):
        # Cleanups run from the last to the first: daemons of the checks that end there are reaped.
        self.addCleanup(wait_until, self, lambda: orphans.end([]) == 0)
        self.checks = Checks(self)
        orphans.adopt()
        self.addCleanup(ctypes.CDLL(None).prctl, orphans.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)

    def daemon(self, body):
        """A check that left a daemon behind → the Child, and the daemon's pid."""
        self.checks.check(DAEMON % body)
        child = self.checks.loaded()
        child.process.send({"op": "run", "time": 1})
        child.until_printed("daemon")
        return child, int(child.lines[0].split()[1])

    def gone(self, pid, processes):
        wait_until(self, lambda: orphans.end(processes) is not None and is_gone(pid))
        wait_until(self, lambda: orphans.end(processes) == 0 and not os.path.exists(f"/proc/{pid}"))

    def test_a_daemon_ends_after_the_process_that_it_came_from(self):
        child, pid = self.daemon("os._exit(1)")
        child.until_ended()
        self.gone(pid, [])

    def test_and_not_before(self):
        child, pid = self.daemon("pass")
        child.until("done")
        other = self.checks.loaded()
        self.assertEqual(0, orphans.end([child.process, other.process]))
        self.assertFalse(is_gone(pid))
        child.process.kill("enough")
        child.until_ended()
        self.gone(pid, [other.process])
        self.assertIsNone(other.process.ended)

    def test_processes_of_instances_are_reaped_by_their_owner(self):
        self.checks.check("os._exit(7)")
        child = self.checks.loaded()
        child.process.send({"op": "run", "time": 1})
        wait_until(self, lambda: is_gone(child.process.pid))
        self.assertEqual(0, orphans.end([child.process]))
        self.assertEqual("its process ended with exit status 7", child.until_ended())

    def test_children_of_others_are_let_alone_and_reaped(self):
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(writer)
            os.read(reader, 1)
            os._exit(0)
        os.close(reader)
        try:
            self.assertEqual(0, orphans.end([]))
            self.assertFalse(is_gone(pid))
        finally:
            os.close(writer)
        wait_until(self, lambda: orphans.end([]) == 0 and not os.path.exists(f"/proc/{pid}"))


if __name__ == "__main__":
    unittest.main()
