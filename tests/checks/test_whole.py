"""The program as it is installed: real processes, a socket for lines, a server for the rest."""

import signal
import socket
import unittest

from tests.checks.world import World, alive


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


if __name__ == "__main__":
    unittest.main()
