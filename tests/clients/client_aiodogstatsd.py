#!/usr/bin/python3
"""python3-aiodogstatsd: every type that DogStatsD adds, with tags."""

import asyncio
import json
import random
import sys
import time

import aiodogstatsd


async def main():
    deadline = time.monotonic() + float(sys.argv[2])
    totals = {"aio.load": 0}
    async with aiodogstatsd.Client(host="127.0.0.1", port=int(sys.argv[1]), namespace="aio",
                                   constant_tags={"lib": "aiodogstatsd"}) as client:
        client.increment("one")
        client.decrement("count", value=2, tags={"team": "a", "odd": "x y", "\u00e9t\u00e9": "\u2603"})
        client.gauge("gauge", value=4.5, sample_rate=0.5)
        client.histogram("histogram", value=3)
        client.distribution("distribution", value=0.125, sample_rate=0.25)
        client.timing("timing", value=15)
        with client.timeit("timer"):
            pass
        round_number = 0
        while time.monotonic() < deadline:
            round_number += 1
            for i in range(1, 6):
                client.increment("load", value=i + round_number % 3, tags={"n": i})
                totals["aio.load"] += i + round_number % 3
                client.distribution("load.d", value=i * round_number)
                client.timing("load.ms", value=i)
            await asyncio.sleep(0.01)
    print(json.dumps(totals))


random.seed(1)
asyncio.run(main())
