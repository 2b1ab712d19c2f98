"""offered/datadog_checks/base/__about__.py: the version of the interface."""

from . import __version__  # noqa: F401
