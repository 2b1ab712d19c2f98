"""offered/checks/network_checks.py: names that can be imported; see NetworkCheck's sentence."""

from datadog_checks.base.checks import NetworkCheck  # noqa: F401
