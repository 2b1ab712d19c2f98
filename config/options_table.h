/* config/options_table.h: the one table of options; included again and again,
 * each time with another meaning of its two macros.
 *
 *   OPTION(type, key, default, group, sentence, traits...)
 *   OPTION_DOTTED(type, group key, key, default, group, sentence, traits...)
 *
 * A default is written as in an environment variable. The second form is the
 * key "group.key", whose field in struct settings is group_key. The traits
 * (limits, choices, other names) are macros of config/options.c. An option that a
 * reload takes over has the trait RELOADS, or RENAMES where series may then have
 * other names or tags; without either it needs a restart. */

/* clang-format off */

OPTION(INT, heeler_interval, "10", OURS,
       "how much time one flush covers", RANGE(1, 60, "seconds"))
OPTION(INT, heeler_workers, "1", OURS,
       "threads that receive and parse", RANGE(1, WORKERS_MAX, "threads"))
OPTION(LIST, heeler_http_listen, "127.0.0.1:8127", OURS,
       "addresses and unix:/paths of the page, health, metrics and queries; empty: none",
       FORM(HTTP_ADDRESS))
OPTION(LIST, heeler_http_hosts, "", OURS,
       "names that HTTP requests may come by, besides addresses, localhost and this host's own",
       RELOADS)
OPTION(LIST, heeler_app_keys, "", OURS,
       "keys for addresses of heeler_http_listen that other machines reach; empty: these answer "
       "health and metrics only", SECRET, RELOADS)
OPTION(STRING, heeler_chart_path, "", OURS,
       "program that draws pictures of graphs; empty: heeler-chart beside this program")
OPTION(STRING, heeler_calendar_path, "", OURS,
       "program that knows when downtimes recur; empty: heeler-calendar beside this program")
OPTION(STRING, heeler_checks_path, "", OURS,
       "program that runs checks in Python; empty: heeler-checks in ../lib/heeler from here, or "
       "beside this program")
OPTION(INT, heeler_checks_run_timeout, "60", OURS,
       "how long one run of a check may take before its process is ended",
       RANGE(1, 86400, "seconds"))
OPTION(INT, heeler_checks_memory, "536870912", OURS,
       "address space that the process of a check may use", AT_LEAST(67108864, "bytes"))
OPTION(STRING, heeler_dashboards_path, "", OURS,
       "folder of dashboards, a JSON file each as the API gives it back; read at the start and by "
       "each reload; empty: none")
OPTION(STRING, heeler_monitors_path, "", OURS,
       "folder of monitors and downtimes, a JSON file each as the API gives it back; read at the "
       "start and by each reload; empty: none")
OPTION(LIST, heeler_mail_to, "", OURS,
       "addresses, or whole domains (@example.org), that messages of monitors may go to; empty: no "
       "mail", RELOADS)
OPTION(STRING, heeler_smtp_url, "", OURS,
       "mail server of these: smtps://user:password@host, or smtp:// with STARTTLS; ?tls=never for "
       "one on this machine; empty: no mail", SECRET, FORM(SECRET_URL), RELOADS)
OPTION(STRING, heeler_smtp_url_file, "", OURS,
       "file with the heeler_smtp_url, where that is not set; others than owner and group must not "
       "read it", RELOADS)
OPTION(STRING, heeler_smtp_from, "", OURS, "address that mail comes from", RELOADS)
OPTION(JSON_LIST, heeler_webhooks, "[]", OURS,
       "webhooks of @webhook-NAME in messages: maps of name, url or url_file, headers, body",
       SECRET, RELOADS)
OPTION(INT, heeler_notify_per_hour, "100", OURS,
       "messages that one receiver gets in an hour; the rest comes as one digest",
       RANGE(1, 10000, "messages"), RELOADS)
OPTION(STRING, heeler_heartbeat_url, "", OURS,
       "URL that is fetched each minute while monitors are evaluated in time; empty: none",
       SECRET, RELOADS)
OPTION(CHOICE, heeler_console, "auto", OURS,
       "show what arrives on the terminal; auto: when there is one and nothing is sent",
       ONE_OF("auto true false"))
OPTION(INT, heeler_max_contexts, "1000000", OURS,
       "distinct names and tag sets kept; samples of further ones are shed and counted",
       RANGE(1, 100000000, "contexts"))
OPTION(INT, heeler_max_memory, "0", OURS,
       "memory for contexts, rollups and metrics in flight; 0: half of the control group's limit",
       AT_LEAST(0, "bytes"))
OPTION(INT, heeler_stop_timeout, "5", OURS,
       "how long the last flush may take at exit", RANGE(0, 3600, "seconds"), RELOADS)
OPTION(INT, heeler_linger, "0", OURS,
       "at SIGTERM keep receiving until nothing came for so long; 0: stop at once",
       RANGE(0, 3600, "seconds"), RELOADS)
OPTION(INT, heeler_linger_max, "20", OURS,
       "at SIGTERM stop after so long, whatever still comes", RANGE(0, 3600, "seconds"), RELOADS)
OPTION(BOOL, heeler_stop_handover, "false", OURS,
       "SIGTERM puts the open interval into systemd's descriptor store, for the next start", RELOADS)
OPTION(LIST, heeler_udp_listen, "", OURS,
       "UDP addresses to receive on, instead of bind_host and dogstatsd_port", FORM(ADDRESS))
OPTION(INT, heeler_histogram_exact_values, "16384", OURS,
       "values of a histogram kept exactly before it turns into a sketch",
       RANGE(1, 100000000, "values"), RELOADS)
OPTION(BOOL, heeler_statsd_gauge_deltas, "false", OURS,
       "gauge values with a sign (+1, -1) change the gauge instead of setting it")
OPTION(CHOICE, heeler_spread, "flow", OURS,
       "how UDP datagrams are spread over the workers: by sender or at random",
       ONE_OF("flow random"))
OPTION(BOOL, heeler_nap, "true", OURS,
       "pause shortly after a small batch, to wake up less often")
OPTION(BOOL, heeler_udp_gro, "false", OURS,
       "take UDP datagrams from the kernel many at once, where senders or network cards give it many")
OPTION(STRING, heeler_socket_mode, "0722", OURS,
       "mode of the unix sockets", FORM(OCTAL))
OPTION(STRING, heeler_socket_owner, "", OURS,
       "user that owns the unix sockets; empty: the server's own")
OPTION(STRING, heeler_socket_group, "", OURS,
       "group that owns the unix sockets; empty: the server's own")
OPTION(BOOL, heeler_senders, "false", OURS,
       "count who sends how much all the time, and not only while somebody looks (heeler top)")
OPTION(BOOL, heeler_core_dumps, "false", OURS,
       "a crash may write the memory, API keys and all, to a core file")
OPTION(INT, heeler_stream_connections, "1024", OURS,
       "open connections on the unix stream socket", RANGE(1, 65536, "connections"))
OPTION(INT, heeler_stream_idle_timeout, "3600", OURS,
       "how long a silent stream connection stays open", RANGE(1, 604800, "seconds"))

OPTION(LIST, heeler_rollups, "60 3600", OURS,
       "windows, in seconds, that series are summed up in for questions", COMMAS)
OPTION(INT, heeler_lookback, "3600", OURS,
       "how long single intervals are kept for questions", RANGE(0, 31622400, "seconds"))
OPTION(INT, heeler_late_max, "3600", OURS,
       "what comes with a timestamp of its own goes into windows that are over, for questions, up "
       "to this age", RANGE(0, 31622400, "seconds"))
OPTION(INT, heeler_rollup_max_bytes, "8388608", OURS,
       "memory for all of these, 64 MiB with heeler_redis_url; 0: nothing is kept", AT_LEAST(0, "bytes"))
OPTION(STRING, heeler_state_path, "", OURS,
       "folder in which the past is kept on disk, by default the StateDirectory= of systemd, if "
       "there is one; empty: memory only")
OPTION(LIST, heeler_history_retention, "interval:1d 60s:15d 3600s:400d", OURS,
       "how long single intervals, and windows of heeler_rollups, are kept there", COMMAS)
OPTION(INT, heeler_history_max_bytes, "268435456", OURS,
       "of that file: beyond it the oldest and finest windows go first", AT_LEAST(1048576, "bytes"))
OPTION(INT, heeler_trace_max_bytes, "67108864", OURS,
       "memory for traces: what is being received, open buckets, traces that are kept to look at",
       AT_LEAST(4194304, "bytes"))
OPTION(INT, heeler_trace_ring_bytes, "8388608", OURS,
       "of these, half at most, for traces that are kept to look at: the slowest and those with "
       "errors; 0: none",
       AT_LEAST(0, "bytes"))
OPTION(INT, heeler_tail_max_bytes, "4194304", OURS,
       "bytes a second that are looked at for heeler tail and heeler capture; what comes beyond is "
       "only counted", RANGE(65536, 1073741824, "bytes"))
OPTION(INT, heeler_ring_bytes, "0", OURS,
       "memory for the datagrams received last, which heeler capture --last saves; some 1 MiB a "
       "worker at least; 0: none are kept", RANGE(0, 68719476736, "bytes"))
OPTION(STRING, heeler_ca_file, "", OURS,
       "certificates of the authorities to trust, instead of the system's; empty: the system's")
OPTION(STRING, heeler_api_key_file, "", OURS,
       "file with the api_key, where that is not set; others than owner and group must not read it",
       RELOADS)
OPTION(STRING, heeler_dead_letter_path, "", OURS,
       "folder that keeps payloads which the intake called bad; empty: they are only counted")
OPTION(BOOL, heeler_self_telemetry, "true", OURS,
       "send datadog.dogstatsd.running and heeler.* about the server itself", RELOADS)

OPTION(STRING, heeler_redis_url, "", OURS,
       "Redis that gets a copy of the windows: redis://[user:password@]host[:port][/db], rediss://, "
       "unix:///path; empty: none", SECRET, FORM(SECRET_URL))
OPTION(STRING, heeler_redis_prefix, "heeler", OURS, "what all keys there begin with", FORM(SHORT))
OPTION(INT, heeler_redis_ttl, "86400", OURS,
       "how long windows of heeler_rollups stay there; single intervals stay for heeler_lookback",
       RANGE(60, 31622400, "seconds"))
OPTION(BOOL, heeler_redis_cluster, "false", OURS, "the URL is that of a node of a Redis Cluster")
OPTION(INT, heeler_redis_resend, "30", OURS,
       "what was acknowledged so lately is sent again after a lost connection or a fail-over",
       RANGE(0, 3600, "seconds"))
OPTION(INT, heeler_redis_queue_max_bytes, "16777216", OURS,
       "memory for what Redis has not taken yet or may have to be sent again; the oldest is shed",
       AT_LEAST(65536, "bytes"))
OPTION(CHOICE, heeler_on_duplicate, "warn", OURS,
       "when another living instance there has this host name: warn, or also put the tag "
       "heeler_instance on every series", ONE_OF("warn tag"))

OPTION(BOOL, use_dogstatsd, "true", RECEIVE, "receive metrics at all")
OPTION(PORT, dogstatsd_port, "8125", RECEIVE,
       "UDP port; 0: no UDP, __random__: the kernel chooses", RANGE(0, 65535, NULL))
OPTION(STRING, bind_host, "", RECEIVE, "UDP address to receive on; empty: localhost")
OPTION(BOOL, dogstatsd_non_local_traffic, "false", RECEIVE, "receive on all interfaces")
OPTION(INT, dogstatsd_so_rcvbuf, "0", RECEIVE,
       "receive buffer of the UDP sockets; 0: 64 MiB are asked for, at most an eighth of the memory", RANGE(0, 2147483647, "bytes"))
OPTION(INT, dogstatsd_buffer_size, "8192", RECEIVE,
       "largest datagram or frame", RANGE(16, 65535, "bytes"))
OPTION(LIST, dogstatsd_eol_required, "", RECEIVE,
       "where a last line without a newline is dropped", ONE_OF("udp uds named_pipe"))
OPTION(STRING, dogstatsd_socket, "/var/run/datadog/dsd.socket", RECEIVE,
       "path of the unix datagram socket; empty: none", FORM(SOCKET))
OPTION(STRING, dogstatsd_stream_socket, "", RECEIVE,
       "path of the unix stream socket; empty: none", FORM(SOCKET))
OPTION(BOOL, dogstatsd_require_listener, "false", RECEIVE,
       "do not start where no socket can be received on")
OPTION(BOOL, dogstatsd_stream_log_too_big, "false", RECEIVE,
       "log the beginning of frames that are too big")
OPTION(BOOL, dogstatsd_origin_detection, "false", RECEIVE,
       "ask the kernel who sends on the unix sockets")
OPTION(BOOL, dogstatsd_origin_detection_client, "false", RECEIVE,
       "read the origin fields that clients send")
OPTION(STRING, statsd_forward_host, "", RECEIVE,
       "host that gets a copy of every datagram; empty: none")
OPTION(INT, statsd_forward_port, "0", RECEIVE, "its UDP port", RANGE(0, 65535, NULL))

OPTION(LIST, dogstatsd_tags, "", TAGS, "tags put on everything received", RENAMES)
OPTION(LIST, tags, "", TAGS, "tags of this host, put on every series", COMMAS, RENAMES)
OPTION(LIST, extra_tags, "", TAGS, "more tags of this host", RENAMES)
OPTION(STRING, env, "", TAGS, "value of the tag env; empty: no such tag", RENAMES)
OPTION(STRING, hostname, "", TAGS, "name of this host; empty: found out")
OPTION(STRING, hostname_file, "", TAGS, "file whose first line is the name of this host")
OPTION(BOOL, hostname_fqdn, "false", TAGS, "use the fully qualified name of this host")
OPTION(JSON_LIST, dogstatsd_mapper_profiles, "[]", TAGS,
       "rules that turn parts of metric names into tags", RENAMES)
OPTION(INT, dogstatsd_mapper_cache_size, "1000", TAGS,
       "names whose mapping is remembered", RANGE(0, 10000000, "names"), RELOADS)
OPTION(STRING, statsd_metric_namespace, "", TAGS, "prefix put before every metric name",
       RENAMES)
OPTION(LIST, statsd_metric_namespace_blacklist,
       "datadog.agent datadog.dogstatsd datadog.process datadog.trace_agent datadog.tracer "
       "activemq activemq_58 airflow cassandra confluent hazelcast hive ignite jboss jvm kafka "
       "presto sidekiq solr tomcat runtime", TAGS,
       "names that begin like this get no such prefix",
       OTHER_KEY("statsd_metric_namespace_blocklist"), RENAMES)
OPTION(LIST, statsd_metric_blocklist, "", TAGS,
       "metric names to drop; metric_filterlist goes before it", RENAMES)
OPTION(BOOL, statsd_metric_blocklist_match_prefix, "false", TAGS,
       "drop every name that begins with one of these", RENAMES)
OPTION(LIST, metric_filterlist, "", TAGS, "metric names to drop", RENAMES)
OPTION(BOOL, metric_filterlist_match_prefix, "false", TAGS,
       "drop every name that begins with one of these", RENAMES)
OPTION(JSON_LIST, metric_tag_filterlist, "[]", TAGS, "tags to strip from metrics", RENAMES)
OPTION(BOOL, metric_tag_filterlist_adp_only, "true", TAGS,
       "the Agent proper does not strip these tags, its data plane does", RENAMES)

OPTION(FLOAT, dogstatsd_expiry_seconds, "300", AGGREGATE,
       "how long a quiet counter is sent as zero", RANGE(0, 31622400, "seconds"), RELOADS)
OPTION(INT, dogstatsd_context_expiry_seconds, "20", AGGREGATE,
       "how long a quiet context is remembered", RANGE(0, 31622400, "seconds"), RELOADS)
OPTION(BOOL, dogstatsd_no_aggregation_pipeline, "true", AGGREGATE,
       "samples with a timestamp keep it and are not aggregated")
OPTION(INT, dogstatsd_no_aggregation_pipeline_batch_size, "32768", AGGREGATE,
       "samples with a timestamp sent at once; never more than 65536",
       RANGE(1, 1000000, "samples"), RELOADS)
OPTION(LIST, histogram_aggregates, "max median avg count", AGGREGATE,
       "series made of a histogram: max min median avg sum count", RELOADS)
OPTION(LIST, histogram_percentiles, "0.95", AGGREGATE,
       "percentiles made of a histogram, as fractions", RELOADS)
OPTION(BOOL, histogram_copy_to_distribution, "false", AGGREGATE,
       "send histograms as distributions too", RELOADS)
OPTION(STRING, histogram_copy_to_distribution_prefix, "", AGGREGATE,
       "prefix of these distributions", RENAMES)

OPTION(STRING, api_key, "", SEND,
       "key of the intake; empty: nothing is sent", SECRET, RELOADS)
OPTION(STRING, site, "datadoghq.com", SEND, "site of the intake", FORM(HOST))
OPTION(STRING, dd_url, "", SEND,
       "URL of the intake; empty: made from site", FORM(URL), OTHER_VARIABLE("DD_URL"))
OPTION(JSON_MAP, additional_endpoints, "{}", SEND,
       "more intakes, each with a list of keys, that get everything too", SECRET, RELOADS)
OPTION_DOTTED(BOOL, enable_payloads, series, "true", SEND, "send series", RELOADS)
OPTION_DOTTED(BOOL, enable_payloads, events, "true", SEND, "send events", RELOADS)
OPTION_DOTTED(BOOL, enable_payloads, service_checks, "true", SEND, "send service checks",
       RELOADS)
OPTION_DOTTED(BOOL, enable_payloads, sketches, "true", SEND, "send distributions", RELOADS)
OPTION_DOTTED(BOOL, use_v2_api, series, "true", SEND,
       "send series as protobuf (v2) and not as JSON (v1)", RELOADS)
OPTION(INT, serializer_max_payload_size, "2621440", SEND,
       "largest compressed payload", AT_LEAST(1024, "bytes"), RELOADS)
OPTION(INT, serializer_max_uncompressed_payload_size, "4194304", SEND,
       "largest payload before compression", AT_LEAST(1024, "bytes"), RELOADS)
OPTION(INT, serializer_max_series_points_per_payload, "10000", SEND,
       "points of a series payload", AT_LEAST(1, "points"), RELOADS)
OPTION(INT, serializer_max_series_payload_size, "512000", SEND,
       "largest compressed series payload", AT_LEAST(1024, "bytes"), RELOADS)
OPTION(INT, serializer_max_series_uncompressed_payload_size, "5242880", SEND,
       "largest series payload before compression", AT_LEAST(1024, "bytes"), RELOADS)
OPTION(CHOICE, serializer_compressor_kind, "zstd", SEND,
       "how payloads are compressed", ONE_OF("zstd zlib gzip none"), RELOADS)
OPTION(INT, serializer_zstd_compressor_level, "1", SEND,
       "effort of zstd", RANGE(1, 19, NULL), RELOADS)
OPTION(INT, forwarder_timeout, "20", SEND,
       "how long a request may take", RANGE(1, 3600, "seconds"), RELOADS)
OPTION(INT, forwarder_max_concurrent_requests, "10", SEND,
       "requests under way at once", RANGE(1, 1000, "requests"))
OPTION(CHOICE, forwarder_http_protocol, "auto", SEND,
       "auto: HTTP/2 where the intake speaks it", ONE_OF("auto http1"))
OPTION(INT, forwarder_connection_reset_interval, "0", SEND,
       "age at which a connection to an intake is given up for a new one; 0: never",
       RANGE(0, 31622400, "seconds"), RELOADS)
OPTION(INT, forwarder_stop_timeout, "2", SEND,
       "how long requests under way may take at exit", RANGE(0, 3600, "seconds"))
OPTION(FLOAT, forwarder_backoff_factor, "2", SEND,
       "how far the waits between two attempts are spread", RANGE(2, 100, NULL), RELOADS)
OPTION(FLOAT, forwarder_backoff_base, "2", SEND,
       "first wait after a failed request", RANGE(0.001, 3600, "seconds"), RELOADS)
OPTION(FLOAT, forwarder_backoff_max, "64", SEND,
       "longest wait after failed requests", RANGE(0.001, 86400, "seconds"), RELOADS)
OPTION(INT, forwarder_recovery_interval, "2", SEND,
       "failures that a success makes up for", RANGE(1, 1000, NULL), RELOADS)
OPTION(BOOL, forwarder_recovery_reset, "false", SEND,
       "a success makes up for all failures", RELOADS)
OPTION(INT, forwarder_retry_queue_payloads_max_size, "15728640", SEND,
       "memory for payloads that wait for another attempt, of each intake", AT_LEAST(0, "bytes"),
       RELOADS)
OPTION(INT, forwarder_retry_queue_max_size, "0", SEND,
       "older form of forwarder_retry_queue_payloads_max_size, which goes before it where both "
       "are set: so many times 2 MiB", RANGE(0, 1048576, "payloads"), RELOADS)
OPTION(STRING, forwarder_storage_path, "/var/lib/heeler/spool", SEND,
       "folder for payloads that wait on disk")
OPTION(INT, forwarder_storage_max_size_in_bytes, "0", SEND,
       "disk for payloads that wait, of each intake; 0: memory only", AT_LEAST(0, "bytes"))
OPTION(FLOAT, forwarder_storage_max_disk_ratio, "0.8", SEND,
       "share of the disk that may be in use, by all, before nothing more is put there",
       RANGE(0, 1, NULL))
OPTION(FLOAT, forwarder_outdated_file_in_days, "10", SEND,
       "age at which a payload on disk is given up; 0: never", RANGE(0, 3650, "days"))
OPTION(INT, forwarder_apikey_validation_interval, "60", SEND,
       "how often the intakes are asked whether the keys are valid; 0: never",
       RANGE(0, 525600, "minutes"), RELOADS)
OPTION_DOTTED(STRING, proxy, http, "", SEND,
       "proxy for intakes at http URLs; empty: none", PROXY_VARIABLE("HTTP_PROXY"),
              SECRET, FORM(SECRET_URL))
OPTION_DOTTED(STRING, proxy, https, "", SEND,
       "proxy for intakes at https URLs; empty: none", PROXY_VARIABLE("HTTPS_PROXY"),
              SECRET, FORM(SECRET_URL))
OPTION_DOTTED(LIST, proxy, no_proxy, "", SEND,
       "hosts, or host:port, that are reached without a proxy", PROXY_VARIABLE("NO_PROXY"),
       COMMAS)
OPTION(BOOL, no_proxy_nonexact_match, "false", SEND,
       "no_proxy may name domains and address blocks too")
OPTION(BOOL, skip_ssl_validation, "false", SEND,
       "accept any certificate of an intake: the key can be stolen")
OPTION(CHOICE, min_tls_version, "tlsv1.2", SEND,
       "oldest version of TLS to speak", ONE_OF("tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3"))

OPTION_DOTTED(BOOL, apm_config, enabled, "false", TRACES,
       "take traces of tracing libraries, and keep their numbers here",
       OTHER_VARIABLE("DD_APM_ENABLED"))
OPTION_DOTTED(PORT, apm_config, receiver_port, "8126", TRACES,
       "TCP port of traces; 0: none", RANGE(0, 65535, NULL),
       OTHER_VARIABLE("DD_APM_RECEIVER_PORT"))
OPTION_DOTTED(STRING, apm_config, receiver_socket, "", TRACES,
       "unix socket of traces, which everybody may write to; empty: none", FORM(SOCKET),
       OTHER_VARIABLE("DD_APM_RECEIVER_SOCKET"))
OPTION_DOTTED(BOOL, apm_config, apm_non_local_traffic, "false", TRACES,
       "take traces on all addresses of this machine, and not on 127.0.0.1 alone",
       OTHER_VARIABLE("DD_APM_NON_LOCAL_TRAFFIC"))
OPTION_DOTTED(BOOL, apm_config, compute_stats_by_span_kind, "true", TRACES,
       "count calls and requests inside a service too, by their span.kind",
       OTHER_VARIABLE("DD_APM_COMPUTE_STATS_BY_SPAN_KIND"))
OPTION_DOTTED(BOOL, apm_config, peer_tags_aggregation, "true", TRACES,
       "count calls by whom they reach",
       OTHER_VARIABLE("DD_APM_PEER_TAGS_AGGREGATION"))
OPTION_DOTTED(BOOL, apm_config, forward_stats, "false", TRACES,
       "send the numbers of traces, and never the traces, to the intake",
       OTHER_VARIABLE("DD_APM_FORWARD_STATS"))
OPTION_DOTTED(STRING, apm_config, apm_dd_url, "", TRACES,
       "where the numbers of traces are sent, instead of https://trace.agent.SITE", FORM(URL),
       OTHER_VARIABLE("DD_APM_DD_URL"))

OPTION(CHOICE, log_level, "info", LOGS, "how much is logged",
       ONE_OF("trace debug info warn warning error critical off"), RELOADS)
OPTION(STRING, log_file, "", LOGS, "file to log to; empty: none")
OPTION(STRING, log_file_max_size, "10Mb", LOGS,
       "the log file becomes FILE.1 before it grows beyond this; 0: never", FORM(SIZE))
OPTION(INT, log_file_max_rolls, "1", LOGS,
       "old log files kept: FILE.1 is the newest; 0: all", RANGE(0, 9999, "files"))
OPTION(BOOL, log_to_syslog, "false", LOGS, "log to the system's log too")
OPTION(STRING, syslog_uri, "", LOGS,
       "its socket, unixgram:///path; empty: /dev/log", FORM(SYSLOG))
OPTION(BOOL, syslog_rfc, "false", LOGS, "its lines have the header of RFC 5424")
OPTION(BOOL, dogstatsd_disable_verbose_logs, "false", LOGS,
       "refused lines are logged at level debug only")
OPTION(BOOL, log_to_console, "true", LOGS, "log to standard error")
OPTION(BOOL, log_format_json, "false", LOGS, "log lines are JSON objects")
OPTION(BOOL, disable_file_logging, "false", LOGS, "no log_file, whatever it says")
OPTION(INT, health_port, "0", LOGS,
       "port that answers health questions; 0: none", RANGE(0, 65535, NULL))

OPTION(STRING, confd_path, "/etc/heeler/conf.d", CHECKS,
       "folder whose files say which checks run: NAME.yaml and NAME.d/*.yaml; empty: none")
OPTION(STRING, additional_checksd, "/etc/heeler/checks.d", CHECKS,
       "folder of the code of checks, NAME.py; empty: none")
OPTION(BOOL, integration_check_status_enabled, "false", CHECKS,
       "each run of a check sends the service check datadog.agent.check_status")

/* clang-format on */

#undef OPTION
#undef OPTION_DOTTED
