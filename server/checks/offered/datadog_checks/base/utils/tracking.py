"""offered/datadog_checks/base/utils/tracking.py: what marks methods whose own times are reported.

They are reported to Datadog, where an instance asks for that; here nobody reads them.
"""


def tracked_method(agent_check_getter=None, track_result_length=False):
    """Decorates a method, which stays as it is."""
    return lambda method: method
