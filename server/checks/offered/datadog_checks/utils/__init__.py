"""offered/datadog_checks/utils: the name of datadog_checks.base.utils before it had one."""

from datadog_checks._alias import alias

alias(__name__, "datadog_checks.base.utils")
