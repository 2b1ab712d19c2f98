"""offered/datadog_checks/base/utils/containers.py: values that hash by what they hold. Pure."""


def freeze(value):
    """Lists, sets and maps as what cannot change any more. The order of a list does not count."""
    if isinstance(value, dict):
        return frozenset((key, freeze(part)) for key, part in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(sorted((freeze(part) for part in value), key=repr))
    return frozenset(value) if isinstance(value, set) else value


def hash_mutable(value):
    """Of this process only: texts hash differently in each."""
    return hash(freeze(value))


def iter_unique(*iterables):
    """Each different item of them once, in order."""
    seen = set()
    for iterable in iterables:
        for item in iterable:
            frozen = freeze(item)
            if frozen not in seen:
                seen.add(frozen)
                yield item
