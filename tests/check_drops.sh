#!/bin/bash
# What the kernel drops is counted to the datagram, also when silence follows. Where it may
# put datagrams together, the log says that the figure is the least.
#   check_drops.sh PROGRAM
. "${0%/*}/support/script.sh"

# drops GRO
drops() {
    start_server "$heeler" --set dogstatsd_so_rcvbuf=8192 --set heeler_interval=60 \
        --set heeler_udp_gro="$1"
    kill -STOP "$server" # nobody reads
    sent=$("$probe" burst "$port" 5000)
    [ "$sent" = 5000 ] || fail "only $sent were sent"
    kill -CONT "$server"
    for _ in {1..1200}; do
        received=$(metric heeler_datagrams_received_total)
        dropped=$(metric heeler_datagrams_dropped_by_kernel_total)
        [ $((received + dropped)) -lt 5000 ] || break
        pause
    done
    [ "$dropped" -gt 0 ] || fail "nothing was dropped"
    [ $((received + dropped)) -eq 5000 ] || fail "received $received + dropped $dropped of 5000"
    kill -TERM "$server"
    ended 0
    [ "$(ledger datagrams)" -eq "$received" ] || fail "received $(ledger datagrams)"
    [ "$(ledger kernel_drops)" -eq "$dropped" ] || fail "dropped $(ledger kernel_drops)"
    [ "$(ledger gate)" -eq 0 ] || fail "gate $(ledger gate)"
    [ "$(ledger imbalance)" = 0/0/0 ] || fail "imbalance $(ledger imbalance)"
}

drops false
! grep -q 'count buffers' "$scratch/log" || fail "datagrams are called buffers"
drops true
grep -q 'the kernel cannot' "$scratch/log" || grep -q 'count buffers' "$scratch/log" ||
    fail "buffers are called datagrams"
