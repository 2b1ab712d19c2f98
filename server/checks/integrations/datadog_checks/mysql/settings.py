"""datadog_checks/mysql/settings.py: what an instance of mysql.yaml asks for.

The keys are those of Datadog's integration, today's and the old ones (server, user, pass), and
password_env and password_file. Settings are sealed when made; a wrong one is refused with a
sentence (see heeler_database/options.py).
"""

from datadog_checks.base import ConfigurationError
from heeler_database.options import Options
from heeler_database.password import Password

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1", "0.0.0.0")
DEFAULT_PORT = 3306


class Settings:
    def __init__(self, instance):
        options = Options(instance)
        self.password = Password(options)
        self.host = options.text("host", "server")
        self.sock = options.text("sock")
        self.port = options.number("port", default=0, lowest=0, highest=65535)
        self.username = options.text("username", "user")
        self.reported_hostname = options.text("reported_hostname") or None
        self.connect_timeout_s = options.number("connect_timeout", default=10, lowest=1, highest=30)
        self.query_timeout_ms = options.number("query_timeout", default=5000, lowest=100,
                                               highest=30000)
        self._refuse_what_cannot_connect()
        self._tags(options)
        self._transport_security(options.section("ssl"))
        chosen = self._chosen(options.section("options"))
        self.unknown = options.never_asked() + chosen

    def keywords(self):
        """What pymysql.connect is given; ConfigurationError when the password cannot be read.
        The password is given as bytes, for PyMySQL makes Latin-1 of a text."""
        keywords = {"user": self.username, "password": self.password.read().encode(),
                    "ssl": self._ssl}
        if self.sock:
            keywords["unix_socket"] = self.sock
        else:
            keywords.update(host=self.host, port=self.port or DEFAULT_PORT)
        return keywords

    def local(self):
        """Whether the server's process is one of this machine."""
        return bool(self.sock) or self.host in LOCAL_HOSTS

    def _refuse_what_cannot_connect(self):
        if not self.username:
            raise ConfigurationError("username: the user to connect as is missing")
        if not self.host and not self.sock:
            raise ConfigurationError("host: the server to connect to is missing "
                                     "(or sock, the path of its socket)")

    def _tags(self, options):
        """tags: of every metric; service_check_tags: where we connect to, in Datadog's words."""
        self.tags = options.tags()
        self.service_check_tags = [f"port:{self.port or 'unix_socket'}", *self.tags]
        if not options.yes("disable_generic_tags"):
            self.service_check_tags.append(f"server:{self.sock or self.host}")

    def _transport_security(self, options):
        """Without a ca the connection is encrypted, and the server may be anybody."""
        files = {key: options.text(key) for key in ("ca", "cert", "key")}
        check_hostname = options.yes("check_hostname", default=True)
        self._ssl = None
        if not options.is_empty():
            self._ssl = {key: path for key, path in files.items() if path}
            self._ssl["check_hostname"] = check_hostname

    def _chosen(self, options):
        """The mapping options; gives the keys of it that are not offered."""
        self.extra_status = options.yes("extra_status_metrics")
        self.extra_innodb = options.yes("extra_innodb_metrics")
        self.innodb = not options.yes("disable_innodb_metrics")
        said = options.value("replication") is not None
        asked = options.yes("replication")
        self.replication_asked, self.replication_off = asked, said and not asked
        return [f"options.{key}" for key in options.never_asked()]
