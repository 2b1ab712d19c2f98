"""offered/datadog_checks/base/checks/_secrets.py: words of a check that no text may show."""

MASK = "********"


class Secrets:
    """Given to register_secret(), replaced in errors and in messages of service checks."""

    def __init__(self):
        self.words = []

    def add(self, word):
        """The longest come first, so that a part of one does not hide the rest of it."""
        if word and word not in self.words:
            self.words = sorted([*self.words, word], key=len, reverse=True)

    def hidden_in(self, text):
        for word in self.words:
            text = text.replace(word, MASK)
        return text
