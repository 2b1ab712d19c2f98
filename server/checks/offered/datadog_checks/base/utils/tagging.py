"""offered/datadog_checks/base/utils/tagging.py: the tagger, and names that tags share."""

import tagger  # noqa: F401

from ..checks._names import GENERIC_TAGS  # noqa: F401
