"""tests/checks/databases/test_password.py: where passwords come from, and who does not see them."""

import os
import tempfile
import unittest
from unittest import mock

from datadog_checks.base import ConfigurationError
from heeler_database.options import Options
from heeler_database.password import Password


class PasswordTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "password")

    def written(self, content, mode=0o600):
        with open(self.path, "wb") as stream:
            stream.write(content)
        os.chmod(self.path, mode)

    def of(self, **instance):
        return Password(Options(instance))

    def refused(self, sentence, **instance):
        with self.assertRaisesRegex(ConfigurationError, sentence):
            self.of(**instance).read()

    def test_places(self):
        self.assertEqual(self.of(password="one").read(), "one")
        self.assertEqual(self.of(**{"pass": "old"}).read(), "old")
        self.assertEqual(self.of(password=1234).read(), "1234")
        self.assertEqual(self.of().read(), "")
        with mock.patch.dict(os.environ, {"HEELER_TEST_PASSWORD": "two"}):
            self.assertEqual(self.of(password_env="HEELER_TEST_PASSWORD").read(), "two")
        self.written("dr\u00fc\n".encode())
        self.assertEqual(self.of(password_file=self.path).read(), "dr\u00fc")

    def test_file_is_read_again(self):
        password = self.of(password_file=self.path)
        self.written(b"old")
        self.assertEqual(password.read(), "old")
        self.written(b"new\r\nand a comment")
        self.assertEqual(password.read(), "new")

    def test_one_place_is_enough(self):
        self.refused("^password and password_env: one of them is enough$", password="a",
                     password_env="B")
        self.refused("^password_env and password_file: ", password_env="B", password_file="/c")

    def test_secret_of_the_agents_backend_is_not_a_password(self):
        self.refused("ENC.* is not offered here; name a variable by password_env",
                     password="ENC[handle]")

    def test_missing_variable(self):
        self.refused("^password_env: the environment of the checks has no HEELER_NO_SUCH$",
                     password_env="HEELER_NO_SUCH")

    def test_file_that_others_may_read_or_write(self):
        for mode, may in ((0o604, "read"), (0o606, "read"), (0o602, "write"), (0o777, "read")):
            with self.subTest(oct(mode)):
                self.written(b"secret", mode)
                self.refused(rf"^password_file: others may {may} {self.path} \(mode {mode:04o}\); "
                             "chmod o-rwx it$", password_file=self.path)
        self.written(b"secret", 0o640)
        self.assertEqual(self.of(password_file=self.path).read(), "secret")

    def test_file_that_is_none(self):
        self.refused("No such file", password_file=self.path)
        self.refused("is no absolute path", password_file="password")
        self.refused("is no regular file", password_file="/dev/null")
        os.mkfifo(self.path, 0o600)
        self.refused("is no regular file", password_file=self.path)

    def test_file_without_a_password(self):
        for content, sentence in ((b"", "has no password in line 1"), (b"\nsecond", "line 1"),
                                  (b"a\0b", "line 1"), (b"\xff", "is not UTF-8"),
                                  (b"x" * 5000, "more than 4096 bytes")):
            with self.subTest(content[:8]):
                self.written(content)
                self.refused(sentence, password_file=self.path)

    def test_nobody_sees_it(self):
        password = self.of(password="s3cret")
        self.assertNotIn("s3cret", repr(password) + str(password))
        self.assertEqual(password.hide("login as s3cret failed"), "login as ******** failed")
        self.assertEqual(self.of().hide("no password, no change"), "no password, no change")

    def test_one_that_was_read_just_now_is_hidden_too(self):
        self.written(b"of the file")
        password = self.of(password_file=self.path)
        password.read()
        self.assertEqual(password.hide("of the file: no"), "********: no")


if __name__ == "__main__":
    unittest.main()
