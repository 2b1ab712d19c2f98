#!/bin/bash
# Runs test programs and scripts, five times as many at once as there are processors (most
# of what they do is wait), shows what failed, how long each took and how long a processor
# worked for it, and closes with "N passed, M failed" alone on a line. What hangs for five
# minutes has failed (exit 124).
#   run.sh FOLDER PROGRAM [NAME...]
# FOLDER holds the built test_* programs, also in folders below it; PROGRAM is the heeler that the script
# tests start (empty: no script tests); NAMEs choose among the programs.
folder=$1
program=$2
shift 2
# Of freed memory the sanitizer keeps the last 16 MiB away from use, not 256, which costs a seventh of
# all the time; and of each place it knows eight callers.
export ASAN_OPTIONS=${ASAN_OPTIONS:-quarantine_size_mb=16:malloc_context_size=8}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

wanted=" $* "
commands=$(
    find "$folder" -name 'test_*' -type f ! -name '*.[od]' | sort | while read -r test; do
        name=${test##*/test_}
        in=${test%/*}/
        case $wanted in "  " | *" $name "*) echo "${in#"$folder"/}$name $test" ;; esac
    done
    [ -z "$program" ] || for script in tests/check_*.sh; do
        echo "${script##*/} bash $script $program"
    done
)

# The slowest first, so that none is left over at the end.
slow='^([a-z/]*/)?(check_monitor.sh|check_past_hang.sh|check_docs.sh|check_deployments.sh|check_expect.sh|check_mirror.sh|check_disk.sh|check_kept.sh|redis_exhaustion|redis_cluster|check_past_full.sh|check_past_cut.sh|check_past_kills.sh|check_release.sh|check_image.sh|check_cli.sh|check_bundle.sh|check_handover.sh|check_troubleshooting.sh|rollup|rollup_late|fleet|painter|state|status|reloads|redis_reader|answer_list|query_command|check_log.sh|handover|notifier|check_faults.sh|check_capture.sh|tap|tail|trace_memory|monitors) '
{ grep -E "$slow" <<<"$commands"; grep -vE "$slow" <<<"$commands"; } |
    xargs -P "$(($(nproc) * 5))" -L 1 bash -c \
        'out=$0 name=${1//\//.}; shift; TIMEFORMAT="%1R %3U %3S"
         { time timeout --foreground -k 10 300 "$@" >"$out/$name.log" 2>&1 </dev/null; } 2>"$out/$name.times"
         echo $? >"$out/$name.status"' "$out"

passed=0
failed=0
works=0
while read -r name _; do
    log=$out/${name//\//.}.log
    status=$(<"${log%.log}.status")
    read -r seconds user system <"${log%.log}.times"
    work=$((10#${user/./} + 10#${system/./}))
    works=$((works + work))
    ok=$(grep -c '^\[       OK \]' "$log")
    if [ "$status" = 0 ]; then
        [ "$ok" -gt 0 ] || ok=1
        printf '  ok    %s (%s), %s s, %d ms of work\n' "$name" "$ok" "$seconds" "$work"
    else
        bad=$(grep '^\[  FAILED  \] [a-z]' "$log" | sort -u | wc -l) # each is said twice
        [ "$bad" -gt 0 ] || bad=1
        failed=$((failed + bad))
        printf '  FAIL  %s (exit %s)\n' "$name" "$status"
        grep -v '^\[ RUN      \]\|^\[       OK \]' "$log" | tail -n 60
    fi
    passed=$((passed + ok))
done <<<"$commands"
echo "  $((works / 1000)) s of a processor"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
