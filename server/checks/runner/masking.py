"""server/checks/runner/masking.py: what must not be read in a log or a status.

An instance's yaml holds passwords, and drivers like to repeat them in their errors. Whatever is
told of an instance goes through its Mask first: values under keys that sound like a secret, and
the password of any address "scheme://user:password@host". Pure; a Mask lives as long as its
instance.
"""

import re

SECRET_KEY = re.compile(
    r"(^|_)pass(word|wd|phrase)?$|^pwd$|secret|token|(api|app|access|private|auth)_?key|credential"
    r"|connection_string|^dsn$|authorization|cookie", re.IGNORECASE)
# From the "://" on: to look for the scheme before it would take the square of a text's length.
ADDRESS = re.compile(r"(://[^\s:/@]*:)[^\s/@]+(?=@)")
SHOWN = "********"
MIN_LENGTH = 4   # a shorter secret is guessed sooner than read, and masking "a" spoils every text


class Mask:
    """The secrets of one instance."""

    def __init__(self, *documents):
        found = set()
        for document in documents:
            found.update(_secrets(document, False, 0))
        # The longest first, because one may be part of another.
        words = sorted(found, key=len, reverse=True)
        self.pattern = re.compile("|".join(map(re.escape, words))) if words else None

    def __call__(self, text):
        if self.pattern is not None:
            text = self.pattern.sub(SHOWN, text)
        return ADDRESS.sub(r"\1" + SHOWN, text)

    def texts(self, fields):
        """A copy of a dict, with its texts masked."""
        return {key: self(value) if isinstance(value, str) else value
                for key, value in fields.items()}


def _secrets(document, secret, depth):
    if depth > 20:
        return
    if isinstance(document, dict):
        for key, value in document.items():
            yield from _secrets(value, secret or bool(SECRET_KEY.search(str(key))), depth + 1)
    elif isinstance(document, list):
        for value in document:
            yield from _secrets(value, secret, depth + 1)
    elif secret and not isinstance(document, bool) and len(str(document)) >= MIN_LENGTH:
        yield str(document)
