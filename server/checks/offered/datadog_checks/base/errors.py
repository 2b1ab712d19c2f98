"""offered/datadog_checks/base/errors.py: what a check raises about itself."""


class CheckException(Exception):
    """The check cannot do its work."""


class ConfigurationError(CheckException):
    """The check's yaml is not what the check needs."""


class ConfigTypeError(ConfigurationError):
    """A key of it has a value of another type."""


class ConfigValueError(ConfigurationError):
    """A key of it has a value that is not allowed."""


class ConfigMissingError(ConfigurationError):
    """A key of it is missing."""


class SkipInstanceError(ConfigurationError):
    """Raised by a constructor: this instance is not to run."""
