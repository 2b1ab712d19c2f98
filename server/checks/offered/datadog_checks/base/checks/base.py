"""offered/datadog_checks/base/checks/base.py: AgentCheck, the class that checks derive from.

One object is one instance, in a process of its own; whoever runs the check constructs it, sets
check_id, and calls run() for each run, get_warnings() after it, and cancel() at the end.

  _submission.py   what a check reports            _storage.py    cache and metadata
  _agent5.py       what only Agent 5's checks had  _names.py      names and tags as they may be
  _patterns.py     which metrics are sent          _secrets.py    words that no text may show
"""

import copy
import json
import logging
import traceback
from collections import deque

import aggregator
import datadog_agent

from . import _names
from ._agent5 import Agent5, submit_sets
from ._patterns import Limit, MetricPatterns, limit_of
from ._secrets import Secrets
from ._storage import Storage
from ._submission import Submission
from ..config import is_affirmative
from ..errors import ConfigurationError
from ..log import CheckLoggingAdapter, init_logging

init_logging()


class State:
    """What AgentCheck keeps for itself, in one member: a check names its own as it likes, and may
    put something else in the place of ours."""

    def __init__(self, check):
        self.init_config, self.instance = check.init_config, check.instance
        instance = self.options()
        self.patterns = MetricPatterns(instance.get("metric_patterns"))
        self.limit = Limit(limit_of(instance, check.DEFAULT_METRIC_LIMIT, check.log),
                           check.warning)
        self.secrets, self.sets, self.told = Secrets(), {}, set()
        self.cache_prefix = self.http = self.tls_context = None

    def options(self):
        """The instance, where it is what it has to be."""
        return self.instance if isinstance(self.instance, dict) else {}

    def is_first(self, key):
        """True once for each key."""
        is_first = key not in self.told
        self.told.add(key)
        return is_first


class AgentCheck(Submission, Storage, Agent5):
    __NAMESPACE__ = ""
    DEFAULT_METRIC_LIMIT = 0        # contexts of a run; 0: as many as there are
    HTTP_CONFIG_REMAPPER = None     # older names of the options of self.http
    TLS_CONFIG_REMAPPER = None

    def __init__(self, *args, **kwargs):
        """(name, init_config, instances), or as Agent 5 had it (name, init_config, agentConfig,
        instances), by position or by these names."""
        name, init_config, agent_config, instances = _arguments(args, kwargs)
        self.name, self.init_config = name, {} if init_config is None else init_config
        self.agentConfig = agent_config or {}
        self.instances = list(instances or [])
        self.instance = self.instances[0] if self.instances else None
        self.hostname = datadog_agent.get_hostname()
        self.log = CheckLoggingAdapter(logging.getLogger(f"datadog_checks.{name}"), self)
        self.check_id, self.warnings = "", []
        self._heeler = State(self)
        options = self._heeler.options()
        self.metric_patterns = options.get("metric_patterns")
        self.disable_generic_tags = is_affirmative(options.get("disable_generic_tags"))
        self.check_initializations = deque([self.load_configuration_models])
        aggregator.sender_of(self)

    # ------------------------------------------------------------ for checks

    def check(self, instance):
        raise NotImplementedError(f"{type(self).__name__} has no method check()")

    def load_configuration_models(self, *_):
        """Runs before the first check(). Integrations have models of their configuration; here it
        is only looked whether there are maps at all."""
        for word, section in (("init_config", self._heeler.init_config),
                              ("the instance", self._heeler.instance)):
            if not isinstance(section, dict):
                raise ConfigurationError(f"{word} has to be a map, and is of the type "
                                         f"{type(section).__name__}")

    def warning(self, warning_message, *args, **kwargs):
        """Shown by the status; the run counts as one with warnings."""
        text = _names.as_text(warning_message)
        text = self.sanitize(str(text % args if args else text))
        self.log.warning("%s", text)
        self.warnings.append(text)

    def normalize(self, metric, prefix=None, fix_case=False):
        return _names.normalized(metric, prefix, fix_case)

    def normalize_tag(self, tag):
        return _names.normalized_tag(tag)

    def convert_to_underscore_separated(self, name):
        """bytes, as ever."""
        return _names.underscore_separated(name).encode("utf-8")

    def register_secret(self, secret):
        self._heeler.secrets.add(_names.as_text(secret))

    def sanitize(self, text):
        return self._heeler.secrets.hidden_in(text)

    @property
    def http(self):
        """Sends requests as the instance's options say; needs the package `requests`."""
        if self._heeler.http is None:
            from ..utils.http import RequestsWrapper   # only checks that use it pay for it
            self._heeler.http = RequestsWrapper(
                self._heeler.options(), self._heeler.init_config, self.HTTP_CONFIG_REMAPPER,
                self.log)
        return self._heeler.http

    def get_tls_context(self, refresh=False, overrides=None):
        """An ssl.SSLContext of the instance's tls_ options, made once unless it is to be new; one
        of its own where some of them are overridden."""
        from ..utils.tls import context_of
        options = self._heeler.options()
        if overrides:
            return context_of({**options, **overrides}, self.TLS_CONFIG_REMAPPER)
        if self._heeler.tls_context is None or refresh:
            self._heeler.tls_context = context_of(options, self.TLS_CONFIG_REMAPPER)
        return self._heeler.tls_context

    # ------------------------------------------------------------ for whoever runs the check

    def run(self):
        """'' or JSON, [{"message", "traceback"}]: of what a check does, nothing is raised here but
        an interruption by the keyboard. What it submitted before an error stays submitted."""
        try:
            self._run_once()
        except KeyboardInterrupt:
            raise
        except BaseException as error:   # sys.exit() is one, too
            return self._failure(error)
        finally:
            self._heeler.limit.reset()
        return ""

    def _run_once(self):
        while self.check_initializations:
            self.check_initializations[0]()   # one that fails is tried again by the next run
            del self.check_initializations[0]
        try:
            self.check(copy.deepcopy(self.instances[0]))
        finally:
            submit_sets(self)

    def _failure(self, error):
        try:
            if isinstance(error, SystemExit):
                error = RuntimeError(f"the check called sys.exit({error.code!r})") \
                    .with_traceback(error.__traceback__)
            message = str(error) or type(error).__name__
            shown = "".join(traceback.format_exception(error))
            return json.dumps([{"message": self.sanitize(message),
                                "traceback": self.sanitize(shown)}])
        except Exception:   # without memory, or with an exception that cannot say what it is
            return '[{"message": "the check failed, and its error cannot be shown", ' \
                   '"traceback": ""}]'

    def get_warnings(self):
        """Those since it was asked the last time."""
        warnings, self.warnings = self.warnings, []
        return [str(warning) for warning in warnings]

    def cancel(self):
        """The instance is not to run any more."""
        self.stop()


def _arguments(args, kwargs):
    """(name, init_config, agentConfig, instances)

    A third position is `instances` if it is a list or a tuple and nothing else is `instances`."""
    if len(args) > 4:
        raise TypeError("AgentCheck takes name, init_config, agentConfig and instances")
    kwargs = dict(kwargs)
    name, init_config, third, fourth = (*args, *(None,) * (4 - len(args)))
    name, init_config = kwargs.pop("name", name), kwargs.pop("init_config", init_config)
    is_old = len(args) == 4 or "instances" in kwargs or not isinstance(third, (list, tuple))
    agent_config, instances = (third, fourth) if is_old else (None, third)
    agent_config = kwargs.pop("agentConfig", agent_config)
    instances = kwargs.pop("instances", instances)
    if kwargs:
        raise TypeError(f"AgentCheck has no argument {', '.join(sorted(kwargs))}")
    return name or "", init_config, agent_config, instances
