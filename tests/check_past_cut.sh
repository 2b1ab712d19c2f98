#!/bin/bash
# The past on disk, cut off at random places: each time the server starts, says what it sets
# aside, keeps a new past, and answers.
#   check_past_cut.sh PROGRAM [CUTS]
. "${0%/*}/support/script.sh"
. "${0%/*}/support/past.sh"
seed=${SEED:-$$}
RANDOM=$seed

# A file with a log beside it, as a process leaves it that is killed; there are ten in each.
for end in TERM KILL; do
    start_past
    background "$scratch/load" "$probe" pour "$port" 3000
    load=$pid
    send 10
    until_written
    kill "-$end" "$server"
    kill -KILL "$load" 2>/dev/null
    wait "$server" "$load" 2>/dev/null
done
written=$scratch/written
mv "$state" "$written"
[ -s "$written/history.db-wal" ] || fail "there is no log beside the file"

# Where: of the file, of its log, or of both.
cuts=${2:-12}
for cut in $(seq "$cuts"); do
    size=$(stat -c %s "$written/history.db")
    log=$(stat -c %s "$written/history.db-wal")
    at[cut]=$((cut % 3 == 1 ? size : RANDOM * 32768 + RANDOM))
    at[cut]=$((at[cut] > size ? at[cut] % size : at[cut]))
    log_at[cut]=$((cut % 3 == 0 ? log : (RANDOM * 32768 + RANDOM) % log))
done

try() { # a cut
    where="seed $seed, cut $1: ${at[$1]} of history.db, ${log_at[$1]} of its log"
    cp -r "$written" "$state" && truncate -s "${at[$1]}" "$state/history.db" &&
        truncate -s "${log_at[$1]}" "$state/history.db-wal" || fail "no copy"
    start_past
    send 3
    for _ in {1..1200}; do # beside none, or all, of either ten before
        counted=$(total a)
        [ $((counted % 10)) -ne 3 ] || break
        pause
    done
    case $counted in 3 | 13 | 23) ;; *) fail "$where: a is $counted" ;; esac
    damaged=$(metric heeler_history_files_damaged_total)
    kill -TERM "$server"
    ended 0
    said=$(grep -c 'could not be read; it is now' "$scratch/log")
    aside=$(ls "$state" | grep -c 'history.db.aside.[0-9]$')
    [ "$said" -eq "$aside" ] && [ "$damaged" -eq "$aside" ] ||
        fail "$where: $aside files aside, $damaged counted, $said said"
    [ "$aside" -eq 0 ] || [ "$counted" -eq 3 ] || fail "$where: it is aside, and read"
    "$heeler" history check --set heeler_state_path="$state" >"$scratch/out" || fail "$where: check ends with $?"
    grep -q ' 0 rows damaged' "$scratch/out" || fail "$where: what is kept now is damaged"
    kept=$("$heeler" history export --set heeler_state_path="$state" | grep '"metric":"a"' | grep '"step_s":1,' |
        sed 's/.*"sum":\([0-9]*\).*/\1/' | awk '{ sum += $1 } END { print sum + 0 }')
    [ "$kept" -eq "$counted" ] || fail "$where: $kept of $counted are kept"
    echo "$aside" >"$scratch/aside"
}

lane() {
    state=$scratch/state
    for cut in $(seq "$1" 4 "$cuts"); do
        try "$cut"
        mv "$scratch/aside" "$scratch/aside$cut"
        rm -rf "$state"
    done
}

lanes 4 lane
aside=$(cat "$scratch"/lane*/aside* | grep -c 1)
[ "$aside" -gt 0 ] || fail "no cut did any harm (seed $seed)"
echo "$cuts cuts: $aside files were set aside, the others lost at most what was behind the cut"
