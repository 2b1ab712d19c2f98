"""offered/datadog_checks/base/utils/limiter.py: as many different things as allowed."""

from ..checks._patterns import Limit


class Limiter:
    """is_reached(context): that this one is one too many. A warning once, until reset()."""

    def __init__(self, check_name, object_name, object_limit, warning_func=None):
        def tell(_):
            if warning_func:
                warning_func(f"{check_name} has more than {object_limit} {object_name}: the others "
                             "are left out")
        self.limit, self.different = Limit(object_limit, tell), 0

    def reset(self):
        self.limit.reset()
        self.different = 0

    def is_reached(self, uid=None):
        """Without a name, each is another."""
        if uid is None:
            self.different += 1
            uid = ("without a name", self.different)
        return not self.limit.allows(uid)
