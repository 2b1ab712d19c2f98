"""server/checks/runner/status.py: the whole picture, as POST /api/v1/checks/status gets it.

Pure: from what the supervisor keeps to a document of bytes that is below the server's bound. Texts
are cut evenly until it is, so an instance is never missing; the server cuts them once more.
"""

import json
import platform

from runner.shown import cut

MAX_BYTES = 1 << 20
# How long texts may be (tracebacks; errors, warnings and the like) in turns, until all fit.
LENGTHS = [(4096, 500), (1000, 200), (300, 100), (0, 60), (0, 0)]
MAX_WARNINGS = 10


def status_document(instances, problems, runner, sent):
    """Bytes of JSON. `instances` are dicts of CHECKS' shape, `runner` as status_runner() gives."""
    for traceback_length, length in LENGTHS:
        body = json.dumps({
            "runner": runner,
            "problems": [cut(problem, max(length, 60)) for problem in problems[:200]],
            "instances": [_short(one, traceback_length, length) for one in instances],
            "sent": sent}, separators=(",", ":")).encode("ascii")
        if len(body) <= MAX_BYTES:
            break
    return body


def status_ended(problems, runner, sent):
    """The last one of a runner that was told to end."""
    return json.dumps({"runner": runner, "problems": problems[:20], "instances": [],
                       "ended": True, "sent": sent}, separators=(",", ":")).encode("ascii")


def status_runner(pid, version, started):
    return {"pid": pid, "version": version, "started": int(started),
            "python": platform.python_version()}


def _short(instance, traceback_length, length):
    short = dict(instance)
    short["traceback"] = _end(instance["traceback"], traceback_length)
    short["error"] = instance["error"] and cut(instance["error"], length)
    short["warnings"] = [cut(text, length) for text in instance["warnings"][:MAX_WARNINGS]]
    short["output"] = dict(instance["output"], last=cut(instance["output"]["last"], length))
    return short


def _end(text, length):
    """A traceback's end says more than its beginning."""
    if not text or len(text) <= length:
        return text
    return "..." + text[-(length - 3):] if length > 3 else ""
