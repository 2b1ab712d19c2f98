"""offered/datadog_checks/config.py: the name of datadog_checks.base.config before it had one."""

from datadog_checks.base.config import _is_affirmative, is_affirmative  # noqa: F401
