"""Submits a million samples, each with tags of its own."""
from checks import AgentCheck


class Submits(AgentCheck):
    def check(self, instance):
        for number in range(1000000):
            self.gauge("submits", number, tags=[f"number:{number}"])
