import unittest

from tests.checks.offered.recording import RecordedTest

from datadog_checks.base import AgentCheck


class NamesTest(RecordedTest):
    def setUp(self):
        super().setUp()
        self.check = AgentCheck("n", {}, [{}])

    def test_normalize(self):
        cases = (
            # name, prefix, fix_case, result, why
            ("abc.def_1", None, False, "abc.def_1", "is as it may be"),
            ("a b-c/d", None, False, "a_b_c_d", "what is not allowed is _"),
            ("a  --  b", None, False, "a_b", "a run of it is one"),
            ("9lives", None, False, "lives", "a start that is no letter goes"),
            ("__a__b__", None, False, "a_b", "several are one, and none at the ends"),
            ("a_._b", None, False, "a.b", "none beside a dot"),
            ("a .b. c", None, False, "a.b.c", "nor what became one"),
            ("Größe", None, False, "Groe", "accents go, and what has no ASCII"),
            ("ﬁle", None, False, "file", "a ligature is its letters"),
            (b"a b", None, False, "a_b", "bytes"),
            ("a b", "p", False, "p.a_b", "a prefix"),
            ("a b", b"p", False, "p.a_b", "as bytes"),
            ("BytesSent", "MyServer", True, "my_server.bytes_sent", "words of both"),
            ("BytesSent", "MyServer", False, "MyServer.BytesSent", "which otherwise stay"),
            ("", None, False, "", "nothing"),
        )
        for name, prefix, fix_case, expected, why in cases:
            with self.subTest(why):
                self.assertEqual(expected, self.check.normalize(name, prefix, fix_case))

    def test_underscores(self):
        cases = ((b"BytesSent", b"bytes_sent"), ("HTTPServer", b"http_server"),
                 ("getHTTP2Code", b"get_http2_code"), ("already_so", b"already_so"),
                 ("a.BytesSent", b"a.bytes_sent"), ("Bytes Sent", b"bytes_sent"),
                 ("ABC", b"abc"), ("x", b"x"), ("", b""))
        for name, expected in cases:
            self.assertEqual(expected, self.check.convert_to_underscore_separated(name), name)

    def test_normalize_tag(self):
        cases = (("a b", "a_b"), ("a,b+c*d-e/f", "a_b_c_d_e_f"), ("(a)[b]{c}", "a_b_c"),
                 ("a  b", "a_b"), ("a_._b", "a.b"), (b"a b", "a_b"), ("größe:é", "größe:é"),
                 ("key:value", "key:value"))
        for tag, expected in cases:
            self.assertEqual(expected, self.check.normalize_tag(tag), tag)


if __name__ == "__main__":
    unittest.main()
