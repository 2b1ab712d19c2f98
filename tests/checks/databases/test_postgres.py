"""tests/checks/databases/test_postgres.py: the check of PostgreSQL against a PostgreSQL."""

import contextlib
import threading
import time
import unittest

import psycopg2

from tests.checks.databases import runs, servers
from tests.checks.databases.runs import Runs

from datadog_checks.postgres import PostgreSql
from datadog_checks.postgres.connection import Connection
from heeler_database.session import Refused

CAN_CONNECT = "postgres.can_connect"
OK, CRITICAL = 0, 2
ROWS, COMMITS = 10_000, 1_000

# Column of pg_stat_database, and what the check makes of it.
COUNTERS = (
    ("xact_commit", "commits"), ("xact_rollback", "rollbacks"), ("blks_read", "disk_read"),
    ("blks_hit", "buffer_hit"), ("tup_returned", "rows_returned"), ("tup_fetched", "rows_fetched"),
    ("tup_inserted", "rows_inserted"), ("tup_updated", "rows_updated"),
    ("tup_deleted", "rows_deleted"), ("deadlocks", "deadlocks"), ("temp_files", "temp_files"),
    ("temp_bytes", "temp_bytes"),
)
SECRET = "pass'w\\ord \u00fc"


class PostgresTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = servers.PostgreSql()
        cls.addClassCleanup(cls.server.remove)
        cls.server.create()
        cls.server.start()
        with contextlib.closing(cls.server.session()) as session, session.cursor() as cursor:
            cursor.execute("CREATE ROLE heeler LOGIN PASSWORD %s", (SECRET,))
            cursor.execute("GRANT pg_monitor TO heeler")
            cursor.execute("CREATE ROLE stranger LOGIN PASSWORD %s", (SECRET,))
            cursor.execute("CREATE DATABASE shop")
        with cls.load() as cursor:
            cursor.execute("CREATE TABLE item (id int PRIMARY KEY, name text)")
            cursor.execute("INSERT INTO item SELECT n, 'item ' || n FROM generate_series(1, %s) n",
                           (ROWS,))

    @classmethod
    @contextlib.contextmanager
    def load(cls):
        """A cursor in the database shop. When it is left, all it counted is in the statistics."""
        with contextlib.closing(cls.server.session("shop")) as session:
            with session.cursor() as cursor:
                yield cursor
        cls.wait_for_statistics()

    @classmethod
    def wait_for_statistics(cls):
        """A session that is no longer shown has written what it counted."""
        with contextlib.closing(cls.server.session()) as session, session.cursor() as cursor:
            sessions = 1
            while sessions:
                cursor.execute("SELECT count(*) FROM pg_stat_activity "
                               "WHERE datname = 'shop' AND usename = %s", (servers.ADMIN,))
                sessions, = cursor.fetchone()
                time.sleep(servers.ANSWER_PAUSE_S)

    def runs(self, **keys):
        made = Runs(PostgreSql, "postgres", {
            "host": self.server.folder, "username": "heeler", "password": SECRET, **keys})
        self.addCleanup(made.check.cancel)
        return made

    def known_load(self):
        """10,000 rows by index, 10,000 by a sequential scan, 1,000 commits and some of the rest."""
        with self.load() as cursor:
            cursor.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
            cursor.execute("SELECT count(name) FROM item WHERE id BETWEEN 1 AND %s", (ROWS,))
            self.assertEqual(cursor.fetchone(), (ROWS,))
            cursor.execute("SET enable_seqscan = on; SET enable_indexscan = off")
            cursor.execute("SELECT count(name) FROM item")
            for number in range(COMMITS):
                cursor.execute("INSERT INTO item VALUES (%s, 'more')", (ROWS + 1 + number,))
            cursor.execute("UPDATE item SET name = 'other' WHERE id > %s", (ROWS,))
            cursor.execute("BEGIN; DELETE FROM item WHERE id = 1; ROLLBACK")
            cursor.execute("DELETE FROM item WHERE id > %s", (ROWS,))
            cursor.execute("SET work_mem = '64kB'")
            cursor.execute("SELECT name FROM item ORDER BY name")

    def counters(self):
        """What the server itself says of the database shop, asked from another one."""
        columns = ", ".join(column for column, _ in COUNTERS)
        with contextlib.closing(self.server.session()) as session, session.cursor() as cursor:
            cursor.execute(f"SELECT {columns} FROM pg_stat_database WHERE datname = 'shop'")
            return dict(zip((name for _, name in COUNTERS), cursor.fetchone()))

    def test_value_times_seconds_is_what_the_server_counted(self):
        before = self.counters()
        checked = self.runs()
        for _ in range(3):
            self.assertEqual(checked.run().error, "")
            self.known_load()
        checked.run()
        checked.run()
        after = self.counters()
        for _, name in COUNTERS:
            with self.subTest(name):
                self.assertEqual(round(checked.summed(f"postgresql.{name}", "db:shop"), 6),
                                 after[name] - before[name])
        self.assertGreater(after["commits"] - before["commits"], 3 * COMMITS)
        self.assertGreater(after["temp_files"], before["temp_files"])
        self.assertGreater(after["rows_fetched"] - before["rows_fetched"], 3 * ROWS)
        self.assertEqual(after["rows_inserted"] - before["rows_inserted"], 3 * COMMITS)

    def test_rows_of_a_table_by_index_and_by_sequential_scan(self):
        checked = self.runs(dbname="shop", relations=["item"])
        checked.run()
        self.known_load()
        last = checked.run()
        self.assertEqual(last.warnings, [])
        tags = ("db:shop", "schema:public", "table:item")
        sums = {name: round(checked.summed(f"postgresql.{name}", *tags), 6) for name in (
            "index_rel_rows_fetched", "index_rows_fetched", "rows_inserted", "rows_updated",
            "rows_deleted", "seq_scans")}
        # By index: the one range; by sequential scan: the count, the update, both deletes and
        # the sort. A row that was rolled back was deleted, as far as this statistic goes.
        self.assertEqual(sums, {
            "index_rel_rows_fetched": ROWS, "index_rows_fetched": ROWS, "rows_inserted": COMMITS,
            "rows_updated": COMMITS, "rows_deleted": COMMITS + 1, "seq_scans": 5})
        self.assertEqual(runs.value(last, "postgresql.live_rows", *tags), ROWS)
        self.assertGreater(runs.value(last, "postgresql.table_size", *tags), 0)

    def test_deadlock(self):
        checked = self.runs()
        checked.run()
        self.deadlock()
        checked.run()
        self.assertEqual(round(checked.summed("postgresql.deadlocks", "db:shop"), 6), 1)
        self.assertEqual(checked.summed("postgresql.deadlocks.count", "db:shop"), 1)

    def deadlock(self):
        """Two sessions, each with a row that the other waits for; the server ends one of them."""
        with contextlib.closing(self.server.session("shop")) as mine, \
                contextlib.closing(self.server.session("shop")) as yours:
            one, other = mine.cursor(), yours.cursor()
            for cursor, first in ((one, 1), (other, 2)):
                cursor.execute("SET deadlock_timeout = '10ms'; BEGIN")
                cursor.execute("UPDATE item SET name = name WHERE id = %s", (first,))
            failed = []

            def wait_for(cursor, row):
                try:
                    cursor.execute("UPDATE item SET name = name WHERE id = %s", (row,))
                except psycopg2.errors.DeadlockDetected:
                    failed.append(row)
                cursor.execute("ROLLBACK")

            waiter = threading.Thread(target=wait_for, args=(one, 2))
            waiter.start()
            wait_for(other, 1)
            waiter.join()
        self.assertEqual(len(failed), 1)
        self.wait_for_statistics()

    def test_gauges_and_tags(self):
        with self.load() as cursor:
            cursor.execute("BEGIN; LOCK TABLE item IN EXCLUSIVE MODE")
            run = self.runs(tags=["env:test"]).run()
        tags = ("env:test", f"server:{self.server.folder}", "port:5432", "replication_role:master")
        self.assertEqual(run.warnings, [])
        self.assertEqual(runs.value(run, "postgresql.connections", "db:shop", *tags), 1)
        self.assertEqual(runs.value(run, "postgresql.max_connections", *tags), 20)
        self.assertEqual(runs.value(run, "postgresql.percent_usage_connections", *tags), 0.1)
        self.assertEqual(runs.value(run, "postgresql.locks", "db:shop", "lock_type:relation",
                                    "lock_mode:ExclusiveLock", "granted:true", *tags), 1)
        self.assertGreater(runs.value(run, "postgresql.database_size", "db:shop", *tags), 1e6)
        self.assertEqual(runs.value(run, "postgresql.db.count"), 2)
        self.assertEqual(runs.found(run, "postgresql.connections", "db:template1"), [])
        said, = run.service_checks
        self.assertEqual((said.name, said.status, sorted(said.tags)), (CAN_CONNECT, OK, sorted(
            ["env:test", f"server:{self.server.folder}", "port:5432", "db:postgres"])))

    def test_locks_of_tables(self):
        with self.load() as cursor:
            cursor.execute("BEGIN; LOCK TABLE item IN SHARE MODE")
            run = self.runs(dbname="shop", relations=[
                {"relation_regex": "^it", "schemas": ["public"]}]).run()
        point, = runs.found(run, "postgresql.locks", "lock_mode:ShareLock")
        self.assertTrue({"db:shop", "schema:public", "table:item"} <= set(point.tags))

    def test_pattern_that_is_none_costs_its_group_alone(self):
        run = self.runs(relations=[{"relation_regex": "("}]).run()
        self.assertEqual((run.error, statuses(run)), ("", [OK]))
        self.assertTrue(all("left out: invalid regular expression" in each
                            for each in run.warnings), run.warnings)

    def test_dbstrict_and_ignored_databases(self):
        run = self.runs(dbname="shop", dbstrict=True).run()
        self.assertEqual(runs.value(run, "postgresql.db.count"), 1)
        run = self.runs(ignore_databases=["sh%"]).run()
        self.assertEqual(runs.found(run, "postgresql.commits", "db:shop"), [])
        self.assertEqual(runs.value(run, "postgresql.connections", "db:template0"), 0)

    def test_without_pg_monitor(self):
        run = self.runs(username="stranger").run()
        self.assertEqual((run.error, run.warnings, statuses(run)), ("", [], [OK]))

    def stop(self):
        """For the tests behind it starts again, however this one ends."""
        self.addCleanup(self.server.start_again)
        self.server.stop()

    def test_server_stopped_and_started(self):
        checked = self.runs()
        self.assertEqual(statuses(checked.run()), [OK])
        self.stop()
        for _ in range(2):
            run = checked.run()
            self.assertEqual((statuses(run), run.points), ([CRITICAL], []))
            self.assertIn(self.server.folder, run.error)
            self.assertIn("No such file or directory", run.error)
        self.server.start()
        run = checked.run()
        self.assertEqual((statuses(run), run.error), ([OK], ""))

    def test_restart_between_two_runs_is_no_failure(self):
        checked = self.runs()
        checked.run()
        self.stop()
        self.server.start()
        run = checked.run()
        self.assertEqual((statuses(run), run.error), ([OK], ""))

    def test_server_that_hangs_hangs_no_run(self):
        checked = self.runs(connect_timeout=1, query_timeout=100)
        checked.run()
        self.server.freeze()
        self.addCleanup(self.server.thaw)
        for _ in ("with its connection", "with a new one"):
            run = checked.run()
            self.assertEqual(statuses(run), [CRITICAL])
            self.assertIn("does not answer in time", run.error)
        self.server.thaw()
        servers.until(lambda: statuses(checked.run()) == [OK])     # it has a second to connect

    def test_slow_statement_is_ended_by_the_server_and_the_connection_stays(self):
        connection = Connection({"host": self.server.folder, "user": "heeler", "dbname": "shop",
                                 "port": self.server.port, "password": SECRET}, 10, 100, str)
        self.addCleanup(connection.close)
        with self.assertRaisesRegex(Refused, "statement timeout"):
            connection.rows("SELECT pg_catalog.pg_sleep(60)")
        with self.assertRaisesRegex(Refused, "read-only"):
            connection.rows("CREATE TABLE mine (n int)")
        self.assertEqual(connection.rows("SELECT 1"), [(1,)])

    def test_wrong_password_is_told_without_it(self):
        wrong = "not at all the password"
        with self.assertNoLogs():
            run = self.runs(password=wrong).run()
        self.assertEqual(statuses(run), [CRITICAL])
        self.assertIn("password authentication failed for user", run.error)
        self.assertNotIn(wrong, run.error + repr(run.service_checks))

    def test_standby_and_its_primary(self):
        standby = servers.PostgreSql()
        self.addCleanup(standby.remove)
        standby.create_standby_of(self.server)
        standby.start()
        run = self.runs(host=standby.folder).run()
        self.assertEqual((run.error, run.warnings), ("", []))
        self.assertGreaterEqual(runs.value(run, "postgresql.replication_delay",
                                           "replication_role:standby"), 0)
        self.assertGreaterEqual(runs.value(run, "postgresql.replication_delay_bytes"), 0)
        lag = self.wait_for_a_standby("postgresql.replication.wal_replay_lag")
        self.assertTrue({"wal_app_name:walreceiver", "wal_sync_state:async"} <= set(lag.tags))
        standby.stop()

    def wait_for_a_standby(self, name):
        checked = self.runs()
        points = []
        while not points:
            points = runs.found(checked.run(), name)
        return points[0]


def statuses(run):
    return runs.statuses(run, CAN_CONNECT)
