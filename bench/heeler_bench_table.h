/* bench/heeler_bench_table.h: the commands and options of heeler-bench; included again and
 * again, each time with another meaning of its three macros.
 *
 *   COMMAND(name, function, usage, sentence)
 *   TEXT(name, field, sentence)    an option with a text behind it
 *   NUMBER(name, field, sentence)  one with a number: 1432, 100k, 1.5M
 *
 * Its help, its manual page and what reads the words know nothing else. */

/* clang-format off */

COMMAND("send", command_send, "--to ADDRESS [--profile P] [--rate R] [--seconds N] ...",
        "sends a load")
COMMAND("show", command_show, "[--profile P] [--lines N] ...",
        "prints the load's text, to read")
COMMAND("find-lossless", command_find_lossless, "--server COMMAND --to ADDRESS ...",
        "looks for the highest rate at which the server loses nothing")
COMMAND("cost", command_cost, "--server COMMAND --to ADDRESS --rate R ...",
        "measures what the server takes at a rate: CPU time and memory")
COMMAND("traces", command_traces, "--to http://HOST:PORT [--rate R] [--pid N] ...",
        "sends traces as a tracing library does, and compares with the server's books")
COMMAND("sink", command_sink, "--udp HOST:PORT | --unix PATH | --stream PATH",
        "receives and counts, in place of a server")
COMMAND("core", command_core, "[--pin N]",
        "tells whether the CPU is a core of its own")

TEXT("--to", to,
     "udp:127.0.0.1:8125, unix:/path (datagrams) or stream:/path (frames); traces: "
     "http://127.0.0.1:8126 or stream:/path")
TEXT("--profile", profile,
     "plain (the default), tagged, timed, named, single, smp or storm")
TEXT("--rate", rate,
     "lines a second (100k, 1.5M), bytes a second (50MiB), or max; traces: spans a second")
NUMBER("--seconds", seconds, "how long to send (10, unless --lines is given)")
NUMBER("--lines", lines, "how many lines (traces: spans) to send (with --seconds: at most)")
NUMBER("--contexts", contexts,
       "different contexts, each used equally often (1000; smp, timed: 3000)")
NUMBER("--datagram", datagram, "most bytes in a datagram (1432; smp: 8192)")
NUMBER("--lines-per-datagram", per_datagram,
       "most lines in a datagram (0: as many as fit)")
NUMBER("--tags", tags,
       "tags a line, of the profiles tagged, timed and storm (4); traces: a span (15)")
TEXT("--types", types, "weights of the types, as c=40,g=20,ms=30,h=0,s=10,d=0 (c=1)")
NUMBER("--pack", pack, "values a line (1; smp: at most 32)")
NUMBER("--sample-rate", sample_rate, "rate on every line that may have one (1: none)")
TEXT("--values", values, "one, int (three digits), float or wide (any 64 bits)")
NUMBER("--seed", seed, "other numbers, other loads (1)")
TEXT("--segment", segment, "UDP_SEGMENT: auto (above 200,000 datagrams/s), on or off")
NUMBER("--pin", pin, "CPU of the generator")
TEXT("--server", server, "command that starts the server")
NUMBER("--server-cpu", server_cpu, "CPU of the server")
TEXT("--server-log", server_log, "file for the server's output (/dev/null)")
TEXT("--total-from", total_from, "Heeler's page: http://127.0.0.1:PORT/metrics, or none")
TEXT("--total-less", total_less,
     "metric of that page to take away, as heeler_values_shed_total")
TEXT("--read-total", read_total, "command that prints the lines received so far")
TEXT("--ready", ready, "URL that answers 200 when the server is up (Heeler: /ready)")
NUMBER("--settle", settle, "seconds to wait after that (1)")
NUMBER("--window", window, "seconds of a window (10)")
NUMBER("--probe", probe, "seconds of the windows that only narrow the search (a third)")
NUMBER("--books-wait", books_wait, "seconds the server's total may lag behind (2)")
NUMBER("--rest", rest, "cost: seconds from the load's end to the last look at memory (0)")
TEXT("--layout", layout, "traces: v0.4 or v0.5")
NUMBER("--spans", spans, "traces: spans a trace (10)")
NUMBER("--traces", traces, "traces: traces a body (20)")
NUMBER("--services", services, "traces: different services (5)")
NUMBER("--resources", resources, "traces: different resources of each (20)")
NUMBER("--connections", connections, "traces: connections that are kept alive (4)")
NUMBER("--pid", pid, "traces: the server's, for its CPU time and memory")
TEXT("--udp", udp, "sink: HOST:PORT to receive at")
TEXT("--unix", unix_path, "sink: path of a datagram socket")
TEXT("--stream", stream, "sink: path of a stream socket")
NUMBER("--receive-buffer", receive_buffer, "sink: bytes (0: the system's default)")

/* clang-format on */

#undef COMMAND
#undef TEXT
#undef NUMBER
