"""offered/checks/network_checks.py: names to import; making a NetworkCheck says what is missing."""

from datadog_checks.base.checks.network import EventType, NetworkCheck, Status  # noqa: F401
