#!/bin/bash
# heeler top, as an operator has it: who sends over UDP and a unix socket, the metrics and the keys
# of tags, printed and as JSON; and on a terminal, with keys, another size and a signal.
#   check_top.sh PROGRAM
. "${0%/*}/support/script.sh"
pty=${heeler%/*}/tests/tools/pty
[ -x "$pty" ] || fail "$pty is not built"

start_server "$heeler" --set heeler_interval=1 --set heeler_senders=true \
    --set "dogstatsd_socket=$scratch/dsd" --set heeler_console=false
at="127.0.0.1:$http"
# All tags at once: they are counted when they come first, and then only after 20 seconds.
"$heeler" send --to "127.0.0.1:$port" "$(for user in {1..50}; do echo "by.udp:1|c|#user:$user"; done
    printf 'by.unix:1|c|#\033[31mkey:x')" || fail "nothing was sent"
grep -qx desk /proc/"$server"/task/*/comm || fail "with heeler_senders nobody counts before somebody asks"
background "$scratch/udp" "$heeler" send --to "127.0.0.1:$port" --rate 200 --count 1000000 \
    'by.udp:1|c|#user:{random}|c:ci-4711' --random 1:50
udp=$pid
background "$scratch/unix" "$heeler" send --to "unix:$scratch/dsd" --rate 100 --count 1000000 \
    "$(printf 'by.unix:1:2|c|#\033[31mkey:x')"
unix=$pid

# until_shown WORDS... -- PATTERN: heeler top with these words shows it, a minute at most.
until_shown() {
    words=()
    while [ "$1" != -- ]; do
        words+=("$1")
        shift
    done
    for _ in {1..1200}; do
        "$heeler" top --at "$at" "${words[@]}" >"$scratch/out" || fail "top ${words[*]} ends with $?"
        ! grep -q -e "$2" "$scratch/out" || return 0
        pause
    done
    cat "$scratch/out"
    fail "top ${words[*]} does not show $2"
}

until_shown --by sender --once -- "^ *[0-9.]*  *[0-9.]*  *0  *[0-9.]*  127.0.0.1:[0-9]*, container ci-4711"
until_shown --by sender --once -- "^ *[0-9.]*  *[0-9.]*  *0  *[0-9.]*  pid $unix heeler"
until_shown --by sender --json -- "\"pid\":$unix,\"command\":\"heeler\",\"container\":\"\",\"values\":[0-9.]*[1-9]"
until_shown --by sender --limit 1 --sort bytes -- "127.0.0.1"
[ "$(wc -l <"$scratch/out")" = 3 ] || fail "--limit 1 prints $(wc -l <"$scratch/out") lines"
until_shown -- "^ *[0-9.]*  *50  by.udp"
until_shown --sort series --limit 1 -- "  by.udp"
until_shown --by tag -- "^ *50  user"
until_shown --by tag -- '\\x1b\[31mkey'
! LC_ALL=C grep -q "$(printf '[\001-\010\016-\037\177]')" "$scratch/out" || fail "top sends control bytes"
"$heeler" dogstatsd-stats --at "$at" >"$scratch/out" || fail "the Agent's name is not known"
grep -q 'heeler top by metric' "$scratch/out" || fail "dogstatsd-stats shows something else"
! "$heeler" top --by nobody --at "$at" >"$scratch/out" 2>&1 || fail "--by nobody is taken"
! "$heeler" top --limit 0 --at "$at" >"$scratch/out" 2>&1 || fail "--limit 0 is taken"
! "$heeler" top --once --at 127.0.0.1:1 >"$scratch/out" 2>&1 || fail "nobody answers, and top ends with 0"

# The terminal.
"$pty" "$heeler" top --at "$at" >"$scratch/out" <<KEYS || { cat -v "$scratch/out" | tail -30; fail "top on a terminal ends with $?"; }
expect by metric
expect by.udp
send s
expect by sender
expect container ci-4711
send l
expect lines/s*
send h
expect page up
send h
send /
send pid
expect filter: pid
send \\e
send t
expect by tag
size 5
expect q quit
send \\e[B
expect q quit
send m
expect by metric
send q
KEYS
grep -q '^attributes kept' "$scratch/out" || fail "the terminal is not as it was"
grep -q "$(printf '\033\\[?1049l')" "$scratch/out" || fail "the screen is not given back"
"$pty" "$heeler" top --by sender --at "$at" >"$scratch/out" <<KEYS || { cat -v "$scratch/out" | tail -30; fail "a signal ends top with $?"; }
expect by sender
signal 15
KEYS
grep -q '^attributes kept' "$scratch/out" || fail "a signal leaves the terminal behind"

kill -TERM "$udp" "$unix"
kill -TERM "$server"
ended 0
