#!/bin/bash
# heeler health, as what starts containers asks: the exit status and one sentence, over TCP, a
# unix socket and the health port, and whatever else answers there.
#   check_health.sh PROGRAM
. "${0%/*}/support/script.sh"

# health STATUS TEXT WORD...: that status, and one sentence with that text where it belongs.
health() {
    want=$1
    text=$2
    shift 2
    status=0
    "$heeler" health "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
    [ "$status" -eq "$want" ] || fail "health $*: ended with $status, not $want: $(cat "$scratch/err")"
    [ "$(cat "$scratch/out" "$scratch/err" | wc -l)" -eq 1 ] || fail "health $*: not one sentence"
    said=$scratch/out
    [ "$want" -eq 0 ] || said=$scratch/err
    grep -qF -e "$text" "$said" || fail "health $* does not say \"$text\": $(cat "$said")"
}

# stands_for STATUS BODY: something else answers so, at $found.
stands_for() {
    background "$scratch/stand" "$probe" say "$1" "$2"
    wait_for "$scratch/stand" 'port \([0-9]*\)'
}

start_server "$heeler" --set "heeler_http_listen=127.0.0.1:0 unix:$scratch/http.sock"
health 0 "heeler health: 127.0.0.1:$http: alive" --at "127.0.0.1:$http"
health 0 "heeler health: unix:$scratch/http.sock: alive" --at "unix:$scratch/http.sock"
health 0 "unix:$scratch/http.sock: alive" --set "heeler_http_listen=unix:$scratch/http.sock"
DD_HEELER_HTTP_LISTEN="127.0.0.1:$http" health 0 "127.0.0.1:$http: alive"
# The health port, where there is no other.
health 0 "127.0.0.1:$http: alive" --set heeler_http_listen= --set "health_port=$http"
health 1 'heeler_http_listen: is empty: say where with --at URL' --set heeler_http_listen=
kill -TERM "$server"
ended 0
health 1 "heeler health: 127.0.0.1:$http: " --at "127.0.0.1:$http"
health 1 "heeler health: unix:$scratch/http.sock: " --at "unix:$scratch/http.sock"
health 78 '"--ready" is not understood' --ready
health 78 '"--at" is not understood' --at
health 78 'heeler_interval is "0"' --set heeler_interval=0

# A server that hangs, and what is no server.
stands_for '500 Internal Server Error' '{"Healthy":["forwarder"],"Unhealthy":["dogstatsd-main","aggregator"]}'
health 1 ": no turn of dogstatsd-main, aggregator" --at "127.0.0.1:$found"
for body in '' '{}' '[]' 'fine' '{"Healthy":[]}' '{"Healthy":{},"Unhealthy":[]}'; do
    stands_for '200 OK' "$body"
    health 1 "this is no heeler's answer" --at "127.0.0.1:$found"
done
stands_for '500 Internal Server Error' '{"Healthy":[],"Unhealthy":[]}'
health 1 'no turn of' --at "127.0.0.1:$found"
stands_for '200 OK' '{"Healthy":[],"Unhealthy":["'"$(printf '\033')"'[31m",7]}'
health 1 "this is no heeler's answer" --at "127.0.0.1:$found" # a control byte is no JSON
stands_for '200 OK' '{"Healthy":[],"Unhealthy":["\u001b[31m",7]}'
health 1 'no turn of ' --at "127.0.0.1:$found"
! LC_ALL=C grep -q "$(printf '\033')" "$scratch/err" || fail "a stranger's bytes reach the terminal"
