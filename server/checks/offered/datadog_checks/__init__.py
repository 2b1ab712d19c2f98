"""offered/datadog_checks: our part of a package that others add theirs to.

Integrations install themselves as datadog_checks.NAME. They, ours and this stand beside each other:
whatever of the search path has a folder of this name belongs to it.
"""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
