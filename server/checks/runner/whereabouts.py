"""server/checks/runner/whereabouts.py: the line that a check is at shortly before its time is over.

A check that hangs is killed, and who has to repair it wants to know where it hung. So somewhat
before the limit a thread of the child looks at what the main thread is doing, and the parent adds
that to the sentence it kills with. A check that holds the interpreter's lock is not seen.
"""

import os
import sys
import threading

EARLIER_S = 2       # than the limit; a fifth of it, where that is less


class Whereabouts:
    """`with` around what may hang, in the main thread. folders: where the check's code is;
    tell(text) is called once, or not at all."""

    def __init__(self, limit_s, folders, tell):
        self.after_s = limit_s - min(EARLIER_S, limit_s / 5)
        self.folders = tuple(folder.rstrip(os.sep) + os.sep for folder in folders)
        self.tell = tell
        self.timer = None

    def __enter__(self):
        self.timer = threading.Timer(self.after_s, self.look, [threading.get_ident()])
        self.timer.daemon = True
        try:
            self.timer.start()
        except RuntimeError:
            # No memory for a thread: then nobody looks.
            self.timer = None
        return self

    def __exit__(self, *_):
        if self.timer is not None:
            self.timer.cancel()

    def look(self, thread):
        """Tells of the innermost place in the check's code, or else of the innermost of all."""
        frame = innermost = sys._current_frames().get(thread)
        while frame is not None and not frame.f_code.co_filename.startswith(self.folders):
            frame = frame.f_back
        frame = frame or innermost
        if frame is not None:
            code = frame.f_code
            self.tell(f"{code.co_filename}:{frame.f_lineno}, in {code.co_name}")
