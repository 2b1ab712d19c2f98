"""datadog_checks/mysql/connection.py: a connection to MySQL or MariaDB that never waits for ever.

Every read and write on the socket has a limit, so that a server which is stopped, or whose host
vanished, costs a run some seconds; the server is also asked to end a slow statement by itself.
A connection belongs to the session that opened it.
"""

from datadog_checks.mysql.careful import careful
from heeler_database.session import Lost, Refused, Silent, driver, one_line

# Errors of the client library: nothing that the server said.
CLIENT_ERRORS = range(2000, 3000)
# The server's farewells: it shuts down, somebody ended our session, we were silent too long.
FAREWELLS = frozenset((1053, 1079, 1152, 1184, 1927, 4031))
# What the server is given to end a statement by itself, before the connection is given up.
GRACE_S = 1


class Connection:
    def __init__(self, keywords, connect_timeout_s, query_timeout_ms, hide):
        """keywords: as pymysql.connect takes them. hide: takes the password out of a text."""
        self._pymysql = driver("pymysql", "python3-pymysql")
        self._hide = hide
        self._raw = None
        answer_s = query_timeout_ms / 1000 + GRACE_S
        try:
            self._raw = careful(self._pymysql)(
                connect_timeout=connect_timeout_s, read_timeout=answer_s, write_timeout=answer_s,
                charset="utf8mb4", autocommit=True,
                cursorclass=self._pymysql.cursors.DictCursor, **keywords)
        except (self._pymysql.Error, OSError, RuntimeError, ValueError) as error:
            # RuntimeError: the server wants a way to prove the password that needs another module.
            raise Lost(self._sentence(error)) from None
        self._limit_statements(query_timeout_ms)

    def rows(self, statement, values=None):
        """The rows as mappings of column to value."""
        try:
            with self._raw.cursor() as cursor:
                cursor.execute(statement, values)
                return list(cursor.fetchall())
        except UnicodeDecodeError:
            raise Refused("a text in the answer is not UTF-8") from None
        except self._pymysql.Error as error:
            raise self._kind(error)(self._sentence(error)) from None

    def close(self):
        """Without a word to the server, which may be the one that does not answer."""
        if self._raw is not None and self._raw.open:
            self._raw._force_close()

    def _limit_statements(self, query_timeout_ms):
        """Two servers, two names; MySQL's is for SELECT alone, and old servers have neither."""
        if "MariaDB" in self._raw.get_server_info():
            statement = f"SET SESSION max_statement_time = {query_timeout_ms / 1000:.3f}"
        else:
            statement = f"SET SESSION max_execution_time = {query_timeout_ms}"
        try:
            self.rows(statement)
        except Refused:
            pass
        except Lost:
            self.close()
            raise

    def _kind(self, error):
        code = error.args[0] if error.args else 0
        if "timed out" in str(error):
            return Silent
        lost = not self._raw.open or not code or code in CLIENT_ERRORS or code in FAREWELLS
        return Lost if lost else Refused

    def _sentence(self, error):
        """PyMySQL's errors carry (number, text); the number is of use to who looks it up."""
        if len(error.args) == 2 and isinstance(error.args[0], int):
            text = f"{error.args[1]} (error {error.args[0]})"
        else:
            text = str(error)
        return self._hide(one_line(text)) or "the connection broke"
