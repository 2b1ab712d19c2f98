import os
import tempfile
import unittest

from tests.checks.offered.recording import RecordedTest

from checks import AgentCheck, CheckException

YAML = "init_config:\n  a: 1\ninstances:\n  - b: 2\n  - b: 3\n"


class Agent5Test(RecordedTest):
    def test_sets(self):
        class Check(AgentCheck):
            def check(self, instance):
                for value in ("x", "y", "x", 1):
                    self.set("m", value, tags=["a"])
                self.set("m", "x", hostname="h", device_name="sda")
        check = Check("n", {}, [{}])
        for _ in range(2):
            self.recorder.reset()
            self.assertEqual("", check.run())
            self.assertEqual([("m", 3.0, ["a"], None), ("m", 1.0, ["device:sda"], "h")],
                             [(one.name, one.value, one.tags, one.hostname)
                              for one in self.recorder.metrics])

    def test_from_yaml(self):
        check, instances = AgentCheck.from_yaml(yaml_text=YAML, check_name="n")
        self.assertEqual(("n", {"a": 1}, [{"b": 2}, {"b": 3}]),
                         (check.name, check.init_config, instances))
        self.assertEqual(2, check.instance_count())
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "mine.yaml")
            with open(path, "w") as file:
                file.write(YAML)
            check, instances = AgentCheck.from_yaml(path)
        self.assertEqual(("mine", 2), (check.name, len(instances)))

    def test_read_config(self):
        instance = {"port": "80"}
        self.assertEqual(80, AgentCheck.read_config(instance, "port", "no port", int))
        with self.assertRaisesRegex(CheckException, "^no host$"):
            AgentCheck.read_config(instance, "host", "no host", str)
        with self.assertRaisesRegex(CheckException, "needs 'host'"):
            AgentCheck.read_config(instance, "host", None, str)
        with self.assertRaises(ValueError):
            AgentCheck.read_config({"port": "x"}, "port", "no port", int)

    def test_others(self):
        check = AgentCheck("n", {}, [{}])
        self.assertEqual({}, check.get_library_versions())
        self.assertFalse(check.has_warnings())
        self.assertIsNone(check.stop())

    def test_proxies(self):
        check = AgentCheck("n", {}, [{}])
        none = {"http": "", "https": ""}
        self.agent.config["proxy"] = {"http": "p", "no_proxy": ["skipped.example"]}
        cases = (
            # instance, uri, proxies, result, why
            ({}, "http://a.example", None, {"http": "p"}, "the agent's"),
            ({}, "http://skipped.example/x", None, none, "among no_proxy"),
            ({}, "http://a.skipped.example/x", None, none, "its subdomain, too"),
            ({}, "http://notskipped.example/x", None, {"http": "p"}, "and no other"),
            ({"no_proxy": True}, "http://a.example", None, none, "the instance wants none"),
            ({"skip_proxy": "yes"}, "http://a.example", None, none, "by its newer name"),
            ({}, "http://a.example", {"http": "q"}, {"http": "q"}, "the check's own"),
        )
        for instance, uri, proxies, expected, why in cases:
            with self.subTest(why):
                self.assertEqual(expected, check.get_instance_proxy(instance, uri, proxies))


if __name__ == "__main__":
    unittest.main()
