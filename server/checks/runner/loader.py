"""server/checks/runner/loader.py: the code of a check → its class → the object of one instance.

Runs in the child, once. The module is datadog_checks.NAME or else NAME, in the folders that the
parent names; the class is found by inheritance, not by name; the object is made with keywords and,
where that raises, as older ones want it. What comes from the folders of the operator is compiled
from the very bytes that trust.read() believed: compiled files beside them are never looked at.

Failed says in one line what is wrong, file and line first. Loader.files is what the instance
depends on: the files of the operator's folders that were loaded, or should have been.
"""

import importlib
import importlib.machinery
import importlib.util
import os
import sys
import traceback

from runner import trust

MAX_FILES = 500
MAX_CODE = 4 << 20
OURS = (os.path.dirname(os.path.abspath(__file__)) + os.sep, "<frozen importlib")
PACKAGES = {
    "MySQLdb": "python3-mysqldb", "dateutil": "python3-dateutil", "dns": "python3-dnspython",
    "psutil": "python3-psutil", "psycopg2": "python3-psycopg2", "pymysql": "python3-pymysql",
    "redis": "python3-redis", "requests": "python3-requests", "simplejson": "python3-simplejson",
    "six": "python3-six",
}


class Failed(Exception):
    """No check. sentence: one line; traceback: several, or ''."""

    def __init__(self, sentence, trace=""):
        super().__init__(sentence)
        self.sentence = sentence
        self.traceback = trace


class Loader:
    """folders: where code is, in order; guarded: those of them that the operator fills."""

    def __init__(self, folders, guarded):
        self.folders = [os.path.abspath(folder) for folder in folders]
        self.guarded = [os.path.abspath(folder) for folder in guarded]
        self.files = []

    def install(self):
        """From now on `import` finds the folders, behind Python's own."""
        sys.path += [folder for folder in self.folders if folder not in sys.path]
        sys.path_hooks.insert(0, self._finder)
        sys.path_importer_cache.clear()

    def find(self, name, base):
        """A check's module and class, which derives from `base`. Failed with what the operator can
        do something about: a package that is there and broken, before a module that is not."""
        package = "datadog_checks." + name
        no_check = None
        try:
            module = importlib.import_module(package)
            return module, check_class(module, base)
        except Failed as failed:
            no_check = failed       # datadog_checks.config is one of what checks are offered
        except BaseException as error:
            if not _is_absent(error, "datadog_checks", package):
                raise self.failed(error) from None
        try:
            module = self._own(name)
        except BaseException as error:
            if not _is_absent(error, name):
                raise self.failed(error) from None
            raise no_check or Failed(
                f"no code for the check {name}: there is no {name}.py in "
                f"{', '.join(self.guarded) or 'any folder'}, and no module {package}") from None
        return module, check_class(module, base)

    def failed(self, error):
        """An exception of a check's code as Failed."""
        trace = _trace(error)
        if isinstance(error, SyntaxError) and error.filename:
            return Failed(_line(f"{error.filename}:{error.lineno or 1}: {type(error).__name__}: "
                                f"{error.msg}"), trace)
        if isinstance(error, _Distrusted):
            return Failed(_line(str(error)), trace)
        text = said(error)
        package = PACKAGES.get((getattr(error, "name", None) or "").partition(".")[0])
        if isinstance(error, ImportError) and package:
            text += f" (it is in Debian's package {package})"
        return Failed(self._place(error) + text, trace)

    def _place(self, error):
        """"file:line: " of the deepest place in the folders of the check, or ''."""
        frames = traceback.extract_tb(error.__traceback__)
        for folders in (self.guarded, self.folders):
            for frame in reversed(frames):
                if any(frame.filename.startswith(folder + os.sep) for folder in folders):
                    return f"{frame.filename}:{frame.lineno}: "
        return ""

    def _own(self, name):
        """NAME of the folders, the operator's first, even where there is another module of that
        name: redis.py that imports redis means the library, under whose name it must not be known
        then."""
        others = [folder for folder in self.folders if folder not in self.guarded]
        spec = _found(name, self.guarded + others)
        if spec is None:
            return importlib.import_module(name)
        if self._is_taken(name):
            known = "check_" + name
            spec = importlib.util.spec_from_file_location(
                known, spec.origin, loader=type(spec.loader)(known, spec.origin),
                submodule_search_locations=spec.submodule_search_locations)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            sys.modules.pop(spec.name, None)
            raise
        return module

    def _is_taken(self, name):
        """True where `import name` gives a module that is not the operator's."""
        if name in sys.modules or name in sys.stdlib_module_names:
            return True
        return _found(name, [path for path in sys.path if path not in self.guarded]) is not None

    def _finder(self, path):
        """For sys.path_hooks: what lies in a guarded folder is read by _Source."""
        root = next((folder for folder in self.guarded
                     if path == folder or path.startswith(folder + os.sep)), None)
        if root is None:
            raise ImportError("not a folder of checks")
        bound = {"owner": self, "root": root}
        return importlib.machinery.FileFinder(
            path, (type("Extension", (_Extension,), bound), importlib.machinery.EXTENSION_SUFFIXES),
            (type("Source", (_Source,), bound), [".py"]))

    def note(self, path):
        if len(self.files) < MAX_FILES and path not in self.files:
            self.files.append(path)


def _is_absent(error, *names):
    """True where one of these modules itself is not there, and not one that it imports."""
    return isinstance(error, ModuleNotFoundError) and error.name in names


def _found(name, folders):
    """Where a module is, or None; a folder without __init__.py is none."""
    spec = importlib.machinery.PathFinder.find_spec(name, folders)
    return None if spec is None or spec.origin is None else spec


class _Distrusted(ImportError):
    """What trust refused; the text is its sentence."""


class _Source(importlib.machinery.SourceFileLoader):
    """Source of a folder of the operator: believed, and compiled from the bytes that were."""

    owner = root = None

    def get_data(self, path):
        self.owner.note(path)
        try:
            return trust.read(path, self.root, MAX_CODE)
        except trust.Refused as error:
            raise _Distrusted(str(error), name=self.name, path=path) from None

    def get_code(self, fullname):
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class _Extension(importlib.machinery.ExtensionFileLoader):
    """A compiled module: looked at before; no folder on its way lets others exchange it then."""

    owner = root = None

    def create_module(self, spec):
        self.owner.note(self.path)
        try:
            trust.read(self.path, self.root, 1 << 28)
        except trust.Refused as error:
            raise _Distrusted(str(error), name=spec.name, path=self.path) from None
        return super().create_module(spec)


def check_class(module, base):
    """The first by name that derives from `base`, is not it, and that nothing derives from."""
    for name in sorted(dir(module)):
        found = getattr(module, name, None)
        if not isinstance(found, type) or found is base or not issubclass(found, base):
            continue
        if not found.__subclasses__():
            return found
    place = getattr(module, "__file__", None) or module.__name__
    raise Failed(f"{place}: cannot find a subclass of AgentCheck")


def version(module):
    """Its __version__ as text."""
    return str(getattr(module, "__version__", "unversioned"))[:100]


def make(kind, name, init_config, instance, agent_config, failed):
    """The object of an instance; failed(error) → Failed. The forms of constructors, new to old:
    keywords, keywords with agentConfig, and the four by position under whatever names."""
    forms = (
        lambda: kind(name=name, init_config=init_config, instances=(instance,)),
        lambda: kind(name=name, init_config=init_config, agentConfig=agent_config,
                     instances=[instance]),
        lambda: kind(name, init_config, agent_config, [instance]),
    )
    failures = []
    for form in forms:
        try:
            return form()
        except BaseException as error:
            failures.append(error)
            if not isinstance(error, Exception):
                break
    # A TypeError is what a constructor of another form says; what else one said is the cause.
    told = next((error for error in failures if not isinstance(error, TypeError)), failures[-1])
    cause = failed(told)
    traces = [failed(error).traceback for error in failures]
    raise Failed(cause.sentence, "\n".join(dict.fromkeys(traces)))


def said(error):
    """An exception in one line. Its __str__ is the check's, and may raise, too."""
    try:
        text = str(error)
    except BaseException:
        text = "its text cannot be told"
    return _line(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def _trace(error):
    """From the check's own code on; how that came to be imported says nothing."""
    place = error.__traceback__
    while place is not None and place.tb_frame.f_code.co_filename.startswith(OURS):
        place = place.tb_next
    return "".join(traceback.format_exception(type(error), error, place))


def _line(text):
    text = " ".join(text.split())
    return text if len(text) <= 500 else text[:497] + "..."
