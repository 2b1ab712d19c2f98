"""Prints a million lines."""
from checks import AgentCheck


class Prints(AgentCheck):
    def check(self, instance):
        for number in range(1000000):
            print("line", number)
        self.gauge("prints", 1)
