#!/bin/bash
# heeler lint, as a CI has it: what it finds in a file and on standard input, its exit status,
# that no byte of a stranger reaches the terminal, and that its memory has a bound.
#   check_lint.sh PROGRAM
. "${0%/*}/support/script.sh"

# linted STATUS ARGUMENTS...: in $scratch/out.
linted() {
    want=$1
    shift
    "$heeler" lint "$@" >"$scratch/out" 2>"$scratch/err"
    status=$?
    [ "$status" = "$want" ] || { cat "$scratch/out" "$scratch/err"; fail "lint $* ends with $status"; }
}

# shown PATTERN: it stands in the answer.
shown() {
    grep -q -e "$1" "$scratch/out" || { cat "$scratch/out" "$scratch/err"; fail "lint does not show $1"; }
}

file=$scratch/metrics.txt
printf 'shop.hits:1|c|#env:dev\r\n\nshop.time:12|ms\n_sc|shop|0' >"$file"
linted 0 "$file"
[ "$(cat "$scratch/out")" = '3 lines, 0 findings' ] || fail "a clean file is not"
linted 0 - <"$file"

printf 'shop.hits:1|c\ntemperature:21|g|@0.5\nhits:one|c\n\033[2J\302\233:1|q\n' >"$file"
linted 1 "$file"
shown "^$file:2: rate-ignored: a sample rate"
shown "^$file:3: refused: the server refuses the line$"
grep -A2 ':3: refused' "$scratch/out" | awk '
    NR == 2 { at = index($0, "one|c") }
    NR == 3 { exit index($0, "^ the value is not a number") != at }' ||
    { cat "$scratch/out"; fail "the mark is not below the value"; }
shown '^4 lines, 3 findings: refused 2, rate-ignored 1$'
! LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" "$scratch/out" || fail "lint sends control bytes"

linted 1 --json "$file"
shown '^{"file":".*","line":2,"id":"rate-ignored","sentence":".*","at":18,"text":"temperature:21|g|@0\.5","name":"temperature","what":"gauge"}$'
shown '^{"lines":4,"findings":{"refused":2,"rate-ignored":1},"all_compared":true}$'
linted 0 --allow refused --allow rate-ignored "$file"

# By the settings of the server that will get them.
echo 'noisy:1|c' | linted 1 --set metric_filterlist=noisy -
shown '^-:1: unsent: '
linted 78
linted 78 --allow nothing "$file"
grep -q 'takes one of refused, unsent' "$scratch/err" || fail "the ids are not told"
linted 78 --unknown "$file"
linted 78 "$file" "$file"
linted 78 "$scratch/none"
linted 78 "$scratch"
linted 78 --set heeler_interval=0 "$file"

# A line without end, and more names and values than there is room for, in 256 MiB of addresses.
awk 'BEGIN {
    for (i = 0; i < 3000000; i++) printf "xxxxxxxxxx"
    print ""
    for (i = 0; i < 200000; i++) printf "name%d:1|c|#key%d:%d\n", i, i, 1000000 + i
}' >"$scratch/large"
( ulimit -v 262144; "$heeler" lint "$scratch/large" ) >"$scratch/out" 2>&1
[ $? = 1 ] || { tail -n 3 "$scratch/out"; fail "a large file ends otherwise"; }
shown '^200001 lines, '
shown '^not all names and tags were compared'

# What a server received: a capture, known by its bytes.
start_server "$heeler" --set heeler_ring_bytes=1048576
"$heeler" send --to "127.0.0.1:$port" 'hits:1|c' "$(printf 'temperature:21|g|@0.5\nhits:one|c')"
until_metric heeler_lines_received_total 3
"$heeler" capture --at "127.0.0.1:$http" --last 1m "$scratch/shop.dog" >"$scratch/said" 2>&1 ||
    { cat "$scratch/said"; fail "capture ends with $?"; }
linted 1 "$scratch/shop.dog"
shown 'shop.dog:2: rate-ignored: '
shown 'shop.dog:2: refused: '
shown '^3 lines, 2 findings: '
size=$(wc -c <"$scratch/shop.dog")
head -c $((size - 12)) "$scratch/shop.dog" >"$scratch/cut.dog"
linted 78 "$scratch/cut.dog"
grep -q 'cut.dog: byte [0-9]*: ' "$scratch/err" || { cat "$scratch/err"; fail "where it is cut is not told"; }
kill -TERM "$server"
ended 0
