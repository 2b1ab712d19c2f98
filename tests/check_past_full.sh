#!/bin/bash
# The past on a disk that is full, and in a folder that must not be written to: each time the
# server goes on with what is in memory, says so, counts what it sheds, and ends when it is told to.
#   check_past_full.sh PROGRAM
. "${0%/*}/support/apart.sh"
. "${0%/*}/support/script.sh"
. "${0%/*}/support/past.sh"
trap 'end_all
    umount -l "$state" 2>/dev/null; rm -rf "$scratch"' EXIT
mkdir "$state"

# goes_on: what comes is counted once, in memory, a flush after the other; and it is alive.
goes_on() {
    local counted flushed
    counted=$(total a)
    flushed=$(metric heeler_snapshots_total)
    send 5
    until_total a $((counted + 5))
    until_metric heeler_snapshots_total $((flushed + 3))
    "$probe" get "$http" /live >/dev/null || fail "no answer: $1"
}

# ---- full ----------------------------------------------------------------------------

# Half a mebibyte, of which the log of what is written takes the most.
mount -t tmpfs -o size=512k,mode=700 tmpfs "$state" || fail "no tmpfs"
start_past
background "$scratch/load" "$probe" pour "$port" 20000
load=$pid
wait_for "$scratch/log" '\(history: .*full\)'
kill -KILL "$load"
goes_on "the disk is full"
[ "$(lost)" -gt 0 ] || fail "what was not written is not counted as lost"
stops
"$heeler" history check --set heeler_state_path="$state" >"$scratch/out" || fail "check ends with $?"
grep -q ' 0 rows damaged' "$scratch/out" || fail "a full disk damaged something"

# ---- not to be written to ------------------------------------------------------------

mount -o remount,ro "$state" || fail "no remount"
run_past
wait_for "$scratch/log" '\(history: .*only memory is kept\)'
goes_on "the disk is read-only"
[ "$(metric heeler_history_open)" -eq 0 ] || fail "it writes where it must not"
stops

# ---- read where nobody can write -----------------------------------------------------

what_is_kept() { # in lines of JSON
    "$heeler" history export --set heeler_state_path="$state"
}

umount "$state" && mount -t tmpfs -o mode=700 tmpfs "$state" || fail "no tmpfs"
start_past
send 5
until_written
stops
what_is_kept >"$scratch/before" || fail "export ends with $?"
grep -q '"metric":"a"' "$scratch/before" || fail "nothing is kept"
rm -f "$state/history.db-wal" "$state/history.db-shm" # that reading left, and are empty
mount -o remount,ro "$state" || fail "no remount"
what_is_kept >"$scratch/after" || fail "what is on a read-only disk cannot be read"
cmp "$scratch/before" "$scratch/after" || fail "on a read-only disk something else is read"
