#!/bin/sh
# The demo of the README: starts the server on its built-in defaults with no API
# key, sends it one interval of metrics over UDP, shows the bucket that it
# flushes, and stops it.
#   demo.sh PROGRAM
set -eu
heeler=$1
log=$(mktemp)
env -u DD_API_KEY -u DD_URL -u DD_DD_URL "$heeler" run --set heeler_console=true \
    --set dogstatsd_port=__random__ --set dogstatsd_socket= --set heeler_http_listen= \
    --set heeler_interval=5 2>"$log" &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -f "$log"' EXIT

port=
for _ in $(seq 1200); do
    port=$(sed -n 's/.*listening on udp 127.0.0.1:\([0-9]*\).*/\1/p' "$log")
    [ -z "$port" ] || break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.05
done
if [ -z "$port" ]; then
    cat "$log" >&2
    exit 1
fi
echo "Heeler listens on 127.0.0.1:$port (local mode: nothing leaves this machine)."
echo "Sending my_metric (a random gauge), my_requests (a counter), my_users (a set) ..."
echo

# Begin with an interval, so that all of it is in one bucket.
sleep "$(date +'%s %N' | awk '{ printf "%.2f", 5 - ($1 % 5) - $2 / 1e9 + 0.2 }')"
"$heeler" send --to "127.0.0.1:$port" --random 0:1000 --count 40 --rate 10 \
    'my_metric:{random}|g|#env:demo' 'my_requests:1|c|#env:demo,route:/' 'my_users:user{random}|s'
kill -TERM "$server" # flushes the open interval
status=0
wait "$server" || status=$?
echo
grep -E 'final ledger' "$log" | sed 's/.*final ledger: /ledger: /'
trap 'rm -f "$log"' EXIT
exit "$status"
