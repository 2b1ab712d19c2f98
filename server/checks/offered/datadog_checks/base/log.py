"""offered/datadog_checks/base/log.py: from `logging` to the log of whoever runs the check.

Whoever runs a check has a process for each instance and knows whose line it is, so a line does not
say so again. Any other logger of the process ends in the same log, as the handler is the root's.
"""

import logging

import datadog_agent

TRACE_LEVEL = 7   # below DEBUG
LEVELS = {"trace": TRACE_LEVEL, "debug": logging.DEBUG, "info": logging.INFO,
          "warn": logging.WARNING, "warning": logging.WARNING, "error": logging.ERROR,
          "critical": logging.CRITICAL, "off": logging.CRITICAL + 10}


class AgentLogHandler(logging.Handler):
    """Gives each line to the agent."""

    def emit(self, record):
        try:
            datadog_agent.log(self.format(record), record.levelno)
        except Exception:
            self.handleError(record)


class CheckLoggingAdapter(logging.LoggerAdapter):
    """The log of one check; besides what all have, it has trace()."""

    def __init__(self, logger, check):
        super().__init__(logger, {})
        self.check = check

    def process(self, msg, kwargs):
        return msg, kwargs

    def trace(self, msg, *args, **kwargs):
        self.log(TRACE_LEVEL, msg, *args, **kwargs)

    def warn(self, msg, *args, **kwargs):
        """Gone from `logging` in Python 3.13, and not from checks."""
        self.warning(msg, *args, **kwargs)


def init_logging():
    """Once for the process: the root's level is the agent's `log_level`."""
    root = logging.getLogger()
    if any(isinstance(handler, AgentLogHandler) for handler in root.handlers):
        return
    logging.addLevelName(TRACE_LEVEL, "TRACE")
    handler = AgentLogHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    root.addHandler(handler)
    root.setLevel(level_of(datadog_agent.get_config("log_level")))


def level_of(word):
    return LEVELS.get(str(word).lower(), logging.INFO)


def get_check_logger(name=None):
    """A logger for the helpers of a check that have no check at hand."""
    return logging.getLogger(name or "datadog_checks")
