"""A fleet's windows in a Redis of their own, written from docs/redis.md alone, and `heeler query --redis`
asked about them.

What Redis keeps bounds what is asked: each series is one server's, since of a gauge that two send the
newest point counts, and of a counter the least and the most of what each of them counted."""

import json
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "slow"))
import redis_server

INTERVAL, ROLLUPS = 10, (60, 3600)
KEPT_S = 2 * 86400
SERVERS = ("a1b2c3d4e5f6", "0123456789ab", "fedcba987654")


def windows(series, step):
    """{start: [sum, count, min, max, last, time of the last]}"""
    out = {}
    for at in sorted(series.points):
        value, start = series.points[at], at // step * step
        kept = out.setdefault(start, [0.0, 0, value, value, value, at])
        kept[:] = [kept[0] + value, kept[1] + 1, min(kept[2], value), max(kept[3], value), value, at]
    return out


def field(series, server):
    tags = dict(series.tags)
    host = tags.pop("host", "")
    text = ",".join(sorted(f"{key}:{value}" for key, value in tags.items()))
    return f"{'g' if series.kind == 'gauge' else 'c'}|{host}|{text}|{server}"


class Fleet:
    def __init__(self, heeler, world):
        self.heeler = heeler
        self.redis = redis_server.Redis()
        client = redis_server.Client(self.redis.port)
        for server in SERVERS:
            member = {"id": server, "host": "h", "pid": 1, "started": int(time.time()) - KEPT_S, "interval": INTERVAL,
                      "rollups": ROLLUPS, "ttl": KEPT_S, "lookback": KEPT_S, "version": "0"}
            client.call("ZADD", "heeler:instances", int(time.time()), json.dumps(member))
        for number, series in enumerate(world):
            server = SERVERS[number % len(SERVERS)]
            for step in (INTERVAL, *ROLLUPS):
                for start, (total, count, least, most, last, at) in windows(series, step).items():
                    client.call("HSET", f"heeler:{{{series.metric}}}:{step}:{start}", field(series, server),
                                f"{total:.17g} {count} {least:.17g} {most:.17g} {last:.17g} {at * 1000}")
        client.close()

    def ask(self, start, end, text):
        done = subprocess.run(
            [self.heeler, "query", text, "--redis", self.redis.url(), "--json",
             "--from", str(start), "--to", str(end)], capture_output=True, text=True, timeout=60)
        return json.loads(done.stdout) if done.returncode == 0 else {"error": done.stderr.strip()}

    def end(self):
        self.redis.stop()
        return True
