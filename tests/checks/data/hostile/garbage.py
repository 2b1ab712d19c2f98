"""Prints what is no text, and writes into every descriptor that it finds open."""
import os

from checks import AgentCheck


class Garbage(AgentCheck):
    def check(self, instance):
        for fd in range(64):
            try:
                os.write(fd, os.urandom(2000) + b"\n{}\n")
            except OSError:
                pass
        self.gauge("garbage", 1)
