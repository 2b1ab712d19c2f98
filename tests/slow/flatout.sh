#!/bin/sh
# What a flat-out sender delays: answers of /live, seals, the end after SIGTERM.
# Prints figures and asserts only that nothing fails and the books balance.
#   flatout.sh PROGRAM [SECONDS [CONTEXTS]...]
# Needs build/bench/heeler-bench and build/tests/tools/probe.
. "${0%/*}/../support/script.sh"
seconds=${2:-10}
shift
[ $# -eq 0 ] || shift
bench=${heeler%/*}/bench/heeler-bench

for contexts in "${@:-1000}"; do
    start_server "$heeler" --set heeler_interval=1
    echo "-- flat out for $seconds s, $contexts contexts"
    background "$scratch/bench" "$bench" send --to "udp:127.0.0.1:$port" --rate max \
        --seconds "$seconds" --contexts "$contexts"
    sender=$pid
    "$probe" watch "$http" "$((seconds - 2))" || fail "watch"
    date -u '+%T.%3N SIGTERM is sent'
    before=$(date +%s%N)
    kill -TERM "$server" # the sender still sends
    ended 0
    after=$(date +%s%N)
    echo "SIGTERM to the end: $(((after - before) / 1000000)) ms"
    kill "$sender" 2>/dev/null
    wait "$sender" 2>/dev/null
    sed -n 's/.*T\([0-9:.]*\)Z .*\(SIGTERM: stopping\|final ledger.*\)/\1 \2/p' "$scratch/log"
    [ "$(ledger imbalance)" = 0/0/0 ] || fail "imbalance"
done
