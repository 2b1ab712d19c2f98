/* server/commands/commands_table.h: the one table of sub-commands; included again and
 * again, each time with another meaning of its macro.
 *
 *   COMMAND(name, usage, sentence, about, options...)
 *
 * The function is command_NAME(); a file of its own defines it and nothing else needs to
 * know. The usage is what stands behind "heeler ", in lines that align below its own;
 * the sentence is for the list of all;
 * the about is what `heeler help NAME` says below it; an option is what is typed and
 * what it does. */

/* clang-format off */

#define WITH_SETTINGS \
    { "--config FILE", "settings in YAML, as in datadog.yaml" }, \
    { "--set KEY=VALUE", "one setting, before all others; as often as needed" }

#define AT_SERVER \
    { "--at URL", "the server, or unix:/PATH; else that of heeler_http_listen" }

COMMAND(run, "[run] [--config FILE] [--set KEY=VALUE]...",
        "the server: receives metrics, aggregates and sends them",
        "It runs in the foreground and logs to standard error. Without an api_key it is\n"
        "in local mode: nothing leaves this machine. SIGTERM flushes, delivers and ends;\n"
        "SIGHUP loads the settings anew; SIGUSR2 puts the program that the path leads to\n"
        "now in its place.\n"
        "\n"
        "Settings, in rising order: defaults, --config FILE (YAML, as datadog.yaml), the\n"
        "environment (the key a.b is DD_A_B), --set KEY=VALUE.\n",
        WITH_SETTINGS)
COMMAND(check, "check [--all] [--config FILE] [--set KEY=VALUE]...",
        "the settings that are not the default, and every problem",
        "It makes and opens nothing. Problems stand last, on lines of their own.\n",
        { "--all", "every setting, with where it came from" },
        WITH_SETTINGS)
COMMAND(send, "send [--to ADDRESS] [--count N] [--rate N]\n"
        "                   [--random LO:HI] LINE...",
        "sends DogStatsD lines, each as a datagram",
        "    heeler send 'my_metric:42|g|#env:dev'\n"
        "\n"
        "When nobody listens there, that is said and the status is 1.\n",
        { "--to ADDRESS", "HOST:PORT, [V6]:PORT or unix:/PATH; else the local server" },
        { "--count N", "send all lines so many times" },
        { "--rate N", "so many times a second; 0: as fast as it goes" },
        { "--random LO:HI", "{random} in a line is a whole number of this range" },
        WITH_SETTINGS)
COMMAND(explain, "explain [--at URL | --config FILE] [--set KEY=VALUE]...\n"
        "                      [--json] LINE...",
        "what becomes of a line: its fields, series, and what is sent",
        "    heeler explain 'my_metric:42|g|#env:dev'\n"
        "\n"
        "Each line is read, mapped, filtered, tagged and flushed as the server does it,\n"
        "by the settings here or, with --at, those of a running server. Nothing is sent.\n"
        "The status is 1 if nothing of some line would reach the intake: below it stands\n"
        "why, and for a refused line a mark at the byte at fault.\n",
        { "--at URL", "with the settings of this server, or unix:/PATH" },
        { "--json", "a JSON object a line" },
        WITH_SETTINGS)
COMMAND(lint, "lint [--allow ID]... [--all] [--json] [--config FILE]\n"
        "                   [--set KEY=VALUE]... FILE",
        "what is wrong or suspicious in lines, for a person or a CI",
        "    heeler lint --allow packable metrics.txt\n"
        "    my_program | heeler lint -\n"
        "\n"
        "Each refused line is told, each line whose values reach no series, and what\n"
        "most likely is not meant: a mark below the byte, and an id that --allow takes.\n"
        "The file is read to its end, and may be one of heeler capture. What is found\n"
        "for the same name and tag again is counted and not told. The status is 0 if\n"
        "nothing is found, 1 if something is, and 78 if a word, a setting or a file is\n"
        "wrong.\n",
        { "--allow ID", "do not look for this; as often as needed" },
        { "--all", "tell of each line, also of a name that was told of before" },
        { "--json", "a JSON object a finding, and one with the sums" },
        WITH_SETTINGS)
COMMAND(query, "query [--last TIME | --from S --to S] [--json | --png FILE]\n"
        "                    [--at URL | --redis [URL]] QUERY",
        "asks a running server what its series did lately",
        "    heeler query 'sum:my_metric{env:dev,!host:a} by {host}.rollup(sum, 3600)'\n",
        { "--last TIME", "the last 90s, 15m, 1h or 2d; 1h where nothing is said" },
        { "--from S, --to S", "seconds since 1970" },
        { "--json", "the answer as the API gives it" },
        { "--png FILE", "a picture of the answer; -: to standard output" },
        { "--marker VALUE", "a line in it, as y = 800, or a stripe, as 0 < y < 10" },
        AT_SERVER,
        { "--redis [URL]", "ask all servers that mirror to it; else heeler_redis_url" },
        WITH_SETTINGS)
COMMAND(monitor, "monitor check|list|test [FILE | ID] [--last TIME] [--json]\n"
        "                      [--at URL]",
        "whether a monitor is right, and what it would have told",
        "    heeler monitor check my_metric.json --last 1d\n"
        "    heeler monitor list\n"
        "    heeler monitor test 12\n"
        "\n"
        "check reads a monitor's JSON as the API gives it back, and evaluates it over\n"
        "what a running server keeps: a line of states for each group, and each change.\n"
        "Its status is 1 if the file is wrong. Without a server, and without --last, the\n"
        "file alone is looked at. list shows the monitors of the server, and test sends a\n"
        "message to the receivers of one and says what became of it; its status is 0 if\n"
        "all of them took it.\n",
        { "--last TIME", "how far back: 90m, 12h, 7d; 31d at most, 1d without it" },
        { "--json", "what check and list tell, as JSON" },
        AT_SERVER,
        WITH_SETTINGS)
COMMAND(checks, "checks [--once NAME [--check-rate] | --list] [--json]\n"
        "                     [--config FILE] [--set KEY=VALUE]...",
        "runs checks in Python, as the Agent does, beside the server",
        "    heeler checks --once my_metric\n"
        "    heeler checks\n"
        "\n"
        "The program is that of the package heeler-checks. It runs each instance of the\n"
        "files in confd_path in a process of its own, whenever its interval is over,\n"
        "until it is ended; what they report goes to the server of this machine. With\n"
        "--once it needs no server, prints what one check reports, and ends.\n",
        { "--once NAME", "run each instance of this check once, and print" },
        { "--check-rate", "run it twice, so that rates have something to start from" },
        { "--list", "what is configured, and what is wrong with it" },
        { "--json", "what these print, as JSON" },
        WITH_SETTINGS)
COMMAND(history, "history info|check|export [--config FILE] [--set KEY=VALUE]...",
        "what is kept on disk, in heeler_state_path",
        "    heeler history info --config /etc/heeler/heeler.yaml\n"
        "    heeler history check --set heeler_state_path=/var/lib/heeler\n"
        "\n"
        "info tells what there is, check reads all of it, and export writes each value\n"
        "of each window as a line of JSON. They only read, beside a running server too.\n"
        "The status is 0; 1 if something is damaged, or nothing is there that can be\n"
        "read; 78 if a word or a setting is wrong.\n",
        WITH_SETTINGS)
COMMAND(expect, "expect [--timeout TIME] [--over udp|unix] [--junit FILE]\n"
        "                     [--update] FILE -- COMMAND...",
        "runs a command and tests which metrics it sends",
        "    heeler expect metrics.yaml -- npm test\n"
        "    heeler expect --update metrics.yaml -- npm test\n"
        "\n"
        "A server of its own, with no settings but those given here, receives what the\n"
        "command sends to DD_AGENT_HOST and DD_DOGSTATSD_PORT, DD_DOGSTATSD_URL or\n"
        "DD_DOGSTATSD_SOCKET, which are set for it. When the command has ended, with all\n"
        "that it has started, this is compared with the file. The status is 0 if it is as\n"
        "expected and 1 if not, or the command's own if that failed, 124 if it took too\n"
        "long, 78 if the file is wrong. What that may say: docs/testing-your-metrics.md.\n",
        { "--timeout TIME", "end the command after 90s, 15m or 1h" },
        { "--over WORD", "what DD_DOGSTATSD_URL names: udp, as without it, or unix" },
        { "--junit FILE", "what came of it as XML, for a CI" },
        { "--update", "write what came into FILE, instead of comparing" },
        WITH_SETTINGS)
COMMAND(status, "status [--at URL] [--json]",
        "what a running server does, and what is wrong with it",
        "    heeler status\n",
        { "--json", "the answer as the API gives it" },
        AT_SERVER,
        WITH_SETTINGS)
COMMAND(health, "health [--at URL]",
        "whether a running server is alive: the exit status says so",
        "It asks /live: 0 where each thread turns, 1 where one does not or nobody\n"
        "answers. For the health checks of containers.\n"
        "\n"
        "    heeler health --at unix:/run/heeler/http.sock\n",
        AT_SERVER,
        WITH_SETTINGS)
COMMAND(tail, "tail [--match GLOB] [--from SENDER] [--bad] [--events]\n"
        "                   [--json] [--at URL]",
        "the lines that a running server receives, as they arrive",
        "    heeler tail --match 'shop.*'\n"
        "    heeler tail --bad\n"
        "\n"
        "Below a refused line stand a mark at the byte at fault, and the reason. It ends\n"
        "with Ctrl-C. When the server ends, that is said, and the one that follows on its\n"
        "address (SIGUSR2) is asked; if there is none the status is 1. A server shows\n"
        "heeler_tail_max_bytes a second, and says how many lines it left out.\n",
        { "--match GLOB", "of names or titles; without * and ? a part is enough" },
        { "--from SENDER", "a pid, a command, an address, c:CONTAINER" },
        { "--bad", "refused lines only" },
        { "--events", "events and service checks only; with --bad: either" },
        { "--json", "a JSON object a line, as the API gives them" },
        AT_SERVER,
        WITH_SETTINGS)
COMMAND(top, "top [--by metric|tag|sender] [--sort WORD] [--limit N]\n"
        "                  [--once] [--json] [--at URL]",
        "who does most: metrics, tag keys, senders; live on a terminal",
        "    heeler top --by sender\n"
        "\n"
        "It is also called dogstatsd-stats. On a terminal it takes keys, which h tells;\n"
        "elsewhere it prints what it would show, and ends.\n",
        { "--by WORD", "metric, tag or sender" },
        { "--sort WORD", "values, lines, bytes or series: most first" },
        { "--limit N", "how many are printed, 50 where nothing is said" },
        { "--once", "print, on a terminal too" },
        { "--json", "the answer as the API gives it" },
        AT_SERVER,
        WITH_SETTINGS)
COMMAND(capture, "capture [--duration TIME | --last TIME] [--compressed]\n"
        "                      [--path FOLDER] [--at URL] [FILE]",
        "keeps what a running server receives, byte by byte, in a file",
        "    heeler capture --duration 30s shop.dog\n"
        "    heeler capture --last 1m shop.dog\n"
        "\n"
        "It is also called dogstatsd-capture, and the file is that of the Agent: all\n"
        "datagrams and frames with their times, by UDP and by unix sockets. Only its\n"
        "owner may read it, and it must not exist. Ctrl-C ends it early. With --last the\n"
        "server gives what it had kept already, in heeler_ring_bytes of memory; else it\n"
        "gives heeler_tail_max_bytes a second at most. What was left out is told, and\n"
        "makes the status 1.\n",
        { "-d, --duration TIME", "for so long, as 90s, 5m or 1h; 1m where nothing is said" },
        { "--last TIME", "what came in the last 30s, 5m or 1h" },
        { "-z, --compressed", "with zstd, as FILE.zstd is; -z=false: without" },
        { "-p, --path FOLDER", "of FILE; without one, of datadog-capture-SECONDS.zstd" },
        AT_SERVER,
        WITH_SETTINGS)
COMMAND(replay, "replay [--to ADDRESS] [--speed N] [--loops N] [--verbose]\n"
        "                     FILE",
        "sends what is in a capture file again",
        "    heeler replay shop.dog\n"
        "    heeler replay --speed 0 --to unix:/run/heeler/dsd.socket shop.dog\n"
        "\n"
        "It is also called dogstatsd-replay, and takes the Agent's files of version 1 to\n"
        "3. Datagrams go at the pace at which they came. A file that is damaged or cut is\n"
        "told with the byte at fault, and what is before that is sent.\n",
        { "-f, --file FILE", "the same as FILE; -: standard input" },
        { "--to ADDRESS", "HOST:PORT, [V6]:PORT or unix:/PATH; else the local server" },
        { "--speed N", "so many times as fast; 0: as fast as it goes" },
        { "-l, --loops N", "so often; 0: until Ctrl-C" },
        { "-v, --verbose", "each datagram, with its time and the pid of who sent it" },
        WITH_SETTINGS)
COMMAND(flare, "flare [--at URL] FILE.tar",
        "packs what a bug report needs: state, settings, log, versions",
        "    heeler flare heeler.tar\n"
        "\n"
        "Secrets are masked. The file must not exist, and only its owner may read it.\n",
        AT_SERVER,
        WITH_SETTINGS)
COMMAND(help, "help [COMMAND | settings [WORD]]",
        "what a command takes; the settings, or those that mention a word",
        "    heeler help settings interval\n",
        { "COMMAND", "one of the commands that `heeler help` lists" },
        { "settings [WORD]", "each setting with its default, limits and sentence" })

#undef AT_SERVER
#undef WITH_SETTINGS
