"""offered/datadog_checks/base/checks/_storage.py: what a check has kept for it.

A part of AgentCheck (base.py): the persistent cache, which outlives the check's process, and
metadata, which the status shows.
"""

import functools
import re

import datadog_agent

from . import _names
from ..config import is_affirmative

SEMANTIC_VERSION = re.compile(r"v?(?P<major>\d+)\.(?P<minor>\d+)(?:\.(?P<patch>\d+))?"
                              r"(?:-(?P<release>[0-9A-Za-z.-]+))?(?:\+(?P<build>[0-9A-Za-z.-]+))?$")


class Storage:
    def persistent_cache_id(self):
        """A check may have its own, so that its cache outlives a change of its instance."""
        return self.check_id

    def read_persistent_cache(self, key):
        """The text that was written, "" before that."""
        return datadog_agent.read_persistent_cache(_cache_key(self, key))

    def write_persistent_cache(self, key, value):
        value = _names.as_text(value)
        if not isinstance(value, str):
            raise TypeError(f"the cache keeps texts, and '{key}' is {value!r}")
        datadog_agent.write_persistent_cache(_cache_key(self, key), value)

    @staticmethod
    def is_metadata_collection_enabled():
        """The setting `enable_metadata_collection`, which is true unless it is set to false."""
        value = datadog_agent.get_config("enable_metadata_collection")
        return value in ("", None) or is_affirmative(value)

    @classmethod
    def metadata_entrypoint(cls, method):
        """Decorates what only collects metadata: it is not called where nobody wants any."""
        @functools.wraps(method)
        def entrypoint(self, *args, **kwargs):
            if not self.is_metadata_collection_enabled():
                return None
            return method(self, *args, **kwargs)
        return entrypoint

    def set_metadata(self, name, value, **options):
        """`version` becomes its parts, where they can be told. Without check_id there is nobody to
        keep it for."""
        if not self.check_id:
            return
        for key, part in _version_parts(value, options) if name == "version" else [(name, value)]:
            datadog_agent.set_check_metadata(self.check_id, key, str(_names.as_text(part)))

    def set_external_tags(self, external_tags):
        """[(host, {source: [tag, …]}), …]"""
        datadog_agent.set_external_tags([
            (_names.as_text(host), {source: _names.tag_list(tags, None, self.log)
                                    for source, tags in sources.items()})
            for host, sources in external_tags])


def _cache_key(check, key):
    """What a check says of its identity is asked once, and never clashes with another check's."""
    if check._heeler.cache_prefix is None:
        identity = check.persistent_cache_id()
        check._heeler.cache_prefix = identity if identity == check.check_id \
            else f"{check.name}:{identity}"
    return f"{check._heeler.cache_prefix}_{_names.name_as_text(key)}"


def _version_parts(value, options):
    """version.raw, version.scheme and what the scheme finds: semver's numbers, or the part_map that
    the check gives."""
    scheme, part_map = options.get("scheme", "semver"), options.get("part_map")
    if part_map is not None:
        parts = part_map
    elif scheme in ("semver", "regex"):
        pattern = re.compile(options["pattern"]) if "pattern" in options else SEMANTIC_VERSION
        found = pattern.match(str(_names.as_text(value)))
        parts = {key: part for key, part in found.groupdict().items() if part} if found else {}
    else:
        parts = {}
    return [("version.raw", value), ("version.scheme", options.get("final_scheme", scheme)),
            *((f"version.{key}", part) for key, part in parts.items())]
