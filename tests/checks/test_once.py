"""`heeler-checks --once`, --check-rate and --list, with real processes and without a server."""

import json
import os
import signal
import subprocess
import unittest

from tests.checks import CHECKS
from tests.checks.world import PYTHON, World, alive


class OnceTest(unittest.TestCase):
    def setUp(self):
        self.world = World(self)

    def test_a_table_and_nothing_is_sent(self):
        world = self.world
        world.seed("sendMyMetric.py", world.checksd / "sendMyMetric.py")
        world.seed("sendMyMetric.yaml", world.confd / "sendMyMetric.yaml")
        status, output, errors = world.run("--once", "sendMyMetric")
        self.assertEqual((0, ""), (status, errors))
        self.assertRegex(output, r"conf\.d/sendMyMetric\.yaml:4, every 40 s")
        self.assertRegex(output, r"AgentCheck\.my_metric +gauge +\d+ +-\n")
        self.assertEqual([], world.lines + world.series + world.documents)

    def test_rates_need_two_runs(self):
        world = self.world
        world.check("one", "self.n = getattr(self, 'n', 0) + 10; self.monotonic_count('c', self.n);"
                           " self.rate('r', self.n)")
        _, output, _ = world.run("--once", "one", "--json")
        self.assertEqual([], json.loads(output)["instances"][0]["metrics"])
        status, output, _ = world.run("--once", "one", "--json", "--check-rate")
        metrics = {one["name"]: one for one in json.loads(output)["instances"][0]["metrics"]}
        self.assertEqual((0, "count", 10.0, "gauge"), (status, metrics["c"]["type"],
                         metrics["c"]["value"], metrics["r"]["type"]))
        self.assertIn(round(10 / metrics["r"]["value"], 9), range(1, 120))

    def test_what_fails_is_told_with_its_status(self):
        world = self.world
        world.check("raiser", "print('\\x1b[31mred'); raise ValueError('boom')")
        status, output, errors = world.run("--once", "raiser")
        self.assertEqual(1, status)
        self.assertIn("Error: boom", output)
        self.assertIn("raiser.py\", line 7, in check", output)
        self.assertIn("\\x1b[31mred", errors)
        world.check("sleeper", "time.sleep(10 ** 6)")
        status, output, _ = world.run("--once", "sleeper", run_timeout_s=1)
        self.assertEqual(1, status)
        self.assertIn("longer than 1 s", output)
        world.check("leaver", "os._exit(3)")
        status, output, _ = world.run("--once", "leaver", "--check-rate")
        self.assertEqual(1, status)
        self.assertIn("exit status 3", output)

    def test_files_that_are_wrong(self):
        world = self.world
        world.seed("sendMyMetric.yaml.as-printed", world.confd / "sendMyMetric.yaml")
        status, _, errors = world.run("--once", "sendMyMetric")
        self.assertEqual(78, status)
        self.assertRegex(errors, r"sendMyMetric\.yaml:4: ")
        status, _, errors = world.run("--once", "nobody")
        self.assertEqual(78, status)
        self.assertIn("nobody", errors)

    def test_who_interrupts_it_leaves_nothing_behind(self):
        world = self.world
        world.check("sleeper", "print('asleep', os.getpid(), flush=True); time.sleep(10 ** 6)")
        command, descriptor = world.words(["--once", "sleeper"])
        # Where the tests run in the background SIGINT is ignored, and that is inherited.
        with subprocess.Popen(
                command, pass_fds=[descriptor], stderr=subprocess.PIPE, text=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as program:
            os.close(descriptor)
            pid = int(program.stderr.readline().split()[-1])
            program.send_signal(signal.SIGINT)
            self.assertEqual("", program.stderr.read())
        self.assertEqual((130, False), (program.returncode, alive(pid)))

    def test_a_reader_that_goes_away_is_no_traceback(self):
        world = self.world
        world.check("many", "[self.gauge(f'name.{n}', n) for n in range(50000)]")
        for words, lines in ((["--once", "many"], 1), (["--list"], 0)):
            command, descriptor = world.words(words)
            with subprocess.Popen(command, pass_fds=[descriptor], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True) as program:
                os.close(descriptor)
                for _ in range(lines):
                    program.stdout.readline()
                program.stdout.close()
                self.assertEqual("", program.stderr.read())

    def test_an_output_that_takes_nothing_is_told(self):
        world = self.world
        world.check("one", "self.gauge('one', 1)")
        for words in (["--once", "one"], ["--once", "one", "--json"], ["--list"]):
            command, descriptor = world.words(words)
            with open("/dev/full", "w") as full:
                done = subprocess.run(command, pass_fds=[descriptor], stdout=full,
                                      stderr=subprocess.PIPE, text=True)
            os.close(descriptor)
            self.assertEqual((1, "heeler-checks: standard output: No space left on device\n"),
                             (done.returncode, done.stderr))

    def test_without_yaml(self):
        done = subprocess.run([PYTHON, "-I", "-S", str(CHECKS / "heeler-checks")],
                              capture_output=True, text=True)
        self.assertEqual((1, f"heeler-checks: needs PyYAML for {PYTHON}: install the package "
                          "python3-yaml\n"), (done.returncode, done.stderr))

    def test_list(self):
        world = self.world
        world.check("one", "pass", 7)
        status, output, _ = world.run("--list")
        self.assertEqual(0, status)
        self.assertRegex(output, r"one +7 +conf\.d/one\.yaml:2 +one:[0-9a-f]{16}\n")
        world.seed("sendMyMetric.yaml.as-printed", world.confd / "sendMyMetric.yaml")
        status, output, _ = world.run("--list", "--json")
        self.assertEqual((78, 1, 1), (status, len(json.loads(output)["problems"]),
                                      len(json.loads(output)["instances"])))

    def test_words_and_settings_that_are_wrong(self):
        for words, settings, expected in [
                (["--what"], {}, 1), (["--once", "a", "--list"], {}, 1),
                (["--check-rate"], {}, 1), (["--json"], {}, 1),
                ([], {"run_timeout_s": "long"}, 78), ([], {"dogstatsd_address": "example"}, 78)]:
            status, _, errors = self.world.run(*words, **settings)
            self.assertEqual(expected, status, errors)
            self.assertRegex(errors, r"^heeler-checks: .*\n$")


if __name__ == "__main__":
    unittest.main()
