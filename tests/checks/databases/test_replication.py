"""tests/checks/databases/test_replication.py: what servers say of replication, old and new."""

import unittest

from datadog_checks.mysql import replication
from datadog_checks.mysql.replication import CRITICAL, OK, WARNING

# What SHOW ... STATUS says of its two halves, and the state.
HALVES = (
    (("Yes", "Yes"), OK), (("Yes", "No"), WARNING), (("No", "Yes"), WARNING),
    (("Connecting", "Yes"), WARNING), (("No", "No"), CRITICAL), ((None, None), CRITICAL),
)


class ReplicationTest(unittest.TestCase):
    def found(self, channels=(), replicas=0, log_bin=True, asked=False):
        return [tuple(each) for each in
                replication.findings(list(channels), replicas, log_bin, asked)]

    def test_replica(self):
        for (receives, applies), status in HALVES:
            for word in ("Slave", "Replica"):
                with self.subTest((word, receives, applies)):
                    row = {f"{word}_IO_Running": receives, f"{word}_SQL_Running": applies}
                    self.assertEqual(self.found([row]), [("replica", status)])

    def test_half_that_runs_on_one_of_two_channels_runs(self):
        rows = [{"Slave_IO_Running": "Yes", "Slave_SQL_Running": "No"},
                {"Slave_IO_Running": "No", "Slave_SQL_Running": "Yes"}]
        self.assertEqual(self.found(rows), [("replica", OK)])

    def test_source(self):
        self.assertEqual(self.found(), [])
        self.assertEqual(self.found(asked=True), [("source", WARNING)])
        self.assertEqual(self.found(replicas=2), [("source", OK)])
        self.assertEqual(self.found(replicas=2, log_bin=False), [("source", WARNING)])

    def test_replica_that_is_a_source_too(self):
        row = {"Slave_IO_Running": "Yes", "Slave_SQL_Running": "Yes"}
        self.assertEqual(self.found([row], replicas=1), [("replica", OK), ("source", OK)])

    def test_delays_and_their_channels(self):
        rows = [{"Channel_Name": "", "Seconds_Behind_Source": 3},
                {"Connection_name": "east", "Seconds_Behind_Master": 0},
                {"Connection_name": "west", "Seconds_Behind_Master": None}]
        self.assertEqual(list(replication.delays(rows)), [("default", 3.0), ("east", 0.0)])

    def test_statement_of_each_server(self):
        for version, statement in (
                ("10.11.19-MariaDB-0+deb12u1", "SHOW ALL SLAVES STATUS"),
                ("8.0.36-0ubuntu0", "SHOW REPLICA STATUS"), ("8.4.0", "SHOW REPLICA STATUS"),
                ("8.0.21", "SHOW SLAVE STATUS"), ("5.7.44-log", "SHOW SLAVE STATUS"),
                ("", "SHOW SLAVE STATUS")):
            with self.subTest(version):
                self.assertEqual(replication.statement(version), statement)


if __name__ == "__main__":
    unittest.main()
