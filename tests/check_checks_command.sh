#!/bin/bash
# heeler checks: what it becomes gets the words and the settings, and no secret where others can
# read it. A shell script stands for heeler-checks, as this runs without Python.
#   check_checks_command.sh PROGRAM
. "${0%/*}/support/script.sh"

mkdir -p "$scratch/usr/bin" "$scratch/usr/lib/heeler"
cp "$heeler" "$scratch/usr/bin/heeler"
installed=$scratch/usr/bin/heeler

# What it was given: words, environment and the document, which nobody can change any more.
cat >"$scratch/usr/lib/heeler/heeler-checks" <<'END'
#!/bin/sh
echo "words: $*"
while [ $# -gt 1 ]; do shift; done
cat "/proc/self/fd/$1" && echo
env
(echo changed >"/proc/self/fd/$1") 2>/dev/null && echo "it can be changed"
exit 7
END

# refused STATUS TEXT WORD...
refused() {
    want=$1 text=$2
    shift 2
    status=0
    "$installed" checks "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
    [ "$status" -eq "$want" ] && [ ! -s "$scratch/out" ] && [ "$(wc -l <"$scratch/err")" -eq 1 ] &&
        grep -qF -e "$text" "$scratch/err" || fail "$* ended with $status: $(cat "$scratch/out" "$scratch/err")"
}

# A program that is there, and cannot run, is not the same as none.
refused 1 'heeler-checks, which runs checks, does not start: Permission denied'
chmod +x "$scratch/usr/lib/heeler/heeler-checks"

key=0123456789abcdef0123
status=0
DD_API_KEY=$key-api DD_ENV=lab STATE_DIRECTORY=/var/lib/mine:/x "$installed" checks --once 'my check' --check-rate --json \
    --set "heeler_app_keys=$key-app" --set confd_path=/here >"$scratch/out" 2>&1 || status=$?
[ "$status" -eq 7 ] || fail "it ended with $status: $(cat "$scratch/out")"
grep -q '^words: --once my check --check-rate --json --settings-fd [0-9][0-9]*$' "$scratch/out" || fail "$(cat "$scratch/out")"
document=$(grep '^{.*}$' "$scratch/out") || fail "there is no document: $(cat "$scratch/out")"
for part in '"confd_path":"/here"' "\"app_key\":\"$key-app\"" '"state_path":"/var/lib/mine"' '"env":"lab"'; do
    case $document in *"$part"*) ;; *) fail "no $part in $document" ;; esac
done
case $document in *"$key-api"*) fail "the key of the intake is in $document" ;; esac
grep -q '^DD_ENV=lab$' "$scratch/out" || fail "the environment is gone"
! grep -v '^{' "$scratch/out" | grep -q "$key" || fail "a secret is where others can read it"
! grep -q 'it can be changed' "$scratch/out" || fail "the settings are not sealed"

# Its user may read none of the server's files of secrets, and runs all the same.
status=0
"$installed" checks --set heeler_api_key_file=/nonexistent --set dd_url=https://127.0.0.1:1 >"$scratch/out" 2>&1 || status=$?
[ "$status" -eq 7 ] || fail "$status: $(cat "$scratch/out")"

# Who asks it to look at its files before it can does not end it; a terminal that closes ends what runs by hand.
printf '#!/bin/sh\nkill -s HUP $$\necho went on\n' >"$scratch/hung"
chmod +x "$scratch/hung"
[ "$(env --default-signal=HUP "$installed" checks --set "heeler_checks_path=$scratch/hung")" = 'went on' ] || fail "SIGHUP ended it before it began"
! env --default-signal=HUP "$installed" checks --list --set "heeler_checks_path=$scratch/hung" >"$scratch/out" || fail "SIGHUP did not end --list"

# Words and settings that make no sense start nothing.
refused 78 '"stray" is not understood (see heeler help checks)' stray
refused 78 '"--once" is not understood' --once a --once b
refused 78 '--once needs the name of a check behind it' --once
refused 78 '--once needs the name of a check behind it' --once --json
refused 78 '--once and --list: only one of them' --once a --list
refused 78 '--check-rate is for --once NAME' --check-rate
refused 78 '--json is for --once NAME and for --list' --json
refused 78 'heeler_checks_run_timeout is "0": allowed are 1 to 86400 (seconds)' --set heeler_checks_run_timeout=0
refused 78 'hostname' --set hostname=a_b

# Without the package, without its Python, and elsewhere.
printf '#!/nonexistent/python3 -I\n' >"$scratch/usr/lib/heeler/heeler-checks"
refused 1 "$scratch/usr/lib/heeler/heeler-checks, which runs checks, needs /usr/bin/python3: install the package python3"
rm "$scratch/usr/lib/heeler/heeler-checks"
refused 1 "$scratch/usr/lib/heeler/heeler-checks, which runs checks, is not there: install the package heeler-checks, or set heeler_checks_path"
refused 1 "/nonexistent/p, which runs checks, is not there" --set heeler_checks_path=/nonexistent/p
printf '#!/bin/sh\necho built\n' >"$scratch/built"
chmod +x "$scratch/built"
ln -s "$scratch/built" "$scratch/usr/bin/heeler-checks"
[ "$("$installed" checks --list)" = built ] || fail "the link beside the program is not followed"
[ "$("$installed" checks --set "heeler_checks_path=$scratch/built")" = built ] || fail "heeler_checks_path is not followed"
