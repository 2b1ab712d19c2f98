"""offered/containers.py: which containers are left out: none, as nobody here knows any."""


def is_excluded(name, image, namespace=""):
    return False
