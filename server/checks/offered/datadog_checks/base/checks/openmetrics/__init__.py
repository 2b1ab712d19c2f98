"""offered/datadog_checks/base/checks/openmetrics: see _missing.py."""

from .._missing import OpenMetricsBaseCheck  # noqa: F401
