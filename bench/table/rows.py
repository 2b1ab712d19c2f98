"""What is measured: the rows of the table, and how a sample of each is had.

A sample is {"value": number, "probes": [...]} with "best", "at_least" and "detail" where there
are such, or {"value": None, "why": sentence}.
"""
import contextlib
import dataclasses
import json
import os
import re
import socket
import subprocess
import sys
import threading
import typing
import urllib.request

import callgrind
import monitored
import sides

GENERATOR_CPU, SERVER_CPU = "0", "1"
NEVER = 900  # seconds; no measurement takes so long


class Failed(Exception):
    """A sentence about what kept a sample from being measured."""


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    group: str  # rows of a group take turns
    what: str
    unit: str
    better: str  # more or less
    measure: typing.Callable  # of (row, side, ground, seconds of a window)
    kinds: tuple = ("heeler",)
    of: str = ""  # the row of the same side that it is compared with
    bars: dict = dataclasses.field(default_factory=dict)  # ratio to a kind of side or a row; value
    settings: dict = dataclasses.field(default_factory=dict)
    given: dict = dataclasses.field(default_factory=dict)  # what `measure` has to know
    asked: bool = False  # only where ROWS names it
    timed: bool = True  # whose core it is makes a difference


def run(command, **environment):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=NEVER, check=False,
                              env={**os.environ, **environment})
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(str(error)) from error


def last_line(text):
    lines = [line for line in text.splitlines() if "nothing measured" not in line]
    return lines[-1].strip() if lines else "it said nothing"


def probe_core():
    """Of the CPU of the server: independent additions for one that waits for itself, and the share
    of the time that the probe had it."""
    try:
        speed = json.loads(run([sides.BENCH, "core", "--pin", SERVER_CPU]).stdout)
    except (Failed, ValueError):
        return None
    return {"additions": round(speed["independent_per_ns"] / speed["dependent_per_ns"], 2),
            "share": min(speed["share"], 1)}


def sample(row, side, window):
    """One turn of a row, with the state of the core before and behind it."""
    before = probe_core() if row.timed else None
    try:
        with sides.Ground() as ground:
            found = row.measure(row, side, ground, window)
    except Failed as why:
        found = {"value": None, "why": str(why)}
    after = probe_core() if row.timed else None
    found["probes"] = [probe for probe in (before, after) if probe is not None]
    return found


# ---- in process -----------------------------------------------------------------------

MICRO = re.compile(r"([\d.]+) ns(?:/| a )(?:line|value)(?:\s+\(best\s+([\d.]+)\))?")


def micro(row, side, ground, window):
    command = [side.program(f"bench_{row.given['program']}"), *row.given["arguments"]]
    done = run(["taskset", "-c", SERVER_CPU, *command], **side.environment)
    found = MICRO.search(done.stdout)
    if not found:
        raise Failed(last_line(done.stderr))
    value = float(found.group(1))
    return {"value": value, "best": float(found.group(2) or value)}


FEW_LINES, MORE_LINES = "1", "200000"


def instructions(row, side, ground, window):
    """The difference of two runs of different length is that of the lines alone."""
    program = side.program("bench_ingest")
    with open(program, "rb") as file:
        if b"lines a run" not in file.read():
            raise Failed("this commit's bench_ingest takes no number of lines")
    counts, lines = [], []
    for length in (FEW_LINES, MORE_LINES):
        out = ground.folder / f"callgrind.{length}"
        done = run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", program,
                    row.given["shape"], "1000", length], **side.environment)
        found = re.search(r"(\d+) lines a run", done.stdout)
        if not found:
            raise Failed(last_line(done.stderr))
        lines.append(int(found.group(1)))
        with open(out, encoding="utf-8", errors="replace") as file:
            counts.append(callgrind.instructions(file))
    stages = {stage: round((counts[1][stage] - counts[0][stage]) / (lines[1] - lines[0]), 1)
              for stage in callgrind.STAGES}
    return {"value": round(sum(stages.values()), 1), "detail": stages, "code_path": side.path_under_valgrind()}


# ---- the whole server -----------------------------------------------------------------


@contextlib.contextmanager
def intake(wanted):
    """A stand-in for the intake where a row is about what is sent; the settings for it."""
    if not wanted:
        yield ""
        return
    with subprocess.Popen(["taskset", "-c", GENERATOR_CPU, sys.executable, "bench/intake.py"],
                          stdout=subprocess.PIPE, text=True) as process:
        try:
            port = process.stdout.readline().split()[1]
            yield f" --set dd_url=http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.communicate()  # it tells how much it took, to nobody


def heeler_bench(command, row, side, ground, *options):
    server, books = side.server(ground, row)
    given = row.given
    if side.kind == "heeler" and given.get("count_shed"):
        books = [*books, "--total-less", "heeler_values_shed_total"]
    with intake(side.kind == "heeler" and given.get("intake")) as more:
        done = run([sides.BENCH, command, "--pin", GENERATOR_CPU,
                    *([] if given.get("any_cpu") else ["--server-cpu", SERVER_CPU]),
                    "--profile", given["profile"], "--to", ground.address(given.get("way", "udp")),
                    "--server", server + more, "--server-log", str(ground.log), *books,
                    *given.get("options", ()), *options],
                   **side.environment, **({"DD_API_KEY": "0123456789abcdef" * 2} if more else {}))
    try:
        return json.loads(done.stdout)
    except ValueError:
        said = ground.log.read_text(errors="replace") if ground.log.exists() else ""
        raise Failed(last_line(done.stderr) + (f" ({last_line(said)})" if said else "")) from None


@contextlib.contextmanager
def crowd(ground, wanted):
    """Those who look on meanwhile, on the CPU of the generator; what they had, once they ended."""
    had = {}
    if not wanted:
        yield had
        return
    with subprocess.Popen(["taskset", "-c", GENERATOR_CPU, sys.executable, "bench/table/watchers.py",
                           f"127.0.0.1:{ground.http}", *wanted], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield had
        finally:
            process.terminate()
            had.update(json.loads(process.communicate()[0]))


def watched(row, side, ground, window):
    """`lossless` while others look on, who must have got something."""
    with crowd(ground, row.given["watchers"]) as had:
        found = lossless(row, side, ground, window)
    for kind, count in had.items():
        if count.get("bytes", 0) == 0:
            raise Failed(f"{kind} got nothing: {count}")
        found["detail"][f"MiB read by {kind}"] = count["bytes"] / 1048576
    return found


def lossless(row, side, ground, window):
    found = heeler_bench("find-lossless", row, side, ground, "--rate", str(row.given["rate"] * side.pace),
                         "--window", str(max(window, row.given.get("least_window", 0))))
    mib = found["bytes_per_s"] / 1048576
    value = mib if row.unit == "MiB/s" else found["lossless_lines_per_s"] / 1e6
    return {"value": value, "at_least": found["at_least"],
            "detail": {"k datagrams/s": found["datagrams_per_s"] / 1e3,
                       "MiB/s": mib,
                       "CPU ns a datagram": found["cpu_ns_per_datagram"],
                       "MiB peak": found["peak_mib"]}}


def cost(row, side, ground, window):
    """Also what is done within two seconds after the load: the flusher is behind."""
    found = heeler_bench("cost", row, side, ground, "--rate", row.given["rate"], "--seconds", str(5 * window),
                         "--rest", "2")
    if found["lost"] > found["lines"] / 1e4:
        raise Failed(f"{found['lost']} of {found['lines']} lines were lost")
    seconds = found["cpu_seconds"] + found["rest_cpu_seconds"]
    return {"value": seconds * 1e6 / found["lines"], "detail": {"MiB resident": found["resident_mib"]}}


def memory(row, side, ground, window):
    """100,000 counters of three values each, then 12 s of rest."""
    found = heeler_bench("cost", row, side, ground, "--rate", "100k", "--contexts", "100000",
                         "--lines", "300000", "--rest", "12")
    return {"value": found["peak_mib"], "detail": {"MiB at the start": found["start_mib"],
                                                   "MiB after 12 s": found["resident_mib"]}}


def million(row, side, ground, window):
    """Flushes of a million contexts meanwhile; the page is read before the server ends."""
    page = {}

    def look():
        try:
            with urllib.request.urlopen(ground.metrics(), timeout=5) as answer:
                for line in answer.read().decode().splitlines():
                    name, _, value = line.rpartition(" ")
                    page[name] = value
        except OSError:
            pass

    timer = threading.Timer(22, look)
    timer.start()
    try:
        found = heeler_bench("cost", row, side, ground, "--contexts", "1000000", "--rate", row.given["rate"],
                             "--seconds", "24")
    finally:
        timer.cancel()
        timer.join()
    gap = float(page.get("heeler_read_longest_gap_microseconds", 0))
    seal = float(page.get("heeler_seal_longest_microseconds", 0))
    if gap == 0:
        raise Failed("the metrics page could not be read")
    return {"value": gap / 1e3, "detail": {"ms longest seal": seal / 1e3, "lines lost": found["lost"],
                                           "MiB peak": found["peak_mib"]}}


def spans(row, side, ground, window):
    """What a span costs the whole server, of all its threads."""
    server, books = side.server(ground, row)
    port = ground.free_port(socket.SOCK_STREAM)
    server += f" --set apm_config.enabled=true --set apm_config.receiver_port={port}"
    done = run([sides.BENCH, "traces", "--pin", GENERATOR_CPU, "--server-cpu", SERVER_CPU, "--server", server,
                "--server-log", str(ground.log), "--to", f"http://127.0.0.1:{port}", *books,
                "--rate", row.given["rate"], "--seconds", str(5 * window), *row.given["options"]],
               **side.environment)
    try:
        found = json.loads(done.stdout)
    except ValueError:
        raise Failed(last_line(done.stderr)) from None
    if found["spans_missing"] or found["refused"]:
        raise Failed(f"{found['spans_missing']} spans are missing, {found['refused']} requests were refused")
    return {"value": found["cpu_ns_per_span"] / 1e3,
            "detail": {"k spans/s": found["spans_per_s"] / 1e3, "MiB resident": found["resident_mib"],
                       "ms slowest answer": found["slowest_ms"]}}


LAST = {}  # the details of a row, for the rows that tell more of the same turn


def monitors(row, side, ground, window):
    """100,000 series for some minutes, with a thousand monitors of a hundred groups each or with none."""
    LAST.pop(row.name, None)
    seconds = max(100 * window, LEAST_MONITORED_S)
    settings = dict(row.settings)
    if row.given["monitors"]:
        settings["heeler_monitors_path"] = monitored.write(ground.folder / "monitors")
    with monitored.Looks(ground.metrics()) as looks:
        found = heeler_bench("cost", dataclasses.replace(row, settings=settings), side, ground, "--rate",
                             row.given["rate"], "--contexts", str(monitored.SERIES), "--seconds", str(seconds))
    wrong = looks.wrong(row.given["monitors"])
    if wrong or found["lost"] > found["lines"] / 1e4:
        raise Failed(wrong or f"{found['lost']} of {found['lines']} lines were lost")
    LAST[row.name] = {"ms longest seal": looks.page["heeler_seal_longest_microseconds"] / 1e3,
                      "CPU s a minute": found["cpu_seconds"] * 60 / seconds,
                      "MiB resident": found["resident_mib"],
                      **looks.behind()}
    return {"value": looks.page["heeler_read_longest_gap_microseconds"] / 1e3, "detail": LAST[row.name]}


def of_that_turn(row, side, ground, window):
    """Another figure of a row that was measured before in the same turn."""
    if row.given["turn"] not in LAST:
        raise Failed(f"{row.given['turn']} has no figures in this turn")
    return {"value": LAST[row.given["turn"]][row.given["detail"]]}


# ---- the rows -------------------------------------------------------------------------

AGGREGATES = ["sketch", "sketch, sampled 0.1", "sketch, 3 values", "sketch, 3 values, sampled 0.1",
              "sketch, 20 values", "histogram, all exact", "histogram, beyond 1000 values",
              "histogram, 3 values", "histogram, 3 values, sampled 0.3", "set, 1500 members",
              "set, 65,536 members", "set, 3 members"]
ALL = ("bare", "heeler", "peer")


def parse_row(name, what, number):
    return Row(f"parse-{name}", "parse", f"scan and parse, {what}", "ns/line", "less", micro,
               given={"program": "parse", "arguments": [number]})


def ingest_row(shape, contexts, text, base=None):
    return Row(f"ingest-{shape}-{text}", "ingest", f"{shape} bytes, {text} contexts", "ns/line", "less", micro,
               bars={"base": base} if base else {},
               given={"program": "ingest", "arguments": ["0" if shape == 21 else "1", str(contexts)]})


def server_row(name, group, what, rate, profile="tagged", kinds=("heeler",), unit="M lines/s", **more):
    given = {"profile": profile, "rate": rate, **more.pop("given", {})}
    return Row(name, group, what, unit, "more", lossless, kinds, given=given, **more)


def cost_row(name, what, profile, kinds, **more):
    given = {"profile": profile, "rate": "100k", **more.pop("given", {})}
    return Row(name, "quiet", what, "CPU s a million lines", "less", cost, kinds, given=given, **more)


def monitor_rows(name, what, count, of=""):
    """The longest gap, and what else the same turn tells."""
    rows = [Row(name, "monitors", f"{what}: longest gap between reads", "ms", "less", monitors, of=of, asked=True,
                settings={"heeler_rollup_max_bytes": 256 << 20},
                given={"profile": "tagged", "rate": "100k", "monitors": count, "intake": True})]
    more = [("seal", "longest seal", "ms", "ms longest seal", {}),
            ("cpu", "CPU a minute", "s", "CPU s a minute", {}),
            ("memory", "resident", "MiB", "MiB resident", {})]
    if count:
        more.append(("behind", "evaluated behind the minute", "s", "s behind the minute", {"value": 5}))
    return rows + [Row(f"{name}-{word}", "monitors", f"{what}: {text}", unit, "less", of_that_turn, asked=True,
                       of=f"{of}-{word}" if of and not bars else "", bars=bars, timed=False,
                       given={"turn": name, "detail": detail})
                   for word, text, unit, detail, bars in more]


# Three minutes are evaluated in it.
LEAST_MONITORED_S = 200
# What waits for the flusher hides a loss for a while, so a window is not too short.
TIMED = {"count_shed": True, "intake": True, "least_window": 5}
SPREAD = {"heeler_spread": "random"}
ROWS = [
    parse_row("untagged", "20 bytes, no tags", "0"),
    parse_row("tagged", "77 bytes, 4 tags", "1"),
    ingest_row(21, 1000, "1k", base=0.80),
    ingest_row(21, 100000, "100k"),
    ingest_row(21, 1000000, "1M"),
    ingest_row(77, 1000, "1k", base=0.75),
    ingest_row(77, 100000, "100k"),
    ingest_row(77, 1000000, "1M", base=0.75),
    *[Row(f"instructions-{shape}", "instructions", f"{shape} bytes", "instructions/line", "less", instructions,
          bars={"value": bar}, given={"shape": number}, asked=True, timed=False)
      for shape, number, bar in ((21, "0", 300), (77, "1", 430))],
    *[Row(f"value-{number}", "aggregates", name, "ns/value", "less", micro,
          given={"program": "aggregates", "arguments": [str(number)]}) for number, name in enumerate(AGGREGATES)],
    server_row("plain", "plain", "20 bytes, 68 a datagram", 20e6, "plain", ALL, bars={"base": 1.15}),
    server_row("tagged", "tags", "77 bytes, 4 tags, 18 a datagram", 8e6, kinds=("bare", "heeler"),
               bars={"base": 1.13}),
    server_row("stream", "tags", "`tagged` over a unix stream", 16e6, of="tagged", bars={"tagged": 2},
               given={"way": "stream"}),
    server_row("single", "single", "20 bytes, one a datagram", 800e3, "single", ALL, bars={"bare": 0.95}),
    server_row("smp", "smp", "the lab's mix over unix datagrams", 300e3, "smp", unit="MiB/s", given={"way": "unix"}),
    server_row("timed", "timed", "89 bytes, 4 tags, a timestamp, 15 a datagram", 300e3, "timed",
               bars={"base": 2.5}, given=TIMED),
    server_row("workers-1", "workers", "`tagged`, one worker", 8e6, settings={**SPREAD, "heeler_workers": 1}),
    server_row("workers-2", "workers", "`tagged`, two, one on the generator's CPU", 8e6, of="workers-1",
               settings={**SPREAD, "heeler_workers": 2}, given={"any_cpu": True}),
    Row("million", "million", "longest gap between reads, 1,000,000 contexts flushed every 5 s, 2 M lines/s",
        "ms", "less", million, bars={"value": 20}, settings={"heeler_interval": 5}, given={"profile": "tagged", "rate": "2M"}),
    cost_row("quiet", "quiet 100,000 lines/s, packed", "plain", ("heeler", "peer")),
    cost_row("quiet-single", "quiet 100,000 lines/s, one a datagram", "single", ("heeler", "peer")),
    cost_row("quiet-timed", "quiet 10 MiB/s with timestamps", "timed", ("heeler",), bars={"base": 0.4},
             given={**TIMED, "rate": "10MiB"}),
    Row("memory", "memory", "memory, 100,000 counters of three values", "MiB", "less", memory, ("heeler", "peer"),
        given={"profile": "plain"}, asked=True),
    *[Row(f"watched-{name}" if name else "unwatched", "watched", what, "M lines/s", "more", watched,
          of="unwatched" if name else "", bars={"unwatched": 0.97} if name else {}, asked=True,
          given={"profile": "tagged", "rate": 8e6, "watchers": watchers, "options": ("--contexts", "10000")})
      for name, what, watchers in (
          ("", "`tagged`, 10,000 contexts, nobody looks on", ()),
          ("tail", "the same with a reader of all lines", ("tail=1",)),
          ("top", "who sends most, asked once a second", ("top=1",)),
          ("page", "all that the page asks, once a second", ("page=1",)),
          ("stopped", "a reader of lines who has stopped", ("stopped=1",)))],
    server_row("ring-off", "ring", "`tagged`, nothing is kept", 8e6, asked=True),
    server_row("ring-on", "ring", "the same with heeler_ring_bytes of 64 MiB", 8e6, asked=True, of="ring-off",
               bars={"ring-off": 0.45}, settings={"heeler_ring_bytes": 67108864}),
    *[Row(f"spans-{name}", "spans", what, "CPU µs a span", "less", spans, asked=True,
          given={"rate": rate, "options": options})
      for name, what, rate, options in (
          ("50k", "50,000 spans/s in traces of ten, 15 tags, v0.4", "50k", ()),
          ("50k-v0.5", "the same as v0.5", "50k", ("--layout", "v0.5")),
          ("max", "v0.4, as many as it takes", "max", ()))],
    *monitor_rows("unmonitored", "100,000 series, 100,000 lines/s", 0),
    *monitor_rows("monitored", "the same with 1,000 monitors of 100 groups", monitored.MONITORS, of="unmonitored"),
    server_row("door-closed", "door", "`tagged`, no door for traces", 8e6, asked=True),
    server_row("door-idle", "door", "the same with the door open and nobody there", 8e6, of="door-closed",
               bars={"door-closed": 0.99}, asked=True,
               settings={"apm_config.enabled": "true", "apm_config.receiver_port": "__random__"}),
    *[server_row(name, "gro", what, 8e6, settings=settings, of=of, bars={of: bar} if of else {}, asked=True,
                 given={"options": ("--segment", segment)})
      for name, what, settings, segment, of, bar in (
          ("gro-off", "`tagged`, sent segmented", {}, "on", "", 0),
          ("gro-on", "the same with heeler_udp_gro", {"heeler_udp_gro": "true"}, "on", "gro-off", 2.3),
          ("gro-off-unsegmented", "`tagged`, sent one by one", {}, "off", "", 0),
          ("gro-on-unsegmented", "the same with heeler_udp_gro", {"heeler_udp_gro": "true"}, "off",
           "gro-off-unsegmented", 0.98))],
]


def chosen(words, kinds):
    """The rows that ROWS names, by name or group; without words those that are not to be asked for."""
    unknown = set(words) - {row.name for row in ROWS} - {row.group for row in ROWS}
    if unknown:
        raise SystemExit(f"no such row: {' '.join(sorted(unknown))}; there are: "
                         + " ".join(row.name for row in ROWS))
    return [row for row in ROWS if set(row.kinds) & set(kinds) and
            (row.name in words or row.group in words if words else not row.asked)]
