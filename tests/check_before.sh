#!/bin/bash
# The promise of docs/upgrading.md, kept by the built program against what 0.1.0 left behind
# (tests/data/before): its settings are taken, its series are on /metrics, and its spool is
# delivered. tests/test_before.c reads its state, its spool and its fields in Redis.
#   check_before.sh PROGRAM
. "${0%/*}/support/script.sh"
before=tests/data/before

# ---- settings ----------------------------------------------------------------------------

# Defaults that changed since, each in CHANGELOG.md; what is taken is the old value all the same.
changed='dogstatsd_no_aggregation_pipeline_batch_size'

words=()
while IFS= read -r line; do
    words+=(--set "${line%% = *}=${line#* = }")
done < <(grep -v '^#' "$before/settings" | sed 's/ =$/ = /')
[ "${#words[@]}" -eq 230 ] || fail "there are not 115 settings of 0.1.0"
"$heeler" check "${words[@]}" >"$scratch/check" 2>&1 || fail "a setting is not taken: $(cat "$scratch/check")"
"$heeler" check --all >"$scratch/defaults" || fail "check: $(cat "$scratch/defaults")"
grep -v '^#' "$before/settings" | while IFS= read -r line; do
    key=${line%% = *}
    grep -qxF "$line  (default)" "$scratch/defaults" || grep -qx "${key% =}" <<<"$changed" ||
        { echo "the default is another now: $line"; exit 1; }
done || exit 1

# ---- /metrics ------------------------------------------------------------------------------

background "$scratch/redis.log" redis-server --port 0 --unixsocket "$scratch/redis" --save "" --dir "$scratch"
wait_for "$scratch/redis.log" '\(ready to accept\|now ready\)'
background "$scratch/intake" "$probe" take
wait_for "$scratch/intake" 'port \([0-9]*\)'
intake=$found
sends=(--set "dd_url=http://127.0.0.1:$intake" --set api_key=0123456789abcdef0123456789abcdef
    --set heeler_interval=1 --set heeler_self_telemetry=false --set forwarder_outdated_file_in_days=0
    --set "forwarder_storage_path=$scratch/spool" --set forwarder_storage_max_size_in_bytes=1000000)

start_server "$heeler" "${sends[@]}" --set "dogstatsd_socket=$scratch/d" --set "dogstatsd_stream_socket=$scratch/s" \
    --set "heeler_redis_url=unix://$scratch/redis"
"$heeler" send --to "127.0.0.1:$port" 'a:1|c' 'g:1|g' 's:x|s' 'h:1|h' 't:1|ms' 'd:1|d' '_e{1,1}:a|b' '_sc|x|0' \
    'bad:x|c' 'x:1|q' ':1|c' || fail send
missing() {
    "$probe" get "$http" /metrics | grep -v '^#' |
        sed 's/ [^ ]*$//; s/listener="\([a-z]*\) [^"]*"/listener="\1"/; s/version="[^"]*"/version=""/' |
        sort -u >"$scratch/metrics"
    grep -v '^#' "$before/metrics" | grep -vxFf "$scratch/metrics" >"$scratch/missing"
}
# A few are there from the first flush or the first answer on.
for _ in {1..1200}; do
    missing || break
    pause
done
[ ! -s "$scratch/missing" ] || fail "no longer on /metrics: $(cat "$scratch/missing")"
kill -TERM "$server"
ended 0

# ---- the spool ---------------------------------------------------------------------------------

folder=$(echo "$scratch"/spool/*-0)
[ -d "$folder" ] || fail "no folder of the intake in the spool"
cp "$before"/spool/*.payload "$folder"
start_server "$heeler" "${sends[@]}"
until_metric 'heeler_points_total{sink="intake",result="delivered' 17 # what is old is delivered_stale
[ "$(metric 'heeler_points_recovered_total{sink="intake"}')" -eq 17 ] || fail "other points were found"
[ "$(metric heeler_spool_files_damaged_total)" -eq 0 ] || fail "a file of 0.1.0 is called damaged"
kill -TERM "$server"
ended 0
[ "$(ledger imbalance)" = 0/0/0 ] || fail "not balanced"
[ -z "$(find "$folder" -name '*.payload')" ] || fail "something is left in the spool"
