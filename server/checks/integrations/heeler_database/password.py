"""heeler_database/password.py: where a database's password comes from, and that nobody sees it.

An instance names one place at most: password (pass) itself, password_env, a variable of the
environment, or password_file, a file that others may neither read nor write. The place is read
whenever a connection is opened, so that a password changed there is used without a restart.
The text lives in a Password as long as its check, and in no message: hide() takes it out of what
a driver says.
"""

import os
import stat

from datadog_checks.base import ConfigurationError

FILE_MAX_BYTES = 4096
HIDDEN = "********"
HIDDEN_FROM = 4     # characters: to hide "a" in a sentence would spell it


class Password:
    def __init__(self, options):
        self._text = options.text("password", "pass")
        self._variable = options.text("password_env")
        self._file = options.text("password_file")
        self._last = self._text
        self._refuse_two_places()
        self._refuse_what_cannot_be_meant()

    def __repr__(self):
        return HIDDEN

    def given(self):
        """Whether the instance names any place, be it readable or not."""
        return bool(self._text or self._variable or self._file)

    def read(self):
        """The password as it is now, "" where none is named. ConfigurationError with a sentence."""
        if self._variable:
            self._last = self._from_environment()
        elif self._file:
            self._last = self._from_file()
        return self._last

    def hide(self, text):
        return text.replace(self._last, HIDDEN) if len(self._last) >= HIDDEN_FROM else text

    def _refuse_two_places(self):
        places = [key for key, value in (("password", self._text), ("password_env", self._variable),
                                         ("password_file", self._file)) if value]
        if len(places) > 1:
            raise ConfigurationError(f"{' and '.join(places)}: one of them is enough")

    def _refuse_what_cannot_be_meant(self):
        if self._text.startswith("ENC[") and self._text.endswith("]"):
            raise ConfigurationError(
                "password: ENC[...] asks the Agent's secret backend, which is not offered here; "
                "name a variable by password_env or a file by password_file")
        if self._file and not os.path.isabs(self._file):
            raise ConfigurationError(f"password_file: {self._file} is no absolute path")

    def _from_environment(self):
        text = os.environ.get(self._variable, "")
        if not text:
            raise ConfigurationError(
                f"password_env: the environment of the checks has no {self._variable}")
        return text

    def _from_file(self):
        """The file's first line. Rights are those of the opened file, not of a name that moves."""
        try:
            # O_NONBLOCK: to open a pipe without a writer must not wait for one.
            opened = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise ConfigurationError(f"password_file: {self._file}: {error.strerror}") from None
        with open(opened, "rb") as stream:
            self._refuse_open_to_others(os.fstat(opened).st_mode)
            line = stream.read(FILE_MAX_BYTES + 1)
        return self._first_line(line)

    def _refuse_open_to_others(self, mode):
        if not stat.S_ISREG(mode):
            raise ConfigurationError(f"password_file: {self._file} is no regular file")
        if mode & (stat.S_IROTH | stat.S_IWOTH):
            may = "read" if mode & stat.S_IROTH else "write"
            raise ConfigurationError(f"password_file: others may {may} {self._file} "
                                     f"(mode {mode & 0o777:04o}); chmod o-rwx it")

    def _first_line(self, content):
        if len(content) > FILE_MAX_BYTES:
            raise ConfigurationError(
                f"password_file: {self._file} has more than {FILE_MAX_BYTES} bytes")
        try:
            text = content.decode().split("\n")[0].rstrip("\r")
        except UnicodeDecodeError:
            raise ConfigurationError(f"password_file: {self._file} is not UTF-8") from None
        if not text or "\0" in text:
            raise ConfigurationError(f"password_file: {self._file} has no password in line 1")
        return text
