"""offered/datadog_checks/base/utils/options.py: older names of an instance's options. Pure."""

from ..config import is_affirmative


def remapped(instance, remapper):
    """A copy of the instance where an option with an older name has its present one, too.

    remapper: {older name: {"name": present name, "default": value, "invert": bool}}. What the
    instance says by the present name counts more."""
    options = dict(instance)
    for older, row in (remapper or {}).items():
        name = row.get("name", older)
        if name in options:
            continue
        if older not in instance:
            if "default" in row:
                options[name] = row["default"]
            continue
        value = instance[older]
        options[name] = not is_affirmative(value) if row.get("invert") else value
    return options
