"""server/checks/runner/listing.py: what is configured, without running anything of it.

Code is not looked at: whether a check loads is what --once tells.
"""

import json

from runner import configuration
from runner.shown import shown
from runner.table import table

EXIT_CONFIG = 78


def listing(settings, as_json, out):
    """Prints the instances and what is wrong with the files. 78 when something is, else 0."""
    found = configuration.read(settings.confd_path)
    if as_json:
        json.dump(_document(found), out, indent=2)
        out.write("\n")
    else:
        _print(found, settings.confd_path, out)
    out.flush()
    return EXIT_CONFIG if found.problems else 0


def _document(found):
    return {"instances": [{"name": one.name, "id": one.check_id, "source": one.source,
                           "interval_s": one.interval_s} for one in found.instances],
            "problems": found.problems, "warnings": found.warnings}


def _print(found, confd_path, out):
    if found.instances:
        rows = [(one.name, str(one.interval_s), one.source, one.check_id)
                for one in sorted(found.instances)]
        out.write(table(("CHECK", "EVERY S", "FILE", "ID"), rows))
    else:
        out.write(f"No check is configured in {shown(confd_path)}.\n")
    for title, sentences in (("Problems", found.problems), ("Warnings", found.warnings)):
        if sentences:
            out.write(f"\n{title}\n")
        for sentence in sentences:
            out.write(f"  {shown(sentence)}\n")
