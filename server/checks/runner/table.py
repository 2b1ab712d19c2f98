"""server/checks/runner/table.py: rows of text → columns for a terminal. Pure."""

from runner.shown import cut, shown

MAX_COLUMN = 80


def table(heads, rows, indent=""):
    """Lines with their ends. The last column is as long as it likes; no other goes over 80."""
    cells = [[shown(cell) for cell in row] for row in [heads, *rows]]
    for row in cells:
        row[:-1] = [cut(cell, MAX_COLUMN) for cell in row[:-1]]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in cells]
    return "".join(indent + line.rstrip() + "\n" for line in lines)
