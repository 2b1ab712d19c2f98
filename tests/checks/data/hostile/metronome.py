"""On time: tells the time at which it really ran."""
import time

from checks import AgentCheck


class Metronome(AgentCheck):
    def check(self, instance):
        self.gauge("metronome", time.time(), tags=[f"n:{instance['n']}"])
        self.count("metronome.beats", 1, tags=[f"n:{instance['n']}"])
