"""tests/checks/databases/test_running.py: both checks in the program as it is installed.

What the tests of each check show with a clock that is given is shown here with a real one, on
what arrives at the server's socket: a run every second, a load meanwhile, a database that stops.
"""

import contextlib
import re
import unittest

from tests.checks.databases import servers
from tests.checks.world import World

COMMITS = 1_000
SECRET = "known to this test alone"
GAUGE = re.compile(rb"([^:|]+):([^|]+)\|g\|T(\d+)(?:\|#(.*))?")
SAID = re.compile(rb"_sc\|([^|]+)\|(\d)")
OK, CRITICAL = 0, 2


class Running:
    """The tests, for one database: server, name, every_run (a gauge of each run), counter (a rate)
    and tag of it, can_connect, conf() and load()."""

    tag = b""

    def setUp(self):
        self.server = self.make()
        self.addCleanup(self.server.remove)
        self.server.create()
        self.server.start()
        self.prepare()
        self.world = World(self)
        password = self.world.base / "password"
        password.write_text(SECRET)
        password.chmod(0o600)
        self.world.conf(self.name, f"init_config:\ninstances:\n  - min_collection_interval: 1\n"
                                   f"    password_file: {password}\n{self.conf()}")

    def points(self, name, tag=b""):
        """{second: value} of a gauge that arrived."""
        found = filter(None, map(GAUGE.fullmatch, self.world.lines))
        return {int(one[3]): float(one[2]) for one in found
                if one[1] == name and tag in (one[4] or b"")}

    def runs(self):
        return sorted(self.points(self.every_run, self.tag))

    def whole_runs(self):
        """(the seconds of all runs, the counter's points), once each run but the first has one."""
        runs, points = self.runs(), self.points(self.counter, self.tag)
        return (runs, points) if sorted(points) == runs[1:] else None

    def said(self):
        """The service checks that arrived, each state once in a row."""
        states = [int(one[2]) for one in filter(None, map(SAID.match, self.world.lines))
                  if one[1] == self.can_connect]
        return [state for at, state in enumerate(states) if at == 0 or states[at - 1] != state]

    def more_runs(self, count):
        known = len(self.runs())
        self.world.until(lambda: len(self.runs()) >= known + count)

    def test_value_times_seconds_is_what_the_server_counted(self):
        before = self.counted()
        self.world.start()
        self.more_runs(2)
        for _ in range(2):
            self.load()
            self.more_runs(1)
        self.more_runs(1)
        grown = self.counted() - before
        runs, points = self.world.until(self.whole_runs)
        summed = sum(points[now] * (now - last) for last, now in zip(runs, runs[1:]))
        self.assertEqual(round(summed, 6), grown)
        self.assertGreaterEqual(grown, 2 * COMMITS)

    def test_database_stopped_and_started(self):
        self.world.start()
        self.more_runs(1)
        self.server.stop()
        self.world.until(lambda: self.said() == [OK, CRITICAL])
        failed = self.world.until(lambda: self.world.told(self.name).get("error"))
        self.server.start()
        self.world.until(lambda: self.said() == [OK, CRITICAL, OK])
        told = self.world.until(lambda: self.world.told(self.name).get("state") == "ok"
                                and self.world.told(self.name))
        self.assertEqual((told["kills"], told["error"]), (0, None))
        self.assertGreaterEqual(told["failures"], 1)
        self.assertNotIn("\n", failed)
        self.assertNotIn(SECRET, self.world.log + str(self.world.documents)
                         + str(self.world.lines))


class PostgresTest(Running, unittest.TestCase):
    make = servers.PostgreSql
    name, can_connect = "postgres", b"postgres.can_connect"
    every_run, counter, tag = b"postgresql.connections", b"postgresql.rows_inserted", b"db:shop"

    def prepare(self):
        self.execute("postgres", "CREATE DATABASE shop", f"CREATE USER heeler PASSWORD '{SECRET}'",
                     "GRANT pg_monitor TO heeler")
        self.execute("shop", "CREATE TABLE item (id serial PRIMARY KEY)")

    def conf(self):
        return f"    host: {self.server.folder}\n    username: heeler\n"

    def execute(self, dbname, *statements):
        with contextlib.closing(self.server.session(dbname)) as session, \
                session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def load(self):
        """Ended when its session is, and with it all that it counted."""
        self.execute("shop", *["INSERT INTO item DEFAULT VALUES"] * COMMITS)
        self.world.until(lambda: not self.execute(
            "postgres", "SELECT 1 FROM pg_stat_activity WHERE datname = 'shop'"))

    def counted(self):
        (count,), = self.execute("postgres", "SELECT tup_inserted FROM pg_stat_database "
                                             "WHERE datname = 'shop'")
        return count


class MariaDbTest(Running, unittest.TestCase):
    make = servers.MariaDb
    name, can_connect = "mysql", b"mysql.can_connect"
    every_run, counter = b"mysql.performance.threads_running", b"mysql.performance.com_insert"

    def prepare(self):
        self.execute(f"CREATE USER heeler@localhost IDENTIFIED BY '{SECRET}'",
                     "GRANT PROCESS ON *.* TO heeler@localhost", "CREATE DATABASE shop",
                     "CREATE TABLE shop.item (id int AUTO_INCREMENT PRIMARY KEY)")

    def conf(self):
        return f"    sock: {self.server.sock}\n    username: heeler\n"

    def execute(self, *statements):
        with contextlib.closing(self.server.session()) as session, session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()

    def load(self):
        self.execute(*["INSERT INTO shop.item VALUES (DEFAULT)"] * COMMITS)

    def counted(self):
        (_, count), = self.execute("SHOW GLOBAL STATUS LIKE 'Com_insert'")
        return int(count)


if __name__ == "__main__":
    unittest.main()
