"""server/checks/runner/backoff.py: when something that failed is tried again. Pure.

Half a second after the first failure, then twice as long each time, at most 15 s: it is a server
on the same machine, which is away for as long as it takes to start.
"""

FIRST_S, MOST_S = 0.5, 15.0


class Backoff:
    """`until`: monotonic seconds before which nothing is tried. `problem`: a sentence, or None."""

    def __init__(self):
        self.until = 0.0
        self.problem = None
        self._pause = FIRST_S

    def failed(self, now, problem, at_least=0.0):
        self.problem = problem
        self.until = now + max(self._pause, min(at_least, MOST_S))
        self._pause = min(self._pause * 2, MOST_S)

    def worked(self):
        self.until, self.problem, self._pause = 0.0, None, FIRST_S
