"""Forecasts summed up: who made how many, how sure they were, how many are decided; and how well the sure ones did.

Pure functions on the sorts that `PositionQuerySet.tally()` counts. Own, joint and attributed forecasts are never added.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from recommendations.models import Position, Voice

DECIDED = (Position.Result.HELD, Position.Result.PART, Position.Result.FAILED)
CALIBRATED_FROM = 10  # decided forecasts of one voice; below that, shares would be noise


@dataclass
class Record:
    """The forecasts of one voice in a document, or of one holder: {hedge: n}, {result: n}."""

    who: object
    voice: str
    hedges: Counter = field(default_factory=Counter)
    results: Counter = field(default_factory=Counter)

    @property
    def total(self):
        return self.results.total()

    @property
    def decided(self):
        return sum(self.results[result] for result in DECIDED)

    @property
    def sureness(self):
        """[(hedge, n)] from the surest on."""
        return [(hedge, self.hedges[hedge]) for hedge in Position.Hedge if self.hedges[hedge]]

    @property
    def came(self):
        """[(result, n)] of the decided ones."""
        return [(result, self.results[result]) for result in DECIDED if self.results[result]]


def records(sorts, name):
    """Return a Record for each (id under `name`, voice), most forecasts first; rows without an id fall out."""
    found = {}
    for sort in sorts:
        if sort[name] is not None:
            record = found.setdefault((sort[name], sort["voice"]), Record(sort[name], sort["voice"]))
            record.hedges[sort["hedge"]] += sort["n"]
            record.results[sort["came_out"]] += sort["n"]
    return sorted(found.values(), key=lambda record: (-record.total, record.who, record.voice))


def named(found, rows):
    """Return the records with the row in place of its id, as far as the row is among `rows`, {id: row}."""
    return [Record(rows[one.who], one.voice, one.hedges, one.results) for one in found if one.who in rows]


def calibration(sorts):
    """Return {voice: (decided, table)} of the voices with a decided forecast, in the order own, joint, attributed.

    The table has a row for each hedge, (hedge, decided, {result: n}), and is None below CALIBRATED_FROM decided ones.
    """
    counts = defaultdict(lambda: defaultdict(Counter))
    for sort in sorts:
        if sort["came_out"] in DECIDED:
            counts[sort["voice"]][sort["hedge"]][sort["came_out"]] += sort["n"]
    found = {}
    for voice in Voice.values:
        decided = sum(results.total() for results in counts[voice].values())
        rows = [
            (hedge, counts[voice][hedge].total(), [(result, counts[voice][hedge][result]) for result in DECIDED])
            for hedge in Position.Hedge
            if counts[voice][hedge]
        ]
        if decided:
            found[voice] = (decided, rows if decided >= CALIBRATED_FROM else None)
    return found
