#!/bin/bash
# A spool on a disk that fails or hangs: nothing on it is lost, and neither a hand-over nor
# a stop waits for it. And another program that hangs while it is asked to take over.
#   check_disk.sh PROGRAM
. "${0%/*}/support/script.sh"
disk=${heeler%/*}/tests/tools/disk.so
[ -x "$disk" ] || fail "$disk is not built"
sanitized=$(nm "$heeler" 2>/dev/null | grep -c __asan_init)
[ "$sanitized" -eq 0 ] || { echo "a preload goes before no sanitizer"; exit 0; }

disk() { # works, fails, hangs
    rm -f "$DISK_SAYS.hangs"
    echo "$1" >"$DISK_SAYS.new"
    mv "$DISK_SAYS.new" "$DISK_SAYS"
}

said() {
    wait_for "$scratch/log" "\($1\)"
}

# Before an intake that nobody reaches everything goes to the disk at once. A stop that has nobody
# to wait for, or a disk that did not work, takes all of its time: those are given two seconds.
start_with_spool() {
    start_server env LD_PRELOAD="$disk" "$heeler" run --set dd_url=http://127.0.0.1:1 \
        --set api_key=k --set forwarder_storage_path="$scratch/spool" \
        --set forwarder_storage_max_size_in_bytes=1000000 --set forwarder_storage_max_disk_ratio=1 --set heeler_self_telemetry=false \
        --set forwarder_backoff_base=0.01 --set forwarder_backoff_max=0.02 \
        --set forwarder_apikey_validation_interval=0 --set heeler_interval=60 \
        --set heeler_stop_timeout=60 "$@"
}

# start_server puts "run" behind its program.
start_server() {
    : >"$scratch/log"
    background "$scratch/log" "$@" --set dogstatsd_port=__random__ --set bind_host=127.0.0.1 \
        --set dogstatsd_socket= --set heeler_http_listen=127.0.0.1:0
    server=$pid
    wait_for "$scratch/log" 'listening on udp 127.0.0.1:\([0-9]*\)'
    port=$found
    wait_for "$scratch/log" 'http: listening on 127.0.0.1:\([0-9]*\)'
    http=$found
}

send() { # with a time of its own it is sent without waiting for the interval
    "$heeler" send --to "127.0.0.1:$port" "$1:1|g|T1700000000" || fail "send"
}

spooled() {
    find "$scratch/spool" -name '*.payload' | wc -l
}

are_spooled() {
    [ "$(spooled)" -eq "$1" ]
}

until_spooled() {
    until_so are_spooled "$1" || fail "$(spooled) files in the spool, not $1"
}

until_hanging() {
    until_so [ -e "$DISK_SAYS.hangs" ] || fail "nobody asks the disk"
}

# ---- what is tried --------------------------------------------------------------------------

# The disk fails for a while, then hangs, then hangs from the start on.
spool() {
    disk works
    start_with_spool
    send a
    until_spooled 1
    disk fails
    said 'cannot be read now: Input.output error; it stays there'
    kill -TERM "$server"
    ended 0
    [ "$(spooled)" -eq 1 ] || fail "an error of the disk removed a payload"
    start_with_spool --set heeler_stop_timeout=2 # and again with a disk that fails from the start on
    said 'cannot be opened: Input.output error'
    send b
    until_metric heeler_datagrams_received_total 1
    disk works
    kill -TERM "$server"
    ended 0
    [ "$(spooled)" -eq 2 ] || fail "$(spooled) payloads are kept"
    [ "$(ledger imbalance)" = 0/0/0 ] || fail "imbalance $(ledger imbalance)"
    start_with_spool --set heeler_stop_timeout=2
    said '2 payloads of 2 points found in the spool'

    disk hangs
    send c
    until_metric heeler_points_encoded_total 1 # or it is one payload with the next
    until_hanging
    kill -USR2 "$server"
    said 'no sign of life'
    said 'SIGUSR2: this program goes on'
    send d
    until_metric heeler_datagrams_received_total 2 # and HTTP answers
    disk works
    until_spooled 4
    kill -USR2 "$server"
    said '4 payloads of 4 points found in the spool'
    said 'reads again'
    disk hangs
    send e
    until_hanging
    kill -TERM "$server"
    ended 0 # while it hangs
    disk works

    disk hangs
    start_with_spool --set heeler_stop_timeout=2
    send f
    until_metric heeler_datagrams_received_total 1
    kill -TERM "$server"
    ended 0
    disk works
    [ "$(spooled)" -eq 4 ] || fail "$(spooled) payloads are kept"
}

# A program hangs while it is asked to take over.
program() {
    cp "$heeler" "$scratch/heeler"
    start_server "$scratch/heeler" run --set heeler_console=true
    printf '#!/bin/sh\necho asked >"%s/asked"\nexec sleep 1000\n' "$scratch" >"$scratch/new"
    chmod +x "$scratch/new"
    mv "$scratch/new" "$scratch/heeler"
    kill -USR2 "$server"
    until_so [ -e "$scratch/asked" ] || fail "nobody asks the new program"
    "$heeler" send --to "127.0.0.1:$port" 'a:1|c' || fail "send"
    until_metric heeler_datagrams_received_total 1
    kill -HUP "$server" # is seen to, and stops no question
    said 'SIGHUP'
    "$probe" get "$http" /live >/dev/null || fail "no answer while a program is asked"
    kill -TERM "$server"
    ended 0
    [ "$(ledger folded)" -eq 1 ] || fail "folded $(ledger folded)"
}

# The disk, and then such a program, under a service manager; it has half of the stop's time.
managed() {
    manager=${heeler%/*}/tests/tools/manager
    [ -x "$manager" ] || fail "$manager is not built"
    cp "$heeler" "$scratch/managed"
    disk works
    : >"$scratch/log"
    background "$scratch/log" env LD_PRELOAD="$disk" "$manager" 0 - "@heeler-disk-$$" \
        "$scratch/managed" run --set dogstatsd_port=__random__ --set bind_host=127.0.0.1 \
        --set dogstatsd_socket= --set heeler_http_listen= --set heeler_interval=60 \
        --set dd_url=http://127.0.0.1:1 --set api_key=k --set heeler_self_telemetry=false \
        --set forwarder_storage_path="$scratch/spool" --set heeler_stop_timeout=16 \
        --set forwarder_storage_max_size_in_bytes=1000000 --set forwarder_storage_max_disk_ratio=1 \
        --set heeler_stop_handover=true
    managed=$pid
    wait_for "$scratch/log" 'listening on udp 127.0.0.1:\([0-9]*\)'
    port=$found
    server=$(sed -n 's/^pid \([0-9]*\) .*/\1/p' "$scratch/log")
    others="$others $server"
    said READY=1
    disk hangs
    send g
    until_hanging
    kill -USR2 "$server"
    said 'no sign of life'
    said 'SIGUSR2: this program goes on'
    wait_for "$scratch/log" '^\(READY=1\)' 2 # again, or the manager would wait for that
    disk works
    printf '#!/bin/sh\nexec sleep 1000\n' >"$scratch/new"
    chmod +x "$scratch/new"
    mv "$scratch/new" "$scratch/managed"
    kill -TERM "$server"
    said 'it does not answer; the open interval is flushed'
    wait "$managed" || fail "the manager says $?"
    [ "$(ledger imbalance)" = 0/0/0 ] || fail "imbalance $(ledger imbalance)"
}

try() {
    export DISK_FOLDER="$scratch/spool" DISK_SAYS="$scratch/disk"
    case $1 in
    1) spool ;;
    2) program ;;
    3) managed ;;
    esac
}

lanes 3 try
