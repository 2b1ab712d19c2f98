"""trace_bodies: what a tracing library sent, decoded by another hand than the server's.

Bodies of /v0.4/traces and /v0.5/traces, of msgpack by Debian's python3-msgpack, become spans: plain
dictionaries. Which of them count is worked out here from the rules (docs/traces.md)."""

import msgpack

FIELDS = ["service", "name", "resource", "trace_id", "span_id", "parent_id", "start", "duration",
          "error", "meta", "metrics", "type"]
KINDS = {"server", "client", "producer", "consumer"}


def spans_of(path, body):
    """A list of traces, each a list of spans."""
    decoded = msgpack.unpackb(body, strict_map_key=False)
    return decoded if path.startswith("/v0.4") else [[from_indexes(decoded[0], span) for span in trace]
                                                     for trace in decoded[1]]


def from_indexes(texts, numbers):
    span = dict(zip(FIELDS, numbers))
    for key in ("service", "name", "resource", "type"):
        span[key] = texts[span[key]]
    span["meta"] = {texts[key]: texts[value] for key, value in span["meta"].items()}
    span["metrics"] = {texts[key]: value for key, value in span["metrics"].items()}
    return span


def counted(trace):
    """Those spans of a trace that statistics are about."""
    by_id = {span["span_id"]: span for span in trace}
    for span in trace:
        parent = by_id.get(span["parent_id"])
        top = parent is None or parent["service"] != span["service"]
        measured = span["metrics"].get("_dd.measured") == 1
        if top or measured or span["meta"].get("span.kind", "").lower() in KINDS:
            yield span
