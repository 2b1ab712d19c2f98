"""Checks as people write them, whole, from the import on."""

import json
import types
import unittest

from tests.checks.offered.recording import RecordedTest

from datadog_checks.base import AgentCheck

AGENT_5 = """
from checks import AgentCheck
from config import _is_affirmative
from util import get_hostname
from utils.subprocess_output import get_subprocess_output


class Disks(AgentCheck):
    SERVICE = 'disks.can_list'

    def __init__(self, name, init_config, agentConfig, instances=None):
        AgentCheck.__init__(self, name, init_config, agentConfig, instances)
        self.command = init_config.get('command', 'printf')

    def check(self, instance):
        if not _is_affirmative(instance.get('enabled', True)):
            return
        text = self.read_config(instance, 'text', 'text is missing', str)
        out, err, status = get_subprocess_output([self.command, text], self.log)
        for line in out.splitlines():
            device, used = line.split()
            self.gauge('disks.used', used, tags=instance.get('tags'), device_name=device)
        self.increment('disks.asked')
        self.set('disks.names', device)
        self.service_check(self.SERVICE, AgentCheck.OK, None, 1700000000, get_hostname(), None,
                           'all is well')
"""

EITHER_IMPORT = """
try:
    from datadog_checks.base import AgentCheck
except ImportError:
    from checks import AgentCheck

__version__ = "1.0.0"


class Hello(AgentCheck):
    def check(self, instance):
        self.gauge('hello.world', 1, tags=['env:dev'] + self.instance.get('tags', []))
"""

TODAY = """
from datadog_checks.base import AgentCheck, ConfigurationError, is_affirmative


class Queue(AgentCheck):
    __NAMESPACE__ = 'queue'

    def __init__(self, name, init_config, instances):
        super(Queue, self).__init__(name, init_config, instances)
        self._tags = self.instance.get('tags', [])
        self.check_initializations.append(self.parse)

    def parse(self):
        self.url = self.instance.get('url')
        if not self.url:
            raise ConfigurationError('url is missing')

    def check(self, _):
        tags = self._tags + ['url:{}'.format(self.url)]
        self.monotonic_count('handled', 5, tags=tags)
        self.rate('bytes', 10, tags=tags)
        self.count('errors', 2, tags=tags)
        self.histogram('wait', 0.5, tags=tags)
        self.service_check('can_connect', self.OK, tags=tags, message='')
        self.event({'timestamp': 1700000000, 'event_type': 'restart', 'msg_title': 'Restarted',
                    'msg_text': 'It was restarted', 'tags': tags})
        self.set_metadata('version', '1.2.3')
        if is_affirmative(self.instance.get('old')):
            self.warning('%s is old', self.url)
"""

BASES = """
from checks import AgentCheck

class Middle(AgentCheck):
    def check(self, instance):
        self.gauge(self.word, 1)

class Leaf(Middle):
    word = 'leaf'
"""


def check_of(code, init_config, instance):
    """As a loader does: the class is found by inheritance, then both ways to make an object."""
    module = types.ModuleType("example")
    exec(compile(code, "example.py", "exec"), module.__dict__)
    kind = next(value for _, value in sorted(vars(module).items())
                if isinstance(value, type) and issubclass(value, AgentCheck)
                and value is not AgentCheck and not value.__subclasses__())
    words = {"name": "example", "init_config": init_config, "instances": (instance,)}
    try:
        check = kind(**words)
    except TypeError:
        check = kind(**words, agentConfig={})
    check.check_id = "example:1"
    return check


class ExamplesTest(RecordedTest):
    def test_agent_5(self):
        check = check_of(AGENT_5, {}, {"text": "sda 5\nsdb 7\n", "tags": ["a"]})
        self.assertEqual("", check.run())
        self.assertEqual([("disks.used", 5.0, ["device:sda", "a"]),
                          ("disks.used", 7.0, ["device:sdb", "a"]), ("disks.asked", 1.0, []),
                          ("disks.names", 1.0, [])],
                         [(one.name, one.value, one.tags) for one in self.recorder.metrics])
        self.assertEqual(("example:1", "disks.can_list", 0, [], "here", "all is well"),
                         self.recorder.service_checks[0])

    def test_agent_5_with_an_error(self):
        failure, = json.loads(check_of(AGENT_5, {}, {}).run())
        self.assertEqual("text is missing", failure["message"])
        self.assertIn('File "example.py", line ', failure["traceback"])

    def test_either_import(self):
        for instance, tags in (({}, ["env:dev"]), ({"tags": ["a:b"]}, ["env:dev", "a:b"])):
            self.recorder.reset()
            self.assertEqual("", check_of(EITHER_IMPORT, {}, instance).run())
            self.assertEqual([("hello.world", 1.0, tags)],
                             [(one.name, one.value, one.tags) for one in self.recorder.metrics])

    def test_today(self):
        check = check_of(TODAY, {}, {"url": "u", "tags": ["a"], "old": True})
        self.assertEqual("", check.run())
        self.assertEqual([("queue.handled", 3), ("queue.bytes", 1), ("queue.errors", 2),
                          ("queue.wait", 5)],
                         [(one.name, one.mtype) for one in self.recorder.metrics])
        self.assertEqual({("a", "url:u")}, {tuple(one.tags) for one in self.recorder.metrics})
        self.assertEqual("queue.can_connect", self.recorder.service_checks[0].name)
        self.assertEqual("queue", self.recorder.events[0]["source_type_name"])
        self.assertEqual("1", self.agent.kept_metadata["example:1", "version.major"])
        self.assertEqual(["u is old"], check.get_warnings())

    def test_a_configuration_error_is_the_runs(self):
        check = check_of(TODAY, {}, {})
        failure, = json.loads(check.run())
        self.assertEqual("url is missing", failure["message"])

    def test_the_leaf_of_several_classes(self):
        self.assertEqual("", check_of(BASES, {}, {}).run())
        self.assertEqual(["leaf"], [one.name for one in self.recorder.metrics])


if __name__ == "__main__":
    unittest.main()
