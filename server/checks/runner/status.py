"""server/checks/runner/status.py: the whole picture, as POST /api/v1/checks/status gets it.

Pure: from what the supervisor keeps to a document of bytes that is below the server's bound. Texts
are cut evenly until it is, so an instance is not missing where the rest of it fits; a problem says
so where it is. The server cuts texts once more.
"""

import collections
import json
import platform

from runner.shown import cut

MAX_BYTES = 1 << 20
# How long texts may be (tracebacks; errors, warnings and the like) in turns, until all fit.
LENGTHS = [(4096, 500), (1000, 200), (300, 100), (0, 60), (0, 0)]
MAX_WARNINGS = 10
MAX_PROBLEMS = 200
MAX_REASONS = 16       # of which the server hears; the others are told of together
LEAST = 60             # characters of what tells where to look, however many they are


def status_document(instances, problems, runner, sent):
    """Bytes of JSON. `instances` are dicts of CHECKS' shape, `runner` as status_runner() gives."""
    for traceback_length, length in LENGTHS:
        problems = [cut(problem, max(length, LEAST)) for problem in problems[:MAX_PROBLEMS]]
        short = [_short(one, traceback_length, length) for one in instances]
        body = _encoded(runner, problems, short, sent)
        if len(body) <= MAX_BYTES:
            return body
    return _without_some(runner, problems, short, sent)


def status_ended(problems, runner, sent):
    """The last one of a runner that was told to end."""
    return json.dumps({"runner": runner, "problems": problems[:20], "instances": [],
                       "ended": True, "sent": sent}, separators=(",", ":")).encode("ascii")


def status_runner(pid, version, started):
    return {"pid": pid, "version": version, "started": int(started),
            "python": platform.python_version()}


def _encoded(runner, problems, instances, sent):
    return json.dumps({"runner": runner, "problems": problems, "instances": instances,
                       "sent": sent}, separators=(",", ":")).encode("ascii")


def _without_some(runner, problems, instances, sent):
    """As many as there is room for, those with an error first: the half of them, and so on."""
    kept = sorted(instances, key=lambda one: one["error"] is None)
    while True:
        kept = kept[:len(kept) // 2]
        body = _encoded(runner, [f"{len(instances) - len(kept)} of {len(instances)} instances are "
                                 "left out here, as there is no room for them"] + problems,
                        kept, sent)
        if len(body) <= MAX_BYTES or not kept:
            return body


def _short(instance, traceback_length, length):
    short = dict(instance)
    short["source"] = _end(instance["source"], max(length, LEAST))
    short["dropped"] = _counts(instance["dropped"], length)
    short["traceback"] = _end(instance["traceback"], traceback_length)
    short["error"] = instance["error"] and cut(instance["error"], length)
    short["warnings"] = [cut(text, length) for text in instance["warnings"][:MAX_WARNINGS]]
    short["output"] = dict(instance["output"], last=cut(instance["output"]["last"], length))
    return short


def _counts(counts, length):
    """The greatest by their reasons; those that are alike when they are cut, and the others, are
    added up."""
    short = collections.Counter()
    for number, (reason, count) in enumerate(collections.Counter(counts).most_common()):
        told = cut(reason, length) if number < MAX_REASONS - 1 else ""
        short[told or "other"] += count
    return dict(short)


def _end(text, length):
    """The end of a traceback, or of a path with its line, says more than its beginning."""
    if not text or len(text) <= length:
        return text
    return "..." + text[-(length - 3):] if length > 3 else ""
