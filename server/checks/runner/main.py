"""server/checks/runner/main.py: the command line, and what is started by it.

Exit status: 0, 1 when a check failed (--once) or a word is unknown, 78 when the settings
or a file are wrong, with a sentence on standard error.
"""

import argparse
import ctypes
import os
import resource
import sys
import time

from runner import listing, once, orphans
from runner.log import Log
from runner.loop import Loop
from runner.settings import SettingsError, settings_read
from runner.sink import Sink
from runner.starter import start
from runner.supervisor import Supervisor

PR_SET_DUMPABLE = 4
EXIT_USAGE, EXIT_CONFIG, EXIT_SIGINT = 1, 78, 130


def main(words):
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")   # a terminal that has not all characters
    try:
        return _main(words)
    except KeyboardInterrupt:
        return EXIT_SIGINT
    except _Unwritten as error:
        # What is not written yet goes nowhere; without a word, if a reader like "head" has gone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error.__cause__, BrokenPipeError):
            print(f"heeler-checks: standard output: {error.__cause__.strerror}", file=sys.stderr)
        return EXIT_USAGE


def _main(words):
    given = _arguments(words)
    _hide()
    try:
        settings = settings_read(given.settings_fd)
    except SettingsError as error:
        print(f"heeler-checks: {error}", file=sys.stderr)
        return EXIT_CONFIG
    log = Log(settings.log_level, bool(settings.agent.get("log_format_json")))
    if given.list:
        return listing.listing(settings, given.json, _Output())
    orphans.adopt()
    try:
        if given.once is not None:
            return once.once(settings, log, given.once, given.check_rate, given.json, _Output())
        return _supervise(settings, log)
    finally:
        orphans.end(())


def _supervise(settings, log):
    _raise_limit()
    try:
        sink = Sink(settings)
    except ValueError as error:
        print(f"heeler-checks: {error}", file=sys.stderr)
        return EXIT_CONFIG
    loop = Loop()
    loop.take_signals()
    log.info(f"heeler-checks {settings.version} with Python {sys.version.split()[0]}, "
             f"files in {settings.confd_path}")
    Supervisor(settings, log, sink, start, loop, time).run()
    return 0


def _hide():
    """The settings hold a key of the server, and checks run as the same user: without this they
    could read it in the memory of this process."""
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def _raise_limit():
    """Each instance takes some descriptors; children are given a limit of their own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 8192) if hard != resource.RLIM_INFINITY else 8192
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Unwritten(Exception):
    """Standard output did not take it; __cause__ says why."""


class _Output:
    """Standard output, whose errors are not taken for those of anything else."""

    def write(self, text):
        try:
            sys.stdout.write(text)
        except OSError as error:
            raise _Unwritten from error

    def flush(self):
        try:
            sys.stdout.flush()
        except OSError as error:
            raise _Unwritten from error


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(EXIT_USAGE, f"heeler-checks: {message}\n")


def _arguments(words):
    parser = _Parser(prog="heeler checks", allow_abbrev=False,
                     description="Runs checks in Python and sends what they report to the server.")
    parser.add_argument("--settings-fd", type=int, metavar="N", help=argparse.SUPPRESS)
    parser.add_argument("--once", metavar="NAME",
                        help="run this check once, without a server, and print what it reports")
    parser.add_argument("--check-rate", action="store_true",
                        help="with --once: run it twice, and print the second run")
    parser.add_argument("--list", action="store_true",
                        help="print checks, files, intervals and problems")
    parser.add_argument("--json", action="store_true", help="with --once or --list: as JSON")
    given = parser.parse_args(words)
    if given.settings_fd is None:
        parser.error("it is started by the command 'heeler checks', which gives it the settings")
    if given.once is not None and given.list:
        parser.error("--once and --list are two different things")
    if given.check_rate and given.once is None:
        parser.error("--check-rate goes with --once NAME")
    if given.json and given.once is None and not given.list:
        parser.error("--json goes with --once NAME or --list")
    return given
