"""server/checks/runner/supervisor.py: the parent: whose turn it is, who is late, what changed.

        files ──► Watch ──► jobs ◄── Schedule ◄── seconds
                             │ start, run, cancel, kill
                             ▼
                          Process ──► frames ──► Sink ──► server
                                 └──► output ──► log

One thread and one wait (runner/loop.py); it never imports a check, and nothing that it calls waits.
It owns the jobs and their processes, from which it believes nothing: frames are checked where they
are decoded, and a process that breaks the rules is killed.

A file that became broken ends what ran by it, as a start of the Agent with that file would: what
runs is what the files say, today and after the next start alike. So numbers never come from
something that nobody can read any more, and the sentence about the file is not overlooked.
"""

import os

from runner import configuration
from runner.job import ABSENT, LOADING, READY, RUNNING, Job
from runner.reception import Reception
from runner.schedule import SECOND_NS, Schedule, Seconds
from runner.status import status_document, status_ended, status_runner
from runner.watch import Watch

LOOK_S = 2             # how often files are looked at
STATUS_S = 15          # how long the server hears nothing, at most
LEAVE_S = 3            # how long a process may take to end when it was asked to
LAST_S = 3             # how long the sink may take for what it still has, at the end
PUNCTUAL_S = 0.2       # how much too early may be called too late
SLOW_LOAD_S = 3        # one that loads for longer waits for something, and uses no processor
DOING = {LOADING: ", while it was loaded", RUNNING: ", during a run", READY: ", between two runs"}
STATUS_PATH = "/api/v1/checks/status"


class Supervisor:
    """`start` makes a process for a configured instance (runner/starter.py); `time` is the module,
    or a test's."""

    def __init__(self, settings, log, sink, start, loop, time):
        self.settings, self.log, self.sink, self.loop = settings, log, sink, loop
        self.start, self.time = start, time
        self.reception = Reception(settings, log, sink)
        self.jobs = {}
        self.schedule = Schedule()
        self.starting = []       # keys of jobs whose process is to be started, in this order
        self.job_of = {}         # process: its job
        self.leaving = {}        # process: until when it may take to end, as it was asked to
        self.problems = []       # with the files
        self.sink_problems = []
        self.slots = max(2, os.cpu_count() or 1)
        self.wall_ns = time.time_ns()
        self.seconds = Seconds(time.monotonic_ns(), self.wall_ns)
        self.second = self.seconds.last
        self.runner = status_runner(os.getpid(), settings.version, self.wall_ns // SECOND_NS)
        self.news = True         # something happened that the status should say
        self.told = None         # the second in which it was last told
        self.conf = Watch(lambda: configuration.signature([settings.confd_path]))
        self.code = Watch(lambda: configuration.signature([settings.additional_checksd]))

    # ---- the loop ----------------------------------------------------------

    def run(self):
        """Until the loop is told to end; then everybody is ended, and the server told."""
        self.conf.take()
        self.code.take()
        self.reload()
        self.loop.ready()
        while not self.loop.ending:
            self.turn()
            self.wait()
        self.end()

    def wait(self):
        began = self.now()
        self.loop.wait(self.sink, self.until_next())
        if self.loop.held:
            # A run that is over, and was not heard because the server was slow, is not late.
            for job in self.jobs.values():
                if job.deadline is not None:
                    job.deadline += self.now() - began

    def turn(self):
        """What is to be done now. Called after every wait, and at least once a second."""
        self.receive()
        self.wall_ns = self.time.time_ns()
        second = self.seconds.at(self.time.monotonic_ns(), self.wall_ns)
        if self.loop.look_at_once:
            self.loop.look_at_once = False
            self.log.info("SIGHUP: the files are looked at")
            self.look(True)
        if second != self.second:
            self.second = second
            self.tick()
        self.start_some()
        self.sink.turn(self.now())

    def tick(self):
        """Once in each second that is seen."""
        if self.second % LOOK_S == 0:
            self.look(False)
        self.end_late()
        self.loop.end_orphans(self.job_of)
        # Before the turns, so that "running" is said of those only that take some time.
        if self.told is None or self.news or self.second - self.told >= STATUS_S:
            self.tell()
        for key in self.schedule.due(self.second):
            self.take_turn(self.jobs[key])

    def now(self):
        return self.time.monotonic_ns() / SECOND_NS

    def until_next(self):
        """Seconds to the next second, and a little more, so that it has come when the wait is over;
        fewer when the sink has something to do before."""
        left = (SECOND_NS - self.time.time_ns() % SECOND_NS) / SECOND_NS + 0.0005
        now = self.now()
        due = self.sink.due(now)
        return left if due is None else min(left, max(due - now, 0))

    # ---- turns -------------------------------------------------------------

    def take_turn(self, job):
        if job.phase == RUNNING:
            self.schedule.skip(job.key, self.second)
            self.news = True
        elif job.phase == READY:
            self.schedule.take(job.key, self.second)
            self.begin_run(job)
        else:
            self.schedule.put_off(job.key, self.second)
            self.want_process(job)

    def begin_run(self, job):
        job.began(self.wall_ns // SECOND_NS, self.now())
        job.deadline = self.now() + self.settings.run_timeout_s
        job.process.send({"op": "run", "time": job.last_run})
        self.loop.follow(job.process)

    def want_process(self, job):
        if job.phase == ABSENT and job.key not in self.starting:
            self.starting.append(job.key)

    def start_some(self):
        """Few load at once, so that a start with a thousand instances is no storm."""
        if not self.starting:
            return
        now = self.now()
        busy = sum(job.phase == LOADING and now < job.slow_from for job in self.jobs.values())
        gone = {self.job_of[process].key for process in self.leaving}
        for key in list(self.starting):
            if busy >= self.slots:
                break
            if key not in gone:     # no instance has two processes
                self.starting.remove(key)
                self.start_process(self.jobs[key])
                busy += 1

    def start_process(self, job):
        try:
            job.process = self.start(job.configured, self.settings)
        except OSError as error:
            self.lose(job, f"its process could not be started: {error.strerror}", False)
            return
        self.job_of[job.process] = job
        self.loop.follow(job.process)
        job.phase = LOADING
        job.slow_from = self.now() + SLOW_LOAD_S
        job.deadline = self.now() + self.settings.run_timeout_s

    # ---- what processes say, and their ends --------------------------------

    def receive(self):
        for process in self.loop.take_ready():
            self.hear(process)

    def hear(self, process):
        job = self.job_of.get(process)
        if job is None:
            return      # it has ended since it was heard
        happened = process.step()
        self.loop.follow(process)
        for what, *details in happened:
            if what == "ended":
                self.has_ended(process, job, *details)
            elif job.process is not process:
                pass                     # it leaves: nobody wants it any more
            elif what == "frame":
                self.take_frame(job, *details)
            else:
                self.reception.printed(job, *details, self.now())

    def has_ended(self, process, job, sentence):
        del self.job_of[process]
        if self.leaving.pop(process, None) is None:
            self.lose(job, sentence, process.killed)

    def take_frame(self, job, frame):
        op = frame["op"]
        if op == "loaded" and job.phase == LOADING:
            self.loaded(job, frame)
        elif op == "failed" and job.phase == LOADING:
            self.refuse(job, frame)
        elif op == "done" and job.phase == RUNNING:
            self.reception.done(job, frame, self.now())
            job.learn_files(frame["files"])
            self.schedule.succeeded(job.key)
            job.deadline, self.news = None, True
            if job.stale:
                self.restart(job)
        elif op == "log" or (op in ("points", "service_check", "event") and job.phase == RUNNING):
            self.reception.take(job, frame, self.now())
        else:
            self.kill(job, f"its process said {op} to the runner where nobody had asked for it")

    def loaded(self, job, frame):
        job.phase, job.deadline = READY, None
        job.know_files(frame["files"])
        self.log.debug(f"{job.key}: loaded: {frame['class']} {frame['version']}")

    def refuse(self, job, frame):
        job.know_files(frame["files"])
        job.refused(frame["sentence"], frame["traceback"])
        self.reception.outcome(job, self.now())
        self.leave(job)
        self.schedule.back_off(job.key, self.second)
        self.news = True

    def lose(self, job, sentence, killed):
        """The process is gone."""
        job.lost(sentence if killed else sentence + DOING.get(job.phase, ""), killed, self.now())
        self.reception.lost(job, self.wall_ns // SECOND_NS, self.now())
        job.phase, job.process, job.deadline, job.stale = ABSENT, None, None, False
        self.schedule.back_off(job.key, self.second)
        self.news = True

    def kill(self, job, sentence):
        """It is lost as soon as its process has ended."""
        job.deadline = None
        job.process.kill(sentence)

    def end_late(self):
        """Also looks after those that something is expected from, should the kernel not tell."""
        now = self.now()
        for job in list(self.jobs.values()):
            # Runs begin a little after their second, and this is asked once a second.
            if job.deadline is not None and now + PUNCTUAL_S >= job.deadline:
                what = "loading it" if job.phase == LOADING else "a run"
                self.kill(job, f"{what} took longer than {self.settings.run_timeout_s} s")
        for process, deadline in self.leaving.items():
            if now >= deadline:
                process.kill("it did not end when it was asked to")
        for process, job in list(self.job_of.items()):
            if job.phase != READY or job.process is not process:
                self.hear(process)

    def leave(self, job):
        """Its process is asked to end, and forgotten when it has."""
        if job.process is not None:
            job.process.send({"op": "cancel"})
            self.loop.follow(job.process)
            self.leaving[job.process] = self.now() + LEAVE_S
        job.phase, job.process, job.deadline, job.stale = ABSENT, None, None, False

    def restart(self, job):
        """With the code as it is now. It is due when it was, without back-off."""
        self.leave(job)
        self.schedule.succeeded(job.key)
        self.want_process(job)

    # ---- files -------------------------------------------------------------

    def look(self, at_once):
        if self.conf.changed(at_once):
            self.reload()
        if self.code.changed(at_once):
            self.try_refused()
        for job in self.jobs.values():
            if job.code.changed(at_once):
                self.code_changed(job)

    def code_changed(self, job):
        self.log.info(f"{job.key}: its code has changed, it is loaded anew")
        if job.phase == RUNNING:
            job.stale = True
        elif job.phase == ABSENT:
            self.try_again(job)
        else:
            self.restart(job)

    def try_refused(self):
        """Something new lies beside the code: perhaps what they missed."""
        for job in self.jobs.values():
            if job.outcome == "refused" and job.phase == ABSENT:
                self.try_again(job)

    def try_again(self, job):
        self.schedule.soon(job.key, self.second)
        self.want_process(job)

    def reload(self):
        """Reads the files, and starts and ends what the difference is."""
        found = configuration.read(self.settings.confd_path)
        self.say_problems(found)
        wanted = {one.check_id: one for one in found.instances}
        for key in [key for key in self.jobs if key not in wanted]:
            self.forget(self.jobs.pop(key))
        for key, configured in wanted.items():
            if key in self.jobs:
                self.jobs[key].configured = configured    # its line may be another
            else:
                self.know(Job(configured))
        self.log.info(f"{len(self.jobs)} instances of {self.settings.confd_path}")
        self.news = True

    def say_problems(self, found):
        for say, sentences in ((self.log.error, found.problems), (self.log.warn, found.warnings)):
            for sentence in sentences:
                if sentence not in self.problems:
                    say(sentence)
        self.problems = found.problems + found.warnings

    def know(self, job):
        self.jobs[job.key] = job
        self.schedule.add(job.key, job.configured.interval_s, self.second)
        self.want_process(job)

    def forget(self, job):
        self.leave(job)
        self.schedule.remove(job.key)
        if job.key in self.starting:
            self.starting.remove(job.key)

    # ---- status and end ----------------------------------------------------

    def tell(self):
        self.news, self.told = False, self.second
        wall = self.wall_ns // SECOND_NS
        instances = []
        for key, job in self.jobs.items():
            turn = self.schedule.turns[key]
            instances.append(job.told(turn.skipped, wall + max(turn.next - self.second, 0)))
        self.say_sink_problems()
        self.sink.post(STATUS_PATH, status_document(instances, self.problems + self.sink_problems,
                                                    self.runner, self.sink.counts()))

    def say_sink_problems(self):
        problems = self.sink.problems()
        for problem in problems:
            if problem not in self.sink_problems:
                self.log.warn(problem)
        if self.sink_problems and not problems:
            self.log.info("what is reported is sent again")
        self.sink_problems = problems

    def end(self):
        """All are asked to end, and those that do not are killed."""
        self.log.info("ending")
        for key in list(self.jobs):
            self.forget(self.jobs.pop(key))
        # Whoever is late is killed; what the kernel does not let go is not waited for.
        deadline = self.now() + LEAVE_S + LAST_S
        while self.leaving and self.now() < deadline:
            self.end_late()
            self.receive()
            self.sink.turn(self.now())
            self.loop.wait(self.sink, 0.1)
        self.sink.post(STATUS_PATH, status_ended(self.problems, self.runner, self.sink.counts()))
        self.sink.end(LAST_S)
