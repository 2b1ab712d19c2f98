"""The supervisor with a clock, processes and a sink that the test moves: no second passes."""

import os
import tempfile
import unittest
from random import Random

from runner.job import ABSENT, LOADING, READY, RUNNING
from runner.log import Log
from runner.point import Point
from runner.schedule import SECOND_NS
from runner.settings import Settings
from runner.supervisor import LEAVE_S, STATUS_S, Supervisor

START_S = 1700000000
TIMEOUT_S = 10


class Clock:
    def __init__(self):
        self.monotonic, self.wall = 5000 * SECOND_NS, START_S * SECOND_NS

    def monotonic_ns(self):
        return self.monotonic

    def time_ns(self):
        return self.wall


class FakeProcess:
    """Says what the test has it say."""

    def __init__(self, configured):
        self.configured = configured
        self.sent, self.happened = [], []
        self.killed, self.reason, self.ended = False, None, None
        self.ends_when_asked, self.over = True, False

    def send(self, frame):
        self.sent.append(frame)
        if frame["op"] == "cancel" and self.ends_when_asked:
            self.end("its process ended with exit status 0")

    def kill(self, sentence):
        self.killed = self.killed or not self.over
        self.end(sentence)

    def say(self, **frame):
        if not self.over:
            self.happened.append(("frame", frame))

    def end(self, sentence):
        """Once; and it says nothing after that."""
        if not self.over:
            self.happened.append(("ended", sentence))
        self.over = True

    def step(self):
        happened, self.happened = self.happened, []
        return happened

    def runs(self):
        return [frame["time"] for frame in self.sent if frame["op"] == "run"]


class FakeLoop:
    """Everybody is heard in every turn."""

    def __init__(self):
        self.ending = self.look_at_once = False
        self.known = {}
        self.no_orphans = None

    def follow(self, process):
        self.known[process] = True

    def wait(self, _sink, _seconds):
        self.while_waiting()

    def take_ready(self):
        return list(self.known)

    def end_orphans(self, processes):
        self.no_orphans = list(processes)


class FakeSink:
    def __init__(self):
        self.had, self.service_checks, self.documents = [], [], []

    def points(self, points):
        self.had += points

    def service_check(self, *fields):
        self.service_checks.append(fields)

    def event(self, event):
        self.had.append(event)

    def post(self, path, body):
        self.documents.append((path, body))

    def turn(self, now):
        pass

    def end(self, _seconds):
        self.has_ended = True

    def counts(self):
        return {}

    def due(self, _now):
        return None

    def problems(self):
        return []


def done(**fields):
    return {"op": "done", "seconds": 0.5, "samples": 0, "points": 0, "events": 0,
            "service_checks": 0, "error": None, "warnings": [], "dropped": {}, "metadata": {},
            "files": [], **fields}


class SupervisorTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.confd = os.path.join(folder.name, "conf.d")
        self.checksd = os.path.join(folder.name, "checks.d")
        for path in (self.confd, self.checksd):
            os.mkdir(path, 0o755)
        self.clock, self.loop, self.sink = Clock(), FakeLoop(), FakeSink()
        self.processes = []
        self.answers = True      # processes load, and runs go well
        self.supervisor = None

    def write(self, name, *instances):
        path = os.path.join(self.confd, name + ".yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("instances:\n" + "".join(f"  - {{{one}}}\n" for one in instances))
        os.chmod(path, 0o644)

    def start(self, **settings):
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        self.addCleanup(os.close, write)
        self.supervisor = Supervisor(
            Settings({"confd_path": self.confd, "additional_checksd": self.checksd,
                      "run_timeout_s": TIMEOUT_S, **settings}),
            Log("off", fd=write), self.sink, self.make, self.loop, self.clock)
        self.supervisor.conf.take()
        self.supervisor.code.take()
        self.supervisor.reload()

    def make(self, configured, _settings):
        self.processes.append(FakeProcess(configured))
        return self.processes[-1]

    def answer(self):
        for process in self.processes if self.answers else []:
            job = self.supervisor.job_of.get(process)
            if job and job.process is process and job.phase == LOADING:
                process.say(op="loaded", **{"class": "One"}, version="1", files=[])
            elif job and job.process is process and job.phase == RUNNING:
                process.say(**done())

    def turn(self, passed_ns=0, wall_ns=None):
        self.clock.monotonic += passed_ns
        self.clock.wall += passed_ns if wall_ns is None else wall_ns
        self.supervisor.turn()

    def pass_seconds(self, seconds):
        for _ in range(seconds):
            self.turn(SECOND_NS)
            self.answer()
            self.turn()

    def job(self, name="one"):
        return next(job for job in self.supervisor.jobs.values() if job.name == name)

    def test_an_instance_runs_at_its_interval_from_soon_on(self):
        self.write("one", "min_collection_interval: 40")
        self.start()
        self.answer()
        self.pass_seconds(100)
        runs = self.processes[0].runs()
        self.assertEqual(3, len(runs))
        self.assertLessEqual(runs[0] - START_S, 3)
        self.assertEqual([40, 40], [after - before for before, after in zip(runs, runs[1:])])
        self.assertEqual(1, len(self.processes))

    def test_a_wall_clock_that_is_set_neither_stops_nor_storms(self):
        self.write("one", "min_collection_interval: 5")
        self.start()
        self.pass_seconds(20)
        before = len(self.processes[0].runs())
        for step in (-86400, 86400 * 30):
            self.turn(0, step * SECOND_NS)
            self.pass_seconds(20)
            after = len(self.processes[0].runs())
            self.assertEqual(4, after - before)
            before = after
        self.assertEqual(0, self.supervisor.schedule.turns[self.job().key].skipped)

    def test_few_load_at_once_and_one_that_hangs_holds_nobody_up(self):
        self.write("one", *(f"a: {number}" for number in range(50)))
        self.start()
        self.answers = False
        self.turn()
        self.assertEqual(self.supervisor.slots, len(self.processes))
        self.pass_seconds(4)
        self.assertGreater(len(self.processes), self.supervisor.slots)

    def test_one_that_takes_long_to_load_is_left_alone(self):
        self.write("one", "")
        self.start(run_timeout_s=60)
        self.answers = False
        self.pass_seconds(30)
        self.assertEqual((1, LOADING), (len(self.processes), self.job().phase))

    def test_a_run_that_takes_too_long_is_killed_and_backs_off(self):
        self.write("one", "min_collection_interval: 5")
        self.start()
        self.pass_seconds(2)
        self.answers = False
        self.pass_seconds(5)
        self.assertEqual(RUNNING, self.job().phase)
        self.pass_seconds(TIMEOUT_S + 1)
        self.assertTrue(self.processes[0].killed)
        self.assertEqual(("killed", ABSENT, 1), (self.job().outcome, self.job().phase,
                         self.job().kills))
        self.assertIn(f"longer than {TIMEOUT_S} s", self.job().error)
        self.assertEqual(1, self.supervisor.schedule.turns[self.job().key].skipped)
        self.pass_seconds(6)
        self.assertEqual(1, len(self.processes))
        self.answers = True
        self.pass_seconds(8)
        self.assertEqual((2, "ok"), (len(self.processes), self.job().state()))

    def test_time_in_which_nobody_is_heard_is_not_the_checks(self):
        self.write("one", "min_collection_interval: 600")
        self.start()
        self.pass_seconds(1)
        self.answers = False
        while self.job().phase != RUNNING:
            self.pass_seconds(1)

        def hold():
            self.clock.monotonic += 2 * TIMEOUT_S * SECOND_NS
            self.clock.wall += 2 * TIMEOUT_S * SECOND_NS
        self.loop.while_waiting = hold
        self.loop.held = True
        self.supervisor.wait()
        self.pass_seconds(1)
        self.assertFalse(self.processes[0].killed)
        self.loop.held = False
        self.supervisor.wait()
        self.pass_seconds(1)
        self.assertTrue(self.processes[0].killed)

    def test_a_process_that_dies_takes_only_its_instance(self):
        self.write("one", "min_collection_interval: 5")
        self.write("two", "min_collection_interval: 5")
        self.start()
        self.pass_seconds(10)
        next(one for one in self.processes if one.configured.name == "one").end("it died")
        self.pass_seconds(1)
        self.assertEqual("backing off", self.job("one").state())
        self.assertIn("it died", self.job("one").error)
        self.pass_seconds(60)
        self.assertEqual(("ok", "ok"), (self.job("one").state(), self.job("two").state()))
        self.assertEqual(0, self.job("two").failures)
        self.assertEqual(0, self.supervisor.schedule.turns[self.job("one").key].failures)

    def test_what_cannot_be_loaded_is_refused_and_tried_again(self):
        self.write("one", "")
        self.start()
        self.answers = False
        self.turn()
        self.processes[0].say(op="failed", sentence="one.py:5: IndentationError", traceback="",
                              files=[])
        self.turn()
        self.assertEqual(("refused", "one.py:5: IndentationError"),
                         (self.job().state(), self.job().error))
        # Something new beside the code, and when it rests:
        with open(os.path.join(self.checksd, "new.py"), "w", encoding="utf-8"):
            pass
        self.pass_seconds(5)
        self.assertEqual(2, len(self.processes))

    def test_a_process_that_says_what_nobody_asked_for_is_killed(self):
        self.write("one", "")
        self.start()
        self.pass_seconds(1)
        self.processes[0].say(op="points", points=[Point("gauge", "a", 1.0, 1, (), None)])
        self.turn()
        self.turn()
        self.assertTrue(self.processes[0].killed)
        self.assertEqual(([], "killed"), (self.sink.had, self.job().outcome))

    def test_orphans_are_not_ours(self):
        self.write("one", "")
        self.start()
        self.pass_seconds(2)
        self.assertEqual(self.processes, self.loop.no_orphans)

    def test_what_a_run_reports_goes_on(self):
        self.write("one", "password: hunter22")
        self.start()
        self.pass_seconds(1)
        self.answers = False
        while self.job().phase != RUNNING:
            self.pass_seconds(1)
        point = Point("gauge", "a", 1.0, 1, (), None)
        self.processes[0].say(op="points", points=[point])
        self.processes[0].say(op="service_check", name="can", status=0, tags=[], host=None,
                              message=None, timestamp=1)
        self.processes[0].say(op="service_check", name="can", status=2, tags=[], host=None,
                              message="no hunter22", timestamp=1)
        self.processes[0].say(op="event", msg_title="T")
        self.processes[0].say(**done(points=1))
        self.turn()
        self.assertEqual([point, {"op": "event", "msg_title": "T"}], self.sink.had)
        self.assertEqual([("can", 0, [], None, None, 1), ("can", 2, [], None, "no ********", 1)],
                         self.sink.service_checks)
        self.assertEqual(1, self.job().last["metrics"])

    def test_the_status_of_a_check_is_a_service_check_where_that_is_wanted(self):
        self.write("one", "min_collection_interval: 1")
        self.start(integration_check_status_enabled=True)
        self.pass_seconds(4)
        self.answers = False
        self.pass_seconds(1)
        self.processes[0].say(**done(warnings=["careful"]))
        self.pass_seconds(1)
        self.processes[0].say(**done(error={"message": "boom", "traceback": ""}))
        self.turn()
        told = [fields[:4] for fields in self.sink.service_checks]
        name = "datadog.agent.check_status"
        tags = ["check:one", "dd_enable_check_intake:true"]
        self.assertEqual([(name, status, tags, None) for status in (0, 1, 2)],
                         [told[0], told[-2], told[-1]])

    def test_files_that_change_are_read_when_they_rest(self):
        self.write("one", "a: 1")
        self.write("two", "a: 1")
        self.start()
        self.pass_seconds(3)
        two = self.job("two").process
        self.write("one", "a: 2")
        self.write("three", "a: 1")
        self.pass_seconds(6)
        self.assertEqual(["one", "three", "two"],
                         sorted(job.name for job in self.supervisor.jobs.values()))
        self.assertEqual({"a": 2}, self.job("one").configured.instance)
        self.assertIs(two, self.job("two").process)
        self.assertEqual({}, self.supervisor.leaving)

    def test_a_file_that_became_broken_ends_what_ran_by_it(self):
        self.write("one", "a: 1")
        self.write("two", "a: 1")
        self.start()
        self.pass_seconds(3)
        self.write("one", "a: 1}\n\t- {")
        self.loop.look_at_once = True
        self.turn()
        self.assertEqual(["two"], [job.name for job in self.supervisor.jobs.values()])
        self.assertRegex(self.supervisor.problems[0], r"one\.yaml:\d+: ")

    def test_changed_code_restarts_whose_it_is_and_after_the_run(self):
        code = os.path.join(self.checksd, "one.py")
        with open(code, "w", encoding="utf-8") as file:
            file.write("1")
        self.write("one", "")
        self.write("two", "")
        self.start()
        self.pass_seconds(1)
        self.job("one").know_files([code])
        self.answers = False
        while self.job("one").phase != RUNNING or self.job("two").phase != READY:
            if self.job("two").phase == RUNNING:
                self.job("two").process.say(**done())
            self.pass_seconds(1)
        before = self.job("one").process, self.job("two").process
        with open(code, "w", encoding="utf-8") as file:
            file.write("22")
        self.loop.look_at_once = True
        self.turn()
        self.assertEqual((before[0], True), (self.job("one").process, self.job("one").stale))
        before[0].say(**done())
        self.pass_seconds(2)
        self.assertIsNot(before[0], self.job("one").process)
        self.assertIs(before[1], self.job("two").process)
        self.assertEqual(0, self.job("one").failures)

    def running(self, *names):
        """A process amid its run, which came from the first of these files → it, and the paths."""
        paths = [os.path.join(self.checksd, name) for name in names]
        for path in paths:
            self.write_code(path, "1")
        self.write("one", "")
        self.start()
        self.pass_seconds(1)
        self.job().know_files(paths[:1])
        self.answers = False
        while self.job().phase != RUNNING:
            self.pass_seconds(1)
        return self.job().process, paths

    def write_code(self, path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def test_changed_code_that_a_run_imported_restarts_it_too(self):
        process, paths = self.running("one.py", "helper.py")
        process.say(**done(files=paths))
        self.turn()
        self.assertEqual((READY, process), (self.job().phase, self.job().process))
        self.write_code(paths[1], "22")
        self.loop.look_at_once = True
        self.turn()
        self.turn()
        self.assertIsNot(process, self.job().process)
        self.assertFalse(process.killed)

    def test_code_that_changed_before_a_run_told_of_more(self):
        process, paths = self.running("one.py", "helper.py")
        self.write_code(paths[0], "22")
        process.say(**done(files=paths))
        self.turn()
        self.turn()
        self.assertIsNot(process, self.job().process)
        self.assertFalse(process.killed)

    def test_an_instance_never_has_two_processes(self):
        self.write("one", "a: 1")
        self.start()
        self.pass_seconds(3)
        first = self.processes[0]
        first.ends_when_asked = False
        self.write("one", "a: 2")
        self.loop.look_at_once = True
        self.turn()
        self.write("one", "a: 1")
        self.loop.look_at_once = True
        self.turn()
        again = [one for one in self.processes[1:] if one.configured.instance == {"a": 1}]
        self.assertEqual([], again)
        self.pass_seconds(LEAVE_S + 2)
        self.assertTrue(first.killed)
        again = [one for one in self.processes[1:] if one.configured.instance == {"a": 1}]
        self.assertEqual(1, len(again))

    def test_the_server_hears_of_what_happens_and_now_and_then(self):
        self.write("one", "min_collection_interval: 600")
        self.start()
        self.pass_seconds(3)
        before = len(self.sink.documents)
        self.pass_seconds(2 * STATUS_S)
        self.assertIn(len(self.sink.documents) - before, (2, 3))

    def test_an_end_waits_for_nobody_who_cannot_be_ended(self):
        self.write("one", "")
        self.write("two", "")
        self.start()
        self.pass_seconds(3)
        self.job("one").process.over = True      # it will not say that it has ended

        def hold():
            self.clock.monotonic += SECOND_NS // 10
        self.loop.while_waiting = hold
        self.supervisor.end()
        self.assertEqual(1, len(self.supervisor.leaving))
        self.assertIn(b'"ended":true', self.sink.documents[-1][1])
        self.assertTrue(self.sink.has_ended)

    def anything(self, random):
        """One of the things that may happen."""
        process = random.choice(self.processes) if self.processes else None
        what = random.randrange(12)
        if what == 0:
            self.write(random.choice("abc"), *(f"min_collection_interval: {random.randint(1, 5)}, "
                                               f"a: {n}" for n in range(random.randint(1, 3))))
        elif what == 1:
            path = os.path.join(self.confd, random.choice("abc") + ".yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(random.choice(["", "\t- {", "instances: []"]))
        elif what == 2:
            self.loop.look_at_once = True
        elif what == 3:
            self.turn(0, random.randint(-10 ** 6, 10 ** 6) * SECOND_NS // 1000)
        elif process is not None and what == 4:
            process.end("its process ended with exit status 1")
        elif process is not None and what == 5:
            process.ends_when_asked = False
        elif process is not None and what == 6:
            process.say(op=random.choice(["points", "log"]), points=[], level="info", text="x")
        elif process is not None and what == 7:
            process.say(op="failed", sentence="no", traceback="", files=[self.checksd])
        else:
            self.answers = random.random() < 0.8
            self.pass_seconds(random.randint(1, 8))

    def one_process_each(self):
        alive = {}
        for process, job in self.supervisor.job_of.items():
            self.assertNotIn(job.key, alive)
            alive[job.key] = process

    def test_whatever_happens_every_instance_runs_again(self):
        for seed in range(20):
            random = Random(seed)
            self.setUp()
            self.write("a", "a: 1")
            self.start()
            for _ in range(120):
                self.anything(random)
                self.one_process_each()
            self.answers = True
            for name in "abc":
                self.write(name, "min_collection_interval: 5")
            self.pass_seconds(700)
            states = [(job.name, job.state()) for job in self.supervisor.jobs.values()]
            self.assertEqual([(name, "ok") for name in "abc"], sorted(states), f"seed {seed}")
            self.assertEqual(({}, 3), (self.supervisor.leaving, len(self.supervisor.job_of)))


if __name__ == "__main__":
    unittest.main()
