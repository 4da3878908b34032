"""The quadrant chart of a framework laid out: where each label, sign and arrow stands, in the units of an SVG.

Pure arithmetic; what is drawn comes from `divergence.points`, the words from the caller.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from portal.text import is_wide
from recommendations.models import Rating

NEVER_FIRST = "，。、；：）》”’！？)],.;:"


@dataclass(frozen=True)
class Scale:
    """The measures of one drawing, in its own units."""

    name: str
    width: int
    left: int
    pad: int
    text: int  # sizes of type
    small: int
    lead: int  # from line to line
    gap: int  # between rows
    mark: float  # half the size of a sign


# The narrow one is as wide as the column of a screen of 320 px, so that its type is never set smaller than it says.
WIDE = Scale("wide", 1120, 48, 28, 19, 17, 26, 13, 6.5)
NARROW = Scale("narrow", 288, 22, 11, 14, 13, 18, 9, 5)
SIGNS = ("disc", "diamond", "square", "triangle")  # by the place of the assessor; all further ones share the last


@dataclass
class Entry:
    """One subject in one quadrant: its lines of text, and a sign for each assessor who puts it there."""

    subject: object
    places: list
    lines: list
    opposed: bool
    x: float = 0
    y: float = 0
    marks: list = field(default_factory=list)
    texts: list = field(default_factory=list)


def text_width(text, size):
    """Return about how wide a text is set: a Han character is a square, a Latin letter some three fifths of one."""
    return sum(1 if is_wide(char) else 0.58 for char in text) * size


def wrapped(text, width, size):
    """Return a text in lines no wider than `width`, broken between Han characters, Latin words and their parts."""
    words, done = [], []
    for char in text:
        glue = words and (char in NEVER_FIRST or not (is_wide(char) or is_wide(words[-1][-1]) or words[-1][-1] in " -"))
        if glue or char == " " and words:
            words[-1] += char
        else:
            words.append(char)
    for word in [piece for whole in words for piece in pieces(whole, width, size)]:
        if done and text_width(done[-1] + word.rstrip(), size) <= width:
            done[-1] += word
        else:
            done.append(word)
    return [line.strip() for line in done]


def pieces(word, width, size):
    """Yield a word, or, where it alone is wider than a line, as much of it as a line holds, with a hyphen."""
    while text_width(word.rstrip(), size) > width and len(word) > 2:
        cut = max(1, next(n for n in range(len(word), 0, -1) if n == 1 or text_width(word[:n], size) + size <= width))
        yield word[:cut] + ("" if is_wide(word[cut - 1]) else "-")
        word = word[cut:]
    yield word


def chart(placed, label, caption, axes, scale):
    """Lay out a quadrant chart: rows of labels inside quadrants, so that no two overlap.

    `placed` comes from `divergence.points`, `label(subject)` and `caption(up, across, n)` are words, `axes` the names
    of the two axes, upwards and across. Returns None without points. Rows of a subject that assessors place differently
    lie next to the middle line, so that their arrow stays short.
    """
    if not placed:
        return None
    used = {level for point in placed for level in point[2:]} | {"low", "high"}
    levels = [level for level in Rating.Level.values if level in used]
    column = (scale.width - scale.left - 1) / len(levels)
    quadrants = {}
    for up in levels:
        for across in levels:
            here = [(subject, place) for subject, place, u, a in placed if (u, a) == (up, across)]
            quadrants[up, across] = entries(here, placed, label, column, scale), here
    drawing = {"scale": scale, "left": scale.left, "top": 10, "columns": [], "bands": [], "captions": [], "entries": []}
    top = drawing["top"]
    least = (text_width(axes[0], scale.small) + 6 * scale.small) / len(levels)  # the name stands between two levels
    for up in reversed(levels):
        top = draw_band(drawing, up, levels, quadrants, caption, column, top, least)
    foot = top + scale.small + 8
    names = wrapped(axes[1], scale.width - scale.left - 1, scale.small)
    lead = scale.small + 6
    drawing |= {
        "bottom": top,
        "width": scale.width,
        "height": round(foot + len(names) * lead + 6, 1),
        "foot": round(foot, 1),
        "up": axes[0],
        "across": [{"y": round(foot + place * lead, 1), "text": name} for place, name in enumerate(names, start=1)],
        "axis_x": round(scale.left / 2, 1),
        "right": scale.width - 1,
        "inner_width": scale.width - 1 - scale.left,
        "inner_height": top - drawing["top"],
        "columns": [round(scale.left + column * place, 1) for place in range(1, len(levels))],
        "bands": drawing["bands"][:-1],  # the last one ends at the frame
        "middle_x": round((scale.left + scale.width - 1) / 2, 1),
        "middle_y": round((drawing["top"] + top) / 2, 1),
        "arrows": arrows(drawing["entries"], scale),
    }
    return drawing


def entries(here, placed, label, column, scale):
    """Return the entries of one quadrant, in the order of the table."""
    cells_of = defaultdict(set)
    for subject, _place, up, across in placed:
        cells_of[subject.pk].add((up, across))
    found = {}
    for subject, place in here:
        if subject.pk not in found:
            found[subject.pk] = Entry(subject, [], [], len(cells_of[subject.pk]) > 1)
        found[subject.pk].places.append(place)
    for entry in found.values():
        room = column - scale.pad * 1.4 - sign_room(entry, scale)
        entry.lines = wrapped(label(entry.subject), room, scale.text)
    return list(found.values())


def sign_room(entry, scale):
    return len(entry.places) * (scale.mark * 2 + 5)


def draw_band(drawing, up, levels, quadrants, caption, column, top, least):
    """Place the quadrants of one level of the vertical axis under `top`; return where the band ends.

    It is `least` high or higher.
    """
    scale = drawing["scale"]
    last = up == levels[0]
    texts = {}
    for across in levels:
        words = caption(up, across, len(quadrants[up, across][0]))
        texts[across] = wrapped(words, column - 2 * scale.pad * 0.6, scale.small)
    head = max(len(lines) for lines in texts.values()) * (scale.small + 5) + 12 + scale.gap / 2
    rows = {across: quadrants[up, across][0] for across in levels}
    tall = max(sum(row_height(entry, scale) for entry in found) for found in rows.values())
    end = round(top + max(least, head + max(tall, scale.lead * 2) + scale.gap * 2), 1)
    for place, across in enumerate(levels):
        left = drawing["left"] + column * place
        first = end - 8 - (len(texts[across]) - 1) * (scale.small + 5) if last else top + scale.small + 8
        drawing["captions"] += [
            {"x": round(left + scale.pad * 0.6, 1), "y": round(first + i * (scale.small + 5), 1), "text": text}
            for i, text in enumerate(texts[across])
        ]
        draw_rows(rows[across], left, top + (scale.gap if last else head), end - scale.gap, last, scale)
        drawing["entries"] += rows[across]
    drawing["bands"].append(end)
    return end


def draw_rows(found, left, top, end, last, scale):
    """Give the entries of a quadrant their places: opposed ones next to the middle line."""
    calm = [entry for entry in found if not entry.opposed]
    opposed = [entry for entry in found if entry.opposed]
    y = top
    for entry in opposed + calm if last else calm:
        y = draw_entry(entry, left, y, scale)
    if not last:
        y = end - sum(row_height(entry, scale) for entry in opposed)
        for entry in opposed:
            y = draw_entry(entry, left, y, scale)


def row_height(entry, scale):
    return len(entry.lines) * scale.lead + scale.gap


def draw_entry(entry, left, y, scale):
    entry.x, entry.y = round(left + scale.pad, 1), round(y + scale.lead / 2, 1)
    for i, place in enumerate(entry.places):
        x = entry.x + i * (scale.mark * 2 + 5)
        entry.marks.append(sign(place, x, entry.y, scale.mark))
    x = round(entry.x - scale.mark + sign_room(entry, scale) + 3, 1)
    for i, line in enumerate(entry.lines):
        entry.texts.append({"x": x, "y": round(entry.y + scale.text * 0.36 + i * scale.lead, 1), "text": line})
    return y + row_height(entry, scale)


def sign(place, x, y, size):
    """Return the sign of an assessor by its place: a filled disc for the first, an empty shape for each other."""
    shape, r = SIGNS[min(place, len(SIGNS) - 1)], size + 1
    paths = {
        "disc": "",
        "diamond": f"M{x:.1f} {y - r:.1f}l{r} {r}l-{r} {r}l-{r} -{r}z",
        "square": f"M{x - size:.1f} {y - size:.1f}h{2 * size}v{2 * size}h-{2 * size}z",
        "triangle": f"M{x:.1f} {y - size:.1f}l{size} {2 * size}h-{2 * size}z",
    }
    return {"shape": shape, "x": round(x, 1), "y": y, "r": size, "path": paths[shape]}


def arrows(found, scale):
    """Return arrows for each subject that assessors place differently, from the first of them to each other place."""
    drawn, opposed = [], defaultdict(list)
    for entry in found:
        if entry.opposed:
            opposed[entry.subject.pk].append(entry)
    for places in opposed.values():
        start, *others = sorted(places, key=lambda entry: min(entry.places))
        drawn += [arrow(start, end, scale) for end in others]
    return drawn


def arrow(start, end, scale):
    last = start.texts[0 if end.y < start.y else -1]
    x1, y1 = last["x"] + text_width(last["text"], scale.text) + 6, last["y"] - scale.text * 0.36
    x2, y2 = end.x, end.y
    if end.x <= start.x:  # straight below or above, or to the left: leave from the sign
        x1, y1 = start.x, start.y + (scale.mark + 4) * (1 if end.y > start.y else -1)
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5 or 1
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    tip = (x2 - ux * (scale.mark + 6), y2 - uy * (scale.mark + 6))
    size = scale.mark * 1.6
    base = (tip[0] - ux * size, tip[1] - uy * size)
    side = (-uy * size * 0.45, ux * size * 0.45)
    corners = [tip, (base[0] + side[0], base[1] + side[1]), (base[0] - side[0], base[1] - side[1])]
    head = "L".join(f"{x:.1f} {y:.1f}" for x, y in corners)
    return {"line": f"M{x1:.1f} {y1:.1f}L{base[0]:.1f} {base[1]:.1f}", "head": f"M{head}z"}
