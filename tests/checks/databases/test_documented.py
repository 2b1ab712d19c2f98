"""tests/checks/databases/test_documented.py: the page has all metrics, the examples all keys."""

import re
import unittest

import yaml

from tests.checks import CHECKS, TOP

from datadog_checks.mysql import metrics as of_mysql
from datadog_checks.mysql.settings import Settings as MySqlSettings
from datadog_checks.postgres import metrics as of_postgres
from datadog_checks.postgres.settings import Settings as PostgresSettings

NAME = re.compile(r"`((?:postgresql|mysql)\.[a-z0-9_.]+)`")
# What is reported by a line of code and by no row; names of service checks are no metrics.
POSTGRES_BESIDES = {"postgresql.running", "postgresql.db.count"}
MYSQL_BESIDES = {
    *("mysql.performance." + name for name in ("user_time", "kernel_time", "cpu_time")),
    *("mysql.innodb." + name for name in ("current_row_locks", "current_transactions")),
    *("mysql.replication." + name for name in (
        "slave_running", "seconds_behind_master", "seconds_behind_source", "slaves_connected",
        "replicas_connected"))}
SERVICE_CHECKS = {"mysql.can_connect", "mysql.replication.replica_running"}
ALL_KNOWN = {name: "1" for name in (
    "Innodb_page_size", "Innodb_buffer_pool_pages_total", "Innodb_buffer_pool_pages_free",
    "Innodb_buffer_pool_pages_dirty", "Key_blocks_unused", "Key_blocks_used",
    "Key_blocks_not_flushed", "key_cache_block_size", "key_buffer_size")}


class DocumentedTest(unittest.TestCase):
    def test_page_has_all_metrics_and_no_other(self):
        groups = (of_postgres.DATABASES, of_postgres.SIZES, *of_postgres.GROUPS,
                  *of_postgres.RELATION_GROUPS)
        rows = (of_mysql.STATUS + of_mysql.SETTINGS + of_mysql.EXTRA_STATUS
                + of_mysql.EXTRA_INNODB)
        reported = {f"postgresql.{name}" for group in groups for name, _ in group.columns}
        reported |= {name for _, name, _ in rows}
        reported |= {name for name, _, _ in of_mysql.derived(ALL_KNOWN, ALL_KNOWN)}
        reported |= POSTGRES_BESIDES | MYSQL_BESIDES
        page = (TOP / "docs" / "databases.md").read_text(encoding="utf-8")
        self.assertEqual(set(NAME.findall(page)) - SERVICE_CHECKS, reported)

    def test_examples_are_taken_as_they_are_and_with_all_that_is_commented(self):
        for name, settings in (("postgres", PostgresSettings), ("mysql", MySqlSettings)):
            text = (CHECKS / "examples" / f"{name}.yaml").read_text(encoding="utf-8")
            head, body = text.split("\ninit_config:")
            self.assertIn("GRANT", head)
            for content in (body, re.sub(r"(?m)^( +)# (?!Tables|By its|Elsewhere)", r"\1", body)):
                for instance in yaml.safe_load("init_config:" + content)["instances"]:
                    with self.subTest(name, instance=instance):
                        self.assertEqual(settings(instance).unknown, [])


if __name__ == "__main__":
    unittest.main()
