#!/bin/sh
# A long run with churn: contexts are born and expire all the time over UDP and a
# unix socket, frames come over a stream, flushes are delivered to a stand-in of the
# intake. Prints resident memory as it goes and fails if the books do not balance, a
# line is missing, the server does not stop in order, or memory is not flat: the last
# third of the run must not need 5 % (and 2 MiB) more than the middle third. Shorter
# than five minutes the rollups still fill, and only the rest is checked.
#   soak.sh PROGRAM [SECONDS (600)]
# FLAT=no leaves the memory out, for builds with a sanitizer.
set -u
heeler=$1
seconds=${2:-600}
bench=build/bench/heeler-bench
every=$((seconds / 20 > 30 ? 30 : seconds / 20 < 1 ? 1 : seconds / 20))
expiry=$((seconds / 30 > 60 ? 60 : seconds / 30 < 2 ? 2 : seconds / 30))
folder=$(mktemp -d)
pids=
server=
finish() {
    for pid in $pids $server; do kill "$pid" 2>/dev/null; done
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP
fail() {
    echo "soak: $*"
    tail -n 20 "$folder/log"
    exit 1
}

# wait_for FILE PATTERN: the part in \(\) of the first line with it is $found.
wait_for() {
    for _ in $(seq 600); do
        found=$(sed -n "s/.*$2.*/\\1/p" "$1" | head -n 1)
        [ -z "$found" ] || return 0
        sleep 0.05
    done
    fail "no \"$2\" in $1"
}

/usr/bin/python3 bench/intake.py >"$folder/intake" &
intake=$!
pids=$intake
wait_for "$folder/intake" 'port \([0-9]*\)'
env -u DD_URL -u DD_DD_URL DD_API_KEY=0123456789abcdef0123456789abcdef "$heeler" run \
    --set "dd_url=http://127.0.0.1:$found" --set dogstatsd_port=__random__ \
    --set bind_host=127.0.0.1 --set heeler_http_listen=127.0.0.1:0 --set heeler_interval=2 \
    --set "dogstatsd_context_expiry_seconds=$expiry" \
    --set "dogstatsd_socket=$folder/datagram.sock" \
    --set "dogstatsd_stream_socket=$folder/stream.sock" 2>"$folder/log" >&2 &
server=$!
wait_for "$folder/log" 'listening on udp 127.0.0.1:\([0-9]*\)'
udp=$found
wait_for "$folder/log" 'http: listening on 127.0.0.1:\([0-9]*\)'
http=$found

send() { # name options...
    name=$1
    shift
    $bench send --seconds "$seconds" "$@" >"$folder/sent.$name" 2>"$folder/error.$name" &
    pids="$pids $!"
    senders="$senders $!"
}
senders=
send udp --profile storm --rate 5000 --lines-per-datagram 5 --to "udp:127.0.0.1:$udp"
send unix --profile storm --seed 2 --rate 2500 --to "unix:$folder/datagram.sock"
send stream --profile tagged --types c=4,g=2,ms=3,s=1,d=1 --values int --rate 20k \
    --to "stream:$folder/stream.sock"

page() { curl -s --max-time 10 "http://127.0.0.1:$http/metrics"; }
metric() { awk -v name="$1" 'index($0, name) == 1 { sum += $NF } END { printf "%d", sum }'; }
resident_kib() { awk '/^VmRSS/ { print $2 }' "/proc/$server/status"; }

start=$(date +%s)
: >"$folder/resident"
while [ $(($(date +%s) - start)) -lt "$seconds" ]; do
    sleep "$every"
    kill -0 "$server" 2>/dev/null || fail "the server has ended"
    now=$(($(date +%s) - start))
    page >"$folder/page"
    echo "$now $(resident_kib)" >>"$folder/resident"
    printf '%5d s  %7d KiB  %7d contexts  %8d series born  %10d lines\n' "$now" \
        "$(resident_kib)" "$(metric "heeler_contexts " <"$folder/page")" \
        "$(metric heeler_contexts_born_total <"$folder/page")" \
        "$(metric heeler_lines_received_total <"$folder/page")"
done
for pid in $senders; do
    wait "$pid" || fail "a sender: $(cat "$folder"/error.*)"
done
sleep 5 # two intervals and a little
sent=0
for name in udp unix stream; do
    lines=$(grep -o '"lines":[0-9]*' "$folder/sent.$name" | head -n 1)
    sent=$((sent + ${lines#*:}))
done
page >"$folder/page"
received=$(metric heeler_lines_received_total <"$folder/page")
grep -q '^heeler_ledger_imbalance' "$folder/page" || fail "the server gives no books"
[ "$(metric heeler_ledger_imbalance <"$folder/page")" -eq 0 ] || fail "the books do not balance"
[ "$received" -eq "$sent" ] || fail "$received of $sent lines were received"
kill -TERM "$server"
status=0
wait "$server" || status=$?
server=
[ "$status" -eq 0 ] || fail "the server ended with $status"
kill -TERM "$intake"
wait_for "$folder/intake" 'payloads \([0-9]*\)'
echo "$sent lines, all received; $found payloads taken; the books balance"
[ "${FLAT:-yes}" = yes ] && [ "$seconds" -ge 300 ] || exit 0
awk -v seconds="$seconds" '
    $1 >= seconds / 3 && $1 < seconds * 2 / 3 { middle += $2; m++ }
    $1 >= seconds * 2 / 3 { last += $2; l++ }
    END {
        printf "resident memory: %d KiB in the middle third, %d KiB in the last\n", middle / m, last / l
        if (last / l > middle / m * 1.05 + 2048) { print "soak: memory is not flat"; exit 1 }
    }' "$folder/resident"
