# For scripts that mount something: they run once more in a mount namespace of their own, which
# takes along what was mounted. To be read first of all. A machine that gives no namespaces is
# none of our faults: the test is skipped.
if [ -z "${HEELER_APART-}" ]; then
    export HEELER_APART=1
    for namespace in -m -Urm; do
        ! unshare "$namespace" true 2>/dev/null || exec unshare "$namespace" bash "$0" "$@"
    done
    echo "skipped: no mount namespace is to be had here"
    exit 0
fi
