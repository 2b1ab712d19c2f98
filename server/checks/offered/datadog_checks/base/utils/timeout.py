"""offered/datadog_checks/base/utils/timeout.py: a call that may not take too long.

The call has a thread of its own, which goes on when the caller does not wait any more: nothing can
stop it but the end of the process. For as long as it goes on, further calls of the same function
raise at once, so that a call which hangs costs one thread and not one a run.
"""

import functools
import threading


class TimeoutException(Exception):
    """The call took too long."""


class _Call(threading.Thread):
    def __init__(self, function, args, kwargs):
        super().__init__(daemon=True)
        self.work, self.result, self.error = (function, args, kwargs), None, None

    def run(self):
        function, args, kwargs = self.work
        try:
            self.result = function(*args, **kwargs)
        except BaseException as error:
            self.error = error


def timeout(seconds):
    """Decorates a function: it raises TimeoutException when it takes longer."""
    def decorate(function):
        unfinished = []

        @functools.wraps(function)
        def limited(*args, **kwargs):
            if unfinished and unfinished[0].is_alive():
                raise TimeoutException(f"{function.__name__}() from before has not ended yet")
            unfinished.clear()
            call = _Call(function, args, kwargs)
            call.start()
            call.join(seconds)
            if call.is_alive():
                unfinished.append(call)
                raise TimeoutException(f"{function.__name__}() took longer than {seconds} s")
            if call.error is not None:
                raise call.error
            return call.result
        return limited
    return decorate
