"""offered/datadog_checks/base/utils/common.py: texts, bytes, lists and numbers. Pure."""

import re
from decimal import ROUND_HALF_UP, Decimal


def ensure_bytes(value):
    """A text as UTF-8, anything else as it is."""
    return value.encode("utf-8") if isinstance(value, str) else value


def ensure_unicode(value):
    """bytes of UTF-8 as text, anything else as it is."""
    return value.decode("utf-8") if isinstance(value, bytes) else value


to_native_string = to_string = ensure_unicode


def round_value(value, precision=0, rounding_method=ROUND_HALF_UP):
    """Rounds the decimals that are seen: 2.675 to two places is 2.68."""
    return float(Decimal(str(value)).quantize(Decimal(10) ** -precision, rounding_method))


def compute_percent(part, total):
    return part / total * 100 if total else 0


def total_time_to_temporal_percent(total_time, scale=1000):
    """The sum of a time in 1/scale of a second; its rate is a percentage of each second."""
    return total_time / scale * 100


def exclude_undefined_keys(mapping):
    return {key: value for key, value in mapping.items() if value is not None}


def _matches(text, patterns):
    return any(re.search(pattern, text) for pattern in patterns)


def pattern_filter(items, whitelist=None, blacklist=None, key=None):
    """The items (or what key() says of them) in which a pattern of whitelist is found, if it has
    any, and none of blacklist."""
    def text_of(item):
        return key(item) if key else item
    if whitelist:
        items = [item for item in items if _matches(text_of(item), whitelist)]
    return [item for item in items if not _matches(text_of(item), blacklist or ())]
