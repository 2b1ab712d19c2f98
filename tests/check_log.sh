#!/bin/bash
# A log that nobody reads, a console that nobody reads, and a log file that takes nothing
# stop nobody: the server receives, answers and ends, and says how many lines are missing.
#   check_log.sh PROGRAM
. "${0%/*}/support/script.sh"

# full_pipe NAME: a pipe under that name, at descriptor 9, with no room left in it.
full_pipe() {
    rm -f "$scratch/$1"
    mkfifo "$scratch/$1"
    exec 9<>"$scratch/$1"
    head -c 65536 /dev/zero >&9
}

# read_pipe NAME: somebody reads it from now on, into NAME.read.
read_pipe() {
    cat <"$scratch/$1" >"$scratch/$1.read" 9>&- &
    reader=$!
    started="$started $reader"
}

options="--set dogstatsd_port=__random__ --set bind_host=127.0.0.1 --set dogstatsd_socket=
    --set heeler_http_listen=127.0.0.1:0 --set heeler_interval=1 --set heeler_stop_timeout=60"

# find_ports FILE: of the server just started, in what it writes there.
find_ports() {
    server=$!
    started="$started $server"
    until_so [ -e "$1" ] || fail "nobody writes $1"
    wait_for "$1" 'listening on udp 127.0.0.1:\([0-9]*\)'
    port=$found
    wait_for "$1" 'http: listening on 127.0.0.1:\([0-9]*\)'
    http=$found
}

# serves N: it receives, N datagrams in all, and is alive.
serves() {
    "$heeler" send --to "127.0.0.1:$port" 'a:1|c' || fail "send"
    until_metric heeler_datagrams_received_total "$1"
    "$probe" get "$http" /live >/dev/null || fail "$("$probe" get "$http" /live)"
}

is_gone() {
    ! kill -0 "$server" 2>/dev/null
}

# ends WHAT: SIGTERM, and the end comes, whatever blocks.
ends() {
    kill -TERM "$server"
    until_so is_gone || fail "$1: SIGTERM did not end it"
    ended 0
}

# talk: so much to log that no ring holds it.
talk() {
    for _ in {1..400}; do
        [ "$(metric heeler_log_lines_dropped_total)" -eq 0 ] || return 0
        for _ in 1 2 3 4 5 6 7 8; do
            "$probe" post "$http" /reload >/dev/null || fail "reload"
        done
    done
    fail "no line was dropped"
}

# A file of settings that is warned about at length, each time that it is loaded.
yes 'env: a' | head -n 60 >"$scratch/heeler.yaml"

# ---- standard error, at a pipe that is full from the start ---------------------------
full_pipe err
"$heeler" run --config "$scratch/heeler.yaml" $options --set log_file="$scratch/file" 2>&9 >/dev/null &
find_ports "$scratch/file"
serves 1
talk
serves 2
kill -USR2 "$server" # the next program finds the same standard error
wait_for "$scratch/file" '\(reads again\)'
answers() {
    http=$(sed -n 's/.*http: listening on 127.0.0.1:\([0-9]*\).*/\1/p' "$scratch/file" | tail -n 1)
    "$probe" get "$http" /live >/dev/null 2>&1
}
until_so answers || fail "the next program does not answer"
talk
dropped=$(metric heeler_log_lines_dropped_total)
read_pipe err
wait_for "$scratch/err.read" 'log: \([0-9]*\) lines were dropped'
[ "$found" -ge "$dropped" ] || fail "$found lines are missing, $dropped were dropped"
"$probe" post "$http" /reload >/dev/null
ends "a log that is read again"
grep -q 'final ledger' "$scratch/file" || fail "no ledger in the file"
exec 9>&-
wait "$reader"
grep -aq "final ledger" "$scratch/err.read" || fail "no ledger on standard error"

full_pipe err
"$heeler" run --config "$scratch/heeler.yaml" $options --set log_file="$scratch/file2" 2>&9 >/dev/null &
find_ports "$scratch/file2"
serves 1
ends "a log that nobody reads"
grep -q 'folded=1 ' "$scratch/file2" || fail "what was received is not in the ledger"

# ---- the console, whose buckets nobody reads ------------------------------------------
full_pipe out
: >"$scratch/log"
"$heeler" run $options --set heeler_console=true 2>"$scratch/log" >&9 &
find_ports "$scratch/log"
long=$(head -c 250 /dev/zero | tr '\0' t)
names=$(seq 200)
until [ "$(metric heeler_log_lines_dropped_total)" -gt 0 ]; do
    "$heeler" send --to "127.0.0.1:$port" $(printf "n.%s:1|c|#$long " $names) || fail "send"
    pause
done
n=$(metric heeler_datagrams_received_total)
serves $((n + 1))
ends "a console that nobody reads"
[ "$(ledger folded)" -eq "$(ledger values)" ] || fail "what was received is not in the ledger"
exec 9>&-

# ---- a log file that takes nothing: a FIFO, full; and one that nobody has open ---------
full_pipe fifo
: >"$scratch/log"
"$heeler" run --config "$scratch/heeler.yaml" $options --set log_file="$scratch/fifo" 2>"$scratch/log" >/dev/null &
find_ports "$scratch/log"
serves 1
talk
serves 2
kill -HUP "$server"
serves 3
ends "a log file that takes nothing"
[ "$(ledger folded)" -eq 3 ] || fail "what was received is not in the ledger"
exec 9>&-

rm "$scratch/fifo"
mkfifo "$scratch/fifo"
start_server "$heeler" --set log_file="$scratch/fifo"
serves 1
read_pipe fifo
wait_for "$scratch/fifo.read" 'http: \(listening\)'
ends "a FIFO that is read later"

# ---- a file that rolls ------------------------------------------------------------------
start_server "$heeler" --set log_file="$scratch/rolled" --set log_file_max_size=200b \
    --set log_file_max_rolls=2
ends "a log that rolls"
[ -s "$scratch/rolled" ] && [ -s "$scratch/rolled.1" ] && [ -s "$scratch/rolled.2" ] ||
    fail "nothing rolled"
[ ! -e "$scratch/rolled.3" ] || fail "it rolled too far"
