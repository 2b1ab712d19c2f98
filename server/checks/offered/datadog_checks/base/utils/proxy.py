"""offered/datadog_checks/base/utils/proxy.py: whom to ask for a page instead of its host.

By order: the instance's `proxy`, the agent's setting `proxy` with http, https and no_proxy. Without
any, the environment's, as `requests` does by itself.
"""

import datadog_agent
from urllib.parse import urlparse

from ..config import is_affirmative

NONE = {"http": "", "https": ""}   # not even the environment's


def agent_proxies():
    """{} without any."""
    proxies = datadog_agent.get_config("proxy")
    return dict(proxies) if isinstance(proxies, dict) else {}


def is_skipped(host, no_proxy):
    """no_proxy: a list, or a text with commas. "a.example" is for its subdomains, too."""
    names = no_proxy.split(",") if isinstance(no_proxy, str) else no_proxy or ()
    for name in (str(name).strip().lstrip("*").lstrip(".").lower() for name in names):
        if name and (host == name or host.endswith("." + name)):
            return True
    return False


def config_proxy_skip(proxies, uri, skip_proxy=False):
    """The proxies for uri: none where they are to be left out, or uri's host is among no_proxy."""
    proxies = dict(proxies or {})
    no_proxy = proxies.pop("no_proxy", proxies.pop("no", None))
    if skip_proxy or is_skipped((urlparse(uri).hostname or "").lower(), no_proxy):
        return dict(NONE)
    return proxies


def instance_proxies(instance, uri, proxies=None):
    skip = any(is_affirmative(instance.get(key)) for key in ("no_proxy", "skip_proxy"))
    return config_proxy_skip(agent_proxies() if proxies is None else proxies, uri, skip)
