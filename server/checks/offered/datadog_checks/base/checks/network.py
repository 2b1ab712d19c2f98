"""offered/datadog_checks/base/checks/network.py: see _missing.py."""

from ._missing import NetworkCheck  # noqa: F401
