"""Leaves a process behind that holds on to all of its descriptors, and another at each run."""
import os
import time

from checks import AgentCheck


class Forks(AgentCheck):
    def check(self, instance):
        if os.fork() == 0:
            time.sleep(1000)
            os._exit(0)
        self.gauge("forks", 1)
