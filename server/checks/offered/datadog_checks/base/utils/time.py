"""offered/datadog_checks/base/utils/time.py: clocks, and dates that know their zone."""

from datetime import datetime, timezone
from time import perf_counter as get_precise_time  # noqa: F401
from time import time

UTC = timezone.utc
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def get_timestamp(moment=None):
    """Seconds since 1970, of now or of a date."""
    return time() if moment is None else (ensure_aware_datetime(moment) - EPOCH).total_seconds()


def ensure_aware_datetime(moment, default_tz=UTC):
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=default_tz)


def get_current_datetime(tz=UTC):
    return datetime.now(tz)
