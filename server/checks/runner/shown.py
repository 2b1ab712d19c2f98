"""server/checks/runner/shown.py: text of strangers, as a terminal or a log may get it.

What a check says comes from databases and networks, and a terminal obeys more than ESC: control
characters, characters of format that turn or hide the text around them, ends of lines. Those are
shown as escapes; the rest stands for itself, whatever its script. As config/shown.h. Pure.
"""

import unicodedata

HIDDEN = {"Cc", "Cf", "Zl", "Zp", "Cs"}


def shown(text):
    """The text in one line; nothing of it is interpreted, and a backslash stands for itself."""
    text = str(text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown_character, text))


def shown_lines(text):
    """The same for several lines: ends of lines stay, as a traceback has them."""
    return "\n".join(shown(line) for line in str(text).split("\n"))


def cut(text, length):
    """At most so many characters; what was longer ends in "..."."""
    return text if len(text) <= length else text[:max(length - 3, 0)] + "..."[:length]


def _shown_character(character):
    if character == "\n":
        return "\\n"
    if unicodedata.category(character) not in HIDDEN:
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"
                   if "\udc80" <= character <= "\udcff" else "surrogatepass"))
