"""tests/checks/offered/recording.py: a recorder and an agent that tests can look at."""

import unittest

from tests.checks import offered  # noqa: F401  what follows is found by its path

import aggregator
import datadog_agent


class Recorder(aggregator.Kept):
    """Installed, and so not the one for a developer's unit tests."""


class RecordedTest(unittest.TestCase):
    """Each test has a recorder and an agent of its own."""

    def setUp(self):
        self.recorder, self.agent = Recorder(), datadog_agent.Kept()
        self.agent.hostname = "here"
        aggregator.install(self.recorder)
        datadog_agent.install(self.agent)
        self.addCleanup(aggregator.install, None)
        self.addCleanup(datadog_agent.install, None)

    def said(self):
        """Warnings and errors in the log."""
        return [text for level, text in self.agent.lines if level >= 30]
