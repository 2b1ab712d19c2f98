"""Many monitors over many series: their files, and how far behind the minute they are evaluated."""
import json
import threading
import time
import urllib.request

import results

MONITORS, GROUPS = 1000, 100
SERIES = MONITORS * GROUPS
LOOK_S = 0.2


def write(folder):
    """A monitor for each hundred pods of the profile `tagged`; together they are those of all series. The folder."""
    folder.mkdir()
    for number in range(MONITORS):
        query = f"sum(last_5m):sum:service.requests{{pod:000{number:03}*}} by {{pod}}.as_count() > 1000000"
        (folder / f"pods-{number:03}.json").write_text(json.dumps({
            "type": "query alert", "name": f"pods {number:03}", "query": query, "message": "too many requests",
            "options": {"thresholds": {"critical": 1000000}}}))
    return folder


def parse(text):
    """Of a page of metrics: {name and labels: value}"""
    pairs = (line.rpartition(" ") for line in text.splitlines() if line and line[0] != "#")
    return {name: float(value) for name, _, value in pairs}


class Looks(threading.Thread):
    """Reads the page of metrics five times a second. `page` is the last one; `behind_s` says of each round
    of evaluations how long behind its minute it was done, but for the first: that is of the start."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url = url
        self.page = {}
        self.rounds = 0
        self.behind_s = []
        self.ending = threading.Event()

    def run(self):
        while not self.ending.wait(LOOK_S):
            try:
                with urllib.request.urlopen(self.url, timeout=5) as answer:
                    self.take(parse(answer.read().decode()), time.time())
            except OSError:
                pass  # not there yet, or no more

    def take(self, page, now_s):
        rounds = int(page.get("heeler_monitor_evaluations_total", 0) // MONITORS)
        if rounds > self.rounds > 0:
            self.behind_s.append(now_s % 60)
        self.page, self.rounds = page, rounds

    def behind(self):
        """The first round after 100,000 births looks at all of them for each monitor; it is the longest."""
        if not self.behind_s:
            return {}
        return {"s behind the minute": results.median(self.behind_s), "s behind at most": max(self.behind_s)}

    def wrong(self, monitors):
        """A sentence, or nothing."""
        groups = self.page.get("heeler_monitor_groups", 0)
        if not self.page:
            return "the metrics page could not be read"
        if groups != monitors * GROUPS:
            return f"the monitors have {groups:.0f} groups"
        if monitors and (self.page["heeler_monitor_evaluations_late_total"] or not self.behind_s):
            return "evaluations are a minute late, or no minute was evaluated"
        return ""

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *unused):
        self.ending.set()
        self.join()
