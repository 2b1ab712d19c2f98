#!/bin/bash
# The front door: README.md is short, its links and those of docs/ lead somewhere, and
# the tables of settings, metrics and commands are the program's own (`make docs` writes them).
#   check_readme.sh PROGRAM
set -eu
program=$1
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
bad=0

complain() {
    echo "$*"
    bad=1
}

[ "$(wc -c <README.md)" -le 12288 ] || complain "README.md has more than 12,288 bytes"
[ "$(cat docs/*.png | wc -c)" -le 204800 ] || complain "the pictures have more than 200 KiB: make page-pictures"

# check_table PAGE NAME PATTERN: rows with the pattern stand in it, and all as they should.
sh tests/tools/tables.sh "$program" "$made" docs/{settings,commands,questions,lines,metrics}.md
check_table() {
    for marker in "<!-- $2 -->" "<!-- /$2 -->"; do
        grep -qxF "$marker" "$1" || complain "$1 has no line $marker"
    done
    # Standing alone, an empty answer of the program would be an empty table.
    grep -q "$3" "$made/${1##*/}" || complain "the program has no row like $3"
    diff "$1" "$made/${1##*/}" || complain "$1 and the program differ (< page, > program): run make docs"
}
check_table docs/settings.md options '^| `heeler_.*` | `DD_HEELER_'
check_table docs/commands.md commands '^## heeler run$'
check_table docs/questions.md functions '^| `ewma_{3,5,7,10,20}(query)` |'
check_table docs/lines.md lint '^| `refused` |'
check_table docs/metrics.md metrics '^| `heeler_.*_total` | counter '

# anchors PAGE: what a link to a heading of it may have behind the #.
anchors() {
    sed -n 's/^#\{1,6\} //p' "$1" | tr 'A-Z ' 'a-z-' | sed 's/[^a-z0-9_-]//g'
}
declare -A anchors_of

# CHANGELOG.md tells of pages as they were.
pages="README.md CONTRIBUTING.md SECURITY.md $(find docs bench protocol flush server tests packaging -name '*.md' \
    -not -path '*/node_modules/*')"
# shellcheck disable=SC2086 # words
awk '{ gsub(/`[^`]*`/, "")
       while (match($0, /\]\([^)]*\)/)) {
           print FILENAME, substr($0, RSTART + 2, RLENGTH - 3)
           $0 = substr($0, RSTART + RLENGTH)
       } }' $pages >"$made/links"
[ "$(wc -l <"$made/links")" -gt 100 ] || complain "the pages have no links"
while read -r page link; do
    case $link in http*) continue ;; esac
    file=${link%%#*}
    target=$page
    [ -z "$file" ] || target=${page%"${page##*/}"}$file
    [ -e "$target" ] || { complain "$page: $link leads nowhere"; continue; }
    case $link in *'#'*) ;; *) continue ;; esac
    [ -n "${anchors_of[$target]-}" ] || anchors_of[$target]=" $(anchors "$target" | tr '\n' ' ')"
    case ${anchors_of[$target]} in *" ${link#*#} "*) ;; *) complain "$page: $link: no such heading" ;; esac
done <"$made/links"
# Each folder has a row where the folders are shown.
sed -n 's/^| `\([a-z/]*\)\/` |.*/\1/p' docs/design.md >"$made/shown"
missing=$({ printf '%s\n' config protocol flush server chart calendar
    find flush server -mindepth 1 -type d -not -path 'server/checks/*'; } | grep -vxFf "$made/shown") || true
[ -z "$missing" ] || complain "docs/design.md does not show $missing"

# What a message and a monitor may have has a row, or is named as one that means nothing.
sed -n 's/^    { "\([a-z_]*\)", [a-z_]* },.*/\1/p' flush/monitors/template_values.c flush/monitors/monitor_options.c >"$made/names"
[ "$(wc -l <"$made/names")" -gt 50 ] || complain "flush/monitors/ has no tables of variables, blocks and options"
missing=$(awk 'NR == FNR { page = page $0 "\n"; next } page !~ "[`{#]" $0 "[`} ]"' docs/monitors.md "$made/names")
[ -z "$missing" ] || complain "docs/monitors.md does not tell of $missing"

# What the pages name is there.
for file in $(grep -ohE '`(config|protocol|flush|server|chart|tests|bench)/[a-z_/]+\.(c|h|sh)`' \
    CONTRIBUTING.md ./*/README.md docs/*.md | tr -d '`' | sort -u); do
    [ -e "$file" ] || complain "$file is named, and is not there"
done
sed -n '/^| to add /,/^$/p' CONTRIBUTING.md | grep -oE '`[A-Z]+_?[A-Z_]+`' | tr -d '`' | sort -u >"$made/tables"
grep -rohwFf "$made/tables" --include='*.h' --include='*.c' config protocol flush server | sort -u >"$made/there"
missing=$(comm -23 "$made/tables" "$made/there")
[ -z "$missing" ] || complain "CONTRIBUTING.md speaks of $missing, and there is none"
exit $bad
