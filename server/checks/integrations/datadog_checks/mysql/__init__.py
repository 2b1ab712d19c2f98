"""datadog_checks/mysql: the numbers of a MySQL or MariaDB, with the names of Datadog's integration.

check        what a run does
settings     what an instance asks for
metrics      which of the server's variables becomes which metric
replication  whether it replicates, as a replica and as a source
process      the processor's time that the server took, from /proc
connection   PyMySQL with a limit of time for everything
careful      PyMySQL that gives no password away
"""

from datadog_checks.mysql.check import MySql

__version__ = "1.0.0"
__all__ = ["MySql"]
