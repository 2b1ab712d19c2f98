#!/bin/sh
# Resident memory under the five loads of `make bench-memory`: unix datagrams of the
# profile smp, an intake without TLS, settings otherwise default. VmHWM is the peak.
# SECONDS_EACH (60) is how long each load lasts, LOADS which of the five run; then a
# million counters (MILLION=, empty, leaves them out), SETTINGS what else is set.
#   memory.sh [PROGRAM]
set -u
heeler=${1:-build/heeler}
bench=${BENCH:-build/bench/heeler-bench}
seconds=${SECONDS_EACH:-60}
loads=${LOADS:-"0:0:14 1MiB:3000:18 10MiB:10000:30 50MiB:100000:95 100MiB:250000:165"}
folder=$(mktemp -d)
started=
trap 'kill $started 2>/dev/null; wait 2>/dev/null; rm -rf "$folder"' EXIT

python3 bench/intake.py >"$folder/intake" 2>&1 &
intake=$!
started=$intake
until grep -qs '^port' "$folder/intake"; do sleep 0.1; done
port=$(sed -n 's/^port //p' "$folder/intake")

kib() { # NAME: of /proc/PID/status
    awk -v name="$1:" '$1 == name { print $2 }' "/proc/$server/status"
}

# start --set...: the server, its number in $server.
start() {
    DD_API_KEY=0123456789abcdef0123456789abcdef "$heeler" run \
        --set dd_url="http://127.0.0.1:$port" --set dogstatsd_port=0 \
        --set dogstatsd_socket="$folder/h.sock" --set heeler_http_listen= "$@" \
        ${SETTINGS:-} >"$folder/log" 2>&1 &
    server=$!
    started="$intake $server"
    until [ -S "$folder/h.sock" ] || ! kill -0 $server 2>/dev/null; do sleep 0.1; done
}

finish() {
    kill -TERM $server
    wait $server
    sed -n 's/.*final ledger: /  /p' "$folder/log"
    started=$intake
}

echo "load                         bar MiB   VmRSS   VmHWM"
for load in $loads; do
    rate=${load%%:*} rest=${load#*:}
    contexts=${rest%%:*} bar=${rest#*:}
    start
    if [ "$rate" = 0 ]; then
        name=idle
        sleep "$seconds"
    else
        name="$rate/s, $contexts contexts"
        "$bench" send --to "unix:$folder/h.sock" --profile smp --rate "$rate" \
            --contexts "$contexts" --seconds "$seconds" >"$folder/sent" 2>&1 ||
            cat "$folder/sent"
    fi
    printf '%-28s %7s %7.1f %7.1f\n' "$name" "$bar" \
        "$(kib VmRSS | awk '{ print $1 / 1024 }')" "$(kib VmHWM | awk '{ print $1 / 1024 }')"
    finish
done

# A million counters, 1,000 names of 1,000 tag values, and what is left when they expired.
[ -n "${MILLION-1}" ] || exit 0
start --set dogstatsd_context_expiry_seconds=20 --set dogstatsd_expiry_seconds=20
sleep 22 # idle is a server that has flushed its own counts
before=$(kib VmRSS)
python3 - "$folder/h.sock" <<'PYTHON'
import socket, sys, time
to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for name in range(1000):
    lines = [b"requests.%d:1|c|#customer:%d" % (name, tag) for tag in range(1000)]
    for i in range(0, 1000, 100):
        to.sendto(b"\n".join(lines[i:i + 100]), sys.argv[1])
    time.sleep(0.004)
PYTHON
sleep 15
most=$(kib VmHWM)
sleep "${EXPIRED:-90}"
echo "a million counters: $(((most - before) * 1024 / 1000000)) bytes each at the peak;" \
    "$(kib VmRSS | awk -v idle="$before" -v most="$most" '{
        printf "idle %.1f MiB, peak %.1f MiB, expired %.1f MiB", idle / 1024, most / 1024, $1 / 1024 }')"
finish
