"""datadog_checks/mysql/metrics.py: which of the server's variables becomes which metric.

Names and types are those that Datadog documents for its integration; most are the variable's own
name in small letters below a prefix, so that a line here lists variables. A row is
(variable, metric, type). Variables that a server does not have are not reported.
"""

# Types are the names of the methods that report them.
GAUGE, RATE, MONOTONIC = "gauge", "rate", "monotonic_count"


def _rows(prefix, kind, variables, cut=""):
    """Rows of variables that share a prefix of metrics; cut: what their own names lose in front."""
    return tuple((variable, f"{prefix}.{variable[len(cut):].lower()}", kind)
                 for variable in variables.split())


# Of SHOW GLOBAL STATUS, always.
STATUS = (
    *_rows("mysql.performance", RATE, """
        Queries Questions Slow_queries Com_select Com_insert Com_update Com_delete Com_replace
        Com_load Com_insert_select Com_update_multi Com_delete_multi Com_replace_select
        Bytes_sent Bytes_received Qcache_hits Qcache_inserts Qcache_lowmem_prunes
        Created_tmp_tables Created_tmp_disk_tables Created_tmp_files"""),
    *_rows("mysql.performance", GAUGE, """
        Threads_connected Threads_running Open_files Open_tables Prepared_stmt_count
        Table_locks_waited"""),
    ("Table_locks_waited", "mysql.performance.table_locks_waited.rate", RATE),
    *_rows("mysql.net", RATE, "Connections Aborted_clients Aborted_connects"),
    ("Max_used_connections", "mysql.net.max_connections", GAUGE),
    *_rows("mysql.myisam", RATE, "Key_read_requests Key_reads Key_write_requests Key_writes"),
    *_rows("mysql.innodb", RATE, """
        Innodb_data_reads Innodb_data_writes Innodb_os_log_fsyncs Innodb_row_lock_waits
        Innodb_row_lock_time Innodb_buffer_pool_read_requests Innodb_buffer_pool_reads""",
           cut="Innodb_"),
    *_rows("mysql.innodb", GAUGE, "Innodb_row_lock_current_waits", cut="Innodb_"),
)

# Of SHOW GLOBAL STATUS, with the option extra_status_metrics.
EXTRA_STATUS = (
    *_rows("mysql.performance", RATE, """
        Handler_commit Handler_delete Handler_prepare Handler_read_first Handler_read_key
        Handler_read_next Handler_read_prev Handler_read_rnd Handler_read_rnd_next
        Handler_rollback Handler_update Handler_write Opened_tables Qcache_not_cached
        Select_full_join Select_full_range_join Select_range Select_range_check Select_scan
        Sort_merge_passes Sort_range Sort_rows Sort_scan"""),
    *_rows("mysql.performance", GAUGE, """
        Qcache_total_blocks Qcache_free_blocks Qcache_free_memory Qcache_queries_in_cache
        Table_locks_immediate Threads_cached"""),
    ("Table_locks_immediate", "mysql.performance.table_locks_immediate.rate", RATE),
    ("Table_open_cache_hits", "mysql.performance.table_cache_hits", RATE),
    ("Table_open_cache_misses", "mysql.performance.table_cache_misses", RATE),
    *_rows("mysql.performance", MONOTONIC, "Threads_created"),
    *_rows("mysql.binlog", GAUGE, "Binlog_cache_disk_use Binlog_cache_use", cut="Binlog_"),
)

# Of SHOW GLOBAL STATUS, with the option extra_innodb_metrics.
EXTRA_INNODB = (
    *_rows("mysql.innodb", RATE, """
        Innodb_buffer_pool_pages_flushed Innodb_buffer_pool_read_ahead
        Innodb_buffer_pool_read_ahead_evicted Innodb_buffer_pool_write_requests
        Innodb_data_fsyncs Innodb_data_read Innodb_data_written Innodb_dblwr_pages_written
        Innodb_dblwr_writes Innodb_log_waits Innodb_log_write_requests Innodb_log_writes
        Innodb_os_log_written Innodb_pages_created Innodb_pages_read Innodb_pages_written
        Innodb_rows_deleted Innodb_rows_inserted Innodb_rows_read Innodb_rows_updated""",
           cut="Innodb_"),
    *_rows("mysql.innodb", GAUGE, """
        Innodb_buffer_pool_pages_data Innodb_buffer_pool_pages_dirty
        Innodb_buffer_pool_pages_free Innodb_buffer_pool_pages_total
        Innodb_buffer_pool_read_ahead_rnd Innodb_data_pending_fsyncs Innodb_data_pending_reads
        Innodb_data_pending_writes Innodb_os_log_pending_fsyncs Innodb_os_log_pending_writes
        Innodb_history_list_length""", cut="Innodb_"),
    ("Innodb_buffer_pool_bytes_data", "mysql.innodb.buffer_pool_data", GAUGE),
    *_rows("mysql.innodb", MONOTONIC, "Innodb_buffer_pool_wait_free", cut="Innodb_"),
)

# Of SHOW GLOBAL VARIABLES.
SETTINGS = (
    ("max_connections", "mysql.net.max_connections_available", GAUGE),
    ("query_cache_size", "mysql.performance.qcache_size", GAUGE),
    *_rows("mysql.performance", GAUGE, """
        max_prepared_stmt_count table_open_cache thread_cache_size"""),
    *_rows("mysql.myisam", GAUGE, "key_buffer_size"),
)

# What a run asks of the settings: those above, and what the check itself needs to know.
ASKED_SETTINGS = sorted({variable for variable, _, _ in SETTINGS}
                        | {"version", "pid_file", "log_bin", "key_cache_block_size"})


def derived(status, settings):
    """(metric, type, value) of what is computed from several variables; both map name to text."""
    yield from _buffer_pool(status)
    yield from _key_cache(status, settings)


def number(values, name):
    """The variable as a float, or None where it is missing or no number ("ON", "")."""
    try:
        return float(values[name])
    except (KeyError, TypeError, ValueError):
        return None


def _buffer_pool(status):
    """In bytes; the server counts pages."""
    page, total, free, dirty = (number(status, name) for name in (
        "Innodb_page_size", "Innodb_buffer_pool_pages_total", "Innodb_buffer_pool_pages_free",
        "Innodb_buffer_pool_pages_dirty"))
    if None in (page, total, free) or total == 0:
        return
    yield "mysql.innodb.buffer_pool_total", GAUGE, total * page
    yield "mysql.innodb.buffer_pool_free", GAUGE, free * page
    yield "mysql.innodb.buffer_pool_used", GAUGE, (total - free) * page
    yield "mysql.innodb.buffer_pool_utilization", GAUGE, (total - free) / total
    if dirty is not None:
        yield "mysql.innodb.buffer_pool_dirty", GAUGE, dirty * page


def _key_cache(status, settings):
    unused, used, waiting = (number(status, "Key_blocks_" + name)
                             for name in ("unused", "used", "not_flushed"))
    block, size = number(settings, "key_cache_block_size"), number(settings, "key_buffer_size")
    if None in (unused, used, waiting, block, size):
        return
    if size > 0:
        yield "mysql.performance.key_cache_utilization", GAUGE, 1 - unused * block / size
    yield "mysql.myisam.key_buffer_bytes_used", GAUGE, used * block
    yield "mysql.myisam.key_buffer_bytes_unflushed", GAUGE, waiting * block
