"""offered/datadog_checks/base/utils/tagging.py: the tagger, and names that tags share."""

import tagger  # noqa: F401

GENERIC_TAGS = {"cluster_name", "clustername", "cluster", "clusterid", "cluster_id", "env", "host",
                "host_name", "hostname", "service", "version"}
