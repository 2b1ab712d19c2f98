"""Results as bars: an SVG that reads on a light and on a dark page."""
from xml.sax.saxutils import escape

import results

LABEL, BARS, VALUE, STEP, BAR, HEAD = 150, 330, 150, 24, 15, 44
STYLE = """text { font: 13px system-ui, sans-serif; fill: #333 }
.head { font-weight: 600 }
.heeler { fill: #2f81f7 }
.bare { fill: none; stroke: #888; stroke-dasharray: 3 2 }
.other { fill: #999 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } }"""


def css(side):
    return side if side in ("heeler", "bare") else "other"


def panel(found, row, top):
    """One row: a bar for each side that has a figure. Returns the lines and where they end."""
    of_row = [one for one in found if one["row"] == row and "median" in one]
    most = max(one["median"] for one in of_row)
    better = "more is better" if of_row[0]["better"] == "more" else "less is better"
    head = f"{of_row[0]['what']}: {of_row[0]['unit']}, {better}"
    lines = [f'<text class="head" x="10" y="{top + 24}">{escape(head)}</text>']
    at = top + HEAD
    for one in of_row:
        width = max(2, round(BARS * one["median"] / most)) if most > 0 else 2
        value = ("at least " if one["at_least"] else "") + results.number(one["median"])
        name = "bare socket" if one["side"] == "bare" else one["side"]
        lines += [f'<text x="{LABEL - 8}" y="{at + 9}" text-anchor="end">{escape(name)}</text>',
                  f'<rect class="{css(one["side"])}" x="{LABEL}" y="{at - 3}" width="{width}" height="{BAR}"/>',
                  f'<text x="{LABEL + width + 8}" y="{at + 9}">{value}</text>']
        at += STEP
    return lines, at


def draw(found):
    """Each row that some side has a figure of, in the order in which they were measured."""
    lines, top = [], 0
    for row in results.rows_of([one for one in found if "median" in one]):
        more, top = panel(found, row, top)
        lines += more
    width, height = LABEL + BARS + VALUE, top + 10
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
                      f'width="{width}" height="{height}">', f"<style>{STYLE}</style>", *lines, "</svg>", ""])
