#!/usr/bin/python3
"""tests/checks/run.py: runs the tests of the checks, each file in a process of its own.

  run.py [NAME...]      NAMEs choose among the files: test_NAME.py

Three times as many at once as there are processors, as most of what they do is wait; those that
wait longest begin. It shows what failed and how long each took, and closes with "N passed, M
failed" alone on a line. It leaves no compiled file behind.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
FIRST = ("end_to_end", "deployed", "whole", "databases", "postgres", "mysql", "supervisor", "model")


def files(names):
    found = [path for path in sorted(HERE.rglob("test_*.py"))
             if not names or path.stem.removeprefix("test_") in names]
    return sorted(found, key=lambda path: not path.stem.removeprefix("test_").startswith(FIRST))


def run(path):
    """Its name, how many tests passed, failed and were skipped, the seconds, and what it said."""
    module = ".".join(path.relative_to(TOP).with_suffix("").parts)
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-B", "-m", "unittest", module], cwd=TOP, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    ran = re.search(r"^Ran (\d+) tests? in", done.stdout, re.M)
    count = {word: int(number) for word, number in re.findall(
        r"(failures|errors|skipped|unexpected successes)=(\d+)", done.stdout.splitlines()[-1])}
    skipped = count.pop("skipped", 0)
    bad = sum(count.values())
    if done.returncode != 0 or ran is None:
        bad = max(bad, 1)
    good = max(int(ran[1]) - skipped - bad, 0) if ran else 0
    return path.relative_to(HERE), good, bad, skipped, time.monotonic() - begin, done.stdout


def main():
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor((os.cpu_count() or 1) * 3) as pool:
        for path, good, bad, skipped, seconds, said in pool.map(run, files(sys.argv[1:])):
            word = "FAIL" if bad else "ok"
            besides = f", {skipped} skipped" if skipped else ""
            print(f"  {word:4}  {path} ({good}{besides}), {seconds:.1f} s", flush=True)
            if bad:
                print(said, flush=True)
            passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
