"""datadog_checks/postgres/settings.py: what an instance of postgres.yaml asks for.

The keys are those of Datadog's integration, and password_env and password_file. Settings are
sealed when made; a wrong one is refused with a sentence (see heeler_database/options.py).
"""

from datadog_checks.base import ConfigurationError
from heeler_database.options import Options
from heeler_database.password import Password

IGNORED_DATABASES = ("template0", "template1", "rdsadmin", "azure_maintenance", "cloudsqladmin",
                     "alloydbadmin", "alloydbmetadata")
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
RELATION_KEYS = ("relation_name", "relation_regex")


class Settings:
    def __init__(self, instance):
        options = Options(instance)
        self.password = Password(options)
        self.host = options.text("host", default="localhost")
        self.port = options.number("port", default=5432, lowest=1, highest=65535)
        self.username = options.text("username", default="datadog")
        self.dbname = options.text("dbname", default="postgres")
        self.application_name = options.text("application_name", default="heeler-checks")
        self.reported_hostname = options.text("reported_hostname") or None
        self.connect_timeout_s = options.number("connect_timeout", default=10, lowest=1, highest=30)
        self.query_timeout_ms = options.number("query_timeout", default=5000, lowest=100,
                                               highest=30000)
        self.sizes = options.yes("collect_database_size_metrics", default=True)
        self.role_tag = options.yes("tag_replication_role", default=True)
        self._transport_security(options)
        self._tags(options)
        self._databases(options)
        self._relations(options)
        self.unknown = options.never_asked()

    def keywords(self):
        """What psycopg2.connect is given; ConfigurationError when the password cannot be read."""
        keywords = {"user": self.username, "dbname": self.dbname,
                    "application_name": self.application_name, "client_encoding": "UTF8",
                    **self._ssl}
        # As Datadog's: localhost without a password is the socket, where the server knows its user.
        if self.host != "localhost" or self.password.given():
            keywords.update(host=self.host, password=self.password.read())
        keywords["port"] = self.port
        return keywords

    def _transport_security(self, options):
        mode = options.text("ssl", default="allow")
        if mode not in SSL_MODES:
            raise ConfigurationError(f"ssl: one of {', '.join(SSL_MODES)} is wanted, not {mode}")
        files = {"sslrootcert": options.text("ssl_root_cert"),
                 "sslcert": options.text("ssl_cert"), "sslkey": options.text("ssl_key")}
        self._ssl = {"sslmode": mode, **{key: path for key, path in files.items() if path}}

    def _tags(self, options):
        """tags: of every metric; service_check_tags: with the database we connect to."""
        self.tags = options.tags()
        if not options.yes("disable_generic_tags"):
            self.tags.append(f"server:{self.host}")
        self.tags.append(f"port:{self.port}")
        self.service_check_tags = [*self.tags, f"db:{self.dbname}"]

    def _databases(self, options):
        """The condition on d.datname, and its values."""
        self.databases, self.values = "true", {}
        ignored = options.texts("ignore_databases", default=IGNORED_DATABASES)
        if ignored:
            self.databases = "NOT d.datname ILIKE ANY (%(ignored)s)"
            self.values["ignored"] = ignored
        if options.yes("dbstrict"):
            self.databases += " AND d.datname = %(dbname)s"
            self.values["dbname"] = self.dbname

    def _relations(self, options):
        """The condition on relname and schemaname, "" when no table is asked for."""
        wanted = options.value("relations") or []
        self.most_relations = options.number("max_relations", default=300, lowest=1, highest=10000)
        if not isinstance(wanted, list):
            raise ConfigurationError("relations: a list of tables is wanted")
        self.relations = " OR ".join(self._relation(at, each) for at, each in enumerate(wanted))
        if self.relations:
            self.relations = f"({self.relations})"

    def _relation(self, at, wanted):
        if isinstance(wanted, str):
            wanted = {"relation_name": wanted}
        if not isinstance(wanted, dict) or sum(key in wanted for key in RELATION_KEYS) != 1:
            raise ConfigurationError(
                f"relations: entry {at + 1} is neither a table's name nor a mapping with "
                "relation_name or relation_regex")
        options = Options(wanted)
        name, pattern = options.text("relation_name"), options.text("relation_regex")
        schemas = options.texts("schemas")
        self.values[f"relation{at}"] = name or pattern
        condition = f"relname {'=' if name else '~'} %(relation{at})s"
        if schemas:
            self.values[f"schemas{at}"] = schemas
            condition += f" AND schemaname = ANY (%(schemas{at})s)"
        return f"({condition})"
