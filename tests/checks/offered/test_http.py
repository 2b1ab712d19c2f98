"""self.http with a stand-in for the package `requests`, which a machine may not have."""

import sys
import types
import unittest

from tests.checks.offered.recording import RecordedTest

from datadog_checks.base import AgentCheck, ConfigurationError
from datadog_checks.base.utils.http import RequestsWrapper


class Requests(types.ModuleType):
    """Keeps what it is asked for."""

    def __init__(self):
        super().__init__("requests")
        self.calls, self.sessions = [], []
        self.auth = types.SimpleNamespace(HTTPDigestAuth=lambda *words: ("digest", *words))
        for method in ("get", "post", "head", "put", "patch", "delete", "options"):
            setattr(self, method, lambda url, method=method, **arguments:
                    self.calls.append((method, url, arguments)))

    def Session(self):
        session = Requests()
        self.sessions.append(session)
        return session


class HttpTest(RecordedTest):
    def setUp(self):
        super().setUp()
        self.requests = Requests()
        self.put_in_place(self.requests)

    def put_in_place(self, module):
        if "requests" in sys.modules:
            self.addCleanup(sys.modules.__setitem__, "requests", sys.modules["requests"])
        else:
            self.addCleanup(sys.modules.pop, "requests", None)
        sys.modules["requests"] = module

    def asked(self, instance, init_config=None, url="http://a.example/", remapper=None, **options):
        RequestsWrapper(instance, init_config or {}, remapper).get(url, **options)
        return self.requests.calls[-1][2]

    def test_without_the_package(self):
        self.put_in_place(None)

        class Check(AgentCheck):
            def check(self, instance):
                self.http.get("http://a.example/")
        self.assertIn("self.http needs the Python package requests, which is not installed",
                      Check("n", {}, [{}]).run())

    def test_methods(self):
        check = AgentCheck("n", {}, [{"timeout": 5}])
        self.assertIs(check.http, check.http, "made once")
        for method in ("get", "post", "head", "put", "patch", "delete"):
            getattr(check.http, method)("http://a.example/", params={"q": 1})
        check.http.options_method("http://a.example/")
        self.assertEqual(["get", "post", "head", "put", "patch", "delete", "options"],
                         [method for method, _, _ in self.requests.calls])
        self.assertEqual({"q": 1}, self.requests.calls[0][2]["params"])
        self.assertEqual((5.0, 5.0), self.requests.calls[0][2]["timeout"])

    def test_options(self):
        self.agent.version = "1"
        digest = {"auth_type": "digest", "username": "u", "password": "p"}
        cases = (
            # instance, init_config, argument, its value, why
            ({}, {}, "timeout", (10.0, 10.0), "the default"),
            ({"timeout": "3"}, {}, "timeout", (3.0, 3.0), "for both"),
            ({"timeout": 3, "read_timeout": 9}, {}, "timeout", (3.0, 9.0), "or each"),
            ({}, {"timeout": 7}, "timeout", (7.0, 7.0), "init_config's"),
            ({"timeout": 3}, {"timeout": 7}, "timeout", (3.0, 3.0), "the instance's before"),
            ({}, {"username": "u", "password": "p"}, "auth", None, "which has no secrets for all"),
            ({"username": "u", "password": "p"}, {}, "auth", ("u", "p"), "basic"),
            ({"username": "u"}, {}, "auth", None, "half of it"),
            (digest, {}, "auth", ("digest", "u", "p"), "digest"),
            ({}, {}, "verify", True, "certificates are looked at"),
            ({"tls_verify": False, "tls_ca_cert": "f"}, {}, "verify", False, "unless not"),
            ({"tls_ca_cert": "f"}, {}, "verify", "f", "by a file"),
            ({"tls_cert": "c"}, {}, "cert", "c", "one's own, with its key"),
            ({"tls_cert": "c", "tls_private_key": "k"}, {}, "cert", ("c", "k"), "beside it"),
            ({}, {}, "headers", {"User-Agent": "heeler-checks/1", "Accept": "*/*"}, "the usual"),
            ({"headers": {"A": 1}}, {}, "headers", {"A": "1"}, "instead of them"),
            ({"headers": {"A": "1"}, "extra_headers": {"B": "2"}}, {}, "headers",
             {"A": "1", "B": "2"}, "beside them"),
            ({"allow_redirects": False}, {}, "allow_redirects", False, "no redirections"),
            ({}, {}, "proxies", {}, "the environment's, which requests looks at"),
            ({"proxy": {"http": "p"}}, {}, "proxies", {"http": "p"}, "the instance's"),
            ({}, {"proxy": {"http": "p"}}, "proxies", {"http": "p"}, "init_config's"),
            ({"proxy": {"http": "p", "no_proxy": "b.example, .example"}}, {}, "proxies",
             {"http": "", "https": ""}, "not for this host"),
            ({"proxy": {"http": "p"}, "skip_proxy": True}, {}, "proxies",
             {"http": "", "https": ""}, "not at all"),
            ({"no_proxy": True}, {}, "proxies", {"http": "", "https": ""}, "by its older name"),
        )
        for instance, init_config, argument, expected, why in cases:
            with self.subTest(why):
                self.assertEqual(expected, self.asked(instance, init_config)[argument])

    def test_a_call_counts_more(self):
        arguments = self.asked({"headers": {"A": "1"}, "tls_verify": False}, verify=True,
                               timeout=1, extra_headers={"B": "2"}, stream=True)
        self.assertEqual((True, 1, True, {"A": "1", "B": "2"}),
                         (arguments["verify"], arguments["timeout"], arguments["stream"],
                          arguments["headers"]))

    def test_options_that_a_check_changes(self):
        wrapper = RequestsWrapper({}, {})
        wrapper.options["headers"]["X"] = "1"
        wrapper.get("http://a.example/")
        wrapper.get("http://a.example/", extra_headers={"Y": "2"})
        wrapper.get("http://a.example/")
        self.assertEqual(["1"] * 3, [call[2]["headers"]["X"] for call in self.requests.calls])
        self.assertNotIn("Y", self.requests.calls[2][2]["headers"])

    def test_older_names(self):
        remapper = {"disable_ssl_validation": {"name": "tls_verify", "default": False,
                                               "invert": True}}
        self.assertIs(False, self.asked({"disable_ssl_validation": True}, remapper=remapper)
                      ["verify"])
        self.assertIs(True, self.asked({"disable_ssl_validation": "no"}, remapper=remapper)
                      ["verify"])

    def test_connections_that_persist(self):
        wrapper = RequestsWrapper({"persist_connections": True}, {})
        wrapper.get("http://a.example/")
        wrapper.get("http://a.example/")
        wrapper.get("http://a.example/", persist=False)
        self.assertEqual((1, 2, 1), (len(self.requests.sessions),
                                     len(self.requests.sessions[0].calls),
                                     len(self.requests.calls)))
        self.assertIs(wrapper.session, wrapper.session)

    def test_the_agents_proxy(self):
        self.agent.config["proxy"] = {"http": "p", "https": "q"}
        self.assertEqual({"http": "p", "https": "q"}, self.asked({})["proxies"])

    def test_what_is_not_offered(self):
        for instance, word in (({"auth_type": "kerberos"}, "auth_type kerberos"),
                               ({"auth_type": "ntlm"}, "auth_type ntlm"),
                               ({"kerberos_auth": "required"}, "kerberos_auth"),
                               ({"auth_token": {"reader": {}}}, "auth_token")):
            with self.assertRaisesRegex(ConfigurationError, f"{word} is not offered here"):
                RequestsWrapper(instance, {})
        with self.assertRaisesRegex(ConfigurationError, "timeout has to be a number, .* 'soon'"):
            RequestsWrapper({"timeout": "soon"}, {})


if __name__ == "__main__":
    unittest.main()
