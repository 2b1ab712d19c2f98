#!/bin/bash
# The command line: what is wrong is said in one clear sentence, with the status
# that tells a wrong setting (78) from a system that says no (1).
#   check_cli.sh PROGRAM
. "${0%/*}/support/script.sh"

# run_heeler WORD...: $status; standard output and error in $scratch/out and err.
run_heeler() {
    status=0
    "$heeler" "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
}

complain() {
    echo "$1"
    sed 's/^/  out: /' "$scratch/out" | head -n 5
    sed 's/^/  err: /' "$scratch/err" | head -n 5
    exit 1
}

# refused STATUS TEXT WORD...: that status and one sentence with that text.
refused() {
    want=$1
    text=$2
    shift 2
    run_heeler "$@"
    [ "$status" -eq "$want" ] || complain "\"$*\" ended with $status, not $want"
    said=()
    while IFS= read -r line || [ -n "$line" ]; do
        [[ $line == *' INFO '* ]] || said+=("$line") # these tell how far a start came
    done <"$scratch/err"
    [ "${#said[@]}" -eq 1 ] || complain "\"$*\": not one sentence"
    [[ ${said[0]} == *"$text"* ]] || complain "\"$*\" does not say \"$text\""
    [ ! -s "$scratch/out" ] || complain "\"$*\" writes to standard output"
}

# shows TEXT WORD...: status 0, and the text on standard output.
shows() {
    text=$1
    shift
    run_heeler "$@"
    [ "$status" -eq 0 ] || complain "\"$*\" ended with $status"
    IFS= read -rd '' page <"$scratch/out"
    [[ $page == *"$text"* ]] || complain "\"$*\" does not show \"$text\""
}

# ---- questions -----------------------------------------------------------------

shows "usage: heeler" --help
shows "usage: heeler" query -h
shows "usage: heeler" help
shows "usage: heeler" -h
# The first page fits on a terminal of 80 x 24, and the others in its width.
run_heeler --help
[ "$(wc -l <"$scratch/out")" -le 22 ] || complain "the help is longer than a screen"
awk 'length > 80 { exit 1 }' "$scratch/out" || complain "the help is wider than a screen"
for name in $(sed -n 's/^  \([a-z]*\)   *[a-z].*/\1/p' "$scratch/out"); do
    shows "usage: heeler " help "$name"
    grep -q "^heeler $name: " "$scratch/out" || complain "the page of $name is another's"
    awk 'length > 80 { exit 1 }' "$scratch/out" || complain "the page of $name is too wide"
    cp "$scratch/out" "$scratch/page"
    shows "usage: heeler " "$name" --help
    cmp -s "$scratch/page" "$scratch/out" || complain "$name --help and help $name differ"
    names="${names:-} $name"
done
[ "$(echo $names)" = "run check send explain lint query monitor checks history expect status health tail top capture replay flare help" ] || complain "the help lists:$names"
shows '  heeler_linger_max [20]' help settings
shows '  heeler_linger_max [20]' help settings LINGER
! grep -q dogstatsd_port "$scratch/out" || complain "help settings LINGER shows others"
shows 'dogstatsd_port [8125]' help settings DD_DOGSTATSD_PORT
refused 78 'no setting mentions "no such word"' help settings 'no such word'
refused 78 '"serve" is no sub-command: run, check, send, explain, lint, query, monitor, checks, history, expect, status, health, tail, top, capture, replay, flare, help (see heeler help)' help serve
refused 78 '"b" is not understood (see heeler help help)' help run b
shows "usage: heeler" run --help
shows "usage: heeler" check -h
shows "usage: heeler" send --help
shows "heeler 0." --version
(export HEELER_CPU=plain,xxh3; shows "(scan plain, hash xxh3)" --version) || exit 1
(export HEELER_CPU=avx9; refused 78 'HEELER_CPU=avx9: this processor has the scan ' run) || exit 1
(export HEELER_CPU=plain,plain; refused 78 'name one of each at most' --version) || exit 1

# ---- wrong words and settings ----------------------------------------------------

refused 78 '"serve" is no sub-command' serve
refused 78 '"stray" is not understood' run stray
refused 78 '--set needs a value' run --set
refused 78 '--config needs a value' --config
refused 78 'there is no setting heeler_intervall: did you mean heeler_interval?' \
    --set heeler_intervall=1
refused 78 'dogstatsd_port is "70000": allowed are 0 to 65535' --set dogstatsd_port=70000
refused 78 'dogstatsd_port is "eight": allowed are' --set dogstatsd_port=eight
refused 78 'heeler_interval is "0": allowed are 1 to 60' --set heeler_interval=0
refused 78 'secret back ends are not supported' --set 'api_key=ENC[file]'
refused 78 'dd_url is set and api_key is not' --set dd_url=http://127.0.0.1:1
refused 78 'bind_host: "no.such.host.invalid" is no address' --set bind_host=no.such.host.invalid \
    --set dogstatsd_port=__random__ --set heeler_http_listen=
refused 78 'is not KEY=VALUE' --set heeler_interval
DD_HEELER_INTERVAL=soon refused 78 'DD_HEELER_INTERVAL' run

# Questions to a fleet.
refused 78 'heeler_redis_url: is empty: say where with --redis URL' query --redis 'a{*}'
refused 78 '--redis and --at: only one of them' query --redis --at http://127.0.0.1:1 'a{*}'
refused 1 'redis://127.0.0.1:1 cannot be reached' query --redis redis://127.0.0.1:1 'a{*}'
DD_HEELER_REDIS_URL=redis://u:secret@127.0.0.1:1 refused 1 'redis://127.0.0.1:1 cannot be reached' \
    query --redis 'a{*}'

printf 'env: test\ntags: [a\n' >"$scratch/bad.yaml"
refused 78 "$scratch/bad.yaml:" --config "$scratch/bad.yaml"
printf 'env: test\n\nheeler_interval: 99\n' >"$scratch/range.yaml"
refused 78 "$scratch/range.yaml:3: heeler_interval is \"99\"" --config "$scratch/range.yaml"
refused 78 "$scratch/none.yaml: cannot be read" --config "$scratch/none.yaml"
refused 78 "$scratch: cannot be read" --config "$scratch"
refused 1 "$scratch/none/log" --set log_file="$scratch/none/log" --set dogstatsd_port=__random__ \
    --set heeler_http_listen= --set dogstatsd_socket=

# ---- check -------------------------------------------------------------------------

shows 'heeler_interval = 10' check --all
shows 'dogstatsd_port = 8125  (default)' check --all
run_heeler check
! grep -q ' = ' "$scratch/out" || complain "check shows a default"
shows '# 0 of ' check
shows 'heeler_interval = 5  (--set)' check --set heeler_interval=5 --set dogstatsd_port=8125
[ "$(grep -c ' = ' "$scratch/out")" -eq 1 ] || complain "check shows what does not differ"
refused 78 '"--every" is not understood (see heeler help check)' check --every
shows '# host name: h.example' check --set hostname=h.example
shows '# local mode' check
shows '# sends to the intake' check --set api_key=0123456789abcdef0123456789abcdef
run_heeler check --all --set heeler_interval=0
[ "$status" -eq 78 ] || complain "check of a bad value ended with $status"
grep -q 'heeler_interval' "$scratch/err" || complain "check does not name the bad value"
grep -q 'dogstatsd_port = 8125' "$scratch/out" || complain "check of a bad value shows no others"
run_heeler check --set 'dogstatsd_mapper_profiles=[{"name":"x","prefix":"","mappings":[]}]'
[ "$status" -eq 78 ] || complain "check of a bad mapper profile ended with $status"
grep -q 'dogstatsd_mapper_profiles: profile "x"' "$scratch/err" || complain "check does not name the profile"

# What is wrong stands behind the settings, also where both go into one pipe (rep-012), and
# what the start would skip or meet is told (rep-005, rep-006).
DD_API_KEY=k DD_SITE=https://x "$heeler" check 2>&1 | cat >"$scratch/all"
tail -n 1 "$scratch/all" | grep -q '^heeler: DD_SITE: site is "https://x"' ||
    complain "the problem is not the last line: $(tail -n 1 "$scratch/all")"
[ "$(grep -c 'heeler: ' "$scratch/all")" -eq "$(grep -c '^heeler: ' "$scratch/all")" ] ||
    complain "a line is broken by another"
DD_SITE='"datadoghq.eu"' DD_API_KEY=$(printf '%032d' 0) refused 78 'DD_SITE: site is' run
DD_HISTOGRAM_AGGREGATES=max,median DD_SERVICE=web DD_DOGSTATSD_PROT=1 run_heeler check
[ "$status" -eq 0 ] || complain "check of doubtful settings ended with $status"
for text in 'histogram_aggregates: "max,median" is skipped' 'note: DD_SERVICE is a client' \
    'DD_DOGSTATSD_PROT is not known here: did you mean DD_DOGSTATSD_PORT?'; do
    grep -qF "$text" "$scratch/err" || complain "check does not say: $text"
done
run_heeler check --set statsd_forward_host=127.0.0.1 --set statsd_forward_port=8125
[ "$status" -eq 78 ] || complain "check of a loop ended with $status"
grep -q '127.0.0.1:8125 is an address that this server receives on' "$scratch/err" ||
    complain "check does not tell of a loop"

# rep-011: an empty variable counts as not set; the advice is what works.
for words in "--set dogstatsd_socket=" "--config $scratch/off.yaml"; do
    printf 'dogstatsd_socket: ""\n' >"$scratch/off.yaml"
    # shellcheck disable=SC2086 # two words
    shows 'dogstatsd_socket =   (' check $words
done

# A secret is never shown whole, wherever it comes from.
secret=5ec0e7a7b6c5d4e3f2a1908f7e6d5c4b
printf 'api_key: %s\nadditional_endpoints: {"http://a.example": ["%s"]}\n' $secret $secret \
    >"$scratch/secret.yaml"
run_heeler check --config "$scratch/secret.yaml"
cat "$scratch/out" "$scratch/err" >"$scratch/all"
DD_API_KEY=$secret "$heeler" check --set log_level=debug >>"$scratch/all" 2>&1
"$heeler" check --set api_key=$secret --set heeler_interval=0 >>"$scratch/all" 2>&1
"$heeler" check --set "api_key=ENC[$secret" --set "additional_endpoints={\"$secret" \
    >>"$scratch/all" 2>&1
! grep -q $secret "$scratch/all" || complain "a secret is shown: $(grep $secret "$scratch/all")"
grep -q '5c4b' "$scratch/all" || complain "nor are its last four characters"

# ---- which source wins -------------------------------------------------------------

printf 'env: file\nhostname: from.file\ntags: [a:1, b:2]\n' >"$scratch/order.yaml"
shows 'env = file' check --config "$scratch/order.yaml"
grep -qF "order.yaml:1" "$scratch/out" || complain "check does not name the line"
DD_ENV=variable shows 'env = variable' check --config "$scratch/order.yaml"
grep -qF "DD_ENV" "$scratch/out" || complain "check does not name the variable"
DD_ENV=variable shows 'env = set' check --config "$scratch/order.yaml" --set env=set
grep 'env = set' "$scratch/out" | grep -q -e '--set' || complain "check does not name --set"
DD_ENV= shows 'env = file' check --config "$scratch/order.yaml"

# An Agent's key that is not known here is listed, and no reason to stop.
printf 'process_config: {enabled: true}\nlogs_enabled: true\n' >"$scratch/agent.yaml"
shows '# local mode' check --config "$scratch/agent.yaml"
grep -q 'ignored.*process_config.*logs_enabled' "$scratch/err" || complain "ignored keys are not listed"

# ---- addresses in use ----------------------------------------------------------------

start_server "$heeler"
refused 1 "cannot listen on udp 127.0.0.1:$port: the address is in use" \
    --set dogstatsd_port="$port" --set heeler_http_listen= --set dogstatsd_socket=
refused 1 "http: cannot listen on 127.0.0.1:$http: the address is in use" \
    --set dogstatsd_port=__random__ --set heeler_http_listen="127.0.0.1:$http" \
    --set dogstatsd_socket=
refused 1 "the address is in use" --set dogstatsd_port="$port" --set heeler_http_listen= \
    --set dogstatsd_socket= --set log_to_console=false
background "$scratch/holder" "$probe" hold
wait_for "$scratch/holder" 'port \([0-9]*\)'
refused 1 "cannot listen on udp 127.0.0.1:$found: the address is in use" \
    --set heeler_udp_listen="127.0.0.1:$found" --set heeler_http_listen= --set dogstatsd_socket=

# ---- a copy for another server ---------------------------------------------------------

# rep-008: a host that is not found is a warning.
kill -TERM "$server"
ended 0
start_server "$heeler" --set statsd_forward_host=nosuch.invalid --set statsd_forward_port=8125

# No core file, whatever the limit of the shell is.
[ "$(awk '/^Max core file size/ { print $5 }' "/proc/$server/limits")" = 0 ] ||
    fail "a crash would write a core file"

# ---- send -----------------------------------------------------------------------------

refused 78 'no line' send --to "127.0.0.1:$port"
refused 78 '--count' send a:1\|c --count none
refused 78 'HOST:PORT' send --to 127.0.0.1 a:1\|c
refused 1 'no.such.host.invalid' send --to no.such.host.invalid:1 a:1\|c
refused 1 '127.0.0.1:9: nobody listens there' send --to 127.0.0.1:9 a:1\|c
refused 1 '127.0.0.1:9: nobody listens there' send --to 127.0.0.1:9 a:1\|c b:1\|c --count 3
refused 1 "$scratch/gone.socket: No such file" send --to "unix:$scratch/gone.socket" a:1\|c
background "$scratch/dead" "$heeler" run --set dogstatsd_port=0 --set heeler_http_listen= \
    --set dogstatsd_socket="$scratch/dead.socket"
wait_for "$scratch/dead" '\(listening on unix\)'
kill -KILL "$pid"
wait "$pid"
refused 1 "$scratch/dead.socket: nobody listens there" send --to "unix://$scratch/dead.socket" a:1\|c
run_heeler send --to "127.0.0.1:$port" --count 5 --random 3:3 'a:{random}|c|#r:{random}' b:1\|g
[ "$status" -eq 0 ] || complain "send ended with $status"
until_metric heeler_datagrams_received_total 10
kill -TERM "$server"
ended 0
[ "$(ledger lines)" -eq 10 ] || fail "lines $(ledger lines)"
[ "$(ledger rejected)" -eq 0 ] || fail "rejected $(ledger rejected)"
[ "$(ledger folded)" -eq 10 ] || fail "folded $(ledger folded)"
