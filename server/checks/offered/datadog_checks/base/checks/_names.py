"""offered/datadog_checks/base/checks/_names.py: names and tags as they may be. Pure.

The rules are those of today's base class. Agent 5 and Agents 6.0 to 6.5 replaced fewer characters
of a name; an Agent of today does not do as they did either, whatever a check imports.
"""

import re
import unicodedata

FORBIDDEN_IN_NAME = re.compile(r"[^A-Za-z0-9_.]+|^[^A-Za-z]+")
FORBIDDEN_IN_TAG = re.compile(r"[,+*\-/()\[\]{}\s]")
AROUND_DOTS = re.compile(r"_*\._*")
SEVERAL_UNDERSCORES = re.compile(r"__+")
GENERIC_TAGS = {"cluster", "cluster_id", "cluster_name", "clusterid", "clustername", "env", "host",
                "host_name", "hostname", "service", "version"}
BETWEEN_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=.)(?=[A-Z][a-z])")


def as_text(value):
    """bytes decoded (UnicodeDecodeError if they are no UTF-8), anything else as it is."""
    return value.decode("utf-8") if isinstance(value, bytes) else value


def name_as_text(name):
    name = as_text(name)
    if not isinstance(name, str):
        raise TypeError(f"a name is a text, and not {name!r}")
    return name


def _without_traces(text):
    """Takes away what is left over where characters became underscores."""
    return SEVERAL_UNDERSCORES.sub("_", AROUND_DOTS.sub(".", text).strip("_"))


def _ascii(text):
    return unicodedata.normalize("NFKD", as_text(text)).encode("ascii", "ignore").decode("ascii")


def underscore_separated(name):
    """ "BytesSent" → "bytes_sent" """
    words = BETWEEN_WORDS.sub("_", as_text(name)).lower()
    return _without_traces(FORBIDDEN_IN_NAME.sub("_", words))


def normalized(name, prefix=None, fix_case=False):
    name = _ascii(name)
    name = underscore_separated(name) if fix_case \
        else _without_traces(FORBIDDEN_IN_NAME.sub("_", name))
    if prefix is None:
        return name
    return f"{underscore_separated(prefix) if fix_case else as_text(prefix)}.{name}"


def normalized_tag(tag):
    return _without_traces(FORBIDDEN_IN_TAG.sub("_", as_text(tag)))


def without_generic_name(tag, owner):
    """ "host:x" → "OWNER_host:x": names that mean something else elsewhere get one of their own."""
    name, colon, value = tag.partition(":")
    return f"{owner}_{name}:{value}" if colon and name in GENERIC_TAGS else tag


def tag_list(tags, device_name, log):
    """The tags that can be sent, in their order, as a list of the caller's own.

    None among them is skipped. So is, with a line in the log, what is no text and what cannot be
    decoded. One text in place of a list is taken for one tag."""
    if isinstance(tags, (str, bytes)):
        log.warning("tags are a list, and not %r", tags)
        tags = [tags]
    out = [] if device_name is None else [f"device:{as_text(device_name)}"]
    for tag in tags or ():
        if tag is None:
            continue
        try:
            text = as_text(tag)
        except UnicodeDecodeError:
            log.warning("tag %r is left out: it is no UTF-8", tag)
            continue
        if isinstance(text, str):
            out.append(text)
        else:
            log.warning("tag %r is left out: it is no text", tag)
    return out
