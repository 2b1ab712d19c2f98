"""datadog_checks/mysql/check.py: one run reads the server's variables and reports them.

What a run is, heeler_database/check.py says. A later statement that the server refuses (a privilege
that is missing) costs its own metrics and a warning.
"""

from datadog_checks.base import AgentCheck
from datadog_checks.mysql import metrics, process, replication
from datadog_checks.mysql.connection import Connection
from datadog_checks.mysql.settings import Settings
from heeler_database.check import DatabaseCheck
from heeler_database.session import Lost, Refused

# The old name and today's, both of the same state; the gauge has the old one alone.
SLAVE_RUNNING = "mysql.replication.slave_running"
REPLICA_RUNNING = "mysql.replication.replica_running"

SHOW_SETTINGS = ("SHOW GLOBAL VARIABLES WHERE Variable_name IN "
                 f"({', '.join(repr(name) for name in metrics.ASKED_SETTINGS)})")
SHOW_STATUS = "SHOW GLOBAL STATUS"
TRANSACTIONS = ("SELECT COUNT(*) AS transactions, COALESCE(SUM(trx_rows_locked), 0) AS row_locks "
                "FROM information_schema.INNODB_TRX")
# MySQL has no variable that counts its replicas; MariaDB has.
REPLICAS = ("SELECT COUNT(*) AS replicas FROM information_schema.PROCESSLIST "
            "WHERE COMMAND LIKE 'Binlog Dump%'")


class MySql(DatabaseCheck):
    WORD, CAN_CONNECT = "mysql", "mysql.can_connect"
    DRIVER = ("pymysql", "python3-pymysql")
    SETTINGS, CONNECTION = Settings, Connection

    def _collect(self):
        settings, status = self._variables()
        self.set_metadata("version", settings.get("version", ""))
        self._named(metrics.STATUS, status)
        self._named(metrics.SETTINGS, settings)
        if self._settings.extra_status:
            self._named(metrics.EXTRA_STATUS, status)
        if self._settings.extra_innodb:
            self._named(metrics.EXTRA_INNODB, status)
        for name, kind, value in metrics.derived(status, settings):
            self._report(name, kind, value)
        if self._settings.innodb:
            self._row_locks()
        if self._settings.local():
            self._processor(settings.get("pid_file"))
        if not self._settings.replication_off:
            self._replication(settings, status)

    def _variables(self):
        """The settings and the status of the server, each a mapping of name to text."""
        try:
            settings = self._session.first(SHOW_SETTINGS)
            status = self._session.rows(SHOW_STATUS)
        except Refused as refused:
            raise Lost(str(refused)) from None
        return tuple({row["Variable_name"]: row["Value"] for row in rows}
                     for rows in (settings, status))

    def _named(self, rows, values):
        for variable, name, kind in rows:
            self._report(name, kind, metrics.number(values, variable))

    def _row_locks(self):
        for row in self._ask("row locks", TRANSACTIONS, "PROCESS"):
            self._report("mysql.innodb.current_row_locks", metrics.GAUGE, row["row_locks"])
            self._report("mysql.innodb.current_transactions", metrics.GAUGE, row["transactions"])

    def _processor(self, pid_file):
        times = process.cpu_seconds(pid_file)
        if times is None:
            self.log.debug("mysql: the server's process was not found")
            return
        user, kernel = times
        self._report("mysql.performance.user_time", metrics.RATE, user)
        self._report("mysql.performance.kernel_time", metrics.RATE, kernel)
        self._report("mysql.performance.cpu_time", metrics.RATE, user + kernel)

    def _replication(self, settings, status):
        asked = self._settings.replication_asked
        channels = self._ask("its state as a replica",
                             replication.statement(settings.get("version", "")),
                             "REPLICATION CLIENT, in MariaDB SLAVE MONITOR", loud=asked)
        replicas = self._replicas(status, asked)
        for channel, seconds in replication.delays(channels):
            tags = [f"channel:{channel}"]
            self._report("mysql.replication.seconds_behind_master", metrics.GAUGE, seconds, tags)
            self._report("mysql.replication.seconds_behind_source", metrics.GAUGE, seconds, tags)
        if replicas or asked:
            self._report("mysql.replication.slaves_connected", metrics.GAUGE, replicas)
            self._report("mysql.replication.replicas_connected", metrics.GAUGE, replicas)
        log_bin = settings.get("log_bin") == "ON"
        for mode, state in replication.findings(channels, replicas, log_bin, asked):
            tags = [f"replication_mode:{mode}"]
            self._report(SLAVE_RUNNING, metrics.GAUGE, int(state == AgentCheck.OK), tags)
            self._say(SLAVE_RUNNING, state, tags)
            self._say(REPLICA_RUNNING, state, tags)

    def _replicas(self, status, asked):
        known = metrics.number(status, "Slaves_connected")
        if known is not None:
            return known
        rows = self._ask("its replicas", REPLICAS, "PROCESS", loud=asked)
        return rows[0]["replicas"] if rows else 0

    def _ask(self, what, statement, privilege, loud=True):
        """The rows, [] when refused; loud: with a warning, for the instance wants to know it."""
        try:
            return self._session.rows(statement)
        except Refused as refused:
            tell = self.warning if loud else self.log.debug
            tell("mysql: %s cannot be read (privilege %s): %s", what, privilege, refused)
            return []

    def _report(self, name, kind, value, tags=()):
        if value is not None:
            getattr(self, kind)(name, value, tags=[*self._settings.tags, *tags],
                                hostname=self._settings.reported_hostname, raw=True)
