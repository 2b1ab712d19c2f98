#!/bin/bash
# What the program is linked with, as an SPDX document (2.3, JSON) on standard output: each library's
# Debian package with version, licence and who supplies it. Those that Heeler itself asks for are
# linked by it; the others come with these.
#   spdx.sh PROGRAM VERSION REVISION
# SOURCE_DATE_EPOCH is the time that stands in it.
set -euo pipefail
shopt -s inherit_errexit
program=$1
version=$2
revision=$3
here=${0%/*}
. "$here/parts.sh"

libraries "$program" | sort -u -k3,3 -k1,1 >"$list"
needed=" $(objdump -p "$program" | awk '$1 == "NEEDED" { printf "%s ", $2 }')"
created=$(date -u -d "@${SOURCE_DATE_EPOCH:-0}" +%Y-%m-%dT%H:%M:%SZ)

# text STRING: as JSON has it. Names and addresses have no other bytes that need it.
text() {
    local text=${1//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}

# licence SOURCE: its row of the table.
licence() {
    local found
    found=$(sed -n "s/^$1 //p" "$here/licences")
    [ -n "$found" ] || { echo "packaging/licences has no row for $1" >&2; return 1; }
    echo "$found"
}

field() { # FORMAT PACKAGE
    dpkg-query -W -f "$1\n" "$2" | head -n 1
}

id() {
    echo "SPDXRef-Package-${1//[^A-Za-z0-9.-]/-}"
}

packages() {
    local package source
    while read -r package; do
        source=$(field '${source:Package}' "$package")
        printf ',\n  {\n    "SPDXID": "%s",\n    "name": "%s",\n    "versionInfo": ' "$(id "$package")" "$package"
        text "$(field '${Version}' "$package")"
        printf ',\n    "supplier": '
        text "Organization: Debian ($(field '${Maintainer}' "$package"))"
        printf ',\n    "sourceInfo": '
        text "built from $source $(field '${source:Version}' "$package"); files: $(awk -v p="$package" \
            '$3 == p { printf "%s%s", n++ ? " " : "", $1 }' "$list")"
        printf ',\n    "downloadLocation": "NOASSERTION",\n    "filesAnalyzed": false,\n'
        local spdx
        spdx=$(licence "$source")
        printf '    "licenseConcluded": "%s",\n    "licenseDeclared": "%s",\n' "$spdx" "$spdx"
        printf '    "copyrightText": "NOASSERTION",\n'
        printf '    "externalRefs": [{ "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",\n'
        printf '      "referenceLocator": '
        # In a purl a plus and a colon are written as their numbers.
        local of
        of=$(field '${Version}' "$package")
        of=${of//+/%2B}
        text "pkg:deb/debian/${package//+/%2B}@${of//:/%3A}?arch=$(field '${Architecture}' "$package")"
        printf ' }]\n  }'
    done < <(cut -d ' ' -f 3 "$list" | uniq)
}

relationships() {
    local package kind name
    printf '  { "spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",'
    printf ' "relatedSpdxElement": "SPDXRef-Package-heeler" }'
    while read -r package; do
        kind=DEPENDS_ON
        for name in $(awk -v p="$package" '$3 == p { print $1 }' "$list"); do
            case $needed in *" $name "*) kind=DYNAMIC_LINK ;; esac
        done
        printf ',\n  { "spdxElementId": "SPDXRef-Package-heeler", "relationshipType": "%s",' "$kind"
        printf ' "relatedSpdxElement": "%s" }' "$(id "$package")"
    done < <(cut -d ' ' -f 3 "$list" | uniq)
}

# Before the first word is written, so that what fails leaves nothing behind.
all=$(packages)
related=$(relationships)
cat <<END
{
  "spdxVersion": "SPDX-2.3",
  "dataLicense": "CC0-1.0",
  "SPDXID": "SPDXRef-DOCUMENT",
  "name": "heeler-$version",
  "documentNamespace": "urn:heeler:spdx:$version:$revision",
  "creationInfo": { "created": "$created", "creators": ["Tool: heeler-spdx.sh"] },
  "packages": [
  {
    "SPDXID": "SPDXRef-Package-heeler",
    "name": "heeler",
    "versionInfo": "$version",
    "sourceInfo": "commit $revision",
    "supplier": "NOASSERTION",
    "downloadLocation": "NOASSERTION",
    "filesAnalyzed": false,
    "licenseConcluded": "Apache-2.0",
    "licenseDeclared": "Apache-2.0",
    "copyrightText": "NOASSERTION"
  }$all
  ],
  "relationships": [
$related
  ]
}
END
