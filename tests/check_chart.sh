#!/bin/bash
# heeler-chart as a program: its words, its bounds, what it may not do; and that heeler finds the
# one beside it.
#   check_chart.sh PROGRAM
. "${0%/*}/support/script.sh"
chart=$heeler-chart
[ -x "$chart" ] || fail "$chart is not built"

# draws WIDTHxHEIGHT: the last picture.
is_picture() {
    [ "$(od -An -tx1 -N8 "$scratch/png" | tr -d ' \n')" = 89504e470d0a1a0a ] || fail "it is no PNG: $(cat "$scratch/err")"
}
# refused STATUS PATTERN
refused() {
    [ "$status" -eq "$1" ] && grep -q "$2" "$scratch/err" || fail "$status: $(cat "$scratch/err")"
    [ "$(wc -l <"$scratch/err")" -eq 1 ] || fail "more than a sentence: $(cat "$scratch/err")"
    [ ! -s "$scratch/png" ] || fail "something was drawn"
}
draw() { # reads the definition
    status=0
    "$chart" "$@" >"$scratch/png" 2>"$scratch/err" || status=$?
}

"$chart" --version | grep -q '^heeler-chart 0\.' || fail "it does not say its version"
draw --help </dev/null
refused 2 '^heeler-chart: usage: '
echo '{"from":0,"to":60,"requests":[]}' | draw
echo '{"from":0,"to":60,"requests":[]}' >"$scratch/json"
draw <"$scratch/json"
is_picture
draw </dev/null
refused 2 '^heeler-chart: the definition is no JSON'

# 64 MiB are not enough for as many lists as a definition has room for, and that is a sentence.
{ echo '['; yes '[],' | head -n 500000; echo '[]]'; } | tr -d '\n' >"$scratch/json"
draw <"$scratch/json"
refused 2 'the definition: not enough memory'
head -c 2097153 /dev/zero >"$scratch/json"
draw <"$scratch/json"
refused 2 'longer than 2 MiB'

# A picture of the largest size with as many long lines as there may be.
awk 'BEGIN {
    printf "{\"from\":1000,\"to\":2000,\"width\":1600,\"height\":1000,\"requests\":[{\"answer\":{\"series\":["
    for (line = 0; line < 50; line++) {
        printf "%s{\"scope\":\"host:%d\",\"interval\":1,\"pointlist\":[", line ? "," : "", line
        for (i = 0; i < 1000; i++) printf "%s[%d,%d]", i ? "," : "", 1000000 + i * 1000, (i * 7919 + line) % 3
        printf "]}"
    }
    print "]}}]}"
}' >"$scratch/json"
draw <"$scratch/json"
is_picture

# A reader that goes early is an error and no signal is needed for it.
echo '{"from":0,"to":60,"requests":[]}' >"$scratch/json"
"$chart" <"$scratch/json" 2>/dev/null >/dev/full && fail "a full disk is no error"

# The command and the server find it beside the program.
start_server "$heeler" --set heeler_interval=1
"$heeler" send --to "127.0.0.1:$port" 'chart:7|g' || fail "nothing was sent"
until_answered 'avg:chart%7B*%7D'
command_draws() { # in five seconds, which a busy machine may not have
    "$heeler" query --at "127.0.0.1:$http" --last 1m --png "$scratch/png" 'avg:chart{*}' 2>"$scratch/err"
}
until_so command_draws || fail "$(cat "$scratch/err")"
is_picture
now=$EPOCHSECONDS
server_draws() {
    "$probe" get "$http" "/api/v1/graph/snapshot?metric_query=avg:chart%7B*%7D&start=$((now - 60))&end=$now" >"$scratch/answer"
}
until_so server_draws || fail "$(cat "$scratch/answer")"
path=$(sed -n 's|.*"snapshot_url":"http://[^/]*\(/snapshot/view/[0-9a-f]*\.png\)".*|\1|p' "$scratch/answer")
[ -n "$path" ] || fail "$(cat "$scratch/answer")"
"$probe" get "$http" "$path" >"$scratch/png" || fail "there is no picture at $path"
is_picture
kill -TERM "$server"
ended 0

# One that is installed without it says which package has it, and answers everything else.
mkdir "$scratch/alone"
cp "$heeler" "$scratch/alone/heeler"
rm "$scratch/png"
start_server "$scratch/alone/heeler" --set heeler_interval=1
sentence="$scratch/alone/heeler-chart, which draws pictures, is not there: install the package heeler-chart, or set heeler_chart_path"
status=0
"$scratch/alone/heeler" query --at "127.0.0.1:$http" --last 1m --png "$scratch/png" 'avg:chart{*}' 2>"$scratch/err" || status=$?
[ "$status" -eq 1 ] && [ ! -e "$scratch/png" ] && grep -qF "$sentence" "$scratch/err" || fail "$status: $(cat "$scratch/err")"
"$probe" get "$http" "/api/v1/graph/snapshot?metric_query=avg:chart%7B*%7D&start=$((now - 60))&end=$now" >"$scratch/answer"
grep -qF "\"errors\":[\"$sentence\"]" "$scratch/answer" || fail "$(cat "$scratch/answer")"
"$heeler" health --at "127.0.0.1:$http" >/dev/null || fail "it is not alive"
kill -TERM "$server"
ended 0
