#!/bin/bash
# The past on disk of servers that are killed again and again amid a load: no file is damaged,
# and what was on the disk before is there again, once.
#   check_past_kills.sh PROGRAM [KILLS]
. "${0%/*}/support/script.sh"
. "${0%/*}/support/past.sh"
kills=${2:-8}
files=$((kills < 8 ? 1 : 4))

# Each lane is one file, through several processes.
kill_again_and_again() {
    state=$scratch/state
    sent=0
    for round in $(seq $((kills / files))); do
        start_past
        [ "$round" -eq 1 ] || [ "$(total a)" -eq "$sent" ] ||
            fail "lane $1, round $round begins with $(total a) of $sent"
        [ "$round" -eq 1 ] || [ "$(total poured "$upto")" -eq "$poured" ] ||
            fail "lane $1, round $round: $(total poured "$upto") of $poured until $upto"
        background "$scratch/load" "$probe" pour "$port" 2000
        load=$pid
        send 10
        sent=$((sent + 10))
        upto=$EPOCHSECONDS # what was counted until here is written, too
        until_written
        poured=$(total poured "$upto")
        sleep "0.$((RANDOM % 9))" # it is killed at any point of its second
        kill -KILL "$server"
        kill -KILL "$load" 2>/dev/null # it may have ended with the server
        wait "$server" "$load" 2>/dev/null
    done
    start_past
    [ "$(total a)" -eq "$sent" ] || fail "lane $1 ends with $(total a) of $sent"
    [ "$(metric heeler_history_files_damaged_total)" -eq 0 ] || fail "a file was damaged"
    kill -TERM "$server"
    ended 0
    "$heeler" history check --set heeler_state_path="$state" >"$scratch/out" || fail "check ends with $?"
    grep -q ' 0 rows damaged' "$scratch/out" || fail "something is damaged"
    ! ls "$state" | grep aside || fail "something was set aside"
}

lanes "$files" kill_again_and_again
echo "$((kills / files * files)) kills, $files files: none is damaged, and nothing that was written is missing"
