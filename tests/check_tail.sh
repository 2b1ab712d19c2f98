#!/bin/bash
# heeler tail, as an operator has it: lines as they arrive, a mark below the byte at fault, who
# sent them, and an end that is told.
#   check_tail.sh PROGRAM
. "${0%/*}/support/script.sh"

start_server "$heeler" --set dogstatsd_socket="$scratch/socket" --set heeler_interval=1

# tail_now ARGUMENTS...: $tail, whose output in $scratch/out begins with the line of a probe.
tail_now() {
    : >"$scratch/out"
    background "$scratch/out" "$heeler" tail --at "127.0.0.1:$http" "$@"
    tail=$pid
    for _ in {1..1200}; do
        "$heeler" send --to "127.0.0.1:$port" 'probe:1|q' '_sc|probe' || fail "nothing was sent"
        ! grep -q probe "$scratch/out" || return 0
        pause
    done
    fail "tail shows nothing"
}

# shown PATTERN: a line of it comes.
shown() {
    ! until_so grep -q -e "$1" "$scratch/out" || return 0
    cat "$scratch/out"
    fail "tail does not show $1"
}

tail_end() {
    kill -TERM "$tail"
    wait "$tail" 2>/dev/null
}

tail_now
"$heeler" send --to "127.0.0.1:$port" 'good:1|c|#env:dev|c:abc' 'hits:one|c' \
    "$(printf 'odd\033[2J\302\233\377:1|q')" '_e{5,4}:title|text'
"$heeler" send --to "unix:$scratch/socket" 'local:1|g'
shown '^[0-9:]*\.[0-9]*Z metric 127\.0\.0\.1:[0-9]* c:abc  *good:1|c|#env:dev|c:abc$'
shown '^[0-9:]*\.[0-9]*Z event  127\.0\.0\.1:[0-9]*  *_e{5,4}:title|text$'
shown '^[0-9:]*\.[0-9]*Z metric pid [0-9]*.*local:1|g$'
shown 'bad  *127.*hits:one|c$'
shown 'odd\\x1b\[2J\\xc2\\x9b.*:1|q$'
! LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" "$scratch/out" || fail "tail sends control bytes"
grep -A1 'hits:one|c$' "$scratch/out" | awk '
    NR == 1 { at = index($0, "one|c") }
    NR == 2 { exit index($0, "^ the value is not a number") != at }' ||
    { cat "$scratch/out"; fail "the mark is not below the value"; }
tail_end

tail_now --bad --match 'pro*'
"$heeler" send --to "127.0.0.1:$port" 'probe:1|c' 'other:1|q' 'probe.last:1|q'
shown 'probe\.last:1|q$'
! grep -q -e 'other' -e 'metric' "$scratch/out" || { cat "$scratch/out"; fail "tail shows what was not asked for"; }
tail_end

tail_now --json --from '127.0.0.1' --events --bad
shown '"kind":"bad","sender":"127.0.0.1:[0-9]*","line":"probe:1|q","reason":"the type is none.*","code":"bad_type","at":8}$'
"$heeler" tail --at "127.0.0.1:$http" --match "$(printf '%0300d' 0)" >"$scratch/long" 2>&1 && fail "a long pattern is taken"
grep -q 'a pattern may have 256 bytes' "$scratch/long" || { cat "$scratch/long"; fail "it is not told why"; }
for pid in "$server" "$tail"; do # the server goes, and the tail says so
    kill -TERM "$server" 2>/dev/null
    status=0
    wait "$pid" || status=$?
done
[ "$status" -eq 1 ] || fail "tail ends with $status when the server goes"
shown '^heeler tail: 127\.0\.0\.1:'
[ "$(ledger imbalance)" = 0/0/0 ] || fail "the books do not balance"
"$heeler" tail --at "127.0.0.1:$http" >"$scratch/out" 2>&1 && fail "a tail of nobody ends well"
"$heeler" tail --mtach x >"$scratch/out" 2>&1
[ $? -eq 78 ] || fail "a word that is none ends with another status than 78"
