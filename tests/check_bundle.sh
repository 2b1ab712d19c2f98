#!/bin/bash
# The tarball with its libraries: unpacked anywhere, the program takes each library from the
# folder beside it, but those of the C library, and it serves.
#   check_bundle.sh PROGRAM
. "${0%/*}/support/script.sh"
bundled=${heeler%/*}/bundle/heeler
[ -x "$bundled" ] || fail "$bundled is not built"

packaging/bundle.sh "$bundled" "$scratch/heeler-test.tar.gz" >"$scratch/made" || fail "$(cat "$scratch/made")"
mkdir "$scratch/some where"
tar -xzf "$scratch/heeler-test.tar.gz" -C "$scratch/some where" || fail "it is no tar.gz"
folder="$scratch/some where/heeler-test"
# With libraries of other versions before them on the way.
LD_DEBUG=libs LD_LIBRARY_PATH=/lib "$folder/bin/heeler" --version >"$scratch/out" 2>"$scratch/libraries" ||
    fail "it does not run: $(grep -v calling "$scratch/libraries" | tail -n 3)"
grep -q '^heeler 0\.' "$scratch/out" || fail "it says $(cat "$scratch/out")"
sed -n 's/.*calling init: //p' "$scratch/libraries" >"$scratch/from"
mine=$(grep -c "^$folder/" "$scratch/from")
[ "$mine" -gt 10 ] && [ "$mine" -eq "$(ls "$folder/lib" | wc -l)" ] ||
    fail "$mine libraries are its own: $(cat "$scratch/from")"
! grep -v "^$folder/" "$scratch/from" | grep -vE '/(ld-linux[^/]*|libc|libm|libresolv|libpthread|libdl|librt)\.so\.[0-9]+$' ||
    fail "a library is the system's"
while read -r library package version; do
    [ -f "$folder/lib/$library" ] || fail "$library is not there"
    [ -s "$folder/share/doc/$package/copyright" ] && [ -n "$version" ] || fail "$package has no licence or no version"
done < <(grep -v '^#' "$folder/share/doc/heeler/libraries")
[ "$(grep -vc '^#' "$folder/share/doc/heeler/libraries")" -eq "$mine" ] || fail "the list of libraries is another"
[ -s "$folder/share/doc/common-licenses/LGPL-2.1" ] && [ -s "$folder/share/doc/heeler/copyright" ] ||
    fail "the licences are not there"
for page in man/man1/heeler.1 man/man5/heeler.yaml.5 bash-completion/completions/heeler zsh/site-functions/_heeler; do
    [ -s "$folder/share/$page" ] || fail "no $page"
done

start_server "$folder/bin/heeler" --set heeler_interval=1
"$folder/bin/heeler" health --at "127.0.0.1:$http" >/dev/null || fail "it is not alive"
"$folder/bin/heeler" send --to "127.0.0.1:$port" --count 3 'bundle:1|c' || fail "nothing was sent"
until_metric heeler_values_folded_total 3
kill -TERM "$server"
ended 0
