import json
import logging
import unittest

from tests.checks.offered.recording import RecordedTest

import containers
import datadog_agent
import kubeutil
import tagger
import util
from datadog_checks.base import AgentCheck
from datadog_checks.base.log import get_check_logger, level_of


class AgentTest(RecordedTest):
    def test_settings(self):
        self.agent.config = {"log_level": "debug", "a.b": 1, "proxy": {"http": "p"}, "off": False}
        cases = (("log_level", "debug"), ("a.b", 1), ("proxy.http", "p"), ("proxy.https", ""),
                 ("log_level.x", ""), ("unknown", ""), ("off", False))
        for key, expected in cases:
            self.assertEqual(expected, datadog_agent.get_config(key), key)

    def test_who_it_is(self):
        self.agent.version = "1.2.3"
        self.assertEqual(("here", "1.2.3", "", False),
                         (datadog_agent.get_hostname(), datadog_agent.get_version(),
                          datadog_agent.get_clustername(), datadog_agent.tracemalloc_enabled()))
        fields = util.headers({}, http_host="example")
        self.assertEqual(("heeler-checks/1.2.3", "example"), (fields["User-Agent"],
                                                              fields["Host"]))
        self.assertNotIn("Host", datadog_agent.headers())

    def test_what_nobody_here_knows(self):
        self.assertEqual([], tagger.tag("container_id://x", tagger.HIGH))
        self.assertEqual([], tagger.get_tags("container_id://x", True))
        self.assertFalse(containers.is_excluded("name", "image"))
        self.assertEqual({}, kubeutil.get_connection_info())


class ObfuscationTest(unittest.TestCase):
    def test_queries(self):
        cases = (
            # query, result, why
            ("SELECT 1", "SELECT ?", "a number"),
            ("SELECT * FROM t WHERE a = 'b' AND c=-1.5e3", "SELECT * FROM t WHERE a = ? AND c=?",
             "a text and a number with a sign"),
            ("a = 'it''s' OR b = E'x\\'y'", "a = ? OR b = ?", "quotes in a text"),
            ("SELECT $1, t1, c2.x3, \"a'b\" FROM t_4", "SELECT $1, t1, c2.x3, \"a'b\" FROM t_4",
             "names and parameters stay"),
            ("SELECT $$it's$$, $x$a $$ b$x$", "SELECT ?, ?", "texts between dollars"),
            ("SELECT 1 -- secret\n  /* and\nthis */ , 2", "SELECT ? , ?", "comments go"),
            ("x IN (1, 2)", "x IN (?, ?)", "each by itself"),
            ("SELECT 0xFF, .5", "SELECT ?, ?", "other numbers"),
            ("a = 'unfinished", "a = 'unfinished", "as it is"),
            ("", "", "nothing"),
        )
        for query, expected, why in cases:
            with self.subTest(why):
                self.assertEqual(expected, datadog_agent.obfuscate_sql(query))

    def test_options(self):
        said = datadog_agent.obfuscate_sql("SELECT 1", '{"return_json_metadata": true}')
        self.assertEqual("SELECT ?", json.loads(said)["query"])
        for options in ("{}", "", None, "no json", "[]", '{"return_json_metadata": false}'):
            self.assertEqual("SELECT ?", datadog_agent.obfuscate_sql("SELECT 1", options))

    def test_plans(self):
        plan = {"Plan": [{"Node Type": "Seq Scan", "Filter": "(a = 'b')", "Rows": 5, "x": None}]}
        self.assertEqual({"Plan": [{"Node Type": "Seq Scan", "Filter": "(a = ?)", "Rows": 5,
                                    "x": None}]},
                         json.loads(datadog_agent.obfuscate_sql_exec_plan(json.dumps(plan))))
        self.assertEqual("Filter: a = ?",
                         datadog_agent.obfuscate_sql_exec_plan("Filter: a = 'b'", True))


class LogTest(RecordedTest):
    def test_lines(self):
        check = AgentCheck("n", {}, [{}])
        check.log.info("%s of %d", "a", 5)
        check.log.warn("old")
        get_check_logger().error("helper")
        logging.getLogger("other.library").warning("library")
        try:
            raise ValueError("e")
        except ValueError:
            check.log.exception("with its traceback")
        self.assertEqual([(20, "a of 5"), (30, "old"), (40, "helper"), (30, "library")],
                         self.agent.lines[:4])
        self.assertIn("ValueError: e", self.agent.lines[4][1])

    def test_levels(self):
        check = AgentCheck("n", {}, [{}])
        root = logging.getLogger()
        self.addCleanup(root.setLevel, root.level)
        for word, expected in (("trace", 2), ("debug", 1), ("info", 0), ("off", 0), ("?", 0)):
            root.setLevel(level_of(word))
            self.agent.lines.clear()
            check.log.trace("t")
            check.log.debug("d")
            self.assertEqual(expected, len(self.agent.lines), word)

    def test_an_agent_that_fails_takes_nothing_with_it(self):
        def fail(*_):
            raise OSError
        self.agent.log = fail
        self.addCleanup(setattr, logging, "raiseExceptions", logging.raiseExceptions)
        logging.raiseExceptions = False
        AgentCheck("n", {}, [{}]).log.error("lost")


if __name__ == "__main__":
    unittest.main()
