"""offered/util.py: what checks for Agent 5 import from `util`."""

import sys

from datadog_agent import get_hostname, headers  # noqa: F401
from datadog_checks.base.utils.platform import Platform  # noqa: F401


def get_os():
    return "linux" if sys.platform.startswith("linux") else sys.platform
