#!/bin/sh
# The short table of `make bench`: micro benchmarks, then the whole server beside
# the bare receiver, each in the same run, with the bar that each has to pass and the
# ratio to it (above 1 is passed). WINDOW (2) is the seconds of a window, RUNS (1) how
# many searches a server row is the median of; bench/README.md has the method.
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
done | awk '
    function bar(most) { for (i = 1; i < NF; i++) if ($(i + 1) == "ns/line") ratio = most / $i
        return sprintf("  bar %2d: %.2f", most, ratio) }
    /^77 bytes, 4 tags .* 1000 contexts/ { $0 = $0 bar(25) }
    /^77 bytes, 4 tags .* 1000000 contexts/ { $0 = $0 bar(40) }
    { print }'

heeler="build/heeler --set dogstatsd_port=$port --set heeler_http_listen=127.0.0.1:$http \
--set dogstatsd_socket=$folder/datagram.sock --set dogstatsd_stream_socket=$folder/stream.sock"

# Fields of a result: lossless at_least datagrams bytes ns peak.
fields='s/.*"lossless_lines_per_s":\([0-9]*\),"at_least":\([a-z]*\),"datagrams_per_s":\([0-9]*\),"bytes_per_s":\([0-9]*\).*"cpu_ns_per_datagram":\([0-9]*\).*"peak_mib":\([0-9.]*\).*/\1 \2 \3 \4 \5 \6/p'

middle() { sed -n "$((($(wc -l <"$1") + 1) / 2))p" "$1"; } # of a sorted file

# row NAME PROFILE START BAR ADDRESS SERVER TOTAL...: the median of RUNS, and the least
# and the most. BAR in million lines/s, 0: none; last: the median's lossless lines/s.
row() {
    name=$1 profile=$2 start=$3 bar=$4 to=$5 server=$6
    shift 6
    : >"$folder/errors"
    for _ in $(seq "$runs"); do
        # shellcheck disable=SC2086 # the CPU is an option and its number, or nothing
        $bench find-lossless --pin 0 $server_cpu --profile "$profile" --rate "$start" \
            --window "$window" --to "$to" --server "$server" "$@" 2>>"$folder/errors" | sed -n "$fields"
    done | sort -n >"$folder/found"
    found=$(middle "$folder/found")
    why=$(grep -v -e 'nothing measured' -e 'lines/s asked' "$folder/errors" | tail -n 1)
    if [ -z "$found" ]; then
        echo "$name: not measured: $why"
        last=0
        return
    fi
    last=${found%% *}
    awk -v name="$name" -v bar="$bar" -v median="$found" -v runs="$runs" -v why="$why" '
        { if (NR == 1) least = $1; most = $1 }
        END {
            $0 = median
            printf "%-28s %s%8.2f M lines/s  %8.0f k datagrams/s  %7.0f MiB/s  %6d ns/datagram  %6.1f MiB peak",
                name, $2 == "true" ? ">=" : "  ", $1 / 1e6, $3 / 1e3, $4 / 1048576, $5, $6
            if (runs > 1) printf "  %d runs: %.2f to %.2f", NR, least / 1e6, most / 1e6
            if (NR < runs) printf " (%d failed: %s)", runs - NR, why
            if (bar > 0) printf "  bar %.1f: %.2f", bar, $1 / 1e6 / bar
            if ($2 == "true") printf "  (the generator is the limit)"
            print "" }' "$folder/found"
}
ratio() { # of what: bare, ours
    awk -v of="$1" -v bare="$2" -v ours="$3" 'BEGIN { if (bare > 0) printf "%-28s %10.2f of the bare receiver\n", of, ours / bare }'
}

echo
echo "== the whole server, lossless (generator on CPU 0, server on CPU 1, windows of $window s)"
metrics="http://127.0.0.1:$http/metrics"
server_cpu="--server-cpu 1"
for profile in plain tagged single; do
    case $profile in
    plain) rate=20M bar=30 ;;
    tagged) rate=8M bar=12 ;;
    *) rate=800k bar=0 ;;
    esac
    row "bare receiver, $profile" $profile $rate 0 "udp:127.0.0.1:$port" "$bench sink --udp 127.0.0.1:$port --receive-buffer 67108864"
    bare=$last
    row "heeler udp, $profile" $profile $rate $bar "udp:127.0.0.1:$port" "$heeler" --total-from "$metrics"
    ratio "  $profile" "$bare" "$last"
    [ $profile != tagged ] || tagged=$last
done
row "heeler unix, smp" smp 300k 0 "unix:$folder/datagram.sock" "$heeler" --total-from "$metrics"
row "heeler stream, tagged" tagged 10M "$(awk -v t="$tagged" 'BEGIN { print 2 * t / 1e6 }')" \
    "stream:$folder/stream.sock" "$heeler" --total-from "$metrics"

echo
echo "== workers; of two one has to share its CPU with the generator"
for workers in 1 2; do
    [ $workers = 1 ] || server_cpu=
    row "heeler udp, tagged, $workers workers" tagged 8M 0 "udp:127.0.0.1:$port" \
        "$heeler --set heeler_workers=$workers --set heeler_spread=random" --total-from "$metrics"
done

# A flush of a million contexts while lines come at a third of the lossless rate.
echo
echo "== 1,000,000 contexts, flushed every 5 s, at a third of the lossless rate of \"tagged\""
third=$((tagged / 3))
: >"$folder/errors"
for _ in $(seq "$runs"); do
    : >"$folder/page"
    (sleep 22 && curl -s --max-time 5 "$metrics" >"$folder/page") &
    cost=$($bench cost --pin 0 --profile tagged --contexts 1000000 --rate "$third" --seconds 24 \
        --to "udp:127.0.0.1:$port" --total-from "$metrics" \
        --server "$heeler --set heeler_interval=5" 2>>"$folder/errors" |
        sed -n 's/.*"lost":\(-*[0-9]*\).*"peak_mib":\([0-9.]*\).*/\1 \2/p')
    wait $!
    [ -z "$cost" ] || awk -v cost="$cost" '
        /^heeler_read_longest_gap_microseconds/ { gap = $2 }
        /^heeler_seal_longest_microseconds/ { seal = $2 }
        END { print gap, seal, cost }' "$folder/page"
done | sort -n >"$folder/found"
if [ -s "$folder/found" ]; then
    awk -v third=$third -v median="$(middle "$folder/found")" '{ gaps = gaps sprintf(" %.1f", $1 / 1e3) }
        END {
            $0 = median
            printf "%.2f M lines/s, %d lost, longest seal %.1f ms, %.0f MiB peak; longest gap between reads%s ms  bar 20: %.2f\n",
                third / 1e6, $3, $2 / 1e3, $4, gaps, 20e3 / $1 }' "$folder/found"
else
    echo "not measured: $(tail -n 1 "$folder/errors")"
fi

echo
echo "== the cost of a quiet 100,000 lines/s"
for profile in plain single; do
    for _ in $(seq "$runs"); do
        $bench cost --pin 0 --server-cpu 1 --rate 100k --seconds 10 --profile $profile \
            --to "udp:127.0.0.1:$port" --total-from "$metrics" --server "$heeler" 2>/dev/null |
            sed -n 's/.*"cpu_seconds_per_million_lines":\([0-9.]*\).*"resident_mib":\([0-9.]*\).*/\1 \2/p'
    done | sort -n >"$folder/found"
    middle "$folder/found" |
        awk -v name="$profile" '{ printf "%-28s %8.3f CPU s/million lines  %6.1f MiB\n", name, $1, $2 }'
done
