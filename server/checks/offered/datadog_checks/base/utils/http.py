"""offered/datadog_checks/base/utils/http.py: self.http, requests as an instance's options say.

This is a thin layer over the package `requests`; where that is not installed, self.http says so.
An option of a call counts more than the instance's, and the instance's more than init_config's
(proxy, skip_proxy, timeout).

  timeout (10), connect_timeout, read_timeout        seconds
  username, password, auth_type                      basic or digest
  headers, extra_headers                             in place of the usual ones; beside them
  tls_verify, tls_ca_cert, tls_cert, tls_private_key, tls_ignore_warning
  proxy {http, https, no_proxy}, skip_proxy
  allow_redirects, persist_connections, request_size (KiB that a check may read at once)
"""

import warnings

import datadog_agent

from .options import remapped
from .proxy import agent_proxies, config_proxy_skip
from ..config import is_affirmative
from ..errors import ConfigurationError

DEFAULT_TIMEOUT_S = 10
AUTH_TYPES = ("basic", "digest")
OLDER_NAMES = {"no_proxy": {"name": "skip_proxy"}}   # of a time before there was `proxy`
REFUSED = ("kerberos_auth", "auth_token", "aws_region", "ntlm_domain")


def _requests():
    try:
        import requests
    except ImportError:
        raise ConfigurationError("self.http needs the Python package requests, which is not "
                                 "installed (Debian and Ubuntu: python3-requests)") from None
    return requests


def _timeouts(options):
    def seconds(key, default):
        try:
            return float(options.get(key, default))
        except (TypeError, ValueError):
            raise ConfigurationError(f"{key} has to be a number, and is {options[key]!r}") from None
    both = seconds("timeout", DEFAULT_TIMEOUT_S)
    return seconds("connect_timeout", both), seconds("read_timeout", both)


def _auth(options, requests):
    kind = str(options.get("auth_type") or "basic").lower()
    present = [key for key in REFUSED if options.get(key)]
    if kind not in AUTH_TYPES or present:
        raise ConfigurationError(f"{present[0] if present else f'auth_type {kind}'} is not offered "
                                 "here: basic and digest are")
    user, password = options.get("username"), options.get("password")
    if user is None or password is None:
        return None
    return (user, password) if kind == "basic" else requests.auth.HTTPDigestAuth(user, password)


def _headers(options):
    usual = {"User-Agent": datadog_agent.headers()["User-Agent"], "Accept": "*/*"}
    headers = {**(options.get("headers") or usual), **(options.get("extra_headers") or {})}
    return {key: str(value) for key, value in headers.items()}


def _certificate(options):
    if not options.get("tls_cert"):
        return None
    key = options.get("tls_private_key")
    return (options["tls_cert"], key) if key else options["tls_cert"]


class RequestsWrapper:
    """Lives as long as its check. `options` are the arguments of each call, which a check may
    change; `session` is one that persists if persist_connections says so."""

    def __init__(self, instance, init_config, remapper=None, logger=None, session=None):
        self.requests = _requests()
        shared = {key: init_config[key] for key in ("proxy", "skip_proxy", "timeout")
                  if key in (init_config or {})}
        options = remapped({**shared, **instance}, {**OLDER_NAMES, **(remapper or {})})
        verify = is_affirmative(options.get("tls_verify", True))
        self.options = {"auth": _auth(options, self.requests), "cert": _certificate(options),
                        "headers": _headers(options), "timeout": _timeouts(options),
                        "verify": options.get("tls_ca_cert") or True if verify else False,
                        "allow_redirects": is_affirmative(options.get("allow_redirects", True)),
                        "proxies": dict(options.get("proxy") or agent_proxies())}
        self.skip_proxy = is_affirmative(options.get("skip_proxy"))
        self.ignore_tls_warning = is_affirmative(options.get("tls_ignore_warning"))
        self.persist_connections = is_affirmative(options.get("persist_connections"))
        self.request_size = int(float(options.get("request_size") or 16) * 1024)
        self.logger, self._session = logger, session

    @property
    def session(self):
        if self._session is None:
            self._session = self.requests.Session()
        return self._session

    def get(self, url, **options):
        return self._request("get", url, options)

    def post(self, url, **options):
        return self._request("post", url, options)

    def head(self, url, **options):
        return self._request("head", url, options)

    def put(self, url, **options):
        return self._request("put", url, options)

    def patch(self, url, **options):
        return self._request("patch", url, options)

    def delete(self, url, **options):
        return self._request("delete", url, options)

    def options_method(self, url, **options):
        return self._request("options", url, options)

    def _request(self, method, url, options):
        persist = options.pop("persist", self.persist_connections)
        extra_headers = options.pop("extra_headers", None)
        arguments = {**self.options, **options}
        if extra_headers:
            arguments["headers"] = {**(arguments["headers"] or {}), **extra_headers}
        arguments["proxies"] = config_proxy_skip(arguments["proxies"], url, self.skip_proxy)
        if self.logger:
            self.logger.debug("%s %s", method.upper(), url)
        send = getattr(self.session if persist else self.requests, method)
        if not self.ignore_tls_warning:
            return send(url, **arguments)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return send(url, **arguments)
