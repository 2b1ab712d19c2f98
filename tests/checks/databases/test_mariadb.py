"""tests/checks/databases/test_mariadb.py: the check of MySQL and MariaDB against a MariaDB."""

import contextlib
import time
import unittest
from unittest import mock

from pymysql.connections import Connection as PyMySql

from tests.checks.databases import runs, servers
from tests.checks.databases.runs import Runs

from datadog_checks.mysql import MySql, metrics, process
from datadog_checks.mysql.connection import Connection
from heeler_database.session import Refused

CAN_CONNECT, SLAVE_RUNNING = "mysql.can_connect", "mysql.replication.slave_running"
OK, WARNING, CRITICAL = 0, 1, 2
ROWS, COMMITS, SLOW = 10_000, 1_000, 7
# InnoDB looks at its locks anew when nobody asked for a tenth of a second.
INNODB_LOOKS_S = 0.15
SECRET = "pass'w\\ord \u20ac"

# What neither the check nor a look at the status counts: the load has them for itself.
OF_THE_LOAD = """
    Com_insert Com_update Com_delete Com_replace Com_insert_select Slow_queries
    Handler_commit Handler_delete Handler_update Handler_rollback Handler_read_first
    Handler_read_key Handler_read_next Handler_read_prev Innodb_row_lock_waits""".split()


class MariaDbTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = servers.MariaDb()
        cls.addClassCleanup(cls.server.remove)
        cls.server.create()
        cls.server.start()
        with cls.session() as cursor:
            cursor.execute("CREATE USER heeler@localhost IDENTIFIED BY %s", (SECRET,))
            cursor.execute("GRANT PROCESS, SLAVE MONITOR ON *.* "
                           "TO heeler@localhost")
            cursor.execute("CREATE USER stranger@localhost IDENTIFIED BY %s", (SECRET,))
            cursor.execute("CREATE DATABASE shop")
            cursor.execute("CREATE TABLE shop.item (id int PRIMARY KEY, name varchar(20))")
            cursor.execute("USE shop")
            cursor.execute("INSERT INTO item SELECT seq, concat('item ', seq) "
                           f"FROM seq_1_to_{ROWS}")

    @classmethod
    @contextlib.contextmanager
    def session(cls):
        with contextlib.closing(cls.server.session()) as session, session.cursor() as cursor:
            yield cursor

    def runs(self, **keys):
        made = Runs(MySql, "mysql", {"sock": self.server.sock, "username": "heeler",
                                     "password": SECRET, **keys})
        self.addCleanup(made.check.cancel)
        return made

    def known_load(self, cursor):
        """10,000 rows by index, 10,000 by a sequential scan, 1,000 commits and some of the rest."""
        self.scan(cursor)
        for number in range(COMMITS):
            cursor.execute("INSERT INTO shop.item VALUES (%s, 'more')", (ROWS + 1 + number,))
        cursor.execute("UPDATE shop.item SET name = 'other' WHERE id > %s", (ROWS,))
        cursor.execute("DELETE FROM shop.item WHERE id > %s", (ROWS,))
        cursor.execute("SET long_query_time = 0")
        for _ in range(SLOW - 1):
            cursor.execute("DO 1")
        # Nothing takes no time at all, not even this.
        cursor.execute("SET long_query_time = 10")

    def scan(self, cursor):
        cursor.execute("SELECT count(name) FROM shop.item FORCE INDEX (PRIMARY) "
                       "WHERE id BETWEEN 1 AND %s", (ROWS,))
        self.assertEqual(cursor.fetchone(), (ROWS,))
        cursor.execute("SELECT count(name) FROM shop.item IGNORE INDEX (PRIMARY)")

    @staticmethod
    def counters(cursor):
        """What the server itself says, asked by a session that was there before."""
        cursor.execute("SHOW GLOBAL STATUS")
        return {name: float(value) for name, value in cursor.fetchall()
                if value.replace(".", "", 1).isdigit()}

    def test_value_times_seconds_is_what_the_server_counted(self):
        checked = self.runs(options={"extra_status_metrics": True, "extra_innodb_metrics": True})
        names = {variable: name for variable, name, kind in
                 metrics.STATUS + metrics.EXTRA_STATUS + metrics.EXTRA_INNODB
                 if kind == metrics.RATE}
        with self.session() as load, self.session() as looker:
            before = self.counters(looker)
            checked.run()
            for _ in range(3):
                self.known_load(load)
                self.assertEqual(checked.run().error, "")
            checked.run()
            after = self.counters(looker)
        grown = {variable: after[variable] - before[variable] for variable in OF_THE_LOAD}
        for variable in OF_THE_LOAD:
            with self.subTest(variable):
                self.assertEqual(round(checked.summed(names[variable]), 6), grown[variable])
        self.assertEqual((grown["Com_insert"], grown["Slow_queries"]), (3 * COMMITS, 3 * SLOW))
        self.assertGreater(grown["Handler_commit"], 3 * COMMITS)

    def test_rows_by_index_and_by_sequential_scan(self):
        """What a run reads for itself is the same each time, and goes off."""
        with self.session() as load:
            self.scan(load)         # which opens the table
            own, both = self.rows_read(lambda: None), self.rows_read(lambda: self.scan(load))
        # By index the range's beginning is looked up, and each row leads to the next one; a scan
        # notices its end by one more.
        self.assertEqual({name: both[name] - own[name] for name in own}, {
            "handler_read_key": 1, "handler_read_next": ROWS, "handler_read_rnd_next": ROWS + 1})

    def rows_read(self, work):
        checked = self.runs(options={"extra_status_metrics": True})
        checked.run()
        checked.run()
        began = self.rows_summed(checked)
        work()
        checked.run()
        ended = self.rows_summed(checked)
        return {name: round(ended[name] - began[name], 6) for name in ended}

    @staticmethod
    def rows_summed(checked):
        return {name: checked.summed(f"mysql.performance.{name}") for name in (
            "handler_read_key", "handler_read_next", "handler_read_rnd_next")}

    def test_statements_are_counted_with_the_checks_own(self):
        """The check's statements count, too: of the first run those after its look at the status,
        of the last run those up to it."""
        checked = self.runs()
        with self.session() as load, self.session() as looker:
            before = self.counters(looker)
            up_to, _ = self.statements(checked)
            self.known_load(load)
            _, behind = self.statements(checked)
            after = self.counters(looker)
        looks = 1
        for name in ("Queries", "Questions"):
            with self.subTest(name):
                self.assertEqual(round(checked.summed(f"mysql.performance.{name.lower()}"), 6),
                                 after[name] - before[name] - up_to - behind - looks)

    def statements(self, checked):
        """A run; gives how many statements went to the server up to the look at the status, and
        after it."""
        sent = []

        def noted(connection, command, statement, send=PyMySql._execute_command):
            sent.append(statement)
            return send(connection, command, statement)

        with mock.patch.object(PyMySql, "_execute_command", noted):
            self.assertEqual(checked.run().error, "")
        look = sent.index(b"SHOW GLOBAL STATUS") + 1
        return look, len(sent) - look

    def test_every_counter_is_what_the_check_read(self):
        checked = self.runs(options={"extra_status_metrics": True, "extra_innodb_metrics": True})
        read = []
        checked.check._named = lambda rows, values, as_before=checked.check._named: (
            read.append((rows, values)), as_before(rows, values))
        with self.session() as load:
            checked.run()
            self.known_load(load)
            checked.run()
        half = len(read) // 2
        for (rows, first), (_, last) in zip(read[:half], read[half:]):
            for variable, name, kind in rows:
                if kind != metrics.RATE or variable not in first:
                    continue
                grown = float(last[variable]) - float(first[variable])
                with self.subTest(variable):
                    self.assertEqual(round(checked.summed(name), 6), max(grown, 0))

    def test_gauges_and_tags(self):
        with self.session() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT id FROM shop.item WHERE id <= 3 FOR UPDATE")
            checked = self.runs(tags=["env:test"])
            run = checked.run()
            while runs.value(run, "mysql.innodb.current_row_locks") < 3:
                time.sleep(INNODB_LOOKS_S)
                run = checked.run()
        self.assertEqual((run.error, run.warnings), ("", []))
        one = lambda name: runs.value(run, name, "env:test")
        self.assertEqual(one("mysql.performance.threads_connected"), 2)
        self.assertEqual(one("mysql.net.max_connections_available"), 151)
        used, free = one("mysql.innodb.buffer_pool_used"), one("mysql.innodb.buffer_pool_free")
        self.assertEqual(one("mysql.innodb.buffer_pool_total"), used + free)
        self.assertTrue(0 < one("mysql.innodb.buffer_pool_utilization") <= 1)
        self.assertEqual(runs.found(run, "mysql.replication.slave_running"), [])
        said, = run.service_checks
        self.assertEqual((said.name, said.status, sorted(said.tags)), (CAN_CONNECT, OK, sorted(
            ["env:test", f"server:{self.server.sock}", "port:unix_socket"])))

    def test_time_of_the_processor(self):
        checked = self.runs()
        proc = lambda: process.cpu_seconds(self.server.path("pid"))
        outer_first = proc()
        checked.run()
        inner_first = proc()
        with self.session() as cursor:
            cursor.execute("SELECT benchmark(500000, md5('x'))")
        inner_last = proc()
        checked.run()
        outer_last = proc()
        for at, name in enumerate(("user_time", "kernel_time")):
            with self.subTest(name):
                summed = round(checked.summed(f"mysql.performance.{name}"), 6)
                self.assertLessEqual(round(inner_last[at] - inner_first[at], 6), summed)
                self.assertGreaterEqual(round(outer_last[at] - outer_first[at], 6), summed)
        self.assertGreater(checked.summed("mysql.performance.user_time"), 0)
        self.assertAlmostEqual(checked.summed("mysql.performance.cpu_time"),
                               checked.summed("mysql.performance.user_time")
                               + checked.summed("mysql.performance.kernel_time"))

    def test_without_privileges(self):
        run = self.runs(username="stranger").run()
        self.assertEqual((run.error, statuses(run)), ("", [OK]))
        warning, = run.warnings
        self.assertIn("row locks cannot be read (privilege PROCESS)", warning)
        run = self.runs(username="stranger", options={
            "disable_innodb_metrics": True, "replication": True}).run()
        warning, = run.warnings
        self.assertIn("SLAVE MONITOR", warning)

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
            self.assertIn("Can't connect to MySQL server", run.error)
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

    def test_session_ended_by_an_administrator_is_no_failure(self):
        checked = self.runs()
        checked.run()
        with self.session() as cursor:
            cursor.execute("KILL USER heeler@localhost")
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
            self.assertIn("timed out", run.error)
        self.server.thaw()
        servers.until(lambda: statuses(checked.run()) == [OK])     # it has a second to connect

    def test_slow_statement_is_ended_by_the_server_and_the_connection_stays(self):
        connection = Connection({"unix_socket": self.server.sock, "user": "root"}, 10, 100, str)
        self.addCleanup(connection.close)
        with self.assertRaisesRegex(Refused, "max_statement_time"):
            connection.rows("SELECT count(*) FROM shop.item a, shop.item b, shop.item c")
        self.assertEqual(connection.rows("SELECT 1 AS one"), [{"one": 1}])

    def test_wrong_password_is_told_without_it(self):
        wrong = "not at all the password"
        with self.assertNoLogs():
            run = self.runs(password=wrong).run()
        self.assertEqual(statuses(run), [CRITICAL])
        self.assertIn("Access denied for user 'heeler'", run.error)
        self.assertNotIn(wrong, run.error + repr(run.service_checks))

    def test_server_without_tls_gets_no_password(self):
        run = self.runs(ssl={"ca": "/etc/ssl/certs/ca-certificates.crt"}).run()
        self.assertEqual(statuses(run), [CRITICAL])
        self.assertIn("the server offers no TLS", run.error)


class ReplicationTest(unittest.TestCase):
    def setUp(self):
        address, port = servers.own_place()
        self.source = self.started(f"--bind-address={address}", f"--port={port}", "--log-bin",
                                   "--server-id=1")
        with contextlib.closing(self.source.session()) as session, session.cursor() as cursor:
            cursor.execute("CREATE USER copy@'127.0.0.1' IDENTIFIED BY 'copied'")
            cursor.execute("GRANT REPLICATION SLAVE ON *.* TO copy@'127.0.0.1'")
        self.replica = self.started("--skip-networking", "--server-id=2")
        self.replica_session = self.replica.session()
        self.addCleanup(self.replica_session.close)
        self.command(f"CHANGE MASTER TO MASTER_HOST='{address}', MASTER_PORT={port}, "
                     "MASTER_USER='copy', MASTER_PASSWORD='copied'")

    def started(self, *settings):
        server = servers.MariaDb(*settings)
        self.addCleanup(server.remove)
        server.create()
        server.start()
        return server

    def command(self, statement):
        with self.replica_session.cursor() as cursor:
            cursor.execute(statement)

    def run_of(self, server, **keys):
        made = Runs(MySql, "mysql", {"sock": server.sock, "username": "root", **keys})
        self.addCleanup(made.check.cancel)
        return made.run()

    def test_replica_and_source(self):
        run = self.run_of(self.replica)
        self.assertEqual(runs.statuses(run, SLAVE_RUNNING), [CRITICAL])
        self.command("START SLAVE SQL_THREAD")
        self.assertEqual(runs.statuses(self.run_of(self.replica), SLAVE_RUNNING), [WARNING])
        self.command("START SLAVE")
        self.wait_until_ok(self.replica)
        self.wait_until_ok(self.source)
        run = self.run_of(self.source)
        self.assertEqual(runs.value(run, SLAVE_RUNNING, "replication_mode:source"), 1)
        self.assertEqual(runs.value(run, "mysql.replication.replicas_connected"), 1)
        run = self.run_of(self.replica)
        self.assertEqual(runs.value(run, SLAVE_RUNNING, "replication_mode:replica"), 1)
        self.assertGreaterEqual(runs.value(run, "mysql.replication.seconds_behind_master",
                                           "channel:default"), 0)
        self.assertEqual(runs.statuses(self.run_of(self.source, options={"replication": False}),
                                       SLAVE_RUNNING), [])

    def wait_until_ok(self, server):
        servers.until(lambda: runs.statuses(self.run_of(server), SLAVE_RUNNING) == [OK])


def statuses(run):
    return runs.statuses(run, CAN_CONNECT)
