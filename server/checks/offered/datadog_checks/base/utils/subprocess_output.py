"""offered/datadog_checks/base/utils/subprocess_output.py: commands that a check runs."""

from _util import (SubprocessOutputEmptyError, get_subprocess_output,  # noqa: F401
                   subprocess_output)
