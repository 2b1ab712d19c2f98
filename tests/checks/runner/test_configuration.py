import os
import tempfile
import unittest

from runner import configuration, documents


class Folder(unittest.TestCase):
    """A conf.d of its own for each test."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = os.path.join(os.path.realpath(folder.name), "conf.d")
        os.mkdir(self.root, 0o755)

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, mode)
        return path

    def read(self):
        return configuration.read(self.root)

    def only(self, text, name="a.yaml"):
        """What one file alone gives."""
        path = self.write(name, text)
        found = self.read()
        os.unlink(path)
        return found

    def problem(self, text, line, sentence, instances=0):
        found = self.only(text)
        self.assertEqual(1, len(found.problems), found)
        where = f"{self.root}/a.yaml:{line}: " if line else f"{self.root}/a.yaml: "
        self.assertTrue(found.problems[0].startswith(where), found.problems)
        self.assertIn(sentence, found.problems[0])
        self.assertEqual(instances, len(found.instances))


class ConfigurationTest(Folder):
    def test_a_file_that_people_wrote(self):
        found = self.only("init_config:\n\ninstances:\n  - min_collection_interval: 40\n",
                          "sendMyMetric.yaml")
        self.assertEqual([], found.problems)
        self.assertEqual(("sendMyMetric", "conf.d/sendMyMetric.yaml:4", 40, {},
                          {"min_collection_interval": 40}), tuple(found.instances[0])[1:])

    def test_a_tab_is_named_with_its_line(self):
        self.problem("init_config:\n\ninstances:\n\tI-min_collection_interval: 40\n", 4,
                     "a tab does not")

    def test_an_entry_without_a_blank_is_no_list(self):
        self.problem("init_config:\ninstances:\n  -min_collection_interval: 40\n", 3,
                     'contains no valid instances: each is an entry of a list and begins with "- "')

    def test_which_files_configure_what(self):
        for name in ("a.yaml", "b.yml", "c.d/conf.yaml", "c.d/more.yml", "d.yaml.default",
                     "a.yaml.default", "e.d/conf.yaml.default", "c.d/conf.yaml.default",
                     "auto_conf.yaml", "metrics.yaml", "c.d/auto_conf.yaml", "c.d/metrics.yaml",
                     "f.yaml.example", "g.d/deeper/conf.yaml", ".h.yaml", "i.yaml~", "j.txt",
                     "..data/k.yaml"):
            self.write(name, "instances:\n- file: " + name)
        found = self.read()
        self.assertEqual(["conf.d/a.yaml:2", "conf.d/b.yml:2", "conf.d/c.d/conf.yaml:2",
                          "conf.d/c.d/more.yml:2", "conf.d/d.yaml.default:2",
                          "conf.d/e.d/conf.yaml.default:2"],
                         [one.source for one in found.instances])
        self.assertEqual(["a", "b", "c", "c", "d", "e"], [one.name for one in found.instances])
        self.assertEqual([[], []], [found.problems, found.warnings])

    def test_a_broken_file_keeps_its_default_away_and_an_empty_one_does_not(self):
        self.write("a.yaml.default", "instances: [{}]")
        self.write("a.yaml", "instances: 3")
        self.write("b.yaml.default", "instances: [{}]")
        self.write("b.yaml", "# nothing yet\n")
        found = self.read()
        self.assertEqual(["b"], [one.name for one in found.instances])
        self.assertEqual(1, len(found.problems))

    def test_values_and_lines(self):
        found = self.only("init_config:\n  service: s\n\ninstances:\n  # the first\n  - host: h\n"
                          "    80: x\n    tags: [a, b]\n\n  -\n    host: i\n  - {}\n  -\n")
        self.assertEqual([6, 11, 12],
                         [int(one.source.rpartition(":")[2]) for one in found.instances])
        self.assertEqual({"host": "h", 80: "x", "tags": ["a", "b"]}, found.instances[0].instance)
        self.assertEqual({}, found.instances[2].instance)
        self.assertEqual({"service": "s"}, found.instances[0].init_config)
        self.assertEqual([15] * 3, [one.interval_s for one in found.instances])
        self.assertIn("the same instance as conf.d/a.yaml:12", found.warnings[0])

    def test_instances_are_required(self):
        for text, line in (("init_config:\n", 1), ("\n\ninit_config: {}\n", 3), ("instances:\n", 1),
                           ("init_config:\ninstances: []\n", 2), ("a: 1\ninstances: text\n", 2)):
            self.problem(text, line, "Configuration file contains no valid instances")

    def test_files_that_are_for_others(self):
        for text in ("logs:\n- a: b\n", "jmx_metrics: []\n", "", "# none\n", "---\n", "\ufeff"):
            self.assertEqual(([], [], []), tuple(self.only(text)))
        found = self.only("ad_identifiers: [redis]\ninstances: [{}]\n")
        self.assertEqual(0, len(found.instances))
        self.assertIn("a template for containers", found.warnings[0])

    def test_what_is_no_map(self):
        self.problem("- a\n", 1, "there should be init_config: and instances:")
        self.problem("init_config: 3\ninstances: [{}]\n", 1, "init_config should be a map")
        self.problem("instances:\n- {}\n- text\n- a: 1\n", 3, "an instance should be a map", 2)

    def test_a_repeated_key_is_taken_and_told(self):
        found = self.only("instances:\n- host: a\n  port: 1\n  host: b\n")
        self.assertEqual("b", found.instances[0].instance["host"])
        self.assertEqual([f"{self.root}/a.yaml:4: 'host' stands here for the second time: "
                          "the last one counts"], found.warnings)

    def test_intervals(self):
        for text, seconds in (("40", 40), ("1", 1), ("0", 15), ("", 15), ("15.0", 15),
                              ("604800", 604800)):
            found = self.only(f"instances:\n- min_collection_interval: {text}\n")
            self.assertEqual([seconds], [one.interval_s for one in found.instances], text)
        for text in ("1.5", "'40'", "-1", "true", "[1]", "604801", "1e9", ".nan", ".inf",
                     "9" * 390):
            self.problem(f"instances:\n- host: x\n  min_collection_interval: {text}\n- {{}}\n", 3,
                         "min_collection_interval should be a number of whole seconds", 1)

    def test_the_interval_of_init_config_holds_where_an_instance_has_none(self):
        found = self.only("init_config:\n  min_collection_interval: 30\ninstances:\n- a: 1\n"
                          "- min_collection_interval: 20\n- min_collection_interval: 0\n")
        self.assertEqual([30, 20, 30], [one.interval_s for one in found.instances])
        self.problem("init_config:\n  min_collection_interval: x\ninstances: [{}]\n", 2,
                     "whole seconds")

    def test_names(self):
        found = self.only("instances: [{}]", "a.b.yaml")
        self.assertIn("a check's name is letters", found.problems[0])

    def test_files_that_others_may_write(self):
        self.write("a.yaml", "instances: [{}]", 0o666)
        self.write("b.yaml", "instances: [{}]")
        found = self.read()
        self.assertEqual(["b"], [one.name for one in found.instances])
        self.assertIn("others may write it", found.problems[0])
        os.chmod(self.root, 0o777)
        found = self.read()
        self.assertEqual(0, len(found.instances))
        self.assertEqual(1, len(found.problems))

    def test_a_folder_that_is_not_there(self):
        found = configuration.read(os.path.join(self.root, "none"))
        self.assertEqual([f"{self.root}/none: no such file or directory"], found.problems)

    def test_ids_follow_what_an_instance_says(self):
        def identity(text):
            return self.only(text).instances[0].check_id
        first = identity("instances: [{a: 1, b: 2}]")
        self.assertRegex(first, r"\Aa:[0-9a-f]{16}\Z")
        self.assertEqual(first, identity("init_config:\ninstances:\n- b: 2\n  a: 1\n"))
        for text in ("instances: [{a: 1, b: 3}]", "instances: [{a: 1, b: '2'}]",
                     "init_config: {x: 1}\ninstances: [{a: 1, b: 2}]"):
            self.assertNotEqual(first, identity(text))
        identity("instances: [{1: a, b: 2, 2026-01-01: !!binary aGVsbG8=, null: !!set {a}}]")

    def test_signatures_change_with_files(self):
        path = self.write("a.d/conf.yaml", "instances: [{}]")
        before = configuration.signature([self.root])
        self.assertEqual(before, configuration.signature([self.root]))
        os.chmod(path, 0o640)
        self.assertNotEqual(before, configuration.signature([self.root]))
        self.assertEqual({"/none": 2}, configuration.signature(["/none"]))
        self.assertEqual([self.root], list(configuration.signature([self.root], 0)))


class HostileTest(Folder):
    def test_aliases_that_stand_for_much(self):
        lines = ["init_config:", "x0: &x0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
        lines += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]" for n in range(1, 10)]
        self.problem("\n".join(lines + ["instances: [{a: *x9}]"]), 6, "more than 50000 values")
        self.problem(f"x: &x {'a' * 100000}\ninstances:\n- y: [{', '.join(['*x'] * 100)}]\n", 3,
                     "more than 4194304 characters")
        merges = ["x0: &x0 {a: 1, b: 2}"]
        merges += [f"x{n}: &x{n} {{<<: [{', '.join([f'*x{n - 1}'] * 10)}]}}" for n in range(1, 7)]
        self.problem("\n".join(merges + ["instances: [{<<: *x6}]"]), 5, "more than 50000 values")

    def test_aliases_of_themselves_and_of_nothing(self):
        self.problem("instances:\n- &a {b: *a}\n", 2, "stands in what it refers to")
        self.problem("instances:\n- &a [[*a]]\n", 2, "stands in what it refers to")
        self.problem("instances:\n- a: *b\n", 2, "alias")

    def test_aliases_and_merges_of_honest_files(self):
        found = self.only("common: &c {host: h, tags: &t [x]}\ninstances:\n- <<: *c\n  port: 1\n"
                          "- <<: *c\n  host: i\n  tags: *t\n")
        self.assertEqual([{"host": "h", "tags": ["x"], "port": 1}, {"host": "i", "tags": ["x"]}],
                         [one.instance for one in found.instances])
        self.assertEqual([], found.warnings)

    def test_depth(self):
        for text in ("[" * 500000, "{a: " * 200000, "- " * 300000,
                     "instances: [" + "[" * 100 + "]" * 100 + "]"):
            self.problem(text, 1, "nested deeper than 50")

    def test_size(self):
        self.problem("# " + "x" * (1 << 20), 0, "larger than 1048576 bytes")
        self.problem("instances:\n" + "- a\n" * 60000, 49999, "more than 50000 values")

    def test_tags_that_make_objects(self):
        for tag in ("!!python/object/apply:os.system [id]", "!!python/name:os.system", "!x y"):
            self.problem(f"instances:\n- a: 1\n  b: {tag}\n", 3, "could not determine")

    def test_values_that_cannot_be_made(self):
        for value, sentence in (("2026-13-01", "month"), ("9" * 5000, "a number of more than 400"),
                                ("1" + ":1" * 50000, "a number of more than 400"),
                                ("!!int x", "invalid"), ("!!binary é", ""),
                                ("{[a]: 1, {b: 1}: 2}", "unhashable"), ("!!float x", ""),
                                ("!!timestamp x", ""), ("!!bool x", "")):
            self.problem(f"instances:\n- a: 1\n  b: {value}\n- {{}}\n", 3, sentence, 1)

    def test_bytes_that_are_no_text(self):
        self.problem(b"instances:\n- a: \xff\n", 2, "not UTF-8")
        self.problem(b"instances:\n- a: \x00\n", 2, "U+0000")
        self.problem("instances:\n- a: \u0086\n", 2, "U+0086")

    def test_syntax(self):
        self.problem("instances:\n- a: [1\n- b\n", 4, "YAML: ")
        self.problem("instances: [{}]\n---\ninstances: [{}]\n", 2, "YAML: ")
        self.problem("instances:\n- 'a\n", 3, "YAML: ")
        self.problem("a: b: c\n", 1, "YAML: ")

    def test_many_problems_and_many_instances_are_bounded(self):
        for number in range(300):
            self.write(f"x{number}.yaml", "instances: 3")
        self.write("y.yaml", "instances:\n" + "".join(f"- a: {n}\n" for n in range(2100)))
        found = self.read()
        self.assertEqual(1000, len(found.instances))
        self.assertEqual((201, "and 101 more"), (len(found.problems), found.problems[-1]))

    def test_nodes_know_their_repetitions_at_any_depth(self):
        node = documents.compose(b"a: 1\nb:\n- c: 1\n  c: 2\n  d: &x {e: 1, e: 1}\n- *x\na: 2\n")
        self.assertEqual([(4, "c"), (5, "e"), (7, "a")], documents.repeated(node))


if __name__ == "__main__":
    unittest.main()
