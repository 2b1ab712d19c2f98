"""server/checks/runner/cache.py: what a check keeps from one start to the next.

  STATE/checks/<48 hex digits of the key's SHA-256>     mode 0600, the value and nothing else

A value is written beside the old one and then put in its place, so a reader finds the old or the
new one whole. An instance has one process, and keys begin with its id: nobody else writes them.
Without a folder, or where it cannot be written, values live as long as the process.
"""

import hashlib
import os

MAX_VALUE = 1 << 20
MAX_KEYS = 100          # of one process
MAX_FILES = 10_000      # of all instances, those of former ones, too


class Cache:
    """folder: the state folder of the runner, or ''."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "checks") if folder else ""
        self.values = {}

    def read(self, key):
        """The value, or "" where there is none."""
        if key not in self.values and self.folder:
            try:
                value = self._read_file(key)
            except (OSError, UnicodeDecodeError):
                value = ""
            if len(self.values) >= MAX_KEYS:
                return value
            self.values[key] = value
        return self.values.get(key, "")

    def write(self, key, value):
        """ValueError with a sentence where it is too much; OSError where only this process has
        it."""
        data = value.encode("utf-8", "surrogatepass")
        if len(data) > MAX_VALUE:
            raise ValueError(f"the persistent cache takes values of {MAX_VALUE} bytes, "
                             f"not {len(data)}")
        if key not in self.values and len(self.values) >= MAX_KEYS:
            raise ValueError(f"the persistent cache takes {MAX_KEYS} keys of an instance")
        self.values[key] = value
        if self.folder:
            self._write_file(key, data)

    def _path(self, key):
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return os.path.join(self.folder, digest[:48])

    def _read_file(self, key):
        descriptor = os.open(self._path(key), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            return file.read(MAX_VALUE).decode("utf-8", "surrogatepass")

    def _write_file(self, key, data):
        os.makedirs(self.folder, 0o700, exist_ok=True)
        path = self._path(key)
        if not os.path.exists(path) and len(os.listdir(self.folder)) >= MAX_FILES:
            raise OSError(None, f"{self.folder} holds {MAX_FILES} files already")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path + ".new", flags, 0o600)
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        os.replace(path + ".new", path)
