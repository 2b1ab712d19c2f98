#!/bin/bash
# A stop under a sender that goes on: what was accepted is read, what the gate
# refused is counted, to the datagram. A second signal ends at once.
#   check_stop.sh PROGRAM
. "${0%/*}/support/script.sh"

# An intake that never answers keeps the sockets open until the sender has ended.
hanging_intake() {
    background "$scratch/intake" "$probe" hang
    intake=$pid
    wait_for "$scratch/intake" 'port \([0-9]*\)'
    url=http://127.0.0.1:$found
}

for workers in 1 2; do
    hanging_intake
    start_server "$heeler" --set dd_url="$url" --set api_key=k --set heeler_interval=2 \
        --set heeler_workers=$workers --set forwarder_backoff_base=600 --set forwarder_backoff_max=600
    background "$scratch/sent" "$probe" flood "$port"
    sender=$pid
    until_metric heeler_datagrams_received_total 10000
    kill -TERM "$server"
    wait_for "$scratch/log" '\(the gate is closed\)'
    kill -TERM "$sender" # and it sends one more
    wait "$sender" || fail "the sender did not end well"
    sent=$(cat "$scratch/sent")
    kill -KILL "$intake" # the next attempt would come too late: delivery gives up
    ended 0
    sum=$(($(ledger datagrams) + $(ledger kernel_drops) + $(ledger gate)))
    [ "$sum" -eq "$sent" ] || fail "$sum of $sent datagrams are accounted for"
    [ "$(ledger gate)" -gt 0 ] || fail "the gate refused nothing"
    [ "$(ledger lines)" -eq "$(ledger datagrams)" ] || fail "lines"
    [ "$(ledger folded)" -eq "$(ledger datagrams)" ] || fail "folded"
    sed -n '/^    final ledger:/,/^$/p' docs/ledger.md >"$scratch/shown"
    [ "$(grep -o '[a-z_]*=' "$scratch/shown")" = \
        "$(sed -n 's/.*final ledger://p' "$scratch/log" | grep -o '[a-z_]*=')" ] ||
        fail "docs/ledger.md shows another ledger"
    [ "$(ledger imbalance)" = 0/0/0 ] || fail "imbalance $(ledger imbalance)"
done

hanging_intake
start_server "$heeler" --set dd_url="$url" --set api_key=k
"$heeler" send --to "127.0.0.1:$port" a:1\|c || fail "send"
until_metric heeler_datagrams_received_total 1
kill -INT "$server"
wait_for "$scratch/log" '\(stopping\)'
kill -TERM "$server"
ended 1
[ -z "$(ledger datagrams)" ] || fail "it took its time"

# A signal that comes while the server starts, its socket just made, stops it in order.
background "$scratch/log" "$heeler" run --set dogstatsd_port=0 \
    --set dogstatsd_socket="$scratch/socket" --set heeler_http_listen=
server=$pid
while [ ! -S "$scratch/socket" ] && kill -0 "$server" 2>/dev/null; do :; done
kill -TERM "$server"
ended 0
[ ! -e "$scratch/socket" ] || fail "the socket's file was left behind"
