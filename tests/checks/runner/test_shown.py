import unittest

from runner.shown import cut, shown, shown_lines


class ShownTest(unittest.TestCase):
    def test_plain_text_stands_for_itself(self):
        for text in ("a b\\n", "été", "日本", "🙂"):
            self.assertEqual(text, shown(text))

    def test_what_a_terminal_obeys_is_shown(self):
        for text, expected in [("\x1b[31m", "\\x1b[31m"), ("a\nb", "a\\nb"), ("\t", "\\x09"),
                               ("\x7f", "\\x7f"), ("\u009b", "\\xc2\\x9b"),
                               ("\u202e", "\\xe2\\x80\\xae"), ("\udcff", "\\xff"),
                               ("\ud800", "\\xed\\xa0\\x80"), ("\u2028", "\\xe2\\x80\\xa8")]:
            self.assertEqual(expected, shown(text))

    def test_lines_stay(self):
        self.assertEqual("a\n  b\\x1b", shown_lines("a\n  b\x1b"))

    def test_cut(self):
        self.assertEqual(["abc", "a...", "..", ""],
                         [cut("abc", 3), cut("abcde", 4), cut("abcde", 2), cut("abc", 0)])


if __name__ == "__main__":
    unittest.main()
