"""tests/checks: the tests of server/checks, for unittest. Run them from the repository's top:

  /usr/bin/python3 -B -m unittest discover -s tests/checks -t .
"""

import pathlib
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
CHECKS = TOP / "server" / "checks"

sys.path.insert(0, str(CHECKS))
