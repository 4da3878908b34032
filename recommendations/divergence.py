"""Ratings set side by side: who gives which level on which axis, where assessors meet, and where they part.

Pure functions on ratings that a QuerySet has fetched with subject, dimension, assessor and report; nothing here asks
the database. Levels are compared axis by axis, and never averaged; a rating by another framework is taken by another
yardstick. In whatever order ratings come, what is said of them is the same.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property

from django.db.models import TextChoices
from django.utils.translation import gettext, ngettext, pgettext
from django.utils.translation import gettext_lazy as _

from portal.text import joined, listed, number, told
from recommendations.comparison import VOICE_ORDER
from recommendations.models import Rating, Voice


class Verdict(TextChoices):
    """How those who rate one subject by one framework stand to each other."""

    DIFFERENT = "different", _("different levels on every axis on which more than one assessor gives one")
    MIXED = "mixed", _("the same level on one axis, different levels on another")
    AGREED = "agreed", _("the same level on every axis on which more than one assessor gives one")
    UNSTATED = "unstated", _("more than one assessor speaks of the same axis, but no two of them give a level")
    APART = "apart", _("more than one assessor, each on another axis")
    SINGLE = "single", _("only one assessor")


STANDINGS = {"disputed": (Verdict.DIFFERENT, Verdict.MIXED), "single": (Verdict.SINGLE,)}  # all others are shared


@dataclass(frozen=True)
class Assessor:
    """Who rates: an actor (a view attributed to it) or, without one, the authors of a report (their own view)."""

    actor: object
    report: object

    @property
    def voice(self):
        return Voice.ATTRIBUTED if self.actor else Voice.OWN

    @property
    def key(self):
        """What tells assessors apart, and sorts them: own views first, then by slug."""
        return VOICE_ORDER[self.voice], (self.actor or self.report).slug


@dataclass
class Cell:
    """What one assessor says of one subject on one dimension."""

    dimension: object
    assessor: Assessor
    ratings: list
    place: int = 0  # of the assessor among all: what sign it has in a chart

    @cached_property
    def levels(self):
        """The levels stated outright, each once, the lowest first."""
        found = {rating.level for rating in self.ratings if is_explicit(rating)}
        return [level for level in Rating.Level.values if level in found]

    @property
    def state(self):
        return "rated" if self.levels else "unstated" if self.ratings else "none"

    @property
    def words(self):
        return [Rating.Level(level).label for level in self.levels]


@dataclass
class Line:
    """A subject by one framework: a cell for each assessor and, within that, for each dimension."""

    subject: object
    cells: list

    @cached_property
    def axes(self):
        """[(dimension, the cells of those who speak of it)]; dimensions of which nobody speaks are left out."""
        found = {}
        for cell in self.cells:
            if cell.ratings:
                found.setdefault(cell.dimension.pk, (cell.dimension, []))[1].append(cell)
        return sorted(found.values(), key=lambda pair: (pair[0].order, pair[0].slug))

    @property
    def table(self):
        """[(dimension, the cells of those who speak of it)] for every dimension of the framework."""
        every = {cell.dimension.pk: cell.dimension for cell in self.cells}
        spoken = {dimension.pk: cells for dimension, cells in self.axes}
        return [(dimension, spoken.get(pk, [])) for pk, dimension in every.items()]

    @cached_property
    def places(self):
        """[(assessor, the cells in which it gives a level)]; assessors without one are left out."""
        found = {}
        for cell in self.cells:
            if cell.levels:
                found.setdefault(cell.assessor.key, (cell.assessor, []))[1].append(cell)
        return list(found.values())

    @cached_property
    def rows(self):
        """Every rating, axis by axis, own views first: [(dimension, how its assessors stand, [(assessor, rating)])]."""
        found = []
        for dimension, cells in self.axes:
            cells = sorted(cells, key=lambda cell: cell.assessor.key)
            said = [(cell.assessor, rating) for cell in cells for rating in cell.ratings]
            found.append((dimension, self.axis_words(dimension), said))
        return found

    def axis_words(self, dimension):
        """Return in a few words how the assessors stand to each other on one axis."""
        words = [
            (self.differing, _("different levels")),
            (self.agreed, _("the same level")),
            (self.unstated, _("not every assessor gives a level")),
        ]
        said = [word for dimensions, word in words if dimension in dimensions]
        return listed(said) if said else _("only one assessor speaks")

    @property
    def speakers(self):
        """The keys of those who rate it in whatever way."""
        return {cell.assessor.key for cell in self.cells if cell.ratings}

    @cached_property
    def agreed(self):
        """The dimensions on which more than one assessor gives a level, and all give the same."""
        return [d for d, levels in self.met if len(levels) == 1]

    @cached_property
    def differing(self):
        """The dimensions on which more than one assessor gives a level, and these are not all the same."""
        return [d for d, levels in self.met if len(levels) > 1]

    @cached_property
    def met(self):
        """[(dimension, all levels given)] where more than one assessor gives a level."""
        rated = [(dimension, [cell.levels for cell in cells if cell.levels]) for dimension, cells in self.axes]
        return [(dimension, set().union(*levels)) for dimension, levels in rated if len(levels) > 1]

    @cached_property
    def unstated(self):
        """The dimensions of which more than one assessor speaks, and at least one of them gives no level."""
        return [d for d, cells in self.axes if len(cells) > 1 and "unstated" in {cell.state for cell in cells}]

    @property
    def verdict(self):
        if len(self.speakers) < 2:
            return Verdict.SINGLE
        if self.differing:
            return Verdict.MIXED if self.agreed else Verdict.DIFFERENT
        return Verdict.AGREED if self.agreed else Verdict.UNSTATED if self.unstated else Verdict.APART

    @property
    def standing(self):
        """The verdict in three words: disputed, shared (more than one assessor, no levels opposed), single."""
        return next((word for word, verdicts in STANDINGS.items() if self.verdict in verdicts), "shared")

    @property
    def words(self):
        return verdict_words(self)


# ----------------------------------------------------------------------------------------------------------------------
# Ratings in lines
# ----------------------------------------------------------------------------------------------------------------------


def assessor_of(rating):
    return Assessor(rating.assessor, None) if rating.assessor_id else Assessor(None, rating.report)


def is_explicit(rating):
    return rating.basis == Rating.Basis.EXPLICIT


def place_of(rating):
    """Return where a rating stands among all: by report, and in the order of the report."""
    return rating.report.slug, rating.order, rating.key


def assessors(ratings):
    """Return the assessors, the one with most explicit ratings first."""
    found = {}
    for rating in ratings:
        one = assessor_of(rating)
        found.setdefault(one.key, [one, 0])[1] += is_explicit(rating)
    return [one for one, n in sorted(found.values(), key=lambda pair: (-pair[1], pair[0].key))]


def lines(ratings, dimensions, everyone, gaps=True):
    """Return a Line for each subject rated: disputed ones first, then shared, then single; each in reading order.

    Without `gaps`, the Lines are without the cells in which nobody says anything.
    """
    rated, first = defaultdict(list), {}
    for rating in sorted(ratings, key=place_of):
        rated[rating.subject_id, assessor_of(rating).key, rating.dimension_id].append(rating)
        first.setdefault(rating.subject_id, rating)
    known = [(place, assessor, assessor.key) for place, assessor in enumerate(everyone)]
    found = [
        Line(
            rating.subject,
            [
                Cell(dimension, assessor, rated.get((pk, key, dimension.pk), []), place)
                for place, assessor, key in known
                for dimension in dimensions
                if gaps or (pk, key, dimension.pk) in rated
            ],
        )
        for pk, rating in first.items()
    ]
    order = {"disputed": 0, "shared": 1, "single": 2}
    return sorted(found, key=lambda line: order[line.standing])


def by_framework(ratings):
    """Return [(framework, its dimensions, assessors, lines)] of ratings by any number of frameworks."""
    found = defaultdict(list)
    for rating in ratings:
        found[rating.dimension.framework_id].append(rating)
    groups = []
    for rows in found.values():
        framework = rows[0].dimension.framework
        dimensions, everyone = list(framework.dimensions.all()), assessors(rows)
        groups.append((framework, dimensions, everyone, lines(rows, dimensions, everyone)))
    return sorted(groups, key=lambda group: group[0].slug)


def levelled(table):
    """Return the lines in which somebody gives a level."""
    return [line for line in table if line.places]


def met(table):
    """Return the lines in which more than one assessor speaks."""
    return [line for line in table if line.verdict != Verdict.SINGLE]


def standings(table):
    """Return [(standing, lines)] of a table of lines that is already in order."""
    found = {}
    for line in table:
        found.setdefault(line.standing, []).append(line)
    return list(found.items())


def points(table, dimensions):
    """Return [(subject, assessor's place, level up, level across)]: one explicit level on each of the two axes."""
    if len(dimensions) < 2:
        return []
    found = []
    up, across = dimensions[0].pk, dimensions[1].pk
    for line in table:
        for _assessor, cells in line.places:
            levels = {cell.dimension.pk: cell.levels for cell in cells}
            if len(levels.get(up, ())) == len(levels.get(across, ())) == 1:
                found.append((line.subject, cells[0].place, levels[up][0], levels[across][0]))
    return found


def in_words(ratings):
    """Return [(subject, [(assessor, rating)])] of what the text does not state outright as a level."""
    found = {}
    for rating in sorted(ratings, key=place_of):
        if not is_explicit(rating):
            found.setdefault(rating.subject_id, (rating.subject, []))[1].append((assessor_of(rating), rating))
    return list(found.values())


# ----------------------------------------------------------------------------------------------------------------------
# Said in words
# ----------------------------------------------------------------------------------------------------------------------


def axis_names(dimensions):
    return listed(f"“{told(dimension, 'name')}”" for dimension in dimensions)


def verdict_words(line):
    """Return how the assessors of a subject stand to each other: agreement and disagreement told apart by axis."""
    if line.verdict == Verdict.SINGLE:
        return gettext("Only one assessor speaks of it.")
    if line.verdict == Verdict.APART:
        return gettext("Each assessor speaks of another axis: there is nothing to compare.")
    sentences = [met_words(line)] if line.met else []
    if line.unstated:
        text = gettext("On %(axes)s not every assessor gives a level.")
        sentences.append(text % {"axes": axis_names(line.unstated)})
    if alone := [d for d, cells in line.axes if len(cells) == 1]:
        sentences.append(gettext("On %(axes)s only one assessor speaks.") % {"axes": axis_names(alone)})
    return joined(sentences)


def met_words(line):
    """Return the sentence on the axes on which more than one assessor gives a level."""
    if line.agreed and line.differing:
        words = {"agreed": axis_names(line.agreed), "differing": axis_names(line.differing)}
        return gettext("Assessors agree on %(agreed)s and differ on %(differing)s.") % words
    dimensions = {cell.dimension.pk for cell in line.cells}
    if len(dimensions) == len(line.met) == 2:
        return gettext("Assessors differ on both axes.") if line.differing else gettext("Assessors agree on both axes.")
    if line.differing:
        return gettext("Assessors differ on %(axes)s.") % {"axes": axis_names(line.differing)}
    return gettext("Assessors agree on %(axes)s.") % {"axes": axis_names(line.agreed)}


def dispute_words(line):
    """Return the name of a disputed subject, with the axes where these are not all."""
    name, dimensions = told(line.subject, "name"), {cell.dimension.pk for cell in line.cells}
    if len(line.differing) == len(dimensions):
        return name
    words = {"subject": name, "axes": axis_names(line.differing)}
    return pgettext("disputed", "%(subject)s as to %(axes)s") % words


def framework_words(table, placed, everyone):
    """Return in a few sentences what the ratings by a framework show; nothing is averaged."""
    subjects = len({subject.pk for subject, *_rest in placed})
    sentences = []
    if subjects:
        text = ngettext(
            "%(n)s subject is rated outright on both axes, by %(who)s.",
            "%(n)s subjects are rated outright on both axes, by %(who)s.",
            subjects,
        )
        n = len({place for _subject, place, *_rest in placed})
        who = ngettext("%(n)s assessor", "%(n)s assessors", n) % {"n": number(n)}
        sentences.append(text % {"n": number(subjects), "who": who})
    else:
        sentences.append(gettext("Nothing is rated outright on both axes."))
    if len(everyone) > 1:
        sentences += meeting_words(table)
    return joined(sentences)


def meeting_words(table):
    """Yield what is to be said of the subjects of which more than one assessor speaks, verdict by verdict."""
    if disputed := [dispute_words(line) for line in table if line.standing == "disputed"]:
        text = ngettext("Assessors differ on %(list)s.", "Assessors differ on %(list)s.", len(disputed))
        yield text % {"list": listed(disputed)}
    verdicts = [line.verdict for line in table]
    if n := verdicts.count(Verdict.AGREED):
        text = ngettext(
            "On %(n)s subject they give the same level wherever more than one gives a level.",
            "On %(n)s subjects they give the same level wherever more than one gives a level.",
            n,
        )
        yield text % {"n": number(n)}
    if n := verdicts.count(Verdict.UNSTATED):
        text = ngettext(
            "On %(n)s subject one of them speaks without giving a level.",
            "On %(n)s subjects one of them speaks without giving a level.",
            n,
        )
        yield text % {"n": number(n)}
    if not met(table):
        yield gettext("They do not meet: no subject is spoken of by more than one.")


# ----------------------------------------------------------------------------------------------------------------------
# The tree of subjects
# ----------------------------------------------------------------------------------------------------------------------


@dataclass
class Node:
    """A subject in the tree, what is said of it (a Line, or None) and the subjects right below it."""

    subject: object
    line: Line | None = None
    children: list = field(default_factory=list)

    @property
    def below(self):
        """How many subjects stand anywhere below."""
        return sum(1 + child.below for child in self.children)


def tree(subjects, table=()):
    """Return the top nodes of the tree of these subjects, in their order; one whose parent is missing is a top."""
    said = {line.subject.pk: line for line in table}
    nodes = {subject.pk: Node(subject, said.get(subject.pk)) for subject in subjects}
    tops = []
    for node in nodes.values():
        above = nodes.get(node.subject.parent_id)
        (above.children if above else tops).append(node)
    return tops


def walked(nodes):
    """Yield nodes and everything under them, in the order of a page."""
    for node in nodes:
        yield node
        yield from walked(node.children)


def upwards(subject, known):
    """Yield a subject and everything above it; `known` is {primary key: subject}."""
    while subject is not None:
        yield subject
        subject = known.get(subject.parent_id)


def with_above(keys, known):
    """Return the subjects of these primary keys and all above them, by name; `known` is {primary key: subject}."""
    found = {subject.pk: subject for key in keys for subject in upwards(known[key], known)}
    return sorted(found.values(), key=lambda subject: (subject.sort_key, subject.slug))
