"""What a process keeps of what it has read, for as long as the corpus stays as it is."""


class Shelf:
    """Rows as they were told, {primary key: row} for each key: those of one version of the corpus, `most` at a time.

    Whoever asks names the version that was known before the rows were read, so that nothing here is older.
    """

    shelves = []  # all that there are

    def __init__(self, most):
        self.most = most
        self.clear()
        self.shelves.append(self)

    def clear(self):
        self.held = None, {}  # one value, so that no thread sees one half of it without the other

    def __call__(self, version, *key):
        known, rows = self.held
        if version != known or sum(map(len, rows.values())) > self.most:
            self.held = version, (rows := {})
        return rows.setdefault(key, {})


def clear():
    """Let go of everything, as tests do, in which versions come again."""
    for shelf in Shelf.shelves:
        shelf.clear()
