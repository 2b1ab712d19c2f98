#!/bin/bash
# A downtime that recurs: heeler-calendar, beside the server, says when it does. A server that is
# installed without it says which package has it, and goes on.
#   check_calendar.sh PROGRAM
. "${0%/*}/support/script.sh"

mkdir "$scratch/defined" "$scratch/alone"
cat >"$scratch/defined/night.json" <<'END'
{ "data": { "type": "downtime", "attributes": { "monitor_identifier": { "monitor_tags": ["*"] }, "scope": "*",
  "schedule": { "timezone": "Europe/Paris", "recurrences": [
    { "rrule": "FREQ=DAILY", "duration": "14h", "start": "2026-11-30T19:00:00" } ] } } } }
END

# until_shown TEXT: waits until the downtimes have it.
until_shown() {
    until_so downtimes_say "$1" || fail "the downtimes do not say $1: $(cat "$scratch/answer")"
}
downtimes_say() {
    "$probe" get "$http" /api/v2/downtime >"$scratch/answer" && grep -q "$1" "$scratch/answer"
}

start_server "$heeler" --set heeler_interval=1 --set "heeler_monitors_path=$scratch/defined"
until_shown '"current_downtime": *{"start": *"20[^"]*T1[78]:00:00'
known_so() {
    "$heeler" status --at "127.0.0.1:$http" >"$scratch/status" && ! grep -q downtimes_unknown "$scratch/status"
}
until_so known_so || fail "it is not known when: $(cat "$scratch/status")"
kill -TERM "$server"
ended 0

cp "$heeler" "$scratch/alone/heeler"
start_server "$scratch/alone/heeler" --set heeler_interval=1 --set "heeler_monitors_path=$scratch/defined"
wait_for "$scratch/log" 'it is not known when: \(.*\)'
[ "$found" = "$scratch/alone/heeler-calendar, which knows when downtimes recur, is not there: install the package heeler-calendar, or set heeler_calendar_path" ] ||
    fail "it says $found"
found_so() {
    "$heeler" status --at "127.0.0.1:$http" >"$scratch/status" || fail "no status"
    grep -q downtimes_unknown "$scratch/status"
}
until_so found_so || fail "there is no such finding: $(cat "$scratch/status")"
until_shown '"status": *"scheduled"'
! grep current_downtime "$scratch/answer" || fail "it says when it holds"
kill -TERM "$server"
ended 0
