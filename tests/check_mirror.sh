#!/bin/bash
# Windows in a real Redis, over upgrades and restarts: each start has fields of its own, a
# program that takes over goes on with those of the one before, and the hour's sum is what was
# sent, in Redis and in answers.
#   check_mirror.sh PROGRAM
. "${0%/*}/support/script.sh"

background "$scratch/redis.log" redis-server --port 0 --unixsocket "$scratch/redis" --save '' \
    --dir "$scratch"
wait_for "$scratch/redis.log" '\(ready to accept\|now ready\)'

redis() {
    redis-cli -s "$scratch/redis" "$@"
}

# sum NAME: the sums of all instances in all hours.
sum() {
    redis --raw KEYS "heeler:{$1}:3600:*" | while read -r key; do
        redis --raw HVALS "$key"
    done | awk '{ sum += $1 } END { printf "%d\n", sum }'
}

# total: the same as the server answers, of the last hour.
total() {
    now=$EPOCHSECONDS
    "$probe" get "$http" "/api/v1/query?from=$((now - 3600))&to=$((now + 60))&query=sum:a%7B*%7D.as_count()" |
        sed 's/.*"pointlist":\[\(.*\)\]\].*/\1]/' | tr '[]' '\n\n' |
        awk -F, 'NF == 2 && $1 + 0 > 0 { sum += $2 } END { printf "%d\n", sum }'
}

start() {
    start_server "$scratch/heeler" --set "heeler_redis_url=unix://$scratch/redis" \
        --set heeler_interval=1 "$@"
}

send() {
    for _ in 1 2 3; do
        "$heeler" send --to "127.0.0.1:$port" 'a:1|c|#x:y' || fail "send"
    done
}

stop() {
    kill -TERM "$server"
    ended 0
    [ "$(grep -c 'another instance' "$scratch/log")" -eq 0 ] || fail "took itself for another"
    [ "$(grep -c 'redis_shed=[1-9]' "$scratch/log")" -eq 0 ] || fail "something was shed"
}

cp "$heeler" "$scratch/heeler"
# until_total N: what is on disk is read a moment after the start.
until_total() {
    for _ in {1..1200}; do
        answered=$(total)
        [ "$answered" -lt "$1" ] || break
        pause
    done
    [ "$answered" -eq "$1" ] || fail "$answered of $1 is answered"
}

# upgrade_thrice ARGUMENTS of the start: nothing is missing in answers, and nothing is there twice.
upgrade_thrice() {
    start "$@"
    for i in 1 2 3; do
        flushed=$(metric heeler_snapshots_total)
        send
        until_metric heeler_snapshots_total $((flushed + 2)) # it is in windows that are open
        kill -USR2 "$server"
        wait_for "$scratch/log" '\(reads again\)' "$i"
        until_total $((3 * i))
    done
    send
    stop
    [ "$(sum a)" -eq 12 ] || fail "a is $(sum a) in Redis after three upgrades ($*)"
}

upgrade_thrice
start
send
stop
[ "$(sum a)" -eq 15 ] || fail "a is $(sum a) in Redis after a restart"
[ "$(redis --raw ZCARD heeler:instances)" -eq 2 ] || fail "not two instances"

# With the past on disk each program begins its windows anew, in fields of its own.
redis FLUSHALL >/dev/null
upgrade_thrice --set heeler_state_path="$scratch/state"
[ "$(redis --raw ZCARD heeler:instances)" -eq 4 ] || fail "not four instances"
