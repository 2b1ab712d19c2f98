#!/bin/bash
# What is neither a window nor sent on: events (also those that memory has no room for), the last status of each check, what is known
# about metrics, and dashboards. All of it is there again after kill -9 with a state path, and
# after a program that takes over without one.
#   check_kept.sh PROGRAM
. "${0%/*}/support/script.sh"

start() {
    start_server "$heeler" --set heeler_interval=1 "$@"
}

# request METHOD PATH [BODY]: its status is $status; the answer is in $scratch/answer.
request() {
    body=${3-}
    exec 3<>"/dev/tcp/127.0.0.1/$http"
    printf '%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
        "$1" "$2" "${#body}" "$body" >&3
    cat <&3 >"$scratch/answer"
    exec 3<&-
    status=$(sed -n '1s/HTTP[^ ]* \([0-9]*\).*/\1/p' "$scratch/answer")
}

# expect STATUS METHOD PATH [BODY]. While a busy disk is read, who asks for more than what memory has
# is told to ask again, or that it is not all.
expect() {
    for _ in {1..1200}; do
        request "$2" "$3" "${4-}"
        [ "$status" = 503 ] || grep -qF '"message":"not all events' "$scratch/answer" || break
        [ "$status" != 503 ] || [[ $3 != */dashboard/* ]] || says 'Retry-After: 1'
        pause
    done
    [ "$status" = "$1" ] || fail "$2 $3 is answered with $(cat "$scratch/answer")"
}

# says TEXT: the last answer does.
says() {
    grep -qF "$1" "$scratch/answer" || fail "no $1 in $(cat "$scratch/answer")"
}

# until_shown TEXT: the events and checks come to say so.
until_shown() {
    for _ in {1..1200}; do
        "$probe" get "$http" /api/v1/events >"$scratch/answer" || fail "no events"
        ! grep -qF "$1" "$scratch/answer" || return 0
        pause
    done
    fail "no $1 in $(cat "$scratch/answer")"
}

make_all() {
    expect 202 POST /api/v1/events '{"title":"deployed","text":"it","handle":"@me","tags":["a:b"]}'
    event=$(sed -n 's/.*"id":\([0-9]*\).*/\1/p' "$scratch/answer")
    expect 202 POST /api/v1/check_run '{"check":"db","host_name":"h","status":0}'
    expect 202 POST /api/v1/check_run '{"check":"db","host_name":"h","status":2,"message":"down"}'
    "$heeler" send --to "127.0.0.1:$port" '_e{5,4}:hello|text' || fail "send"
    "$heeler" send --to "127.0.0.1:$port" '_sc|disk|1|#c:d|m:nearly full' || fail "send"
    until_shown '"title":"hello"'
    until_shown '"name":"disk"'
    expect 200 PUT /api/v1/metrics/my.metric '{"unit":"byte","description":"what it is"}'
    expect 200 POST /api/v1/dashboard '{"title":"kept","layout_type":"ordered","widgets":[]}'
    board=$(sed -n 's/.*"id":"\([a-z0-9-]*\)".*/\1/p' "$scratch/answer")
    [ "$(metric 'heeler_definitions{kind="dashboard"}')" -eq 1 ] || fail "no dashboard is counted"
    [ "$(metric 'heeler_definitions{kind="metric"}')" -eq 1 ] || fail "no metadata is counted"
}

# assert_all: it is there, once.
assert_all() {
    expect 200 GET "/api/v1/dashboard/$board"
    says '"title":"kept"'
    expect 200 GET /api/v1/metrics/my.metric
    says '"unit":"byte"'
    says '"description":"what it is"'
    until_shown '"title":"hello"'
    until_shown '"name":"db","status":2,"message":"down"'
    says '"name":"disk","status":1,"message":"nearly full"'
    [ "$(grep -o '"title":"deployed"' "$scratch/answer" | wc -l)" -eq 1 ] || fail "not one event"
    expect 200 GET "/api/v1/events/$event"
    says '"handle":"@me"'
    now=$EPOCHSECONDS
    expect 200 GET "/api/v1/events?start=$((now - 3600))&end=$((now + 60))&tags=a:b"
    says '"title":"deployed"'
}

# send_many: events "old 1" to "old 1200", long before all others, twenty in a datagram.
send_many() {
    local lines=() text i
    for ((i = 1; i <= 1200; i++)); do
        text="old $i"
        text="_e{${#text},1}:$text|x|d:$((1600000000 + i))|s:old"
        [ $((i % 20)) -ne 1 ] || lines+=("")
        lines[-1]+=${lines[-1]:+$'\n'}$text
    done
    "$heeler" send --to "127.0.0.1:$port" "${lines[@]}" || fail "send"
    until_metric heeler_history_notes_total 1200
}

# assert_many: they are found a thousand a page, the last one first and none twice, and one by its id.
assert_many() {
    local page upto=1200 n
    for page in 0 1 2; do
        n=$((upto > 1000 ? 1000 : upto))
        expect 200 GET "/api/v1/events?start=1600000001&end=1600001200&sources=new,old&page=$page"
        grep -o '"title":"old [0-9]*"' "$scratch/answer" | tr -dc '0-9\n' >"$scratch/seen"
        seq $upto -1 $((upto - n + 1)) | cmp -s - "$scratch/seen" || fail "page $page is $(tr '\n' ' ' <"$scratch/seen")"
        upto=$((upto - n))
    done
    expect 200 GET '/api/v1/events?start=1600000001&end=1600001200&sources=new'
    says '{"events":[]}'
    expect 200 GET '/api/v1/events?start=1600000003&end=1600000003'
    expect 200 GET "/api/v1/events/$(sed -n 's/.*"id":\([0-9]*\).*/\1/p' "$scratch/answer")"
    says '"title":"old 3"'
    expect 404 GET /api/v1/events/3
}

# until_watched: somebody looks at the monitor, though nobody asks for it.
until_watched() {
    for _ in {1..1200}; do
        watched=$(($(metric 'heeler_monitors{state="No Data"}') + $(metric 'heeler_monitors{state="OK"}')))
        [ "$watched" -ne 1 ] || return 0
        pause
    done
    fail "nobody looks at the monitor"
}

# take_over: another program, of which the log tells.
take_over() {
    before=$(grep -c 'reads again' "$scratch/log")
    kill -USR2 "$server"
    wait_for "$scratch/log" '\(reads again\)' $((before + 1))
}

start --set heeler_state_path="$scratch/state"
until_metric heeler_history_open 1
send_many
make_all
assert_many
until_metric heeler_history_notes_total 1206 # two events, two checks, two definitions, at least
flushed=$(metric heeler_snapshots_total)
until_metric heeler_snapshots_total $((flushed + 3)) # checks are given once a second
kill -KILL "$server"
wait "$server" 2>/dev/null
for _ in 1 2 3; do
    start --set heeler_state_path="$scratch/state"
    assert_all
    kill -KILL "$server"
    wait "$server" 2>/dev/null
done
start --set heeler_state_path="$scratch/state"
assert_all
assert_many
take_over
assert_all
until_metric heeler_history_open 1
assert_many
[ "$(metric heeler_history_notes_lost_total)" -eq 0 ] || fail "something was not kept"
kill -TERM "$server"
ended 0
"$heeler" history info --set heeler_state_path="$scratch/state" >"$scratch/out" || fail "info ends with $?"
grep -q '^1202 events, 2 checks, 2 definitions$' "$scratch/out" || fail "info says $(cat "$scratch/out")"
"$heeler" history check --set heeler_state_path="$scratch/state" >"$scratch/out" || fail "check ends with $?"

start --set heeler_state_path=
make_all
expect 200 POST /api/v1/monitor '{"type":"query alert","query":"avg(last_5m):avg:x{*} > 1","name":"x","message":""}'
for _ in 1 2 3; do
    take_over
    until_watched
    assert_all
done
kill -TERM "$server"
ended 0
