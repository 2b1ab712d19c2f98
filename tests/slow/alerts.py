#!/usr/bin/python3
"""Alerts of a server that is killed, stopped and put in its own place over and over.

Gauges of many hosts go up and down, two monitors look at them, and a webhook and a mail server
that are unwell at times are told. Amid that the server is ended by SIGKILL or SIGTERM and started
again, or goes on in another program (SIGUSR2): at any moment, right around the evaluation of a
minute, and while a receiver is being told. What must have been told is worked out from what the
gauges were: each change of a state once, under one id, to each receiver, in the order in which
they came, and what lasts again on its minute. A message that comes again after a receiver's yes
must have its reason: the server died before it had written the yes down.

    killed       all of that, with heeler_state_path
    handed-over  without it, and by SIGUSR2 alone: nothing is lost either
    debian       as killed, with Debian's mail server (exim4): TLS, a login, and it is ended
                 and started again, too
    looping      a server that dies whenever it has told somebody, which must not become more
                 messages than an hour has
"""

import argparse
import collections
import json
import pathlib
import random
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "model"), str(HERE)]
import mail  # noqa: E402
import receivers  # noqa: E402
from server import Server  # noqa: E402

MINUTE_S = 60
AGAIN_S = 120                   # renotify_interval
PHASE_S = (190, 320)            # so that each has two whole minutes
SILENCE_S = (70, 150)
PER_HOUR = 30                   # heeler_notify_per_hour of a server that crashes in a loop
RECORD_S = 3                    # from a receiver's yes to the disk, on a machine with much to do
LOAD = {"OK": 400, "Warn": 600, "Alert": 900}
FREE = {"OK": 50, "Alert": 5}
MONITORS = {                    # metric -> what is watched, and the gauge in each state
    "alert.load": ({
        "id": 41, "type": "metric alert", "name": "load", "message": "{{value}} on {{host.name}} "
        "@webhook-pager @night@example.org",
        "query": "max(last_1m):max:alert.load{*} by {host} > 800",
        "options": {"thresholds": {"critical": 800, "warning": 500},
                    "renotify_interval": AGAIN_S // MINUTE_S}}, LOAD),
    "alert.free": ({
        "type": "metric alert", "name": "free", "message": "{{value}} left @webhook-pager",
        "query": "min(last_1m):min:alert.free{*} by {host} < 20"}, FREE),
}


class Gauge:
    """One host's, in phases that are known beforehand; between two it may be silent. They begin
    with an interval: one with two values may be the mean of them, if a process ended in it."""

    def __init__(self, draws, host, levels, begin_s, freeze_s, interval_s):
        self.host, self.levels = host, levels
        self.phases = [(begin_s, "OK")]         # (since when, the state that it makes; None: silent)
        at_s, state = begin_s + draws.uniform(5, PHASE_S[0]), "OK"
        while at_s < freeze_s:
            if draws.random() < 0.15:
                self.phases.append((at_s, None))
                at_s += draws.uniform(*SILENCE_S)
            state = draws.choice([other for other in levels if other != state])
            self.phases.append((at_s, state))
            at_s += draws.uniform(*PHASE_S)
        self.phases = [(at_s // interval_s * interval_s, state) for at_s, state in self.phases]

    def state(self, now_s):
        return [state for since_s, state in self.phases if since_s <= now_s][-1]

    def changes(self):
        """The states that are told, and when the gauge went there."""
        spoken = [phase for phase in self.phases if phase[1] is not None]
        return [here for before, here in zip(spoken, spoken[1:]) if before[1] != here[1]]


class Sender(threading.Thread):
    """All gauges twice a second, to whatever server there is; not around the end of an interval,
    so that each value comes in the one that it is of."""

    def __init__(self, gauges, interval_s):
        super().__init__(daemon=True)
        self.gauges, self.interval_s, self.port = gauges, interval_s, None
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def run(self):
        while True:
            now_s = time.time()
            if not 0.1 < now_s % self.interval_s < self.interval_s - 0.4:
                time.sleep(0.05)
                continue
            for metric, gauges in self.gauges.items():
                lines = [f"{metric}:{gauge.levels[state]}|g|#host:{gauge.host}"
                         for gauge in gauges if (state := gauge.state(now_s)) is not None]
                self.socket.sendto("\n".join(lines).encode(), ("127.0.0.1", self.port))
            time.sleep(0.5)


class Watched:
    """The server, whichever process it is."""

    def __init__(self, options, settings):
        self.options, self.settings = options, settings
        self.problems, self.ends = [], []       # ends: (word, when, when another was there)
        self.upgrades = 0
        self.server = None
        self.start()

    def start(self):
        self.server = Server(self.options.heeler, self.settings)
        self.upgrades = 0

    def read_log(self):
        for line in self.server.log().splitlines():
            if " ERROR " in line:
                self.problems.append(line)

    def kill(self, draws):
        self.server.process.kill()
        self.server.process.wait()
        self.read_log()
        time.sleep(draws.choice((0, draws.uniform(0, 2))))
        self.start()

    def term(self, draws):
        status = self.server.stop()
        if status != 0:
            self.problems.append(f"SIGTERM: it ended with {status}")
        self.read_log()
        time.sleep(draws.choice((0, draws.uniform(0, 2))))
        self.start()

    def usr2(self, _):
        self.upgrades += 1
        self.server.process.send_signal(signal.SIGUSR2)
        deadline = time.monotonic() + 30
        while self.server.log().count("reads again") < self.upgrades:
            if time.monotonic() > deadline or self.server.process.poll() is not None:
                sys.exit(f"SIGUSR2: no program took over\n{self.server.log()[-4000:]}")
            time.sleep(0.01)

    def end(self, word, draws):
        began_s = time.time()
        {"kill": self.kill, "term": self.term, "usr2": self.usr2}[word](draws)
        self.ends.append((word, began_s, time.time()))

    def get(self, path, body=None):
        url = f"http://127.0.0.1:{self.server.http_port}{path}"
        request = urllib.request.Request(url, json.dumps(body).encode() if body else None,
                                         {"Content-Type": "application/json"})
        while True:
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code != 503:           # what was kept is not read yet
                    raise
                time.sleep(0.1)


class Debian:
    """The mail server of mail.py, and what of its box is in the journal."""

    def __init__(self, program, journal, folder):
        self.journal, self.seen = journal, set()
        folder.mkdir()
        self.exim = mail.Exim(program, folder)
        self.exim.start()
        threading.Thread(target=self.stumble, daemon=True).start()

    def settings(self):
        return {"heeler_smtp_url": f"smtp://me:pass%2fword@localhost:{self.exim.starttls}",
                "heeler_ca_file": self.exim.folder / "certificate.pem"}

    def stumble(self):
        while not self.journal.well:
            time.sleep(self.journal.draws.uniform(10, 40))
            self.exim.stop()
            time.sleep(self.journal.draws.uniform(0.5, 8))
            self.exim.start()

    def look(self):
        """Its answer is not seen: what it has in its box it has said yes to."""
        for path in self.exim.folder.glob("box/new/*"):
            if path not in self.seen:
                self.seen.add(path)
                one, came_s = email_of(path), path.stat().st_mtime
                self.journal.heard.append(receivers.Heard("mail", *one, came_s, came_s, "yes"))


def email_of(path):
    text = mail.email.message_from_bytes(path.read_bytes(), policy=mail.email.policy.default)
    return text["X-Heeler-Notification"], text["Subject"].partition("{")[2].partition("}")[0]


# ---------------------------------------------------------------- the disturbances

def await_moment(options, draws, journal):
    """Which kind of moment it is, when it has come."""
    kind = draws.choices(("any", "evaluation", "sending"), (50, 20, 30))[0]
    time.sleep(draws.uniform(1, options.pause))
    if kind == "evaluation":
        moment_s = draws.uniform(1.8, 4)
        time.sleep((moment_s - time.time()) % MINUTE_S)
    elif kind == "sending":
        journal.arrival.clear()
        journal.arrival.wait(options.pause)
        time.sleep(draws.choice((0, draws.uniform(0, 0.05))))
    return kind


def disturb(options, draws, watched, journal, sender):
    kinds = collections.Counter()
    for number in range(options.times):
        if draws.random() < 0.15:
            journal.down_until = time.time() + draws.uniform(3, 20)
        moment = await_moment(options, draws, journal)
        word = draws.choice(("kill", "kill", "term", "usr2") if options.way != "handed-over" else ("usr2",))
        watched.end(word, draws)
        sender.port = watched.server.udp_port
        kinds[f"{word}, {moment}"] += 1
    return kinds


def wait_until_told(watched, journal, patience_s=400):
    journal.well = True
    deadline = time.monotonic() + patience_s
    while watched.server.total("heeler_notifications_waiting") > 0 and time.monotonic() < deadline:
        time.sleep(0.5)
    time.sleep(RECORD_S)
    left = watched.server.total("heeler_notifications_waiting")
    if left > 0:
        watched.problems.append(f"{left:.0f} still wait")


# ---------------------------------------------------------------- what was told

class Id:
    """monitor.group.state.second.again"""

    def __init__(self, text):
        self.monitor, self.hash, self.state, at_s, again = text.split(".")
        self.at_s, self.again = int(at_s), int(again)


STATES = {"ok": "OK", "warn": "Warn", "alert": "Alert"}


class Judge:
    def __init__(self, journal, watched, gauges, last_minute_s):
        self.journal, self.watched, self.last_minute_s = journal, watched, last_minute_s
        self.gauges = gauges
        self.faults, self.counts = [], collections.Counter()
        self.late_minutes = collections.Counter()       # of changes
        self.lags_s, self.yes_to_end_s = [], []

    def count(self, word, fault):
        self.counts[word] += 1
        self.faults.append(f"{word}: {fault}")

    def told(self, receiver, monitor, host):
        """The ids that were taken, in the order in which they first were."""
        ids = {}
        for one in sorted(self.journal.all(), key=lambda one: one.came_s):
            if (one.receiver == receiver and one.said in ("yes", "lost", "hang")
                    and one.group == f"host:{host}" and one.id.startswith(f"{monitor}.")):
                ids.setdefault(one.id)
        return [Id(text) for text in ids]

    def judge_changes(self, where, gauge, told):
        changes = [one for one in told if one.again == 0]
        expected, left = gauge.changes(), list(changes)
        self.counts["changes"] += len(expected)
        for since_s, state in expected:
            if left and STATES.get(left[0].state) == state:
                self.late_minutes[max(0, int(left[0].at_s - since_s) // MINUTE_S)] += 1
                del left[0]
            else:
                self.count("missing", f"{where}: {state} since {since_s:.0f}, told "
                           f"{[(one.state, one.at_s) for one in changes]}, "
                           f"of {[(state, round(at_s)) for at_s, state in gauge.phases]}")
                return
        for one in left:
            self.count("two ids", f"{where}: {one.state} at {one.at_s}")

    def judge_again(self, where, told):
        """Of the monitor that tells again: of each Alert all that was due, and on its minute."""
        changes = [one for one in told if one.again == 0]
        for here, behind in zip(changes, changes[1:] + [None]):
            if here.state != "alert":
                continue
            end_s = behind.at_s if behind else self.last_minute_s + 1
            heard = {one.again for one in told if one.at_s == here.at_s and one.again > 0}
            due = set(range(1, (end_s - here.at_s - 1) // AGAIN_S + 1))
            self.counts["again"] += len(due)
            for again in due - heard:
                self.count("missing again", f"{where}: {again} of the Alert at {here.at_s}")
            for again in heard - due:
                self.count("too often", f"{where}: {again} of the Alert at {here.at_s}")

    def judge_order(self, where, told):
        order = [(one.at_s, one.again) for one in told]
        if order != sorted(order):
            self.count("out of order", f"{where}: {order}")

    def judge_times(self):
        """What is told again is raised on its minute, and arrives soon."""
        first = {}
        for one in self.journal.all():
            if one.receiver == "hook":
                first[one.id] = min(one.came_s, first.get(one.id, one.came_s))
        for text, came_s in first.items():
            number, raised_s = Id(text), self.journal.raised[text]
            self.lags_s.append(came_s - raised_s)
            if raised_s != number.at_s + number.again * AGAIN_S:
                self.count("late again", f"{text} was raised at {raised_s}")

    def judge_repeats(self):
        """After a yes it comes again only if the server was ended before that was written down."""
        before = collections.defaultdict(list)
        for one in sorted(self.journal.all(), key=lambda one: one.came_s):
            earlier = before[one.receiver, one.id]
            earlier.append(one)
            if len(earlier) == 1:
                continue
            if all(other.said in ("no", "cut") for other in earlier[:-1]):
                self.counts["tried again"] += 1
            elif not (yes := [other for other in earlier[:-1] if other.said == "yes"]):
                self.counts["repeats, as the yes was lost"] += 1
            else:
                self.explain(yes[-1], one)

    def explain(self, yes, one):
        between = [(word, at_s) for word, at_s, back_s in self.watched.ends
                   if back_s > yes.came_s and at_s < one.came_s]
        gaps = [(word, at_s - (yes.answered_s or yes.came_s)) for word, at_s in between]
        # Who is not killed writes down each yes that was out before.
        reasons = [(word, gap_s) for word, gap_s in gaps if gap_s < (RECORD_S if word == "kill" else 0)]
        if reasons:
            word, gap_s = min(reasons, key=lambda gap: abs(gap[1]))
            self.yes_to_end_s.append(gap_s)
            self.counts[f"repeats, by {word}"] += 1
        else:
            self.count("unexplained", f"{one.receiver} {one.id}: yes at {yes.answered_s:.2f}, "
                       f"again at {one.came_s:.2f}, ends between {gaps}")

    def judge_states(self, ids):
        for metric, number in ids.items():
            monitor = self.watched.get(f"/api/v1/monitor/{number}?group_states=all")
            groups = monitor["state"]["groups"]
            for gauge in self.gauges[metric]:
                spoken = [state for _, state in gauge.phases if state is not None]
                if groups[f"host:{gauge.host}"]["status"] != spoken[-1]:
                    self.count("state", f"{metric} of {gauge.host} is "
                               f"{groups[f'host:{gauge.host}']['status']}, not {spoken[-1]}")

    def judge(self, ids):
        for metric, number in ids.items():
            for receiver in ("hook", "mail") if metric == "alert.load" else ("hook",):
                for gauge in self.gauges[metric]:
                    where = f"{receiver}, {metric} of {gauge.host}"
                    told = self.told(receiver, number, gauge.host)
                    self.judge_changes(where, gauge, told)
                    self.judge_order(where, told)
                    if metric == "alert.load":
                        self.judge_again(where, told)
        self.judge_times()
        self.judge_repeats()
        self.judge_states(ids)
        self.faults += self.watched.problems


# ---------------------------------------------------------------- all of it

def begin(options, folder, journal):
    hook = receivers.start_hook(journal)
    (folder / "monitors").mkdir()
    body, _ = MONITORS["alert.load"]
    (folder / "monitors" / "load.json").write_text(json.dumps(body))
    hooks = [{"name": "pager", "url": f"http://127.0.0.1:{hook}/hook",
              "body": '{"id": "$ID", "scope": "$ALERT_SCOPE", "raised": $DATE_POSIX}'}]
    settings = {"dd_url": f"http://127.0.0.1:{hook}", "heeler_workers": 1,
                "heeler_interval": options.interval, "heeler_monitors_path": folder / "monitors",
                "heeler_mail_to": "@example.org", "heeler_smtp_from": "heeler@example.org",
                "heeler_webhooks": json.dumps(hooks), "heeler_notify_per_hour": 10000,
                "forwarder_apikey_validation_interval": 0}
    if options.way != "handed-over":
        settings["heeler_state_path"] = folder / "state"
    debian = None
    if options.way == "debian":
        debian = Debian(options.exim, journal, folder / "exim")
        settings |= debian.settings()
    else:
        settings["heeler_smtp_url"] = f"smtp://localhost:{receivers.start_mail(journal)}?tls=never"
    return settings, debian


def run(options, folder):
    draws = random.Random(options.seed)
    journal = receivers.Journal(options.seed)
    settings, debian = begin(options, folder, journal)
    begin_s = time.time()
    about_s = max(options.times * (options.pause / 2 + 8), PHASE_S[1])
    gauges = {metric: [Gauge(draws, f"h{number:02}", levels, begin_s, begin_s + about_s,
                             options.interval)
                       for number in range(options.hosts)]
              for metric, (_, levels) in MONITORS.items()}
    watched = Watched(options, settings)
    try:
        sender = Sender(gauges, options.interval)
        sender.port = watched.server.udp_port
        sender.start()
        made = watched.get("/api/v1/monitor", MONITORS["alert.free"][0])
        kinds = disturb(options, draws, watched, journal, sender)
        frozen_s = begin_s + about_s + PHASE_S[0]
        time.sleep(max(0, frozen_s - time.time()))
        time.sleep((40 - time.time()) % MINUTE_S)       # that minute is evaluated, the next not yet
        last_minute_s = int(time.time()) // MINUTE_S * MINUTE_S
        wait_until_told(watched, journal, 400)
        if debian:
            debian.look()
        judge = Judge(journal, watched, gauges, last_minute_s)
        judge.judge({"alert.load": 41, "alert.free": made["id"]})
        watched.read_log()
    finally:
        watched.server.stop()
        if debian:
            debian.exim.stop()
    tell(kinds, judge, time.time() - begin_s)
    return judge.faults


def crash_loop(options, folder):
    """A server that dies whenever it has told somebody: no receiver gets more than its hour has."""
    draws, journal = random.Random(options.seed), receivers.Journal(options.seed)
    journal.well = True
    settings, _ = begin(options, folder, journal)
    watched = Watched(options, settings | {"heeler_notify_per_hour": PER_HOUR})
    gauges = [Gauge(draws, f"h{number:02}", LOAD, 0, 0, 1) for number in range(2 * PER_HOUR)]
    for gauge in gauges:
        gauge.phases = [(0, "Alert")]
    sender = Sender({"alert.load": gauges}, options.interval)
    sender.port = watched.server.udp_port
    sender.start()
    crashes, patience_s = 0, 2 * MINUTE_S
    try:
        while journal.arrival.wait(patience_s) and crashes < 2 * PER_HOUR:
            time.sleep(draws.choice((0, draws.uniform(0, 0.1))))
            watched.kill(draws)
            sender.port, patience_s = watched.server.udp_port, MINUTE_S // 2
            journal.arrival.clear()
            crashes += 1
        for _ in range(3):
            watched.usr2(draws)
            time.sleep(RECORD_S)
    finally:
        watched.server.stop()
    got = collections.Counter(one.receiver for one in journal.all())
    print(f"{crashes} crashes as soon as somebody was told, at most {PER_HOUR} an hour: {dict(got)}")
    return [f"too many an hour: {dict(got)}"] * (crashes == 0 or max(got.values(), default=0) > PER_HOUR)


def tell(kinds, judge, took_s):
    counts, lags_s = judge.counts, sorted(judge.lags_s)
    print(f"{sum(kinds.values())} disturbances in {took_s / 60:.0f} min: {dict(sorted(kinds.items()))}")
    print(f"{counts['changes']} changes to be told, {counts['again']} to be told again; "
          + ", ".join(f"{word} {counts[word]}" for word in (
              "missing", "two ids", "missing again", "too often", "late again", "out of order",
              "unexplained", "state")))
    print("; ".join(f"{word} {n}" for word, n in sorted(counts.items())
                    if word.startswith(("repeats", "tried"))))
    if judge.yes_to_end_s:
        print(f"from the yes to the end of who heard it: at most {max(judge.yes_to_end_s):.2f} s")
    print("minutes from the gauge to the change:", dict(sorted(judge.late_minutes.items())))
    if lags_s:
        print(f"from the minute to the webhook: {lags_s[len(lags_s) // 2]:.1f} s in the middle, "
              f"{lags_s[len(lags_s) * 99 // 100]:.1f} s of 99 %, {lags_s[-1]:.1f} s at most")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("way", choices=("killed", "handed-over", "debian", "looping"))
    parser.add_argument("--heeler", default="build/heeler")
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--hosts", type=int, default=15, help="of each of the two monitors")
    parser.add_argument("--pause", type=float, default=20, help="the longest between two, in seconds")
    parser.add_argument("--interval", type=int, default=10, help="heeler_interval")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.exim = shutil.which("exim4", path="/usr/sbin:/usr/bin")
    if options.way == "debian" and options.exim is None:
        print("skipped: exim4 is not installed (apt-get install exim4-daemon-light)")
        return
    folder = pathlib.Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        faults = (crash_loop if options.way == "looping" else run)(options, folder)
    finally:
        shutil.rmtree(folder)
    print("\n".join(f"FAIL {fault}" for fault in faults[:40]))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
