#!/bin/bash
# The message of a monitor by host says from which address each host sent, wherever it is, by UDP
# and by the API, and what tags it has. It waits for the next full minute. What is told is an event
# of another server.
#   host_addresses.sh PROGRAM
. "${0%/*}/../support/script.sh"

# post_series JSON: by the API.
post_series() {
    exec 3<>"/dev/tcp/127.0.0.1/$http" || fail "nobody listens"
    printf 'POST /api/v1/series HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
        "${#1}" "$1" >&3
    read -r answer <&3
    exec 3<&-
    [[ $answer = *" 202 "* ]] || fail "a series is answered with $answer"
}

start_server "$heeler" --set heeler_interval=1
told=$server told_http=$http begun=$EPOCHSECONDS
export DD_HEELER_WEBHOOKS='[{"name": "events", "url": "http://127.0.0.1:'$http'/api/v1/events",
    "body": "{\"title\": \"$EVENT_TITLE\", \"text\": \"$TEXT_ONLY_MSG\"}"}]'
mkdir "$scratch/monitors"
cat >"$scratch/monitors/14.json" <<'EOF'
{"id": 14, "type": "metric alert", "query": "max(last_5m):max:load{*} by {host} > 10", "name": "load",
 "message": "{{host.name}} ({{host.role}}) at [{{host.ip}}] @webhook-events",
 "options": {"new_group_delay": 0}}
EOF
start_server "$heeler" --set heeler_interval=1 --set "heeler_monitors_path=$scratch/monitors"

send_load() {
    "$probe" from 127.0.0.2 "$port" "load:$1|g|#host:web-7,role:db" || fail "nothing was sent"
    "$probe" from 127.0.0.3 "$port" 'load:9|g|#host:web-8' || fail "nothing was sent"
    post_series '{"series": [{"metric": "load", "type": "gauge", "host": "web-9", "points": [['"$EPOCHSECONDS, $1"']]}]}'
}
for _ in {1..80}; do # for a few seconds: then it is known where they are
    send_load 9
    pause
done
for _ in {1..40}; do # over some seconds, of which one is whole
    send_load 11
    pause
done
until_metric 'heeler_notifications_total{end="sent"}' 2
"$probe" get "$told_http" "/api/v1/events?start=$((begun - 60))&end=$((begun + 600))" >"$scratch/out"
for said in 'web-7 (db) at \[127.0.0.2\]' 'web-9 () at \[127.0.0.1\]'; do
    grep -q -e "$said" "$scratch/out" || { cat "$scratch/out"; fail "nothing says $said"; }
done
! grep -q web-8 "$scratch/out" || fail "a host that is well was told of"
kill -TERM "$server"
ended 0
kill -TERM "$told"
wait "$told" || fail "the server that was told ended with $?"
