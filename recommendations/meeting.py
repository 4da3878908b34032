"""Where documents meet: what two to four of them share, where they differ, and what one of them alone says.

Pure functions on documents that `ReportQuerySet.side_by_side()` has fetched; nothing here asks the database. The order
of the documents is the order of the columns and decides nothing else. Own, joint and attributed views are never added
up: a *stand* is an own or a joint view, and what is told of others never makes documents agree or differ.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import combinations, permutations

from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from portal.export import SEPARATOR, addresses
from portal.text import joined, listed, number
from recommendations.comparison import by_voice, spoken
from recommendations.export import stance_in
from recommendations.models import CrossReference, Question, Voice
from reports.models import Contribution, Report


class Accord(models.TextChoices):
    """How documents meet on a question, in the order of the page."""

    OPPOSED = "opposed", _("different sides")
    DEGREE = "degree", _("different degrees")
    AGREE = "agree", _("the same stand")
    TOLD = "told", _("at most one stand, the rest told of others")


class Said(models.TextChoices):
    """What a document says in a row: something; an answer without advice; or nothing, which is two things."""

    STATED = "stated", _("stated")
    ANSWERED = "answered", _("answered, but not by a recommendation")
    SILENT = "silent", _("read, and not stated")
    UNCODED = "uncoded", _("not yet coded")


KINDS = {kind: place for place, kind in enumerate(Question.Kind.values)}
TIES = [
    CrossReference.Kind.CONTRADICTS,
    CrossReference.Kind.CONDITIONS,
    CrossReference.Kind.RESPONDS_TO,
    CrossReference.Kind.REFINES,
    CrossReference.Kind.AGREES,
    CrossReference.Kind.RESTATES,
]  # in the order of the page


@dataclass(eq=False)
class Column:
    """A chosen document: `members` are the report and, of a whole publication, its essays, for which it stands."""

    report: object
    members: list
    positions: list = field(default_factory=list)
    recommendations: list = field(default_factory=list)

    @property
    def silence(self):
        """What its saying nothing means: silent when all of it has been read, else uncoded."""
        read = all(report.coding == Report.Coding.COMPLETE for report in self.members)
        return Said.SILENT if read else Said.UNCODED


@dataclass
class Cell:
    """What a column has in a row of the page. `state` is stated, or what the column's silence means."""

    column: Column
    rows: list
    state: str


@dataclass
class Asked:
    """A question that at least two columns answer.

    `basis` tells whose views were compared: own ones alone, or also a joint one; nothing where none were. `gap` is the
    distance between the farthest two.
    """

    question: object
    cells: list
    standing: str
    basis: str
    gap: int


@dataclass
class Advised:
    """A shared question to which at least two columns answer with recommendations."""

    question: object
    cells: list


@dataclass
class End:
    """One end of a relation: the recommendation, its column, and what the relation is called from here."""

    row: object
    column: Column
    name: str
    role: str


@dataclass
class Tie:
    """A relation between recommendations of two columns, its ends in the order of the columns."""

    reference: object
    ends: list


@dataclass
class Alone:
    """What only one column says: single acts that nothing joins to the others, and questions that it alone answers.

    `areas` are the same acts as [(area, rows, {voice: n})], by the top of the tree.
    """

    column: Column
    rows: list
    areas: list
    questions: list

    @property
    def voices(self):
        return by_voice(self.rows)


@dataclass
class Common:
    """A person, institution, work or event that at least two columns have to do with, and in which ways."""

    row: object
    cells: list


@dataclass(frozen=True)
class Way:
    """How a document has to do with something: a word, the place in its report, and perhaps the key of a citation."""

    word: str
    report: object
    anchor: str = ""
    key: str = ""

    @property
    def label(self):
        return WAYS[self.word]

    def get_absolute_url(self):
        return f"{self.report.get_absolute_url()}#{self.anchor}" if self.anchor else self.report.get_absolute_url()


WAYS = dict(Contribution.Role.choices) | {
    "affiliation": _("affiliation"),
    "publisher": _("publisher"),
    "cited": pgettext_lazy("work", "cited"),
    "itself": _("is this document"),
    "mentioned": pgettext_lazy("event", "mentioned"),
}


@dataclass
class Meeting:
    """All that a comparison shows. `common` is {"people" | "institutions" | "works" | "events": [Common]}."""

    columns: list
    ties: list
    advised: list
    asked: list
    alone: list
    common: dict

    @property
    def groups(self):
        """The shared questions by how documents meet on them: [(Accord, [Asked])]."""
        found = [(how, [row for row in self.asked if row.standing == how]) for how in Accord]
        return [(how, rows) for how, rows in found if rows]

    @property
    def counts(self):
        """How many shared questions: {"own" | "joint": {opposed, degree, agree}, "told"}; the two are never added."""
        met_on = Counter((row.basis, row.standing) for row in self.asked)
        compared = [how for how in Accord if how != Accord.TOLD]
        found = {voice.value: {how.value: met_on[voice, how] for how in compared} for voice in (Voice.OWN, Voice.JOINT)}
        return found | {"told": met_on["", Accord.TOLD]}


def columns(slugs, reports):
    """Return a Column for each chosen slug, in that order. `reports` are the chosen ones and their essays."""
    by_slug = {report.slug: report for report in reports}
    found = []
    for slug in slugs:
        report = by_slug[slug]
        essays = sorted((one for one in by_slug.values() if one.part_of_id == report.pk), key=lambda one: one.place)
        members = [report, *essays]
        positions = [row for one in members for row in spoken(one.positions.all())]
        found.append(Column(report, members, positions, [row for one in members for row in one.recommendations.all()]))
    return found


def meet(found, areas):
    """Return the Meeting of columns. `areas` are all policy areas."""
    rows, tied = asked(found), ties(found)
    return Meeting(found, tied, advised(found, rows), rows, alone(found, tied, rows, areas), common(found))


# ----------------------------------------------------------------------------------------------------------------------
# Questions
# ----------------------------------------------------------------------------------------------------------------------


def standing(stands):
    """Return how stands meet, each a set of stances: opposed, degree, agree; or told where fewer than two take one.

    They are opposed when one says yes and another no, and agree when all say the same and nothing else.
    """
    stands = [stances for stances in stands if stances]
    if len(stands) < 2:
        return Accord.TOLD
    if any(max(one) > 0 > min(other) for one, other in permutations(stands, 2)):
        return Accord.OPPOSED
    return Accord.AGREE if len(set().union(*stands)) == 1 else Accord.DEGREE


def asked(found):
    """Return an Asked for each question that at least two columns answer, widest difference first."""
    answers = [defaultdict(list) for _column in found]
    questions = {}
    for place, column in enumerate(found):
        for row in column.positions:
            answers[place][row.question_id].append(row)
            questions[row.question_id] = row.question
    rows = []
    for pk, question in questions.items():
        if sum(pk in theirs for theirs in answers) > 1:
            cells = [cell(column, theirs.get(pk, [])) for column, theirs in zip(found, answers, strict=True)]
            rows.append(met(question, cells))
    return sorted(rows, key=order)


def order(row):
    return Accord.values.index(row.standing), -row.gap, KINDS[row.question.kind], row.question.slug


def cell(column, rows):
    """Return what a column answers, own views first; or its silence."""
    rows = sorted(rows, key=lambda row: Voice.values.index(row.voice))
    return Cell(column, rows, Said.STATED if rows else column.silence)


def met(question, cells):
    stands = [[row for row in cell.rows if row.voice != Voice.ATTRIBUTED] for cell in cells]
    stances = [{row.stance for row in rows} for rows in stands]
    how = standing(stances)
    every = set().union(*stances)
    if how == Accord.TOLD:
        return Asked(question, cells, how, "", 0)
    joint = any(row.voice == Voice.JOINT for rows in stands for row in rows)
    return Asked(question, cells, how, Voice.JOINT if joint else Voice.OWN, max(every) - min(every))


# ----------------------------------------------------------------------------------------------------------------------
# Recommendations
# ----------------------------------------------------------------------------------------------------------------------


def ties(found):
    """Return the relations between recommendations of two different columns, contradictions first."""
    place = {row.pk: (at, row) for at, column in enumerate(found) for row in column.recommendations}
    tied = []
    for at, column in enumerate(found):
        for row in column.recommendations:
            for reference in row.references_out.all():
                there, other = place.get(reference.target_id, (at, None))
                if there != at:
                    reference.target = other  # known here, and not to be asked for again
                    ends = [
                        (at, End(row, column, reference.get_kind_display(), "source")),
                        (there, End(other, found[there], reference.inverse, "target")),
                    ]
                    tied.append(Tie(reference, [end for _at, end in sorted(ends, key=lambda pair: pair[0])]))
    return sorted(tied, key=tie_order)


def tied(meeting):
    """Return for each two columns what joins their recommendations: [(Column, Column, {kind: n})]."""
    found = []
    for pair in combinations(meeting.columns, 2):
        kinds = [
            tie.reference.get_kind_display() for tie in meeting.ties if [end.column for end in tie.ends] == [*pair]
        ]
        found.append((*pair, dict(Counter(kinds))))
    return found


def tie_order(tie):
    """Return a place that does not hang on the order of the columns."""
    ends = sorted(tie.ends, key=lambda end: end.role)
    return TIES.index(tie.reference.kind), [(end.row.report.slug, end.row.order, end.row.key) for end in ends]


def advised(found, rows):
    """Return an Advised for each shared question to which at least two columns answer with recommendations.

    A cell holds recommendations; its state is stated, answered where the column answers otherwise, or its silence.
    """
    held = {row.pk: row for column in found for row in column.recommendations}
    advice_rows = []
    for row in rows:
        cells = []
        for one in row.cells:
            advice = list(dict.fromkeys(held[p.recommendation_id] for p in one.rows if p.recommendation_id))
            state = Said.STATED if advice else Said.ANSWERED if one.rows else one.state
            cells.append(Cell(one.column, advice, state))
        if sum(one.state == Said.STATED for one in cells) > 1:
            advice_rows.append(Advised(row.question, cells))
    return sorted(advice_rows, key=lambda row: row.question.slug)


def touched(tied, rows):
    """Return the ids of recommendations that a relation or a shared question joins to another column."""
    ids = {end.row.pk for tie in tied for end in tie.ends}
    return ids | {p.recommendation_id for row in rows for one in row.cells for p in one.rows if p.recommendation_id}


def alone(found, tied, rows, areas):
    """Return an Alone for each column.

    What joins an umbrella joins its parts, and what joins a row that repeats others joins those.
    """
    above = {area.pk: area for area in areas}
    met_ids, shared = touched(tied, rows), {row.question.pk for row in rows}
    result = []
    for column in found:
        ids = set(met_ids)
        for row in column.recommendations:
            if row.pk in met_ids:
                ids.update(one.pk for one in row.restates.all())
        by_pk = {row.pk: row for row in column.recommendations}
        left = [row for row in column.recommendations if row.unit == "atomic" and not ids & set(upwards(row, by_pk))]
        questions = {row.question_id: row.question for row in column.positions if row.question_id not in shared}
        questions = sorted(questions.values(), key=lambda question: question.slug)
        result.append(Alone(column, left, by_area(left, above), questions))
    return result


def upwards(row, by_pk):
    """Yield the id of a recommendation and of each umbrella above it."""
    while row is not None:
        yield row.pk
        row = by_pk.get(row.parent_id)


def by_area(rows, above):
    """Return [(area, rows, {voice: n})] by the top of the tree of areas, the fullest first.

    A row that is filed twice stands in both.
    """
    found = defaultdict(dict)
    for row in rows:
        for area in row.areas.all():
            top = area.pk
            while above[top].parent_id is not None:
                top = above[top].parent_id
            found[top][row.pk] = row
    ranked = sorted(found.items(), key=lambda pair: (-len(pair[1]), above[pair[0]].slug))
    return [(above[top], list(theirs.values()), by_voice(theirs.values())) for top, theirs in ranked]


# ----------------------------------------------------------------------------------------------------------------------
# People, institutions, works, events
# ----------------------------------------------------------------------------------------------------------------------


def common(found):
    """Return what at least two columns have to do with: {kind: [Common]}."""
    kinds = {"people": people, "institutions": institutions, "works": works, "events": events}
    return {kind: shared(found, ways) for kind, ways in kinds.items()}


def shared(found, ways):
    """Return a Common for each thing that at least two columns have ways to. `ways(report)` yields (thing, Way)."""
    each = []
    for column in found:
        held = defaultdict(dict)
        for report in column.members:
            for row, way in ways(report):
                held[row].setdefault((way.word, way.key), way)
        each.append(held)
    met_rows = [row for row in dict.fromkeys(row for held in each for row in held) if sum(row in h for h in each) > 1]
    return [
        Common(
            row,
            [
                Cell(
                    column,
                    list(held[row].values()) if row in held else [],
                    Said.STATED if row in held else column.silence,
                )
                for column, held in zip(found, each, strict=True)
            ],
        )
        for row in sorted(
            met_rows, key=lambda row: (getattr(row, "sort_key", "") or getattr(row, "date", ""), row.slug)
        )
    ]


def people(report):
    """Yield who made a report, and whom of this portal it cites."""
    for one in report.contributions.all():
        if one.author:
            yield one.author, Way(one.role, report, "who")
    for citation in report.citations.all():
        for person in citation.work.people.all() if citation.work else ():
            yield person, Way("cited", report, citation.key, citation.key)


def institutions(report):
    """Yield the institutions behind a report and behind those who made it."""
    for one in report.contributions.all():
        if one.institution:
            yield one.institution, Way(one.role, report, "who")
        for employer in one.affiliations.all():
            yield employer, Way("affiliation", report, "who")
    if report.publisher:
        yield report.publisher, Way("publisher", report)


def works(report):
    """Yield the works that a report cites, and those that it is itself."""
    for citation in report.citations.all():
        if citation.work:
            yield citation.work, Way("cited", report, citation.key, citation.key)
    for work in report.as_works.all():
        yield work, Way("itself", report)


def events(report):
    """Yield the events that a report mentions."""
    for mention in report.mentions.all():
        yield mention.event, Way("mentioned", report, "events")


# ----------------------------------------------------------------------------------------------------------------------
# The finding in words
# ----------------------------------------------------------------------------------------------------------------------

CLAUSES = {
    Accord.OPPOSED: _("stand on different sides on %(n)s"),
    Accord.DEGREE: _("differ in degree on %(n)s"),
    Accord.AGREE: _("agree on %(n)s"),
}
OPENINGS = {
    Voice.OWN: _("In their own views, they %(clauses)s."),
    Voice.JOINT: _("Where a joint view is among those compared, they %(clauses)s."),
}


def heading(meeting):
    """Return how many documents stand here and how many questions they share, as a headline."""
    n = len(meeting.asked)
    questions = ngettext("%(n)s shared question", "%(n)s shared questions", n) if n else gettext("no shared question")
    documents = ngettext("%(n)s document", "%(n)s documents", len(meeting.columns))
    words = {
        "documents": capfirst(documents % {"n": number(len(meeting.columns))}),
        "questions": questions % {"n": number(n)},
    }
    return pgettext("headline", "%(documents)s, %(questions)s") % words


def finding(meeting):
    """Return what a comparison finds, in words made from its counts."""
    n, documents = len(meeting.asked), len(meeting.columns)
    if not n:
        sentences = [gettext("No question is answered by more than one of these documents.")]
    elif documents == 2:
        text = ngettext("Both documents answer %(n)s question.", "Both documents answer %(n)s questions.", n)
        sentences = [text % {"n": number(n)}]
    else:
        text = ngettext(
            "%(n)s question is answered by at least two of these documents.",
            "%(n)s questions are answered by at least two of these documents.",
            n,
        )
        sentences = [text % {"n": number(n)}]
    counts = meeting.counts
    for voice, opening in OPENINGS.items():
        clauses = [clause % {"n": number(counts[voice][how])} for how, clause in CLAUSES.items() if counts[voice][how]]
        if clauses:
            sentences.append(opening % {"clauses": listed(clauses)})
    if counts["told"]:
        text = ngettext(
            "On %(n)s, at most one of them speaks for itself; the rest is told of others.",
            "On %(n)s, at most one of them speaks for itself; the rest is told of others.",
            counts["told"],
        )
        sentences.append(text % {"n": number(counts["told"])})
    if meeting.ties:
        text = ngettext(
            "%(n)s relation joins their recommendations.",
            "%(n)s relations join their recommendations.",
            len(meeting.ties),
        )
        sentences.append(text % {"n": number(len(meeting.ties))})
    else:
        sentences.append(gettext("No relation between their recommendations is recorded."))
    return joined(sentences)


# ----------------------------------------------------------------------------------------------------------------------
# As lines of a table
# ----------------------------------------------------------------------------------------------------------------------

NAMES = (
    "section", "item", "sense", "basis", "document", "state", "report", "key", "voice", "stance", "stance_zh",
    "stance_en", "hedge", "holder", "summary_zh", "summary_en", "url", "url_en", "api_url",
)  # fmt: skip


def lines(meeting, site):
    """Yield the whole of a comparison as lines under NAMES, one for each thing that a document says or is silent on."""

    def line(section, item, sense, basis, document, state, *cells):
        return [section, item, sense, basis, document, state, *cells, *[""] * (len(NAMES) - 6 - len(cells))]

    def coded(row, endpoint, *stance):
        told_of = getattr(row, "holder", None) or getattr(row, "made_by", None)
        cells = [row.report.slug, row.key, row.voice, *(stance or [""] * 4), told_of.slug if told_of else ""]
        return [*cells, row.summary_zh, row.summary_en, *addresses(row, endpoint, site)]

    def answer(row):
        return coded(row, "positions", row.stance, stance_in("zh-hans")(row), stance_in("en")(row), row.hedge)

    for tie in meeting.ties:
        name = "/".join(tie.reference.natural_key())
        for end in tie.ends:
            slug = end.column.report.slug
            yield line("relations", name, tie.reference.kind, "", slug, end.role, *coded(end.row, "recommendations"))
    for advised in meeting.advised:
        for cell in advised.cells:
            start = ["advice", advised.question.slug, "", "", cell.column.report.slug, cell.state]
            yield from (line(*start, *coded(row, "recommendations")) for row in cell.rows)
            if not cell.rows:
                yield line(*start)
    for asked in meeting.asked:
        for cell in asked.cells:
            start = ["questions", asked.question.slug, asked.standing, asked.basis, cell.column.report.slug, cell.state]
            yield from (line(*start, *answer(row)) for row in cell.rows)
            if not cell.rows:
                yield line(*start)
    for alone in meeting.alone:
        slug = alone.column.report.slug
        for row in alone.rows:
            areas = SEPARATOR.join(sorted(area.slug for area in row.areas.all()))
            yield line("alone", areas, "", "", slug, Said.STATED, *coded(row, "recommendations"))
        yield from (line("alone_questions", question.slug, "", "", slug, Said.STATED) for question in alone.questions)
    for kind, rows in meeting.common.items():
        for row in rows:
            for cell in row.cells:
                words = SEPARATOR.join(dict.fromkeys(way.word for way in cell.rows))
                yield line(kind, row.row.slug, words, "", cell.column.report.slug, cell.state)


# ----------------------------------------------------------------------------------------------------------------------
# Which documents to set side by side
# ----------------------------------------------------------------------------------------------------------------------


@dataclass
class Nearness:
    """How much documents share: so many questions that both answer, so many relations between their advice."""

    reports: list
    questions: int
    ties: int

    @property
    def rank(self):
        return -self.questions, -self.ties, [report.slug for report in self.reports]


def holdings(answers, references):
    """Return ({report id: question ids}, {report id: reference ids}); a whole publication holds what its essays do.

    `answers` are (report id, id of its whole, question id), `references` (reference id, then report and whole of the
    one end, report and whole of the other).
    """
    questions, ties = defaultdict(set), defaultdict(set)
    for report, whole, question in answers:
        for one in {report, whole} - {None}:
            questions[one].add(question)
    for reference, *ends in references:
        for one in set(ends) - {None}:
            ties[one].add(reference)
    return questions, ties


def kin(one, other):
    """Tell whether two documents are the same, or one is part of the other."""
    return one.pk in (other.pk, other.part_of_id) or one.part_of_id == other.pk


def pairs(reports, questions, ties):
    """Return the Nearness of each two documents that share anything, the nearest first."""
    found = [
        Nearness([one, other], len(questions[one.pk] & questions[other.pk]), len(ties[one.pk] & ties[other.pk]))
        for one, other in combinations(reports, 2)
        if not kin(one, other)
    ]
    return sorted((near for near in found if near.questions or near.ties), key=lambda near: near.rank)


def partners(chosen, others, questions, ties):
    """Return the Nearness of each other document, [itself] being its reports, to those chosen, the nearest first."""
    asked_here = set().union(*(questions[report.pk] for report in chosen))
    tied_here = set().union(*(ties[report.pk] for report in chosen))
    found = [
        Nearness([other], len(questions[other.pk] & asked_here), len(ties[other.pk] & tied_here))
        for other in others
        if not any(kin(report, other) for report in chosen)
    ]
    return sorted(found, key=lambda near: near.rank)
