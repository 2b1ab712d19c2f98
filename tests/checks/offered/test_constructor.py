import unittest

from tests.checks.offered.recording import RecordedTest

from checks import AgentCheck


class Agent5Style(AgentCheck):
    def __init__(self, name, init_config, agentConfig, instances=None):
        AgentCheck.__init__(self, name, init_config, agentConfig, instances)


class ConstructorTest(RecordedTest):
    A, B = {"a": 1}, {"b": 2}

    def test_both_forms(self):
        a, b = self.A, self.B
        cases = (
            # arguments, named, what it is, why
            (("n", a, [b]), {}, (a, {}, [b]), "today's order"),
            (("n", a, (b,)), {}, (a, {}, [b]), "a tuple, as the Agent gives it"),
            ((), {"name": "n", "init_config": a, "instances": (b,)}, (a, {}, [b]),
             "by names, as the loader calls"),
            ((), {"name": "n", "init_config": a, "instances": (b,), "agentConfig": {"x": 1}},
             (a, {"x": 1}, [b]), "the loader's second try"),
            (("n", a, {"x": 1}, [b]), {}, (a, {"x": 1}, [b]), "Agent 5's order"),
            (("n", a, {"x": 1}, None), {}, (a, {"x": 1}, []), "Agent 5's, without instances"),
            (("n", a, {"x": 1}), {}, (a, {"x": 1}, []), "a third that is no list is agentConfig"),
            (("n", a, {"x": 1}), {"instances": [b]}, (a, {"x": 1}, [b]),
             "the name instances decides"),
            (("n", a, [], [b]), {}, (a, {}, [b]), "a fourth makes even a list agentConfig"),
            (("n", None, None), {}, ({}, {}, []), "an empty init_config is an empty map"),
            (("n", a, []), {}, (a, {}, []), "no instance"),
        )
        for args, named, (init_config, agent_config, instances), why in cases:
            with self.subTest(why):
                check = AgentCheck(*args, **named)
                self.assertEqual("n", check.name)
                self.assertEqual((init_config, agent_config, instances),
                                 (check.init_config, check.agentConfig, check.instances))
                self.assertEqual(instances[0] if instances else None, check.instance)

    def test_without_arguments_for_tests(self):
        check = AgentCheck()
        self.assertEqual(("", {}, {}, [], None), (check.name, check.init_config,
                                                  check.agentConfig, check.instances,
                                                  check.instance))

    def test_an_agent_5_subclass(self):
        with self.assertRaises(TypeError):   # the loader's first try, of which it makes a second
            Agent5Style(name="n", init_config={}, instances=[{}])
        check = Agent5Style(name="n", init_config={}, instances=[{"k": 1}], agentConfig={"x": 1})
        self.assertEqual(({"k": 1}, {"x": 1}), (check.instance, check.agentConfig))
        self.assertEqual({"k": 1}, Agent5Style("n", {}, {}, [{"k": 1}]).instance)

    def test_what_it_does_not_take(self):
        for args, named in ((("n", {}, {}, [], 5), {}), (("n",), {"instnaces": []})):
            with self.assertRaises(TypeError):
                AgentCheck(*args, **named)

    def test_attributes(self):
        check = AgentCheck("n", {}, [{"metric_patterns": {"include": ["a"]}}])
        self.assertEqual((0, 1, 2, 3), (check.OK, check.WARNING, check.CRITICAL, check.UNKNOWN))
        self.assertEqual((0, 3), (AgentCheck.OK, AgentCheck.UNKNOWN))
        self.assertEqual(("", "", [], 0, "here", False),
                         (check.__NAMESPACE__, check.check_id, check.warnings,
                          check.DEFAULT_METRIC_LIMIT, check.hostname, check.disable_generic_tags))
        self.assertEqual({"include": ["a"]}, check.metric_patterns)
        for level in ("debug", "info", "warning", "warn", "error", "exception", "trace"):
            self.assertTrue(callable(getattr(check.log, level)), level)

    def test_names_that_checks_use_for_their_own(self):
        """A check calls its members as it likes; none of ours may be among these."""
        check = AgentCheck("n", {}, [{}])
        for name in ("_name", "_tags", "tags", "_url", "url", "config", "_config", "limit",
                     "patterns", "_log", "_state", "timeout", "state", "secrets", "_sender",
                     "instance_tags", "server", "client", "session", "cache", "_cache"):
            self.assertFalse(hasattr(check, name), name)


if __name__ == "__main__":
    unittest.main()
