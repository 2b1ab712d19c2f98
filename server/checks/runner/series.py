"""server/checks/runner/series.py: points as the server's POST /api/v1/series takes them.

That way a count stays a count, without interval, and a rate is one of a second: what a check counts
is not what arrives in ten seconds, which is what a line would say. Gauges go that way where there
is no socket for lines, where a line would be too long, or where the server takes no times of lines.

Names and tags are changed as in a line, so that a series is called the same on both ways. A series
without a host has none here, so the server's own host is named.

Pure. Texts have no lone surrogates (runner/frames.py).
"""

import json

from runner.lines import line_name, line_tags
from runner.point import RATE

BEGIN, END = b'{"series":[', b"]}"


def series_item(point, own_host):
    """The bytes of one, or None without a name."""
    name = line_name(point.name)
    if not name:
        return None
    tags, host = line_tags(point.tags, point.host)
    item = {"metric": name, "type": point.kind, "points": [[point.timestamp, point.value]],
            "tags": tags, "host": own_host if host is None else host}
    if point.kind == RATE:
        item["interval"] = 1
    return json.dumps(item, separators=(",", ":")).encode("ascii")


def series_body(items):
    return BEGIN + b",".join(items) + END
