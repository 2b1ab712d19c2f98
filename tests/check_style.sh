#!/bin/sh
# What no compiler checks: every header opens with a comment that names it, words
# have one meaning, banners have one form, and nothing is left to be done.
set -eu
status=0

for header in $(find config protocol flush server chart calendar bench tests/support -name '*.h' -not -path '*/node_modules/*'); do
    read -r first <"$header"
    case $first in
    "/* $header: "*) ;;
    *)
        echo "$header:1: does not open with \"/* $header: what it is\""
        status=1
        ;;
    esac
done

# A context is a word of the domain; what a callback is called with is its argument.
if grep -rnE 'void \*context\b' --include='*.[ch]' config protocol flush server chart calendar bench tests; then
    echo 'what a callback is called with is named "argument"'
    status=1
fi

# See the words in CONTRIBUTING.md.
if grep -rnwE 'heir|legacy|predecessor' --include='*.[ch]' config protocol flush server chart calendar bench; then
    echo 'a "successor" goes on with what it "inherited"'
    status=1
fi

# "(void)a, (void)b;" stands in one line.
if ! find config protocol flush server chart calendar bench tests -name '*.[ch]' -not -path '*/node_modules/*' -exec awk '
    FNR == 1 { before = 0 }
    { now = /^ +\(void\)[a-z_]+;$/ }
    now && before { print FILENAME ":" FNR ": " $0; found = 1 }
    { before = now }
    END { exit found }' {} +; then
    echo 'parameters that are not used stand in one line: (void)a, (void)b;'
    status=1
fi

# What frees says "given". These three end something else than what they are called with.
if grep -rnE '^[a-z].*_(free|close|stop)\(struct [a-z_]+ \*' --include='*.h' \
    config protocol flush server chart calendar bench tests/support |
    grep -vE '\*given[,)]|rollup_close|window_close|transfers_stop'; then
    echo 'whoever frees names what it frees "given"'
    status=1
fi

# A banner stands between the parts of a file.
if ! find config protocol flush server chart calendar bench tests -name '*.[ch]' -not -path '*/node_modules/*' -exec awk '
    /^\/\* ?--/ && (!/^\/\* ---- [^-].* -+ \*\/$/ || length != 78) {
        print FILENAME ":" FNR ": " $0
        found = 1
    }
    END { exit found }' {} +; then
    echo 'a banner is "/* ---- subject ---...--- */", 78 characters wide'
    status=1
fi

# A file over 600 lines says why, and stands in CONTRIBUTING.md; no other file does.
long=$(find config protocol flush server chart calendar bench tests -name '*.[ch]' -not -path '*/node_modules/*' -exec awk '
    FNR == 601 { print FILENAME }' {} + | sort)
listed=$(sed -n '/^### Files over 600 lines/,/^## /s/^| `\([^`]*\)` .*/\1/p' CONTRIBUTING.md | sort)
if [ "$long" != "$listed" ]; then
    printf 'over 600 lines:\n%s\nbut in CONTRIBUTING.md:\n%s\n' "$long" "$listed"
    status=1
fi
for file in $long; do
    awk '/One subject: / { found = 1 } /\*\// { exit } END { exit !found }' "$file" && continue
    echo "$file: over 600 lines, and its opening comment has no \"One subject: ...\""
    status=1
done

# Written so that this script does not find itself. Data and corpora hold anything.
if grep -rnIwE 'TO''DO|FIX''ME|X''XX' --exclude-dir=node_modules --exclude-dir='corpus_*' \
    --exclude-dir=data --exclude-dir=.git --exclude-dir=build --exclude=package-lock.json .; then
    echo "finish it, or leave it out"
    status=1
fi
exit "$status"
