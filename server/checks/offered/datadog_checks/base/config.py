"""offered/datadog_checks/base/config.py: yes and no in a check's yaml."""

YES = ("yes", "true", "1", "y", "on")


def is_affirmative(value):
    """A word that means yes, True, or a number other than 0. None and all else is no."""
    if isinstance(value, str):
        return value.strip().lower() in YES
    return bool(value)


_is_affirmative = is_affirmative   # its name in Agent 5
