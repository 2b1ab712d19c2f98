import os
import unittest

from runner.log import Limit, Log


def written(level="info", as_json=False):
    read, write = os.pipe()
    return Log(level, as_json, write, lambda: 1700000000.25), read


class LogTest(unittest.TestCase):
    def test_a_line_is_as_the_servers(self):
        log, read = written()
        log.info("a\x1b\nb")
        self.assertEqual(b"2023-11-14T22:13:20.250Z INFO checks: a\\x1b\\nb\n", os.read(read, 9999))

    def test_json(self):
        log, read = written(as_json=True)
        log.error('"')
        self.assertEqual(b'{"time":"2023-11-14T22:13:20.250Z","level":"error",'
                         b'"message":"checks: \\""}\n', os.read(read, 9999))

    def test_levels(self):
        for level, expected in [("off", 0), ("error", 1), ("critical", 1), ("warn", 2),
                                ("info", 3), ("debug", 4), ("trace", 4), ("what", 3)]:
            log, read = written(level)
            os.set_blocking(read, False)
            for line in ("error", "warn", "info", "debug"):
                log.line(line, "x")
            os.close(log.fd)
            self.assertEqual(expected, os.read(read, 9999).count(b"\n"), level)

    def test_a_reader_who_does_not_read_is_not_waited_for(self):
        log, read = written()
        for _ in range(10000):
            log.info("x" * 100)
        self.assertGreater(log.dropped, 0)
        os.close(read)

    def test_a_line_is_cut(self):
        log, _ = written()
        self.assertLess(len(log.formed(1, "x" * 100000)), 2200)
        self.assertLess(len(log.formed(1, "\U0001f600" * 100000)), 4096)
        log.as_json = True
        self.assertTrue(log.formed(1, "\U0001f600" * 100000).endswith(b'"}\n'))


class LimitTest(unittest.TestCase):
    def test_so_many_a_minute(self):
        limit = Limit(2, 60)
        self.assertEqual([0, 0, None, None], [limit.pass_at(now) for now in (0, 1, 2, 59)])
        self.assertEqual([2, 0, None], [limit.pass_at(now) for now in (60, 61, 62)])

    def test_a_clock_that_goes_back_begins_anew(self):
        limit = Limit(1, 60)
        self.assertEqual([0, None, 1], [limit.pass_at(now) for now in (100, 101, 50)])


if __name__ == "__main__":
    unittest.main()
