"""offered/config.py: what checks for Agent 5 import from `config`."""

import datadog_agent
from datadog_checks.base.config import _is_affirmative, is_affirmative  # noqa: F401


def get_version():
    return datadog_agent.get_version()
