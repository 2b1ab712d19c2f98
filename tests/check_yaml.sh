#!/bin/bash
# Hostile configuration files: each is refused, or read, with the right status and a
# sentence, in 64 MiB of memory and at once; and no file can hold up a start.
#   check_yaml.sh PROGRAM
. "${0%/*}/support/script.sh"
files=${0%/*}/data/hostile/yaml

# look FILE: $status, and what was said in $scratch/said.
look() {
    status=0
    (ulimit -v 65536 && exec timeout 10 "$heeler" check --config "$1") >"$scratch/said" 2>&1 ||
        status=$?
}

sentences() {
    grep -c '^heeler: ' "$scratch/said"
}

# refused FILE TEXT
refused() {
    look "$files/$1.yaml"
    [ "$status" -eq 78 ] || fail "$1 ended with $status: $(tail -n 1 "$scratch/said")"
    [ "$(grep -cv '^heeler: note\|^heeler: ignored\|^[#a-z]' "$scratch/said")" -eq 0 ] ||
        fail "$1: not only sentences"
    grep -q "^heeler: $files/$1.yaml.*$2" "$scratch/said" ||
        fail "$1 does not say \"$2\": $(grep '^heeler: ' "$scratch/said")"
}

# accepted FILE SENTENCES TEXT
accepted() {
    look "$files/$1.yaml"
    [ "$status" -eq 0 ] || fail "$1 ended with $status"
    [ "$(sentences)" -eq "$2" ] || fail "$1: $(sentences) sentences, not $2"
    grep -q "^$3" "$scratch/said" || fail "$1 does not show \"$3\""
}

refused alias-bomb ''
refused alias-self ':1: .* nested deeper than 64 levels'
refused alias-self-map ':1: '
refused alias-root ':1: '
refused anchors ':1001: has more than 1000 anchors'
refused deep-flow ':1: is nested deeper than 64 levels'
refused deep-block ': is nested deeper than 64 levels'
refused nul ' at byte '
refused nul-escaped ':1: .* NUL byte'
refused latin1 ' at byte '
refused tabs ':2: '
accepted duplicate 2 'env = c '
accepted two-documents 0 'env = a '
accepted endpoint-password 0 'additional_endpoints = '
! grep -q hidden-password "$scratch/said" || fail "a password is shown"

# No byte of a key or value changes the terminal.
refused escape-key ':1: there is no setting heeler_[\\]x1b'
grep -qF '\xc2\x9b31m' "$scratch/said" || fail "escape-key: C1 is not shown"
[ "$(tr -d '\n\40-\176' <"$scratch/said" | wc -c)" -eq 0 ] || fail "escape-key: control bytes"

# ---- files that would hold up the start ---------------------------------------------

mkfifo "$scratch/fifo.yaml"
head -c 1048577 /dev/zero | tr '\0' '#' >"$scratch/large.yaml"
files=$scratch
refused fifo 'cannot be read: it is no regular file'
refused large 'is larger than 1 MiB'
mkdir "$scratch/folder.yaml"
refused folder 'cannot be read: Is a directory'
ln -s /dev/zero "$scratch/device.yaml"
refused device 'cannot be read: it is no regular file'
status=0
timeout 10 "$heeler" run --set hostname_file="$scratch/fifo.yaml" >"$scratch/said" 2>&1 || status=$?
[ "$status" -eq 78 ] || fail "a pipe as hostname_file ended with $status"

# A reload reads the file on the thread that answers health checks.
printf 'env: a\n' >"$scratch/live.yaml"
start_server "$heeler" --config "$scratch/live.yaml"
rm "$scratch/live.yaml"
mkfifo "$scratch/live.yaml"
kill -HUP "$server"
wait_for "$scratch/log" '\(it is no regular file\)'
"$probe" get "$http" /live >/dev/null || fail "it is not alive after a reload from a pipe"
kill -TERM "$server"
ended 0
