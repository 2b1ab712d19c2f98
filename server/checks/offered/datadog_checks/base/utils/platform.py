"""offered/datadog_checks/base/utils/platform.py: which system this is."""

import os
import sys


class Platform:
    """Asked of the class."""

    @staticmethod
    def is_linux(name=None):
        return (name or sys.platform).startswith("linux")

    @staticmethod
    def is_darwin(name=None):
        return "darwin" in (name or sys.platform)

    is_mac = is_darwin

    @staticmethod
    def is_freebsd(name=None):
        return (name or sys.platform).startswith("freebsd")

    @staticmethod
    def is_solaris(name=None):
        return (name or sys.platform).startswith("sunos")

    @staticmethod
    def is_windows(name=None):
        return (name or sys.platform) == "win32"

    is_win32 = is_windows

    @classmethod
    def is_unix(cls, name=None):
        return not cls.is_windows(name)

    @staticmethod
    def is_containerized():
        return os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv")

    python_version = sys.version_info[0]
