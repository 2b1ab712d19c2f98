"""offered/datadog_checks/base/checks: AgentCheck, and the other base classes' names."""

from ._missing import (DatabaseCheck, GenericPrometheusCheck, NetworkCheck, OpenMetricsBaseCheck,
                       OpenMetricsBaseCheckV2, PrometheusCheck)
from .base import AgentCheck

__all__ = ["AgentCheck", "DatabaseCheck", "GenericPrometheusCheck", "NetworkCheck",
           "OpenMetricsBaseCheck", "OpenMetricsBaseCheckV2", "PrometheusCheck"]
