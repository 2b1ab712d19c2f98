"""offered/datadog_checks/base/checks/db.py: see _missing.py."""

from ._missing import DatabaseCheck  # noqa: F401
