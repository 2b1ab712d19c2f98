#!/bin/bash
# The past on a disk that hangs: the server goes on with what is in memory, no flush, answer or
# stop waits for it, and nothing is lost if it works again. If it is gone, what is shed is counted.
# The programs that it starts hang with it, and it does not; it is not replaced meanwhile.
#   check_past_hang.sh PROGRAM
. "${0%/*}/support/apart.sh"
. "${0%/*}/support/script.sh"
. "${0%/*}/support/past.sh"
frozen=${heeler%/*}/tests/tools/frozen
[ -x "$frozen" ] || fail "$frozen is not built"
"$frozen" can || { echo "skipped: no FUSE is to be had here, so no file system hangs"; exit 0; }
trap 'end_all
    for lane in "$scratch"/lane*; do umount -l "$lane/state" 2>/dev/null; done
    rm -rf "$scratch"' EXIT

works() {
    mkdir "$state"
    background "$scratch/frozen" "$frozen" "$state"
    disk=$pid
    wait_for "$scratch/frozen" '\(mounted\)'
}

hangs() {
    kill -STOP "$disk"
}

gone() { # what hangs on it fails
    kill -KILL "$disk"
    wait "$disk" 2>/dev/null
}

# flushes N: so many more.
flushes() {
    local flushed
    flushed=$(metric heeler_snapshots_total)
    until_metric heeler_snapshots_total $((flushed + $1))
}

# It hangs, works again, hangs once more, and is gone.
for_a_while() {
    works
    start_past
    send 10
    until_written
    kill -KILL "$server"
    wait "$server" 2>/dev/null
    start_past # so that what was before is on the disk alone
    hangs
    background "$scratch/load" "$probe" pour "$port" 2000
    load=$pid
    now=$EPOCHSECONDS
    question="/api/v1/query?from=$((now - 200))&to=$((now + 60))&query=sum:a%7B*%7D.as_count()"
    background "$scratch/parked" "$probe" get "$http" "$question"
    parked=$pid
    flushes 4
    "$probe" get "$http" /live >/dev/null || fail "no answer while the disk hangs"
    until_so answers "/api/v1/query?from=$now&to=$((now + 60))&query=sum:poured%7B*%7D" &&
        grep -q '"length":[1-9]' "$scratch/points" || fail "no answer from memory while the disk hangs"
    kill -0 "$parked" 2>/dev/null || ! wait "$parked" || fail "a question is answered from a disk that hangs"
    kill -CONT "$disk"
    # It waits for five seconds, which on a busy machine are over before.
    wait "$parked" || { until_so answers "$question" && cp "$scratch/points" "$scratch/parked"; } || fail "the question that waited is not answered"
    grep -q '"length":[1-9]' "$scratch/parked" || fail "it is answered without the past"
    until_written
    [ "$(lost)" -eq 0 ] || fail "$(lost) values are lost, of a disk that works again"

    hangs
    flushes 3
    until_so answers "/api/v1/events?start=0&end=$now" && grep -q '"events":\[.*\],"message":"not all ' "$scratch/points" ||
        fail "no events from memory while the disk hangs"
    until_so answers "/api/v1/events?start=0&end=$now" && grep -q 'not there at the moment' "$scratch/points" ||
        fail "a disk that hangs is asked for more"
    gone
    wait_for "$scratch/log" '\(history: .*only memory is kept\)'
    flushes 3
    [ "$(lost)" -gt 0 ] || fail "what was on its way is not counted as lost"
    kill -KILL "$load"
    stops
}

# It hangs until the end, once the server has it open, or from the start on.
until_the_end() {
    works
    [ "$1" = open ] || hangs
    run_past --set heeler_stop_timeout=2
    [ "$1" != open ] || until_metric heeler_history_open 1
    hangs
    send 5
    until_total a 5
    kill -TERM "$server"
    wait_for "$scratch/log" '\(final ledger\)' # by then it has done all it can
    grep -q 'the disk of heeler_state_path does not answer' "$scratch/log" || fail "it does not say so"
    gone # where the kernel holds what a process has open until its disk answers, it lets go
    ended 0
    [ "$(ledger imbalance)" = 0/0/0 ] || fail "imbalance $(ledger imbalance)"
}

# is_alone: whether all that it started has ended; it looks at that the next time.
is_alone() {
    local stat line
    for stat in /proc/[0-9]*/stat; do
        read -r line 2>/dev/null <"$stat" || continue # it is gone
        # shellcheck disable=SC2086 # words: its state, and whose child it is
        set -- ${line##*) }
        [ "$2" -ne "$server" ] || [ "$1" = Z ] || return 1
    done
}

# A picture is asked for and the program is to be replaced while it hangs, and when it works again.
replaced() {
    works
    start_past
    send 10
    until_written
    hangs
    send 5
    background "$scratch/picture" "$probe" get "$http" \
        "/api/v1/graph/snapshot?metric_query=sum:a%7B*%7D&start=$((EPOCHSECONDS - 1))&end=$EPOCHSECONDS"
    picture=$pid
    kill -USR2 "$server"
    wait_for "$scratch/log" '\(this program goes on\)'
    "$probe" get "$http" /api/v1/dashboard >/dev/null || fail "a picture holds up the API while the disk hangs"
    "$probe" get "$http" /live >/dev/null || fail "no answer behind a program that hangs"
    kill -CONT "$disk"
    wait "$picture" # whatever became of it
    until_so is_alone || fail "what it started does not end, on a disk that works again"
    kill -USR2 "$server"
    wait_for "$scratch/log" '\(reads again\)'
    until_metric heeler_history_open 1
    until_total a 15
    [ "$(lost)" -eq 0 ] || fail "$(lost) values are lost"
    kill -TERM "$server"
    ended 0
}

hang() {
    state=$scratch/state
    case $1 in
    1) for_a_while ;;
    2) until_the_end open ;;
    3) until_the_end closed ;;
    4) replaced ;;
    esac
}

lanes 4 hang
