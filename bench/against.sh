#!/bin/sh
# The programs of another commit, built below build/against from what git has of it, so
# that neither this tree nor the list of worktrees changes. Prints where they are and
# which commit it is. BASE_CFLAGS are its compiler's flags.
#   against.sh COMMIT
set -eu
revision=$(git rev-parse --short "$1^{commit}")
tree=build/against/$revision
build=build/$(printf '%s' "${BASE_CFLAGS:-}" | cksum | cut -d ' ' -f 1)
if [ ! -d "$tree" ]; then
    mkdir -p build/against
    new=$(mktemp -d -p build/against)
    git archive "$revision" | tar -x -C "$new"
    mv "$new" "$tree"
fi
make -j"$(nproc)" --no-print-directory -C "$tree" B="$build" CFLAGS="${BASE_CFLAGS:--O2 -g}" \
    "$build/heeler" "$build/bench/bench_ingest" "$build/bench/bench_parse" "$build/bench/bench_aggregates" >&2
echo "$tree/$build $revision"
