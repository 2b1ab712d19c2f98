#!/bin/bash
# The past on disk, as a user sees it: it outlives the server, one server has it at a time, and
# what lies there is shown.
#   check_past.sh PROGRAM
. "${0%/*}/support/script.sh"
. "${0%/*}/support/past.sh"

# In order, it loses nothing, the open interval neither.
start_past
send 7
kill -TERM "$server"
ended 0
start_past
[ "$(total a)" -eq 7 ] || fail "$(total a) of 7 after a stop"
[ "$(stat -c %a "$state")" = 700 ] || fail "others may look into the folder"
[ "$(metric heeler_history_files_damaged_total)" -eq 0 ] || fail "the file was damaged"

# A second server in the same folder keeps its own in memory, and says so.
first=$server
start_server "$heeler" --set heeler_interval=1 --set heeler_state_path="$state"
wait_for "$scratch/log" '\(another process has it\)'
[ "$(metric heeler_history_open)" -eq 0 ] || fail "two have the file"
kill -TERM "$server" "$first"
ended 0
wait "$first" || fail "the first server ended with $?"

# A dashboard outlives the server, however it ends.
start_past
define kept
"$heeler" send --to "127.0.0.1:$port" 'b:1|c' || fail "send"
until_metric heeler_history_windows_total 1 # what came before it is written, too
kill -KILL "$server"
wait "$server" 2>/dev/null
start_past
is_kept() {
    "$probe" get "$http" /api/v1/dashboard >"$scratch/out" || fail "no list of dashboards"
    grep -q '"title":"kept"' "$scratch/out"
}
until_so is_kept || fail "the dashboard is gone"
kill -TERM "$server"
ended 0

# What lies there is shown beside a running server, and after it.
start_past
"$heeler" history info --set heeler_state_path="$state" >"$scratch/out" || fail "info ends with $?"
grep -q ' 1 s .* values' "$scratch/out" || fail "info shows no single intervals"
"$heeler" history check --set heeler_state_path="$state" >"$scratch/out" || fail "check ends with $?"
grep -q ' 0 rows damaged' "$scratch/out" || fail "something is damaged"
"$heeler" history export --set heeler_state_path="$state" >"$scratch/out" || fail "export ends with $?"
[ "$(grep '"metric":"a"' "$scratch/out" | grep '"step_s":1,' | sed 's/.*"sum":\([0-9]*\).*/\1/' |
    awk '{ sum += $1 } END { print sum + 0 }')" -eq 7 ] || fail "export has another sum"
for word in info check export; do
    "$heeler" history $word --set heeler_state_path="$state" >/dev/full 2>"$scratch/out" && fail "$word ends well without its output"
    grep -qx 'heeler history: standard output: No space left on device' "$scratch/out" || fail "$word: $(cat "$scratch/out")"
done
"$heeler" history info --set heeler_state_path="$scratch/nowhere" 2>"$scratch/out" && fail "info of nothing ends well"
grep -q "nowhere/history.db: there is none: " "$scratch/out" || fail "info of nothing: $(cat "$scratch/out")"

# Who reads what is exported and does not go on holds up no log: SQLite's locks of those who read
# are the bytes from 123 to 127 of what lies beside the file.
waits_without_lock() {
    [ "$(awk '{ print $3 }' "/proc/$1/stat")" = S ] &&
        awk -v pid="$1" '$4 == "READ" && $5 == pid && $7 >= 123 && $7 <= 127 { found = 1 }
            END { exit found }' /proc/locks
}
mapfile -t lines < <(seq -f 'g%g:1|g' 600) # more than a pipe holds
"$heeler" send --to "unix:$scratch/dsd" "${lines[@]}" || fail "send"
until_metric heeler_history_values_total 600
mkfifo "$scratch/pipe"
exec 4<>"$scratch/pipe"
background "$scratch/err" sh -c 'exec "$0" "$@" >&4' "$heeler" history export --set heeler_state_path="$state"
read -r answer <&4
until_so waits_without_lock "$pid" || fail "an export that nobody reads holds up the log"
kill -KILL "$pid"
exec 4<&-
kill -TERM "$server"
ended 0
