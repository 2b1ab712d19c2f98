"""server/checks/runner/starter.py: how the process of an instance is started."""

import os

from runner.process import Process, load_frame

CHECKS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def start(configured, settings):
    """A process that has been told what to load. OSError where there can be none."""
    process = Process()
    process.send(load_frame(configured, settings, code_folders(settings)))
    return process


def code_folders(settings):
    """Where modules are looked for, in this order: what checks are offered, which nothing may
    replace; the operator's; what came with the program."""
    own = [settings.additional_checksd] if settings.additional_checksd else []
    return [os.path.join(CHECKS, "offered"), *own, os.path.join(CHECKS, "integrations")]
