"""datadog_checks/postgres/connection.py: a connection to PostgreSQL that never waits for ever.

psycopg2 is used without blocking: each answer is awaited here, until a deadline. So a server that
is stopped, or whose host vanished, costs a run some seconds; the server's own statement_timeout
ends what is merely slow, and the connection stays. A connection belongs to the session that
opened it.
"""

import select
import time

from heeler_database.session import Lost, Refused, Silent, driver, one_line

# What the server is given to end a statement by itself, before the connection is given up.
GRACE_S = 1.0


class Connection:
    def __init__(self, keywords, connect_timeout_s, query_timeout_ms, hide):
        """keywords: as psycopg2.connect takes them. hide: takes the password out of a text."""
        self._psycopg2 = driver("psycopg2", "python3-psycopg2")
        self._hide = hide
        self._limit_s = query_timeout_ms / 1000 + GRACE_S
        self._raw = None
        try:
            self._open(keywords, connect_timeout_s)
            self._set_up(query_timeout_ms)
        except (Lost, Refused) as error:
            self.close()
            raise Lost(_with_place(str(error), keywords)) from None

    def rows(self, statement, values=None):
        """The rows as tuples; [] of a statement that has none. values: of its %(name)s."""
        with self._told():
            cursor = self._raw.cursor()
            cursor.execute(statement, values)
            self._wait(time.monotonic() + self._limit_s)
            return cursor.fetchall() if cursor.description else []

    def close(self):
        try:
            if self._raw is not None:
                self._raw.close()
        except self._psycopg2.Error:
            pass        # it was lost before

    def _open(self, keywords, timeout_s):
        with self._told():
            self._raw = self._psycopg2.connect(async_=True, **keywords)
            self._wait(time.monotonic() + timeout_s)

    def _set_up(self, query_timeout_ms):
        """Not by startup parameters: poolers refuse those. The search_path keeps functions that
        others made from being called in the monitoring user's name."""
        self.rows(f"SET statement_timeout = {query_timeout_ms}; "
                  "SET search_path = pg_catalog, pg_temp; "
                  "SET default_transaction_read_only = on")

    def _wait(self, deadline):
        extensions = self._psycopg2.extensions
        while True:
            state = self._raw.poll()
            if state == extensions.POLL_OK:
                return
            left = deadline - time.monotonic()
            reading = [self._raw] if state == extensions.POLL_READ else []
            writing = [self._raw] if state == extensions.POLL_WRITE else []
            if left <= 0 or not any(select.select(reading, writing, [], left)):
                raise Silent("the server does not answer in time")

    def _told(self):
        return _Told(self)


def _with_place(sentence, keywords):
    """libpq says where in some of its sentences, and in others not."""
    if "connection to server" in sentence:
        return sentence
    return f"{keywords.get('host', 'the local socket')}, port {keywords['port']}: {sentence}"


class _Told:
    """Within it, errors of the driver become Lost and Refused."""

    def __init__(self, connection):
        self._connection = connection

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        connection = self._connection
        if isinstance(error, UnicodeDecodeError):
            raise Refused("a name in the answer is not UTF-8") from None
        if not isinstance(error, connection._psycopg2.Error):
            return False
        text = connection._hide(one_line(error)) or "the connection broke"
        raise (Lost if self._broken(error) else Refused)(text) from None

    def _broken(self, error):
        """57P..: the server stops, or somebody ended our session."""
        code = getattr(error, "pgcode", None)
        raw = self._connection._raw
        return raw is None or raw.closed or code is None or code.startswith("57P")
