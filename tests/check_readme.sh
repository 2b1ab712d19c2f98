#!/bin/sh
# The front door: README.md is short, its links and those of docs/ lead somewhere, and
# the tables of settings, metrics and commands are the program's own (`make docs` writes them).
#   check_readme.sh PROGRAM
set -eu
program=$1
made=$(mktemp)
trap 'rm -f "$made"' EXIT
bad=0

complain() {
    echo "$*"
    bad=1
}

[ "$(wc -c <README.md)" -le 12288 ] || complain "README.md has more than 12,288 bytes"
[ "$(cat docs/*.png | wc -c)" -le 204800 ] || complain "the pictures have more than 200 KiB: make page-pictures"

# check_table PAGE NAME PATTERN: rows with the pattern stand in it, and all as they should.
check_table() {
    for marker in "<!-- $2 -->" "<!-- /$2 -->"; do
        grep -qxF "$marker" "$1" || complain "$1 has no line $marker"
    done
    sh tests/tools/tables.sh "$program" <"$1" >"$made"
    # Standing alone, an empty answer of the program would be an empty table.
    grep -q "$3" "$made" || complain "the program has no row like $3"
    diff "$1" "$made" || complain "$1 and the program differ (< page, > program): run make docs"
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

# CHANGELOG.md tells of pages as they were.
for page in README.md CONTRIBUTING.md SECURITY.md $(find docs bench protocol flush server tests packaging -name '*.md' \
    -not -path '*/node_modules/*'); do
    for link in $(sed 's/`[^`]*`//g' "$page" | grep -o '](\([^)]*\))' | sed 's/^](//; s/)$//'); do
        case $link in http*) continue ;; esac
        file=${link%%#*}
        target=$page
        [ -z "$file" ] || target=${page%"${page##*/}"}$file
        [ -e "$target" ] || { complain "$page: $link leads nowhere"; continue; }
        case $link in
        *'#'*) anchors "$target" | grep -qxF "${link#*#}" || complain "$page: $link: no such heading" ;;
        esac
    done
done
# Each folder has a row where the folders are shown.
for folder in config protocol flush server chart calendar $(find flush server -mindepth 1 -type d -not -path 'server/checks/*'); do
    grep -q "^| \`$folder/\` |" docs/design.md || complain "docs/design.md does not show $folder/"
done

# What a message and a monitor may have has a row, or is named as one that means nothing.
sed -n 's/^    { "\([a-z_]*\)", [a-z_]* },.*/\1/p' flush/monitors/template_values.c flush/monitors/monitor_options.c >"$made"
[ "$(wc -l <"$made")" -gt 50 ] || complain "flush/monitors/ has no tables of variables, blocks and options"
while read -r name; do
    grep -qE "[\`{#]$name[\`} ]" docs/monitors.md || complain "docs/monitors.md does not tell of $name"
done <"$made"

# What the pages name is there.
for file in $(grep -ohE '`(config|protocol|flush|server|chart|tests|bench)/[a-z_/]+\.(c|h|sh)`' \
    CONTRIBUTING.md ./*/README.md docs/*.md | tr -d '`' | sort -u); do
    [ -e "$file" ] || complain "$file is named, and is not there"
done
for table in $(sed -n '/^| to add /,/^$/p' CONTRIBUTING.md | grep -oE '`[A-Z]+_?[A-Z_]+`' | tr -d '`' | sort -u); do
    grep -rqw --include='*.h' --include='*.c' "$table" config protocol flush server ||
        complain "CONTRIBUTING.md speaks of $table, and there is none"
done
exit $bad
