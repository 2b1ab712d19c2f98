"""tests/checks/test_end_to_end.py: a real server, real `heeler checks`, and a fake intake.

        data/seeds, data/hostile ──► heeler checks ──► heeler ──► tests/model/intake.py

All run at once for CHECKS_SECONDS (60; 600 is the long form): what people wrote, unmodified, checks
that misbehave in every way that we know of, and beside them metronomes, which have to be on time.
The tests look at what came to the intake, and at what the server says of it. HEELER is the built
program; without it all is skipped.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
DATA = TOP / "tests/checks/data"
HEELER = os.environ.get("HEELER") or str(TOP / "build/heeler")
SECONDS = int(os.environ.get("CHECKS_SECONDS", "60"))
PATIENCE_S = 60
RUN_TIMEOUT_S = 10
METRONOMES = {1: 1, 2: 2, 3: 5, 4: 5, 5: 5, 6: 15}      # number -> interval
HOSTILE = ("sleeps", "eats", "exits", "garbage", "prints", "submits", "forks", "raises")
FAILING = ("sleeps", "eats", "exits", "raises", "printed_code", "printed_yaml")
SLOW_HOSTILE = {"prints": 20, "submits": 30}             # they take a processor for seconds


def until(what, question):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come true")


class Sleeper(threading.Thread):
    """Only sleeps, and so tells how long this machine keeps anybody waiting. A turn is handed on by
    three processes, each of which may wait as long."""

    HANDS, NAP_S = 3, 0.1

    def __init__(self):
        super().__init__(daemon=True)
        self.longest_s, self.stopping = 0, False

    def run(self):
        while not self.stopping:
            begin = time.monotonic()
            time.sleep(self.NAP_S)
            self.longest_s = max(self.longest_s, time.monotonic() - begin - self.NAP_S)

    def stop(self):
        """How much later than on time is on time here."""
        self.stopping = True
        self.join()
        return self.HANDS * self.longest_s


class World:
    """The programs and their folder; run() is the whole of it, stop() leaves nothing behind."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="heeler-checks-"))
        self.folder.chmod(0o755)
        self.programs = []
        self.intake = None

    def run(self):
        sys.path.insert(0, str(TOP / "tests/model"))
        from intake import Intake
        self.intake = Intake().start()
        self.write_settings()
        self.write_checks()
        self.server = self.start("server", "run")
        until("a server", lambda: (self.folder / "http.sock").exists())
        self.runner = self.start("runner", "checks")
        until("the first status", lambda: self.checks().get("instances"))
        sleeper = Sleeper()
        sleeper.start()
        time.sleep(SECONDS / 2)
        self.changed = time.time()
        self.configure("custom_check", "min_collection_interval: 2")
        time.sleep(SECONDS / 2)
        self.held_up_s = sleeper.stop()
        self.document = self.checks()
        self.said = self.heeler("status")
        self.named = {one["name"] for one in
                      json.loads(self.heeler("status", "--json"))["checks"]["last"]["instances"]}
        self.end()

    def end(self):
        """First the runner, which tells the server, then the server, which flushes."""
        self.runner.send_signal(signal.SIGTERM)
        self.runner_status = self.runner.wait(PATIENCE_S)
        self.last_document = self.checks()
        self.server.send_signal(signal.SIGTERM)
        self.server_status = self.server.wait(PATIENCE_S)

    def stop(self):
        for program in self.programs:
            if program.poll() is None:
                program.kill()
                program.wait()
        if self.intake is not None:
            self.intake.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def write_settings(self):
        settings = {
            "api_key": "k", "dd_url": self.intake.url, "hostname": "checks.example",
            "heeler_interval": 1, "dogstatsd_port": "__random__", "bind_host": "127.0.0.1",
            "dogstatsd_socket": str(self.folder / "dsd.socket"), "heeler_instance_lock": None,
            "heeler_http_listen": f"unix:{self.folder}/http.sock",
            "confd_path": str(self.folder / "conf.d"),
            "additional_checksd": str(self.folder / "checks.d"),
            "heeler_checks_run_timeout": RUN_TIMEOUT_S}
        (self.folder / "heeler.yaml").write_text("".join(
            f"{key}: {value}\n" for key, value in settings.items() if value is not None))

    def write_checks(self):
        for name in ("conf.d", "checks.d"):
            (self.folder / name).mkdir()
            (self.folder / name).chmod(0o755)
        for path in [*DATA.glob("seeds/*.py"), *DATA.glob("hostile/*.py")]:
            self.put(f"checks.d/{path.name}", path.read_text())
        for name, place in [("sendMyMetric.yaml", "conf.d/sendMyMetric.yaml"),
                            ("sendMyMetric.py.as-printed", "checks.d/printed_code.py"),
                            ("sendMyMetric.yaml.as-printed", "conf.d/printed_yaml.yaml")]:
            self.put(place, (DATA / "seeds" / name).read_text())
        self.configure("printed_code", "min_collection_interval: 15")
        self.configure("custom_check", "min_collection_interval: 3")
        self.configure("metronome", *(f"{{n: {n}, min_collection_interval: {interval}}}"
                                      for n, interval in METRONOMES.items()))
        for name in HOSTILE:
            self.configure(name, f"min_collection_interval: {SLOW_HOSTILE.get(name, 5)}")

    def configure(self, name, *instances):
        self.put(f"conf.d/{name}.yaml",
                 "init_config:\n\ninstances:\n" + "".join(f"  - {one}\n" for one in instances))

    def put(self, place, text):
        """As an editor does: another file in the place of the one before. Who cloned the repository
        may let his group write, whose files are refused."""
        path = self.folder / place
        new = path.with_name(".new")
        new.write_text(text)
        new.chmod(0o644)
        new.rename(path)

    def start(self, name, *words):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("DD_")}
        with open(self.folder / f"{name}.log", "wb") as log:
            program = subprocess.Popen([HEELER, *words, "--config", self.folder / "heeler.yaml"],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       env=environment)
        self.programs.append(program)
        return program

    def heeler(self, *words):
        return subprocess.run([HEELER, *words, "--at", f"unix:{self.folder}/http.sock"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=PATIENCE_S).stdout

    def checks(self):
        """All that the server has heard of checks."""
        if self.server.poll() is not None or self.runner.poll() not in (None, 0):
            raise AssertionError(self.log("server") + self.log("runner"))
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.folder / "http.sock"))
            connection.sendall(b"GET /api/v1/checks HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        return json.loads(answer.partition(b"\r\n\r\n")[2])["last"] or {}

    def log(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")[-6000:]


class EndToEnd(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        if not os.access(HEELER, os.X_OK):
            raise unittest.SkipTest(f"{HEELER} is not built")
        cls.world = World()
        cls.addClassCleanup(cls.world.stop)
        cls.world.run()

    # ---- what people wrote ---------------------------------------------------

    def test_a_seed_arrives_every_forty_seconds(self):
        times = self.times("AgentCheck.my_metric")
        self.assertGreaterEqual(len(times), (SECONDS - 5) // 40)
        self.assertEqual({later - one for one, later in zip(times, times[1:])} - {40}, set())

    def test_the_interval_changes_by_the_yaml_alone(self):
        times = self.times("my_metric")
        before = [at for at in times if at < self.world.changed - 1]
        after = [at for at in times if at > self.world.changed + 6]
        self.on_time(before, 3)
        self.on_time(after, 2)
        self.assertGreater(len(after), (SECONDS / 2 - 10) / 2)

    def test_code_as_it_was_printed_gives_one_sentence_with_line_5(self):
        error = self.instance("printed_code")["error"]
        self.assertIn("checks.d/printed_code.py:5: IndentationError: ", error)
        self.assertNotIn("\n", error)
        self.assertIn("printed_code.py:5: IndentationError", self.world.said)

    def test_yaml_as_it_was_printed_gives_one_sentence_with_the_line_of_its_tab(self):
        line = (DATA / "seeds/sendMyMetric.yaml.as-printed").read_text().split("\n\t")[0].count("\n") + 2
        problems = [problem for problem in self.world.document["problems"] if "printed_yaml" in problem]
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(f"conf.d/printed_yaml.yaml:{line}: ", problems[0])
        self.assertIn("tab", problems[0])
        self.assertIn(f"printed_yaml.yaml:{line}: ", self.world.said)

    # ---- beside what misbehaves ----------------------------------------------

    def test_the_others_are_on_time(self):
        for n, interval in METRONOMES.items():
            with self.subTest(n=n, interval=interval):
                times = self.times("metronome", f"n:{n}")
                self.on_time(times, interval)
                least = (SECONDS - 3 - self.world.held_up_s) // interval
                self.assertGreaterEqual(len(times), least)

    def test_a_run_begins_in_the_second_that_it_is_stamped_with(self):
        late = {}
        for (name, _, tags, _, _, at), value in self.world.intake.points.items():
            if name == "metronome":
                late[value - at] = tags
        self.assertGreaterEqual(min(late), 0)
        self.assertLess(max(late), 2 + self.world.held_up_s, late[max(late)])

    def test_counts_keep_their_type_and_none_is_lost(self):
        for n in METRONOMES:
            kinds = {key[4] for key in self.world.intake.points
                     if key[0] == "metronome.beats" and f"n:{n}" in key[2]}
            self.assertEqual(kinds, {"count"})
            self.assertEqual(self.times("metronome.beats", f"n:{n}"), self.times("metronome", f"n:{n}"))

    def test_each_that_misbehaves_is_named(self):
        self.assertEqual(set(HOSTILE) - self.world.named, set())
        for name in FAILING:
            self.assertRegex(self.world.said, rf"\b{name}\b")

    def test_one_that_sleeps_is_killed_and_put_off(self):
        sleeps = self.instance("sleeps")
        self.assertGreaterEqual(sleeps["kills"], 1)
        self.assertIn(f"took longer than {RUN_TIMEOUT_S} s", sleeps["error"])

    def test_one_that_eats_has_an_error_and_runs_on(self):
        eats = self.instance("eats")
        self.assertIn("MemoryError", eats["error"])
        self.on_time(self.times("eats.before"), 5)
        self.assertEqual(self.times("eats.after"), [])

    def test_one_that_exits_is_started_again_later_each_time(self):
        exits = self.instance("exits")
        self.assertRegex(exits["error"], r"3, during a run")
        self.assertGreaterEqual(exits["failures"], 2)
        self.assertGreater(exits["next_run"] - exits["last_run"], 5)

    def test_one_that_raises_has_its_samples_and_one_sentence(self):
        raises = self.instance("raises")
        self.on_time(self.times("raises.before"), 5)
        self.assertEqual(raises["error"], "the pump is\nbroken")
        self.assertRegex(self.world.said, r"the pump is\S+broken")
        self.assertEqual(raises["failures"], raises["runs"])

    def test_one_that_submits_too_much_loses_the_rest_and_says_so(self):
        submits = self.instance("submits")
        self.assertTrue(sum(submits.get("dropped", {}).values()) >= 900000 or submits["error"], submits)

    def test_what_is_printed_is_counted_and_a_log_stays_small(self):
        self.assertGreater(self.instance("prints")["output"]["lines"], 1000)
        self.assertLess((self.world.folder / "runner.log").stat().st_size, 1 << 20)

    # ---- the books -------------------------------------------------------------

    def test_the_intake_has_nothing_to_complain_of(self):
        self.assertEqual(self.world.intake.violations[:3], [])
        self.assertEqual(self.world.intake.duplicates[:3], [])
        self.assertIn("imbalance=0/0/0", self.world.log("server"))

    def test_the_runner_ends_in_order_and_leaves_nobody(self):
        self.assertEqual((self.world.runner_status, self.world.server_status), (0, 0))
        self.assertEqual(self.world.last_document.get("instances"), [])
        self.assertEqual(self.processes(), [])

    # ---- what the tests ask ------------------------------------------------------

    def times(self, name, tag=None):
        """The seconds of its points, as they came to the intake."""
        return sorted(key[5] for key in self.world.intake.points
                      if key[0] == name and (tag is None or tag in key[2]))

    def on_time(self, times, interval):
        """Each within a second of its place in the rhythm of the first, or what the machine takes."""
        self.assertTrue(times)
        most_s = 1 + self.world.held_up_s
        for place, at in enumerate(times):
            self.assertLessEqual(abs(at - times[0] - place * interval), most_s, (place, times))

    def instance(self, name):
        found = [one for one in self.world.document["instances"] if one["name"] == name]
        self.assertEqual(len(found), 1, [one["name"] for one in self.world.document["instances"]])
        return found[0]

    def processes(self):
        """Those that still run a check, or what one forked: all have the runner's number."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:
                continue
            if str(self.world.runner.pid).encode() in words and any(
                    word.endswith(b"child.py") for word in words):
                found.append(words)
        return found


if __name__ == "__main__":
    unittest.main()
