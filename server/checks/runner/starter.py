"""server/checks/runner/starter.py: how the process of an instance is started, and told its load."""

import os

from runner import frames
from runner.process import Process

CHECKS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def start(instance, settings):
    """A process that has been told what to load: instance as of configuration.py, settings as of
    settings.py. OSError where there can be none."""
    process = Process()
    process.send(_load_frame(instance, settings))
    return process


def _load_frame(instance, settings):
    return {"op": "load", "name": instance.name, "check_id": instance.check_id,
            "source": instance.source, "init_config": frames.wrapped(instance.init_config),
            "instance": frames.wrapped(instance.instance), "code": _code_folders(settings),
            "agent": settings.agent, "hostname": settings.hostname, "version": settings.version,
            "state_path": settings.state_path,
            "limits": {"run_timeout_s": settings.run_timeout_s,
                       "memory_max_bytes": settings.memory_max_bytes,
                       "histogram_aggregates": list(settings.histogram_aggregates),
                       "histogram_percentiles": list(settings.histogram_percentiles)}}


def _code_folders(settings):
    """Where modules are looked for, in this order: what checks are offered, which nothing may
    replace; the operator's; what came with the program."""
    own = [settings.additional_checksd] if settings.additional_checksd else []
    return [os.path.join(CHECKS, "offered"), *own, os.path.join(CHECKS, "integrations")]
