import os
import tempfile
import unittest

from runner import trust


class TrustTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.base = os.path.realpath(folder.name)
        self.root = os.path.join(self.base, "conf.d")
        self.path = os.path.join(self.root, "a.d", "conf.yaml")
        os.makedirs(os.path.dirname(self.path), 0o755)
        self.write(self.path)

    def write(self, path, mode=0o644):
        with open(path, "w", encoding="ascii") as file:
            file.write("text")
        os.chmod(path, mode)
        return path

    def refused(self, sentence, path=None):
        with self.assertRaises(trust.Refused) as caught:
            trust.read(path or self.path, self.root)
        self.assertIn(sentence, str(caught.exception))
        self.assertTrue(str(caught.exception).startswith((path or self.path) + ": refused: "))

    def test_what_only_the_owner_writes_is_read(self):
        for mode in (0o644, 0o600, 0o444, 0o755):
            os.chmod(self.path, mode)
            self.assertEqual(b"text", trust.read(self.path, self.root))

    def test_a_file_that_others_may_write(self):
        for mode, who in ((0o664, "its group"), (0o646, "others"), (0o620, "its group")):
            os.chmod(self.path, mode)
            self.refused(f"{who} may write it (mode {mode:04o})")

    def test_each_folder_up_to_the_root_and_none_above(self):
        for folder in (os.path.dirname(self.path), self.root):
            os.chmod(folder, 0o775)
            self.refused(f"its group may write the folder {folder} (mode 0775)")
            os.chmod(folder, 0o1777)
            self.refused(f"others may write the folder {folder} (mode 1777)")
            os.chmod(folder, 0o755)
        os.chmod(self.base, 0o777)
        self.assertEqual(b"text", trust.read(self.path, self.root))

    @unittest.skipIf(os.geteuid(), "only root gives files away")
    def test_another_owner(self):
        for path in (self.path, os.path.dirname(self.path), self.root):
            os.chown(path, 65534, -1)
            self.refused("belongs to user 65534, neither root nor the user of the runner")
            os.chown(path, 0, -1)
        self.assertEqual(b"text", trust.read(self.path, self.root))

    def test_a_link_within_the_root_as_a_config_map_has(self):
        os.mkdir(os.path.join(self.root, "..2026"), 0o755)
        target = self.write(os.path.join(self.root, "..2026", "b.yaml"))
        os.symlink("..2026", os.path.join(self.root, "..data"))
        link = os.path.join(self.root, "b.yaml")
        os.symlink("..data/b.yaml", link)
        self.assertEqual(b"text", trust.read(link, self.root))
        os.chmod(target, 0o666)
        self.refused("others may write it", link)
        os.chmod(target, 0o644)
        os.chmod(os.path.dirname(target), 0o777)
        self.refused(f"others may write the folder {os.path.dirname(target)}", link)

    def test_a_link_out_of_the_root_is_looked_at_where_it_leads(self):
        elsewhere = os.path.join(self.base, "elsewhere")
        os.mkdir(elsewhere, 0o755)
        target = self.write(os.path.join(elsewhere, "c.yaml"))
        for text in (target, "../elsewhere/c.yaml"):
            link = os.path.join(self.root, "c.yaml")
            os.symlink(text, link)
            self.assertEqual(b"text", trust.read(link, self.root))
            os.chmod(elsewhere, 0o777)
            self.refused(f"others may write the folder {elsewhere}", link)
            os.chmod(elsewhere, 0o1777)
            self.assertEqual(b"text", trust.read(link, self.root))
            os.chmod(elsewhere, 0o755)
            os.unlink(link)

    @unittest.skipIf(os.geteuid(), "only root gives files away")
    def test_a_link_that_another_made(self):
        link = os.path.join(self.root, "d.yaml")
        os.symlink(self.path, link)
        os.chown(link, 65534, -1, follow_symlinks=False)
        self.refused(f"the link {link} belongs to user 65534", link)

    def test_links_in_a_circle(self):
        link = os.path.join(self.root, "e.yaml")
        os.symlink("e.yaml", link)
        self.refused("more than 40 links", link)

    def test_what_is_no_file_holds_nobody_up(self):
        pipe = os.path.join(self.root, "f.yaml")
        os.mkfifo(pipe, 0o600)
        self.refused("no regular file", pipe)
        self.refused("no regular file", os.path.dirname(self.path))

    def test_size(self):
        with self.assertRaises(trust.Refused) as caught:
            trust.read(self.path, self.root, 3)
        self.assertIn("larger than 3 bytes", str(caught.exception))
        self.assertEqual(b"text", trust.read(self.path, self.root, 4))

    def test_a_path_that_leaves_the_root(self):
        self.refused("does not lie in", os.path.join(self.base, "conf.d2", "x"))

    def test_a_root_that_is_a_link_is_its_target(self):
        link = os.path.join(self.base, "link")
        os.symlink(self.root, link)
        self.assertEqual(b"text", trust.read(os.path.join(link, "a.d", "conf.yaml"), link))
        os.chmod(self.root, 0o777)
        with self.assertRaises(trust.Refused):
            trust.read(os.path.join(link, "a.d", "conf.yaml"), link)

    def test_a_folder_by_itself(self):
        trust.folder(self.root)
        os.chmod(self.root, 0o777)
        with self.assertRaises(trust.Refused):
            trust.folder(self.root)


if __name__ == "__main__":
    unittest.main()
