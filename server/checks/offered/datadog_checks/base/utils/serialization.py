"""offered/datadog_checks/base/utils/serialization.py: JSON by the standard library."""

import json  # noqa: F401
