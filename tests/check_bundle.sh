#!/bin/bash
# The tarball with its libraries: unpacked anywhere, the programs take each library from the
# folder beside them, but those of the C library, and the font too; it serves, draws, and
# knows when downtimes recur.
#   check_bundle.sh PROGRAM
. "${0%/*}/support/script.sh"
bundled=${heeler%/*}/bundle/heeler
[ -x "$bundled" ] || fail "$bundled is not built"

packaging/bundle.sh "$bundled" "$scratch/heeler-test.tar.gz" 1 >"$scratch/made" || fail "$(cat "$scratch/made")"
mkdir "$scratch/some where"
tar -xzf "$scratch/heeler-test.tar.gz" -C "$scratch/some where" || fail "it is no tar.gz"
folder="$scratch/some where/heeler-test"
# With libraries of other versions before them on the way.
for own in heeler heeler-chart heeler-calendar; do
    LD_DEBUG=libs LD_LIBRARY_PATH=/lib "$folder/bin/$own" --version >"$scratch/out" 2>"$scratch/libraries" ||
        fail "$own does not run: $(grep -v calling "$scratch/libraries" | tail -n 3)"
    grep -q "^$own 0\." "$scratch/out" || fail "it says $(cat "$scratch/out")"
    sed -n 's/.*calling init: //p' "$scratch/libraries" >>"$scratch/each"
done
sort -u "$scratch/each" >"$scratch/from"
mine=$(grep -c "^$folder/" "$scratch/from")
[ "$mine" -gt 10 ] && [ "$mine" -eq "$(find "$folder/lib" -maxdepth 1 -type f | wc -l)" ] ||
    fail "$mine libraries are its own: $(cat "$scratch/from")"
! grep -v "^$folder/" "$scratch/from" | grep -vE '/(ld-linux[^/]*|libc|libm|libresolv|libpthread|libdl|librt)\.so\.[0-9]+$' ||
    fail "a library is the system's"
while read -r library package version; do
    [ -f "$folder/lib/$library" ] || [ -f "$folder/share/fonts/truetype/dejavu/$library" ] || fail "$library is not there"
    [ -s "$folder/share/doc/$package/copyright" ] && [ -n "$version" ] || fail "$package has no licence or no version"
done < <(grep -v '^#' "$folder/share/doc/heeler/libraries")
[ "$(grep -vcE '^#|\.ttf ' "$folder/share/doc/heeler/libraries")" -eq "$mine" ] || fail "the list of libraries is another"
[ -s "$folder/share/doc/common-licenses/LGPL-2.1" ] && [ -s "$folder/share/doc/heeler/copyright" ] ||
    fail "the licences are not there"
for page in man/man1/heeler.1 man/man1/heeler-chart.1 man/man1/heeler-calendar.1 man/man1/heeler-checks.1 man/man5/heeler.yaml.5 bash-completion/completions/heeler zsh/site-functions/_heeler; do
    [ -s "$folder/share/$page" ] || fail "no $page"
done
[ -x "$folder/lib/heeler/heeler-checks" ] && [ -s "$folder/lib/heeler/checks/runner/child.py" ] || fail "no heeler-checks"
! find "$folder" -name '*.pyc' | grep . || fail "it has compiled Python"

start_server "$folder/bin/heeler" --set heeler_interval=1
"$folder/bin/heeler" health --at "127.0.0.1:$http" >/dev/null || fail "it is not alive"
"$folder/bin/heeler" send --to "127.0.0.1:$port" --count 3 'bundle:1|c' || fail "nothing was sent"
until_answered 'sum:bundle%7B*%7D'
draws() { # in five seconds, which a busy machine may not have
    "$folder/bin/heeler" query --at "127.0.0.1:$http" --last 1m --png "$scratch/png" 'sum:bundle{*}' 2>"$scratch/err"
}
until_so draws || fail "it draws nothing: $(cat "$scratch/err")"
[ -s "$scratch/png" ] || fail "the picture is empty"
kill -TERM "$server"
ended 0

# Downtimes fall where they do with all of ICU's data, which the tarball leaves out.
occurrences "$heeler-calendar" >"$scratch/occurrences"
occurrences "$folder/bin/heeler-calendar" | cmp - "$scratch/occurrences" || fail "downtimes recur otherwise"
[ "$(cat "$folder"/lib/libicudata.so.* | wc -c)" -lt 100000 ] || fail "ICU's data are there"

# The letters are those of its own font: with another in that file they are others.
echo '{"from":0,"to":60,"title":"letters","requests":[]}' >"$scratch/json"
"$folder/bin/heeler-chart" <"$scratch/json" >"$scratch/before" || fail "it draws nothing"
"$heeler-chart" <"$scratch/json" | cmp - "$scratch/before" || fail "it draws otherwise than the program that is not packed"
cp "$folder/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf" "$folder/share/fonts/truetype/dejavu/DejaVuSans.ttf"
"$folder/bin/heeler-chart" <"$scratch/json" >"$scratch/after" || fail "it draws nothing"
! cmp -s "$scratch/before" "$scratch/after" || fail "its font is the system's"
