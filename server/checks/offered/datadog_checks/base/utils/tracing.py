"""offered/datadog_checks/base/utils/tracing.py: what marks code of a check as to be traced.

Nobody traces checks here, as an Agent does not unless it is told to: what is marked stays as it is.
"""


def traced(function):
    return function


traced_class = traced
