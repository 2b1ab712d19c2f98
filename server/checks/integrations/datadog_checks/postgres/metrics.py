"""datadog_checks/postgres/metrics.py: the statements, and which column becomes which metric.

A group is one statement. Its first columns are values of tags, the others numbers; a number that
is NULL is none. Names, types and tags are those that Datadog documents for its integration.
Statements read the statistics views only, and need no more than membership in pg_monitor.
"""

from collections import namedtuple

# Types are the names of the methods that report them.
GAUGE, RATE, MONOTONIC = "gauge", "rate", "monotonic_count"

# title     what a warning calls the group
# since     the first version that has it, until: the first that has it no more (170000 is 17.0)
# where     ANYWHERE, or only on a PRIMARY or a STANDBY
# tags      names of the first columns; a NULL in them gives no tag
# columns   (name below postgresql., type), of the other columns
# statement {databases} and {relations} stand for the conditions of what the instance asks for
Group = namedtuple("Group", "title since until where tags columns statement")

ANYWHERE, PRIMARY, STANDBY = "anywhere", "primary", "standby"
FIRST_VERSION, NO_END = 100000, 10**9

SERVER = """
SELECT current_setting('server_version_num')::int, current_setting('server_version'),
       pg_is_in_recovery()"""

DATABASES = Group(
    "databases", FIRST_VERSION, NO_END, ANYWHERE, ("db",),
    (("connections", GAUGE), ("commits", RATE), ("rollbacks", RATE), ("disk_read", RATE),
     ("buffer_hit", RATE), ("rows_returned", RATE), ("rows_fetched", RATE),
     ("rows_inserted", RATE), ("rows_updated", RATE), ("rows_deleted", RATE),
     ("deadlocks", RATE), ("deadlocks.count", MONOTONIC), ("temp_files", RATE),
     ("temp_bytes", RATE), ("before_xid_wraparound", GAUGE)),
    """
SELECT d.datname, s.numbackends, s.xact_commit, s.xact_rollback, s.blks_read, s.blks_hit,
       s.tup_returned, s.tup_fetched, s.tup_inserted, s.tup_updated, s.tup_deleted,
       s.deadlocks, s.deadlocks, s.temp_files, s.temp_bytes,
       2147483648 - age(d.datfrozenxid)
  FROM pg_stat_database s JOIN pg_database d ON d.oid = s.datid
 WHERE {databases}""")

# What its own privileges do not let us measure is skipped, so that it does not hide the others.
SIZES = Group(
    "database sizes", FIRST_VERSION, NO_END, ANYWHERE, ("db",), (("database_size", GAUGE),),
    """
SELECT d.datname, pg_database_size(d.oid)
  FROM pg_database d
 WHERE {databases}
   AND (has_database_privilege(d.oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'MEMBER'))""")

CONNECTIONS = Group(
    "connections", FIRST_VERSION, NO_END, ANYWHERE, (),
    (("max_connections", GAUGE), ("percent_usage_connections", GAUGE)),
    """
SELECT most, (SELECT sum(numbackends) FROM pg_stat_database)::float8 / most
  FROM (SELECT current_setting('max_connections')::float8 AS most) AS settings""")

LOCKS = Group(
    "locks", FIRST_VERSION, NO_END, ANYWHERE, ("db", "lock_mode", "lock_type", "granted"),
    (("locks", GAUGE),),
    """
SELECT d.datname, l.mode, l.locktype, l.granted::text, count(*)
  FROM pg_locks l JOIN pg_database d ON d.oid = l.database
 WHERE {databases} AND l.pid <> pg_backend_pid()
 GROUP BY 1, 2, 3, 4""")

BACKGROUND_WRITER = Group(
    "background writer", FIRST_VERSION, 170000, ANYWHERE, (),
    (("bgwriter.checkpoints_timed", MONOTONIC), ("bgwriter.checkpoints_requested", MONOTONIC),
     ("bgwriter.buffers_checkpoint", MONOTONIC), ("bgwriter.buffers_clean", MONOTONIC),
     ("bgwriter.maxwritten_clean", MONOTONIC), ("bgwriter.buffers_backend", MONOTONIC),
     ("bgwriter.buffers_backend_fsync", MONOTONIC), ("bgwriter.buffers_alloc", MONOTONIC),
     ("bgwriter.write_time", MONOTONIC), ("bgwriter.sync_time", MONOTONIC)),
    """
SELECT checkpoints_timed, checkpoints_req, buffers_checkpoint, buffers_clean, maxwritten_clean,
       buffers_backend, buffers_backend_fsync, buffers_alloc, checkpoint_write_time,
       checkpoint_sync_time
  FROM pg_stat_bgwriter""")

CHECKPOINTER = Group(
    "background writer", 170000, NO_END, ANYWHERE, (),
    (("bgwriter.checkpoints_timed", MONOTONIC), ("bgwriter.checkpoints_requested", MONOTONIC),
     ("bgwriter.buffers_checkpoint", MONOTONIC), ("bgwriter.write_time", MONOTONIC),
     ("bgwriter.sync_time", MONOTONIC), ("bgwriter.buffers_clean", MONOTONIC),
     ("bgwriter.maxwritten_clean", MONOTONIC), ("bgwriter.buffers_alloc", MONOTONIC)),
    """
SELECT c.num_timed, c.num_requested, c.buffers_written, c.write_time, c.sync_time,
       b.buffers_clean, b.maxwritten_clean, b.buffers_alloc
  FROM pg_stat_checkpointer c CROSS JOIN pg_stat_bgwriter b""")

# Seconds since the last transaction that was replayed mean a delay only while there is something
# left to replay: on a primary that rests, a standby that has everything is not late.
STANDBY_DELAY = Group(
    "replication delay", FIRST_VERSION, NO_END, STANDBY, (),
    (("replication_delay", GAUGE), ("replication_delay_bytes", GAUGE)),
    """
SELECT CASE WHEN received = replayed THEN 0
            ELSE greatest(0, extract(epoch FROM now() - pg_last_xact_replay_timestamp()))
       END::float8,
       abs(pg_wal_lsn_diff(received, replayed))::float8
  FROM (SELECT pg_last_wal_receive_lsn() AS received,
               pg_last_wal_replay_lsn() AS replayed) AS positions""")

STANDBYS = Group(
    "standbys", FIRST_VERSION, NO_END, ANYWHERE,
    ("wal_app_name", "wal_state", "wal_sync_state", "wal_client_addr", "slot_name", "slot_type"),
    (("replication.wal_write_lag", GAUGE), ("replication.wal_flush_lag", GAUGE),
     ("replication.wal_replay_lag", GAUGE), ("replication.backend_xmin_age", GAUGE)),
    """
SELECT r.application_name, r.state, r.sync_state, host(r.client_addr), s.slot_name, s.slot_type,
       greatest(0, extract(epoch FROM r.write_lag))::float8,
       greatest(0, extract(epoch FROM r.flush_lag))::float8,
       greatest(0, extract(epoch FROM r.replay_lag))::float8,
       greatest(0, age(r.backend_xmin))
  FROM pg_stat_replication r LEFT JOIN pg_replication_slots s ON s.active_pid = r.pid""")

GROUPS = (CONNECTIONS, LOCKS, BACKGROUND_WRITER, CHECKPOINTER, STANDBY_DELAY, STANDBYS)

# The tables that the key relations names, in the database that the check is connected to.
TABLES = Group(
    "tables", FIRST_VERSION, NO_END, ANYWHERE, ("schema", "table"),
    (("seq_scans", RATE), ("seq_rows_read", RATE), ("index_rel_scans", RATE),
     ("index_rel_rows_fetched", RATE), ("rows_inserted", RATE), ("rows_updated", RATE),
     ("rows_deleted", RATE), ("rows_hot_updated", RATE), ("live_rows", GAUGE),
     ("dead_rows", GAUGE), ("vacuumed", MONOTONIC), ("autovacuumed", MONOTONIC),
     ("analyzed", MONOTONIC), ("autoanalyzed", MONOTONIC), ("table_size", GAUGE),
     ("index_size", GAUGE), ("total_size", GAUGE)),
    """
SELECT schemaname, relname, seq_scan, seq_tup_read, idx_scan, idx_tup_fetch, n_tup_ins, n_tup_upd,
       n_tup_del, n_tup_hot_upd, n_live_tup, n_dead_tup, vacuum_count, autovacuum_count,
       analyze_count, autoanalyze_count, pg_table_size(relid), pg_indexes_size(relid),
       pg_total_relation_size(relid)
  FROM pg_stat_user_tables
 WHERE {relations}
 ORDER BY schemaname, relname LIMIT {most}""")

INDEXES = Group(
    "indexes", FIRST_VERSION, NO_END, ANYWHERE, ("schema", "table", "index"),
    (("index_scans", RATE), ("index_rows_read", RATE), ("index_rows_fetched", RATE)),
    """
SELECT schemaname, relname, indexrelname, idx_scan, idx_tup_read, idx_tup_fetch
  FROM pg_stat_user_indexes
 WHERE {relations}
 ORDER BY schemaname, relname, indexrelname LIMIT {most}""")

TABLE_LOCKS = Group(
    "locks of tables", FIRST_VERSION, NO_END, ANYWHERE,
    ("db", "lock_mode", "lock_type", "granted", "schema", "table"), (("locks", GAUGE),),
    """
SELECT current_database(), mode, locktype, granted, schemaname, relname, count(*)
  FROM (SELECT l.mode, l.locktype, l.granted::text, n.nspname AS schemaname, c.relname
          FROM pg_locks l
          JOIN pg_class c ON c.oid = l.relation
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND l.pid <> pg_backend_pid() AND n.nspname <> 'pg_catalog') AS held
 WHERE {relations}
 GROUP BY 1, 2, 3, 4, 5, 6
 ORDER BY 5, 6 LIMIT {most}""")

RELATION_GROUPS = (TABLES, INDEXES, TABLE_LOCKS)
