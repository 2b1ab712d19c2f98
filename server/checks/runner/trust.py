"""server/checks/runner/trust.py: who may have written what the runner is about to believe.

A yaml with a password and a file of code are believed only when nobody but root and the runner's
own user can have written them: neither the file, nor a folder that its name leads through, up to
and with the root that was configured. What lies above the root is the affair of who configured it.

A symbolic link is looked at both ways: the link itself and the folder it lies in, and all that it
leads through; where it leaves the root that is every folder from "/" on. What is believed is what
the open descriptor says (fstat) and holds (read), so nobody can exchange a file in between.

Sentences name the path, what is wrong and, where it helps, the mode or the owner.
"""

import os
import stat

MAX_BYTES = 1 << 20
MAX_LINKS = 40
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


class Refused(Exception):
    """Not to be believed; str() is the sentence."""


def read(path, root, limit=MAX_BYTES):
    """The bytes of a file at or below the folder `root`. Refused; OSError where it cannot be read;
    a file of more bytes than `limit` is Refused, too."""
    folders(path, root)
    # Without O_NONBLOCK a pipe with a name would hold the runner up for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Refused(f"{path}: refused: it is no regular file")
        _believe(path, status, "it")
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise Refused(f"{path}: refused: it is larger than {limit} bytes")
    return data


def folder(path, root=None):
    """Refuses a folder (its root: the folder itself) that others may write."""
    folders(os.path.join(path, "."), path if root is None else root)


def folders(path, root):
    """Refuses a path that leads through folders or links that others may exchange."""
    path = os.path.abspath(path)
    pending = _names(path, os.path.abspath(root))
    root = place = os.path.realpath(root)
    links = 0
    _believe_folder(path, root, root)
    while pending:
        name = pending.pop(0)
        if name == "..":
            place = os.path.dirname(place)
            _believe_folder(path, place, root)
            continue
        found = os.path.join(place, name)
        status = os.lstat(found)
        if stat.S_ISLNK(status.st_mode):
            links += 1
            if links > MAX_LINKS:
                raise Refused(f"{path}: refused: it leads through more than {MAX_LINKS} links")
            _believe_owner(path, status, f"the link {found}")
            place, ahead = _target(os.readlink(found), place, root)
            pending = ahead + pending
            if place == "/":
                _believe_folder(path, place, root)
        elif pending or stat.S_ISDIR(status.st_mode):
            _believe_folder(path, found, root)
            place = found


def _names(path, root):
    """The names that lead from the root to the path."""
    if not _is_inside(path, root):
        raise Refused(f"{path}: refused: it does not lie in {root}")
    return _parts(path[len(root):])


def _target(target, place, root):
    """Where a link leads: the folder to go on from, and the names from there."""
    if not target.startswith("/"):
        return place, _parts(target)
    if _is_inside(target, root):
        return root, _parts(target[len(root):])
    return "/", _parts(target)


def _parts(path):
    return [name for name in path.split("/") if name not in ("", ".")]


def _believe_folder(path, place, root):
    """In a folder of the way nobody else may put or exchange names.

    Two folders are as good as closed. Where the file system is mounted read-only (as Kubernetes
    mounts a ConfigMap, whose topmost folder has mode 0777), nobody writes. And outside of the root
    a sticky folder, like /tmp, lets nobody exchange what is root's or ours.
    """
    status = os.stat(place)
    what = f"the folder {place}" if place != path else "it"
    if not stat.S_ISDIR(status.st_mode):
        raise Refused(f"{path}: refused: {place} is no folder")
    _believe_owner(path, status, what)
    if not status.st_mode & OTHERS_MAY_WRITE:
        return
    if status.st_mode & stat.S_ISVTX and not _is_inside(place, root):
        return
    if os.statvfs(place).f_flag & os.ST_RDONLY:
        return
    _believe(path, status, what)


def _believe(path, status, what):
    _believe_owner(path, status, what)
    if status.st_mode & OTHERS_MAY_WRITE:
        who = "others" if status.st_mode & stat.S_IWOTH else "its group"
        raise Refused(f"{path}: refused: {who} may write {what} "
                      f"(mode {stat.S_IMODE(status.st_mode):04o})")


def _believe_owner(path, status, what):
    if status.st_uid not in (0, os.geteuid()):
        raise Refused(f"{path}: refused: {what} belongs to user {status.st_uid}, "
                      "neither root nor the user of the runner")


def _is_inside(place, root):
    return place == root or place.startswith(root.rstrip("/") + "/")
