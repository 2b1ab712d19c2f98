"""heeler_database/check.py: what a check of a database does around its own questions.

The first statement of a run decides: while it is answered, can_connect is OK, else CRITICAL and
the run fails. There is one connection, kept from run to run; the object lives as long as the
instance.
"""

from datadog_checks.base import AgentCheck, ConfigurationError
from heeler_database.session import Lost, Session, driver


class DatabaseCheck(AgentCheck):
    """Each has these, and _collect(), which asks and reports."""

    WORD = ""               # that its lines in the log begin with
    CAN_CONNECT = ""        # its service check
    DRIVER = ("", "")       # a module, and the package that it is in
    SETTINGS = None         # of an instance
    CONNECTION = None

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        driver(*self.DRIVER)
        self._settings = self.SETTINGS(self.instance)
        self._session = Session(self._connect)
        if self._settings.unknown:
            self.log.warning("%s: not offered here, and without effect: %s", self.WORD,
                             ", ".join(self._settings.unknown))

    def check(self, _):
        try:
            self._collect()
        except (Lost, ConfigurationError) as error:
            self._session.forget()
            self._say(self.CAN_CONNECT, AgentCheck.CRITICAL, message=str(error))
            raise
        except BaseException:
            # Whatever it was, the connection may be in the middle of an answer.
            self._session.forget()
            raise
        self._say(self.CAN_CONNECT, AgentCheck.OK)

    def cancel(self):
        self._session.forget()

    def _connect(self):
        settings = self._settings
        return self.CONNECTION(settings.keywords(), settings.connect_timeout_s,
                               settings.query_timeout_ms, settings.password.hide)

    def _say(self, name, status, tags=(), message=None):
        self.service_check(name, status, tags=[*self._settings.service_check_tags, *tags],
                           hostname=self._settings.reported_hostname, message=message, raw=True)
