"""A slow, readable model of what Heeler does with DogStatsD traffic.

Written from the protocol's specification alone, to be compared with the server.
Text is latin-1: one character per byte, so that any bytes survive. A datagram
goes through split_lines(), parse(), enrich() and into an Aggregator, whose
flush() answers with the points that the intake should see."""

import codecs
import math
import re
from collections import Counter as Tally, namedtuple

DEFAULTS = {
    "hostname": "",
    "tags": [],
    "heeler_interval": 10,
    "dogstatsd_buffer_size": 8192,
    "dogstatsd_eol_required": [],
    "dogstatsd_origin_detection_client": False,
    "dogstatsd_no_aggregation_pipeline": True,
    "dogstatsd_tags": [],
    "dogstatsd_expiry_seconds": 300,
    "statsd_metric_namespace": "",
    "statsd_metric_namespace_blacklist": (
        "datadog.agent datadog.dogstatsd datadog.process datadog.trace_agent "
        "datadog.tracer activemq activemq_58 airflow cassandra confluent hazelcast "
        "hive ignite jboss jvm kafka presto sidekiq solr tomcat runtime").split(),
    "statsd_metric_blocklist": [],
    "statsd_metric_blocklist_match_prefix": False,
    "metric_filterlist": [],
    "metric_filterlist_match_prefix": False,
    "histogram_aggregates": ["max", "median", "avg", "count"],
    "histogram_percentiles": ["0.95"],
    "histogram_copy_to_distribution": False,
    "histogram_copy_to_distribution_prefix": "",
}


def settings_with(changes):
    return {**DEFAULTS, **changes}


# ---------------------------------------------------------------- numbers

DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
HEX = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+")
SPECIAL = re.compile(r"[+-]?(?:inf|infinity)|nan", re.IGNORECASE)
INTEGER = re.compile(r"[+-]?[0-9]+")


def without_underscores(text):
    """The digits alone, or None where an underscore may not stand."""
    is_hex = re.match(r"[+-]?0[xX]", text)
    digit = "[0-9a-fA-F]" if is_hex else "[0-9]"
    if is_hex:      # right after 0x counts as behind a digit
        text = re.sub(rf"^([+-]?0[xX])_(?={digit})", r"\1", text)
    text = re.sub(rf"(?<={digit})_(?={digit})", "", text)
    return None if "_" in text else text


def go_float(text):
    """As Go's ParseFloat: None is a refusal, out of range too."""
    if SPECIAL.fullmatch(text):
        return float(text)
    text = without_underscores(text)
    if text is None:
        return None
    try:
        if DECIMAL.fullmatch(text):
            value = float(text)
        elif HEX.fullmatch(text):
            value = float.fromhex(text)
        else:
            return None
    except OverflowError:
        return None
    return None if math.isinf(value) else value


def go_int(text):
    """A signed 64-bit decimal, or None."""
    if not INTEGER.fullmatch(text):
        return None
    digits = text.lstrip("+-").lstrip("0") or "0"
    if len(digits) > 19:
        return None
    value = -int(digits) if text[0] == "-" else int(digits)
    return value if -2**63 <= value < 2**63 else None


def inode_number(text):
    """A bad number is 0, one beyond 64 bits the largest."""
    if not re.fullmatch("[0-9]+", text):
        return 0
    digits = text.lstrip("0") or "0"
    return 2**64 - 1 if len(digits) > 20 else min(int(digits), 2**64 - 1)


# ---------------------------------------------------------------- lines

def split_lines(datagram, settings, listener="udp"):
    """(lines, unterminated): one trailing CR goes, empty lines go."""
    text = datagram[:settings["dogstatsd_buffer_size"]].decode("latin-1")
    lines = text.split("\n")
    last = lines.pop()
    unterminated = 0
    if last and listener in settings["dogstatsd_eol_required"]:
        unterminated = 1
    else:
        lines.append(last)
    lines = [line[:-1] if line.endswith("\r") else line for line in lines]
    return [line for line in lines if line], unterminated


def parse(line, settings):
    """The message, or None for a line that is refused."""
    if line.startswith("_e{"):
        return parse_event(line, settings)
    if line.startswith("_sc"):
        return parse_check(line, settings)
    return parse_metric(line, settings)


def line_kind(line):
    if line.startswith("_e{"):
        return "event"
    return "service_check" if line.startswith("_sc") else "metric"


def parse_tags(text):
    return text.split(",") if text else []


def no_origin():
    return {"tags": [], "container_id": "", "inode": 0, "external_data": "", "cardinality": ""}


def parse_common(message, field, settings):
    """Tags and origin, which all three kinds share."""
    if field.startswith("#"):
        message["tags"] = parse_tags(field[1:])
    elif not settings["dogstatsd_origin_detection_client"]:
        return
    elif field.startswith("c:"):
        parse_container(message, field[2:])
    elif field.startswith("e:"):
        message["external_data"] = field[2:]
        message["external"] = parse_external(field[2:])
    elif field.startswith("card:"):
        message["cardinality"] = field[5:]


def parse_container(message, text):
    if "," not in text:
        if text.startswith("in-"):
            message["inode"] = inode_number(text[3:])
        else:
            message["container_id"] = re.sub("^(ci-|cid-)", "", text)
        return
    for piece in text.split(","):
        if piece.startswith("ci-"):
            message["container_id"] = piece[3:]
        elif piece.startswith("in-"):
            message["inode"] = inode_number(piece[3:])


def parse_external(text):
    external = {"init": False, "container_name": "", "pod_uid": ""}
    for piece in text.split(","):
        if piece.startswith("it-"):
            if piece[3:] in "1 t T TRUE true True 0 f F FALSE false False".split():
                external["init"] = piece[3] in "1tT"
        elif piece.startswith("cn-"):
            external["container_name"] = piece[3:]
        elif piece.startswith("pu-"):
            external["pod_uid"] = piece[3:]
    return external


def parse_metric(line, settings):
    head, pipe, rest = line.partition("|")
    name, colon, value = head.partition(":")
    kind, *fields = rest.split("|")
    if not pipe or not colon or not name or not value:
        return None
    if kind not in ("g", "c", "ms", "h", "s", "d"):
        return None
    values = parse_values(kind, value)
    if not values:
        return None
    message = {"kind": "metric", "name": name, "type": kind, "values": values,
               "rate": 1.0, "timestamp": None, **no_origin()}
    for field in fields:
        if field.startswith("@"):
            message["rate"] = go_float(field[1:])
            if message["rate"] is None:
                return None
        elif field.startswith("T"):
            if not settings["dogstatsd_no_aggregation_pipeline"]:
                continue
            message["timestamp"] = go_int(field[1:])
            if message["timestamp"] is None or message["timestamp"] < 1:
                return None
        else:
            parse_common(message, field, settings)
    return message


def parse_values(kind, text):
    """A set's member is taken whole; numbers are packed with colons."""
    if kind == "s":
        return [text]
    values = [go_float(piece) for piece in text.split(":") if piece]
    return None if None in values else values


def parse_event(line, settings):
    header, colon, rest = line.partition(":")
    if not colon or len(header) < 7:
        return None
    title_text, comma, text_text = header[3:-1].partition(",")
    title_len, text_len = go_int(title_text), go_int(text_text)
    if not comma or title_len is None or text_len is None:
        return None
    if title_len < 1 or text_len < 0 or len(rest) < title_len + 1 + text_len:
        return None
    text_end = title_len + 1 + text_len
    event = {"kind": "event", "title": rest[:title_len].replace("\\n", "\n"),
             "text": rest[title_len + 1:text_end].replace("\\n", "\n"),
             "ts": 0, "priority": "normal", "alert_type": "info", "host": "",
             "aggregation_key": "", "source_type": "", **no_origin()}
    for field in rest[text_end:].split("|"):
        parse_event_field(event, field, settings)
    return event


def parse_event_field(event, field, settings):
    key, body = field[:2], field[2:]
    if key == "d:":
        number = go_int(body)
        event["ts"] = event["ts"] if number is None else number
    elif key == "h:":
        event["host"] = body
    elif key == "k:":
        event["aggregation_key"] = body
    elif key == "p:" and body in ("normal", "low"):
        event["priority"] = body
    elif key == "s:":
        event["source_type"] = body
    elif key == "t:" and body in ("info", "success", "warning", "error"):
        event["alert_type"] = body
    else:
        parse_common(event, field, settings)


def parse_check(line, settings):
    if line.count("|") < 2 or len(line) < 4:
        return None
    name, pipe, rest = line[4:].partition("|")
    status, *fields = rest.split("|")
    if not name or not pipe or status not in ("0", "1", "2", "3"):
        return None
    check = {"kind": "service_check", "name": name, "status": int(status), "ts": 0,
             "host": "", "message": "", **no_origin()}
    for field in fields:
        if field.startswith("d:"):
            number = go_int(field[2:])
            check["ts"] = check["ts"] if number is None else number
        elif field.startswith("h:"):
            check["host"] = field[2:]
        elif field.startswith("m:"):
            check["message"] = field[2:]
        else:
            parse_common(check, field, settings)
    return check


# ---------------------------------------------------------------- enrichment

codecs.register_error("each byte", lambda error: ("\ufffd", error.start + 1))


def repaired(text):
    """Each byte that is in no UTF-8 sequence becomes U+FFFD."""
    return text.encode("latin-1").decode("utf-8", "each byte").encode("utf-8").decode("latin-1")


def extract_tags(message, settings):
    """Tags with a meaning leave the list; the others are sorted and unique."""
    kept = []
    message["pod_uid"] = ""
    host = settings["hostname"]
    for tag in message["tags"]:
        if tag.startswith("host:"):
            host = tag[len("host:"):]
        elif tag.startswith("dd.internal.entity_id:"):
            message["pod_uid"] = tag[len("dd.internal.entity_id:"):]
        elif tag.startswith("dd.internal.card:") and not message["cardinality"]:
            message["cardinality"] = tag[len("dd.internal.card:"):]
        elif not tag.startswith("dd.internal.jmx_check_name:"):
            kept.append(tag)
    message["tags"] = sorted(set(kept + list(settings["dogstatsd_tags"])))
    message["host"] = message.get("host") or host


def with_namespace(name, settings):
    namespace = settings["statsd_metric_namespace"]
    if not namespace or name.startswith(tuple(settings["statsd_metric_namespace_blacklist"])):
        return name
    return namespace.rstrip(".") + "." + name


def is_filtered(name, settings):
    names, prefix = settings["metric_filterlist"], settings["metric_filterlist_match_prefix"]
    if not names:
        names = settings["statsd_metric_blocklist"]
        prefix = settings["statsd_metric_blocklist_match_prefix"]
    return name.startswith(tuple(names)) if prefix else name in names


def enrich(message, settings):
    """An event or check changed in place; a metric's samples, one per value."""
    extract_tags(message, settings)
    if message["kind"] != "metric":
        return message
    name = with_namespace(message["name"], settings)
    if is_filtered(name, settings):
        return []
    samples = []
    for value in message["values"]:
        sample = {key: message[key] for key in ("type", "rate", "tags", "host", "timestamp",
                                                "pod_uid", "cardinality")}
        samples.append({**sample, "name": name, "value": value})
        if settings["histogram_copy_to_distribution"] and message["type"] in ("h", "ms"):
            copy = settings["histogram_copy_to_distribution_prefix"] + name
            samples.append({**sample, "name": copy, "value": value, "type": "d"})
    return samples


# ---------------------------------------------------------------- sketch

LN_GAMMA = math.log(1.015625)
BIAS = 1338
MIN_VALUE = math.exp((1 - BIAS) * LN_GAMMA)
MAX_BIN = 2**32 - 1


def sketch_key(value):
    if value < 0:
        return -sketch_key(-value)
    if value < MIN_VALUE:
        return 0
    key = round(math.log(value) / LN_GAMMA) + BIAS      # round() is half to even
    return 32767 if key > 32766 else max(key, 1)


def split_bin(key, count):
    """What one bin cannot hold: the remainder first, then full bins."""
    full, rest = divmod(count, MAX_BIN)
    return ([(key, rest)] if rest else []) + [(key, MAX_BIN)] * full


class Sketch:
    def __init__(self, limit=4096):
        self.limit = limit
        self.buffer, self.bins = [], []
        self.cnt, self.sum, self.avg, self.min, self.max = 0, 0.0, 0.0, math.inf, -math.inf

    def insert(self, value, rate=1.0):
        if not 0 < rate <= 1:
            rate = 1.0
        weight = min(1 / rate, 2.0**53)
        count = math.trunc(weight)
        self.min, self.max = min(self.min, value), max(self.max, value)
        self.cnt += count
        self.sum += weight * value
        self.avg += (value - self.avg) * count / self.cnt
        if rate < 1:
            self.settle()
            self.merge([(sketch_key(value), count)])
            return
        self.buffer.append(sketch_key(value))
        if len(self.buffer) == 512:
            self.settle()

    def settle(self):
        run, self.buffer = sorted(Tally(self.buffer).items()), []
        self.merge(run)

    def merge(self, run):
        merged, own = [], 0
        for key, count in run:
            while own < len(self.bins) and self.bins[own][0] < key:
                merged.append(self.bins[own])
                own += 1
            if own < len(self.bins) and self.bins[own][0] == key:
                count += self.bins[own][1]
                own += 1
            merged += split_bin(key, count)
        self.bins = merged + self.bins[own:]
        self.trim()

    def trim(self):
        """Collapses the lowest bins into the first one kept."""
        cut = len(self.bins) - self.limit
        if cut <= 0:
            return
        key, count = self.bins[cut]
        total = count + sum(count for _, count in self.bins[:cut])
        self.cnt -= max(0, total - MAX_BIN)
        self.bins[:cut + 1] = [(key, min(total, MAX_BIN))]

    def point(self):
        self.settle()
        return {"cnt": self.cnt, "min": self.min, "max": self.max, "sum": self.sum,
                "avg": self.avg, "k": [key for key, _ in self.bins],
                "n": [count for _, count in self.bins]}


# ---------------------------------------------------------------- cells

# So much less than in a plain sum the size of the terms excuses a difference.
COMPENSATED = 1e-12


def scaled_by(rate):
    """1/rate; Go divides by zero without complaint."""
    return 1 / rate if rate else math.copysign(math.inf, rate)


class Sum:
    """Compensated, after Neumaier: what rounding takes from a term is kept."""

    def __init__(self):
        self.total, self.lost = 0.0, 0.0

    def add(self, term):
        total = self.total + term
        large, small = (self.total, term) if abs(self.total) >= abs(term) else (term, self.total)
        self.lost += (large - total) + small
        self.total = total

    def value(self):
        return self.total + self.lost


class Cell:
    """add() says whether the value was taken. unit: of the gauges made of it."""
    unit = ""


class Counter(Cell):
    type = "c"

    def __init__(self, settings):
        self.value, self.scale = 0.0, 0.0

    def add(self, value, rate):
        scaled = value * scaled_by(rate)
        if math.isfinite(scaled):
            self.value += scaled
            self.scale += abs(scaled)
        return math.isfinite(scaled)

    def points(self, interval):
        return [("", "rate", self.value / interval, self.scale / interval)]


class Gauge(Cell):
    type = "g"

    def __init__(self, settings):
        self.value = None

    def add(self, value, rate):
        if math.isfinite(value):
            self.value = value
        return math.isfinite(value)

    def points(self, interval):
        return [] if self.value is None else [("", "gauge", self.value, 0)]


class Set(Cell):
    type = "s"

    def __init__(self, settings):
        self.members = set()

    def add(self, value, rate):
        self.members.add(value)
        return True

    def points(self, interval):
        return [("", "gauge", float(len(self.members)), 0)]


class Histogram(Cell):
    """Values with their weights, 1/rate; the aggregates are those of the Agent."""
    type = "h"

    def __init__(self, settings):
        self.settings = settings
        self.pairs, self.sum, self.count, self.scale = [], Sum(), 0.0, 0.0

    def add(self, value, rate):
        weight = scaled_by(rate or 1.0)
        if not math.isfinite(value * weight):
            return False
        self.pairs.append((value, weight))
        self.sum.add(value * weight)
        self.count += weight
        self.scale += abs(value * weight) * COMPENSATED
        return True

    def at_rank(self, rank):
        seen = 0.0
        for value, weight in self.pairs:
            seen += weight
            if seen > rank:
                return value
        return None

    def points(self, interval):
        if not self.pairs:
            return []
        self.pairs.sort(key=lambda pair: pair[0])
        total = self.sum.value()
        average = total / self.count if self.count else math.inf
        known = {
            "max": ("gauge", self.pairs[-1][0], 0),
            "min": ("gauge", self.pairs[0][0], 0),
            "sum": ("gauge", total, self.scale),
            "avg": ("gauge", average, self.scale / (self.count or 1)),
            "count": ("rate", self.count / interval, 0),
            "median": ("gauge", self.at_rank((self.count - 1) / 2) or 0.0, 0),
        }
        wanted = self.settings["histogram_aggregates"]
        points = [("." + name, *known[name]) for name in wanted if name in known]
        for percent in self.percents():
            value = self.at_rank((percent * self.count - 1) / 100)
            if value is not None:
                points.append((f".{percent}percentile", "gauge", value, 0))
        return points

    def percents(self):
        fractions = [go_float(text) for text in self.settings["histogram_percentiles"]]
        return sorted({math.floor(100 * x + 0.5) for x in fractions
                       if x is not None and 0 <= x <= 1})


class Distribution(Cell):
    type = "d"

    def __init__(self, settings):
        self.sketch = Sketch()
        self.scale = 0.0

    def add(self, value, rate):
        weight = 1 / rate if 0 < rate <= 1 else 1.0
        if math.isfinite(value * weight):
            self.sketch.insert(value, rate)
            self.scale += abs(value * weight)
        return math.isfinite(value * weight)

    def points(self, interval):
        if not self.sketch.cnt or not math.isfinite(self.sketch.sum):
            return []
        return [("", "sketch", self.sketch.point(), self.scale)]


CELLS = {"c": Counter, "g": Gauge, "s": Set, "h": Histogram, "ms": Histogram, "d": Distribution}


# ---------------------------------------------------------------- aggregation

# scale: how large the terms were that a sum was made of, for comparisons.
Point = namedtuple("Point", "name type host tags resources ts value scale unit", defaults=[""])


def split_resources(tags):
    """v2 series carry these two kinds of tag as resources."""
    kept, resources = [], []
    for tag in tags:
        if tag.startswith("device:"):
            resources.append(("device", tag[len("device:"):]))
        elif tag.startswith("dd.internal.resource:"):
            kind, colon, name = tag[len("dd.internal.resource:"):].partition(":")
            if kind and name:
                resources.append((kind, name))
        else:
            kept.append(tag)
    return tuple(kept), tuple(sorted(resources))


def is_refused(point, now):
    """What the intake would answer with an error for, or drop."""
    return (not re.search("[A-Za-z]", point.name) or len(point.name) > 350
            or len(point.tags) > 100 or sum(map(len, point.tags)) > 100 * 1024
            or len(point.host) > 255 or point.ts > now + 600)


class Aggregator:
    """Everything that one server received, until it is flushed."""

    def __init__(self, settings):
        self.settings = settings
        self.interval = settings["heeler_interval"]
        self.buckets = {}       # start of the interval -> {series: cell}
        self.counters = {}      # series -> (first, last) second seen
        self.next_start = None  # the oldest interval that was not flushed
        self.timestamped, self.events, self.checks = [], [], []
        self.lines, self.rejected, self.unterminated = {}, 0, 0
        self.origin = {}        # series -> the first line seen of it
        self.names = {}         # type -> names

    def datagram(self, data, now, listener="udp"):
        lines, unterminated = split_lines(data, self.settings, listener)
        self.unterminated += unterminated
        for line in lines:
            self.lines[line_kind(line)] = self.lines.get(line_kind(line), 0) + 1
            self.line(line, math.floor(now))

    def line(self, line, now):
        message = parse(line, self.settings)
        if message is None:
            self.rejected += 1
        elif message["kind"] == "event":
            self.events.append(enrich(message, self.settings))
        elif message["kind"] == "service_check":
            self.checks.append(enrich(message, self.settings))
        else:
            for sample in enrich(message, self.settings):
                self.sample(sample, line, now)

    def sample(self, sample, line, now):
        tags = tuple(sorted({repaired(tag) for tag in [*sample["tags"], *self.settings["tags"]]}))
        name, host = repaired(sample["name"]), repaired(sample["host"])
        cell_class = CELLS[sample["type"]]
        series = (name, cell_class.type, host, tags)
        self.origin.setdefault((name, host, tags), line)
        self.names.setdefault(cell_class.type, set()).add(name)
        if sample["timestamp"] is not None:
            self.timestamped_sample(sample, series)
            return
        start = now - now % self.interval
        if self.next_start is None:
            self.next_start = start
        cells = self.buckets.setdefault(start, {})
        if series not in cells:
            cells[series] = cell_class(self.settings)
        if cells[series].add(sample["value"], sample["rate"]) and sample["type"] == "ms":
            cells[series].unit = "millisecond"
        if sample["type"] == "c":
            first, last = self.counters.get(series, (now, now))
            self.counters[series] = (first, max(last, now))

    def timestamped_sample(self, sample, series):
        """Neither merged nor scaled: each is a point of its own."""
        if sample["type"] not in ("c", "g") or not math.isfinite(sample["value"]):
            return
        name, _, host, tags = series
        if sample["type"] == "c":
            kind, value = "rate", sample["value"] / self.interval
        else:
            kind, value = "gauge", sample["value"]
        kept, resources = split_resources(tags)
        self.timestamped.append(Point(name, kind, host, kept, resources,
                                      sample["timestamp"], value, 0))

    def flush(self, now, final=False):
        """The points of all intervals that are over; final: of the open one too."""
        cutoff = math.floor(now) - math.floor(now) % self.interval + (self.interval if final else 0)
        points, self.timestamped = self.timestamped, []
        if self.next_start is not None:
            for start in range(self.next_start, cutoff, self.interval):
                points += self.interval_points(start)
            self.next_start = max(self.next_start, cutoff)
        return [point for point in points if not is_refused(point, now)]

    def interval_points(self, start):
        cells = self.buckets.pop(start, {})
        for series, (first, last) in list(self.counters.items()):
            if last + self.settings["dogstatsd_expiry_seconds"] <= start:
                del self.counters[series]
            elif first < start + self.interval and series not in cells:
                cells[series] = Counter(self.settings)
        points = []
        for series, cell in cells.items():
            points += self.cell_points(series, cell, start)
        return points

    def cell_points(self, series, cell, start):
        name, _, host, tags = series
        kept, resources = split_resources(tags)
        for suffix, kind, value, scale in cell.points(self.interval):
            if suffix and is_filtered(name + suffix, self.settings):
                continue
            if kind == "sketch":        # a sketch payload has no resources
                yield Point(name, kind, host, tags, (), start, value, scale)
            elif math.isfinite(value):
                unit = cell.unit if kind == "gauge" else ""
                yield Point(name + suffix, kind, host, kept, resources, start, value, scale, unit)


def is_close(left, right, scale=0.0):
    """1e-9 relative, to the value or to the terms it was summed from."""
    if left == right:
        return True
    return abs(left - right) <= 1e-9 * max(abs(left), abs(right), scale)
