#!/usr/bin/python3
"""A long outage under load, with a kill -9 and a restart in its middle.

The intake is dead for --seconds while every series gets a value an interval. At
the end the intake has every point, once, but those of the interval in which the
server was killed; after the outage the newest came first; and resident memory
stayed within what the healthy server takes plus the memory queue plus a tenth
of it."""

import argparse
import bisect
import pathlib
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from steady import Load, Recorder, Seen, Server, Watch, free_port, labelled, settle  # noqa: E402

HEALTHY_S = 15      # before the outage
ORDER_SLACK = 40    # payloads by which two may have changed places: those in flight


def settings_of(options, port, url, folder):
    return {"heeler_interval": options.interval, "dogstatsd_port": port, "dd_url": url,
            "forwarder_storage_path": folder + "/spool",
            "forwarder_storage_max_size_in_bytes": options.spool_mib << 20,
            "forwarder_retry_queue_payloads_max_size": options.memory_mib << 20,
            "forwarder_backoff_base": options.backoff_base,
            "forwarder_backoff_max": options.backoff_max, "heeler_stop_timeout": 10}


def until_phase(interval, share):
    """Sleeps until that share of an interval is over."""
    now = time.time()
    time.sleep((share * interval - now % interval) % interval)


def kill(server, interval):
    """When the interval's values are in and it is still open. Returns its start."""
    until_phase(interval, 0.85)
    when = int(time.time() // interval * interval)
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    return when


def displaced(order):
    """The furthest that a payload came from its place, newest first."""
    times = sorted((-when for _, when in order))
    furthest = 0
    for at, (_, when) in enumerate(order):
        low, high = bisect.bisect_left(times, -when), bisect.bisect_right(times, -when) - 1
        furthest = max(furthest, low - at, at - high)
    return furthest


def run(options, folder):
    port, recorder, watch = free_port(), Recorder(folder), Watch()
    settings = settings_of(options, port, recorder.url, folder)
    recorder.set("healthy")
    server = Server(options.heeler, settings)
    watch.pid = server.process.pid
    time.sleep(2)
    watch.phase = "healthy"
    load = Load(port, options.series, options.interval)
    time.sleep(max(HEALTHY_S, 2.5 * options.interval))

    until_phase(options.interval, 0.95)     # what the intake was told is told
    watch.phase = "outage"
    began = time.time()
    recorder.set(options.fault)
    time.sleep(options.seconds / 2)
    waits = labelled(server.metrics(), "heeler_queue_points", "intake")
    killed = kill(server, options.interval)
    print(f"killed in the interval of {killed}, {waits:.0f} points only in memory shortly before",
          flush=True)
    server = Server(options.heeler, settings)
    watch.pid, watch.phase = server.process.pid, "outage after the restart"
    recovered = labelled(server.metrics(), "heeler_points_recovered_total", "intake")
    time.sleep(options.seconds / 2)
    metrics = server.metrics()
    print(f"at the end of the outage: spooled {labelled(metrics, 'heeler_spool_points', 'intake'):.0f} "
          f"points in {labelled(metrics, 'heeler_spool_bytes', 'intake') / 2**20:.1f} MiB, "
          f"{recovered:.0f} of them recovered at the restart", flush=True)

    watch.phase = "recovery"
    healed = time.time()
    recorder.set("healthy")
    deadline = healed + options.drain_seconds
    while time.time() < deadline and labelled(server.metrics(), "heeler_spool_points", "intake"):
        time.sleep(0.2)
    drained = time.time()
    time.sleep(2 * options.interval)
    load.stop()
    time.sleep(options.interval + 0.5)
    settled = settle(server, 60)
    code = server.stop()
    return judge(options, recorder, watch, load, server, killed, (began, healed, drained),
                 [] if settled and code == 0 else [f"something waits, or exit code {code}"])


def judge(options, recorder, watch, load, server, killed, times, problems):
    began, healed, drained = times
    recorder.set("refused")
    seen = Seen(recorder, options.series)
    expected = {when for when, refused in load.sent.items() if not refused} - {killed}
    missing = {when: lost for when, lost in seen.missing().items() if when in expected}
    missing.update({when: options.series for when in expected - set(seen.times)})
    backlog = [(came, when) for came, when in seen.order if came > healed and began < when < healed]
    furthest = displaced(backlog)
    values = sum(sum_ for when, sum_ in seen.values.items() if when != killed)
    wrong = round(len(expected) * options.series - values * options.interval, 3)
    base = watch.most["healthy"]
    most = max(watch.most[phase] for phase in watch.most if phase.startswith("outage"))
    bound = base + options.memory_mib * 1024 * 1.1
    ledger = server.final_ledger()
    print(f"{len(load.sent)} intervals of {options.series} series sent, {load.slow} of them late, "
          f"{sum(1 for refused in load.sent.values() if refused)} while nobody listened")
    print(f"{seen.points()} points at the intake, {seen.twice()} twice, values missing: {wrong:.0f}; "
          f"intervals with points missing but that of the kill: {len(missing)}")
    left = sum(map(bool, seen.times.get(killed, b"")))
    print(f"the interval of the kill has {left} points")
    print(f"recovery: first payload {min((came for came, _ in backlog), default=0) - healed:.1f} s, all "
          f"{drained - healed:.1f} s after the intake was back; {len(backlog)} payloads, newest first "
          f"but for {furthest} places")
    print("resident KiB, most of each phase: " +
          ", ".join(f"{phase} {kib}" for phase, kib in watch.most.items()) +
          f"; bound {bound:.0f} (healthy + {options.memory_mib} MiB + 10 %)")
    if missing:
        problems.append(f"points missing: {dict(list(missing.items())[:5])}")
    if seen.twice() or wrong:
        problems.append(f"points came twice, or {wrong} values are not there")
    if furthest > ORDER_SLACK:
        problems.append("not the newest first")
    if most > bound:
        problems.append(f"resident memory {most} KiB under the outage")
    if ledger.get("points_shed") or " imbalance=0/0/0" not in server.log():
        problems.append(f"shed, or not balanced: {ledger}")
    for problem in problems:
        print(f"FAIL  {problem}")
    if problems:
        print("\n".join("      " + line for line in server.log().splitlines()[-15:]))
    print("ok" if not problems else f"{len(problems)} problems")
    return 1 if problems else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heeler", default="build/heeler")
    parser.add_argument("--seconds", type=float, default=600, help="how long the outage lasts")
    parser.add_argument("--series", type=int, default=50000)
    parser.add_argument("--interval", type=int, default=1)
    parser.add_argument("--memory-mib", type=int, default=20)
    parser.add_argument("--spool-mib", type=int, default=1024)
    parser.add_argument("--fault", choices=["refused", "hang"], default="refused")
    parser.add_argument("--backoff-base", type=float, default=2)
    parser.add_argument("--backoff-max", type=float, default=64)
    parser.add_argument("--drain-seconds", type=float, default=300)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="heeler-outage-")
    try:
        return run(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
