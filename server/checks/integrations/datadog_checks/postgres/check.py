"""datadog_checks/postgres/check.py: one run reads the server's statistics and reports them.

The first statement decides: while it is answered, postgres.can_connect is OK, else CRITICAL and
the run fails. A later statement that the server refuses costs its own group and a warning. The
check has one connection, kept from run to run; the object lives as long as the instance.
"""

from datadog_checks.base import AgentCheck, ConfigurationError
from datadog_checks.postgres import metrics
from datadog_checks.postgres.connection import Connection
from datadog_checks.postgres.settings import Settings
from heeler_database.session import Lost, Refused, Session, driver

CAN_CONNECT = "postgres.can_connect"


class PostgreSql(AgentCheck):
    __NAMESPACE__ = "postgresql"

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        driver("psycopg2", "python3-psycopg2")
        self._settings = Settings(self.instance)
        self._session = Session(self._connect)
        self._methods = {metrics.GAUGE: self.gauge, metrics.RATE: self.rate,
                         metrics.MONOTONIC: self.monotonic_count}
        if self._settings.unknown:
            self.log.warning("postgres: not offered here, and without effect: %s",
                             ", ".join(self._settings.unknown))

    def check(self, _):
        try:
            self._collect()
        except (Lost, ConfigurationError) as error:
            self._session.forget()
            self._say(AgentCheck.CRITICAL, str(error))
            raise
        except BaseException:
            # Whatever it was, the connection may be in the middle of an answer.
            self._session.forget()
            raise
        self._say(AgentCheck.OK)

    def cancel(self):
        self._session.forget()

    def _connect(self):
        settings = self._settings
        return Connection(settings.keywords(), settings.connect_timeout_s,
                          settings.query_timeout_ms, settings.password.hide)

    def _say(self, status, message=None):
        self.service_check(CAN_CONNECT, status, tags=self._settings.service_check_tags,
                           hostname=self._settings.reported_hostname, message=message, raw=True)

    def _collect(self):
        version, written, standby = self._first()
        if version < metrics.FIRST_VERSION:
            raise ConfigurationError(f"PostgreSQL {written} is older than 10, the first one known")
        self.set_metadata("version", written.split()[0])
        tags = self._tags(standby)
        self._report("running", metrics.GAUGE, 1, tags)
        self._report("db.count", metrics.GAUGE, self._group(metrics.DATABASES, tags), tags)
        for group in self._groups(version, standby):
            self._group(group, tags)

    def _first(self):
        try:
            return self._session.first(metrics.SERVER)[0]
        except Refused as refused:
            raise Lost(str(refused)) from None

    def _tags(self, standby):
        role = ["replication_role:" + ("standby" if standby else "master")]
        return self._settings.tags + (role if self._settings.role_tag else [])

    def _groups(self, version, standby):
        """DATABASES apart; locks are told by table or by database, never twice."""
        settings = self._settings
        groups = list(metrics.GROUPS) + ([metrics.SIZES] if settings.sizes else [])
        if settings.relations:
            groups.remove(metrics.LOCKS)
            groups += metrics.RELATION_GROUPS
        place = metrics.STANDBY if standby else metrics.PRIMARY
        return [group for group in groups if group.since <= version < group.until
                and group.where in (metrics.ANYWHERE, place)]

    def _group(self, group, tags):
        """Reports the rows of one statement and gives their number, None when it was refused."""
        settings = self._settings
        statement = group.statement.format(databases=settings.databases,
                                           relations=settings.relations or "false",
                                           most=settings.most_relations)
        try:
            rows = self._session.rows(statement, settings.values)
        except Refused as refused:
            self.warning("postgres: %s are left out: %s", group.title, refused)
            return None
        for row in rows:
            self._row(group, row, tags)
        return len(rows)

    def _row(self, group, row, tags):
        named = [f"{tag}:{value}" for tag, value in zip(group.tags, row) if value is not None]
        if group in (metrics.TABLES, metrics.INDEXES):
            named.append(f"db:{self._settings.dbname}")
        for (name, kind), value in zip(group.columns, row[len(group.tags):]):
            self._report(name, kind, value, tags + named)

    def _report(self, name, kind, value, tags):
        if value is not None:
            self._methods[kind](name, value, tags=tags, hostname=self._settings.reported_hostname)
