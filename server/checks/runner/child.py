"""server/checks/runner/child.py: the process of one instance.

  python3 -I -B child.py PARENT     0: frames from the parent, 1 and 2: what the check prints,
                                    3: frames to the parent

It takes its limits, loads the check, and then runs it whenever the parent says so. Nothing that a
check raises ends it, SystemExit and KeyboardInterrupt neither; what does end it (a signal,
os._exit) the parent sees. It ends with the parent, or by cancel.
"""

import json
import os
import sys
import time
import traceback

PROGRAM = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, PROGRAM)

from runner import frames, limits, loader        # noqa: E402
from runner.cache import Cache                   # noqa: E402
from runner.channel import Channel               # noqa: E402
from runner.recorder import Agent, Recorder      # noqa: E402
from runner.sampler import Sampler               # noqa: E402
from runner.whereabouts import Whereabouts       # noqa: E402

# A check finds Python's modules, what it is offered and its own folders, and not the runner's.
sys.path.remove(PROGRAM)
for known in [name for name in sys.modules if name.partition(".")[0] == "runner"]:
    del sys.modules[known]

# More than is shown of them: the parent masks secrets before it cuts.
MAX_MESSAGE = 4000
MAX_TRACEBACK = 20000
MAX_WARNINGS = 100
ENDED = 70      # as EX_SOFTWARE: the runner's own fault


def main():
    channel = Channel(0, 3)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")
    frame = channel.receive()
    if frame is None:
        os._exit(0)
    limits.apply(frame["limits"]["memory_max_bytes"], int(sys.argv[1]))
    sys.argv[1:] = []
    recorder = Recorder(_sampler(frame["limits"]), channel.send)
    where = _whereabouts(frame, channel)
    with where:
        check, files = load(frame, channel, recorder)
    while True:
        frame = channel.receive()
        if frame is None or frame["op"] == "cancel":
            break
        if check is not None:
            # What it imports only as it runs is among the files, too.
            channel.send({**run(check, recorder, frame["time"], where), "files": files})
    cancel(check)


def load(frame, channel, recorder):
    """The object of the check, or None, and the files of its code, which may become more: the
    parent is told either way."""
    guarded = [folder for folder in frame["code"] if not _is_ours(folder)]
    code = loader.Loader(frame["code"], guarded)
    code.install()
    # Samples of a constructor need a time, too, though they belong to the first run.
    recorder.sampler.begin(int(time.time()))
    try:
        check, version = _loaded(frame, code, recorder)
        answer = {"op": "loaded", "class": type(check).__name__[:100], "version": version}
    except loader.Failed as failed:
        check, answer = None, _failed(failed)
    except BaseException as error:
        check, answer = None, _failed(code.failed(error))
    _stay_alone(recorder)
    channel.send({**answer, "files": code.files})
    return check, code.files


def _loaded(frame, code, recorder):
    agent = Agent(recorder, Cache(frame["state_path"]), frame["hostname"], frame["version"],
                  frame["agent"])
    _install(recorder, agent)
    from datadog_checks.base import AgentCheck
    module, kind = code.find(frame["name"], AgentCheck)
    settings = {**frame["agent"], "hostname": frame["hostname"], "version": frame["version"]}
    check = loader.make(kind, frame["name"], frames.unwrapped(frame["init_config"]),
                        frames.unwrapped(frame["instance"]), settings, code.failed)
    check.check_id = frame["check_id"]
    return check, loader.version(module)


def _install(recorder, agent):
    import aggregator
    import datadog_agent
    aggregator.install(recorder)
    datadog_agent.install(agent)


def run(check, recorder, time_s, where):
    """One run → the frame that ends it. Samples count even where check() raised."""
    began = time.monotonic()
    recorder.begin(time_s)
    with where:
        error = _error_of(check)
        _stay_alone(recorder)
        warnings = _warnings_of(check)
    # A check may have put a clock of its own in the place of this one.
    seconds = max(time.monotonic() - began, 0.0)
    try:
        ended = recorder.end()
    except MemoryError:
        # The limit was reached by what the check still holds; without points there is no run.
        os._exit(ENDED)
    return {"op": "done", "seconds": round(seconds, 6), "samples": ended.samples,
            "points": ended.points, "events": ended.events,
            "service_checks": ended.service_checks, "error": error, "warnings": warnings,
            "dropped": dict(ended.dropped), "metadata": ended.metadata}


def cancel(check):
    """The end; threads that the check left are not waited for."""
    try:
        if check is not None:
            check.cancel()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except BaseException:
        pass
    os._exit(0)


def _error_of(check):
    """None, or what a run failed with."""
    try:
        said = check.run()
    except BaseException as error:
        return _raised(error)
    if not said:
        return None
    try:
        first = json.loads(said)[0]
        return _error(str(first["message"]), str(first.get("traceback", "")))
    except (ValueError, TypeError, LookupError, AttributeError):
        return _error(f"run() of the check returned what is no list of errors: {said!r:.200}", "")


def _raised(error):
    """What run() itself let out: no Exception, mostly, or one of the memory's end."""
    try:
        # Without its variables, which may be what fills the memory.
        traceback.clear_frames(error.__traceback__)
        return _error(loader.said(error), "".join(traceback.format_exception(error)))
    except MemoryError:
        return _error("MemoryError", "")


def _error(message, trace):
    return {"message": message[:MAX_MESSAGE], "traceback": trace[-MAX_TRACEBACK:]}


def _warnings_of(check):
    try:
        return [str(text)[:MAX_MESSAGE] for text in check.get_warnings()[:MAX_WARNINGS]]
    except BaseException as error:
        return [f"get_warnings() of the check raised {type(error).__name__}"]


def _failed(failed):
    return {"op": "failed", "sentence": failed.sentence,
            "traceback": failed.traceback[-MAX_TRACEBACK:]}


def _stay_alone(recorder):
    """A process that the check forked, and that came back here, is none of an instance."""
    if os.getpid() != recorder.pid:
        os._exit(0)


def _sampler(bounds):
    return Sampler(tuple(bounds.get("histogram_aggregates", ("max", "median", "avg", "count"))),
                   tuple(bounds.get("histogram_percentiles", ("0.95",))))


def _whereabouts(frame, channel):
    folders = [folder for folder in frame["code"] if folder != os.path.join(PROGRAM, "offered")]
    return Whereabouts(frame["limits"]["run_timeout_s"], folders,
                       lambda text: channel.send({"op": "where", "text": text}))


def _is_ours(folder):
    """The program's own folders came with it; the others are the operator's to fill."""
    return os.path.abspath(folder).startswith(PROGRAM + os.sep)


if __name__ == "__main__":
    main()
