"""Raises, behind a sample that counts."""
from checks import AgentCheck


class Raises(AgentCheck):
    def check(self, instance):
        self.gauge("raises.before", 1)
        raise RuntimeError("the pump is\nbroken")
