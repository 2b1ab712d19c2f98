"""offered/datadog_checks/base/checks/prometheus: see _missing.py."""

from .._missing import GenericPrometheusCheck, PrometheusCheck  # noqa: F401
