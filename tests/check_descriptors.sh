#!/bin/bash
# A server that may open forty files, and clients that would take all of them: health is
# answered, metrics are delivered, and a new program takes over. And one whose standard
# descriptors are closed.
#   check_descriptors.sh PROGRAM
. "${0%/*}/support/script.sh"

background "$scratch/intake" "$probe" take
wait_for "$scratch/intake" 'port \([0-9]*\)'
intake=$found

printf '#!/bin/sh\nulimit -n 40\nexec "%s" "$@"\n' "$heeler" >"$scratch/narrow"
chmod +x "$scratch/narrow"
start_server "$scratch/narrow" --set dogstatsd_stream_socket="$scratch/s" \
    --set dd_url="http://127.0.0.1:$intake" --set api_key=k --set heeler_interval=60 \
    --set heeler_self_telemetry=false --set forwarder_apikey_validation_interval=0
wait_for "$scratch/log" '\(are left for connections\)'

# Fifty connections each, of which the server keeps a few.
background "$scratch/streams" "$probe" crowd "$scratch/s" 50 ''
wait_for "$scratch/streams" '\(crowded\)'
background "$scratch/slow" "$probe" crowd "$http" 50 'GET /live HTTP/1.1
X: '
wait_for "$scratch/slow" '\(crowded\)'
wait_for "$scratch/log" '\(descriptors (ulimit -n) is kept\)'

crowded_server_works() {
    "$probe" get "$http" /live >"$scratch/live" || fail "/live is silent"
    "$heeler" send --to "127.0.0.1:$port" 'a:1|c' || fail "send"
    until_metric heeler_datagrams_received_total "$1"
    "$probe" post "$http" /flush >"$scratch/flush" || fail "no flush"
    grep -q '"settled":true' "$scratch/flush" || fail "not delivered: $(cat "$scratch/flush")"
    "$probe" get "$http" /metrics | grep "^heeler_points_total.*delivered\"} [1-9]" >"$scratch/delivered" ||
        fail "nothing is delivered"
}
crowded_server_works 1
kill -USR2 "$server"
wait_for "$scratch/log" '\(reads again\)'
http=$(sed -n 's/.*http: listening on 127.0.0.1:\([0-9]*\).*/\1/p' "$scratch/log" | tail -n 1)
crowded_server_works 1
kill "$server"
ended 0
[ "$(ledger imbalance)" = "0/0/0
0/0/0" ] || fail "imbalance: $(ledger imbalance)"

# Without standard input, output and error no socket takes their place.
for command in "--version" "check --set dogstatsd_socket= --set site=x" "send nothing"; do
    "$heeler" $command <&- >&- 2>&-
    [ $? -lt 128 ] || fail "$command ends by a signal"
done
: >"$scratch/log"
"$heeler" run --set dogstatsd_port=__random__ --set bind_host=127.0.0.1 \
    --set dogstatsd_socket= --set heeler_http_listen=127.0.0.1:0 \
    --set log_file="$scratch/log" <&- >&- 2>&- &
server=$!
started="$started $server"
wait_for "$scratch/log" 'http: listening on 127.0.0.1:\([0-9]*\)'
http=$found
[ ! -d "/proc/$server/fd" ] || for fd in 0 1 2; do
    [ "$(readlink "/proc/$server/fd/$fd")" = /dev/null ] || fail "$fd is not /dev/null"
done
"$probe" get "$http" /live >"$scratch/live" || fail "/live is silent"
kill "$server"
ended 0
