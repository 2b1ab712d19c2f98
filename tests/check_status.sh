#!/bin/bash
# heeler status and heeler flare, as an operator has them: what they show of a server that gets
# good and bad lines, that no byte of a stranger reaches the terminal, and that no secret is in
# what is packed.
#   check_status.sh PROGRAM
. "${0%/*}/support/script.sh"

secrets="0123456789abcdef0123456789abcdef fedcba9876543210fedcba9876543210 hunter22 application-key-1"
keys="--set api_key=0123456789abcdef0123456789abcdef --set dd_url=http://me:hunter22@127.0.0.1:1
    --set heeler_app_keys=application-key-1 --set heeler_redis_url=redis://me:hunter22@127.0.0.1:1"
more="additional_endpoints={\"http://127.0.0.1:1\": [\"fedcba9876543210fedcba9876543210\"]}"

# shellcheck disable=SC2086 # words
start_server "$heeler" $keys --set "$more" --set heeler_interval=1 --set hostname=status.example --set heeler_stop_timeout=1
"$heeler" send --to "127.0.0.1:$port" --count 3 'a:1|c|#user:1' 'bad' 'c:1|q' \
    "$(printf '<img onerror=x>\033[2J:1|c|#\033[31mkey:\302\233x')" || fail "nothing was sent"
until_metric heeler_values_folded_total 6

# shown WHAT PATTERN: it stands in the answer.
shown() {
    grep -q -e "$2" "$scratch/out" || { cat "$scratch/out"; fail "$1 does not show $2"; }
}

for _ in {1..1200}; do # what is found is looked for each second
    "$heeler" status --at "127.0.0.1:$http" >"$scratch/out" || fail "status ends with $?"
    ! grep -q rejected_bad_type "$scratch/out" || break
    pause
done
shown status '^heeler 0\.[0-9.]* on status.example, pid '
shown status '^received  *12 datagrams, 12 lines'
shown status '^parsed  *6 lines, 6 values; rejected 6: .*_type 3'
shown status '^folded  *6 values'
shown status '^books  *0 lines, 0 values, 0 points'
shown status "^listens  *udp 127.0.0.1:$port: 12 datagrams, 0 dropped"
shown status '^intake  *http://\*\*\*@127.0.0.1:1.*, key \*\*\*cdef'
shown status '^findings'
shown status 'rejected_bad_type'
awk 'length > 100 { exit 1 }' "$scratch/out" || fail "a line of status is longer than a screen is wide"
! LC_ALL=C grep -q "$(printf '[\001-\010\016-\037\177]')" "$scratch/out" || fail "status sends control bytes"
"$heeler" status --at "127.0.0.1:$http" --json >"$scratch/out" || fail "status --json ends with $?"
shown "status --json" '"ledger":{"received":{"datagrams":12,'
DD_HEELER_HTTP_LISTEN="127.0.0.1:$http" "$heeler" status >"$scratch/out" || fail "the setting is not read"

flare=$scratch/heeler.tar
# shellcheck disable=SC2086 # words
"$heeler" flare --at "127.0.0.1:$http" "$flare" $keys --set "$more" >"$scratch/out" || fail "flare ends with $?"
[ "$(stat -c %a "$flare")" = 600 ] || fail "others may read the flare"
mkdir "$scratch/in"
tar -xf "$flare" -C "$scratch/in" || fail "tar does not read it"
for part in status.json status.txt metrics.txt settings.txt log.txt here.txt versions.txt; do
    [ -s "$scratch/in/heeler-flare/$part" ] || fail "the flare has no $part"
    shown flare "^  $part "
done
grep -q '^heeler_lines_received_total' "$scratch/in/heeler-flare/metrics.txt" || fail "no metrics"
for turn in longest longest_cpu; do
    grep -q "^heeler_main_turn_${turn}_microseconds [1-9]" "$scratch/in/heeler-flare/metrics.txt" ||
        fail "the turns of main are not measured"
done
grep -q '^heeler_interval = 1 ' "$scratch/in/heeler-flare/settings.txt" || fail "not the server's settings"
grep -q 'http: listening on' "$scratch/in/heeler-flare/log.txt" || fail "no log"
for secret in $secrets; do
    ! grep -rq -e "$secret" "$scratch/in" || fail "$secret is in $(grep -rl -e "$secret" "$scratch/in")"
done
! "$heeler" flare --at "127.0.0.1:$http" "$flare" >"$scratch/out" 2>&1 || fail "a file is overwritten"
shown flare 'File exists'
status=0 # a limit of the shell is an error with a sentence, and leaves no half of a file
(ulimit -f 8 && exec "$heeler" flare --at "127.0.0.1:$http" "$scratch/large.tar") >"$scratch/out" 2>&1 || status=$?
[ "$status" = 1 ] || fail "flare beyond a limit ends with $status"
shown flare 'large.tar: File too large; it was removed'
[ ! -e "$scratch/large.tar" ] || fail "half of a flare is left"

# Without a server: what this machine knows, and why the rest is missing.
kill -TERM "$server"
ended 0
! "$heeler" status --at "127.0.0.1:$http" >"$scratch/out" 2>&1 || fail "nobody answers, and status ends with 0"
shown status "^heeler status: 127.0.0.1:$http: "
"$heeler" flare --at "127.0.0.1:$http" "$scratch/alone.tar" >"$scratch/out" || fail "flare ends with $?"
shown flare 'why the server does not say'
tar -xOf "$scratch/alone.tar" heeler-flare/versions.txt | grep -q '^heeler 0\.' || fail "no versions"
! "$heeler" flare --at "127.0.0.1:$http" /dev/full/x >"$scratch/out" 2>&1 || fail "no file, and it ends with 0"
