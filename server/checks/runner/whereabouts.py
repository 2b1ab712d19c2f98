"""server/checks/runner/whereabouts.py: the line that a check is at shortly before its time is over.

A check that hangs is killed, and who has to repair it wants to know where it hung. So from
somewhat before the limit on a thread of the child looks at what the main thread is doing, and the
parent adds that to the sentence it kills with. A check that holds the interpreter's lock is not
seen.
"""

import os
import sys
import threading

EARLIER_S = 2       # than the limit; a fifth of it, where that is less
AGAIN_S = 0.5


class Whereabouts:
    """`with` around what may hang, in the main thread. folders: where the check's code is;
    tell(text) is called with each place that is another than the last."""

    def __init__(self, limit_s, folders, tell):
        self.after_s = limit_s - min(EARLIER_S, limit_s / 5)
        self.folders = tuple(folder.rstrip(os.sep) + os.sep for folder in folders)
        self.tell = tell
        self.over = None

    def __enter__(self):
        self.over = threading.Event()
        watch = threading.Thread(target=self._watch, args=(threading.get_ident(), self.over),
                                 daemon=True)
        try:
            watch.start()
        except RuntimeError:
            pass    # no memory for a thread: then nobody looks
        return self

    def __exit__(self, *_):
        self.over.set()

    def place(self, thread):
        """The innermost place in the check's code, or else the innermost of all; "" without any."""
        frame = innermost = sys._current_frames().get(thread)
        while frame is not None and not frame.f_code.co_filename.startswith(self.folders):
            frame = frame.f_back
        frame = frame or innermost
        if frame is None:
            return ""
        return f"{frame.f_code.co_filename}:{frame.f_lineno}, in {frame.f_code.co_name}"

    def _watch(self, thread, over):
        told, wait_s = "", self.after_s
        while not over.wait(wait_s):
            place, wait_s = self.place(thread), AGAIN_S
            if place != told:
                self.tell(place)
                told = place
