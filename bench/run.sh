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

# search ROW PROFILE START ADDRESS SERVER TOTAL...: one search more of a row, a line in
# its file; "-" where it failed.
search() {
    row=$1 profile=$2 start=$3 to=$4 server=$5
    shift 5
    # shellcheck disable=SC2086 # the CPU is an option and its number, or nothing
    found=$($bench find-lossless --pin 0 $server_cpu --profile "$profile" --rate "$start" \
        --window "$window" --to "$to" --server "$server" "$@" 2>>"$folder/$row.errors" | sed -n "$fields")
    echo "${found:--}" >>"$folder/$row"
}

# show NAME ROW BAR: the median of the searches, and the least and the most. BAR in
# million lines/s, 0: none. last: the median's lossless lines/s.
show() {
    grep -v '^-' "$folder/$2" | sort -n >"$folder/found"
    found=$(middle "$folder/found")
    why=$(grep -v -e 'nothing measured' -e 'lines/s asked' "$folder/$2.errors" | tail -n 1)
    if [ -z "$found" ]; then
        echo "$1: not measured: $why"
        last=0
        return
    fi
    last=${found%% *}
    awk -v name="$1" -v bar="$3" -v median="$found" -v runs="$runs" -v why="$why" '
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

# ratio TEXT ROW OF BAR: the machine drifts, so searches of two rows that are compared
# take turns, and the ratio is the median of those of neighbours. BAR 0: none.
ratio() {
    paste -d ' ' "$folder/$2" "$folder/$3" | awk '!/-/ { print $1 / $7 }' | sort -n >"$folder/found"
    awk -v text="$1" -v bar="$4" -v median="$(middle "$folder/found")" '
        { all = all sprintf(" %.2f", $1) }
        END {
            if (NR == 0) exit
            printf "  %.2f %s", median, text
            if (NR > 1) printf " (%s)", substr(all, 2)
            if (bar > 0) printf "  bar %.2f: %.2f", bar, median / bar
            print "" }' "$folder/found"
}

echo
echo "== the whole server, lossless (generator on CPU 0, server on CPU 1, windows of $window s)"
udp="udp:127.0.0.1:$port"
metrics="http://127.0.0.1:$http/metrics"
server_cpu="--server-cpu 1"
for profile in plain tagged single; do
    case $profile in
    plain) rate=20M bar=30 least=0 ;;
    tagged) rate=8M bar=12 least=0 ;;
    *) rate=800k bar=0 least=0.95 ;;
    esac
    for _ in $(seq "$runs"); do
        search "bare-$profile" "$profile" $rate "$udp" "$bench sink --udp 127.0.0.1:$port --receive-buffer 67108864"
        search "udp-$profile" "$profile" $rate "$udp" "$heeler" --total-from "$metrics"
        [ "$profile" != tagged ] ||
            search stream tagged 16M "stream:$folder/stream.sock" "$heeler" --total-from "$metrics"
    done
    show "bare receiver, $profile" "bare-$profile" 0
    show "heeler udp, $profile" "udp-$profile" $bar
    ratio "of the bare receiver" "udp-$profile" "bare-$profile" $least
    [ "$profile" != tagged ] || third=$((last / 3))
done
show "heeler stream, tagged" stream 0
ratio "of tagged over udp" stream udp-tagged 2
for _ in $(seq "$runs"); do
    search smp smp 300k "unix:$folder/datagram.sock" "$heeler" --total-from "$metrics"
done
show "heeler unix, smp" smp 0

echo
echo "== workers; of two one has to share its CPU with the generator"
workers="$heeler --set heeler_spread=random --set heeler_workers"
for _ in $(seq "$runs"); do
    server_cpu="--server-cpu 1"
    search workers-1 tagged 8M "$udp" "$workers=1" --total-from "$metrics"
    server_cpu=
    search workers-2 tagged 8M "$udp" "$workers=2" --total-from "$metrics"
done
show "heeler udp, tagged, 1 worker" workers-1 0
show "heeler udp, tagged, 2 workers" workers-2 0
ratio "of one worker" workers-2 workers-1 0

# A flush of a million contexts while lines come at a third of the lossless rate.
echo
echo "== 1,000,000 contexts, flushed every 5 s, at a third of the lossless rate of \"tagged\""
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
    awk -v third="$third" -v median="$(middle "$folder/found")" '{ gaps = gaps sprintf(" %.1f", $1 / 1e3); lost = lost " " $3 }
        END {
            $0 = median
            printf "%.2f M lines/s, lost%s, longest seal %.1f ms, %.0f MiB peak; longest gap between reads%s ms  bar 20: %.2f\n",
                third / 1e6, lost, $2 / 1e3, $4, gaps, 20e3 / $1 }' "$folder/found"
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
