"""server/checks/runner/clock.py: when a sample was taken, in seconds since 1970.

A run begins at a whole second. The first sample of a context in a run has that very time, and
each later one the seconds more that have passed since that first one. So what a check counts
once a run is divided by the whole seconds from run to run, and value times seconds, summed over
the points, is what was counted: however long the check took to come to that line of its code.

Pure: who calls it reads the clocks. It lives as long as the sampler; begin() forgets a run.
"""


class Clock:
    def __init__(self):
        self.time = 0
        self._first = {}

    def begin(self, time):
        """A run that begins at that whole second since 1970."""
        self.time = time
        self._first = {}

    def stamp(self, context, now):
        """The time of a sample of a context (anything that can be looked up); now: monotonic."""
        return self.time + (now - self._first.setdefault(context, now))
