"""server/checks/runner/settings.py: the settings, as `heeler checks` hands them over.

One JSON document, read once from a descriptor and sealed from then on. It holds secrets (app_key),
so it is never printed, and no check gets it: checks see `agent`, which holds none.
"""

import json
import os

MAX_BYTES = 4 << 20

# Key, type, default. A number is at least 1. What has no default must be there.
ROWS = [
    ("version", str, ""),
    ("hostname", str, ""),
    ("confd_path", str, None),
    ("additional_checksd", str, ""),
    ("dogstatsd_socket", str, ""),
    ("dogstatsd_address", str, ""),
    ("http", list, ()),
    ("app_key", str, ""),
    ("integration_check_status_enabled", bool, False),
    ("log_level", str, "info"),
    ("state_path", str, ""),
    ("run_timeout_s", int, 60),
    ("memory_max_bytes", int, 256 << 20),
    ("histogram_aggregates", list, ("max", "median", "avg", "count")),
    ("histogram_percentiles", list, ("0.95",)),
    ("agent", dict, {}),
]


class SettingsError(Exception):
    """One sentence; the program ends with 78."""


class Settings:
    """An attribute for each row."""

    def __init__(self, document):
        if not isinstance(document, dict):
            raise SettingsError("the settings are no JSON object")
        for key, kind, default in ROWS:
            setattr(self, key, _value(document, key, kind, default))


def settings_read(fd):
    """From a descriptor, which is closed."""
    try:
        with os.fdopen(fd, "rb") as file:
            if file.seekable():
                file.seek(0)
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"--settings-fd {fd}: {error.strerror}") from None
    if len(text) > MAX_BYTES:
        raise SettingsError(f"the settings have more than {MAX_BYTES} bytes")
    try:
        document = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"the settings are no JSON: {error}") from None
    return Settings(document)


def _value(document, key, kind, default):
    value = document.get(key)
    if value is None:
        if default is None:
            raise SettingsError(f"the settings have no {key}")
        return default
    if not isinstance(value, kind) or (kind is int and (isinstance(value, bool) or value < 1)):
        name = {int: "a whole number, 1 or more", str: "text", bool: "true or false",
                list: "a list", dict: "an object"}[kind]
        raise SettingsError(f"the setting {key} is not {name}")
    return value
