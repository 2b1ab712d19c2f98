"""datadog_checks/postgres/check.py: one run reads the server's statistics and reports them.

What a run is, heeler_database/check.py says. A later statement that the server refuses costs its
own group and a warning.
"""

from datadog_checks.base import ConfigurationError
from datadog_checks.postgres import metrics
from datadog_checks.postgres.connection import Connection
from datadog_checks.postgres.settings import Settings
from heeler_database.check import DatabaseCheck
from heeler_database.session import Lost, Refused


class PostgreSql(DatabaseCheck):
    __NAMESPACE__ = "postgresql"
    WORD, CAN_CONNECT = "postgres", "postgres.can_connect"
    DRIVER = ("psycopg2", "python3-psycopg2")
    SETTINGS, CONNECTION = Settings, Connection

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
            getattr(self, kind)(name, value, tags=tags, hostname=self._settings.reported_hostname)
