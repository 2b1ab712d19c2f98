#!/bin/bash
# Every row of tests/data/reported.jsonl, what people reported of servers of this
# kind, is named by the test that holds it.
failed=0
while read -r id; do
    grep -rqw "$id" --include='*.c' --include='check_*.sh' --exclude=check_reported.sh tests || {
        echo "no test names $id"
        failed=1
    }
done < <(grep -o '"id": "[^"]*"' tests/data/reported.jsonl | cut -d'"' -f4)
exit $failed
