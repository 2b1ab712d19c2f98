#!/usr/bin/python3
"""python3-statsd: plain and pipelined."""

import json
import random
import sys
import time
from datetime import timedelta

import statsd

client = statsd.StatsClient("127.0.0.1", int(sys.argv[1]), prefix="pystatsd", maxudpsize=1432)
deadline = time.monotonic() + float(sys.argv[2])
random.seed(1)
totals = {"pystatsd.load": 0, "pystatsd.piped": 0}

client.incr("one")
client.incr("count", 5)
client.decr("count", 2)
client.incr("sampled", 3, rate=0.5)
client.gauge("gauge", 12.5)
client.gauge("gauge.negative", -7)              # 0, then -7, in one datagram
client.gauge("gauge.delta", 4, delta=True)
client.gauge("gauge.delta", -4, delta=True)
client.set("set", "a:b")
client.set("set", "user-1")
client.timing("timing", 320)
client.timing("timing", timedelta(seconds=1.5))
with client.timer("timer"):
    pass

round_number = 0
while time.monotonic() < deadline:
    round_number += 1
    client.incr("load", round_number % 11)
    totals["pystatsd.load"] += round_number % 11
    with client.pipeline() as pipe:
        for i in range(1, 60):
            pipe.incr("piped", i)
            totals["pystatsd.piped"] += i
        pipe.timing("load.ms", round_number)
        pipe.gauge("load.g", round_number)
        pipe.set("load.s", round_number % 100)
        pipe.incr("load.sampled", 1, rate=0.1)
    time.sleep(0.01)
print(json.dumps(totals))
