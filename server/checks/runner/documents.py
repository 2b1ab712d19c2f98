"""server/checks/runner/documents.py: one text of YAML → nodes that know their lines, within bounds.

Nothing in a yaml may crash the runner, hang it or make it large: the events are counted before
anything is built of them, with what each alias stands for ("billion laughs"), and only the plain
types of YAML are made (safe loader). Pure; nodes are PyYAML's and live as long as their reader
likes.

Broken carries the line, from 1, and a sentence without it.
"""

import re

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_DEPTH = 50
MAX_NODES = 50_000            # aliases count as what they stand for
MAX_CHARACTERS = 4 << 20      # of all scalars, aliases as above
MAX_NUMBER = 400              # characters; longer ones are slow to make and of no use
STRING = "tag:yaml.org,2002:str"
NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
COUNTED = "aliases counted as what they stand for"
NULL = "tag:yaml.org,2002:null"


class Broken(Exception):
    """No YAML that can be used."""

    def __init__(self, line, sentence):
        super().__init__(sentence)
        self.line = line
        self.sentence = sentence


def compose(data):
    """The bytes of a file → its one document's node, or None where there is nothing in it."""
    text = _decoded(data)
    try:
        _measure(text)
        node = yaml.compose(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        raise _told(error, text) from None
    except yaml.YAMLError as error:
        raise Broken(1, f"YAML: {error}") from None
    if node is None or node.tag == NULL:
        return None
    return node


def line_of(node):
    """From 1."""
    return node.start_mark.line + 1


def value_of(node):
    """What a node stands for: dict, list, text, number, bool, None, date, bytes or set."""
    try:
        return _constructed(node)
    except yaml.MarkedYAMLError as error:
        raise _told(error, "") from None
    except (ValueError, TypeError, OverflowError, AttributeError, LookupError) as error:
        raise Broken(_culprit(node), f"YAML: {error}") from None


def entry(node, key):
    """The node of a key in a mapping (of repeated ones the last), or None."""
    found = None
    for key_node, value in node.value:
        if key_node.value == key and key_node.tag == STRING:
            found = value
    return found


def repeated(node):
    """[(line, key)] of the keys that stand more than once in one mapping, at any depth."""
    found, pending, seen = [], [node], set()
    while pending:
        node = pending.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            pending.extend(node.value)
            continue
        keys = set()
        for key, value in node.value:
            pending += (key, value)
            if not isinstance(key, yaml.ScalarNode):
                continue
            if (key.tag, key.value) in keys:
                found.append((line_of(key), key.value))
            keys.add((key.tag, key.value))
    return sorted(found)


def _decoded(data):
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Broken(data.count(b"\n", 0, error.start) + 1, "the text is not UTF-8") from None
    bad = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if bad:
        raise Broken(text.count("\n", 0, bad.start()) + 1,
                     f"YAML: the character U+{ord(bad.group()):04X} may not stand in a text")
    return text


class _Size:
    """What has been read so far, and of each anchor how much it stands for."""

    def __init__(self):
        self.nodes = self.characters = 0
        self.open = []       # of each collection that has begun: anchor, nodes and characters then
        self.anchors = {}

    def add(self, nodes, characters, line):
        self.nodes += nodes
        self.characters += characters
        if self.nodes > MAX_NODES:
            raise Broken(line, f"more than {MAX_NODES} values, {COUNTED}")
        if self.characters > MAX_CHARACTERS:
            raise Broken(line, f"more than {MAX_CHARACTERS} characters, {COUNTED}")


def _measure(text):
    """Refuses what is too deep, too many or endless, before anything is built of it."""
    size = _Size()
    for event in yaml.parse(text, Loader=LOADER):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, *_ in size.open):
                raise Broken(line, f"the alias *{event.anchor} stands in what it refers to")
            size.add(*size.anchors.get(event.anchor, (1, 0)), line)
        elif isinstance(event, yaml.ScalarEvent):
            size.add(1, len(event.value), line)
            size.anchors[event.anchor] = (1, len(event.value))
        elif isinstance(event, yaml.CollectionStartEvent):
            size.open.append((event.anchor, size.nodes, size.characters))
            size.add(1, 0, line)
            if len(size.open) > MAX_DEPTH:
                raise Broken(line, f"nested deeper than {MAX_DEPTH}")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, nodes, characters = size.open.pop()
            size.anchors[anchor] = (size.nodes - nodes, size.characters - characters)


def _constructed(node):
    _refuse_long_numbers(node)
    return yaml.constructor.SafeConstructor().construct_document(node)


def _refuse_long_numbers(node):
    for scalar in _scalars(node):
        if scalar.tag in NUMBERS and len(scalar.value) > MAX_NUMBER:
            raise Broken(line_of(scalar), f"a number of more than {MAX_NUMBER} characters")


def _scalars(node):
    """Each scalar below a node once."""
    pending, seen = [node], set()
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            yield node
        elif isinstance(node, yaml.SequenceNode):
            pending.extend(reversed(node.value))
        else:
            pending.extend(part for pair in reversed(node.value) for part in reversed(pair))


def _culprit(node):
    """The line of the first scalar that cannot be made ("2026-13-01"), else of the node."""
    for scalar in _scalars(node):
        try:
            yaml.constructor.SafeConstructor().construct_document(scalar)
        except (yaml.YAMLError, ValueError, TypeError, OverflowError, AttributeError, LookupError):
            return line_of(scalar)
    return line_of(node)


def _told(error, text):
    """PyYAML's error as ours: what it was about ("while scanning ...") and what is wrong."""
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    said = ", ".join(part for part in (error.context, error.problem) if part)
    lines = re.split("\r\n|[\r\n]", text)
    if "\t" in (lines[line - 1] if line <= len(lines) else "").partition("#")[0]:
        said += " (in YAML blanks indent, and a tab does not)"
    return Broken(line, f"YAML: {said}")
