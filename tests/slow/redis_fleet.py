#!/usr/bin/python3
"""Several Heelers mirror to a real Redis that is cut off, killed, failed over, stopped
and misconfigured; then the fleet is asked.

Each check prints what it saw. Whatever happened, `heeler query --redis` must answer as
if one server had received everything, or the ledger must say exactly what was shed;
and the intake must not notice."""

import argparse
import json
import math
import os
import pathlib
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "model"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from differential import wait_for_room  # noqa: E402
from dogstatsd_model import Sketch  # noqa: E402
from intake import Intake           # noqa: E402
from redis_server import Client, Cluster, Garbage, Proxy, Redis, RedisError, free_port  # noqa: E402
from server import Server           # noqa: E402

SERVERS = 4
OWN = ("heeler.", "datadog.")
DAY = 86400
PATIENCE_S = 60
JUDGED_S = 30       # so long a load, and the times are judged: on a machine that does nothing else


# ---------------------------------------------------------------- asking

def until(come_true):
    """Whether it did within a minute."""
    deadline = time.monotonic() + PATIENCE_S
    while not come_true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def ask(binary, url, question, *settings, span="2h"):
    """{scope: {time: value}} of the answer."""
    command = [binary, "query", "--redis", url, "--json", "--last", span, *settings, question]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    if done.returncode != 0 or done.stderr:
        raise RuntimeError(f"{question}: {done.returncode} {done.stderr.strip()}")
    return {series["scope"]: {int(at): value for at, value in series["pointlist"]}
            for series in json.loads(done.stdout)["series"]}


def number(binary, url, question, *settings):
    """The only point of the only series; days are one step."""
    answer = ask(binary, url, question, *settings)
    points = [value for series in answer.values() for value in series.values()]
    return points[0] if len(points) == 1 else math.nan if not points else sum(points)


def quantile(sketch, q):
    """The middle of the bin of the nearest rank, and no more than the extremes."""
    sketch.settle()
    total = sum(count for _, count in sketch.bins)
    rank, below = round(q * (total - 1)), 0
    for key, count in sketch.bins:
        below += count
        if below > rank:
            middle = 0 if key == 0 else math.copysign(1.015625 ** (abs(key) - 1338), key)
            return min(max(middle, sketch.min), sketch.max)
    return sketch.max


# ---------------------------------------------------------------- load

class Load:
    """Counters, gauges, sets and distributions to several servers, and what they must
    add up to. Values are whole: sums are exact in any order."""

    def __init__(self, ports, rate=1500, seed=1):
        self.sockets = []
        for port in ports:
            self.sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            self.sockets[-1].connect(("127.0.0.1", port))
        self.rate, self.random, self.stopping = rate, random.Random(seed), False
        self.lines, self.count, self.counts, self.gauges = 0, 0, {}, {}
        self.members, self.values = set(), []
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def datagram(self, server):
        lines, draw = [], self.random.randrange
        for _ in range(4):
            series, value = draw(20), draw(1000)
            lines.append(f"fleet.count:{value}|c|#n:{series}")
            self.count += value
            self.counts[series] = self.counts.get(series, 0) + value
            member = draw(30000)
            lines.append(f"fleet.set:m{member}|s|#n:{member % 3}")
            self.members.add(member)
            value = draw(1, 100000)
            lines.append(f"fleet.dist:{value}|d|#n:{series % 5}")
            self.values.append(value)
        series, value = draw(5), draw(100000)
        lines.append(f"fleet.gauge:{value}|g|#n:{series}")
        self.gauges[server, series] = value
        return lines

    def run(self):
        begin, rounds = time.monotonic(), 0
        while not self.stopping:
            for server, end in enumerate(self.sockets):
                lines = self.datagram(server)
                end.send("\n".join(lines).encode())
                self.lines += len(lines)
            rounds += 1
            time.sleep(max(0, begin + rounds * len(self.sockets) * 13 / self.rate - time.monotonic()))

    def stop(self):
        self.stopping = True
        self.thread.join()

    def shared_gauge(self, servers):
        """One series that every server gets under one host, in an interval of its own; the last of
        them is the newest."""
        for server, end in enumerate(self.sockets):
            end.send(f"fleet.shared:{100 - server}|g|#host:shared".encode())
            self.lines += 1
            wait_intervals(servers, 2)
        return 100 - (len(self.sockets) - 1)

    def check(self, binary, url, problems, *settings):
        """What the fleet answers against what was sent."""
        def expect(question, wanted, tolerance=0.0):
            got = number(binary, url, question, *settings)
            if not abs(got - wanted) <= tolerance:
                problems.append(f"{question}: {got}, not {wanted}")
            return got

        expect(f"sum:fleet.count{{*}}.rollup(sum,{DAY})", self.count)
        grouped = ask(binary, url, f"sum:fleet.count{{*}} by {{n}}.rollup(sum,{DAY})", *settings)
        if {int(scope[2:]): sum(points.values()) for scope, points in grouped.items()} != self.counts:
            problems.append("by series the sums are others")
        expect(f"count:fleet.dist{{*}}.rollup({DAY})", len(self.values))
        expect(f"sum:fleet.dist{{*}}.rollup({DAY})", sum(self.values))
        expect(f"min:fleet.dist{{*}}.rollup({DAY})", min(self.values))
        expect(f"max:fleet.dist{{*}}.rollup({DAY})", max(self.values))
        sketch = Sketch()
        for value in self.values:
            sketch.insert(float(value))
        for percent in (50, 75, 90, 95, 99):
            wanted = quantile(sketch, percent / 100)
            expect(f"p{percent}:fleet.dist{{*}}.rollup({DAY})", wanted, wanted * 1e-9)
        distinct = expect(f"count:fleet.set{{*}}.rollup({DAY})", len(self.members),
                          3 * 0.0081 * len(self.members))
        gauges = ask(binary, url, f"avg:fleet.gauge{{*}} by {{host,n}}.rollup(last,{DAY})", *settings)
        wanted = {f"host:h{server},n:{series}": value
                  for (server, series), value in self.gauges.items()}
        if {scope: list(points.values())[-1] for scope, points in gauges.items()} != wanted:
            problems.append("gauges are not the newest")
        return distinct


# ---------------------------------------------------------------- servers

def start(binary, url, number_of, **settings):
    return Server(binary, {"hostname": f"h{number_of}", "heeler_interval": 1, "api_key": "",
                           "heeler_redis_url": url, "heeler_stop_timeout": 30,
                           "heeler_redis_queue_max_bytes": 64 << 20, **settings})


def wait_intervals(servers, n):
    """Until each of them has told so many intervals more."""
    def told(server):
        return server.total("heeler_snapshots_total")

    wanted = {server: told(server) + n for server in servers}
    until(lambda: all(told(server) >= wanted[server] for server in servers))


def label(metrics, name, part):
    return sum(value for labels, value in metrics.get(name, {}).items() if part in labels)


def wait_up(server):
    """Until the mirror is up and nothing waits; how long that took. A server that ends while its
    Redis is away sheds what waits."""
    def is_up():
        metrics = server.metrics()
        return server.total("heeler_redis_up", metrics) and \
            not label(metrics, "heeler_queue_points", 'sink="redis"')

    begin = time.monotonic()
    return time.monotonic() - begin if until(is_up) else math.inf


def end(servers, problems, sent=None, shed=False):
    """Stops all, whose Redis is there; returns their ledgers added up."""
    total = {}
    for server in servers:
        if "heeler_redis_up" in server.metrics():
            wait_up(server)
        if server.stop(60) != 0:
            problems.append("an exit code is not 0")
        ledger = server.final_ledger()
        for key, value in ledger.items():
            total[key] = total.get(key, 0) + value
        if " imbalance=0/0/0" not in server.log():
            problems.append("a ledger says that it is not balanced")
    if total.get("redis_points") != sum(total.get(key, 0) for key in (
            "redis_delivered", "redis_refused", "redis_shed")):
        problems.append(f"the mirror's points do not add up: {total}")
    if not shed and (total.get("redis_shed") or total.get("redis_refused")):
        problems.append(f"some was shed or refused: {total}")
    if sent is not None and total.get("values", 0) != sent:
        problems.append(f"{sent} lines sent, {total.get('values')} values on the books")
    return total


def tell(name, problems, servers, text):
    print(f"{'ok  ' if not problems else 'FAIL'}  {name}: {text}", flush=True)
    for problem in problems:
        print(f"      {problem}")
    if problems:
        for server in servers:
            print("\n".join("      " + line for line in server.log().splitlines()[-12:]))
    return not problems


# ---------------------------------------------------------------- exactness

class Cutter(threading.Thread):
    def __init__(self, cut, times, seconds):
        super().__init__(daemon=True)
        self.cut, self.times, self.seconds, self.hits = cut, times, seconds, 0
        self.stopping = threading.Event()
        self.start()

    def run(self):
        while self.hits < self.times and not self.stopping.wait(
                random.expovariate(1.5 * self.times / self.seconds)):
            self.hits += self.cut() > 0

    def finish(self):
        """How often a connection was cut; there is time for all of them twice over."""
        self.join(self.seconds)
        self.stopping.set()
        self.join()
        return self.hits


def exact_alone(options):
    """One Redis with AOF: connections cut in the midst of commands and answers, the
    server killed and restarted twice."""
    problems = []
    redis = Redis("--appendonly", "yes", "--appendfsync", "everysec")
    proxy = Proxy(redis.port)
    servers = [start(options.heeler, proxy.url(), n) for n in range(SERVERS)]
    load = Load([server.udp_port for server in servers])
    cutter = Cutter(proxy.cut, options.cuts, options.seconds)
    for _ in range(2):
        time.sleep(options.seconds / 3)
        redis.kill()
        time.sleep(0.5)
        redis.start()
    time.sleep(options.seconds / 3)
    cuts = cutter.finish()
    load.stop()
    newest = load.shared_gauge(servers)
    total = end(servers, problems, load.lines)
    distinct = load.check(options.heeler, redis.url(), problems)
    got = number(options.heeler, redis.url(), f"avg:fleet.shared{{*}}.rollup(last,{DAY})")
    if got != newest:
        problems.append(f"the shared gauge is {got}, not {newest}")
    proxy.close()
    redis.stop()
    return tell("exact, one Redis", problems, servers,
                f"{load.lines} lines, {cuts} cuts, 2 kills, sum {load.count}, "
                f"distinct {distinct:.0f} of {len(load.members)}, "
                f"points {total.get('redis_points')}")


def exact_cluster(options):
    """A cluster: connections killed at random nodes, a master killed for good."""
    problems = []
    cluster = Cluster("--appendonly", "yes")

    def cut():
        try:
            node = random.choice(cluster.living())
            lines = node.call("CLIENT", "LIST", "TYPE", "normal").decode().splitlines()
            peers = [line.split()[0][3:] for line in lines if "cmd=client" not in line]
            return node.call("CLIENT", "KILL", "ID", random.choice(peers)) if peers else 0
        except (OSError, RedisError):
            return 0

    servers = [start(options.heeler, cluster.url(), n, heeler_redis_cluster="true")
               for n in range(SERVERS)]
    load = Load([server.udp_port for server in servers])
    cutter = Cutter(cut, options.cuts, options.seconds)
    time.sleep(options.seconds / 2)
    cluster.master_of("heeler:{fleet.count}:1:1").kill()
    time.sleep(options.seconds / 2)
    cuts = cutter.finish()
    load.stop()
    cluster.wait_ok()
    total = end(servers, problems, load.lines)
    distinct = load.check(options.heeler, cluster.url(), problems)
    cluster.stop()
    return tell("exact, a cluster", problems, servers,
                f"{load.lines} lines, {cuts} cuts, a master failed over, sum {load.count}, "
                f"distinct {distinct:.0f} of {len(load.members)}, "
                f"points {total.get('redis_points')}")


def restart(options):
    """A Heeler restarted within the hour, once in order and once by kill -9."""
    problems, sent, servers = [], 0, []
    redis = Redis()

    def mirrored():
        return number(options.heeler, redis.url(), f"sum:fleet.count{{*}}.rollup(sum,{DAY})")

    for kind in ("stop", "kill", "stop"):
        server = start(options.heeler, redis.url(), 0)
        servers.append(server)
        load = Load([server.udp_port], rate=500)
        time.sleep(2)
        load.stop()
        sent += load.count
        if kind == "kill":
            until(lambda: mirrored() == sent)
            server.process.kill()
            server.process.wait()
        else:
            end([server], problems, load.lines)
    got = mirrored()
    if got != sent:
        problems.append(f"{got} instead of {sent}")
    redis.stop()
    return tell("restarted", problems, servers, f"3 incarnations, sum {got} of {sent}")


# ---------------------------------------------------------------- outage

def intake_times(intake):
    """Seconds that carry points of ours, and their sum."""
    with intake.lock:
        return (sorted({key[5] for key in intake.points if key[0] == "fleet.count"}),
                sum(value * intake.intervals[key] for key, value in intake.points.items()
                    if key[0] == "fleet.count"))


class Lateness(Intake):
    """Notes how long after its interval the last point of it came."""

    def __init__(self):
        super().__init__()
        self.lateness = {}

    def keep(self, point):
        super().keep(point)
        if point.name == "fleet.count":
            self.lateness[point.ts] = time.time() - point.ts - point.scale


def check_intake(intake, load, problems, judged):
    times, total = intake_times(intake)
    if round(total) != load.count:
        problems.append(f"the intake has {total}, not {load.count}")
    gaps = [(a, b) for a, b in zip(times, times[1:]) if b != a + 1]
    if gaps:
        problems.append(f"intervals are missing at the intake: {gaps[:3]}")
    if intake.duplicates or intake.violations:
        problems.append(f"{len(intake.duplicates)} points twice, {intake.violations[:2]}")
    late = max(intake.lateness.values(), default=math.nan)
    if not late < (1.5 if judged else PATIENCE_S):
        problems.append(f"a point came {late:.2f} s after its interval")
    return late


def resident_kib(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def outage(options):
    """Redis stopped under load, with a queue that is large enough and with a small one."""
    problems = []
    redis, intake = Redis("--appendonly", "yes"), Lateness().start()
    other = Lateness().start()
    large = start(options.heeler, redis.url(), 0, api_key="k", dd_url=intake.url)
    small = start(options.heeler, redis.url(), 1, api_key="k", dd_url=other.url,
                  heeler_redis_queue_max_bytes=65536)
    loads = [Load([large.udp_port], rate=1000), Load([small.udp_port], rate=1000, seed=2)]
    time.sleep(3)
    before = [resident_kib(server) for server in (large, small)]
    redis.kill()
    time.sleep(options.outage)
    after = [resident_kib(server) for server in (large, small)]
    redis.start()
    time.sleep(3)
    for load in loads:
        load.stop()
    totals = [end([large], problems, loads[0].lines), end([small], problems, loads[1].lines, True)]
    loads[0].gauges = {(0, series): value for (_, series), value in loads[0].gauges.items()}
    got = number(options.heeler, redis.url(), f"sum:fleet.count{{host:h0}}.rollup(sum,{DAY})")
    if got != loads[0].count:
        problems.append(f"with a large queue {got}, not {loads[0].count}")
    if not totals[1].get("redis_shed"):
        problems.append("a small queue shed nothing")
    # Windows are absolute: what was shed of an open minute comes again with its next value.
    rest = number(options.heeler, redis.url(), f"sum:fleet.count{{host:h1}}.rollup(sum,{DAY})")
    late = [check_intake(taker, load, problems, options.judged)
            for taker, load in zip((intake, other), loads)]
    if after[0] > before[0] + (64 << 10) + 20480 or after[1] > before[1] + 20480:
        problems.append(f"memory grew from {before} to {after} KiB")
    for part in (intake, other, redis):
        part.stop()
    return tell("Redis stopped", problems, [large, small],
                f"{options.outage:g} s; complete afterwards: {got:.0f} of {loads[0].count}; with a small "
                f"queue {rest:.0f} of {loads[1].count}, shed {totals[1].get('redis_shed')} of "
                f"{totals[1].get('redis_points')} points; memory {before} to {after} KiB; "
                f"at the intake at most {max(late):.2f} s after the interval")


# ---------------------------------------------------------------- faults

class Fault:
    """A Redis with one thing wrong, until it is healed."""
    seconds = 4         # that it lasts
    said = ""           # in the log, once

    def __init__(self):
        self.redis = Redis(*self.options())
        self.hosts = None

    def options(self):
        return ()

    def url(self):
        return self.redis.url()

    def ask_url(self):
        return self.redis.url()

    def stop(self):
        self.redis.stop()


class WrongPassword(Fault):
    said = "refuses the user or the password"

    def options(self):
        return ("--requirepass", "right")

    def url(self):
        return f"redis://:wrong@127.0.0.1:{self.redis.port}"

    ask_url = url

    def heal(self):
        self.redis.password = "right"
        self.redis.call("CONFIG", "SET", "requirepass", "wrong")


class WrongDatabase(Fault):
    said = "DB index is out of range"

    def options(self):
        return ("--databases", "2")

    def url(self):
        return self.redis.url() + "/5"

    ask_url = url

    def heal(self):
        self.redis.kill()
        self.redis.options = ()
        self.redis.start()


class Replica(Fault):
    said = "is a replica"

    def __init__(self):
        super().__init__()
        self.master = Redis()
        self.redis.call("REPLICAOF", "127.0.0.1", self.master.port)
        time.sleep(0.5)

    def heal(self):
        self.redis.call("REPLICAOF", "NO", "ONE")

    def stop(self):
        super().stop()
        self.master.stop()


class OutOfMemory(Fault):
    said = "OOM"

    def options(self):
        return ("--maxmemory", "1")

    def heal(self):
        self.redis.call("CONFIG", "SET", "maxmemory", "0")


class NoRedis(Fault):
    said = "does not speak as Redis does"

    def __init__(self):
        super().__init__()
        self.redis.kill()
        self.garbage = Garbage(self.redis.port)

    def heal(self):
        self.garbage.close()
        self.redis.start()


class Hangs(Fault):
    seconds = 13        # a reply may take ten
    said = "does not answer within"

    def __init__(self):
        super().__init__()
        self.redis.pause()

    def heal(self):
        self.redis.resume()


class NoName(Fault):
    """The name comes to be in a hosts file of the server's own."""
    said = "has no address"

    def __init__(self):
        super().__init__()
        self.hosts = tempfile.NamedTemporaryFile("w")
        self.hosts.write("127.0.0.1 localhost\n")
        self.hosts.flush()

    def url(self):
        return f"redis://heeler-redis.test:{self.redis.port}"

    def heal(self):
        self.hosts.write("127.0.0.1 heeler-redis.test\n")
        self.hosts.flush()


FAULTS = [WrongPassword, WrongDatabase, Replica, OutOfMemory, NoRedis, Hangs, NoName]


def with_hosts(binary, hosts, folder):
    """A program that runs the server with that file as /etc/hosts; None: not allowed."""
    if hosts is None:
        return binary
    wrapper = os.path.join(folder, "heeler")
    with open(wrapper, "w", encoding="ascii") as script:
        script.write("#!/bin/sh\nexec unshare -m sh -c "
                     f"'mount --bind {hosts.name} /etc/hosts && exec {os.path.abspath(binary)} \"$@\"' sh \"$@\"\n")
    os.chmod(wrapper, 0o755)
    works = subprocess.run([wrapper, "--version"], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False).returncode == 0
    return wrapper if works else None


def one_fault(options, kind):
    problems, fault, intake = [], kind(), Lateness().start()
    folder = tempfile.TemporaryDirectory(prefix="heeler-fault-")
    program = with_hosts(options.heeler, fault.hosts, folder.name)
    if program is None:
        fault.stop()
        intake.stop()
        print(f"skip  {kind.__name__}: no mount of its own is allowed here")
        return True
    server = start(program, fault.url(), 0, api_key="k", dd_url=intake.url)
    load = Load([server.udp_port], rate=500)
    time.sleep(fault.seconds)

    def said_of_redis():
        return [line for line in server.log().splitlines() if " redis: " in line]

    until(lambda: server.total("heeler_redis_errors_total") and said_of_redis())
    seen, said = server.total("heeler_redis_errors_total"), said_of_redis()
    if not seen:
        problems.append("no counter")
    if len(said) != 1 or fault.said not in said[0] or "wrong@" in said[0]:
        problems.append(f"not one clear line: {said}")
    fault.heal()
    took = wait_up(server)
    load.stop()
    end([server], problems, load.lines)
    got = number(options.heeler, fault.ask_url(), f"sum:fleet.count{{*}}.rollup(sum,{DAY})")
    if got != load.count:
        problems.append(f"the mirror has {got}, not {load.count}")
    late = check_intake(intake, load, problems, options.judged)
    intake.stop()
    fault.stop()
    return tell(kind.__name__, problems, [server],
                f"{seen:.0f} counted; \"{said[0].partition('redis: ')[2] if said else ''}\"; healed in "
                f"{took:.1f} s, complete: {got:.0f}; at the intake at most {late:.2f} s late")


def faults(options):
    """All at once: they wait most of the time."""
    results = {}

    def run(kind):
        results[kind] = one_fault(options, kind)

    threads = [threading.Thread(target=run, args=(kind,)) for kind in FAULTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(results) == len(FAULTS) and all(results.values())


# ---------------------------------------------------------------- duplicates and cost

def duplicates(options):
    """Two Heelers with one host name: each says so once, both ids in it; with tag, both
    are kept apart at the intake."""
    problems = []
    redis, intake = Redis(), Intake().start()
    servers = [start(options.heeler, redis.url(), 0, api_key="k", dd_url=intake.url,
                     heeler_on_duplicate="tag") for _ in range(2)]
    until(lambda: all(server.total("heeler_duplicate_instances") == 1 for server in servers))
    ids = [json.loads(member)["id"] for member in redis.call("ZRANGE", "heeler:instances", 0, -1)]
    load = Load([server.udp_port for server in servers], rate=500)
    time.sleep(3)
    load.stop()
    end(servers, problems, load.lines)
    for server in servers:
        said = [line for line in server.log().splitlines()
                if len(ids) == 2 and all(name in line for name in ids)]
        if len(said) != 1:
            problems.append(f"{len(said)} lines with both ids {ids}")
    tags = {tag for key in intake.points if key[0] == "fleet.count" for tag in key[2]
            if any(name in tag for name in ids)}
    times, total = intake_times(intake)
    if len(tags) != 2 or round(total) != load.count:
        problems.append(f"tags {tags}, the intake has {total} of {load.count}")
    line = said[0].partition("redis: ")[2] if said else ""
    intake.stop()
    redis.stop()
    return tell("duplicates", problems, servers, f"\"{line}\"; tags {sorted(tags)}")


def worker_ns(server):
    """Processor time of the worker threads."""
    total = 0
    for task in pathlib.Path(f"/proc/{server.process.pid}/task").iterdir():
        if (task / "comm").read_text().startswith("worker"):
            total += int((task / "schedstat").read_text().split()[0])
    return total


COST_INTERVAL = 10      # the usual one


def cost_of(bench, server):
    """Nanoseconds of the worker a line, under an even load for an interval."""
    lines, begin = server.total("heeler_lines_received_total"), worker_ns(server)
    subprocess.run([bench, "send", "--to", f"udp:127.0.0.1:{server.udp_port}", "--rate", "100k",
                    "--seconds", str(COST_INTERVAL), "--profile", "tagged",
                    "--types", "c=4,g=2,s=1,d=1"], check=True, stdout=subprocess.DEVNULL)
    return (worker_ns(server) - begin) / (server.total("heeler_lines_received_total") - lines)


def cost(options):
    """The worker's time a line with and without a mirror, in turns, pair by pair."""
    problems, redis = [], Redis()
    bench = os.path.join(os.path.dirname(options.heeler), "bench", "heeler-bench")
    plain = start(options.heeler, "", 0, heeler_interval=COST_INTERVAL)
    mirrored = start(options.heeler, redis.url(), 1, heeler_interval=COST_INTERVAL)
    pairs = []
    for turn in range(options.pairs + 1):
        order = (plain, mirrored) if turn % 2 else (mirrored, plain)
        took = {server: cost_of(bench, server) for server in order}
        if turn:            # the first one warms up
            pairs.append((took[plain], took[mirrored]))
    rise = statistics.median(with_it / without - 1 for without, with_it in pairs)
    without, with_it = (statistics.median(pair[i] for pair in pairs) for i in (0, 1))
    least = min(pair[1] for pair in pairs) / min(pair[0] for pair in pairs) - 1
    if min(rise, least) >= 0.02:
        problems.append("that is 2 % or more")
    total = end([plain, mirrored], problems)
    redis.stop()
    return tell("cost", problems, [],
                f"the worker takes {without:.1f} ns a line without and {with_it:.1f} with a mirror: "
                f"{rise:+.2%} (median of {len(pairs)} pairs; by their least {least:+.2%}), "
                f"{total['redis_points']} points mirrored")


def main():
    checks = {"alone": exact_alone, "cluster": exact_cluster, "restart": restart,
              "outage": outage, "faults": faults, "duplicates": duplicates, "cost": cost}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heeler", default="build/heeler")
    parser.add_argument("--seconds", type=float, default=60, help="of load in the exactness checks")
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--outage", type=float, default=300, help="seconds without Redis")
    parser.add_argument("--pairs", type=int, default=10, help="of measurements of the cost")
    parser.add_argument("--together", action="store_true", help="all at once, not in turn")
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=", ".join(checks))
    options = parser.parse_args()
    options.judged = options.seconds >= JUDGED_S
    wait_for_room(DAY, 2 * PATIENCE_S + 2 * options.seconds + options.outage)  # what is asked is of one day
    results = {}

    def run(name):
        results[name] = False
        results[name] = checks[name](options)

    threads = [threading.Thread(target=run, args=(name,)) for name in options.checks or checks]
    for thread in threads:
        thread.start()
        if not options.together:
            thread.join()
    for thread in threads:
        thread.join()
    passed, failed = sum(results.values()), len(results) - sum(results.values())
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
