"""server/checks/runner/lines.py: gauges, service checks and events as lines of DogStatsD.

What a name or a tag holds that a line cannot (":" or "|" in a name, "," or "|" in a tag, control
characters) becomes "_", as the intake makes of it when the Agent sends it as series. What cannot be
said at all is None. No line has an end of line in it, whatever a check says, and none is longer
than its reader takes: of a text that is too long the end is cut off.

Pure. Texts have no lone surrogates (runner/frames.py).
"""

import re

NAME_LOST = re.compile(r"[\x00-\x1f\x7f:|]")
TAG_LOST = re.compile(r"[\x00-\x1f\x7f,|]")
FIELD_LOST = re.compile(r"[\x00-\x1f\x7f|]")
OWN_MARKS = ("_e{", "_sc")
CUT_MARK = b"..."
TITLE_MAX = 1000


def line_name(name):
    """A metric's name; "" when there is nothing left. What begins as a line of another kind does
    loses what is before its first letter, as at the intake."""
    name = NAME_LOST.sub("_", name)
    return name.lstrip("_") if name.startswith(OWN_MARKS) else name


def line_tags(tags, host):
    """(tags, host) as they are sent. A tag "host:X" is the host where the check named none."""
    kept = []
    for tag in tags:
        tag = TAG_LOST.sub("_", tag)
        if not tag.startswith("host:"):
            kept.append(tag)
        elif host is None:
            host = tag[5:]
    return [tag for tag in kept if tag], host if host is None else TAG_LOST.sub("_", host)


def line_gauge(point, bytes_max):
    """None: too long, or without a name."""
    name = line_name(point.name)
    line = f"{name}:{point.value!r}|g|T{point.timestamp}{_tags(*line_tags(point.tags, point.host))}"
    return _fitting(line.encode("utf-8", "replace"), bytes_max) if name else None


def line_service_check(check, bytes_max):
    """`check`: name, status, tags, host, message, timestamp. None as above."""
    name = FIELD_LOST.sub("_", check["name"])
    tags, host = line_tags(check["tags"], check["host"])
    line = f"_sc|{name}|{check['status']}|d:{int(check['timestamp'])}"
    line += (f"|h:{host}" if host else "") + _tags(tags, host)
    line = line.encode("utf-8", "replace")
    message = (check.get("message") or "").replace("\r", "").replace("\n", "\\n").replace("|", "/")
    message = FIELD_LOST.sub(" ", message).encode("utf-8", "replace")
    if message and name:
        line += b"|m:" + _cut(message, bytes_max - len(line) - 3)
    return _fitting(line, bytes_max) if name else None


def line_event(event, bytes_max):
    """`event`: what a check gave to event(), the host as in a point. None as above."""
    text = _prose(event.get("msg_text"))
    title = _cut(_prose(event.get("msg_title")) or text, TITLE_MAX)
    tags, time, host = event.get("tags"), event.get("timestamp"), event.get("host")
    tags, host = line_tags(tags if isinstance(tags, list) else [],
                           host if host is None else str(host))
    rest = f"|d:{int(time)}" if isinstance(time, (int, float)) and time >= 1 else ""
    rest += _field("h", host)
    for key, name in (("k", "aggregation_key"), ("p", "priority"), ("s", "source_type_name"),
                      ("t", "alert_type")):
        rest += _field(key, event.get(name))
    rest = (rest + _tags(tags, host)).encode("utf-8", "replace")
    around = len(f"_e{{{len(title)},{len(text)}}}:|") + len(title) + len(rest)
    text = _cut(text, bytes_max - around)
    line = b"_e{%d,%d}:%b|%b%b" % (len(title), len(text), title, text, rest)
    return _fitting(line, bytes_max) if title else None


def _tags(tags, host):
    """The host last, which is the one that counts."""
    tags = tags + ([f"host:{host}"] if host is not None else [])
    return "|#" + ",".join(tags) if tags else ""


def _field(key, value):
    return f"|{key}:{FIELD_LOST.sub('_', str(value))}" if value else ""


def _prose(text):
    """Ends of lines as an event has them; other control characters are as good as a blank."""
    text = str(text or "").replace("\r\n", "\n").replace("\n", "\\n")
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", " ", text).encode("utf-8", "replace")


def _cut(text, bytes_max):
    """At most so many bytes, which end with a whole character and not amid an escaped one."""
    if len(text) <= bytes_max:
        return text
    kept = text[:max(0, bytes_max - len(CUT_MARK))].decode("utf-8", "ignore").encode("utf-8")
    if (len(kept) - len(kept.rstrip(b"\\"))) % 2:
        kept = kept[:-1]
    return (kept + CUT_MARK)[:max(0, bytes_max)]


def _fitting(line, bytes_max):
    return line if len(line) <= bytes_max else None
