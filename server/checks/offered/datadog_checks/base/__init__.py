"""offered/datadog_checks/base: what custom checks import of the base package.

`__version__` is the version of the published package whose interface this is; some checks compare
it. Base classes that only mean something elsewhere are None, as they are there on Linux.
"""

from .checks import (AgentCheck, GenericPrometheusCheck, NetworkCheck,  # noqa: F401
                     OpenMetricsBaseCheck, OpenMetricsBaseCheckV2, PrometheusCheck)
from .config import is_affirmative
from .errors import ConfigurationError
from .utils.common import ensure_bytes, ensure_unicode, to_native_string, to_string

__version__ = "38.7.0"

PDHBaseCheck = PerfCountersBaseCheck = PerfCountersBaseCheckWithLegacySupport = None
KubeLeaderElectionBaseCheck = None

__all__ = ["__version__", "AgentCheck", "ConfigurationError", "KubeLeaderElectionBaseCheck",
           "OpenMetricsBaseCheck", "OpenMetricsBaseCheckV2", "PDHBaseCheck",
           "PerfCountersBaseCheck", "ensure_bytes", "ensure_unicode", "is_affirmative",
           "to_native_string", "to_string"]
