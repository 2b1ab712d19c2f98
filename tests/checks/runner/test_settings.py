import json
import os
import unittest

from runner.settings import MAX_BYTES, Settings, SettingsError, settings_read

LEAST = {"confd_path": "/etc/heeler/conf.d"}


def given(content):
    fd = os.memfd_create("settings")
    os.write(fd, content)
    return fd


class SettingsTest(unittest.TestCase):
    def test_what_is_missing_has_a_default(self):
        settings = settings_read(given(json.dumps(LEAST).encode()))
        self.assertEqual("/etc/heeler/conf.d", settings.confd_path)
        self.assertEqual((60, False, "info"), (settings.run_timeout_s,
                         settings.integration_check_status_enabled, settings.log_level))

    def test_what_is_wrong_is_named(self):
        for document, words in [
                ([], "no JSON object"), ({}, "no confd_path"),
                (dict(LEAST, run_timeout_s=0), "run_timeout_s is not a whole number"),
                (dict(LEAST, run_timeout_s=True), "run_timeout_s is not a whole number"),
                (dict(LEAST, run_timeout_s=1.5), "run_timeout_s is not a whole number"),
                (dict(LEAST, http="x"), "http is not a list"),
                (dict(LEAST, integration_check_status_enabled=1), "not true or false"),
                (dict(LEAST, agent=[]), "agent is not an object")]:
            with self.assertRaisesRegex(SettingsError, words):
                Settings(document)

    def test_a_document_that_is_none(self):
        with self.assertRaisesRegex(SettingsError, "no JSON"):
            settings_read(given(b"{"))
        with self.assertRaisesRegex(SettingsError, "no JSON"):
            settings_read(given(b"\xff\xfe"))
        with self.assertRaisesRegex(SettingsError, "more than"):
            settings_read(given(b" " * (MAX_BYTES + 1)))
        with self.assertRaisesRegex(SettingsError, "--settings-fd"):
            settings_read(10 ** 6)

    def test_a_pipe_is_read_too(self):
        read, write = os.pipe()
        os.write(write, json.dumps(LEAST).encode())
        os.close(write)
        self.assertEqual("", settings_read(read).app_key)


if __name__ == "__main__":
    unittest.main()
