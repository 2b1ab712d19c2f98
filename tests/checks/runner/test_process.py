import os
import signal
import unittest

from tests.checks.runner.children import Checks, is_gone, wait_until
from runner import process


class HostileTest(unittest.TestCase):
    """Checks that take themselves out, and nobody else."""

    def setUp(self):
        self.checks = Checks(self)

    def ended(self, body, sentence, **options):
        """What a check of that body ends its process with."""
        self.checks.check(body)
        child = self.checks.loaded(**options)
        child.process.send({"op": "run", "time": 1700000000})
        self.assertIn(sentence, child.until_ended())
        return child

    def goes_on(self, body, **options):
        """A check of that body whose process lives on → the Child, the done of a first run."""
        self.checks.check(body)
        child = self.checks.loaded(**options)
        done = child.run()
        self.assertEqual(done["error"] is None, child.run(1700000015)["error"] is None)
        return child, done

    def test_one_that_sleeps_for_ever_is_killed_with_what_it_started(self):
        self.checks.check("""
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1e6)"])
            print("child", child.pid)
            time.sleep(1e6)
        """)
        child = self.checks.loaded()
        child.process.send({"op": "run", "time": 1})
        child.until_printed("child")
        pid = int(child.lines[0].split()[1])
        child.process.kill("a run of more than 60 s")
        self.assertEqual("a run of more than 60 s", child.until_ended())
        self.assertTrue(child.process.killed)
        wait_until(self, lambda: is_gone(pid))
        with self.assertRaises(ChildProcessError):
            os.waitpid(child.process.pid, 0)
        self.assertEqual([], child.process.descriptors())
        self.assertEqual([], child.process.step())

    def test_one_that_hangs_says_where(self):
        self.checks.write("helper.py", "import time\ndef wait():\n    time.sleep(1e6)\n")
        self.checks.check("import helper; helper.wait()")
        child = self.checks.loaded(seconds=0.1)
        child.process.send({"op": "run", "time": 1})
        place = f"{self.checks.code}/helper.py:3, in wait"
        child.until_at(place)
        child.process.kill("a run took too long")
        self.assertEqual(f"a run took too long: it was at {place}", child.until_ended())

    def test_one_that_hangs_while_it_is_loaded_says_where(self):
        self.checks.write("one.py", "import threading\n\nthreading.Event().wait()\n")
        child = self.checks.start(seconds=0.1)
        place = f"{self.checks.code}/one.py:3, in <module>"
        child.until_at(place)
        child.process.kill("loading it took too long")
        self.assertEqual(f"loading it took too long: it was at {place}", child.until_ended())

    def test_where_a_run_was_is_nothing_about_the_next(self):
        self.checks.check("""
            while not os.path.exists(instance["file"]):
                time.sleep(0.001)
        """)
        path = os.path.join(self.checks.base, "file")
        child = self.checks.loaded(seconds=0.1, instance={"file": path})
        child.process.send({"op": "run", "time": 1})
        child.until_at("one.py:")
        open(path, "w", encoding="ascii").close()
        child.until("done")
        child.process.kill("enough")
        self.assertEqual("enough", child.until_ended())

    def test_one_that_eats_a_gibibyte_has_an_error_and_goes_on(self):
        child, done = self.goes_on("""
            self.gauge("before", 1)
            held = []
            while len(held) < 1024:
                held.append(bytearray(1 << 20))
        """)
        self.assertIn("MemoryError", done["error"]["message"] + done["error"]["traceback"])
        self.assertEqual(["before"] * 2, [point.name for point in child.points()])

    def test_one_that_eats_a_gibibyte_in_small_bites(self):
        _, done = self.goes_on("""
            held = None
            while True:
                held = (held, "x" * 50)
        """, memory=96 << 20)
        self.assertIn("MemoryError", done["error"]["message"] + done["error"]["traceback"])

    def test_one_that_keeps_what_it_eats_does_not_grow(self):
        self.checks.check("""
            self.held = getattr(self, "held", [])
            while True:
                self.held.append(bytearray(1 << 16))
        """)
        child = self.checks.loaded()
        for number in range(3):
            child.process.send({"op": "run", "time": number + 1})
            if child.process.ended is None and child.until("done")["error"] is None:
                self.fail("it grew")

    def test_those_that_exit(self):
        child = self.ended("self.gauge('a', 1); os._exit(3)", "ended with exit status 3")
        self.assertFalse(child.process.killed)
        self.assertEqual([], child.points())
        for body, message in (("sys.exit(4)", "exit(4)"), ("raise SystemExit", "exit"),
                              ("raise KeyboardInterrupt()", "KeyboardInterrupt"),
                              ("raise GeneratorExit('x')", "x")):
            child, done = self.goes_on(body)
            self.assertIn(message, done["error"]["message"])
            self.assertIn("in check", done["error"]["traceback"])

    def test_those_that_die_by_a_signal(self):
        self.ended("os.kill(os.getpid(), signal.SIGSEGV)", "its process was ended by SIGSEGV")
        child = self.ended("os.kill(os.getpid(), signal.SIGKILL)",
                           "its process was ended by SIGKILL (as where memory runs out)")
        self.assertFalse(child.process.killed)
        self.ended("os.kill(os.getpid(), signal.SIGRTMIN + 3)", "by signal ")
        self.ended("import ctypes; ctypes.string_at(0)", "its process was ended by SIGSEGV")

    def test_one_that_prints_garbage(self):
        child, done = self.goes_on("""
            sys.stdout.buffer.write(b"\\x00\\xff\\x1b[2J" * 1000)
            os.write(1, b'\\n{"op":"done"}\\n')
            os.write(2, b"x" * 100000 + b"\\nlast\\n")
            print("\\ud800")
        """)
        self.assertIsNone(done["error"])
        child.until_printed("last")
        self.assertTrue(all(len(line) <= process.MAX_OUTPUT_LINE for line in child.lines))
        # Of each run one: the rest of a long line is none of its own.
        self.assertEqual(2, sum(line.startswith("xxx") for line in child.lines))

    def test_one_that_prints_a_million_lines(self):
        child, done = self.goes_on("""
            for _ in range(1000):
                os.write(1, b"line\\n" * 1000)
        """)
        self.assertIsNone(done["error"])
        child.process.send({"op": "cancel"})
        child.until_ended()
        self.assertEqual(2000000, len(child.lines) + child.more)

    def test_those_that_write_where_frames_are(self):
        for text in ('hello\\n', '{"op":"points","points":[1]}\\n', '[' * 1000 + '\\n'):
            child = self.ended(f"""
                for fd in range(3, 200):
                    try:
                        os.write(fd, b'{text}')
                    except OSError:
                        pass
                time.sleep(1e6)
            """, "its process wrote what is no frame to the runner")
            self.assertTrue(child.process.killed)

    def test_one_that_writes_without_an_end_of_line(self):
        self.ended("""
            while True:
                for fd in range(100, 103):
                    try:
                        os.write(fd, b'x' * 65536)
                    except OSError:
                        pass
        """, "its process wrote a line of more than 1048576 bytes to the runner")

    def test_one_that_floods_with_frames(self):
        self.ended("""
            line = b'{"op":"log","level":"info","text":"' + b"x" * 65000 + b'"}\\n'
            fds = [fd for fd in range(100, 103) if os.path.exists(f"/proc/self/fd/{fd}")]
            import fcntl
            fd = [fd for fd in fds if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_WRONLY][0]
            while True:
                at = 0
                while at < len(line):
                    at += os.write(fd, line[at:])
        """, "its process wrote more than 67108864 bytes to the runner in one run")

    def test_one_that_writes_to_descriptor_3(self):
        child, done = self.goes_on("""
            try:
                os.write(3, b"garbage")
            except OSError as error:
                print("error", error.errno)
        """)
        child.until_printed("error 9")
        self.assertIsNone(done["error"])

    def test_one_that_reads_its_standard_input(self):
        child, done = self.goes_on("print('read', repr(sys.stdin.read()))")
        child.until_printed("read ''")

    def test_one_that_closes_descriptors(self):
        self.ended("os.closerange(0, 256)", "its process ")
        child = self.ended("os.closerange(0, 256); time.sleep(1e6)",
                           "its process closed the descriptor of the runner")
        self.assertTrue(child.process.killed)
        child, done = self.goes_on("os.closerange(0, 100)")
        self.assertIsNone(done["error"])

    def test_one_that_has_a_clock_of_its_own(self):
        _, done = self.goes_on("time.monotonic = lambda: 0.0")
        self.assertEqual(0, done["seconds"])

    def test_one_that_submits_a_million_samples(self):
        self.checks.check("""
            for number in range(1000000):
                self.count("n", 1)
        """)
        child = self.checks.loaded()
        done = child.run()
        self.assertEqual((1000000, 1), (done["samples"], done["points"]))
        self.assertEqual([1e6], [point.value for point in child.points()])

    def test_one_with_more_contexts_than_a_run_may_have(self):
        self.checks.check("""
            for number in range(100100):
                self.gauge(f"n{number}", 1)
        """)
        child = self.checks.loaded(memory=1 << 30)
        done = child.run()
        self.assertEqual((100000, 100), (done["points"], done["dropped"]["contexts"]))
        self.assertEqual(100000, len(child.points()))

    def test_one_with_more_events_and_service_checks(self):
        child, done = self.goes_on("""
            for number in range(1500):
                self.service_check("up", 0)
                self.event({"msg_title": "a", "msg_text": "b"})
        """)
        self.assertEqual((1000, 1000), (done["events"], done["service_checks"]))
        self.assertEqual({"events": 500, "service_checks": 500}, done["dropped"])
        self.assertEqual(2000, len(child.of("event")))

    def test_what_no_frame_can_hold_is_dropped_and_counted(self):
        child, done = self.goes_on("""
            self.gauge("small", 1)
            self.gauge("n" * (2 << 20), 1)
            self.gauge("tagged", 1, tags=["t" * 600000])
            self.gauge("tagged too", 1, tags=["u" * 600000])
            self.event({"msg_title": "a", "msg_text": "b" * (2 << 20)})
            self.service_check("up", 0, message="m" * (2 << 20))
        """)
        self.assertEqual({"too_large": 3}, done["dropped"])
        self.assertEqual((3, 0, 0), (done["points"], done["events"], done["service_checks"]))
        self.assertEqual(["small", "tagged", "tagged too"],
                         [one.name for one in child.points()[:3]])

    def test_a_grandchild_that_keeps_the_pipes_open(self):
        child = self.ended("""
            if os.fork() == 0:
                time.sleep(1e6)
            os._exit(5)
        """, "its process ended with exit status 5")
        wait_until(self, lambda: is_gone(child.process.pid))

    def test_a_fork_that_comes_back_says_nothing(self):
        child, done = self.goes_on("""
            pid = os.fork()
            self.gauge("a", 1)
            self.service_check("up", 0)
            if pid:
                os.waitpid(pid, 0)
        """)
        self.assertEqual((1, 1), (done["points"], done["service_checks"]))
        self.assertEqual((2, 2), (len(child.points()), len(child.of("service_check"))))

    def test_recursion_without_end(self):
        _, done = self.goes_on("""
            def down():
                down()
            down()
        """)
        self.assertIn("maximum recursion depth", done["error"]["message"])

    def test_threads_that_go_on(self):
        child, done = self.goes_on("""
            def submit():
                while True:
                    self.count("n", 1)
                    time.sleep(0.0001)
            for _ in range(10):
                threading.Thread(target=submit).start()
            time.sleep(0.01)
        """)
        self.assertIsNone(done["error"])
        child.process.send({"op": "cancel"})
        self.assertEqual("its process ended with exit status 0", child.until_ended())

    def test_a_thread_that_raises_takes_nothing(self):
        child, done = self.goes_on("""
            thread = threading.Thread(target=lambda: 1 / 0)
            thread.start()
            thread.join()
            self.gauge("a", 1)
        """)
        self.assertIsNone(done["error"])
        child.until_printed("ZeroDivisionError")

    def test_an_exception_that_cannot_be_told(self):
        _, done = self.goes_on("""
            class Nasty(BaseException):
                def __str__(self):
                    raise ValueError("no")
            raise Nasty()
        """)
        self.assertTrue(done["error"]["message"])

    def test_what_may_not_be_had(self):
        child, done = self.goes_on("""
            import resource
            print("open", resource.getrlimit(resource.RLIMIT_NOFILE))
            print("core", resource.getrlimit(resource.RLIMIT_CORE))
            print("size", resource.getrlimit(resource.RLIMIT_FSIZE))
            print("space", resource.getrlimit(resource.RLIMIT_AS))
            print("session", os.getsid(0) == os.getpid(), "nice", os.nice(0))
            print("oom", open("/proc/self/oom_score_adj").read())
        """)
        child.until_printed("oom 500")
        for line in ("open (256, 256)", "core (0, 0)", f"size ({64 << 20}, {64 << 20})",
                     f"space ({256 << 20}, {256 << 20})"):
            self.assertIn(line, child.lines)
        self.assertTrue(any(line.startswith("session True nice ") for line in child.lines))

    def test_the_secrets_of_the_server_are_not_in_its_environment(self):
        self.checks.check("print(sorted(key for key in os.environ if key[:3] in ('DD_', 'NOT')))")
        given = {**os.environ, "DD_API_KEY": "k", "DD_APP_KEY": "k", "NOTIFY_SOCKET": "s",
                 "DD_X": "y"}
        before, os.environ = os.environ, given
        try:
            child = self.checks.loaded()
        finally:
            os.environ = before
        child.run()
        child.until_printed("['DD_X']")


class ProcessTest(unittest.TestCase):
    def setUp(self):
        self.checks = Checks(self)

    def test_it_ends_with_its_parent(self):
        self.checks.check("pass")
        child = self.checks.loaded()
        os.close(child.process._input_fd)
        child.process._input_fd = None
        self.assertEqual("its process ended with exit status 0", child.until_ended())

    def test_it_is_killed_with_its_parent_even_where_it_hangs(self):
        self.checks.check("print('hangs', flush=True); time.sleep(1e6)")
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                child = self.checks.loaded()
                child.process.send({"op": "run", "time": 1})
                child.until_printed("hangs")
                os.write(writer, str(child.process.pid).encode())
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        os.close(writer)
        with open(reader, "rb") as file:
            grandchild = int(file.read())
        wait_until(self, lambda: is_gone(grandchild))

    def test_a_program_that_is_none(self):
        for child in ("/none.py", os.devnull):
            one = process.Process(child)
            while one.ended is None:
                one.step()
            self.assertIn("its process ended with exit status", one.ended)

    def test_descriptors_are_all_given_back(self):
        self.checks.check("pass")
        before = sorted(os.listdir("/proc/self/fd"))
        for _ in range(3):
            child = self.checks.loaded()
            child.process.kill("enough")
            child.until_ended()
        self.assertEqual(len(before), len(os.listdir("/proc/self/fd")))

    def test_a_kill_after_the_end_hits_nobody(self):
        self.checks.check("os._exit(0)")
        child = self.checks.loaded()
        child.process.send({"op": "run", "time": 1})
        child.until_ended()
        child.process.kill("too late")
        self.assertEqual("its process ended with exit status 0", child.process.ended)
        self.assertFalse(child.process.killed)

    def test_signals_of_the_parent_are_not_the_childs(self):
        self.checks.check("print(signal.getsignal(signal.SIGTERM), "
                          "signal.pthread_sigmask(signal.SIG_BLOCK, []))")
        before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        try:
            child = self.checks.loaded()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            signal.signal(signal.SIGTERM, before)
        child.run()
        child.until_printed("0 set()")


if __name__ == "__main__":
    unittest.main()
