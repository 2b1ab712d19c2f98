#!/bin/bash
# Builds that lose one value or one point on purpose: the books say exactly so.
# The ordinary build's books balance.
#   check_faults.sh PROGRAM
. "${0%/*}/support/script.sh"

# books PROGRAM WORKERS IMBALANCE
books() {
    start_server "$1" --set heeler_workers="$2" --set heeler_interval=1
    for flow in 1 2 3 4 5 6; do
        "$heeler" send --to "127.0.0.1:$port" --count 20 'a:1|c|#t:1' 'b:2|g' 'c:1:2:3|h' \
            'd:1|d' 'e:x|s' 'f:1|c|T1700000000' '_e{1,1}:t|x' '_sc|g|0' 'refused' || fail "send"
        until_metric heeler_datagrams_received_total $((180 * flow)) # or the kernel has no room for more
    done
    # A flush in between, so that the stop does not hide what an interval shows.
    until_metric heeler_points_encoded_total 10
    kill -TERM "$server"
    ended 0
    [ "$(ledger datagrams)" -eq 1080 ] || fail "datagrams $(ledger datagrams)"
    [ "$(ledger imbalance)" = "$3" ] || fail "$1: imbalance $(ledger imbalance), not $3"
}

books "$heeler" 1 0/0/0
books "$heeler" 2 0/0/0
books "${heeler%/*}/fault-lose_value/heeler" 1 0/1/0
books "${heeler%/*}/fault-lose_value/heeler" 2 0/1/0
books "${heeler%/*}/fault-lose_point/heeler" 1 0/0/1
