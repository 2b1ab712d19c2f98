"""offered/datadog_checks/base/checks/_agent5.py: what only Agent 5's checks had.

A part of AgentCheck (base.py), so that what was written for Agent 5 runs unchanged.
"""

import os

from . import _names
from ..errors import CheckException


class Agent5:
    """Sets are counted here: below AgentCheck nobody knows them since Agent 6."""

    def set(self, metric, value, tags=None, hostname=None, device_name=None):
        """At the end of the run a gauge says how many different values there were."""
        context = (metric, tuple(_names.tag_list(tags, device_name, self.log)), hostname)
        self._heeler.sets.setdefault(context, set()).add(value)

    @classmethod
    def from_yaml(cls, path_to_yaml=None, agentConfig=None, yaml_text=None, check_name=None):
        """(check, its instances) of a file or of its text, for trying a check by hand."""
        import yaml   # only here: no check that runs needs it
        if yaml_text is None:
            with open(path_to_yaml, encoding="utf-8") as file:
                yaml_text = file.read()
        if check_name is None and path_to_yaml is not None:
            check_name = os.path.basename(path_to_yaml).split(".")[0]
        section = yaml.safe_load(yaml_text) or {}
        instances = section.get("instances") or []
        return cls(check_name or "", section.get("init_config") or {}, agentConfig or {},
                   instances), instances

    @staticmethod
    def read_config(instance, key, message, cast):
        """cast() of what the instance says of key; without it CheckException with the message."""
        value = instance.get(key)
        if value is None:
            raise CheckException(message or f"the instance needs '{key}'")
        return cast(value)

    def get_library_versions(self):
        return {}

    def instance_count(self):
        return len(self.instances)

    def has_warnings(self):
        return bool(self.warnings)

    def stop(self):
        """A check's own, called when it is not to run any more."""

    def get_instance_proxy(self, instance, uri, proxies=None):
        """The proxies to ask uri by, {} where the instance says `no_proxy` or `skip_proxy`."""
        from ..utils.proxy import instance_proxies
        return instance_proxies(instance, uri, proxies)

    def service_metadata(self, name, value):
        """Does nothing, as in today's Agent."""


def submit_sets(check):
    """A run is over."""
    sets, check._heeler.sets = check._heeler.sets, {}
    for (metric, tags, hostname), values in sets.items():
        check.gauge(metric, len(values), tags=tags, hostname=hostname)
