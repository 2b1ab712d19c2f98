"""offered/datadog_checks/base/checks/openmetrics/v2: see _missing.py."""

from ..._missing import OpenMetricsBaseCheckV2  # noqa: F401
