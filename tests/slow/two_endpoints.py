#!/usr/bin/python3
"""Two intakes, one of them dead: how long the live one waits for its points.

The delay of an interval is from its end to the arrival of its last payload at
the live intake. It is measured while both live and while the other is dead, and
stays below one interval. A busy machine
adds its own delay, to both."""

import argparse
import json
import pathlib
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import names  # noqa: E402
from steady import Load, Recorder, Seen, Server, free_port, labelled  # noqa: E402

HEALTHY_S = 15


def settings_of(options, port, live, dead, folder):
    settings = {"heeler_interval": options.interval, "dogstatsd_port": port, "dd_url": live.url,
                "additional_endpoints": json.dumps({dead.url: ["other"]}),
                "forwarder_retry_queue_payloads_max_size": options.memory_mib << 20,
                "heeler_stop_timeout": 2}
    if options.spool_mib:
        settings.update({"forwarder_storage_path": folder + "/spool",
                         "forwarder_storage_max_size_in_bytes": options.spool_mib << 20})
    return settings


def delays(seen, interval, since, until):
    return sorted(came - (when + interval) for when, came in seen.arrived.items()
                  if since <= when < until)


def described(found):
    at = lambda share: found[min(len(found) - 1, int(share * len(found)))] * 1000  # noqa: E731
    return f"median {at(.5):.0f}, 99 of 100 {at(.99):.0f}, longest {at(1):.0f} ms of {len(found)}"


def run(options, folder):
    live, dead = Recorder(folder, "live"), Recorder(folder, "dead")
    port = free_port()
    live.set("healthy")
    dead.set("healthy")
    if options.fault == "dns":     # from the start: a name that was found is remembered
        names.NameServer().mode = "silent"
        dead.url = f"http://hangs.test:{dead.port}"
    server = Server(options.heeler, settings_of(options, port, live, dead, folder))
    load = Load(port, options.series, options.interval)
    time.sleep(max(HEALTHY_S, 2.5 * options.interval))
    died = time.time()
    if options.fault != "dns":
        dead.set(options.fault)
    time.sleep(options.seconds)
    metrics = server.metrics()
    load.stop()
    ended = time.time()
    time.sleep(options.interval + 1)
    other = 'sink="intake2"'
    shed = labelled(metrics, "heeler_points_total", other + ',result="shed')
    print(f"the dead one: {labelled(metrics, 'heeler_queue_points', other):.0f} points queued, "
          f"{labelled(metrics, 'heeler_spool_points', other):.0f} spooled, {shed:.0f} shed")
    server.stop()
    live.set("refused")
    dead.set("refused")
    return judge(options, server, load, Seen(live, options.series), died, ended)


def judge(options, server, load, seen, died, ended):
    before = delays(seen, options.interval, 0, died - options.interval)
    during = delays(seen, options.interval, died, ended - options.interval)
    expected = {when for when, refused in load.sent.items() if not refused and when < ended - 2}
    missing = {when: lost for when, lost in seen.missing().items() if when in expected}
    before_is = "a name that hangs" if options.fault == "dns" else "both live"
    print(f"{options.series} series, {options.interval} s; {before_is}: {described(before)}")
    print(f"the other dead ({options.fault}) for {options.seconds:.0f} s: {described(during)}")
    print(f"longest pass of the load: {load.longest:.2f} of an interval, planned are 0.70")
    problems = []
    if during[-1] > options.interval:
        problems.append(f"a delay of {during[-1]:.2f} s")
    if missing or expected - set(seen.times) or seen.twice():
        problems.append(f"missing at the live one: {len(missing)} intervals; twice {seen.twice()}")
    if " imbalance=0/0/0" not in server.log():
        problems.append("the ledger says it is not balanced")
    for problem in problems:
        print(f"FAIL  {problem}")
    print("ok" if not problems else f"{len(problems)} problems")
    return 1 if problems else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heeler", default="build/heeler")
    parser.add_argument("--seconds", type=float, default=600, help="how long one is dead")
    parser.add_argument("--series", type=int, default=500000)
    parser.add_argument("--interval", type=int, default=10)
    parser.add_argument("--memory-mib", type=int, default=20)
    parser.add_argument("--spool-mib", type=int, default=1024)
    parser.add_argument("--fault", choices=["refused", "hang", "dns"], default="hang")
    options = parser.parse_args()
    if options.fault == "dns" and not names.IS_PRIVATE:
        code = names.run_again(sys.argv)
        if code is None:
            print("skip  no network and mount namespace can be made")
        return code or 0
    folder = tempfile.mkdtemp(prefix="heeler-two-")
    try:
        return run(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
