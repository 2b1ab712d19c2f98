"""offered/datadog_checks/base/utils/db.py: queries in a check's yaml, which are not offered.

Query and QueryManager can be imported; making one says so.
"""

from ..errors import ConfigurationError

SENTENCE = ("{} is not offered here: there are no queries in yaml; a check asks its database "
            "itself, and says by self.gauge() and the like what it heard")


class Query:
    def __init__(self, *_, **__):
        raise ConfigurationError(SENTENCE.format(type(self).__name__))


class QueryManager(Query):
    pass


class QueryExecutor(Query):
    pass
