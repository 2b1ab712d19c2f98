"""server/checks/runner/report.py: what one instance reported when it was run by hand.

take() gets the frames of a run in turn; then the report is sealed, and printed as a table or
as an object for JSON. What strangers said is shown before a terminal gets it. Pure.
"""

from runner.job import MAX_TEXT, MAX_TRACEBACK
from runner.shown import cut, shown, shown_lines
from runner.table import table

STATUSES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
EVENT_KEYS = ("msg_title", "msg_text", "timestamp", "alert_type", "priority", "aggregation_key",
              "source_type_name", "event_type", "host", "tags")


class Report:
    def __init__(self, configured, mask):
        self.configured, self.mask = configured, mask
        self.metrics, self.service_checks, self.events = [], [], []
        self.warnings, self.dropped, self.metadata = [], {}, {}
        self.seconds = None
        self.error = self.traceback = None

    def take(self, frame):
        """One frame of a run."""
        op = frame["op"]
        if op == "points":
            self.metrics += frame["points"]
        elif op == "service_check":
            self.service_checks.append({**frame, "message": self.mask(frame["message"] or "")})
        elif op == "event":
            self.events.append(self.mask.texts(frame))
        elif op == "done":
            self._done(frame)

    def fail(self, sentence, traceback=""):
        self.error = cut(self.mask(sentence), MAX_TEXT)
        self.traceback = self.mask(traceback)[-MAX_TRACEBACK:]

    def document(self):
        """For JSON."""
        return {
            "id": self.configured.check_id, "source": self.configured.source,
            "interval_s": self.configured.interval_s,
            "metrics": [{"name": one.name, "type": one.kind, "value": one.value,
                         "timestamp": one.timestamp, "tags": list(one.tags), "host": one.host}
                        for one in self.metrics],
            "service_checks": [{key: one[key] for key in ("name", "status", "tags", "host",
                                                          "message", "timestamp")}
                               for one in self.service_checks],
            "events": [{key: one[key] for key in EVENT_KEYS if one.get(key) is not None}
                       for one in self.events],
            "metadata": self.metadata, "dropped": self.dropped, "warnings": self.warnings,
            "error": self.error, "traceback": self.traceback, "seconds": self.seconds}

    def text(self):
        """For a terminal."""
        configured = self.configured
        parts = [f"{shown(configured.name)}: {shown(configured.source)}, every "
                 f"{configured.interval_s} s ({shown(configured.check_id)})\n"]
        parts += [self._metrics(), self._service_checks(), self._events(), self._rest()]
        return "".join(parts)

    def _done(self, frame):
        self.seconds = frame["seconds"]
        self.warnings = [cut(self.mask(text), MAX_TEXT) for text in frame["warnings"]]
        self.dropped, self.metadata = frame["dropped"], self.mask.texts(frame["metadata"])
        if frame["error"] is not None:
            self.fail(frame["error"]["message"], frame["error"]["traceback"])

    def _metrics(self):
        if not self.metrics:
            return "\n  No metrics\n"
        rows = [(one.name, one.kind, number(one.value), host(one.host), ",".join(one.tags))
                for one in self.metrics]
        return "\n" + table(("METRIC", "TYPE", "VALUE", "HOST", "TAGS"), rows, "  ")

    def _service_checks(self):
        rows = [(one["name"], STATUSES[one["status"]], host(one["host"]), ",".join(one["tags"]),
                 one["message"]) for one in self.service_checks]
        heads = ("SERVICE CHECK", "STATUS", "HOST", "TAGS", "MESSAGE")
        return "\n" + table(heads, rows, "  ") if rows else ""

    def _events(self):
        rows = [(one.get("msg_title") or "", one.get("alert_type") or "", host(one.get("host")),
                 ",".join(one.get("tags") or ()), one.get("msg_text") or "")
                for one in self.events]
        heads = ("EVENT", "TYPE", "HOST", "TAGS", "TEXT")
        return "\n" + table(heads, rows, "  ") if rows else ""

    def _rest(self):
        lines = [f"Warning: {shown(text)}" for text in self.warnings]
        lines += [f"Metadata: {shown(key)} = {shown(value)}"
                  for key, value in self.metadata.items()]
        lines += [f"Dropped: {count} ({shown(reason)})" for reason, count in self.dropped.items()]
        if self.error is not None:
            lines.append(f"Error: {shown(self.error)}")
            lines += ["  " + line for line in shown_lines(self.traceback).rstrip().split("\n")
                      if line]
        if self.seconds is not None:
            lines.append(f"It took {self.seconds:.3f} s.")
        return "\n" + "".join(f"  {line}\n" for line in lines) if lines else ""


def host(named):
    """None is the server's own, and "" none at all."""
    return "-" if named is None else named or "(none)"


def number(value):
    """As short as it is exact."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
