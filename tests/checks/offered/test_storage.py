import unittest

from tests.checks.offered.recording import RecordedTest

from datadog_checks.base import AgentCheck
from datadog_checks.base.utils.persistent_cache import config_set_persistent_cache_id


def check_of(kind=AgentCheck, instance=None):
    check = kind("name", {}, [instance or {}])
    check.check_id = "name:1"
    return check


class CacheTest(RecordedTest):
    def test_read_what_was_written(self):
        check = check_of()
        self.assertEqual("", check.read_persistent_cache("k"))
        check.write_persistent_cache("k", "v")
        self.assertEqual("v", check.read_persistent_cache("k"))
        check.write_persistent_cache(b"k", b"w")
        self.assertEqual({"name:1_k": "w"}, self.agent.cache)

    def test_texts_only(self):
        for key, value in (("k", 5), ("k", None), (5, "v")):
            with self.assertRaises(TypeError):
                check_of().write_persistent_cache(key, value)

    def test_an_identity_of_its_own(self):
        asked = []

        class Own(AgentCheck):
            def persistent_cache_id(self):
                asked.append(1)
                return self.instance["path"]
        check = check_of(Own, {"path": "/a"})
        check.write_persistent_cache("k", "v")
        check.write_persistent_cache("l", "v")
        self.assertEqual({"name:/a_k": "v", "name:/a_l": "v"}, self.agent.cache)
        self.assertEqual(1, len(asked), "asked once")

    def test_an_identity_of_some_options(self):
        def identity(**instance):
            return config_set_persistent_cache_id(check_of(instance=instance), None, ["path"])
        self.assertEqual(identity(path="/a", timeout=1), identity(path="/a", timeout=2))
        self.assertNotEqual(identity(path="/a"), identity(path="/b"))
        with self.assertRaises(ValueError):
            config_set_persistent_cache_id(check_of())


class MetadataTest(RecordedTest):
    def test_values(self):
        cases = (
            # name, value, options, what is kept, why
            ("n", "v", {}, {"n": "v"}, "as it is"),
            ("n", 5, {}, {"n": "5"}, "as text"),
            ("version", "1.2.3-rc.1+b5", {},
             {"version.raw": "1.2.3-rc.1+b5", "version.scheme": "semver", "version.major": "1",
              "version.minor": "2", "version.patch": "3", "version.release": "rc.1",
              "version.build": "b5"}, "a version has parts"),
            ("version", "v15.4", {}, {"version.raw": "v15.4", "version.scheme": "semver",
                                      "version.major": "15", "version.minor": "4"}, "if it has"),
            ("version", "unknown", {}, {"version.raw": "unknown", "version.scheme": "semver"},
             "which cannot be told of each"),
            ("version", "5-7", {"scheme": "regex", "pattern": r"(?P<major>\d+)-(?P<minor>\d+)",
                                "final_scheme": "own"},
             {"version.raw": "5-7", "version.scheme": "own", "version.major": "5",
              "version.minor": "7"}, "the check's own pattern"),
            ("version", "x", {"scheme": "parts", "part_map": {"major": "9"}},
             {"version.raw": "x", "version.scheme": "parts", "version.major": "9"}, "its parts"),
        )
        for name, value, options, expected, why in cases:
            with self.subTest(why):
                self.agent.kept_metadata.clear()
                check_of().set_metadata(name, value, **options)
                self.assertEqual({("name:1", key): text for key, text in expected.items()},
                                 self.agent.kept_metadata)

    def test_needs_an_identity(self):
        AgentCheck("n", {}, [{}]).set_metadata("n", "v")
        self.assertEqual({}, self.agent.kept_metadata)

    def test_an_entrypoint(self):
        class Check(AgentCheck):
            @AgentCheck.metadata_entrypoint
            def collect(self, value):
                return value
        for setting, expected in (("", 5), (None, 5), (True, 5), ("false", None), (False, None)):
            self.agent.config["enable_metadata_collection"] = setting
            self.assertEqual(expected, Check("n", {}, [{}]).collect(5), setting)

    def test_external_tags(self):
        check_of().set_external_tags([("h", {"source": ["a", None, b"b"]})])
        self.assertEqual([("h", {"source": ["a", "b"]})], self.agent.kept_tags)


if __name__ == "__main__":
    unittest.main()
