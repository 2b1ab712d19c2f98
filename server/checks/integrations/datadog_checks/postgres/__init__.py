"""datadog_checks/postgres: the numbers of a PostgreSQL, with the names of Datadog's integration.

check       what a run does
settings    what an instance asks for
metrics     the statements, and which column becomes which metric
connection  psycopg2 with a limit of time for everything
"""

from datadog_checks.postgres.check import PostgreSql

__version__ = "1.0.0"
__all__ = ["PostgreSql"]
