#!/bin/bash
# heeler capture and replay, as who sends metrics has them: what came by each kind of socket makes the same series when it
# is sent again, what was kept is saved, and a damaged file is told with the byte at fault.
#   check_capture.sh PROGRAM
. "${0%/*}/support/script.sh"

heeler=$(realpath "$heeler")
probe=${heeler%/*}/tests/tools/probe pty=${heeler%/*}/tests/tools/pty
cd "$scratch" || exit 1

# start NAME --set...: a server in intervals of a second that shows what an intake gets, in log.
start() {
    name=$1
    shift
    start_server "$heeler" --set heeler_interval=1 --set heeler_console=true \
        --set dogstatsd_socket="$scratch/$name.dgram" --set dogstatsd_stream_socket="$scratch/$name.stream" "$@"
}

# end_server FILE: it ends; the series that went to the intake, with sums of counts and numbers of values.
end_server() {
    kill -TERM "$server"
    ended 0
    [ "$(ledger imbalance)" = 0/0/0 ] || fail "the books do not balance"
    awk '$2 == "rate" && NF >= 4 { sums[$1 " rate " $5] += $4 }
         $2 == "gauge" { sums[$1 " gauge " $4] = $3 }
         $2 == "sketch" { sums[$1 " sketch " $8] += $3 }
         $1 == "check" || $1 == "event" { sums[$0]++ }
         END { for (key in sums) print key, sums[key] }' "$scratch/log" | sort >"$1"
}

# send_all PATH-OF-SOCKETS: the same lines by UDP, unix datagrams and a unix stream.
send_all() {
    "$heeler" send --to "127.0.0.1:$port" --count 20 'udp.count:1:2|c|#env:dev,pod:a' 'udp.gauge:7|g' '_sc|alive|0|#by:udp'
    "$heeler" send --to "unix:$1.dgram" --count 20 'unix.count:3|c|#env:dev' 'unix.sketch:1:2:3|d|#x:y' '_e{5,4}:title|text'
    # Frames: a replay sends them to a stream.
    "$heeler" replay --speed 0 --to "unix:$1.stream" "$scratch/agent.dog" >/dev/null || fail "no frames were sent"
}

# until_lines N: so many were received.
until_lines() { until_metric heeler_lines_received_total "$1"; }

# A file byte by byte as the Agent writes it: two records, of a pid with ancillary bytes, and a state.
printf '\324\164\320\140\363\377\000\000' >agent.dog
printf '\043\000\000\000\010\200\240\227\354\343\237\347\313\027\020\025\032\025stream.count:5|c|#a:b' >>agent.dog
printf '\040\000\000\000\010\200\240\227\354\343\237\347\313\027\020\014\032\014frame.gauge:' >>agent.dog
printf '\040\071\050\000\062\000' >>agent.dog
printf '\000\000\000\000\022\003\010\071\022\005\000\000\000' >>agent.dog

# ---- the Agent's file ----------------------------------------------------------------

start one --set heeler_ring_bytes=4194304
"$heeler" replay -v -f agent.dog -l 2 --to "unix:one.dgram" >out 2>&1 || { cat out; fail "the Agent's file is not replayed"; }
grep -q '^+0.000000 pid 57: frame.gauge:$' out || { cat out; fail "the record is not shown"; }
grep -q '^replayed 4 datagrams (66 bytes) to one.dgram in' out || { cat out; fail "the count is not told"; }
until_lines 4

# ---- every kind of socket -------------------------------------------------------------

# On a terminal it says what has come so far; then somebody presses Ctrl-C.
printf 'expect s, 122 datagrams\nsignal 2\n' | "$pty" "$heeler" capture --at "127.0.0.1:$http" --duration 10m all.dog.zstd >capture.out &
capture=$!
started="$started $capture"
until_so [ -e all.dog.zstd ] || fail "the capture does not begin"
send_all one
until_lines 126
wait "$capture" || { cat capture.out; fail "the capture ended badly"; }
grep -q 'all.dog.zstd: 122 datagrams' capture.out || { cat capture.out; fail "not all of it was captured"; }
[ "$(stat -c %a all.dog.zstd)" = 600 ] || fail "others may read the file"
"$heeler" capture --at "127.0.0.1:$http" -d 1s all.dog.zstd >out 2>&1 && fail "a file is written over"
grep -q 'all.dog.zstd: File exists' out || { cat out; fail "it is not told why"; }

# ---- what was kept --------------------------------------------------------------------

"$heeler" dogstatsd-capture --at "127.0.0.1:$http" --last 1h -p "$scratch" -z=false >out 2>&1 || { cat out; fail "nothing was kept"; }
kept=$(echo datadog-capture-[0-9]*)
grep -q ': 126 datagrams' out || { cat out; fail "what was kept is not all"; }
[ "$(head -c 4 "$kept" | od -An -tx1)" = ' d4 74 d0 60' ] || fail "-z=false compresses"
"$heeler" capture --at "127.0.0.1:$http" --duration 1s empty.dog >out || fail "a second of nothing is no capture"
grep -q '^empty.dog: 0 datagrams' out || { cat out; fail "nothing is something"; }
[ "$(wc -c <empty.dog)" -eq 16 ] || fail "an empty file has no end"
end_server one.series
# The frame without a value is refused, and so no series.
grep -q 'stream.count rate a:b 15' one.series || { cat one.series; fail "what was sent did not come"; }

# ---- and again: what went by all sockets, by each of them ---------------------------------

for to in udp dgram stream; do
    start two
    [ "$to" = udp ] && at=127.0.0.1:$port || at=unix:two.$to
    "$heeler" replay --speed 100 --to "$at" "$kept" >out 2>&1 || { cat out; fail "$to: the replay ended badly"; }
    grep -q '^replayed 126 datagrams' out || { cat out; fail "$to: not all was sent"; }
    until_lines 126
    end_server two.series
    diff one.series two.series || fail "$to: the series are others"
done
start two # the capture lacks the Agent's file, which was sent twice before it began
"$heeler" dogstatsd-replay --speed 0 -l 2 -f agent.dog --to unix:two.dgram >out || fail "the Agent's name is not known"
"$heeler" replay --speed 0 --set dogstatsd_socket="$scratch/two.dgram" all.dog.zstd >out || fail "the local socket is not found"
grep -q 'to .*/two.dgram in' out || { cat out; fail "the local socket is not taken"; }
until_lines 126
"$heeler" capture --at "127.0.0.1:$http" --last 30s none.dog >out 2>&1 && fail "a ring is where there is none"
grep -q 'it keeps nothing: heeler_ring_bytes is 0' out || { cat out; fail "it is not told that there is no ring"; }
[ ! -e none.dog ] || fail "a file is made of nothing"
end_server two.series
diff one.series two.series || fail "the capture and the Agent's file make other series"

# ---- what is damaged or cut ---------------------------------------------------------------

start three
head -c 60 agent.dog >cut.dog
"$heeler" replay --speed 0 --to unix:three.dgram cut.dog >out 2>err && fail "a cut file is whole"
grep -qxF 'heeler replay: cut.dog: byte 60: the file ends amid a record that begins at byte 51' err || { cat err; fail "it is not told where"; }
grep -q '^replayed 1 datagrams' out || { cat out; fail "what is before the cut is not sent"; }
until_lines 1
printf 'my_metric:1|c\n' | "$heeler" replay --to unix:three.dgram - >out 2>err && fail "any file is a capture"
grep -qF 'byte 0: this is no capture file of version 1 to 3' err || { cat err; fail "it is not told what it is"; }

# refused TEXT WORD...: status 78, with that text.
refused() {
    text=$1
    shift
    status=0
    "$heeler" "$@" >out 2>&1 || status=$?
    [ "$status" -eq 78 ] && grep -qF -e "$text" out || { cat out; fail "\"$*\" ends with $status"; }
}
refused 'say which one' replay
refused '--speed: is unknown, or lacks a good value' replay --speed -1 all.dog.zstd
refused '--loops: is unknown, or lacks a good value' replay --loops x all.dog.zstd
refused '"b" is not understood' replay a b
refused 'an address is HOST:PORT' replay --to nowhere all.dog.zstd
refused '--duration: is unknown, or lacks a good value' capture --duration 8d x.dog
refused '-d: is unknown, or lacks a good value' capture -d 500ms x.dog
refused '--last: is unknown, or lacks a good value' capture -d 1m0s --last 1m x.dog
refused '-z=no: is unknown' capture -z=no x.dog

# ---- a terminal; a server that goes ---------------------------------------------------------

printf 'expect MiB\nsignal 2\n' | "$pty" "$heeler" replay --speed 1 --loops 40 --to unix:three.dgram "$kept" >out
LC_ALL=C grep -q '\[=*>* *\] [0-9.]* of [0-9.]* MiB' out || { cat out; fail "there is no bar on a terminal"; }
"$heeler" replay --speed 50 --loops 2 --to unix:three.dgram "$kept" >out 2>err || fail "the replay ended badly"
[ ! -s err ] || { cat err; fail "there is a bar where there is no terminal"; }
background capture.out "$heeler" capture --at "127.0.0.1:$http" amid.dog
capture=$pid
until_so [ -e amid.dog ] || fail "the capture does not begin"
"$heeler" send --to "unix:three.dgram" --count 3 'a:1|c'
kill -TERM "$server"
ended 0
status=0
wait "$capture" || status=$?
[ "$status" -eq 1 ] || fail "capture ends with $status when the server goes"
grep -q 'the server has ended' capture.out || { cat capture.out; fail "that is not told"; }
"$heeler" replay --speed 0 --to "unix:three.dgram" amid.dog >out 2>err && fail "a replay to nobody ends well"
grep -q 'three.dgram: ' err || { cat err; fail "it is not told that nobody listens"; }
