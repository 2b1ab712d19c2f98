import os
import unittest

from tests.checks.runner.children import Checks

AS_PRINTED = ("from checks import AgentCheck\nfrom  random import randint\n"
              "class sendMyMetric(AgentCheck):\n\tdef check(self, instance):\n"
              "\trandomMetric = randint(0,1000)\n"
              "\tself.gauge('AgentCheck.my_metric', randomMetric)\n")
RESTORED = ("from checks import AgentCheck\nfrom random import randint\n\n\n"
            "class sendMyMetric(AgentCheck):\n    def check(self, instance):\n"
            "        randomMetric = randint(0, 1000)\n"
            "        self.gauge('AgentCheck.my_metric', randomMetric)\n")
EITHER = ("import random\n\ntry:\n    from checks import AgentCheck\nexcept ImportError:\n"
          "    from datadog_checks.checks import AgentCheck\n\n__version__ = \"1.0.0\"\n\n"
          "class CustomCheck(AgentCheck):\n    def check(self, instance):\n"
          "        self.gauge(\"my_metric\", random.randint(0, 1000))\n")


class LoaderTest(unittest.TestCase):
    def setUp(self):
        self.checks = Checks(self)

    def path(self, name):
        return os.path.join(self.checks.code, name)

    def failed(self, text, sentence, name="one", **options):
        """The frame of a check that cannot be loaded."""
        if text is not None:
            self.checks.write(name + ".py", text)
        child = self.checks.start(name, **options)
        frame = child.until("loaded", "failed")
        self.assertEqual("failed", frame["op"])
        self.assertIn(sentence, frame["sentence"])
        self.assertNotIn("\n", frame["sentence"])
        return frame

    def loaded(self, text, name="one", **options):
        self.checks.write(name + ".py", text)
        return self.checks.loaded(name, **options)

    # ------------------------------------------------------------ checks that people wrote

    def test_the_check_of_a_write_up(self):
        child = self.loaded(RESTORED, "sendMyMetric", instance={"min_collection_interval": 40})
        self.assertEqual("sendMyMetric", child.frames[0]["class"])
        done = child.run(1700000000)
        self.assertEqual((None, 1), (done["error"], done["points"]))
        point, = child.points()
        self.assertEqual(("gauge", "AgentCheck.my_metric", 1700000000, (), None),
                         (point.kind, point.name, point.timestamp, point.tags, point.host))

    def test_the_same_as_it_was_printed(self):
        frame = self.failed(AS_PRINTED, "IndentationError: expected an indented block",
                            "sendMyMetric")
        path = self.path("sendMyMetric.py")
        self.assertTrue(frame["sentence"].startswith(path + ":5: "), frame["sentence"])
        self.assertEqual([path], frame["files"])
        self.assertNotIn("loader.py", frame["traceback"])

    def test_one_that_takes_either_base(self):
        child = self.loaded(EITHER, "custom_check")
        self.assertEqual(("CustomCheck", "1.0.0"),
                         (child.frames[0]["class"], child.frames[0]["version"]))
        child.run()
        self.assertEqual("my_metric", child.points()[0].name)

    # ------------------------------------------------------------ where code is

    def test_no_code(self):
        self.failed(None, f"no code for the check none: there is no none.py in {self.checks.code}",
                    "none")

    def test_a_package_of_the_new_layout_is_first(self):
        self.checks.write("one.py", "raise ValueError('not this one')")
        self.checks.write("datadog_checks/one/__init__.py", "from .one import OneCheck\n")
        self.checks.write("datadog_checks/one/__about__.py", "__version__ = '2.0'\n")
        self.checks.write("datadog_checks/one/one.py", "from datadog_checks.base import "
                          "AgentCheck\nclass OneCheck(AgentCheck):\n    pass\n")
        frame = self.checks.loaded().frames[0]
        self.assertEqual("OneCheck", frame["class"])
        self.assertEqual(sorted(self.path(f"datadog_checks/one/{name}.py")
                                for name in ("__init__", "one")), sorted(frame["files"]))

    def test_a_package_that_is_there_and_broken_is_told_of(self):
        self.checks.write("datadog_checks/one/__init__.py", "\nimport psycopg2_of_nobody\n")
        self.failed(None, f"{self.path('datadog_checks/one/__init__.py')}:2: ModuleNotFoundError: "
                          "No module named 'psycopg2_of_nobody'")

    def test_a_helper_beside_it(self):
        self.checks.write("helper.py", "VALUE = 7\n")
        child = self.loaded("from checks import AgentCheck\nimport helper\nclass A(AgentCheck):\n"
                            "    def check(self, _):\n        self.gauge('a', helper.VALUE)\n")
        self.assertEqual([self.path("one.py"), self.path("helper.py")], child.frames[0]["files"])
        child.run()
        self.assertEqual(7, child.points()[0].value)

    def test_a_check_with_the_name_of_one_of_pythons_modules(self):
        # Of Python itself, of the runner, of a library beside Python, of what checks are offered.
        for name in ("random", "json", "string", "runner", "yaml", "config", "util"):
            child = self.loaded("import random, json, string\nfrom checks import AgentCheck\n"
                                "class A(AgentCheck):\n    def check(self, _):\n"
                                "        self.gauge('a', random.randint(1, 1))\n"
                                "        json.dumps(string.digits)\n", name)
            self.assertIsNone(child.run()["error"])
            os.unlink(self.path(name + ".py"))

    def test_a_folder_that_is_not_there(self):
        os.rmdir(self.checks.code)
        self.failed(None, "no code for the check one: ")
        os.mkdir(self.checks.code, 0o755)

    def test_no_module_of_the_runner_is_in_the_way(self):
        self.failed("import supervisor\n", "No module named 'supervisor'")
        self.failed("import runner.supervisor\n", "No module named 'runner'")
        self.checks.write("runner.py", "raise ValueError('the one beside it')\n")
        self.failed("import runner\n", "the one beside it")

    def test_a_helper_that_a_run_imports(self):
        path = self.checks.write("helper.py", "VALUE = 7\n")
        child = self.loaded("from checks import AgentCheck\nclass A(AgentCheck):\n"
                            "    def check(self, _):\n        import helper\n")
        self.assertEqual([self.path("one.py")], child.frames[0]["files"])
        self.assertEqual([self.path("one.py"), path], child.run()["files"])

    def test_compiled_files_are_not_looked_at(self):
        path = self.checks.write("helper.py", "VALUE = 1\n")
        import importlib.util
        import py_compile
        cached = importlib.util.cache_from_source(path)
        py_compile.compile(path, cfile=cached)
        with open(path, "w", encoding="ascii") as file:
            file.write("VALUE = 2\n")
        os.utime(path, (1, 1))
        status = os.stat(path)
        with open(cached, "r+b") as file:
            file.seek(8)
            file.write(int(status.st_mtime).to_bytes(4, "little"))
        child = self.loaded("from checks import AgentCheck\nimport helper\nclass A(AgentCheck):\n"
                            "    def check(self, _):\n        self.gauge('a', helper.VALUE)\n")
        child.run()
        self.assertEqual(2, child.points()[0].value)

    # ------------------------------------------------------------ who wrote it

    def test_code_that_others_may_write(self):
        self.checks.write("one.py", RESTORED, 0o666)
        self.failed(None, f"{self.path('one.py')}: refused: others may write it (mode 0666)")
        os.chmod(self.path("one.py"), 0o644)
        os.chmod(self.checks.code, 0o777)
        self.failed(None, f"others may write the folder {self.checks.code}")
        os.chmod(self.checks.code, 0o755)
        self.checks.write("helper.py", "", 0o664)
        self.failed("import helper\n", f"{self.path('helper.py')}: refused: its group may write it")
        self.checks.write("pack/__init__.py", "")
        os.chmod(self.path("pack"), 0o775)
        self.failed("import pack\n", f"its group may write the folder {self.path('pack')}")

    # ------------------------------------------------------------ code with errors

    def test_errors_name_file_and_line(self):
        one = self.path("one.py")
        for text, sentence in (
                ("x = (\n", f"{one}:1: SyntaxError: '(' was never closed"),
                ("\n\n1 / 0\n", f"{one}:3: ZeroDivisionError: division by zero"),
                ("a\n", f"{one}:1: NameError: name 'a' is not defined"),
                ("if 1:\n\tx = 1\n        y = 2\n", f"{one}:3: TabError: "),
                ("\nfrom checks import Nothing\n", f"{one}:2: ImportError: cannot import name"),
                ("raise SystemExit(3)\n", f"{one}:1: SystemExit: 3"),
                ("raise ValueError('a\\nb')\n", f"{one}:1: ValueError: a b"),
                ("print 'x'\n", f"{one}:1: SyntaxError: Missing parentheses"),
                ("(" * 1000, f"{one}:1: "),
                ("x = 1\n", f"{one}: cannot find a subclass of AgentCheck")):
            frame = self.failed(text, sentence)
            self.assertEqual([one], frame["files"])
        self.failed("\0", "source code string cannot contain null bytes")
        self.failed("# coding: none\n", "unknown encoding")

    def test_errors_of_a_helper_name_the_helper(self):
        self.checks.write("helper.py", "\n\nraise KeyError('x')\n")
        frame = self.failed("import helper\n", f"{self.path('helper.py')}:3: KeyError: 'x'")
        self.assertIn("Traceback", frame["traceback"])
        self.assertEqual([self.path("one.py"), self.path("helper.py")], frame["files"])

    def test_a_driver_that_is_missing_names_its_package(self):
        # None in sys.modules is what makes a module missing, whatever this machine has.
        for module, package in (("psycopg2", "python3-psycopg2"), ("pymysql", "python3-pymysql"),
                                ("requests", "python3-requests"), ("psutil", "python3-psutil")):
            self.failed(f"import sys\nsys.modules[{module!r}] = None\nimport {module}\n",
                        f"one.py:3: ModuleNotFoundError: import of {module} halted; None in "
                        f"sys.modules (it is in Debian's package {package})")

    def test_code_that_ends_the_process(self):
        self.checks.write("one.py", "import os\nos._exit(9)\n")
        self.assertEqual("its process ended with exit status 9",
                         self.checks.start("one").until_ended())

    # ------------------------------------------------------------ the class

    def test_the_class_is_found_by_inheritance(self):
        for text, name in (
                ("class Z(AgentCheck): pass\nclass A(Z): pass\n", "A"),
                ("class B(AgentCheck): pass\nclass A(AgentCheck): pass\n", "A"),
                ("class A: pass\nclass Other(AgentCheck): pass\nAgent = AgentCheck\n", "Other"),
                ("class _Hidden(AgentCheck): pass\n", "_Hidden")):
            child = self.loaded("from datadog_checks.base import AgentCheck\n" + text)
            self.assertEqual(name, child.frames[0]["class"])

    # ------------------------------------------------------------ its constructor

    def test_constructors_of_all_times(self):
        for words, call in (("self, name, init_config, instances", "name, init_config, instances"),
                            ("self, *args, **kwargs", "*args, **kwargs"),
                            ("self, name, init_config, agentConfig, instances=None",
                             "name, init_config, agentConfig, instances"),
                            ("self, name, init_config, agentConfig=None, instances=None",
                             "name, init_config, agentConfig, instances"),
                            ("self, a, b, c, d", "a, b, c, d")):
            child = self.loaded(
                f"from checks import AgentCheck\nclass A(AgentCheck):\n    def __init__({words}):\n"
                f"        AgentCheck.__init__(self, {call})\n    def check(self, instance):\n"
                "        self.gauge('a', instance[80], tags=[self.check_id, self.name])\n"
                "        self.gauge('b', self.init_config['b'])\n",
                instance={"\0map": [[80, 3]]}, init_config={"b": 4})
            done = child.run()
            self.assertIsNone(done["error"], done["error"])
            self.assertEqual([3, 4], [point.value for point in child.points()])
            self.assertEqual(("one", "one:1"), child.points()[0].tags)

    def test_settings_are_agentConfig_for_who_asks(self):
        child = self.loaded(
            "from checks import AgentCheck\nclass A(AgentCheck):\n"
            "    def __init__(self, name, init_config, agentConfig, instances):\n"
            "        AgentCheck.__init__(self, name, init_config, agentConfig, instances)\n"
            "    def check(self, _):\n"
            "        print(self.agentConfig['hostname'], self.agentConfig['version'])\n")
        child.run()
        child.until_printed("here 1.2.3")

    def test_a_constructor_that_raises(self):
        head = "from datadog_checks.base import AgentCheck, ConfigurationError\n"
        self.failed(head + "class A(AgentCheck):\n    def __init__(self, *args, **kwargs):\n"
                    "        raise ConfigurationError('host is missing')\n",
                    f"{self.path('one.py')}:4: ConfigurationError: host is missing")
        self.failed(head + "class A(AgentCheck):\n    def __init__(self):\n        pass\n",
                    "TypeError: ")
        self.failed(head + "class A(AgentCheck):\n    def __init__(self, *args, **kwargs):\n"
                    "        raise SystemExit(1)\n", f"{self.path('one.py')}:4: SystemExit: 1")

    def test_samples_of_a_constructor_belong_to_the_first_run(self):
        child = self.loaded("from checks import AgentCheck\nclass A(AgentCheck):\n"
                            "    def __init__(self, *args, **kwargs):\n"
                            "        super().__init__(*args, **kwargs)\n"
                            "        self.gauge('a', 1)\n        self.service_check('up', 0)\n"
                            "    def check(self, _): pass\n")
        self.assertEqual(["loaded"], [frame["op"] for frame in child.frames])
        self.assertEqual((1, 1), (child.run(1700000000)["service_checks"],
                                  len(child.of("service_check"))))
        self.assertEqual([("a", 1700000000)],
                         [(point.name, point.timestamp) for point in child.points()])


if __name__ == "__main__":
    unittest.main()
