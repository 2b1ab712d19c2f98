#!/bin/sh
# The short table of `make bench`: micro benchmarks, then the whole server beside
# the bare receiver, each in the same run. WINDOW (2) is the seconds of a window,
# RUNS (1) how often the server rows are repeated; bench/README.md has the method.
set -u
bench=build/bench/heeler-bench
window=${WINDOW:-2}
runs=${RUNS:-1}
port=${PORT:-18125}
http=${HTTP_PORT:-18127}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

echo "machine: $(nproc) CPUs, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), kernel $(uname -r)"
echo "receive buffer: rmem_max $(cat /proc/sys/net/core/rmem_max), rmem_default $(cat /proc/sys/net/core/rmem_default)"
echo
echo "== a line, in process, one core"
for micro in parse ingest aggregates; do
    taskset -c 1 build/bench/bench_$micro
done

heeler="build/heeler --set dogstatsd_port=$port --set heeler_http_listen=127.0.0.1:$http \
--set dogstatsd_socket=$folder/datagram.sock --set dogstatsd_stream_socket=$folder/stream.sock"

row() { # name profile start address server total...
    name=$1 profile=$2 start=$3 to=$4 server=$5
    shift 5
    for _ in $(seq "$runs"); do
        $bench find-lossless --pin 0 --server-cpu 1 --profile "$profile" --rate "$start" \
            --window "$window" --to "$to" --server "$server" "$@" 2>/dev/null |
            sed -n 's/.*"lossless_lines_per_s":\([0-9]*\),"at_least":\([a-z]*\),"datagrams_per_s":\([0-9]*\),"bytes_per_s":\([0-9]*\).*"cpu_ns_per_datagram":\([0-9]*\).*"peak_mib":\([0-9.]*\).*/\1 \2 \3 \4 \5 \6/p' |
            awk -v name="$name" '{ printf "%-28s %s%8.2f M lines/s  %8.0f k datagrams/s  %7.0f MiB/s  %6d ns/datagram  %6.1f MiB peak\n",
                name, $2 == "true" ? ">=" : "  ", $1 / 1e6, $3 / 1e3, $4 / 1048576, $5, $6 }'
    done
}

echo
echo "== the whole server, lossless (generator on CPU 0, server on CPU 1, windows of $window s)"
metrics="http://127.0.0.1:$http/metrics"
for profile in plain tagged single; do
    case $profile in plain) rate=20M ;; tagged) rate=8M ;; *) rate=800k ;; esac
    row "bare receiver, $profile" $profile $rate "udp:127.0.0.1:$port" "$bench sink --udp 127.0.0.1:$port"
    row "heeler udp, $profile" $profile $rate "udp:127.0.0.1:$port" "$heeler" --total-from "$metrics"
done
row "heeler unix, smp" smp 300k "unix:$folder/datagram.sock" "$heeler" --total-from "$metrics"
row "heeler stream, tagged" tagged 10M "stream:$folder/stream.sock" "$heeler" --total-from "$metrics"

echo
echo "== the cost of a quiet 100,000 lines/s"
for profile in plain single; do
    $bench cost --pin 0 --server-cpu 1 --rate 100k --seconds 10 --profile $profile \
        --to "udp:127.0.0.1:$port" --total-from "$metrics" --server "$heeler" 2>/dev/null |
        sed -n 's/.*"cpu_seconds_per_million_lines":\([0-9.]*\).*"resident_mib":\([0-9.]*\).*/\1 \2/p' |
        awk -v name="$profile" '{ printf "%-28s %8.3f CPU s/million lines  %6.1f MiB\n", name, $1, $2 }'
done
