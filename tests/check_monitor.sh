#!/bin/bash
# heeler monitor check, as somebody who writes a monitor has it: a file that is right or wrong,
# alone or over the past of a running server; its exits, and that no byte of a stranger reaches
# the terminal.
#   check_monitor.sh PROGRAM
. "${0%/*}/support/script.sh"

# ended_with STATUS WORDS...: what it says is in out.
ended_with() {
    wanted=$1
    status=0
    shift
    "$heeler" monitor "$@" >"$scratch/out" 2>&1 || status=$?
    [ "$status" = "$wanted" ] || { cat "$scratch/out"; fail "monitor $*: $status, not $wanted"; }
}

# shown PATTERN: it stands in what was said.
shown() {
    grep -q -e "$1" "$scratch/out" || { cat "$scratch/out"; fail "nothing says $1"; }
}

cat >"$scratch/good.json" <<'EOF'
{"type": "metric alert", "query": "max(last_1m):max:my_metric{*} by {host} > 800",
 "name": "high", "message": "{{value}} {{vaule}}",
 "options": {"thresholds": {"critical": 800, "warning": 500}, "new_group_delay": 0}}
EOF
sed 's/> 800/> x/' "$scratch/good.json" >"$scratch/bad.json"

# Without a server.
nobody="--at 127.0.0.1:1"
# shellcheck disable=SC2086 # words
{
    ended_with 0 check "$scratch/good.json" $nobody
    shown 'line 2: {{vaule}} is not known'
    shown 'the file alone was looked at'
    ended_with 1 check "$scratch/good.json" --last 1h $nobody
    ended_with 1 check "$scratch/bad.json" $nobody
    shown "^wrong: .*bad.json, line 1: .*'query' is invalid: column "
    ended_with 1 check "$scratch/none.json" $nobody
    ended_with 1 list $nobody
    ended_with 1 test 12 $nobody
    for words in "" check "list more" "test x" "watch" "check a b" "check --last 0s a" "check --last 32d a"; do
        ended_with 78 $words $nobody
    done
}

# Over an hour that came with its own times: half of it quiet, then too high, then nothing.
start_server "$heeler" --set heeler_interval=1
now=$((EPOCHSECONDS / 60 * 60))
for minute in $(seq 10 50); do
    value=$((minute > 30 ? 400 : 900))
    printf 'my_metric:%d|g|#host:a|T%d\nmy_metric:1|g|#host:\033[31mb|T%d\n' \
        "$value" $((now - minute * 60)) $((now - minute * 60))
done | while read -r line; do printf '%s\0' "$line"; done |
    xargs -0 "$heeler" send --to "127.0.0.1:$port" >"$scratch/out" || fail "nothing was sent"
until_metric 'heeler_timestamped_values_total{place="late"}' 82
for _ in {1..1200}; do # what is late is in answers when its interval was flushed
    ended_with 0 check "$scratch/good.json" --last 1h --at "127.0.0.1:$http"
    ! grep -q '^2 groups' "$scratch/out" || break
    pause
done
shown '^host:a$'
shown 'OOOOOOOOAAAAAAAA'
shown 'OK -> Alert  900'
shown '^2 groups; 1 message'
! LC_ALL=C grep -q "$(printf '[\001-\010\016-\037\177]')" "$scratch/out" || fail "control bytes are shown"
ended_with 0 check "$scratch/good.json" --last 1h --json --at "127.0.0.1:$http"
shown '"good":true,'
shown '"changes":\[{"at":[0-9]*,"from":"OK","to":"Alert","value":900,"is_told":true}\]'
ended_with 1 check "$scratch/bad.json" --json --at "127.0.0.1:$http"
shown '"good":false,'
ended_with 78 check "$scratch/good.json" --last 1h --set heeler_interval=x --at "127.0.0.1:$http"
! "$heeler" monitor check "$scratch/good.json" --at "127.0.0.1:$http" >/dev/full 2>&1 ||
    fail "it cannot be written, and ends with 0"
kill -TERM "$server"
ended 0

# The monitors of a server: one of a file that cannot be evaluated, which is a finding, too.
mkdir "$scratch/monitors"
cat >"$scratch/monitors/12.json" <<'EOF'
{"id": 12, "type": "composite", "query": "998 && 999", "name": "both\u001b[31m", "message": "@nobody@example.org"}
EOF
start_server "$heeler" --set heeler_interval=1 --set "heeler_monitors_path=$scratch/monitors"
for _ in {1..1200}; do
    ended_with 0 list --at "127.0.0.1:$http"
    ! grep -q 'could not be evaluated' "$scratch/out" || break
    pause
done
shown '^12  *No Data  both\\x1b\[31m  (12.json)$'
shown 'could not be evaluated: there is no monitor 99'
ended_with 0 list --json --at "127.0.0.1:$http"
shown '"problem":"there is no monitor 99'
for _ in {1..1200}; do
    "$heeler" status --at "127.0.0.1:$http" >"$scratch/out" || fail "status ends with $?"
    ! grep -q monitors_not_evaluated "$scratch/out" || break
    pause
done
shown monitors_not_evaluated
shown '1 monitor could not be evaluated and tells nobody'
until_metric heeler_monitor_evaluations_total 1
[ "$(metric 'heeler_monitors{state="No Data"}')" = 1 ] || fail "the monitor is not counted"
ended_with 1 test 12 --at "127.0.0.1:$http"
shown '^nobody@example.org: refused: heeler_smtp_url is not set$'
until_metric 'heeler_notifications_total{end="refused"}' 1
ended_with 1 test 13 --at "127.0.0.1:$http"
shown 'Monitor not found'
"$heeler" check --set "heeler_monitors_path=$scratch/monitors" >"$scratch/out" 2>&1 || fail "check ends with $?"
shown '12.json, line 1: @nobody@example.org is not told: heeler_smtp_url is not set'
shown 'are forgotten at a restart'
kill -TERM "$server"
ended 0
