"""offered/datadog_checks/base/checks/network.py: names to import; see _missing.py."""

from ._missing import NetworkCheck  # noqa: F401


class Status:
    DOWN, WARNING, CRITICAL, UP = "DOWN", "WARNING", "CRITICAL", "UP"


class EventType:
    DOWN, UP = "servicecheck.state_change.down", "servicecheck.state_change.up"
