"""datadog_checks/mysql/careful.py: PyMySQL's connection, which gives no password away.

PyMySQL goes on without TLS where the server, or who stands between, says that there is none; and
it sends the password as it is to a server that asks for it so. Here both end the connection. Over
TLS and over a unix socket such a server may ask, as those that look passwords up elsewhere do.
"""

IN_CLEAR_TEXT = (b"mysql_clear_password", b"dialog")
NO_TLS, NO_SUCH_WAY = 2026, 2061        # the client library's numbers


def careful(pymysql):
    """The class; pymysql: the module, which need not be installed where nobody uses it."""
    from pymysql.constants import CLIENT

    class Careful(pymysql.connections.Connection):
        def _request_authentication(self):
            if self.ssl and not self.server_capabilities & CLIENT.SSL:
                raise pymysql.OperationalError(
                    NO_TLS, "the instance asks for ssl, and the server offers no TLS")
            super()._request_authentication()

        def _process_auth(self, plugin_name, auth_packet):
            if plugin_name in IN_CLEAR_TEXT and not self._secure:
                raise pymysql.OperationalError(
                    NO_SUCH_WAY, "the server asks for the password in clear text, over a "
                                 "connection that is not encrypted")
            return super()._process_auth(plugin_name, auth_packet)

    return Careful
