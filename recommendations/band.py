"""The timeline drawn: where each year, mark and label of a band of events stands, in the units of an SVG.

Pure arithmetic on events already fetched. A year is as wide as any other; stretches without an event are folded.
Happenings stand above the strip of years, goals below it, each as wide as the time that its date leaves open.
"""

import math
from calendar import isleap
from collections import Counter
from dataclasses import dataclass, field
from datetime import MAXYEAR, date

from django.utils.translation import gettext, ngettext

from portal.text import joined, listed, number
from recommendations.drawing import text_width

FOLD = 3  # so many years without an event, and more, are folded
FOLDED = 0.8  # the width of a fold, in years
FEWEST = 5  # years drawn, so that the bar of one year does not fill the page
MOST_NAMED = 2  # years named as those with most events
AIR = 1.5  # between two marks of one row
REACH = 6  # lines that a label may stand away from its mark


@dataclass(frozen=True)
class Scale:
    """The measures of one drawing, in its own units."""

    name: str
    width: int
    side: int  # left and right of the years, for marks that are wider than their time
    pitch: float  # from row to row
    height: int  # of all rows of happenings, which lie closer where there are more
    strip: int  # of the years
    text: int  # size of type
    lead: int  # from line to line of labels
    least: float  # width of the shortest stretch of time
    day: float  # width of a day
    labels: int  # how many events are named at most


# The narrow one is as wide as the column of a screen of 320 px, so that its type is never set smaller than it says.
WIDE = Scale("wide", 920, 6, 9, 330, 26, 14, 20, 4, 2, 16)
NARROW = Scale("narrow", 288, 5, 7, 260, 26, 13, 19, 3, 1.6, 4)


@dataclass
class Mark:
    """An event on the band: its kind (year, month, day, span or goal) and the room from x to x + width in its row."""

    event: object
    kind: str
    x: float
    width: float
    row: int = 0
    y: float = 0
    path: str = ""


@dataclass
class Years:
    """The years that are drawn and where: {year: x}, folds included."""

    left: dict
    unit: float
    folds: list = field(default_factory=list)

    def at(self, day, share=0):
        """Return the x of a day, or of a share of it that has passed."""
        length = 366 if isleap(day.year) else 365
        return self.left[day.year] + self.unit * (day.timetuple().tm_yday - 1 + share) / length


def band(events, label, scale):
    """Lay out the dated events as a band; None where none is dated. `label(event)` are words.

    The order of `events` has no meaning. No two marks of one row overlap, no label overlaps a mark or another label,
    and everything stands inside the frame.
    """
    dated = sorted((event for event in events if event.date), key=lambda event: (event.date, event.slug))
    if not dated:
        return None
    years = laid(drawn_years(dated), scale)
    happenings = rows_of([mark(event, years, scale) for event in dated if not event.target])
    goals = rows_of([mark(event, years, scale) for event in dated if event.target])
    rows = max((one.row for one in happenings), default=-1) + 1
    pitch = min(scale.pitch, scale.height / max(rows, 1))
    above = room(happenings, rows * pitch, scale)
    top, foot = above + 4, above + 4 + scale.strip
    below = room(goals, (max((one.row for one in goals), default=-1) + 1) * goal_pitch(scale), scale)
    for one in happenings:
        one.y = top - 3 - (one.row + 1) * pitch
        draw(one, pitch)
    for one in goals:
        one.y = foot + 4 + one.row * goal_pitch(scale)
        draw(one, goal_pitch(scale))
    named = labels(happenings, label, scale, pitch, 1, top - 2)
    named += labels(goals, label, scale, goal_pitch(scale), foot + 2, foot + 4 + below)
    rise = min([top - 8, *(one.y for one in happenings), *(one["y"] - scale.lead for one in named)])
    fall = max([foot, *(one.y + goal_pitch(scale) for one in goals), *(one["y"] + 6 for one in named)])
    return {
        "scale": scale,
        "width": scale.width,
        "rise": math.floor(rise),
        "depth": math.ceil(fall) - math.floor(rise),
        "top": round(top, 1),
        "years": named_years(dated, years, scale, top),
        "axis": axis(years, top),
        "ticks": ticks(years, top),
        "folds": folds(years, top),
        "marks": happenings + goals,
        "labels": named,
    }


def drawn_years(dated):
    """Return the years to draw, in order: those in which something begins or ends, and what is too short to fold."""
    wanted = {int(day[:4]) for event in dated for day in (event.date, event.date_end) if day}
    found = []
    for year in sorted(wanted):
        if found and year - found[-1] <= FOLD:
            found += range(found[-1] + 1, year)
        found.append(year)
    while len(found) < FEWEST:
        later = found[-1] + 1 if found[-1] < MAXYEAR else None
        earlier = found[0] - 1 if found[0] > 1 else None
        found = [*([earlier] if earlier else []), *found, *([later] if later else [])]
    return found


def laid(wanted, scale):
    """Return the Years of these: one after another, a fold where some are left out."""
    folded = [year for before, year in zip(wanted, wanted[1:], strict=False) if year - before > 1]
    unit = (scale.width - 2 * scale.side) / (len(wanted) + FOLDED * len(folded))
    years, x = Years({}, unit), scale.side
    for year in wanted:
        if year in folded:
            years.folds.append(x + FOLDED * unit / 2)
            x += FOLDED * unit
        years.left[year] = x
        x += unit
    return years


def first_day(day):
    """Return the first day of a partial date."""
    return date(*(*map(int, day.split("-")), 1, 1)[:3])


def end_of(day, years):
    """Return the x at which a partial date ends."""
    parts = [int(part) for part in day.split("-")]
    if len(parts) == 1 or parts[1:] == [12]:
        return years.left[parts[0]] + years.unit
    return years.at(date(parts[0], parts[1] + 1, 1)) if len(parts) == 2 else years.at(date(*parts), 1)


def mark(event, years, scale):
    """Return the mark of a dated event, not yet in a row."""
    start, end = years.at(first_day(event.date)), end_of(event.date_end or event.date, years)
    if event.target:
        size = scale.pitch + 2
        middle = (years.at(first_day(event.date_end or event.date)) + end) / 2
        x, width = middle - size / 2, size
        if event.date_end and start < x:
            x, width = start, middle + size / 2 - start
        kind = "goal"
    else:
        kind = "span" if event.date_end else ("year", "month", "day")[event.date.count("-")]
        least = scale.day if kind == "day" else scale.least
        gap = AIR if kind in ("year", "span") and years.unit > 3 * AIR else 0
        x, width = start + gap / 2, max(least, end - start - gap)
        if kind == "day":  # wide as a day may be, a tick is a tick
            x, width = (start + end - least) / 2, least
    return Mark(event, kind, x, width)


def rows_of(marks):
    """Give each mark the first row, counted from the strip of years, where it has room; return them as they came.

    What lasts comes first, so it lies nearest to the years; then all else. Each of the two goes from left to right, so
    that of its own kind only the last mark of a row can be in the way.
    """
    air = AIR * 0.9  # neighbouring years stand exactly AIR apart, give or take what arithmetic loses
    lasting, ends = [], []  # by row: the stretches that last, and where the last other mark ends
    for one in sorted(marks, key=lambda mark: (mark.kind != "span", mark.x, -mark.width)):
        end = one.x + one.width + air
        for row, stretches in enumerate(lasting):
            if ends[row] <= one.x and all(right <= one.x or end <= left for left, right in stretches):
                break
        else:
            row = len(lasting)
            lasting.append([])
            ends.append(-air)
        one.row = row
        if one.kind == "span":
            lasting[row].append((one.x, end))
        else:
            ends[row] = end
    return marks


def goal_pitch(scale):
    return scale.pitch + 6


def room(marks, needed, scale):
    """Return the height for rows of marks and for the lines of their labels; nothing where there are none."""
    if not marks:
        return 0
    return max(needed, scale.lead * min(REACH, len(marks))) + scale.lead * 0.5


def draw(one, pitch):
    """Give a mark its shape: a bar as long as its time, a tick for a day, a bar with ends, a diamond for a goal."""
    x, y, width, end = one.x, one.y, one.width, one.x + one.width
    if one.kind == "goal":
        size = min(width, pitch - 4)
        middle, r = y + pitch / 2, size / 2
        stem = f"M{x:.1f} {middle:.1f}H{end - size:.1f}" if width > size + 0.1 else ""
        one.path = f"{stem}M{end - size:.1f} {middle:.1f}l{r:.2f} {r:.2f}l{r:.2f} -{r:.2f}l-{r:.2f} -{r:.2f}z"
    elif one.kind == "span":
        high, thin, cap = pitch * 0.8, max(pitch * 0.22, 0.4), min(1.5, width / 3)
        top = y + (pitch - high) / 2
        one.path = (
            f"M{x:.1f} {top:.2f}h{cap:.1f}v{(high - thin) / 2:.2f}H{end - cap:.1f}v-{(high - thin) / 2:.2f}h{cap:.1f}"
            f"v{high:.2f}h-{cap:.1f}v-{(high - thin) / 2:.2f}H{x + cap:.1f}v{(high - thin) / 2:.2f}h-{cap:.1f}z"
        )
    else:
        high = pitch * (0.88 if one.kind == "day" else 0.6)
        one.path = f"M{x:.1f} {y + (pitch - high) / 2:.2f}h{width:.2f}v{high:.2f}h-{width:.2f}z"


def axis(years, y):
    """Return the line along the years, broken at the folds."""
    path, end = "", None
    for x in years.left.values():
        path += "" if end == round(x, 1) else f"M{x:.1f} {y:.1f}"
        end = round(x + years.unit, 1)
        path += f"H{end:.1f}"
    return path


def folds(years, y):
    """Return the signs of the folds: two strokes across the line, no wider than the fold."""
    r = min(1, FOLDED * years.unit / 12)
    return "".join(f"M{x - 5 * r:.1f} {y + 4.5:.1f}l{4 * r:.1f} -9m{2 * r:.1f} 9l{4 * r:.1f} -9" for x in years.folds)


def ticks(years, top):
    """Return the ticks at which years begin and end; of months too, where there is room for them."""
    ends = {round(x + share, 1) for x in years.left.values() for share in (0, years.unit)}
    path = "".join(f"M{x:.1f} {top:.1f}v5" for x in sorted(ends))
    if years.unit < 120:
        return path
    months = [years.at(date(year, month, 1)) for year in years.left for month in range(2, 13)]
    return path + "".join(f"M{x:.1f} {top:.1f}v2.5" for x in months)


def named_years(dated, years, scale, top):
    """Return the years that have room for their figures, those with most events first: [{x, y, left, width, …}].

    Each knows whether happenings stand under it in the list (`listed`); else its goals do.
    """
    happenings = Counter(int(event.date[:4]) for event in dated if not event.target)
    goals = Counter(int(event.date[:4]) for event in dated if event.target)
    found = []
    for year in sorted({*happenings, *goals}, key=lambda year: (-happenings[year] - goals[year], year)):
        width = text_width(f"{year}", scale.text) + 4
        middle = min(max(years.left[year] + years.unit / 2, width / 2), scale.width - width / 2)
        left = middle - width / 2
        if all(left >= one["left"] + one["width"] or one["left"] >= left + width for one in found):
            found.append(
                {
                    "year": year,
                    "listed": year in happenings,
                    "x": round(middle, 1),
                    "y": round(top + scale.text + 6, 1),
                    "left": left,
                    "width": width,
                }
            )
    found.sort(key=lambda one: one["year"])
    return found


def labels(marks, label, scale, pitch, low, high):
    """Return the labels that have room, [{x, y, anchor, text, line}]: events that most documents mention come first.

    A label stands beside its mark, or some lines away and joined to it by a line; always between `low` and `high`, and
    clear of all other marks, labels and lines.
    """
    boxes = {id(one): (one.x - 1, one.y, one.x + one.width + 1, one.y + pitch) for one in marks}
    taken, found = list(boxes.values()), []
    ranked = sorted(marks, key=lambda one: (-one.event.report_count, one.event.date, one.event.slug))
    for one in ranked[: 3 * scale.labels]:
        text = label(one.event)
        width = text_width(text, scale.text) * 1.05
        reach = (one.x - width - REACH, low, one.x + one.width + width + REACH, high)
        others = [box for box in taken if box is not boxes[id(one)] and not clear(box, reach)]
        for parts, words in places(one, width, scale, pitch, low, high):
            if all(clear(part, box) for part in parts for box in others):
                taken += parts
                found.append({"text": text} | words)
                break
        if len(found) == scale.labels:
            break
    return found


def clear(one, other):
    """Tell whether two boxes (left, top, right, bottom) lie apart."""
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def places(one, width, scale, pitch, low, high):
    """Yield where a label may stand that lies inside the frame, the nearest first: (boxes, words)."""
    size, foot = scale.text * 1.2, one.x + min(one.width, 8) / 2
    beside = min(max(one.y + pitch / 2 - size / 2, low), high - size)
    tries = [(beside, one.x + one.width + 4, one.x - 4, False)]
    for line in range(REACH):
        away = 3 + line * scale.lead
        tries.append((one.y - away - size, foot - 2, foot + 2, line > 0))
        tries.append((one.y + pitch + away, foot - 2, foot + 2, line > 0))
    for top, start, end, joined_by_line in tries:
        for anchor, left in (("start", start), ("end", end - width)):
            if top < low or top + size > high or left < 0 or left + width > scale.width:
                continue
            parts, line = [(left, top, left + width, top + size)], ""
            if joined_by_line:
                first, last = (top + size, one.y) if top < one.y else (one.y + pitch, top)
                parts.append((foot - 1, first, foot + 1, last))
                line = f"M{foot:.1f} {first:.1f}V{last:.1f}"
            x = left if anchor == "start" else left + width
            yield parts, {"x": round(x, 1), "y": round(top + scale.text, 1), "anchor": anchor, "line": line}


def words(events):
    """Return in a few sentences what a list of events dates: how many, from when to when, where most of them fall."""
    happenings = [event for event in events if event.date and not event.target]
    goals = [event for event in events if event.date and event.target]
    undated = sum(not event.date for event in events)
    return joined([dated_words(happenings), goal_words(goals), undated_words(undated)])


def bounds(events):
    """Return the first and the last year that events touch."""
    years = [day[:4] for event in events for day in (event.date, event.date_end) if day]
    return min(years), max(years)


def dated_words(events):
    if not events:
        return ""
    n, (first, last) = len(events), bounds(events)
    if first == last:
        text = ngettext("%(n)s event is dated, in %(year)s.", "%(n)s events are dated, all in %(year)s.", n)
        return text % {"n": number(n), "year": first}
    text = ngettext(
        "%(n)s event is dated, from %(first)s to %(last)s.",
        "%(n)s events are dated, from %(first)s to %(last)s.",
        n,
    )
    return joined([text % {"n": number(n), "first": first, "last": last}, most_words(events)])


def most_words(events):
    """Name the years in which most events begin; nothing where too many years share that place."""
    counts = Counter(event.date[:4] for event in events)
    most = max(counts.values())
    years = sorted(year for year, n in counts.items() if n == most)
    if most == 1 or len(years) > MOST_NAMED:
        return ""
    if len(years) == 1:
        return gettext("The fullest year is %(year)s, with %(n)s.") % {"year": years[0], "n": number(most)}
    return gettext("The fullest years are %(years)s, with %(n)s each.") % {"years": listed(years), "n": number(most)}


def goal_words(events):
    if not events:
        return ""
    n, (first, last) = len(events), bounds(events)
    if first == last:
        text = ngettext(
            "Set apart is %(n)s goal or year to come, in %(year)s.",
            "Set apart are %(n)s goals or years to come, all in %(year)s.",
            n,
        )
        return text % {"n": number(n), "year": first}
    text = ngettext(
        "Set apart is %(n)s goal or year to come, from %(first)s to %(last)s.",
        "Set apart are %(n)s goals or years to come, from %(first)s to %(last)s.",
        n,
    )
    return text % {"n": number(n), "first": first, "last": last}


def undated_words(n):
    if not n:
        return ""
    text = ngettext(
        "For %(n)s event the texts give no date; it stands in the list alone.",
        "For %(n)s events the texts give no date; they stand in the list alone.",
        n,
    )
    return text % {"n": number(n)}
