"""heeler_database/options.py: what one instance of a database's yaml says, read key by key.

A reader takes the names of one option, today's first and the old ones behind it, and gives the
first that the instance has. What cannot be meant is refused by a ConfigurationError, one sentence
that names the key; the value is told only where no password can stand in it. Options belong to
the check that made them and last as long.
"""

from datadog_checks.base import ConfigurationError

# Keys of every instance, which the check's base class and the runner read.
COMMON_KEYS = frozenset((
    "min_collection_interval", "name", "namespace", "service", "no_index", "tags",
    "empty_default_hostname", "max_returned_metrics", "metric_patterns",
))

YES = frozenset(("yes", "true", "1", "on", "y", "t"))
NO = frozenset(("no", "false", "0", "off", "n", "f"))


class Options:
    def __init__(self, instance):
        if not isinstance(instance, dict):
            raise ConfigurationError("an instance has to be a mapping of keys to values")
        self._instance = instance
        self._asked = set(COMMON_KEYS)

    def value(self, *keys):
        """What the instance has under the first of these names, or None; empty counts as none."""
        self._asked.update(keys)
        for key in keys:
            if self._instance.get(key) not in (None, ""):
                return self._instance[key]
        return None

    def text(self, *keys, default=""):
        value = self.value(*keys)
        if value is None:
            return default
        if isinstance(value, (dict, list, bool)):
            raise ConfigurationError(f"{keys[0]}: a text is wanted")
        if "\0" in str(value):
            raise ConfigurationError(f"{keys[0]}: a text without the byte 0 is wanted")
        return str(value)

    def number(self, *keys, default, lowest, highest, kind=int):
        """A number between two others, both included; kind is int or float."""
        value = self.value(*keys)
        if value is None:
            return default
        try:
            number = kind(value) if not isinstance(value, bool) else None
        except (TypeError, ValueError, OverflowError):
            number = None
        whole = not isinstance(value, float) or number == value
        if number is None or not whole or not lowest <= number <= highest:
            what = "whole number" if kind is int else "number"
            raise ConfigurationError(
                f"{keys[0]}: a {what} from {lowest} to {highest} is wanted, not {value!r}")
        return number

    def yes(self, *keys, default=False):
        value = self.value(*keys)
        if value is None:
            return default
        word = str(value).lower()
        if word not in YES | NO:
            raise ConfigurationError(f"{keys[0]}: true or false is wanted, not {value!r}")
        return word in YES

    def texts(self, *keys, default=()):
        """A list of texts, as written; what is None in it is skipped."""
        value = self.value(*keys)
        if value is None:
            return list(default)
        if not isinstance(value, list) or any(isinstance(each, (dict, list)) for each in value):
            raise ConfigurationError(f"{keys[0]}: a list of texts is wanted")
        return [str(each) for each in value if each is not None]

    def tags(self):
        """The instance's own tags, each once, in their order."""
        return list(dict.fromkeys(self.texts("tags")))

    def section(self, key):
        """The options of the mapping below this key; an empty one where there is none."""
        value = self.value(key)
        if value is not None and not isinstance(value, dict):
            raise ConfigurationError(f"{key}: a mapping of keys to values is wanted")
        return Options(value or {})

    def is_empty(self):
        return not self._instance

    def never_asked(self):
        """The keys that nobody read, in their order: what the instance hopes for in vain."""
        return [str(key) for key in self._instance if key not in self._asked]
