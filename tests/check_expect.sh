#!/bin/bash
# heeler expect, as somebody has it in a CI: what is met and what is not, the command's own
# status, files that are wrong, an update, and nothing that stays behind whoever is killed.
#   check_expect.sh PROGRAM
. "${0%/*}/support/script.sh"
heeler=$(realpath "$heeler")
page=$(realpath docs/testing-your-metrics.md)
flat=$(realpath "${probe%/*}/flat")
export TMPDIR=$scratch/tmp heeler scratch
mkdir "$TMPDIR"
cd "$scratch" || exit 1

cat >shop.yaml <<'EOF'
# What the shop sends.

series:
  - name: shop.orders
    type: count
    tags: [env:test]
    value: 3
  - { name: shop.queue, value: 10..20 }
  - { name: shop.time, count: at least 2, max: at most 100, p95: less than 50, unit: millisecond }
  - { name: shop.users, value: 2 }
  - { name: shop.errors, absent: true }
events:
  - { title: Deployed, text: "one\ntwo" }
checks:
  - { name: shop.db, status: ok }
only: true
refused: 0
EOF
cat >good.sh <<'EOF'
"$heeler" send --to "127.0.0.1:$DD_DOGSTATSD_PORT" 'shop.orders:1|c|#env:test,route:/a' 'shop.queue:99|g' \
    'shop.users:a|s' 'shop.users:b|s' 'shop.orders:2|c|T1700000000|#env:test'
"$heeler" send --to "unix:$DD_DOGSTATSD_SOCKET" 'shop.queue:12|g' 'shop.time:10:20|ms|#a:b' 'shop.time:30|ms' \
    '_e{8,8}:Deployed|one\ntwo' '_sc|shop.db|0' 'shop.users:a|s' 'datadog.dogstatsd.client.metrics:3|c'
EOF
cat >bad.sh <<'EOF'
"$heeler" send --to "$DD_AGENT_HOST:$DD_DOGSTATSD_PORT" 'shop.orders:2|c|#env:test' 'shop.order:1|c|#env:test' \
    'shop.queue:12|g' 'shop.time:10:20|ms' 'shop.users:a|s' '_sc|shop.db|2' "$(printf 'odd\033[2J<&:1|c')" 'x:y|c'
EOF

# expect STATUS ARGUMENTS...: what it says is in $scratch/out.
expect() {
    local status=0 wanted=$1
    shift
    "$heeler" expect "$@" >out 2>&1 || status=$?
    [ "$status" -eq "$wanted" ] || { cat out; fail "expect $*: status $status, not $wanted"; }
}
says() {
    grep -qF -e "$1" out || { cat out; fail "expect does not say: $1"; }
}

expect 0 shop.yaml -- bash good.sh
says 'heeler expect: shop.yaml: 9 expectations are met'
expect 0 --over unix shop.yaml -- bash -c '[ "$DD_DOGSTATSD_URL" = "unix://$DD_DOGSTATSD_SOCKET" ] && bash good.sh'
expect 0 shop.yaml -- bash -c '[ "$DD_DOGSTATSD_URL" = "udp://127.0.0.1:$DD_DOGSTATSD_PORT" ] && bash good.sh'
DD_API_KEY=0123456789abcdef0123456789abcdef DD_TAGS=x:y expect 0 shop.yaml -- bash good.sh # nobody's environment counts

expect 1 --junit junit.xml shop.yaml -- bash bad.sh
says '6 of 9 expectations are not met'
says 'shop.yaml:4: series shop.orders  count  env:test'
says 'expected: value 3, but it is 2'
says 'came:     shop.orders  count  2  env:test'
says 'nearest:  shop.db  critical   (another status)'
says 'refused "x:y|c"'
says 'odd\x1b[2J<&  count  1'
! LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" out junit.xml || fail "expect sends control bytes"
grep -q 'tests="10" failures="6" errors="0"' junit.xml || { cat junit.xml; fail "the XML counts otherwise"; }
grep -qF 'odd\x1b[2J&lt;&amp;  count  1' junit.xml || { cat junit.xml; fail "the XML is not escaped"; }

expect 3 --junit junit.xml shop.yaml -- sh -c 'exit 3'
says 'heeler expect: the command ended with status 3'
grep -q '<error message="the command ended with status 3">' junit.xml || fail "the XML does not tell of the command"
expect 143 shop.yaml -- sh -c 'kill -TERM $$'
expect 127 shop.yaml -- no-such-program
expect 124 --timeout 1 shop.yaml -- sh -c 'trap "" TERM; sleep 1000'
says 'the command did not end in 1 s and was ended'
expect 78 shop.yaml
expect 78 -- true
expect 78 none.yaml -- true
says 'none.yaml: there is no such file; --update writes what came into one'
expect 78 --over tcp shop.yaml -- true
TMPDIR=$scratch/none expect 1 shop.yaml -- touch ran
says "$scratch/none/heeler-expect-"
says 'the folder cannot be made (see TMPDIR): No such file or directory'
[ ! -e ran ] || fail "the command ran without a folder"
expect 127 shop.yaml -- "$(printf './no\033[2J')"
says './no\x1b[2J: No such file'
printf 'series:\n  - name: a\n    value: about 3\n' >wrong.yaml
expect 78 wrong.yaml -- touch ran
says 'wrong.yaml:3: "about 3": it is 3, 3..5, at least 3'
[ ! -e ran ] || fail "the command ran though the file is wrong"

# An update says what came, and keeps the comment; what it writes is met.
cp shop.yaml updated.yaml
expect 0 --update updated.yaml -- bash good.sh
expect 0 updated.yaml -- bash good.sh
head -n 2 updated.yaml | cmp -s - <(head -n 2 shop.yaml) || fail "the comment of the file is gone"
grep -q '^only: true$' updated.yaml || fail "only is gone"
expect 1 updated.yaml -- bash bad.sh
expect 3 --update updated.yaml -- sh -c 'exit 3'
expect 0 --update new.yaml -- bash bad.sh
expect 0 new.yaml -- bash bad.sh
cp new.yaml large.yaml # and what would be more than a file may say is not written
cat >large.sh <<'EOF'
tags=$(printf 'tag%048d,' {1..99})
for n in {1..230}; do
    set -- "$@" "large.$n:1|c|#${tags%,}"
done
"$heeler" send --to "unix:$DD_DOGSTATSD_SOCKET" "$@"
EOF
expect 1 --update large.yaml -- bash large.sh
says 'the file cannot be written: more came than a file may say; its list ignore leaves names out'
cmp -s new.yaml large.yaml || fail "a file that is too large was written"
[ "$(echo large.yaml*)" = large.yaml ] || fail "left behind: $(echo large.yaml*)"
expect 0 --update empty.yaml -- true
expect 0 empty.yaml -- true

# Nothing stays behind: neither a process, in whatever session it is, nor the folder.
cat >nest.sh <<'EOF'
trap '' TERM HUP
setsid sh -c 'trap "" TERM HUP; echo $$ >>"$scratch/pids"; while :; do sleep 1000; done' &
sh -c 'echo $$ >>"$scratch/pids"; (sleep 1000; :) & wait' &
echo $$ >>"$scratch/pids"
[ "${1:-}" = leave ] || wait
EOF
all_gone() { # REASON
    for _ in {1..1200}; do
        left=
        for one in $(cat pids); do ! kill -0 "$one" 2>/dev/null || left="$left $one"; done
        [ -n "$left" ] || [ -n "$(ls "$TMPDIR")" ] || return 0
        pause
    done
    fail "$1: still there: $left $(ls "$TMPDIR")"
}
: >pids
"$heeler" expect empty.yaml -- bash nest.sh leave >out 2>&1 || { cat out; fail "children that stay make it fail"; }
all_gone "the command ended"
for moment in 0 0.004 0.01 0.02 0.035 0.05 0.08 0.12 0.2 0.4; do
    : >pids
    background out "$heeler" expect empty.yaml -- bash nest.sh
    sleep "$moment" # a moment as good as any
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
    all_gone "killed after $moment s"
done
: >pids
background out "$heeler" expect empty.yaml -- bash nest.sh
wait_for pids '^\([0-9]*\)' 3
guard=$(ps -o pid= --ppid "$pid" 2>/dev/null || cat "/proc/$pid/task/$pid/children")
kill -KILL $guard
status=0
wait "$pid" || status=$?
[ "$status" -eq 1 ] || fail "expect ends with $status when its guard is killed"
all_gone "the guard was killed"
: >pids
background out "$heeler" expect empty.yaml -- bash nest.sh
wait_for pids '^\([0-9]*\)' 3
kill -TERM "$pid"
status=0
wait "$pid" || status=$?
[ "$status" -eq 143 ] || fail "expect ends with $status after SIGTERM"
all_gone "SIGTERM"
(
    trap '' HUP
    exec "$heeler" expect empty.yaml -- sh -c 'kill -HUP "$1"' sh $BASHPID
) >out 2>&1 || { cat out; fail "nohup does not keep it"; }

# What was left when all of them were killed goes with the next start, and nobody else's.
mkdir -m 700 "$TMPDIR/heeler-expect-abcdef" "$TMPDIR/heeler-expect-young"
: >"$TMPDIR/heeler-expect-abcdef/dsd.socket"
touch -d '10 minutes ago' "$TMPDIR/heeler-expect-abcdef"
expect 0 empty.yaml -- true
[ "$(ls "$TMPDIR")" = heeler-expect-young ] || fail "folders in $TMPDIR: $(ls "$TMPDIR")"
rmdir "$TMPDIR/heeler-expect-young"

# The page says what happens, and its examples are what they look like.
block() { # KIND N: that block of the page
    awk -v kind="^\`\`\`$1\$" -v wanted="$2" '$0 ~ kind { inside = ++n == wanted; next }
        /^```/ { inside = 0 } inside' "$page"
}
example() { # N KEY: what the N-th block of YAML says
    block yaml "$1" >example.yaml
    "$flat" example.yaml >example.flat || fail "the page: example $1 is not YAML"
    sed -n "s/^0\.$2	//p" example.flat
}
cat >npm <<'EOF'
#!/bin/bash
"$heeler" send --to "$DD_AGENT_HOST:$DD_DOGSTATSD_PORT" 'shop.orders:1|c|#env:test,route:/pay' \
    'shop.orders:1|c|#env:test,route:/cart' 'shop.order.time:12:13:14|ms' 'shop.queue:7|g' '_sc|shop.db|2|m:no answer'
EOF
chmod +x npm
ln -s "$heeler" heeler
export PATH=$scratch:$PATH
block yaml 1 >metrics.yaml
expect 1 metrics.yaml -- npm test
diff <(block text 1) out || fail "the page shows another difference"
for words in "$(example 2 'jobs\.tests\.steps\.5\.run')" "$(example 3 'services\.tests\.command\.[0-9]*' | tr '\n' ' ')"; do
    case $words in "heeler expect "*) ;; *) fail "the page: an example runs: $words" ;; esac
    status=0
    bash -c "${words//\/results\//}" >out 2>&1 || status=$?
    [ "$status" -eq 1 ] || { cat out; fail "the page: $words"; }
    [ -s metrics.xml ] || fail "the page: no XML of: $words"
    rm metrics.xml
done
words=$(example 4 'services\.metrics\.command\.[0-9]*' | tr '\n' ' ')
words=${words/8125/__random__}
bash -c "${words/.\/wait-for-tests/npm}" >out 2>&1
[ $? -eq 1 ] || { cat out; fail "the page: $words"; }
