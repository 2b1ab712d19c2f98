"""offered/datadog_checks/base/checks/_submission.py: the methods by which a check reports.

A part of AgentCheck (base.py), which has the members that are used here. Nothing is kept here: what
a check submits is made what it has to be, and goes to the module `aggregator`. Helpers are
functions of this file and no methods, as a check names its own members as it likes.
"""

import aggregator

from . import _names
from .. import constants

EVENT_TEXTS = ("event_type", "msg_title", "msg_text", "aggregation_key", "alert_type",
               "source_type_name", "host", "priority")


class Submission:
    OK, WARNING, CRITICAL, UNKNOWN = constants.ServiceCheck

    # ------------------------------------------------------------ metrics

    def gauge(self, name, value, tags=None, hostname=None, device_name=None, raw=False,
              timestamp=None):
        """Agent 5's sixth argument was a timestamp, which a number here is taken for. It is not
        used: a sample has the time of its run."""
        is_time = isinstance(raw, (int, float)) and not isinstance(raw, bool)
        if timestamp is not None or is_time:
            raw = bool(raw) and not is_time
            if self._heeler.is_first("timestamp"):
                self.log.warning("gauge() is given a timestamp, which is not used: a sample has "
                                 "the time of its run")
        self._submit_metric(aggregator.GAUGE, name, value, tags, hostname, device_name, raw)

    def count(self, name, value, tags=None, hostname=None, device_name=None, raw=False):
        self._submit_metric(aggregator.COUNT, name, value, tags, hostname, device_name, raw)

    def monotonic_count(self, name, value, tags=None, hostname=None, device_name=None, raw=False,
                        flush_first_value=False):
        self._submit_metric(aggregator.MONOTONIC_COUNT, name, value, tags, hostname, device_name,
                            raw, flush_first_value)

    def rate(self, name, value, tags=None, hostname=None, device_name=None, raw=False):
        self._submit_metric(aggregator.RATE, name, value, tags, hostname, device_name, raw)

    def histogram(self, name, value, tags=None, hostname=None, device_name=None, raw=False):
        self._submit_metric(aggregator.HISTOGRAM, name, value, tags, hostname, device_name, raw)

    def historate(self, name, value, tags=None, hostname=None, device_name=None, raw=False):
        self._submit_metric(aggregator.HISTORATE, name, value, tags, hostname, device_name, raw)

    def increment(self, name, value=1, tags=None, hostname=None, device_name=None, raw=False):
        self._deprecate_counter()
        self._submit_metric(aggregator.COUNTER, name, value, tags, hostname, device_name, raw)

    def decrement(self, name, value=-1, tags=None, hostname=None, device_name=None, raw=False):
        self._deprecate_counter()
        self._submit_metric(aggregator.COUNTER, name, value, tags, hostname, device_name, raw)

    def _deprecate_counter(self):
        if self._heeler.is_first("counter"):
            self.warning("increment() and decrement() are deprecated: count() and "
                         "monotonic_count() are not")

    def submit_histogram_bucket(self, name, value, lower_bound, upper_bound, monotonic, hostname,
                                tags, raw=False, flush_first_value=False):
        try:
            value = int(value)
        except ValueError:
            _refuse(self, f"Histogram: '{name}' has non integer value: '{value}'")
            return
        name = _name(self, name, raw)
        if self._heeler.patterns.allow(name):
            aggregator.submit_histogram_bucket(
                self, self.check_id, name, value, lower_bound, upper_bound, monotonic,
                _host(hostname), _tags(self, tags), flush_first_value)

    def _submit_metric(self, mtype, name, value, tags=None, hostname=None, device_name=None,
                       raw=False, flush_first_value=False):
        """None is no sample. A text that is no number is refused with a warning; a value of a type
        that float() takes at no time fails the run. NaN is the sampler's to refuse."""
        if value is None:
            return
        name, hostname = _name(self, name, raw), _host(hostname)
        if not self._heeler.patterns.allow(name):
            return
        tags = _tags(self, tags, device_name)
        if self._heeler.limit.contexts and \
                not self._heeler.limit.allows((mtype, name, hostname, tuple(sorted(tags)))):
            aggregator.dropped("max_returned_metrics")
            return
        try:
            value = float(value)
        except ValueError:
            _refuse(self, f"Metric: '{name}' has non float value: '{value}'. "
                         "Only float values can be submitted as metrics.")
            return
        aggregator.submit_metric(self, self.check_id, mtype, name, value, tags, hostname,
                                 flush_first_value)

    # ------------------------------------------------------------ service checks and events

    def service_check(self, name=None, status=None, tags=None, *rest, **named):
        """service_check(name, status, tags=None, hostname=None, message=None, raw=False), or as
        Agent 5 had it: (check_name, status, tags, timestamp, hostname, check_run_id, message).

        Which of the two is meant by positions shows the fourth, where a timestamp is a number and a
        host is none; with None there, the sixth, where `raw` is True or False."""
        given = {**dict(zip(_order_of(rest), rest)), **named}
        name = given.pop("check_name", name)
        unknown = set(given) - {"hostname", "message", "raw", "timestamp", "check_run_id"}
        if name is None or status is None or unknown:
            raise TypeError("service_check() takes name, status, tags, hostname, message and raw"
                            + "".join(f", and not {word}" for word in sorted(unknown)))
        message = _names.as_text(given.get("message"))
        aggregator.submit_service_check(
            self, self.check_id, _name(self, name, given.get("raw", False)), status,
            _tags(self, tags), _host(given.get("hostname")),
            "" if message is None else self.sanitize(str(message)))

    def event(self, event):
        """A dictionary with timestamp, event_type, msg_title, msg_text, aggregation_key,
        alert_type, source_type_name, host, tags, priority. It stays as it is: a copy is sent. One
        without timestamp is of now."""
        if not isinstance(event, dict):
            raise TypeError(f"event() takes a dictionary, and not {event!r}")
        sent = {key: str(_names.as_text(event[key])) for key in EVENT_TEXTS
                if event.get(key) is not None}
        if event.get("timestamp") is not None:
            sent["timestamp"] = int(event["timestamp"])
        if self.__NAMESPACE__:
            sent.setdefault("source_type_name", self.__NAMESPACE__)
        sent["tags"] = _tags(self, event.get("tags"))
        aggregator.submit_event(self, self.check_id, sent)

    # ------------------------------------------------------------ what cannot be sent from here

    def event_platform_event(self, raw_event, event_track_type):
        aggregator.submit_event_platform_event(self, self.check_id, raw_event, event_track_type)

    def database_monitoring_query_sample(self, raw_event):
        self.event_platform_event(raw_event, "dbm-samples")

    def database_monitoring_query_metrics(self, raw_event):
        self.event_platform_event(raw_event, "dbm-metrics")

    def database_monitoring_query_activity(self, raw_event):
        self.event_platform_event(raw_event, "dbm-activity")

    def database_monitoring_metadata(self, raw_event):
        self.event_platform_event(raw_event, "dbm-metadata")

    def send_log(self, data, cursor=None, stream="default"):
        aggregator.dropped("log line of a check")


def _name(check, name, raw):
    name = _names.name_as_text(name)
    return name if raw or not check.__NAMESPACE__ else f"{check.__NAMESPACE__}.{name}"


def _host(hostname):
    return "" if hostname is None else str(_names.as_text(hostname))


def _tags(check, tags, device_name=None):
    """`disable_generic_tags` of the instance gives some of them the name of the check."""
    tags = _names.tag_list(tags, device_name, check.log)
    if check.disable_generic_tags:
        tags = [_names.without_generic_name(tag, check.name) for tag in tags]
    return tags


def _refuse(check, sentence):
    """In a developer's unit test, where nobody reads warnings, it is an error."""
    if not aggregator.is_installed():
        raise ValueError(sentence)
    check.warning(sentence)


def _order_of(rest):
    """The names of service_check()'s arguments from the fourth on."""
    if len(rest) > 4:
        raise TypeError("service_check() takes 7 arguments at most")
    fourth_is_time = len(rest) > 0 and isinstance(rest[0], (int, float))
    sixth_is_run = len(rest) > 2 and not isinstance(rest[2], bool)
    if fourth_is_time or sixth_is_run or len(rest) == 4:
        return ("timestamp", "hostname", "check_run_id", "message")
    return ("hostname", "message", "raw")
