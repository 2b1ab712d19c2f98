import os
import tempfile
import unittest

from runner import cache


class CacheTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_values_outlive_the_process(self):
        for value in ("text", "", "é\ud800\0\n", "x" * (1 << 20)):
            cache.Cache(self.folder).write("one:1_key", value)
            self.assertEqual(value, cache.Cache(self.folder).read("one:1_key"))
        self.assertEqual("", cache.Cache(self.folder).read("one:1_other"))
        self.assertEqual("", cache.Cache(self.folder).read("../../etc/passwd"))

    def test_files_are_the_users_alone_and_nothing_is_left_beside_them(self):
        kept = cache.Cache(self.folder)
        for number in range(3):
            kept.write("../key", str(number))
        folder = os.path.join(self.folder, "checks")
        names = os.listdir(folder)
        self.assertEqual(1, len(names))
        self.assertEqual(0o600, os.stat(os.path.join(folder, names[0])).st_mode & 0o777)
        self.assertEqual(0o700, os.stat(folder).st_mode & 0o777)

    def test_without_a_folder_values_live_as_long_as_the_process(self):
        kept = cache.Cache("")
        kept.write("key", "value")
        self.assertEqual("value", kept.read("key"))
        self.assertEqual("", cache.Cache("").read("key"))

    def test_a_folder_that_cannot_be_written(self):
        kept = cache.Cache("/proc/none")
        with self.assertRaises(OSError):
            kept.write("key", "value")
        self.assertEqual("value", kept.read("key"))

    def test_bounds(self):
        kept = cache.Cache(self.folder)
        with self.assertRaises(ValueError):
            kept.write("key", "x" * ((1 << 20) + 1))
        self.assertEqual("", kept.read("key"))
        for number in range(cache.MAX_KEYS - 1):
            kept.write(f"key{number}", "x")
        with self.assertRaises(ValueError):
            kept.write("another", "x")
        kept.write("key1", "y")
        self.assertEqual("", kept.read("yet another"))
        self.assertEqual("y", kept.read("key1"))

    def test_links_are_not_followed(self):
        kept = cache.Cache(self.folder)
        kept.write("key", "value")
        folder = os.path.join(self.folder, "checks")
        path = os.path.join(folder, os.listdir(folder)[0])
        other = os.path.join(self.folder, "other")
        for name in (path, path + ".new"):
            if os.path.exists(name):
                os.unlink(name)
            os.symlink(other, name)
        with self.assertRaises(OSError):
            kept.write("key", "secret")
        self.assertFalse(os.path.exists(other))
        self.assertEqual("", cache.Cache(self.folder).read("key"))


if __name__ == "__main__":
    unittest.main()
