#!/bin/sh
# Runs test programs and scripts, prints what failed, and closes with
# "N passed, M failed" alone on a line.
#   run.sh FOLDER PROGRAM [NAME...]
# FOLDER holds the built test_* programs; PROGRAM is the heeler that the script
# tests start (empty: no script tests); NAMEs choose among the programs.
folder=$1
program=$2
shift 2
passed=0
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

one() { # name command...
    name=$1
    shift
    if "$@" >"$log" 2>&1; then
        count=$(grep -c '^\[       OK \]' "$log")
        [ "$count" -gt 0 ] || count=1
        passed=$((passed + count))
        printf '  ok    %s (%s)\n' "$name" "$count"
    else
        status=$?
        ok=$(grep -c '^\[       OK \]' "$log")
        bad=$(grep -c '^\[  FAILED  \] [a-z]' "$log")
        [ "$bad" -gt 0 ] || bad=1
        passed=$((passed + ok))
        failed=$((failed + bad))
        printf '  FAIL  %s (exit %s)\n' "$name" "$status"
        grep -v '^\[ RUN      \]\|^\[       OK \]' "$log" | tail -n 60
    fi
}

if [ $# -gt 0 ]; then
    for name in "$@"; do one "$name" "$folder/test_$name"; done
else
    for test in "$folder"/test_*; do
        case $test in *.o | *.d) continue ;; esac
        one "${test##*/test_}" "$test"
    done
fi
if [ -n "$program" ]; then
    for script in tests/check_*.sh; do
        one "${script##*/}" sh "$script" "$program"
    done
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
