#!/bin/bash
# The past on disk, as a user sees it: killed again and again amid a load, the server answers a
# question over the last hour from what was written, and nothing counts twice.
#   check_past.sh PROGRAM
. "${0%/*}/support/script.sh"

start() {
    start_server "$heeler" --set heeler_interval=1 --set heeler_state_path="$scratch/state" "$@"
    until_metric heeler_history_open 1
}

# total: what the counter a was in the last hour.
total() {
    now=$(date +%s)
    "$probe" get "$http" "/api/v1/query?from=$((now - 3600))&to=$((now + 60))&query=sum:a%7B*%7D.as_count()" |
        sed 's/.*"pointlist":\[\(.*\)\]\].*/\1]/' | tr '[]' '\n\n' |
        awk -F, 'NF == 2 && $1 + 0 > 0 { sum += $2 } END { printf "%d\n", sum }'
}

# send N: it is on the disk when this returns, however the process ends.
send() {
    folded=$(metric heeler_values_folded_total)
    "$heeler" send --to "127.0.0.1:$port" --count "$1" 'a:1|c' || fail "send"
    until_metric heeler_values_folded_total $((folded + $1))
    flushed=$(metric heeler_snapshots_total)
    until_metric heeler_snapshots_total $((flushed + 2)) # in the rollups, and its window closed
    written=$(metric heeler_history_windows_total)
    until_metric heeler_history_windows_total $((written + 1))
}

sent=0
for round in $(seq 10); do
    start
    [ "$(total)" -eq "$sent" ] || fail "round $round begins with $(total) of $sent"
    background "$scratch/load" "$probe" flood "$port" # of another name
    load=$pid
    send 10
    sent=$((sent + 10))
    kill -KILL "$server"
    kill -KILL "$load" 2>/dev/null # it may have ended with the server
    wait "$server" "$load" 2>/dev/null
done

# In order, it loses nothing, the open interval neither.
start
"$heeler" send --to "127.0.0.1:$port" --count 7 'a:1|c' || fail "send"
until_metric heeler_datagrams_received_total 7
kill -TERM "$server"
ended 0
start
[ "$(total)" -eq $((sent + 7)) ] || fail "$(total) of $((sent + 7)) after a stop"
[ "$(stat -c %a "$scratch/state")" = 700 ] || fail "others may look into the folder"
[ "$(metric heeler_history_files_damaged_total)" -eq 0 ] || fail "the file was damaged"

# A second server in the same folder keeps its own in memory, and says so.
first=$server
start_server "$heeler" --set heeler_interval=1 --set heeler_state_path="$scratch/state"
wait_for "$scratch/log" '\(another process has it\)'
[ "$(metric heeler_history_open)" -eq 0 ] || fail "two have the file"
kill -TERM "$server" "$first"
ended 0
wait "$first" || fail "the first server ended with $?"

# A dashboard outlives the server, however it ends.
start
body='{"title": "kept", "layout_type": "ordered", "widgets": []}'
exec 3<>"/dev/tcp/127.0.0.1/$http"
printf 'POST /api/v1/dashboard HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
    "${#body}" "$body" >&3
read -r answer <&3
exec 3<&-
case $answer in *" 200 "*) ;; *) fail "a dashboard is answered with $answer" ;; esac
"$heeler" send --to "127.0.0.1:$port" 'b:1|c' || fail "send"
until_metric heeler_history_windows_total 1 # what came before it is written, too
kill -KILL "$server"
wait "$server" 2>/dev/null
start
for _ in $(seq 500); do
    "$probe" get "$http" /api/v1/dashboard >"$scratch/out" || fail "no list of dashboards"
    ! grep -q '"title":"kept"' "$scratch/out" || break
    sleep 0.02
done
grep -q '"title":"kept"' "$scratch/out" || fail "the dashboard is gone"
kill -TERM "$server"
ended 0

# What lies there is shown beside a running server, and after it.
start
"$heeler" history info --set heeler_state_path="$scratch/state" >"$scratch/out" || fail "info ends with $?"
grep -q ' 1 s .* values' "$scratch/out" || fail "info shows no single intervals"
"$heeler" history check --set heeler_state_path="$scratch/state" >"$scratch/out" || fail "check ends with $?"
grep -q ' 0 rows damaged' "$scratch/out" || fail "something is damaged"
"$heeler" history export --set heeler_state_path="$scratch/state" >"$scratch/out" || fail "export ends with $?"
[ "$(grep '"metric":"a"' "$scratch/out" | grep '"step_s":1,' | sed 's/.*"sum":\([0-9]*\).*/\1/' |
    awk '{ sum += $1 } END { print sum + 0 }')" -eq $((sent + 7)) ] || fail "export has another sum"
kill -TERM "$server"
ended 0

# A program that takes over answers as the one before, from the disk or from what it was handed.
for path in "$scratch/handed" ""; do
    start_server "$heeler" --set heeler_interval=1 --set heeler_state_path="$path"
    for i in 1 2 3; do
        flushed=$(metric heeler_snapshots_total)
        "$heeler" send --to "127.0.0.1:$port" --count 5 'a:1|c' || fail "send"
        until_metric heeler_snapshots_total $((flushed + 3))
        kill -USR2 "$server"
        for _ in $(seq 6000); do
            [ "$(grep -c 'reads again' "$scratch/log")" -lt "$i" ] || break
            sleep 0.01
        done
        [ -z "$path" ] || until_metric heeler_history_open 1
        [ "$(total)" -eq $((5 * i)) ] || fail "$(total) of $((5 * i)) after $i programs ($path)"
    done
    kill -TERM "$server"
    ended 0
done
