"""server/checks/runner/watch.py: whether files look other than when they were last read.

`look` is a function that gives something to compare (configuration.signature). What changed is
told when it has come to rest, that is when two looks in a row saw the same: a file that is being
written is not read by halves. What never rests is told all the same, after MAX_UNREST looks.
Pure but for look().
"""

MAX_UNREST = 10


class Watch:
    def __init__(self, look):
        self.look = look
        self.taken = self.before = None
        self.unrest = 0

    def take(self):
        """As it looks now is how it is known; called before it is read."""
        self.taken = self.before = self.look()
        self.unrest = 0

    def changed(self, at_once=False):
        """True once for each change, which is then taken."""
        now = self.look()
        rested = now == self.before or at_once or self.unrest >= MAX_UNREST
        self.before = now
        if now == self.taken:
            self.unrest = 0
            return False
        if not rested:
            self.unrest += 1
            return False
        self.taken, self.unrest = now, 0
        return True
