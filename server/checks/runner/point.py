"""server/checks/runner/point.py: one number of one series at one second, as a run ends with it.

A point is sealed: the sampler makes it, frames carry it, the sink sends it, and nobody changes it.

kind       GAUGE, COUNT or RATE: the type of the series as it is stored
name       text, with what a histogram adds to it ("latency.max")
value      a finite float
timestamp  whole seconds since 1970
tags       a tuple of texts, sorted and without repetitions
host       None: the server's own, "": no host at all, else the host that the check named
"""

from collections import namedtuple

GAUGE, COUNT, RATE = "gauge", "count", "rate"

Point = namedtuple("Point", "kind name value timestamp tags host")
