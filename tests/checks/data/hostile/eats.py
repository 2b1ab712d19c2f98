"""Eats 1 GiB, each byte of it."""
from checks import AgentCheck


class Eats(AgentCheck):
    def check(self, instance):
        self.gauge("eats.before", 1)
        eaten = [bytes([1]) * (1 << 20) for _ in range(1024)]
        self.gauge("eats.after", len(eaten))
