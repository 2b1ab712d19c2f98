/* server/http/metrics_table.h: the families of GET /metrics, a row each. The page
 * docs/metrics.md and `heeler --metrics-list` read them, too; server/http/metrics.c writes
 * each. */
#ifndef SERVER_HTTP_METRICS_TABLE_H
#define SERVER_HTTP_METRICS_TABLE_H

/* X(id, name, type, sentence) */
#define FAMILIES(X)                                                                           \
    X(F_BUILD, "heeler_build_info", "gauge", "1, with the version")                           \
    X(F_CODE_PATH, "heeler_code_path_info", "gauge",                                          \
      "1, with the code paths that this processor runs (HEELER_CPU)")                         \
    X(F_DATAGRAMS, "heeler_datagrams_received_total", "counter",                              \
      "datagrams read, by listener")                                                          \
    X(F_BYTES, "heeler_bytes_received_total", "counter", "bytes of those datagrams")          \
    X(F_TRUNCATED, "heeler_datagrams_truncated_total", "counter",                             \
      "datagrams longer than dogstatsd_buffer_size, whose rest was cut off")                  \
    X(F_DROPPED, "heeler_datagrams_dropped_by_kernel_total", "counter",                       \
      "datagrams that the kernel dropped before they were read (SO_MEMINFO); with "           \
      "heeler_udp_gro the buffers that they were in, each of one datagram or more")           \
    X(F_CONNECTIONS, "heeler_stream_connections", "gauge",                                    \
      "open connections of the unix stream socket")                                           \
    X(F_CONNECTIONS_REFUSED, "heeler_stream_connections_refused_total", "counter",            \
      "connections closed at once: over heeler_stream_connections, or no memory")             \
    X(F_FRAMES_TOO_LARGE, "heeler_stream_frames_too_large_total", "counter",                  \
      "connections closed for a frame longer than dogstatsd_buffer_size")                     \
    X(F_FORWARDED, "heeler_datagrams_forwarded_total", "counter",                             \
      "datagrams sent on to statsd_forward_host")                                             \
    X(F_LINES, "heeler_lines_received_total", "counter", "lines, refused ones too, by kind")  \
    X(F_REJECTED, "heeler_lines_rejected_total", "counter", "lines refused, by reason")       \
    X(F_RECORDS_SHED, "heeler_records_shed_total", "counter",                                 \
      "events and service checks shed because the flusher was behind")                        \
    X(F_VALUES, "heeler_values_total", "counter", "values of accepted lines, by type")        \
    X(F_COPIED, "heeler_values_copied_total", "counter",                                      \
      "histogram values copied to a distribution")                                            \
    X(F_SHED, "heeler_values_shed_total", "counter",                                          \
      "accepted values that reached no series, by reason")                                    \
    X(F_FOLDED, "heeler_values_folded_total", "counter", "values folded into series")         \
    X(F_CONTEXTS, "heeler_contexts", "gauge", "contexts alive in the workers")                \
    X(F_BIRTHS, "heeler_contexts_born_total", "counter", "contexts seen as new")              \
    X(F_PAUSE, "heeler_seal_longest_microseconds", "gauge",                                   \
      "the longest that a worker paused reading to seal an interval")                         \
    X(F_GAP, "heeler_read_longest_gap_microseconds", "gauge",                                 \
      "the longest that a UDP socket known to hold datagrams was not read")                   \
    X(F_SERIES, "heeler_series", "gauge", "series in the catalogue")                          \
    X(F_STRINGS, "heeler_strings_bytes", "gauge", "bytes of interned names, hosts and tags")  \
    X(F_SNAPSHOTS, "heeler_snapshots_total", "counter", "intervals flushed")                  \
    X(F_LATE, "heeler_buckets_late_total", "counter",                                         \
      "buckets that came after their interval was flushed")                                   \
    X(F_TAKEN_OVER, "heeler_values_taken_over_total", "counter",                              \
      "values of the open interval that were inherited")                                      \
    X(F_STATE_REFUSED, "heeler_states_refused_total", "counter",                              \
      "inherited states that were damaged or of another version")                             \
    X(F_CONFLICTS, "heeler_type_conflicts_total", "counter",                                  \
      "series whose name and tags exist with another type")                                   \
    X(F_LIMITED, "heeler_mapper_limited_total", "counter",                                    \
      "times a regex of dogstatsd_mapper_profiles was stopped, as it took too long")          \
    X(F_SWITCHED, "heeler_histograms_approximated_total", "counter",                          \
      "histograms beyond heeler_histogram_exact_values")                                      \
    X(F_ENCODED, "heeler_points_encoded_total", "counter", "points put in payloads, by kind") \
    X(F_POINTS_DROPPED, "heeler_points_dropped_total", "counter",                             \
      "points made and not encoded, by reason")                                               \
    X(F_ROLLUP_BYTES, "heeler_rollup_bytes", "gauge", "memory of what is kept for questions") \
    X(F_ROLLUP_SERIES, "heeler_rollup_series", "gauge", "series that are kept for questions") \
    X(F_ROLLUP_DROPPED, "heeler_rollup_dropped_total", "counter",                             \
      "what heeler_rollup_max_bytes left no room for: windows of a series that were given "   \
      "up, "                                                                                  \
      "points that were refused")                                                             \
    X(F_LATE_BYTES, "heeler_rollup_late_bytes", "gauge",                                      \
      "of that, what came late and waits beside its window")                                  \
    X(F_TIMED, "heeler_timestamped_values_total", "counter",                                  \
      "values with a timestamp of their own, by where questions find them")                   \
    X(F_HISTORY_OPEN, "heeler_history_open", "gauge",                                         \
      "1 while the windows are written to disk; absent without heeler_state_path")            \
    X(F_HISTORY_BYTES, "heeler_history_bytes", "gauge", "what the past takes on disk")        \
    X(F_HISTORY_WINDOWS, "heeler_history_windows_total", "counter", "windows written there")  \
    X(F_HISTORY_VALUES, "heeler_history_values_total", "counter",                             \
      "values of series in these windows")                                                    \
    X(F_HISTORY_DROPPED, "heeler_history_dropped_total", "counter",                           \
      "values of series in windows that are not on disk: lost while it could not be "         \
      "written, given up by memory before it was, too old, or crowded out by "                \
      "heeler_history_max_bytes")                                                             \
    X(F_HISTORY_DAMAGED, "heeler_history_files_damaged_total", "counter",                     \
      "files of the past that could not be read and were set aside")                          \
    X(F_NOTES, "heeler_history_notes_total", "counter",                                       \
      "events, statuses of checks and definitions written there")                             \
    X(F_NOTES_LOST, "heeler_history_notes_lost_total", "counter",                             \
      "events, statuses of checks and definitions that are not on disk: there was no room "   \
      "for them while it could not be written")                                               \
    X(F_DEFINITIONS, "heeler_definitions", "gauge",                                           \
      "what was saved by API: dashboards, monitors, downtimes, and what is known about "      \
      "metrics; by kind")                                                                     \
    X(F_DEFINITION_BYTES, "heeler_definition_bytes", "gauge", "memory of these")              \
    X(F_MONITORS, "heeler_monitors", "gauge", "monitors, by the worst state of their groups") \
    X(F_MONITOR_GROUPS, "heeler_monitor_groups", "gauge", "groups of these")                  \
    X(F_EVALUATIONS, "heeler_monitor_evaluations_total", "counter",                           \
      "evaluations of a monitor, those too that could not be made")                           \
    X(F_EVALUATIONS_LATE, "heeler_monitor_evaluations_late_total", "counter",                 \
      "of these, more than a minute behind their own")                                        \
    X(F_NOTIFICATIONS_RAISED, "heeler_notifications_raised_total", "counter",                 \
      "notifications of monitors; each has one receiver")                                     \
    X(F_NOTIFICATIONS, "heeler_notifications_total", "counter",                               \
      "of these, by what became of them")                                                     \
    X(F_NOTIFICATIONS_WAITING, "heeler_notifications_waiting", "gauge",                       \
      "those raised of which nothing became yet")                                             \
    X(F_CHECKS_BEYOND, "heeler_checks_beyond_total", "counter",                               \
      "statuses of checks that monitors do not see, as there is no room for so many checks")  \
    X(F_CHECKS, "heeler_checks_instances", "gauge",                                           \
      "instances of checks, by their state, as their runner told last")                       \
    X(F_CHECKS_HEARD, "heeler_checks_heard_time_seconds", "gauge",                            \
      "when the runner of checks was last heard of, in seconds since 1970; 0: never")         \
    X(F_CHECKS_RUNS, "heeler_checks_runs_total", "counter", "runs of these, as it told")      \
    X(F_CHECKS_FAILURES, "heeler_checks_failures_total", "counter",                           \
      "of them, those that failed")                                                           \
    X(F_CHECKS_KILLS, "heeler_checks_kills_total", "counter",                                 \
      "processes of checks that were ended: for their time, their memory or a flood")         \
    X(F_CHECKS_POINTS, "heeler_checks_points_total", "counter", "points that they reported")  \
    X(F_CHECKS_GIVEN_UP, "heeler_checks_given_up_total", "counter",                           \
      "points, events and service checks that the runner could not send")                     \
    X(F_QUESTIONS, "heeler_questions_total", "counter",                                       \
      "questions answered, refused ones too")                                                 \
    X(F_OUTBOX, "heeler_outbox_bytes", "gauge", "payloads that delivery has not taken yet")   \
    X(F_PAYLOAD_BYTES, "heeler_payload_bytes", "gauge",                                       \
      "all payloads in memory, those that several sinks share once")                          \
    X(F_PAYLOADS, "heeler_payloads_total", "counter", "payloads, by sink and result")         \
    X(F_POINTS, "heeler_points_total", "counter", "points of payloads, by sink and result")   \
    X(F_RECOVERED, "heeler_points_recovered_total", "counter",                                \
      "points found in the spool at start or taken over, by sink")                            \
    X(F_QUEUED, "heeler_queue_points", "gauge", "points waiting or in flight, by sink")       \
    X(F_QUEUE_BYTES, "heeler_queue_bytes", "gauge", "bytes of payloads in memory, by sink")   \
    X(F_SPOOLED, "heeler_spool_points", "gauge", "points waiting on disk, by sink")           \
    X(F_SPOOL_BYTES, "heeler_spool_bytes", "gauge", "bytes of those files, by sink")          \
    X(F_SPOOL_DAMAGED, "heeler_spool_files_damaged_total", "counter",                         \
      "files removed because they were damaged, their points unknown, by sink")               \
    X(F_SPLIT, "heeler_payloads_split_total", "counter",                                      \
      "payloads that were too large and became two, by sink")                                 \
    X(F_DEAD_LETTERS, "heeler_dead_letters_total", "counter",                                 \
      "refused payloads kept in heeler_dead_letter_path, by sink")                            \
    X(F_RETRIES, "heeler_retries_total", "counter",                                           \
      "payloads put back to be sent again, by sink")                                          \
    X(F_ERRORS, "heeler_delivery_errors_total", "counter",                                    \
      "failed requests, by sink and class")                                                   \
    X(F_KEY, "heeler_api_key_valid", "gauge",                                                 \
      "1 when the intake takes the key, 0 when not; absent until known")                      \
    X(F_REDIS_UP, "heeler_redis_up", "gauge",                                                 \
      "1 while Redis (all masters of a cluster) takes the windows; absent without one")       \
    X(F_REDIS_ERRORS, "heeler_redis_errors_total", "counter",                                 \
      "connections to Redis lost or not made, and commands it refused, by reason")            \
    X(F_DUPLICATES, "heeler_duplicate_instances", "gauge",                                    \
      "other living instances in the same Redis with this host name")                         \
    X(F_TRACE_BODIES, "heeler_trace_bodies_total", "counter",                                 \
      "bodies of traces and of stats that were read, by path")                                \
    X(F_TRACE_BODIES_BAD, "heeler_trace_bodies_refused_total", "counter",                     \
      "bodies of traces and of stats that were not understood, by path")                      \
    X(F_TRACE_OVERLOADED, "heeler_trace_overloaded_total", "counter",                         \
      "bodies that were answered and not taken: there was no room in heeler_trace_max_bytes") \
    X(F_TRACE_FOREIGN, "heeler_trace_foreign_total", "counter",                               \
      "requests of pages of a browser, which are refused")                                    \
    X(F_TRACE_TELEMETRY, "heeler_trace_telemetry_total", "counter",                           \
      "reports of libraries about themselves, which are dropped")                             \
    X(F_TRACES, "heeler_traces_received_total", "counter", "traces, or parts of them")        \
    X(F_SPANS_RECEIVED, "heeler_spans_received_total", "counter", "spans of these")           \
    X(F_SPANS, "heeler_spans_total", "counter",                                               \
      "spans that were taken, by what became of them")                                        \
    X(F_SPANS_REFUSED, "heeler_spans_refused_total", "counter",                               \
      "spans that were not, by reason")                                                       \
    X(F_SPANS_LATE, "heeler_spans_late_total", "counter",                                     \
      "spans that counted in a younger bucket than their own")                                \
    X(F_TRACE_GROUPS, "heeler_trace_stats_groups_total", "counter",                           \
      "groups of spans that libraries counted, by what became of them")                       \
    X(F_TRACE_UPSTREAM, "heeler_trace_upstream_groups_total", "counter",                      \
      "groups of spans for the intake, by what became of them here")                          \
    X(F_TRACE_BUCKETS_OPEN, "heeler_trace_buckets_open", "gauge",                             \
      "buckets of spans that are not told yet")                                               \
    X(F_TRACE_HELD, "heeler_trace_held_bytes", "gauge",                                       \
      "memory of traces, of heeler_trace_max_bytes")                                          \
    X(F_TRACE_RING, "heeler_trace_ring_traces", "gauge", "traces that are kept to look at")   \
    X(F_TRACE_RING_BYTES, "heeler_trace_ring_bytes", "gauge", "memory of these")              \
    X(F_IMBALANCE, "heeler_ledger_imbalance", "gauge",                                        \
      "0 when both sides of the balance agree")                                               \
    X(F_HTTP_REFUSED, "heeler_http_requests_refused_total", "counter",                        \
      "requests that HTTP refused, by reason")                                                \
    X(F_HTTP_LOST, "heeler_http_stream_items_lost_total", "counter",                          \
      "items of streams that a slow reader lost")                                             \
    X(F_PICTURES, "heeler_pictures_total", "counter",                                         \
      "pictures of graphs that were asked for, by what became of them")                       \
    X(F_MAIN_TURN, "heeler_main_turn_longest_microseconds", "gauge",                          \
      "the longest turn of main's loop, which serves HTTP, from the end of a wait to the "    \
      "next; time in which others had its CPU is in it")                                      \
    X(F_MAIN_CPU, "heeler_main_turn_longest_cpu_microseconds", "gauge",                       \
      "the most CPU time that a turn of main's loop took")                                    \
    X(F_LOG_DROPPED, "heeler_log_lines_dropped_total", "counter",                             \
      "lines of log and console that were not read, or not written, in time")                 \
    X(F_MEMORY, "process_resident_memory_bytes", "gauge", "resident memory")                  \
    X(F_CPU, "process_cpu_seconds_total", "counter", "user and system time")                  \
    X(F_START, "process_start_time_seconds", "gauge", "start, in seconds since 1970")

#endif
