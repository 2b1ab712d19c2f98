#!/bin/bash
# A program that takes over answers as the one before, from the disk or from what it was handed:
# a question over the last minutes has no gap, and no point twice.
#   check_past_handover.sh PROGRAM
. "${0%/*}/support/script.sh"
. "${0%/*}/support/past.sh"

until_taken_over() { # for the nth time
    wait_for "$scratch/log" '\(reads again\)' "$1"
}

# The first lane keeps it on the disk, the second in memory.
hand_over() {
    state=
    [ "$1" -ne 1 ] || state=$scratch/state
    start_server "$heeler" --set heeler_interval=1 --set heeler_state_path="$state"
    [ -z "$state" ] || until_metric heeler_history_open 1
    for i in 1 2 3; do
        send 5
        [ "$i" -eq 1 ] || until_total a $((5 * i)) # from a sealed window, or from an open one
        kill -USR2 "$server"
        until_taken_over "$i"
        [ -z "$state" ] || until_metric heeler_history_open 1
        until_total a $((5 * i))
    done
    kill -TERM "$server"
    ended 0
}

lanes 2 hand_over
