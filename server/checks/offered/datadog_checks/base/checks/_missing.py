"""offered/datadog_checks/base/checks/_missing.py: base classes that are not offered here.

They can be imported, so that a check which only may use one runs, and derived from, so that the
class of a check is found; constructing one says what is missing.
"""

import sys

from .base import AgentCheck
from ..errors import ConfigurationError


def missing(name, module, what):
    """A class whose objects cannot be made."""
    def refuse(cls, *args, **kwargs):
        file = getattr(sys.modules.get(cls.__module__), "__file__", cls.__module__)
        raise ConfigurationError(f"{cls.__name__} in {file} derives from {name}, which is not "
                                 f"offered here: {what}")
    return type(name, (AgentCheck,), {"__new__": refuse, "__module__": module, "__doc__":
                                      f"Not offered: {what}."})


SCRAPER = "there is no scraper of Prometheus and OpenMetrics endpoints"
OpenMetricsBaseCheck = missing("OpenMetricsBaseCheck", __name__, SCRAPER)
OpenMetricsBaseCheckV2 = missing("OpenMetricsBaseCheckV2", __name__, SCRAPER)
PrometheusCheck = missing("PrometheusCheck", __name__, SCRAPER)
GenericPrometheusCheck = missing("GenericPrometheusCheck", __name__, SCRAPER)
NetworkCheck = missing("NetworkCheck", __name__,
                       "there is no pool of threads; an instance has a process of its own, and "
                       "AgentCheck does the same work in it")
DatabaseCheck = missing("DatabaseCheck", __name__, "there is no query monitoring of databases")
