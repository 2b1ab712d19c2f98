"""Each name that a custom check may import, and where it is the same thing under two names."""

import importlib
import pathlib
import subprocess
import sys
import tempfile
import unittest

from tests.checks import CHECKS
from tests.checks.offered.recording import RecordedTest

from datadog_checks.base import AgentCheck, ConfigurationError

OFFERED = CHECKS / "offered"

NAMES = (
    # module, names
    ("checks", "AgentCheck CheckException ConfigurationError NetworkCheck PrometheusCheck "
               "OpenMetricsBaseCheck"),
    ("checks.network_checks", "NetworkCheck Status EventType"),
    ("datadog_checks.checks", "AgentCheck OpenMetricsBaseCheck OpenMetricsBaseCheckV2 "
                              "NetworkCheck PrometheusCheck GenericPrometheusCheck"),
    ("datadog_checks.checks.base", "AgentCheck"),
    ("datadog_checks.checks.network", "NetworkCheck"),
    ("datadog_checks.checks.openmetrics", "OpenMetricsBaseCheck"),
    ("datadog_checks.base.agent", "aggregator datadog_agent"),
    ("datadog_checks.base", "AgentCheck ConfigurationError OpenMetricsBaseCheck "
                            "OpenMetricsBaseCheckV2 PDHBaseCheck PerfCountersBaseCheck "
                            "KubeLeaderElectionBaseCheck NetworkCheck ensure_bytes ensure_unicode "
                            "is_affirmative to_native_string to_string __version__"),
    ("datadog_checks.base.checks", "AgentCheck OpenMetricsBaseCheck NetworkCheck"),
    ("datadog_checks.base.checks.base", "AgentCheck"),
    ("datadog_checks.base.checks.db", "DatabaseCheck"),
    ("datadog_checks.base.checks.network", "NetworkCheck Status EventType"),
    ("datadog_checks.base.checks.openmetrics", "OpenMetricsBaseCheck"),
    ("datadog_checks.base.checks.openmetrics.v2", "OpenMetricsBaseCheckV2"),
    ("datadog_checks.base.checks.prometheus", "PrometheusCheck GenericPrometheusCheck"),
    ("datadog_checks.base.__about__", "__version__"),
    ("datadog_checks.base.errors", "CheckException ConfigurationError ConfigTypeError "
                                   "ConfigValueError ConfigMissingError SkipInstanceError"),
    ("datadog_checks.base.config", "is_affirmative _is_affirmative"),
    ("datadog_checks.base.constants", "ServiceCheck"),
    ("datadog_checks.base.log", "get_check_logger init_logging CheckLoggingAdapter TRACE_LEVEL"),
    ("datadog_checks.base.utils.common", "ensure_bytes ensure_unicode to_native_string to_string "
                                         "round_value pattern_filter compute_percent "
                                         "exclude_undefined_keys total_time_to_temporal_percent"),
    ("datadog_checks.base.utils.subprocess_output", "get_subprocess_output subprocess_output "
                                                    "SubprocessOutputEmptyError"),
    ("datadog_checks.base.utils.headers", "headers"),
    ("datadog_checks.base.utils.http", "RequestsWrapper"),
    ("datadog_checks.base.utils.platform", "Platform"),
    ("datadog_checks.base.utils.containers", "freeze hash_mutable iter_unique"),
    ("datadog_checks.base.utils.constants", "MILLISECOND MICROSECOND NANOSECOND TIME_UNITS"),
    ("datadog_checks.base.utils.time", "UTC get_timestamp get_current_datetime "
                                       "ensure_aware_datetime get_precise_time"),
    ("datadog_checks.base.utils.date", "UTC parse_rfc3339 format_rfc3339"),
    ("datadog_checks.base.utils.serialization", "json"),
    ("datadog_checks.base.utils.timeout", "timeout TimeoutException"),
    ("datadog_checks.base.utils.tailfile", "TailFile"),
    ("datadog_checks.base.utils.limiter", "Limiter"),
    ("datadog_checks.base.utils.proxy", "config_proxy_skip"),
    ("datadog_checks.base.utils.tagging", "tagger GENERIC_TAGS"),
    ("datadog_checks.base.utils.persistent_cache", "config_set_persistent_cache_id"),
    ("datadog_checks.base.utils.tracing", "traced traced_class"),
    ("datadog_checks.base.utils.tracking", "tracked_method"),
    ("datadog_checks.base.utils.db", "Query QueryManager QueryExecutor"),
    ("datadog_checks.config", "is_affirmative _is_affirmative"),
    ("datadog_checks.errors", "CheckException ConfigurationError"),
    ("datadog_checks.log", "get_check_logger"),
    ("datadog_checks.utils.headers", "headers"),
    ("datadog_checks.utils.subprocess_output", "get_subprocess_output"),
    ("utils.subprocess_output", "get_subprocess_output SubprocessOutputEmptyError"),
    ("utils.platform", "Platform"),
    ("utils.tailfile", "TailFile"),
    ("utils.timeout", "timeout TimeoutException"),
    ("config", "_is_affirmative get_version"),
    ("util", "headers get_hostname get_os Platform"),
    ("aggregator", "GAUGE RATE COUNT MONOTONIC_COUNT COUNTER HISTOGRAM HISTORATE submit_metric "
                   "submit_service_check submit_event submit_histogram_bucket "
                   "submit_event_platform_event"),
    ("datadog_agent", "get_hostname get_config get_version get_clustername headers log "
                      "set_check_metadata set_external_tags tracemalloc_enabled "
                      "read_persistent_cache write_persistent_cache obfuscate_sql "
                      "obfuscate_sql_exec_plan"),
    ("_util", "get_subprocess_output subprocess_output SubprocessOutputEmptyError"),
    ("tagger", "tag get_tags LOW ORCHESTRATOR HIGH"),
    ("containers", "is_excluded"),
    ("kubeutil", "get_connection_info"),
)


def every_module():
    for path in sorted(OFFERED.rglob("*.py")):
        parts = path.relative_to(OFFERED).with_suffix("").parts
        yield path, ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


class ImportsTest(RecordedTest):
    def test_names(self):
        for name, words in NAMES:
            module = importlib.import_module(name)
            for word in words.split():
                self.assertTrue(hasattr(module, word), f"{name}.{word}")

    def test_every_file_can_be_imported_and_says_what_it_is(self):
        for path, name in every_module():
            module = importlib.import_module(name)
            start = f"offered/{path.relative_to(OFFERED)}".removesuffix("/__init__.py") + ": "
            self.assertTrue(module.__doc__.startswith(start), f"{path}: {start}")

    def test_every_module_alone(self):
        """None needs another to be imported before it."""
        names = [name for _, name in every_module()]
        code = ("import sys; sys.path.insert(0, sys.argv[1])\n"
                "import importlib, os\n"
                "for name in sys.argv[2:]:\n"
                "    child = os.fork()\n"
                "    if child == 0:\n"
                "        importlib.import_module(name)\n"
                "        os._exit(0)\n"
                "    if os.waitpid(child, 0)[1]:\n"
                "        sys.exit(name)\n")
        with tempfile.TemporaryDirectory() as compiled:   # so that each file is compiled once
            done = subprocess.run([sys.executable, "-I", "-X", f"pycache_prefix={compiled}", "-c",
                                   code, str(OFFERED), *names], capture_output=True, text=True)
        self.assertEqual((0, ""), (done.returncode, done.stderr))

    def test_one_class(self):
        for name in ("checks", "datadog_checks.checks", "datadog_checks.base.checks",
                     "datadog_checks.base.checks.base", "datadog_checks.checks.base"):
            self.assertIs(AgentCheck, importlib.import_module(name).AgentCheck)

    def test_one_module_under_its_names(self):
        import datadog_checks.base.utils.timeout as newer
        import datadog_checks.utils.timeout as older
        import utils.timeout as oldest
        self.assertIs(newer, older)
        self.assertIs(newer, oldest)
        self.assertEqual("datadog_checks.base.utils.timeout", newer.__spec__.name)
        with self.assertRaisesRegex(ModuleNotFoundError, "utils.unknown"):
            importlib.import_module("utils.unknown")

    def test_what_is_cheap_stays_so(self):
        """Each instance has a process: what few need is imported when they need it."""
        code = ("import sys; sys.path.insert(0, sys.argv[1]); import checks, datadog_checks.base\n"
                "print(*sorted({'yaml', 'ssl', 'socket', 'subprocess', 'requests', 'asyncio'} &"
                " set(sys.modules)))")
        done = subprocess.run([sys.executable, "-I", "-B", "-c", code, str(OFFERED)],
                              capture_output=True, text=True, check=True)
        self.assertEqual("", done.stdout.strip())

    def test_others_integrations_stand_beside_ours(self):
        import datadog_checks
        with tempfile.TemporaryDirectory() as folder:
            package = pathlib.Path(folder, "datadog_checks", "theirs")
            package.mkdir(parents=True)
            package.joinpath("__init__.py").write_text("WORD = 'theirs'\n")
            code = ("import sys; sys.path[:0] = sys.argv[1:]\n"
                    "import datadog_checks.theirs, datadog_checks.base\n"
                    "print(datadog_checks.theirs.WORD)")
            for init in (False, True):
                if init:   # as packages of a time before namespaces have it
                    package.parent.joinpath("__init__.py").write_text(
                        "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n")
                for folders in ([folder, str(OFFERED)], [str(OFFERED), folder]):
                    done = subprocess.run([sys.executable, "-I", "-B", "-c", code, *folders],
                                          capture_output=True, text=True)
                    self.assertEqual(("theirs\n", ""), (done.stdout, done.stderr))
        self.assertTrue(datadog_checks.__path__)


class MissingTest(RecordedTest):
    def test_says_what_is_missing(self):
        from datadog_checks import base
        from datadog_checks.base.checks.db import DatabaseCheck
        for kind, word in ((base.OpenMetricsBaseCheck, "scraper"),
                           (base.OpenMetricsBaseCheckV2, "scraper"),
                           (base.PrometheusCheck, "scraper"),
                           (base.GenericPrometheusCheck, "scraper"),
                           (base.NetworkCheck, "pool of threads"),
                           (DatabaseCheck, "query monitoring")):
            class Check(kind):
                def __init__(self, name, init_config, instances):
                    raise AssertionError("nothing of the check runs")
            self.assertTrue(issubclass(Check, AgentCheck), "so that it is found")
            sentence = f"Check in {__file__} derives from {kind.__name__}.*{word}"
            with self.assertRaisesRegex(ConfigurationError, sentence):
                Check(name="n", init_config={}, instances=[{}])

    def test_queries_in_yaml(self):
        from datadog_checks.base.utils.db import Query, QueryManager
        for make in (lambda: Query({"name": "q"}), lambda: QueryManager(None, None)):
            with self.assertRaisesRegex(ConfigurationError, "is not offered here"):
                make()


if __name__ == "__main__":
    unittest.main()
