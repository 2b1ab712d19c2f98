"""offered/datadog_checks/base/utils/constants.py: parts of a second in a second."""

SECOND, MILLISECOND, MICROSECOND, NANOSECOND = 1, 1_000, 1_000_000, 1_000_000_000
TIME_UNITS = {"second": SECOND, "millisecond": MILLISECOND, "microsecond": MICROSECOND,
              "nanosecond": NANOSECOND}
