#!/usr/bin/python3
"""heeler expect in a Node project of its own that sends with hot-shots: met, not met with a
difference that says what, updated, and killed at moments of chance without a process that stays."""

import argparse
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
import xml.dom.minidom

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "model"))

from differential import Report  # noqa: E402

APPLICATION = """
'use strict'
const StatsD = require('hot-shots')

exports.order = function order (client, route) {
  client.increment('orders', 1, [`route:${route}`])
  client.histogram('order.items', 3)
  client.distribution('order.price', route === '/pay' ? 20 : 5)
  client.timing('order.time', 12)
  client.set('users', 'user-1')
  client.gauge('queue', 7)
}
exports.client = () => new StatsD({ prefix: 'shop.', globalTags: { env: 'test' } })
"""
TEST = """
'use strict'
const { client, order } = require('./shop')
const statsd = client()

for (const route of ['/pay', '/pay', '/cart']) order(statsd, route)
statsd.event('Deployed', 'version 7', { alert_type: 'success' })
statsd.check('db', statsd.CHECKS.OK, { message: 'fine' })
const wait = Number(process.env.LINGER || 0)
setTimeout(() => statsd.close(() => {}), wait)
"""
EXPECTED = """\
# What the shop sends while its tests run.
series:
  - name: shop.orders
    type: count
    tags: [env:test]
    value: 3
  - name: shop.orders
    tags_exactly: [env:test, route:/pay]
    value: 2
  - { name: shop.order.items, type: histogram, count: 3, avg: 3 }
  - { name: shop.order.price, type: distribution, sum: 45, p95: 19..21 }
  - { name: shop.order.time, unit: millisecond, max: at most 12 }
  - { name: shop.users, value: 1 }
  - { name: shop.queue, value: 7 }
  - { name: shop.errors, absent: true }
events:
  - { title: shop.Deployed, alert: success }
checks:
  - { name: shop.db, status: ok }
only: true
refused: 0
"""


class Project:
    def __init__(self, folder, heeler):
        self.folder = pathlib.Path(folder)
        self.heeler = str(pathlib.Path(heeler).resolve())
        self.temp = self.folder / "tmp"
        self.temp.mkdir()
        (self.folder / "node_modules").symlink_to(HERE / "node_modules")
        self.write("package.json", '{ "name": "shop", "private": true, "scripts": { "test": "node test.js" } }\n')
        self.write("test.js", TEST)
        self.write("metrics.yaml", EXPECTED)
        self.write("shop.js", APPLICATION)

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def command(self, *words):
        return [self.heeler, "expect", *words, "--", "npm", "test", "--silent"]

    def environment(self, **more):
        return {**os.environ, "TMPDIR": str(self.temp), "npm_config_update_notifier": "false", **more}

    def run(self, *words):
        return subprocess.run(self.command(*words), cwd=self.folder, env=self.environment(), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)


def marked(mark):
    """The processes that have it in their environment."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:
            pass
    return found


def check_verdicts(report, project):
    met = project.run("metrics.yaml")
    report.check(met.returncode == 0, f"as expected: status {met.returncode}\n{met.stdout}")
    project.write("shop.js", APPLICATION.replace("'orders', 1", "'orders', 2")
                  .replace("'queue', 7", "'queues', 7"))
    other = project.run("--junit", "junit.xml", "metrics.yaml")
    report.check(other.returncode == 1, f"not as expected: status {other.returncode}\n{other.stdout}")
    for line in ("metrics.yaml:3: series shop.orders  count  env:test", "expected: value 3, but it is 6",
                 "came:     shop.orders  count  4  env:test,route:/pay", "came:     nothing of it",
                 "nearest:  shop.queues  gauge  7  env:test   (another name)"):
        report.check(line in other.stdout, f"the difference lacks: {line}\n{other.stdout}")
    suite = xml.dom.minidom.parse(str(project.folder / "junit.xml")).documentElement
    report.check(suite.getAttribute("failures") == str(len(suite.getElementsByTagName("failure"))),
                 "the XML counts otherwise than it has")
    updated = project.run("--update", "metrics.yaml")
    report.check(updated.returncode == 0, f"an update: {updated.stdout}")
    again = project.run("metrics.yaml")
    report.check(again.returncode == 0, f"after the update: status {again.returncode}\n{again.stdout}")
    report.check((project.folder / "metrics.yaml").read_text().startswith(EXPECTED.splitlines()[0]),
                 "the comment of the file is gone")
    print(other.stdout)


def check_kills(report, project, times, seed):
    chance = random.Random(seed)
    for _ in range(times):
        mark = f"HEELER_EXPECT_MARK={uuid.uuid4()}"
        key, value = mark.split("=")
        heeler = subprocess.Popen(project.command("metrics.yaml"), cwd=project.folder,
                                  env=project.environment(LINGER="60000", **{key: value}),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        moment = chance.uniform(0, 1.5)
        time.sleep(moment)
        seen = len(marked(mark))
        heeler.send_signal(signal.SIGKILL)
        heeler.wait()
        deadline = time.monotonic() + 60
        while (marked(mark) or any(project.temp.iterdir())) and time.monotonic() < deadline:
            time.sleep(0.02)
        left = marked(mark)
        report.check(not left, f"killed after {moment:.3f} s: still there: {left}")
        report.check(not any(project.temp.iterdir()), "the folder of the socket is still there")
        print(f"killed after {moment:.3f} s amid {seen} processes: none is left")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heeler", required=True)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    arguments = parser.parse_args()
    report = Report(shown=10)
    print(f"seed {arguments.seed}")
    with tempfile.TemporaryDirectory() as folder:
        project = Project(folder, arguments.heeler)
        check_kills(report, project, arguments.kills, arguments.seed)
        check_verdicts(report, project)
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
