"""offered/datadog_checks/base/utils/persistent_cache.py: an identity of some options."""

import hashlib
import json


def config_set_persistent_cache_id(check, init_config_options=None, instance_config_options=None):
    """For a check's persistent_cache_id(): it stays as long as these options do."""
    if not init_config_options and not instance_config_options:
        raise ValueError("config_set_persistent_cache_id() needs the names of some options")
    chosen = [{key: section.get(key) for key in sorted(options or ())}
              for section, options in ((check.init_config, init_config_options),
                                       (check.instance, instance_config_options))]
    text = json.dumps(chosen, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
