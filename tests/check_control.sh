#!/bin/bash
# A reload by SIGHUP and by POST, a flush, a drain, and a server that lingers at
# SIGTERM for those who still send.
#   check_control.sh PROGRAM
. "${0%/*}/support/script.sh"

# settings TAGS LEVEL: what the file says from now on.
settings() {
    printf 'tags: [%s]\nlog_level: %s\nheeler_interval: 60\n' "$1" "$2" >"$scratch/heeler.yaml"
}

send() {
    "$heeler" send --to "127.0.0.1:$port" "$@" || fail "send"
}

settings before:1 info
start_server "$heeler" --config "$scratch/heeler.yaml" --set heeler_console=true \
    --set log_file="$scratch/file"

# The open interval goes out, and the second that it ended has its own.
send a:1\|c
until_metric heeler_datagrams_received_total 1
"$probe" post "$http" /flush >"$scratch/answer" || fail "flush: $(cat "$scratch/answer")"
grep -q '"encoded":true,"settled":true' "$scratch/answer" || fail "flush: $(cat "$scratch/answer")"
wait_for "$scratch/log" 'a  *rate .* \(before:1\)'

# A wrong file keeps everything, a right one is followed; SIGHUP opens the log file anew.
settings after:1 loud
"$probe" post "$http" /reload >"$scratch/answer" && fail "a wrong setting was taken"
grep -q 'log_level is .*loud' "$scratch/answer" || fail "reload: $(cat "$scratch/answer")"
mv "$scratch/file" "$scratch/file.1"
settings after:1 debug
kill -HUP "$server"
wait_for "$scratch/log" 'SIGHUP: settings loaded anew; .*: \(tags, log_level\)'
wait_for "$scratch/file" '\(loaded anew\)'
"$probe" post "$http" /reload >"$scratch/answer" || fail "reload: $(cat "$scratch/answer")"
grep -q '"changed":\[\]' "$scratch/answer" || fail "reload: $(cat "$scratch/answer")"
"$probe" post "$http" /flush >/dev/null || fail "flush" # its seal takes the tags over
send a:2\|c
until_metric heeler_datagrams_received_total 2

# The answer comes first, the end behind it.
"$probe" post "$http" /drain >"$scratch/answer" || fail "drain: $(cat "$scratch/answer")"
grep -q '"draining":true' "$scratch/answer" || fail "drain: $(cat "$scratch/answer")"
ended 0
grep -q 'a  *rate .* after:1' "$scratch/log" || fail "the new tags are not to be seen"
[ "$(ledger folded)" -eq 2 ] || fail "folded $(ledger folded)"

# Lingering: the server is alive and not ready, and what still comes is received. A second signal
# does not wait.
start_server "$heeler" --set heeler_linger=60 --set heeler_linger_max=60
kill -TERM "$server"
wait_for "$scratch/log" '\(lingering\)'
"$probe" get "$http" /live >/dev/null || fail "a server that lingers is not alive"
"$probe" get "$http" /ready >"$scratch/answer" && fail "a server that lingers is ready"
grep -q lifecycle "$scratch/answer" || fail "ready: $(cat "$scratch/answer")"
send late:1\|c
until_metric heeler_datagrams_received_total 1
kill -TERM "$server"
ended 1

# Silence is the end.
start_server "$heeler" --set heeler_linger=1 --set heeler_linger_max=3600
send before:1\|c
kill -TERM "$server"
ended 0
[ "$(ledger folded)" -eq 1 ] || fail "what came is lost"

# Whoever sends for ever meets the deadline.
start_server "$heeler" --set heeler_linger=60 --set heeler_linger_max=1
background "$scratch/sent" "$probe" flood "$port"
sender=$pid
until_metric heeler_datagrams_received_total 1000
kill -TERM "$server"
ended 0
kill -TERM "$sender"
wait "$sender" 2>/dev/null # it may have been refused
[ "$(ledger folded)" -eq "$(ledger datagrams)" ] || fail "what came late is lost"
[ "$(ledger imbalance)" = 0/0/0 ] || fail "imbalance"
