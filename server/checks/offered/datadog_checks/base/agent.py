"""offered/datadog_checks/base/agent.py: the modules of whoever runs the check."""

import aggregator  # noqa: F401
import datadog_agent  # noqa: F401
