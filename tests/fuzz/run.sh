#!/bin/bash
# Runs fuzz targets, as many at once as there are processors, and shows the log of
# each that found something. All of them run, also after a finding.
#   run.sh BUILD SECONDS NAME...
# BUILD holds the programs and takes the logs, the findings (found_NAME-...) and
# what a run adds to its corpus (new_NAME), from which the next one goes on. What long
# runs found worth keeping is packed: tests/fuzz/kept/NAME.tar.gz.
build=$1
seconds=$2
shift 2
[ $# -gt 0 ] || { echo "no fuzz target"; exit 1; }

# An input that takes a minute, or 2 GB, is a finding as well.
fuzz() { # name
    mkdir -p "$build/new_$1" "$build/kept_$1"
    [ ! -f "tests/fuzz/kept/$1.tar.gz" ] || tar -xzf "tests/fuzz/kept/$1.tar.gz" -C "$build/kept_$1"
    "$build/tests/fuzz/fuzz_$1" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$build/found_$1-" \
        "$build/new_$1" "$build/kept_$1" "tests/fuzz/corpus_$1" >"$build/$1.log" 2>&1 </dev/null
    echo $? >"$build/$1.status"
}
export build seconds
export -f fuzz

for name; do echo 1 >"$build/$name.status"; done
printf '%s\n' "$@" | xargs -P "$(nproc)" -I {} bash -c 'fuzz {}'

passed=0
for name; do
    if [ "$(cat "$build/$name.status")" = 0 ]; then
        passed=$((passed + 1))
        printf '  ok    %s (%s runs)\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log")"
    else
        printf '  FAIL  %s\n' "$name"
        tail -n 60 "$build/$name.log"
    fi
done
echo "$passed passed, $(($# - passed)) failed"
[ "$passed" -eq $# ]
