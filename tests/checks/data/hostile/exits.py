"""Ends its process in the middle of a run."""
import os

from checks import AgentCheck


class Exits(AgentCheck):
    def check(self, instance):
        self.gauge("exits.before", 1)
        os._exit(3)
