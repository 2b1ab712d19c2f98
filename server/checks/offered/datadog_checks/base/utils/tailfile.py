"""offered/datadog_checks/base/utils/tailfile.py: lines that are added to a file.

The file is opened again when another stands in its place, and read from its start when it became
shorter. Lines that cannot be decoded have a mark where that is.
"""

import os


class TailFile:
    """callback(line) is called with each line, without what ends it."""

    def __init__(self, logger, path, callback):
        self.log, self.path, self.callback = logger, path, callback
        self.file = self.inode = None

    def _reopen(self, move_end):
        """The file is the one of this path, at the place to read on from."""
        inode = os.stat(self.path).st_ino
        if self.file is None or inode != self.inode:
            is_first = self.file is None
            self.close()
            self.file, self.inode = open(self.path, "rb"), inode
            if is_first and move_end:
                self.file.seek(0, os.SEEK_END)
        elif os.fstat(self.file.fileno()).st_size < self.file.tell():
            self.log.info("%s became shorter: it is read from its start", self.path)
            self.file.seek(0)

    def tail(self, line_by_line=True, move_end=True):
        """A generator: each next() reads what was added; with line_by_line a next() for each
        line. A line is read when its end is there."""
        while True:
            self._reopen(move_end)
            while True:
                start = self.file.tell()
                line = self.file.readline()
                if not line.endswith(b"\n"):
                    self.file.seek(start)
                    break
                self.callback(line.rstrip(b"\r\n").decode(errors="replace"))
                if line_by_line:
                    yield True
            yield False

    def close(self):
        if self.file is not None:
            self.file.close()
            self.file = None
