"""tests/checks/databases: the checks of databases against real servers of Debian.

Needed: postgresql-15, mariadb-server, python3-psycopg2, python3-pymysql. Each test has a server of
its own, in a temporary folder, on a socket in it, run as nobody where the tests are run by root.
"""

import os
import sys

_CHECKS = os.path.join(os.path.dirname(__file__), "..", "..", "..", "server", "checks")

for _folder in ("", "offered", "integrations"):
    _path = os.path.abspath(os.path.join(_CHECKS, _folder))
    if _path not in sys.path:
        sys.path.append(_path)
