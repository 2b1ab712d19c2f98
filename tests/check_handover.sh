#!/bin/bash
# One process after another on the same sockets: SIGUSR2, and a service manager that
# holds them. Sums are exact, no interval is split, and what cannot go on is told.
#   check_handover.sh PROGRAM
. "${0%/*}/support/script.sh"
manager=${heeler%/*}/tests/tools/manager
[ -x "$manager" ] || fail "$manager is not built"

# sum NAME: of all buckets that the console showed.
sum() {
    awk -v name="$1" '$1 == name && $2 == "rate" { sum += $4 } END { printf "%d\n", sum }' \
        "$scratch/log"
}

summed() { # NAME SUM
    [ "$(sum "$1")" -eq "$2" ]
}

# unsplit N: buckets are of full minutes, but for N at most, and none comes twice.
unsplit() {
    [ "$(grep '^bucket' "$scratch/log" | grep -vc ':00 UTC')" -le "$1" ] &&
        [ -z "$(grep '^bucket' "$scratch/log" | sort | uniq -d)" ] ||
        fail "an interval was split: $(grep '^bucket' "$scratch/log")"
}

count() {
    grep -c "$1" "$scratch/log"
}

# again N: waits until so many processes have gone on.
again() {
    wait_for "$scratch/log" '\(reads again\)' "$1"
}

said() {
    wait_for "$scratch/log" "\($1\)"
}

send() {
    "$heeler" send --to "127.0.0.1:$port" 'a:1|c' || fail "send"
    "$heeler" send --to "unix:$scratch/d" 'a:1|c' 's:x|s' || fail "send"
}

# ---- SIGUSR2 -------------------------------------------------------------------------

VERSIONS=$("$heeler" --state-version)
export VERSIONS
cp "$heeler" "$scratch/heeler"
start_server "$scratch/heeler" --set dogstatsd_socket="$scratch/d" --set heeler_interval=60 \
    --set heeler_console=true --set heeler_http_listen="127.0.0.1:0 unix:$scratch/h"
# Who looks on is told, and looks on at the next one.
background "$scratch/tailed" "$heeler" tail --at "127.0.0.1:$http" --match probe
tail=$pid
tailed() {
    for _ in {1..1200}; do
        "$heeler" send --to "127.0.0.1:$port" "probe.$1:1|c" || fail "send"
        ! grep -q "probe.$1:" "$scratch/tailed" || return 0
        pause
    done
    fail "tail does not show probe.$1: $(tail "$scratch/tailed")"
}

tailed 0
for i in 1 2 3; do
    send
    kill -USR2 "$server"
    again "$i"
    tailed "$i"
done
[ "$(grep -c ': the server has ended; the one that follows is asked$' "$scratch/tailed")" -eq 3 ] ||
    fail "tail does not tell of three upgrades: $(cat "$scratch/tailed")"
kill -TERM "$tail"

# HTTP goes on at the same port, which the kernel chose, and at the same file.
ask() {
    "$heeler" query --last 15m --at "$1" 'sum:nothing{*}' >"$scratch/answer" 2>&1 &&
        grep -q 'nothing matches' "$scratch/answer" || fail "$1: $(cat "$scratch/answer")"
}
ask "127.0.0.1:$http"
ask "unix:$scratch/h"

# A program that does not run, is none of ours, or takes no such settings: refused.
put() {
    printf '#!/bin/sh\n%s\n' "$1" >"$scratch/new"
    chmod +x "$scratch/new"
    mv "$scratch/new" "$scratch/heeler"
}
mv "$scratch/heeler" "$scratch/kept"
kill -USR2 "$server"
said 'does not start'
put 'exit 3'
kill -USR2 "$server"
said 'no heeler that takes over'
put 'case $1 in --state-version) echo "$VERSIONS" ;; *) echo "heeler: a sentence" >&2; exit 78 ;; esac'
kill -USR2 "$server"
said 'does not take the settings: a sentence'
send

# One that is gone when it counts, and reads a version to come besides: this one goes on,
# with all it had.
put 'case $1 in --state-version) echo "$VERSIONS"; echo 999 ;; *) rm "$0" ;; esac'
kill -USR2 "$server"
again 4
said 'cannot be run: No such file'
send

# One that reads another version: what is open is flushed first.
put "case \$1 in --state-version) echo 999 ;; *) exec '$scratch/kept' \"\$@\" ;; esac"
kill -USR2 "$server"
said 'reads version 999'
wait_for "$scratch/log" '\(INFO http: listening\)' 6
until_so summed a 10 || fail "the open interval was not flushed: $(sum a)"
send
kill -TERM "$server"
ended 0
[ "$(sum a)" -eq 12 ] || fail "a is $(sum a)"
[ "$(count 'imbalance=0/0/0')" -eq 6 ] || fail "not balanced"
unsplit 2 # the one that was flushed, and the last
[ ! -e "$scratch/d" ] || fail "the socket's file was left behind"

# Settings that become bad behind the check: the state waits until they are good.
echo 'heeler_interval: 60' >"$scratch/heeler.yaml"
put 'case $1 in --state-version) echo "$VERSIONS" ;; check) ;;
    *) echo "log_level: loud" >"'"$scratch"'/heeler.yaml"; exec "'"$scratch"'/kept" "$@" ;; esac'
mv "$scratch/heeler" "$scratch/spoils"
cp "$scratch/kept" "$scratch/heeler"
start_server "$scratch/heeler" --config "$scratch/heeler.yaml" --set heeler_console=true \
    --set dogstatsd_socket="$scratch/d"
send
mv "$scratch/spoils" "$scratch/heeler"
kill -USR2 "$server"
said 'is kept until the settings are good'
echo 'heeler_interval: 60' >"$scratch/heeler.yaml"
again 1
send
kill -TERM "$server"
ended 0
[ "$(sum a)" -eq 4 ] || fail "a is $(sum a)"

# A port that the kernel chose stays with those who ask there: that of HTTP does not become the one of traces, nor
# the other way round, where traces come or go.
with_traces() {
    printf 'apm_config: {enabled: %s, receiver_port: __random__}\n' "$1" >"$scratch/heeler.yaml"
}
with_traces false
start_server "$scratch/kept" --config "$scratch/heeler.yaml"
i=0
for enabled in true true false true; do
    with_traces "$enabled"
    kill -USR2 "$server"
    again $((i += 1))
    ask "127.0.0.1:$http"
done
kill -TERM "$server"
ended 0

# ---- an environment that means harm -----------------------------------------------------

cat >"$scratch/harm" <<'END'
#!/bin/sh
export LISTEN_PID=$$ LISTEN_FDS="$COUNT" HEELER_HANDOVER="$$$HARM"
exec "$PROGRAM" "$@"
END
chmod +x "$scratch/harm"
export PROGRAM="$scratch/kept" COUNT HARM
for COUNT in 2000000000 -1 x; do
    for HARM in '' ' ' ' x' ' 1 2 x' ' -1 -1 ' ' 0 9223372036854775807 0 1k 2c 1 99999 4294967299 -7' \
        ' 99999999999999999999 -99999999999999999999 3 4 5 6c 7 8 9 10k 11 12 13 14'; do
        start_server "$scratch/harm"
        "$heeler" send --to "127.0.0.1:$port" 'a:1|c' || fail "send"
        until_metric heeler_datagrams_received_total 1
        kill -TERM "$server"
        ended 0
    done
done

# ---- a service manager ----------------------------------------------------------------

# process N READY: the number of the N-th process is $server, once so often one was ready.
process() {
    wait_for "$scratch/log" '^\(READY=1\)' "$2"
    server=$(sed -n 's/^pid \([0-9]*\) .*/\1/p' "$scratch/log" | sed -n "$1p")
    [ -n "$server" ] || fail "no process $1"
    others="$others $server"
}

: >"$scratch/log"
minute=$((EPOCHSECONDS / 60))
background "$scratch/log" "$manager" 2 udp "@heeler-$$" "$heeler" run \
    --set bind_host=127.0.0.1 --set dogstatsd_port=__random__ --set dogstatsd_socket="$scratch/d" \
    --set heeler_http_listen= --set heeler_interval=60 --set heeler_console=true \
    --set heeler_stop_handover=true
managed=$pid
wait_for "$scratch/log" 'port \([0-9][0-9]*\)'
port=$found
process 1 1
said "listening on udp 127.0.0.1:$port"
kill -KILL "$server" # what is sent from now on waits
said 'killed 9'
send
process 2 2
said 'with 2 stored'
kill -USR2 "$server" # the same process goes on under the manager
again 1
send
kill -TERM "$server" # the open interval goes into the store
said 'STOPPING=1'
said 'ended 0'
said 'FDSTORE=1 heeler-state, 3 stored'
[ "$(sum a)" -eq 0 ] || [ $((EPOCHSECONDS / 60)) -ne $minute ] || fail "the open interval was flushed"
send
process 3 4
said 'with 3 stored'
send
kill -TERM "$server"
wait "$managed" || fail "the manager says $?"
[ "$(count 'imbalance=0/0/0')" -eq 3 ] || fail "not balanced"
