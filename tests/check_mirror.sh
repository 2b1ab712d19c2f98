#!/bin/sh
# Windows in a real Redis, over upgrades and restarts: each process has fields of its
# own, and the hour's sum is what was sent.
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

start() {
    start_server "$scratch/heeler" --set "heeler_redis_url=unix://$scratch/redis" \
        --set heeler_interval=1
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
start
for i in 1 2 3; do
    send
    kill -USR2 "$server"
    for _ in $(seq 6000); do
        [ "$(grep -c 'reads again' "$scratch/log")" -lt "$i" ] || break
        sleep 0.01
    done
done
send
stop
[ "$(sum a)" -eq 12 ] || fail "a is $(sum a) in Redis after three upgrades"
start
send
stop
[ "$(sum a)" -eq 15 ] || fail "a is $(sum a) in Redis after a restart"
[ "$(redis --raw ZCARD heeler:instances)" -eq 5 ] || fail "not five instances"
