"""What spans become, written from the rules of the Agent's trace API and not from our code: they are put
right, the tops of services are found, and what counts is counted in buckets of ten seconds.

A trace is a list of dicts as tracers send them (v0.4); what a body says of all its traces is a dict with
env, hostname, app_version, container_id, language, top_level and stats."""

import functools
import math
import unicodedata

BUCKET_S, SECOND = 10, 10**9
YEAR_2000 = 946684800 * SECOND
LARGEST = 2**63 - 1
KINDS = ("server", "client", "producer", "consumer")
CALLS = ("client", "producer", "consumer")


# ---------------------------------------------------------------- texts

TEXT_MAX = 400      # bytes of what no other rule bounds

def cut(text, size):
    """At most so many bytes, and no half of a character."""
    return text.encode()[:size].decode(errors="ignore")


@functools.lru_cache(100000)
def tag_value(text):
    out, gap, n = [], False, 0
    for char in text:
        if char.isupper() and len(char.lower().encode()) == len(char.encode()):
            char = char.lower()
        if unicodedata.category(char)[0] == "L" or unicodedata.category(char) == "Nd" or char in ":./-":
            if gap:
                out.append("_")
                gap = False
            out.append(char)
        else:
            gap = True
        n = len(out) + gap
        if n >= 200:
            break
    return "".join(out)


@functools.lru_cache(100000)
def metric_name(text):
    first = next((i for i, char in enumerate(text) if char.isascii() and char.isalpha()), None)
    out = ""
    for char in text[first:] if first is not None else "":
        if char.isascii() and char.isalnum():
            out += char
        elif char == ".":
            out = out[:-1] + "." if out.endswith("_") else out + "."
        elif out[-1] not in "._":
            out += "_"
    return out.rstrip("_")


def service_name(text, language):
    default = f"unnamed-{language}-service" if language else "unnamed-service"
    return tag_value(cut(text, 100)) or tag_value(default)


def is_status(text):
    try:
        return 100 <= int(text) <= 599
    except ValueError:
        return False


# ---------------------------------------------------------------- spans

def normal_meta(meta):
    out = {key: (value if len(value.encode()) <= 25000 else cut(value, 25000) + "...") for key, value in meta.items()}
    if "env" in out:
        out["env"] = tag_value(out["env"])
    if "peer.service" in out:
        out["peer.service"] = tag_value(cut(out["peer.service"], 100))
    if "http.status_code" in out and not is_status(out["http.status_code"]):
        del out["http.status_code"]
    return out


def normal_span(span, language, now_ns):
    out = dict(span)
    out["service"] = service_name(span["service"], language)
    out["name"] = metric_name(cut(span["name"], 100)) or "unnamed_operation"
    out["resource"] = cut(span["resource"] or out["name"], 5000)
    out["type"] = cut(span["type"], 100)
    if span["parent_id"] == span["trace_id"] == span["span_id"]:
        out["parent_id"] = 0
    if span["duration"] < 0 or span["duration"] > LARGEST - span["start"]:
        out["duration"] = 0
    if span["start"] < YEAR_2000:
        out["start"] = now_ns - out["duration"]
    out["meta"] = normal_meta(span["meta"])
    return out


def is_refused(trace):
    return not trace or any(span["trace_id"] == 0 or span["span_id"] == 0 or
                            span["trace_id"] != trace[0]["trace_id"] for span in trace)


def root_of(trace):
    known = {span["span_id"] for span in trace}
    for wanted in (lambda span: span["parent_id"] == 0, lambda span: span["parent_id"] not in known):
        found = [span for span in trace if wanted(span)]
        if found:
            return found[-1]
    return trace[-1]


def tops_of(trace, client_computed):
    if client_computed:
        return [span["metrics"].get("_dd.top_level") == 1 for span in trace]
    services = {span["span_id"]: span["service"] for span in trace}
    return [span["parent_id"] == 0 or services.get(span["parent_id"]) != span["service"] for span in trace]


# ---------------------------------------------------------------- keys

def first(*texts):
    return next((text for text in texts if text), "")


def of_trace(body, trace, root):
    def anywhere(key):
        return first(root["meta"].get(key), *(span["meta"].get(key) for span in trace))
    return {"env": first(tag_value(body["env"]), anywhere("env"), "none"),
            "version": first(body["app_version"], anywhere("version")),
            "hostname": first(body["hostname"], root["meta"].get("_dd.hostname")),
            "container_id": body["container_id"],
            "language": body["language"],
            "synthetics": first(body["origin"], root["meta"].get("_dd.origin")).startswith("synthetics")}


def status_of(span):
    if "http.status_code" in span["metrics"]:
        return int(span["metrics"]["http.status_code"])
    return int(span["meta"].get("http.status_code", 0))


def peers_of(span, peer_keys):
    kind = span["meta"].get("span.kind", "").lower()
    keys = peer_keys if kind in CALLS else ["_dd.base_service"] if kind in ("", "internal") else []
    return tuple(f"{key}:{cut(span['meta'][key], TEXT_MAX)}" for key in sorted(keys) if span["meta"].get(key))


def sealed(key):
    """No text is longer than the value of a tag, but for a resource."""
    return tuple(sorted((name, cut(value, TEXT_MAX) if isinstance(value, str) and name != "resource" else value) for name, value in key.items()))


def key_of(shared, span, peer_keys):
    meta = span["meta"]
    return sealed({**shared,
                   "service": span["service"], "name": span["name"], "resource": span["resource"],
                   "type": span["type"], "kind": meta.get("span.kind", ""),
                   "method": meta.get("http.method", ""),
                   "endpoint": first(meta.get("http.endpoint"), meta.get("http.route")),
                   "grpc_status": first(meta.get("rpc.grpc.status_code"), meta.get("grpc.code")),
                   "peer_tags": peers_of(span, peer_keys), "http_status": status_of(span),
                   "is_trace_root": span["parent_id"] == 0})


def key_of_counted(payload, group, language):
    name = metric_name(cut(group["Name"], 100)) or "unnamed_operation"
    return sealed({
        "env": tag_value(payload["Env"]) or "none", "version": payload["Version"], "hostname": payload["Hostname"],
        "container_id": payload["ContainerID"], "language": language, "service": service_name(group["Service"], language),
        "name": name, "resource": cut(group["Resource"] or name, 5000), "type": group["Type"], "kind": group["SpanKind"],
        "method": group["HTTPMethod"], "endpoint": group["HTTPEndpoint"], "grpc_status": group["GRPCStatusCode"],
        "peer_tags": tuple(sorted(group["PeerTags"])), "synthetics": group["Synthetics"],
        "http_status": group["HTTPStatusCode"] if 100 <= group["HTTPStatusCode"] < 600 else 0,
        "is_trace_root": group["IsTraceRoot"] == 1})


def seconds_of(sketch):
    """The middles of the bins of a DDSketch, as often as they count."""
    accuracy = 1 - 2 / (1 + sketch.gamma)
    middles = [[math.exp((index - sketch.offset) * math.log(sketch.gamma)) * (1 + accuracy) / SECOND] * count
               for index, count in sketch.bins.items()]
    return [0.0] * sketch.zeros + sum(middles, [])


# ---------------------------------------------------------------- counting

class Group:
    def __init__(self):
        self.hits = self.errors = self.top = self.duration = 0.0
        self.ok, self.failed = [], []


class Counter:
    def __init__(self, now_s, peer_keys):
        self.peer_keys = peer_keys
        self.oldest = now_s - now_s % BUCKET_S
        self.buckets = {}
        self.books = dict.fromkeys(
            ("groups", "spans", "counted", "not_eligible", "partial", "client_computed", "refused", "late"), 0)

    def _bucket(self, end_s, now_s):
        if end_s > now_s + 600:
            end_s = now_s
        start = end_s - end_s % BUCKET_S
        return self.buckets.setdefault(max(start, self.oldest), {}), start < self.oldest

    def _count(self, shared, span, is_top, weight, now_s):
        metrics = span["metrics"]
        if metrics.get("_dd.partial_version", -1) >= 0:
            self.books["partial"] += 1
        elif not (is_top or metrics.get("_dd.measured") == 1 or
                  span["meta"].get("span.kind", "").lower() in KINDS):
            self.books["not_eligible"] += 1
        else:
            self.books["counted"] += 1
            bucket, is_late = self._bucket((span["start"] + span["duration"]) // SECOND, now_s)
            self.books["late"] += is_late
            group = bucket.setdefault(key_of(shared, span, self.peer_keys), Group())
            group.hits += weight
            group.duration += weight * span["duration"]
            group.errors += weight * (span["error"] != 0)
            group.top += weight * is_top
            (group.failed if span["error"] != 0 else group.ok).append(span["duration"] / SECOND)

    def take(self, body, now_ns):
        for chunk in body["traces"]:
            trace = chunk["spans"]
            self.books["spans"] += len(trace)
            if is_refused(trace):
                self.books["refused"] += len(trace)
                continue
            if body["stats"]:
                self.books["client_computed"] += len(trace)
                continue
            trace = [normal_span(span, body["language"], now_ns) for span in trace]
            root = root_of(trace)
            rate = root["metrics"].get("_sample_rate", 1)
            shared = of_trace({**body, "origin": chunk["origin"]}, trace, root)
            for span, is_top in zip(trace, tops_of(trace, body["top_level"])):
                self._count(shared, span, is_top, 1 / rate if 1e-6 <= rate <= 1 else 1, now_ns // SECOND)

    def take_counted(self, payload, language, now_ns):
        """What a library has counted itself, as it says it on /v0.6/stats."""
        language = payload["Lang"] or language
        for sent in payload["Stats"]:
            for group in sent["Stats"]:
                self.books["groups"] += 1
                bucket, _ = self._bucket(sent["Start"] // SECOND, now_ns // SECOND)
                into = bucket.setdefault(key_of_counted(payload, group, language), Group())
                into.hits += group["Hits"]
                into.errors += group["Errors"]
                into.top += group["TopLevelHits"]
                into.duration += group["Duration"]
                into.ok += seconds_of(group["OkSummary"])
                into.failed += seconds_of(group["ErrorSummary"])

    def due(self, now_s, everything=False):
        """(start, key) -> group, of the buckets that are told now."""
        self.oldest = max(self.oldest, now_s - now_s % BUCKET_S - BUCKET_S)
        starts = [start for start in self.buckets if everything or start <= now_s - 2 * BUCKET_S]
        return {(start, key): group for start in starts for key, group in self.buckets.pop(start).items()}
