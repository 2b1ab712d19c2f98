#!/bin/bash
# What the program, PROGRAM-chart and PROGRAM-calendar are linked with, as an SPDX document (2.3, JSON)
# on standard output: each library's Debian package with version, licence and who supplies it. Those
# that a program itself asks for are linked by it; the others come with these. The font of pictures
# and the time zones are there, too, and heeler-checks, which is linked with nothing: the system's
# Python runs it.
#   spdx.sh PROGRAM VERSION REVISION
# SOURCE_DATE_EPOCH is the time that stands in it.
set -euo pipefail
shopt -s inherit_errexit
program=$1
version=$2
revision=$3
here=${0%/*}
. "$here/parts.sh"

of_heeler=$(libraries "$program")
of_chart=$(libraries "$program-chart"; fonts)
of_calendar=$(libraries "$program-calendar"; zones)
printf '%s\n' "$of_heeler" "$of_chart" "$of_calendar" | sort -u -k3,3 -k1,1 >"$list"
created=$(date -u -d "@${SOURCE_DATE_EPOCH:-0}" +%Y-%m-%dT%H:%M:%SZ)

# text STRING: as JSON has it. Names and addresses have no other bytes that need it.
text() {
    local text=${1//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}

# Of each source its row of the table, and of each package its files.
declare -A licence files
while read -r source spdx; do
    licence[$source]=$spdx
done <"$here/licences"
while read -r file _ package; do
    files[$package]+="${files[$package]:+ }$file"
done <"$list"

# said PACKAGE...: a line each of what dpkg knows, asked once for all, as it reads the whole of it each time.
# A package that is here for two processors has two, of which the first counts.
said() {
    dpkg-query -W -f '${Package}\t${Version}\t${Maintainer}\t${source:Package}\t${source:Version}\t${Architecture}\n' "$@" |
        sort -u -k1,1
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
    local package of maintainer source of_source processor spdx
    while IFS=$'\t' read -r package of maintainer source of_source processor; do
        spdx=${licence[$source]-}
        [ -n "$spdx" ] || { echo "packaging/licences has no row for $source" >&2; return 1; }
        printf ',\n  {\n    "SPDXID": "%s",\n    "name": "%s",\n    "versionInfo": ' "$(id "$package")" "$package"
        text "$of"
        printf ',\n    "supplier": '
        text "Organization: Debian ($maintainer)"
        printf ',\n    "sourceInfo": '
        text "built from $source $of_source; files: ${files[$package]}"
        printf ',\n    "downloadLocation": "NOASSERTION",\n    "filesAnalyzed": false,\n'
        printf '    "licenseConcluded": "%s",\n    "licenseDeclared": "%s",\n' "$spdx" "$spdx"
        printf '    "copyrightText": "NOASSERTION",\n'
        printf '    "externalRefs": [{ "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",\n'
        printf '      "referenceLocator": '
        # In a purl a plus and a colon are written as their numbers.
        of=${of//+/%2B}
        text "pkg:deb/debian/${package//+/%2B}@${of//:/%3A}?arch=$processor"
        printf ' }]\n  }'
    done <<<"$known"
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
known=$(said $(cut -d ' ' -f 3 "$list" | uniq))
all=$(packages)
related_to_heeler=$(relationships heeler "$program" <<<"$of_heeler")
related_to_chart=$(relationships heeler-chart "$program-chart" <<<"$of_chart")
related_to_calendar=$(relationships heeler-calendar "$program-calendar" <<<"$of_calendar")
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
$(own heeler-calendar),
$(own heeler-checks)$all
  ],
  "relationships": [
$related_to_heeler,
$related_to_chart,
$related_to_calendar,
$(relationship SPDXRef-DOCUMENT DESCRIBES "$(id heeler-checks)")
  ]
}
END
