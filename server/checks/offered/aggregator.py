"""offered/aggregator.py: where what checks submit goes.

The Agent's own process offers a module of this name to its checks; AgentCheck calls it, and a check
may call it itself. Whoever runs a check installs a recorder before the check is imported, one for
the process. Without one, everything is kept in the lists of `kept`, for a developer's unit tests.

A recorder has:
  metric(check_id, mtype, name, value, tags, hostname, flush_first_value)
  service_check(check_id, name, status, tags, hostname, message)
  event(check_id, event)
  histogram_bucket(check_id, name, value, lower_bound, upper_bound, monotonic, hostname, tags,
                   flush_first_value)
  dropped(reason)

It is given texts, finite or not finite floats, and a list of tags that is its own. hostname is None
for the server's own host, "" for no host at all (`empty_default_hostname`), else the host that the
check named; an event has it as "host". The tag that comes of `service` is among the tags already:
both are the Agent's sender's work, which is why they are done here and not in AgentCheck.
"""

from collections import namedtuple

GAUGE, RATE, COUNT, MONOTONIC_COUNT, COUNTER, HISTOGRAM, HISTORATE = range(7)
TYPES = range(7)
STATUSES = range(4)

Sample = namedtuple("Sample", "check_id mtype name value tags hostname flush_first_value")
ServiceCheck = namedtuple("ServiceCheck", "check_id name status tags hostname message")
Bucket = namedtuple("Bucket", "check_id name value lower_bound upper_bound monotonic hostname tags "
                              "flush_first_value")
Sender = namedtuple("Sender", "tags host")


class Kept:
    """The recorder of whoever installs none."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.metrics, self.service_checks, self.events = [], [], []
        self.histogram_buckets, self.reasons = [], []

    def metric(self, *sample):
        self.metrics.append(Sample(*sample))

    def service_check(self, *service_check):
        self.service_checks.append(ServiceCheck(*service_check))

    def event(self, check_id, event):
        self.events.append(event)

    def histogram_bucket(self, *bucket):
        self.histogram_buckets.append(Bucket(*bucket))

    def dropped(self, reason):
        self.reasons.append(reason)


kept = Kept()
_recorder = kept


def install(recorder):
    """From now on `recorder` is given what checks submit; None: `kept` again."""
    global _recorder
    _recorder = kept if recorder is None else recorder


def is_installed():
    return _recorder is not kept


def dropped(reason):
    """Counts what a check submitted and nobody will see."""
    _recorder.dropped(reason)


# ---------------------------------------------------------------- what the instance adds

def _configured(check, key):
    """The instance's word, or that of init_config, or None."""
    for section in (getattr(check, "instance", None), getattr(check, "init_config", None)):
        if isinstance(section, dict) and section.get(key):
            return section[key]
    return None


def sender_of(check):
    """What the instance's configuration adds to all that its check submits.

    It is looked at once, when AgentCheck is constructed: a check may change its instance later, and
    the Agent would not see that either."""
    sender = getattr(check, "_heeler_sender", None)
    if isinstance(sender, Sender):
        return sender
    service = _configured(check, "service")
    instance = getattr(check, "instance", None)
    no_host = isinstance(instance, dict) and instance.get("empty_default_hostname") is True
    sender = Sender((f"service:{service}",) if service else (), "" if no_host else None)
    if check is not None:
        check._heeler_sender = sender
    return sender


def _tags(tags, sender):
    return [*(tags or ()), *sender.tags]


# ---------------------------------------------------------------- what checks call

def submit_metric(check, check_id, mtype, name, value, tags, hostname, flush_first_value=False):
    """Older callers know no flush_first_value."""
    if mtype not in TYPES:
        raise ValueError(f"{mtype!r} is no type of metric: 0 to 6 are")
    if not name:
        dropped("metric without a name")
        return
    sender = sender_of(check)
    _recorder.metric(check_id, mtype, name, float(value), _tags(tags, sender),
                     hostname or sender.host, bool(flush_first_value))


def submit_service_check(check, check_id, name, status, tags, hostname, message):
    """A status out of 0 to 3 is dropped and counted; one that is no number fails the run."""
    if not name:
        dropped("service check without a name")
        return
    if isinstance(status, bool) or not isinstance(status, int):
        raise TypeError(f"the status of service check '{name}' is {status!r}: 0 to 3 are allowed")
    if status not in STATUSES:
        dropped("status of a service check out of 0 to 3")
        return
    sender = sender_of(check)
    _recorder.service_check(check_id, name, int(status), _tags(tags, sender),
                            hostname or sender.host, message or "")


def submit_event(check, check_id, event):
    sender = sender_of(check)
    _recorder.event(check_id, {**event, "tags": _tags(event.get("tags"), sender),
                               "host": event.get("host") or sender.host})


def submit_histogram_bucket(check, check_id, name, value, lower_bound, upper_bound, monotonic,
                            hostname, tags, flush_first_value=False):
    sender = sender_of(check)
    _recorder.histogram_bucket(check_id, name, int(value), float(lower_bound), float(upper_bound),
                               bool(monotonic), hostname or sender.host, _tags(tags, sender),
                               bool(flush_first_value))


def submit_event_platform_event(check, check_id, raw_event, event_type):
    """Query samples and the like: there is no way to send them here, so they are counted."""
    dropped("event of the event platform")
