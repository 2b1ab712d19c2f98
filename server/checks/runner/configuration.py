"""server/checks/runner/configuration.py: a conf.d → the instances to run.

  conf.d/NAME.yaml, NAME.yml           each configures the check NAME
  conf.d/NAME.d/*.yaml, *.yml          so does each of these
  conf.d/NAME.yaml.default, NAME.d/*.yaml.default    only where nothing else configures NAME

auto_conf.yaml and metrics.yaml are for others, and names that begin with a dot are nobody's. What
is wrong with one file or one instance takes only that: the rest runs. Nothing is kept open, and
nothing here is written; the caller owns what it gets.

A problem is a sentence that begins with the file and, where there is one, the line.
"""

import hashlib
import json
import os
import re
from collections import namedtuple

import yaml

from runner import documents, frames, trust
from runner.shown import cut

DEFAULT_INTERVAL_S = 15
MAX_INTERVAL_S = 7 * 86400
MAX_FILES = 1000
MAX_INSTANCES = 1000
MAX_PROBLEMS = 200
OTHERS = ("auto_conf", "metrics")
FILE = re.compile(r"(.+)\.ya?ml(\.default)?\Z")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}\Z")

# source: "conf.d/postgres.d/conf.yaml:3"; init_config and instance: dicts
Instance = namedtuple("Instance", "check_id name source interval_s init_config instance")
# problems: what does not run, and why; warnings: what runs, but look at it
Configuration = namedtuple("Configuration", "instances problems warnings")
_File = namedtuple("_File", "name path is_default")


def read(confd_path):
    """The whole folder. Never raises: what is wrong is a problem of the answer."""
    found = Configuration([], [], [])
    try:
        trust.folder(confd_path)
        files = _files(confd_path, found)
    except (OSError, trust.Refused) as error:
        found.problems.append(_sentence(confd_path, error))
        return found
    configured = set()
    for file in files:
        if not file.is_default or file.name not in configured:
            _read_file(file, confd_path, configured, found)
    _bound(found)
    return found


def signature(paths, depth=2):
    """How files and folders look from outside, with what lies in a folder and its NAME.d (depth 0:
    without that): it is another as soon as one was written, exchanged, or given other rights."""
    looks = {}
    for path in paths:
        _look(path, looks, depth)
    return looks


def check_id(name, init_config, instance):
    """"NAME:" and 16 digits: the same as long as nothing of the instance changes."""
    text = json.dumps([name, frames.wrapped(init_config), frames.wrapped(instance)],
                      sort_keys=True, separators=(",", ":"))
    return f"{name}:{hashlib.sha256(text.encode('ascii')).hexdigest()[:16]}"


def _look(path, looks, depth):
    try:
        status = os.stat(path)
        looks[path] = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        names = sorted(os.listdir(path)) if depth and os.path.isdir(path) else []
    except OSError as error:
        looks[path] = error.errno
        return
    for name in names[:2 * MAX_FILES]:
        if not name.startswith("."):
            _look(os.path.join(path, name), looks, depth - 1)


def _files(confd_path, found):
    """What configures a check: of each name the defaults last."""
    files = []
    for entry in sorted(os.listdir(confd_path)):
        path = os.path.join(confd_path, entry)
        if entry.endswith(".d") and not entry.startswith(".") and os.path.isdir(path):
            files += _files_of(entry[:-2], path, found)
        else:
            files += _file(None, path)
    if len(files) > MAX_FILES:
        found.problems.append(f"{confd_path}: more than {MAX_FILES} files: the last are not read")
    return sorted(files[:MAX_FILES], key=lambda file: (file.name, file.is_default, file.path))


def _files_of(name, folder, found):
    try:
        entries = sorted(os.listdir(folder))
    except OSError as error:
        found.problems.append(_sentence(folder, error))
        return []
    return [file for entry in entries for file in _file(name, os.path.join(folder, entry))]


def _file(name, path):
    """No file or one: a list to be added to others."""
    base = os.path.basename(path)
    matched = FILE.match(base)
    if not matched or base.startswith(".") or matched[1] in OTHERS:
        return []
    return [_File(name or matched[1], path, matched[2] is not None)]


def _read_file(file, root, configured, found):
    """Adds the instances of a file. Even a broken one keeps the default away: who wrote it does
    not want that; an empty one does not."""
    try:
        node = documents.compose(trust.read(file.path, root))
        if node is None:
            return
        configured.add(file.name)
        _read_document(file, node, root, found)
    except documents.Broken as error:
        configured.add(file.name)
        found.problems.append(f"{file.path}:{error.line}: {error.sentence}")
    except (OSError, trust.Refused) as error:
        configured.add(file.name)
        found.problems.append(_sentence(file.path, error))


def _read_document(file, node, root, found):
    if not NAME.match(file.name):
        raise documents.Broken(1, "a check's name is letters, digits, _ and -, and begins with no "
                                  "digit")
    if not isinstance(node, yaml.MappingNode):
        raise documents.Broken(documents.line_of(node),
                               "there should be init_config: and instances: here")
    for line, key in documents.repeated(node):
        found.warnings.append(f"{file.path}:{line}: {cut(repr(key), 60)} stands here for the "
                              "second time: the last one counts")
    if _is_for_others(node):
        return
    if documents.entry(node, "ad_identifiers") is not None:
        found.warnings.append(f"{file.path}: is a template for containers (ad_identifiers) and "
                              "does not run")
        return
    init_config = _map(documents.entry(node, "init_config"), "init_config")
    common_s = _interval(init_config, documents.entry(node, "init_config"))
    for instance_node in _instances(node):
        try:
            found.instances.append(_instance(file, root, instance_node, init_config, common_s))
        except documents.Broken as error:
            found.problems.append(f"{file.path}:{error.line}: {error.sentence}")


def _is_for_others(node):
    """A file of logs or of Java's metrics alone is whole without instances, as in the Agent."""
    def has(key):
        return documents.entry(node, key) is not None
    return not has("instances") and (has("logs") or has("jmx_metrics"))


def _instances(node):
    instances = documents.entry(node, "instances")
    if isinstance(instances, yaml.SequenceNode) and instances.value:
        return instances.value
    sentence = "Configuration file contains no valid instances"
    if instances is None:
        raise documents.Broken(documents.line_of(node), sentence)
    if not isinstance(instances, yaml.SequenceNode) and instances.tag != documents.NULL:
        sentence += ': each is an entry of a list and begins with "- "'
    raise documents.Broken(documents.line_of(instances), sentence)


def _instance(file, root, node, init_config, common_s):
    instance = _map(node, "an instance")
    interval_s = _interval(instance, node) or common_s or DEFAULT_INTERVAL_S
    source = os.path.join(os.path.basename(os.path.abspath(root)), os.path.relpath(file.path, root))
    return Instance(check_id(file.name, init_config, instance), file.name,
                    f"{source}:{documents.line_of(node)}", interval_s, init_config, instance)


def _map(node, what):
    if node is None or node.tag == documents.NULL:
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise documents.Broken(documents.line_of(node), f"{what} should be a map (key: value)")
    value = documents.value_of(node)
    if not isinstance(value, dict):
        raise documents.Broken(documents.line_of(node), f"{what} should be a map (key: value)")
    return value


def _interval(options, node):
    """min_collection_interval in whole seconds; 0: not given."""
    value = options.get("min_collection_interval")
    if value is None:
        return 0
    whole = isinstance(value, (int, float)) and not isinstance(value, bool) and value == value // 1
    if whole and 0 <= value <= MAX_INTERVAL_S:
        return int(value)
    at = documents.entry(node, "min_collection_interval") or node
    raise documents.Broken(documents.line_of(at), "min_collection_interval should be a number of "
                           f"whole seconds from 1 to {MAX_INTERVAL_S}, not {cut(repr(value), 60)}")


def _bound(found):
    """No instance twice, and not more of anything than the status can hold."""
    first = {}
    for instance in found.instances:
        if instance.check_id in first:
            found.warnings.append(f"{instance.source}: the same instance as "
                                  f"{first[instance.check_id].source}: it runs once")
        first.setdefault(instance.check_id, instance)
    found.instances[:] = first.values()
    if len(found.instances) > MAX_INSTANCES:
        found.problems.append(f"more than {MAX_INSTANCES} instances: {len(found.instances)} are "
                              "configured, and the last do not run")
        del found.instances[MAX_INSTANCES:]
    for sentences in (found.problems, found.warnings):
        if len(sentences) > MAX_PROBLEMS:
            sentences[MAX_PROBLEMS:] = [f"and {len(sentences) - MAX_PROBLEMS} more"]


def _sentence(path, error):
    if isinstance(error, OSError):
        return f"{path}: {(error.strerror or str(error)).lower()}"
    return str(error)
