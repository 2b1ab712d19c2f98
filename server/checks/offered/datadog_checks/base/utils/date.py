"""offered/datadog_checks/base/utils/date.py: dates as RFC 3339 writes them."""

from datetime import datetime

from .time import UTC, ensure_aware_datetime, get_current_datetime  # noqa: F401


def parse_rfc3339(text):
    return ensure_aware_datetime(datetime.fromisoformat(text))


def format_rfc3339(moment):
    """Whole milliseconds, and Z for UTC."""
    text = ensure_aware_datetime(moment).isoformat(timespec="milliseconds")
    return text[:-6] + "Z" if text.endswith("+00:00") else text
