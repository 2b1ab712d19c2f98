#!/usr/bin/python3
"""tests/checks/flakes.py: pyflakes (Debian: python3-pyflakes) over files and folders.

What is found at a line with a comment "noqa" is meant so, as other such programs have it: above
all the names that a module of server/checks/offered has only so that checks can import them.
"""

import linecache
import re
import subprocess
import sys

PLACE = re.compile(r"(.+?):(\d+):")


def is_meant(message):
    place = PLACE.match(message)
    return place is not None and "# noqa" in linecache.getline(place[1], int(place[2]))


def main():
    done = subprocess.run([sys.executable, "-B", "-m", "pyflakes", *sys.argv[1:]], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    left = [message for message in done.stdout.splitlines() if not is_meant(message)]
    print("\n".join(left), end="\n" if left else "")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
