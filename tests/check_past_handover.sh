#!/bin/bash
# A program that takes over answers as the one before, from the disk or from what it was handed:
# a question over the last minutes has no gap, and no point twice. What was defined is kept on
# the disk in the end, also where the program that was told of it could not write it.
#   check_past_handover.sh PROGRAM
. "${0%/*}/support/script.sh"
. "${0%/*}/support/past.sh"

until_taken_over() { # for the nth time
    wait_for "$scratch/log" '\(reads again\)' "$1"
}

until_seen_once() { # the event
    for _ in {1..1200}; do
        "$probe" get "$http" "/api/v1/events?start=0&end=$((EPOCHSECONDS + 60))" >"$scratch/events" || fail "no events"
        ! grep -q '"seen"' "$scratch/events" || break
        pause
    done
    [ "$(grep -o '"seen"' "$scratch/events" | wc -l)" -eq 1 ] || fail "the event is there not once: $(cat "$scratch/events")"
}

is_defined() {
    "$probe" get "$http" /api/v1/dashboard >"$scratch/dashboards" || fail "no dashboards"
    grep -q "\"$1\"" "$scratch/dashboards" || fail "the dashboard $1 is not there: $(cat "$scratch/dashboards")"
}

# A program whose settings have no folder is replaced by one whose settings have.
another_folder() {
    echo >"$scratch/heeler.yaml"
    start_server "$heeler" --config "$scratch/heeler.yaml" --set heeler_interval=1
    define early
    echo "heeler_state_path: $scratch/state" >"$scratch/heeler.yaml"
    kill -USR2 "$server"
    until_taken_over 1
    until_metric heeler_history_open 1
    is_defined early
    until_metric heeler_history_notes_total 1
    kill -KILL "$server"
    wait "$server" 2>/dev/null
    start_server "$heeler" --config "$scratch/heeler.yaml" --set heeler_interval=1
    until_metric heeler_history_open 1
    is_defined early
    kill -TERM "$server"
    ended 0
}

# The first lane keeps it on the disk, the second in memory; the third would on a disk that
# another process has, as in a rolling update.
hand_over() {
    local open=0
    if [ "$1" -eq 4 ]; then
        another_folder
        return
    fi
    state=
    [ "$1" -eq 2 ] || state=$scratch/state
    [ "$1" -ne 1 ] || open=1
    if [ "$1" -eq 3 ]; then
        mkdir "$scratch/owner"
        scratch=$scratch/owner # with a log of its own
        start_past
        owner=$server
        scratch=${scratch%/owner}
    fi
    run_past
    until_metric heeler_history_open "$open"
    [ "$1" -ne 3 ] || wait_for "$scratch/log" '\(another process has it\)'
    "$heeler" send --to "127.0.0.1:$port" '_e{4,4}:seen|once' || fail "send"
    define early
    for i in 1 2 3; do
        send 5
        [ "$i" -eq 1 ] || until_total a $((5 * i)) # from a sealed window, or from an open one
        kill -USR2 "$server"
        until_taken_over "$i"
        until_metric heeler_history_open "$open"
        until_total a $((5 * i))
        until_seen_once
        if [ "$1" -eq 3 ] && [ "$i" -eq 2 ]; then # the next one is the owner
            kill -TERM "$owner"
            wait "$owner" || fail "the owner of the file ended with $?"
            open=1
        fi
    done
    kill -TERM "$server"
    ended 0
    [ -n "$state" ] || return 0
    start_past
    until_total a 15
    until_seen_once
    is_defined early
    kill -TERM "$server"
    ended 0
}

lanes 4 hand_over
