"""tests/checks/databases/test_settings.py: what instances of both yaml files may say.

No server and no driver is needed.
"""

import unittest

from datadog_checks.base import ConfigurationError
from datadog_checks.mysql.settings import Settings as MySqlSettings
from datadog_checks.postgres.settings import Settings as PostgresSettings
from heeler_database import session

# What is wrong, and the sentence that says so.
POSTGRES_REFUSED = (
    ({"port": "many"}, "port: a whole number from 1 to 65535 is wanted, not 'many'"),
    ({"port": 70000}, "port: a whole number from 1 to 65535 is wanted, not 70000"),
    ({"port": 5432.5}, "port: a whole number from 1 to 65535 is wanted, not 5432.5"),
    ({"port": True}, "port: a whole number from 1 to 65535 is wanted, not True"),
    ({"query_timeout": 0}, "query_timeout: a whole number from 100 to 30000 is wanted, not 0"),
    ({"host": ["a"]}, "host: a text is wanted"),
    ({"username": "a\0b"}, "username: a text without the byte 0 is wanted"),
    ({"ssl": "maybe"}, "ssl: one of disable, allow, prefer, require, verify-ca, verify-full is "
                       "wanted, not maybe"),
    ({"tags": "env:a"}, "tags: a list of texts is wanted"),
    ({"dbstrict": "perhaps"}, "dbstrict: true or false is wanted, not 'perhaps'"),
    ({"relations": "item"}, "relations: a list of tables is wanted"),
    ({"relations": ["item", {}]}, "relations: entry 2 is neither a table's name nor a mapping "
                                  "with relation_name or relation_regex"),
)
MYSQL_REFUSED = (
    ({"host": "a"}, "username: the user to connect as is missing"),
    ({"username": "a"}, "host: the server to connect to is missing (or sock, the path of its "
                        "socket)"),
    ({"host": "a", "username": "b", "options": ["c"]},
     "options: a mapping of keys to values is wanted"),
    ({"host": "a", "username": "b", "connect_timeout": 999},
     "connect_timeout: a whole number from 1 to 30 is wanted, not 999"),
)


class SettingsTest(unittest.TestCase):
    def test_what_is_wrong_has_a_sentence(self):
        for settings, cases in ((PostgresSettings, POSTGRES_REFUSED),
                                (MySqlSettings, MYSQL_REFUSED)):
            for instance, sentence in cases:
                with self.subTest(sentence), self.assertRaises(ConfigurationError) as refused:
                    settings(instance)
                self.assertEqual(str(refused.exception), sentence)

    def test_postgres_keywords(self):
        local = PostgresSettings({"username": "me"}).keywords()
        self.assertNotIn("host", local)         # the socket, where the server knows its user
        far = PostgresSettings({"host": "db", "port": "5433", "username": "me", "password": "x",
                                "ssl": "verify-full", "ssl_root_cert": "/ca"}).keywords()
        self.assertEqual((far["host"], far["port"], far["password"], far["sslmode"],
                          far["sslrootcert"]), ("db", 5433, "x", "verify-full", "/ca"))

    def test_mysql_keywords(self):
        old = MySqlSettings({"server": "db", "user": "me", "pass": "\u20ac"})
        self.assertEqual(old.keywords(), {"host": "db", "port": 3306, "user": "me", "ssl": None,
                                          "password": "\u20ac".encode()})
        self.assertFalse(old.local())
        here = MySqlSettings({"host": "localhost", "sock": "/run/s", "username": "me",
                              "ssl": {"ca": "/ca"}})
        self.assertTrue(here.local())
        self.assertEqual(here.keywords(), {"unix_socket": "/run/s", "user": "me", "password": b"",
                                           "ssl": {"ca": "/ca", "check_hostname": True}})

    def test_tags(self):
        settings = PostgresSettings({"host": "db", "tags": ["a:b", None, "a:b"]})
        self.assertEqual(settings.tags, ["a:b", "server:db", "port:5432"])
        settings = PostgresSettings({"host": "db", "disable_generic_tags": True})
        self.assertEqual(settings.tags, ["port:5432"])
        settings = MySqlSettings({"host": "db", "port": 3307, "username": "me", "tags": ["a:b"]})
        self.assertEqual(settings.tags, ["a:b"])
        self.assertEqual(settings.service_check_tags, ["port:3307", "a:b", "server:db"])

    def test_what_is_not_offered_is_known(self):
        common = {"min_collection_interval": 5, "service": "a", "tags": []}
        self.assertEqual(PostgresSettings({"dbm": True, **common}).unknown, ["dbm"])
        mysql = {"host": "a", "username": "b", "defaults_file": "/c",
                 "options": {"replication": True, "galera_cluster": True}, **common}
        self.assertEqual(MySqlSettings(mysql).unknown, ["defaults_file", "options.galera_cluster"])

    def test_missing_driver_names_its_package(self):
        with self.assertRaisesRegex(ConfigurationError, "apt-get install python3-none"):
            session.driver("no_such_module_of_python", "python3-none")


if __name__ == "__main__":
    unittest.main()
