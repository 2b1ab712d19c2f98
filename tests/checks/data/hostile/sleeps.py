"""Sleeps for ever, and takes no signal that it can refuse."""
import signal
import time

from checks import AgentCheck


class Sleeps(AgentCheck):
    def check(self, instance):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        while True:
            time.sleep(1000)
