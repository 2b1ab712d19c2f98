"""offered/datadog_checks/errors.py: the name of datadog_checks.base.errors before it had one."""

from datadog_checks.base.errors import *  # noqa: F401,F403
