"""offered/datadog_checks/checks: the name of datadog_checks.base.checks before it had one."""

from datadog_checks._alias import alias
from datadog_checks.base.checks import *  # noqa: F401,F403
from datadog_checks.base.checks import __all__  # noqa: F401

alias(__name__, "datadog_checks.base.checks")
