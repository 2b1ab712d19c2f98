"""datadog_checks/mysql/replication.py: whether the server replicates, as a replica and as a source.

Pure: it is given what the server answered, and gives findings. The words of the servers differ by
their age (Slave_IO_Running, Replica_IO_Running); either is read.
"""

from collections import namedtuple

OK, WARNING, CRITICAL = 0, 1, 2

# mode: "replica" or "source"; status: of the service checks
Finding = namedtuple("Finding", "mode status")


def statement(version_text):
    """What asks this server for its state as a replica, one row a channel."""
    if "MariaDB" in version_text:
        return "SHOW ALL SLAVES STATUS"
    return "SHOW REPLICA STATUS" if version(version_text) >= (8, 0, 22) else "SHOW SLAVE STATUS"


def version(text):
    """The three numbers in front of "8.0.36-0ubuntu"; what is no number is 0."""
    parts = text.split("-")[0].split(".") + ["0", "0", "0"]
    return tuple(int(part) if part.isdigit() else 0 for part in parts[:3])


def delays(channels):
    """(channel, seconds behind its source) of the channels where the server knows it."""
    for row in channels:
        seconds = _of(row, "Seconds_Behind_Source", "Seconds_Behind_Master")
        if seconds is not None:
            yield _of(row, "Channel_Name", "Connection_name") or "default", float(seconds)


def findings(channels, replicas, log_bin, asked):
    """What the server is. asked: the instance said that it replicates, so that a source without
    replicas is told, too; else only what there is."""
    if channels:
        yield Finding("replica", _replica_status(channels))
    if replicas or (asked and not channels):
        yield Finding("source", OK if replicas and log_bin else WARNING)


def _replica_status(channels):
    """As Datadog's: a half counts as running when it runs on any channel."""
    halves = [any(str(_of(row, f"Replica_{half}_Running", f"Slave_{half}_Running")).lower() == "yes"
                  for row in channels) for half in ("IO", "SQL")]
    return {2: OK, 1: WARNING, 0: CRITICAL}[sum(halves)]


def _of(row, *names):
    for name in names:
        if row.get(name) is not None:
            return row[name]
    return None
