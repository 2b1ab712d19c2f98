#!/bin/sh
# A folder with the program, PROGRAM-chart, which draws its pictures, PROGRAM-calendar, which knows
# when downtimes recur, and their libraries and font, as a tar.gz that is unpacked anywhere and runs
# there: bin/heeler looks for libraries in ../lib, before the system does, and bin/heeler-chart for
# the font in ../share. heeler-checks is in lib/heeler, and runs by the system's Python.
#   bundle.sh PROGRAM FILE.tar.gz [LEVEL]
# LEVEL is gzip's, 9 without.
# The manual and the completions are those that were made beside it, in man/ and completions/ of
# the folder of builds. PROGRAM is FOLDER/bundle/heeler there; all three have the run path
# $ORIGIN/../lib. What is of the C library stays out: the programs' interpreter, ld.so, is the
# system's at a fixed path, and libc, libm and libresolv work with the ld.so of their own version
# only. So the system's C library must be as new as this machine's.
set -eu
umask 022
program=$1
file=$2
level=${3:-9}
here=${0%/*}
builds=${program%/bundle/heeler}
. "$here/parts.sh"

for each in "$program" "$program-chart" "$program-calendar"; do
    objdump -p "$each" | grep -q 'RPATH .*$ORIGIN/../lib' ||
        { echo "$each has no run path \$ORIGIN/../lib, which its libraries go by, too"; exit 1; }
done
libraries "$program" "$program-chart" "$program-calendar" >"$list.all"
grep -v ' libc6$' "$list.all" >"$list"
rm "$list.all"

work=$(mktemp -d)
trap 'rm -rf "$work" "$list" "$list.needed" "$list.owners"' EXIT
folder=$work/$(basename "$file" .tar.gz)
install -d "$folder/bin" "$folder/lib" "$folder/share/doc/heeler" "$folder/share/heeler"
for suffix in '' -chart -calendar; do
    strip -o "$folder/bin/heeler$suffix" "$program$suffix"
    chmod 755 "$folder/bin/heeler$suffix"
done
while read -r name path _; do
    library 644 "$name" "$path" "$folder/lib/$name"
done <"$list"
fonts | while read -r _ path _; do
    install -D -m 644 "$path" "$folder${path#/usr}"
done
sh "$here/checks.sh" "$folder/lib/heeler"
# shellcheck disable=SC2046 # words
licences "$folder/share/doc" $({ cat "$list"; fonts; } | cut -d ' ' -f 3 | sort -u)
install -m 644 "$here/../LICENSE" "$folder/share/doc/heeler/copyright"
for page in heeler.1 heeler-chart.1 heeler-calendar.1 heeler-checks.1 heeler.yaml.5; do
    install -D -m 644 "$builds/man/$page" "$folder/share/man/man${page##*.}/$page"
done
install -D -m 644 "$builds/completions/heeler.bash" "$folder/share/bash-completion/completions/heeler"
install -D -m 644 "$builds/completions/_heeler" "$folder/share/zsh/site-functions/_heeler"
install -m 644 "$here/../README.md" "$here/../CHANGELOG.md" "$folder/share/doc/heeler/"
install -m 644 "$here/heeler.service" "$here/heeler.socket" "$here/heeler.yaml.example" \
    "$here/heeler-checks.service" "$folder/share/heeler/"
{
    echo "# The libraries in lib/ and the font, each as Debian has it: file, package, version."
    echo "# But libicudata: it is Heeler's own and without data, as nothing here asks for any."
    { cat "$list"; fonts; } >"$list.needed"
    # dpkg is asked once for all, as it reads the whole of what it knows each time.
    cut -d ' ' -f 3 "$list.needed" | xargs dpkg-query -W -f '${Package} ${Version}\n' |
        awk 'NR == FNR { if (!($1 in of)) of[$1] = $2; next } { print $1, $3, of[$3] }' - "$list.needed"
} >"$folder/share/doc/heeler/libraries"
mkdir -p "$(dirname "$file")"
pack "$work/bundle.tar" "$work" "${folder##*/}"
gzip "-${level}n" <"$work/bundle.tar" >"$file"
echo "$file: $(($(stat -c %s "$file") / 1024)) KiB, $(wc -l <"$list") libraries"
