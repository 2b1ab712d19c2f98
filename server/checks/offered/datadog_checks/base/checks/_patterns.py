"""offered/datadog_checks/base/checks/_patterns.py: which metrics of an instance are sent.

metric_patterns  include and exclude: regular expressions, one of which is somewhere in the name;
                 what is excluded is not sent, whatever is included
Limit            contexts of a run, of `max_returned_metrics`
"""

import re

from ..errors import ConfigurationError


def _compiled(section, word):
    expressions = section.get(word)
    if expressions is None:
        return None
    if not isinstance(expressions, list):
        raise ConfigurationError(f"metric_patterns: {word} has to be a list")
    for number, expression in enumerate(expressions, 1):
        try:
            re.compile(expression)
        except (re.error, TypeError) as error:
            raise ConfigurationError(f"metric_patterns: {word}: number {number} is no regular "
                                     f"expression: {error}") from None
    return re.compile("|".join(f"(?:{one})" for one in expressions)) if expressions else None


class MetricPatterns:
    """The patterns of an instance; a wrong one raises ConfigurationError."""

    def __init__(self, section):
        section = section or {}
        if not isinstance(section, dict):
            raise ConfigurationError("metric_patterns has to be a map of include and exclude")
        self.include, self.exclude = _compiled(section, "include"), _compiled(section, "exclude")

    def allow(self, name):
        if self.exclude and self.exclude.search(name):
            return False
        return not self.include or bool(self.include.search(name))


class Limit:
    """How many contexts a run may have: 0 is without limit. tell(sentence) once a run at most."""

    def __init__(self, contexts, tell):
        self.contexts, self.tell = contexts, tell
        self.reset()

    def reset(self):
        """A run is over."""
        self.seen, self.is_told = set(), False

    def allows(self, context):
        if self.contexts <= 0 or context in self.seen:
            return True
        if len(self.seen) < self.contexts:
            self.seen.add(context)
            return True
        if not self.is_told:
            self.is_told = True
            self.tell(f"more than {self.contexts} metrics in a run (max_returned_metrics): "
                      "the others are not sent")
        return False


def limit_of(instance, default, log):
    """max_returned_metrics, or the class's default where there is none that can be used."""
    value = instance.get("max_returned_metrics", default) if isinstance(instance, dict) else default
    try:
        value = int(value)
    except (TypeError, ValueError):
        log.warning("max_returned_metrics is %r and not a number: %d is used", value, default)
        return default
    return value if value > 0 else default
