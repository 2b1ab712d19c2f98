#!/bin/bash
# What the program, PROGRAM-chart and PROGRAM-calendar are linked with, as an SPDX document (2.3, JSON)
# on standard output: each library's Debian package with version, licence and who supplies it. Those
# that a program itself asks for are linked by it; the others come with these. The font of pictures
# and the time zones are there, too.
#   spdx.sh PROGRAM VERSION REVISION
# SOURCE_DATE_EPOCH is the time that stands in it.
set -euo pipefail
shopt -s inherit_errexit
program=$1
version=$2
revision=$3
here=${0%/*}
. "$here/parts.sh"

each=$(libraries "$program" "$program-chart" "$program-calendar")
{ echo "$each"; fonts; zones; } | sort -u -k3,3 -k1,1 >"$list"
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

own() { # NAME
    cat <<END
  {
    "SPDXID": "$(id "$1")",
    "name": "$1",
    "versionInfo": "$version",
    "sourceInfo": "commit $revision",
    "supplier": "NOASSERTION",
    "downloadLocation": "NOASSERTION",
    "filesAnalyzed": false,
    "licenseConcluded": "Apache-2.0",
    "licenseDeclared": "Apache-2.0",
    "copyrightText": "NOASSERTION"
  }
END
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

relationship() { # FROM KIND TO
    printf '  { "spdxElementId": "%s", "relationshipType": "%s", "relatedSpdxElement": "%s" }' "$@"
}

# relationships NAME PROGRAM: reads what it takes, "NAME PATH PACKAGE".
relationships() {
    local needed package kind
    needed=" $(objdump -p "$2" | awk '$1 == "NEEDED" { printf "%s ", $2 }')"
    relationship SPDXRef-DOCUMENT DESCRIBES "$(id "$1")"
    sort -k3,3 | awk -v needed="$needed" '
        !($3 in kind) { kind[$3] = "DEPENDS_ON" }
        index(needed, " " $1 " ") { kind[$3] = "DYNAMIC_LINK" }
        END { for (package in kind) print package, kind[package] }' | sort |
        while read -r package kind; do
            printf ',\n'
            relationship "$(id "$1")" "$kind" "$(id "$package")"
        done
}

# Before the first word is written, so that what fails leaves nothing behind.
all=$(packages)
of_heeler=$(libraries "$program" | relationships heeler "$program")
of_chart=$({ libraries "$program-chart"; fonts; } | relationships heeler-chart "$program-chart")
of_calendar=$({ libraries "$program-calendar"; zones; } | relationships heeler-calendar "$program-calendar")
cat <<END
{
  "spdxVersion": "SPDX-2.3",
  "dataLicense": "CC0-1.0",
  "SPDXID": "SPDXRef-DOCUMENT",
  "name": "heeler-$version",
  "documentNamespace": "urn:heeler:spdx:$version:$revision",
  "creationInfo": { "created": "$created", "creators": ["Tool: heeler-spdx.sh"] },
  "hasExtractedLicensingInfos": [
  { "licenseId": "LicenseRef-public-domain", "extractedText": "This database is in the public domain." }
  ],
  "packages": [
$(own heeler),
$(own heeler-chart),
$(own heeler-calendar)$all
  ],
  "relationships": [
$of_heeler,
$of_chart,
$of_calendar
  ]
}
END
