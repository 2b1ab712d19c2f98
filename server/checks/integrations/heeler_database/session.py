"""heeler_database/session.py: a connection to a database, kept from run to run.

A run asks its first statement by first() and the others by rows(). The connection is opened when
first needed; one that the server closed since the last run (a restart, an idle limit) is opened
anew once, without a word. Whoever catches Lost calls forget(), so that the next run begins afresh.

A connection is what connect() gives: rows(statement, values=None) → a list of
rows, and close().
Both raise only the two errors below, whose texts are one line and hold no password.
"""

import importlib

from datadog_checks.base import ConfigurationError


class Lost(Exception):
    """The server cannot be reached, sends us away, or does not answer in time."""


class Silent(Lost):
    """It is there and does not answer in time: to ask once more would only wait once more."""


class Refused(Exception):
    """The server answered that it does not do this statement; the connection is as it was."""


class Session:
    def __init__(self, connect):
        self._connect = connect
        self._connection = None

    def first(self, statement):
        if self._connection is not None:
            try:
                return self._connection.rows(statement)
            except Silent:
                raise
            except Lost:
                self.forget()
        self._connection = self._connect()
        return self._connection.rows(statement)

    def rows(self, statement, values=None):
        return self._connection.rows(statement, values)

    def forget(self):
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def driver(module, package):
    """The module of a driver, or a sentence that names the package it is in."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ConfigurationError(
            f"this check needs the Python module {module}: install {package} "
            f"(apt-get install {package})") from None


def one_line(text):
    return " ".join(str(text).split())
