"""tests/checks/offered: what checks import, as a check sees it."""

import sys

from tests.checks import CHECKS

sys.path.insert(0, str(CHECKS / "offered"))
