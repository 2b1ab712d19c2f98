#!/bin/bash
# A release: one place says the version, the same commit gives the same bytes, and the SPDX document
# has every library that the programs are linked with.
#   check_release.sh PROGRAM
. "${0%/*}/support/script.sh"
flat=${heeler%/*}/tests/tools/flat
[ -x "$flat" ] || fail "$flat is not built"

# ---- the version -------------------------------------------------------------------------

version=$(sed -n 's/^VERSION := //p' Makefile)
[ "$("$heeler" --version | cut -d ' ' -f 2)" = "$version" ] || fail "the program is not of version $version"
grep -m 1 '^## ' CHANGELOG.md | grep -qE "^## $version \((not released|20[0-9]{2}-[0-9]{2}-[0-9]{2})\)\$" ||
    fail "CHANGELOG.md does not begin with $version"
git rev-parse HEAD >/dev/null 2>&1 || { echo "no repository: the rest is left out"; exit 0; }
git ls-files | grep -vE '^(Makefile|CHANGELOG.md)$|lock|^tests/' | tr '\n' '\0' |
    xargs -0 grep -nIwF -e "$version" && fail "the version stands in another place, too"

# ---- make dist ------------------------------------------------------------------------------

name=heeler-$version
release() {
    packaging/dist.sh "$heeler" "$version" "$scratch/out" 1 >"$scratch/said" 2>&1 || fail "$(cat "$scratch/said")"
}
lanes 2 release
mv "$scratch/lane1/out" "$scratch/first"
mv "$scratch/lane2/out" "$scratch/second"
diff -r "$scratch/first" "$scratch/second" || fail "two releases of a commit differ"
(cd "$scratch/first" && sha256sum --quiet -c SHA256SUMS) || fail "the checksums are wrong"
[ "$(wc -l <"$scratch/first/SHA256SUMS")" -eq 2 ] || fail "not every file has a checksum"
tar -tzf "$scratch/first/$name.tar.gz" >"$scratch/files" || fail "the tarball is damaged"
[ -z "$(grep -v "^$name/" "$scratch/files")" ] || fail "the tarball has files beside its folder"
git ls-files --with-tree=HEAD | grep -qxF README.md && grep -qxF "$name/README.md" "$scratch/files" ||
    fail "the tarball has no README.md"

# ---- the SPDX document --------------------------------------------------------------------------

"$flat" "$scratch/first/$name.spdx.json" >"$scratch/spdx" || fail "the SPDX document is no JSON"
value() { # PATH
    sed -n "s/^0\.$1	//p" "$scratch/spdx"
}
[ "$(value spdxVersion)" = SPDX-2.3 ] || fail "spdxVersion is $(value spdxVersion)"
objdump -p "$heeler" "$heeler-chart" "$heeler-calendar" | awk '$1 == "NEEDED" { print $2 }' >"$scratch/needed"
[ "$(wc -l <"$scratch/needed")" -gt 10 ] || fail "nothing is linked"
while read -r library; do
    value 'packages.[0-9]*.sourceInfo' | grep -qwF "$library" || fail "the SPDX document lacks $library"
done <"$scratch/needed"
packages=$(value 'packages.[0-9]*.name' | wc -l)
for member in versionInfo supplier licenseConcluded licenseDeclared downloadLocation; do
    [ "$(value "packages.[0-9]*.$member" | grep -c .)" -eq "$packages" ] || fail "a package has no $member"
done
! value 'packages.[0-9]*.license[A-Za-z]*' | grep NOASSERTION || fail "the licence of a library is not known"
# Each package is in a relation, and each relation is to a package.
value 'packages.[0-9]*.SPDXID' | sort >"$scratch/ids"
value 'relationships.[0-9]*.relatedSpdxElement' | sort -u >"$scratch/related"
diff "$scratch/ids" "$scratch/related" || fail "packages and relations differ"
# The server has nothing of what draws, or of what knows when downtimes recur.
of() { # PROGRAM
    sed -n 's/^0\.relationships\.\([0-9]*\)\.\(spdx\|relatedSpdx\)Element\(Id\)\{0,1\}\t/\1 \2 /p' "$scratch/spdx" |
        awk -v from="SPDXRef-Package-$1" '{ it[$1, $2] = $3; last = $1 }
            END { for (i = 0; i <= last; i++) if (it[i, "spdx"] == from) print it[i, "relatedSpdx"] }'
}
of heeler >"$scratch/of-heeler"
depends() { # PROGRAM PACKAGE...
    of "$1" >"$scratch/of-it"
    for package in "${@:2}"; do
        grep -qx "SPDXRef-Package-$package" "$scratch/of-it" || fail "$1 does not depend on $package"
        ! grep -x "SPDXRef-Package-$package" "$scratch/of-heeler" || fail "heeler depends on it"
    done
}
depends heeler-chart libcairo2 libx11-6 fonts-dejavu-core
depends heeler-calendar libical3 tzdata

# A library without a row has no licence: refused.
mkdir "$scratch/packaging"
cp packaging/spdx.sh packaging/parts.sh "$scratch/packaging"
grep -v '^zlib ' packaging/licences >"$scratch/packaging/licences"
bash "$scratch/packaging/spdx.sh" "$heeler" "$version" x >"$scratch/out" 2>"$scratch/err" &&
    fail "a library without a licence is taken"
grep -q 'licences has no row for zlib' "$scratch/err" && [ ! -s "$scratch/out" ] ||
    fail "it is not said which library has no licence: $(cat "$scratch/err")"
