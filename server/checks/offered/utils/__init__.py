"""offered/utils: Agent 5's name of datadog_checks.base.utils.

utils.NAME is the very module datadog_checks.base.utils.NAME, so an exception that one raises is the
one that the other catches. It is imported when it is asked for.
"""

from datadog_checks._alias import alias

alias(__name__, "datadog_checks.base.utils")
