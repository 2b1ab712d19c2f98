"""server/checks/runner/frames.py: what parent and child of an instance say to each other.

  {"op":"run","time":1700000000}\n        a JSON object a line, ASCII, at most MAX_LINE bytes

to the child: load, run, cancel. From it: loaded or failed; then for each run points, service_check,
event and log as they come, where (shortly before its time is over), and done. Checks of what comes
from a child are here, because a check can write what it likes where its process writes: whatever
passes checked() has the types that its readers expect, and texts in it have no lone surrogates.

JSON has no maps with numbers as keys, no dates, bytes and sets, and yaml has: wrapped() gives them
a form that unwrapped() takes back. Pure; a frame is a dict and belongs to who gets it.
"""

import datetime
import json
import math

from runner.point import COUNT, GAUGE, RATE, Point

MAX_LINE = 1 << 20
MAX_POINTS = 500      # in one frame
MAX_NUMBER = 1 << 53  # of what is counted, and of seconds
MAX_REASON = 100
MARK = "\x00"         # begins the key of a form that JSON does not have
NUMBER = (int, float)
TEXT_OR_NONE = (str, type(None))


class Garbage(Exception):
    """No frame of a child; str() says why, in a few words."""


def encoded(frame):
    """The line. ValueError and TypeError where the frame holds what JSON does not have."""
    return json.dumps(frame, separators=(",", ":")).encode("ascii") + b"\n"


def decoded(line):
    """A line of the parent, who is believed."""
    return json.loads(line)


def checked(line):
    """A line of a child → its frame, with `points` as a list of Point. Raises Garbage."""
    try:
        frame = json.loads(line)
    except (ValueError, RecursionError):
        raise Garbage("no JSON") from None
    if not isinstance(frame, dict):
        raise Garbage("no object")
    fields = FIELDS.get(frame.get("op")) if isinstance(frame.get("op"), str) else None
    if fields is None:
        raise Garbage("an unknown op")
    for name, types in fields.items():
        value = frame.get(name)
        if not isinstance(value, types) or isinstance(value, bool):
            raise Garbage(f"{frame['op']}.{name} is missing or of another type")
        if isinstance(value, NUMBER) and not _is_amount(value):
            raise Garbage(f"{frame['op']}.{name} is out of all bounds")
        frame[name] = value
    refine = REFINE.get(frame["op"])
    if refine:
        refine(frame)
    return frame


FIELDS = {
    "loaded": {"class": str, "version": str, "files": list},
    "failed": {"sentence": str, "traceback": str, "files": list},
    "points": {"points": list},
    "service_check": {"name": str, "status": int, "tags": list, "host": TEXT_OR_NONE,
                      "message": TEXT_OR_NONE, "timestamp": NUMBER},
    "event": {},
    "log": {"level": str, "text": str},
    "where": {"text": str},
    "done": {"seconds": NUMBER, "samples": int, "points": int, "events": int, "service_checks": int,
             "error": (dict, type(None)), "warnings": list, "dropped": dict, "metadata": dict,
             "files": list},
}


def _refine_points(frame):
    if len(frame["points"]) > MAX_POINTS:
        raise Garbage("too many points")
    frame["points"] = [_point(parts) for parts in frame["points"]]


def _point(parts):
    if not isinstance(parts, list) or len(parts) != len(Point._fields):
        raise Garbage("a point of another form")
    point = Point(*parts)
    if point.kind not in (GAUGE, COUNT, RATE) or not isinstance(point.name, str) or not point.name:
        raise Garbage("a point without kind or name")
    if not _is_number(point.value) or not _is_amount(point.timestamp):
        raise Garbage("a point without value or time")
    if not _are_texts(point.tags) or not isinstance(point.host, TEXT_OR_NONE):
        raise Garbage("a point with other tags or another host")
    return point._replace(name=_clean(point.name), value=float(point.value),
                          timestamp=int(point.timestamp), tags=tuple(map(_clean, point.tags)),
                          host=point.host if point.host is None else _clean(point.host))


def _refine_service_check(frame):
    if not _are_texts(frame["tags"]) or not frame["name"]:
        raise Garbage("a service check of another form")
    if frame["status"] not in (0, 1, 2, 3):
        raise Garbage("a service check of an unknown status")
    _clean_all(frame)


def _refine_event(frame):
    for key, value in frame.items():
        plain = isinstance(value, TEXT_OR_NONE) or _is_number(value) or _are_texts(value)
        if not plain or isinstance(value, bool):
            raise Garbage(f"an event with another {key[:40]}")
    _clean_all(frame)


def _refine_texts(frame):
    _clean_all(frame)


def _refine_loaded(frame):
    _refine_files(frame)
    _clean_all(frame)


def _refine_files(frame):
    if not _are_texts(frame["files"]) or len(frame["files"]) > MAX_POINTS:
        raise Garbage("a list of files of another form")
    if any("\0" in name for name in frame["files"]):
        raise Garbage("a name of a file that can be none")


def _refine_done(frame):
    _refine_files(frame)
    error = frame["error"]
    if error is not None:
        if not isinstance(error.get("message"), str) or not isinstance(error.get("traceback"), str):
            raise Garbage("an error of another form")
        _clean_all(error)
    if not _are_texts(frame["warnings"]):
        raise Garbage("done, of another form")
    if len(frame["dropped"]) > 50 or not all(map(_is_amount, frame["dropped"].values())):
        raise Garbage("what was dropped, of another form")
    if not all(isinstance(value, str) for value in frame["metadata"].values()):
        raise Garbage("metadata of another form")
    frame["dropped"] = {_clean(key)[:MAX_REASON]: int(value)
                        for key, value in frame["dropped"].items()}
    frame["metadata"] = {_clean(key): _clean(value) for key, value in frame["metadata"].items()}
    _clean_all(frame)


REFINE = {"loaded": _refine_loaded, "failed": _refine_loaded, "points": _refine_points,
          "service_check": _refine_service_check, "event": _refine_event, "log": _refine_texts,
          "where": _refine_texts, "done": _refine_done}


def _is_number(value):
    """Of a size that float() and int() take, and no bool."""
    if isinstance(value, bool) or not isinstance(value, NUMBER):
        return False
    return abs(value) < 1e300 if isinstance(value, int) else math.isfinite(value)


def _is_amount(value):
    """Of what is counted, or of seconds."""
    return _is_number(value) and 0 <= value <= MAX_NUMBER


def _are_texts(value):
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _clean(text):
    """Half of a pair of surrogates is no text that can be sent: it becomes "?"."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _clean_all(fields):
    for key, value in list(fields.items()):
        if not key.isascii():
            fields[_clean(key)] = fields.pop(key)
            key = _clean(key)
        if isinstance(value, str):
            fields[key] = _clean(value)
        elif _are_texts(value):
            fields[key] = [_clean(text) for text in value]


def wrapped(value):
    """A value of yaml in a form that JSON has; maps and lists are copies."""
    if isinstance(value, dict):
        if all(isinstance(key, str) and not key.startswith(MARK) for key in value):
            return {key: wrapped(item) for key, item in value.items()}
        return {MARK + "map": [[wrapped(key), wrapped(item)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return [wrapped(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return {MARK + "set": sorted((wrapped(item) for item in value), key=repr)}
    if isinstance(value, datetime.datetime):
        return {MARK + "time": value.isoformat()}
    if isinstance(value, datetime.date):
        return {MARK + "date": value.isoformat()}
    if isinstance(value, bytes):
        return {MARK + "bytes": value.decode("latin-1")}
    return value


def unwrapped(value):
    """What wrapped() was given."""
    if isinstance(value, list):
        return [unwrapped(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (key, form), = value.items()
        if key in UNWRAP:
            return UNWRAP[key](form)
    return {key: unwrapped(item) for key, item in value.items()}


def _key(value):
    """A list is no key; yaml's was a tuple."""
    value = unwrapped(value)
    return tuple(value) if isinstance(value, list) else value


UNWRAP = {
    MARK + "map": lambda form: {_key(key): unwrapped(item) for key, item in form},
    MARK + "set": lambda form: {_key(item) for item in form},
    MARK + "time": datetime.datetime.fromisoformat,
    MARK + "date": datetime.date.fromisoformat,
    MARK + "bytes": lambda form: form.encode("latin-1"),
}
