"""offered/datadog_checks/log.py: the name of datadog_checks.base.log before it had one."""

from datadog_checks.base.log import *  # noqa: F401,F403
