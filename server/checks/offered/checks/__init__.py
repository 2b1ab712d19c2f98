"""offered/checks: what checks for Agent 5 import, and many newer ones still do.

AgentCheck is the one of datadog_checks.base: a check is found by its class, whichever module it
imported that from.
"""

from datadog_checks.base.checks import (AgentCheck, NetworkCheck,  # noqa: F401
                                        OpenMetricsBaseCheck, PrometheusCheck)
from datadog_checks.base.errors import CheckException, ConfigurationError  # noqa: F401
