"""tests/checks/databases/test_process.py: which process is the server, in a /proc of our own."""

import os
import tempfile
import unittest

from datadog_checks.mysql import process

TICKS = os.sysconf("SC_CLK_TCK")


class ProcessTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.proc = folder.name
        self.pid_file = os.path.join(folder.name, "server.pid")
        self.written("uptime", "1 1")

    def written(self, name, text):
        path = os.path.join(self.proc, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as stream:
            stream.write(text)

    def runs(self, pid, name, user, kernel):
        self.written(f"{pid}/comm", name + "\n")
        self.written(f"{pid}/stat", f"{pid} ({name}) S 1 1 1 0 -1 4194560 100 0 0 0 "
                                    f"{user} {kernel} 0 0 20 0 9 0 1 1 1")

    def found(self):
        return process.cpu_seconds(self.pid_file, self.proc)

    def test_process_of_the_pid_file(self):
        self.runs(7, "mariadbd", 3 * TICKS, 2 * TICKS)
        self.runs(8, "mariadbd", 5 * TICKS, 5 * TICKS)
        self.written("server.pid", "7\n")
        self.assertEqual(self.found(), (3, 2))

    def test_process_of_the_name_where_there_is_one(self):
        self.runs(7, "mysqld", TICKS, 0)
        self.runs(8, "mysqldump", 9, 9)
        self.assertEqual(self.found(), (1, 0))
        self.runs(9, "mysqld", 1, 1)
        self.assertIsNone(self.found())

    def test_stale_number_is_not_believed(self):
        self.runs(7, "sh", 9, 9)
        for text in ("7\n", "none", "", "../7"):
            self.written("server.pid", text)
            self.assertIsNone(self.found())

    def test_name_with_parentheses(self):
        self.runs(7, "mysqld", 1, 1)
        self.written("7/stat", "7 (a) S) S 1 1 1 0 -1 4194560 100 0 0 0 "
                               f"{TICKS} 0 0 0 20 0 9 0 1 1 1")
        self.assertEqual(self.found(), (1, 0))

    def test_nothing_to_be_seen(self):
        self.assertIsNone(self.found())
        self.assertIsNone(process.cpu_seconds(None, self.proc))


if __name__ == "__main__":
    unittest.main()
