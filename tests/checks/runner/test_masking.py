import unittest

from runner.masking import Mask


class MaskTest(unittest.TestCase):
    def test_secrets_of_an_instance(self):
        mask = Mask({"host": "db", "password": "hunter22", "options": {"api_key": "k" * 8},
                     "tokens": ["abcd", 12345]}, None)
        self.assertEqual("db refused ******** and ********, ********, ********",
                         mask("db refused hunter22 and kkkkkkkk, abcd, 12345"))

    def test_what_is_no_secret_stays(self):
        mask = Mask({"host": "passage", "keyspace": "orders", "tags": ["a:b"], "password": "a",
                     "use_password": True, "bypass": 12345})
        text = "passage orders a:b a True 12345"
        self.assertEqual(text, mask(text))

    def test_of_two_the_longer_is_masked_whole(self):
        self.assertEqual("********", Mask({"password": "abcd", "token": "abcdefgh"})("abcdefgh"))

    def test_addresses(self):
        self.assertEqual("postgres://me:********@db/x", Mask()("postgres://me:s3cret@db/x"))
        self.assertEqual("http://127.0.0.1:80/a@b", Mask()("http://127.0.0.1:80/a@b"))

    def test_texts_of_a_dict(self):
        fields = {"msg_text": "no hunter22", "timestamp": 1, "tags": ["x"], "host": None}
        self.assertEqual({**fields, "msg_text": "no ********"},
                         Mask({"password": "hunter22"}).texts(fields))

    def test_a_long_text_takes_no_longer_than_it_is_long(self):
        for text in ("a." * 500000, "a://" * 200000, "a://a:" + "b:" * 500000):
            self.assertEqual(text, Mask()(text))

    def test_deep_documents_end(self):
        document = {}
        document["password"] = document
        Mask(document)


if __name__ == "__main__":
    unittest.main()
