"""offered/datadog_checks/_alias.py: a package under two names, with one set of modules."""

import importlib
import importlib.abc
import importlib.util
import sys


class Alias(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds older.NAME, and gives newer.NAME as it is."""

    def __init__(self, older, newer):
        self.older, self.newer = older, newer

    def find_spec(self, fullname, path=None, target=None):
        if not fullname.startswith(self.older + "."):
            return None
        name = self.newer + fullname[len(self.older):]
        if importlib.util.find_spec(name) is None:
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def create_module(self, spec):
        module = importlib.import_module(self.newer + spec.name[len(self.older):])
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module):
        """It has run already, as the module that it is, and stays."""
        module.__spec__ = module.__spec__.loader_state


def alias(older, newer):
    """The package `older`, which calls this when it is imported, has the modules of `newer`."""
    importlib.import_module(newer)
    sys.meta_path.insert(0, Alias(older, newer))
