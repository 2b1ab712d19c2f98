"""The program as it is installed: real processes, a socket for lines, a server for the rest."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import unittest

from tests.checks.world import World


def alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def failing(world, name, state):
    told = world.told(name)
    return told if told.get("state") == state else None


class WholeTest(unittest.TestCase):
    def setUp(self):
        self.world = World(self)

    def seeds(self):
        world = self.world
        world.seed("sendMyMetric.py", world.checksd / "sendMyMetric.py")
        world.seed("sendMyMetric.yaml", world.confd / "sendMyMetric.yaml")
        world.seed("custom_check.py", world.checksd / "custom_check.py")
        world.conf("custom_check", "init_config:\n\ninstances:\n  - min_collection_interval: 1\n")

    def test_the_seeds_arrive_at_the_intervals_of_their_yaml(self):
        world = self.world
        self.seeds()
        program = world.start()
        world.until(lambda: world.stamps("AgentCheck.my_metric")
                    and len(world.stamps("my_metric")) >= 3 and world.told("sendMyMetric"))
        self.assertEqual(40, world.told("sendMyMetric")["interval_s"])
        stamps = world.stamps("my_metric")
        self.assertEqual(sorted(set(stamps)), stamps)
        # By the yaml alone it is another interval.
        world.conf("custom_check", "init_config:\n\ninstances:\n  - min_collection_interval: 3\n")
        world.until(lambda: world.told("custom_check").get("interval_s") == 3)
        last = world.stamps("my_metric")[-1]       # of before, or the first of the new interval
        world.until(lambda: len([at for at in world.stamps("my_metric") if at > last]) >= 4)
        later = world.stamps("my_metric")[-3:]
        self.assertEqual(0, (later[1] - later[0]) % 3, later)
        self.assertEqual(0, (later[2] - later[1]) % 3, later)
        children = world.children(program)
        self.assertEqual(2, len(children))
        program.terminate()
        self.assertEqual(0, program.wait())
        self.assertEqual([], [pid for pid in children if alive(pid)])
        self.assertEqual(([], True), (world.documents[-1]["instances"],
                                      world.documents[-1].get("ended")))

    def test_the_pair_as_printed_gives_a_sentence_each(self):
        world = self.world
        world.seed("sendMyMetric.py.as-printed", world.checksd / "sendMyMetric.py")
        world.seed("sendMyMetric.yaml", world.confd / "sendMyMetric.yaml")
        world.start()
        told = world.until(lambda: failing(world, "sendMyMetric", "refused"))
        self.assertIn("sendMyMetric.py:5: IndentationError", told["error"])
        # Repaired, it runs without anybody's help; then the yaml is as printed.
        world.seed("sendMyMetric.py", world.checksd / "sendMyMetric.py")
        world.until(lambda: failing(world, "sendMyMetric", "ok"))
        world.seed("sendMyMetric.yaml.as-printed", world.confd / "sendMyMetric.yaml")
        world.until(lambda: not world.told("sendMyMetric") and world.documents[-1]["problems"])
        self.assertRegex(world.documents[-1]["problems"][0], r"/sendMyMetric\.yaml:4: .* tab")
        world.until(lambda: "sendMyMetric.yaml:4: " in world.log)

    def test_bad_checks_take_only_themselves(self):
        world = self.world
        world.check("good", "self.gauge('good', 1); self.count('good.count', 2)")
        for name, body in [("sleeper", "time.sleep(10 ** 6)"), ("leaver", "os._exit(3)"),
                           ("eater", "self.kept = bytearray(1 << 30)"),
                           ("raiser", "self.gauge('before', 1); raise ValueError('boom')"),
                           ("writer", "[os.write(fd, b'garbage\\n') for fd in range(3, 256) "
                                      "if os.path.exists(f'/proc/self/fd/{fd}')]"),
                           ("printer", "print('\\x1b[31m' + 'x' * 10 ** 6); print('y\\n' * 10000)"),
                           ("warner", "self.warning('careful')")]:
            world.check(name, body)
        world.start(run_timeout_s=3, integration_check_status_enabled=True)
        for name, state in [("sleeper", "killed"), ("leaver", "backing off"), ("eater", "error"),
                            ("raiser", "error"), ("warner", "warning"), ("printer", "ok"),
                            ("writer", "killed")]:
            world.until(lambda: failing(world, name, state))
        self.assertIn("longer than 3 s", world.told("sleeper")["error"])
        self.assertIn("exit status 3", world.told("leaver")["error"])
        self.assertIn("MemoryError", world.told("eater")["error"])
        self.assertIn("boom", world.told("raiser")["traceback"])
        world.until(lambda: world.told("printer")["output"]["lines"] > 10000)
        self.assertTrue(world.stamps("before"))
        self.assertNotIn("\x1b", world.log)
        seen = len(world.stamps("good"))
        world.until(lambda: len(world.stamps("good")) >= seen + 3)
        self.assertEqual(0, world.told("good")["failures"])
        count = world.until(lambda: [one for one in world.series if one["metric"] == "good.count"])
        self.assertEqual(("count", 2.0), (count[0]["type"], count[0]["points"][0][1]))
        status = b"_sc|datadog.agent.check_status|%d|"
        for name, number in [(b"good", 0), (b"warner", 1), (b"raiser", 2), (b"sleeper", 2)]:
            world.until(lambda: any(line.startswith(status % number)
                                    and b"check:" + name in line for line in world.lines))

    def test_changed_code_is_loaded_anew(self):
        world = self.world
        world.check("one", "self.gauge('before', 1)")
        world.check("two", "self.gauge('two', 1)")
        program = world.start()
        world.until(lambda: world.stamps("before") and world.stamps("two"))
        children = set(world.children(program))
        world.check("one", "self.gauge('after', 1)")
        program.send_signal(signal.SIGHUP)
        world.until(lambda: world.stamps("after"))
        self.assertEqual(1, len(children & set(world.children(program))))

    def test_nobody_outlives_a_parent_that_is_killed(self):
        world = self.world
        world.check("one", "time.sleep(10 ** 6)")
        program = world.start()
        world.until(lambda: failing(world, "one", "running"))
        child, = world.children(program)
        program.kill()
        program.wait()
        world.until(lambda: not alive(child))

    def test_without_a_server_it_runs_and_ends(self):
        world = self.world
        world.check("one", "self.gauge('one', 1); self.count('two', 1)")
        with socket.socket() as nobody:     # bound, and not listening
            nobody.bind(("127.0.0.1", 0))
            program = world.start(dogstatsd_socket=str(world.base / "nobody"),
                                  http=[f"http://127.0.0.1:{nobody.getsockname()[1]}"])
            world.until(lambda: "cannot be reached" in world.log)
            program.terminate()
            self.assertEqual(0, program.wait())

    def test_the_service_manager_is_told(self):
        path = self.world.base / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(path))
            manager.settimeout(120)
            self.world.start({"NOTIFY_SOCKET": str(path)})
            self.assertEqual(b"READY=1", manager.recv(100))


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
        self.assertIn(10 / metrics["r"]["value"], range(1, 120))

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
        command, descriptor = world.words(["--once", "many"])
        with subprocess.Popen(command, pass_fds=[descriptor], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as program:
            os.close(descriptor)
            program.stdout.readline()
            program.stdout.close()
            self.assertEqual("", program.stderr.read())

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
