"""offered/datadog_checks/base/utils/headers.py: what a request says of who asks."""

from datadog_agent import headers, headers as get_default_headers  # noqa: F401
