"""server/checks/runner/addresses.py: where the server is, as the settings write it. Pure.

"127.0.0.1:8125", "[::1]:8125", "http://127.0.0.1:8127", "unix:/path". Names other than localhost
are not looked up, since that may wait: the server is on this machine.
"""

import ipaddress
import socket


def udp_target(text):
    """(family, address) of "HOST:PORT". ValueError with a sentence."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    host = "127.0.0.1" if host == "localhost" else host
    try:
        version = ipaddress.ip_address(host).version
        number = int(port)
    except ValueError:
        raise ValueError(f"{text} is no address of this machine") from None
    return (socket.AF_INET6 if version == 6 else socket.AF_INET), (host, number)


def http_target(text):
    """(family, address, what a request calls it)."""
    if text.startswith("unix:"):
        return socket.AF_UNIX, text[5:], "localhost"
    authority = text.removeprefix("http://").rstrip("/")
    return *udp_target(authority), authority
