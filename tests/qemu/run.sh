#!/bin/bash
# Runs what was built for another processor: each test program, the vectors, and each fuzz
# target over its seeds and what long runs kept; all of it once on each code path, as many at
# once as there are processors. Closes with "N passed, M failed" alone on a line.
#   run.sh BUILD EMULATOR...
# tests/qemu/skipped says what cannot pass here. It is run all the same, and one that passes
# is a failure: its row is to be struck out. Logs and inputs stay in BUILD/qemu/.
build=$1
shift
export emulator="$*" out=$build/qemu
paths=${HEELER_CPU:-neon,aes plain,xxh3}
rm -rf "$out"
for packed in tests/fuzz/kept/*.tar.gz; do
    kept=$out/kept/$(basename "$packed" .tar.gz)
    mkdir -p "$kept"
    tar -xzf "$packed" -C "$kept"
done

# The kernel starts no program of another processor; a test that starts ours starts this.
export HEELER_STARTER=$out/heeler
for suffix in '' -chart -calendar; do
    printf '#!/bin/sh\nexec %s %s/heeler%s "$@"\n' "$emulator" "$build" "$suffix" >"$HEELER_STARTER$suffix"
    chmod +x "$HEELER_STARTER$suffix"
done

# The lines "NAME COMMAND..." of all that is run.
all=$(
    find "$build/tests" -name 'test_*' -type f ! -name '*.[od]' | sort | while read -r test; do
        echo "${test##*/test_} $test"
    done
    echo "vectors:data $build/tests/vectors tests/data"
    for seeds in tests/fuzz/corpus_*; do
        name=${seeds##*/corpus_}
        kept=$out/kept/$name
        [ ! -d "$kept" ] || seeds="$seeds $kept"
        echo "fuzz:$name $build/tests/fuzz/inputs_$name $seeds"
    done
)

# Ten minutes for each; most of them take seconds.
run_all() {
    mkdir -p "$out/$HEELER_CPU"
    xargs -P "$(nproc)" -L 1 bash -c 'log=$out/$HEELER_CPU/$0.log
        timeout 600 $emulator "$@" >"$log" 2>&1 </dev/null
        echo $? >"${log%.log}.status"' <<<"$all"
}

# tests_that WORD: the tests of $log that have it before them, as cmocka writes it.
tests_that() {
    sed -n "s/^\[ *$1 *\] \([a-z0-9_]*\)\$/\1/p" "$log" | sort -u
}

# Those that failed, or began and have no end: they ended the program.
tests_that_failed() {
    tests_that FAILED
    comm -23 <(tests_that RUN) <({ tests_that OK; tests_that FAILED; tests_that SKIPPED; } | sort -u)
}

number() { # PATTERN: the number that a line of $log consists of with it
    sed -n "s/^\([0-9]*\) $1.*/\1/p" "$log"
}

passed=0
failed=0
skipped=0

# judge NAME: one line of what came of it, and the sums.
judge() {
    log=$out/$HEELER_CPU/$1.log
    local ok bad=0 cannot=0 test status rows
    status=$(cat "${log%.log}.status")
    rows=$(awk -v name="$1" '$1 == name { print $2 }' tests/qemu/skipped | sort)
    case $1 in
    fuzz:*) ok=$(number inputs) ;;
    vectors:*) ok=$(number passed) ;;
    *) ok=$(grep -c '^\[       OK \]' "$log") ;;
    esac
    for test in $(tests_that_failed); do
        if grep -qxF "$test" <<<"$rows"; then
            cannot=$((cannot + 1))
        else
            bad=$((bad + 1))
        fi
    done
    for test in $(comm -12 <(tests_that OK) - <<<"$rows"); do
        bad=$((bad + 1))
        echo "$1: $test passes after all: strike out its row in tests/qemu/skipped" | tee -a "$log"
    done
    [ "$status" = 0 ] || [ $((bad + cannot)) -gt 0 ] || bad=1
    skipped=$((skipped + cannot + $(grep -c '^\[  SKIPPED \] [a-z0-9_]*$' "$log") / 2))
    passed=$((passed + ${ok:-0}))
    failed=$((failed + bad))
    if [ "$bad" -eq 0 ]; then
        printf '  ok    %s (%s%s)\n' "$1" "${ok:-0}" "$([ $cannot -eq 0 ] || echo ", $cannot skipped")"
    else
        printf '  FAIL  %s (exit %s)\n' "$1" "$status"
        grep -v '^\[ RUN      \]\|^\[       OK \]' "$log" | tail -n 30
    fi
}

for HEELER_CPU in $paths; do
    export HEELER_CPU
    echo "==== HEELER_CPU=$HEELER_CPU"
    run_all
    while read -r name _; do judge "$name"; done <<<"$all"
done
echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
