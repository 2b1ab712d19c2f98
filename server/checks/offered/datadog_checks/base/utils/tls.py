"""offered/datadog_checks/base/utils/tls.py: an SSL context of an instance's options.

tls_verify, tls_validate_hostname (both true by default), tls_ca_cert (a file or a folder),
tls_cert, tls_private_key, tls_private_key_password, tls_ciphers.
"""

import os
import ssl

from .options import remapped
from ..config import is_affirmative


def context_of(instance, remapper=None):
    """Files that are not there raise OSError, which names them."""
    options = remapped(instance, remapper)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    verify = is_affirmative(options.get("tls_verify", True))
    context.check_hostname = verify and is_affirmative(options.get("tls_validate_hostname", True))
    context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    if options.get("tls_ciphers"):
        ciphers = options["tls_ciphers"]
        context.set_ciphers(ciphers if isinstance(ciphers, str) else ":".join(ciphers))
    authorities = options.get("tls_ca_cert")
    if authorities:
        authorities = os.path.expanduser(authorities)
        is_folder = os.path.isdir(authorities)
        context.load_verify_locations(cafile=None if is_folder else authorities,
                                      capath=authorities if is_folder else None)
    elif verify:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if options.get("tls_cert"):
        key = options.get("tls_private_key")
        context.load_cert_chain(os.path.expanduser(options["tls_cert"]),
                                os.path.expanduser(key) if key else None,
                                options.get("tls_private_key_password"))
    return context
