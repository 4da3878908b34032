"""The matrix: questions down, documents or holders across, each cell a stance or the words for its absence.

Pure functions on a Selection that recommendations.filters has fetched; nothing here asks the database. Contention and
agreement are made of own views alone, never told without n, and not told below `ENOUGH`. Own, joint and attributed
views are never added into one number.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from math import fsum

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from portal.addresses import path_to
from portal.export import SEPARATOR
from portal.paging import Sequence
from portal.text import number, told
from recommendations import comparison
from recommendations.filters import HOLDERS, WIDEST
from recommendations.models import ENOUGH, STANCES, Question, Voice
from reports.models import Report

SIZE, SIZE_MAX = 20, 50  # questions on a page


# What a cell says. `silent` was read in full; `other` answers, but not in the chosen voices or by the chosen holders.
STATED, SILENT, UNCODED, OTHER = "stated", "silent", "uncoded", "other"
ABSENCES = {
    SILENT: gettext_lazy("Read, and not stated"),
    UNCODED: gettext_lazy("Not yet coded"),
    OTHER: gettext_lazy("Other views only"),
}

VOICES = dict(Voice.choices)
KINDS = {kind: place for place, kind in enumerate(Question.Kind.values)}


@dataclass
class Column:
    """A document, or a holder: the authors of a document (or its parties), or an actor wherever it is reported.

    `gap` is what a cell means in which nothing is found. `voices` counts answers, {voice: n}. `agreement`, with the n
    questions on which it rests, is that with the column chosen to stand beside; both are None where none is chosen.
    """

    kind: str  # report, authors, actor
    row: object
    gap: str
    voices: dict = field(default_factory=dict)
    agreement: float | None = None
    n: int | None = None

    @property
    def key(self):
        return self.row.pk if self.kind == "report" else ("actor" if self.kind == "actor" else "report", self.row.pk)

    @property
    def slug(self):
        """The word for it in an address. A holder may be called like a document, so authors are marked as such."""
        return f"authors:{self.row.slug}" if self.kind == "authors" else self.row.slug

    @property
    def authors(self):
        """The authors of the document, where a page has fetched them as its contributions; empty for an actor."""
        if self.kind == "actor":
            return []
        return [contribution.contributor for contribution in self.row.contributions.all()]

    @property
    def name(self):
        """What it is called, in the language of the page."""
        if self.kind == "actor":
            return told(self.row, "name")
        title = told(self.row, "title")
        if self.kind == "report":
            return title
        if self.voices[Voice.JOINT] and not self.voices[Voice.OWN]:
            return _("Parties to “%(title)s”") % {"title": title}
        return _("Authors of “%(title)s”") % {"title": title}

    @cached_property
    def short(self):
        """One or two authors by name, else what it is called: for the head of a cell where the table is stacked."""
        if 0 < len(self.authors) < 3:
            return pgettext("between names", ", ").join(told(author, "name") for author in self.authors)
        return self.name


@dataclass(slots=True)
class Cell:
    """What one column says to one question: its answers in the order own, joint, attributed; or why there is none."""

    state: str
    answers: list = ()


@dataclass
class Row:
    """A question. `documents` answer it with what is chosen; `n` of them with a view of their own.

    `contention` is None below `ENOUGH`; `n` too where own views are not among what is chosen. A row that is to be shown
    has a cell for each column.
    """

    question: object
    documents: int
    n: int | None = None
    contention: float | None = None
    columns: list = field(default_factory=list)
    cells: list = field(default_factory=list)

    @property
    def pairs(self):
        return zip(self.columns, self.cells, strict=True)

    @property
    def answers(self):
        return [answer for cell in self.cells for answer in cell.answers]


@dataclass
class Matrix:
    """`rows` are all questions of the selection in their order, without cells; `columns_total` counts those cut off."""

    selection: object
    columns: list
    columns_total: int
    rows: list
    answers: dict  # {question id: {column key: [answer]}}
    elsewhere: set  # (question id, column key) of what is said in other voices or by other holders

    @property
    def beside(self):
        """The column that the others are compared with, if it is among those shown."""
        return next((column for column in self.columns if column.slug == self.selection.beside), None)

    def pages(self, size):
        """Return the pages of the rows, so many questions each."""
        return Sequence(self.rows, size, lambda row: row.question.slug, " ".join(self.selection.ordering))

    def filled(self, rows):
        """Return these rows with their cells."""
        places = {report.pk: place for place, report in enumerate(self.selection.reports)}
        gaps = [(column.key, Cell(column.gap)) for column in self.columns]
        other = Cell(OTHER)
        for row in rows:
            pk, found = row.question.pk, self.answers[row.question.pk]
            row.columns, row.cells = self.columns, []
            for key, gap in gaps:
                if theirs := found.get(key):
                    if len(theirs) > 1:
                        theirs = sorted(
                            theirs, key=lambda a: (comparison.VOICE_ORDER[a.voice], places[a.report_id], a.order)
                        )
                    row.cells.append(Cell(STATED, theirs))
                else:
                    row.cells.append(other if (pk, key) in self.elsewhere else gap)
        return rows


# ----------------------------------------------------------------------------------------------------------------------
# Setting side by side
# ----------------------------------------------------------------------------------------------------------------------


def compare(selection):
    """Return the Matrix of a Selection: its columns, and its questions in their order."""
    by_holder = selection.across == HOLDERS
    answers, elsewhere, voices = {}, set(), Counter()
    everything = not (selection.voices or selection.holders)
    for answer in selection.answers:
        key = holder_key(answer) if by_holder else answer.report_id
        if everything or selection.shows(answer):
            answers.setdefault(answer.question_id, {}).setdefault(key, []).append(answer)
            voices[key, answer.voice] += 1
        else:
            elsewhere.add((answer.question_id, key))
    columns = holders(selection, answers) if by_holder else documents(selection)
    total = len(columns) if by_holder else selection.total
    columns = columns[:WIDEST]
    for column in columns:
        column.voices = {voice: voices[column.key, voice] for voice in Voice.values}
    if total > len(columns):
        answers = within(answers, columns)
    rows = [line(selection, selection.questions[pk], found) for pk, found in answers.items()]
    table = Matrix(selection, columns, total, sort(rows, selection.ordering), answers, elsewhere)
    if selection.own_shown and (chosen := table.beside):
        agree(table, chosen)
    return table


def holder_key(answer):
    """As Position.holder_key: an actor is one wherever it speaks; views without a name are their report's."""
    return ("actor", answer.holder_id) if answer.holder_id else ("report", answer.report_id)


def within(answers, columns):
    """Return the answers that stand in one of these columns."""
    keys = {column.key for column in columns}
    kept = {question: {key: found[key] for key in found.keys() & keys} for question, found in answers.items()}
    return {question: found for question, found in kept.items() if found}


def documents(selection):
    """Return a Column for each document, in the order given."""
    return [Column("report", report, unless_complete(report)) for report in selection.reports]


def holders(selection, answers):
    """Return a Column for each holder of an answer: who speaks to most questions first, then by slug.

    Of an actor one may say that nothing is reported only when every chosen document has been read in full.
    """
    spoken = Counter(key for found in answers.values() for key in found)
    reports = {report.pk: report for report in selection.reports}
    partly = any(unless_complete(report) == UNCODED for report in selection.reports)
    columns = []
    for kind, pk in spoken:
        if kind == "actor":
            columns.append(Column("actor", selection.actors[pk], UNCODED if partly else SILENT))
        else:
            columns.append(Column("authors", reports[pk], unless_complete(reports[pk])))
    return sorted(columns, key=lambda column: (-spoken[column.key], column.slug))


def unless_complete(report):
    return SILENT if report.coding == Report.Coding.COMPLETE else UNCODED


def line(selection, question, found):
    """Return the Row of a question from what is found on it, {column key: [answer]}, as yet without its cells."""
    given = [answer for theirs in found.values() for answer in theirs]
    row = Row(question, len({answer.report_id for answer in given}))
    if selection.own_shown:
        row.contention, row.n = comparison.contention(given)
    return row


def agreement(one, other):
    """Return (agreement, n) of two columns from their own stances, {question: [stance]}.

    Agreement is 1 less the mean distance of their mean stances on the n questions that both answer, as a share of the
    largest distance; None below `ENOUGH`.
    """
    shared = one.keys() & other.keys()
    if len(shared) < ENOUGH:
        return None, len(shared)
    distances = (abs(mean(one[question]) - mean(other[question])) for question in shared)
    return 1 - fsum(distances) / (len(shared) * (STANCES[0] - STANCES[-1])), len(shared)


def mean(stances):
    return sum(stances) / len(stances)


def agree(table, chosen):
    """Give each column its agreement with the chosen one and sort by it: the chosen one first, figures untold last."""
    own = defaultdict(dict)
    for question, found in table.answers.items():
        for key, theirs in found.items():
            if stances := [answer.stance for answer in theirs if answer.voice == Voice.OWN]:
                own[key][question] = stances
    for column in table.columns:
        if column is not chosen:
            column.agreement, column.n = agreement(own[chosen.key], own[column.key])
    table.columns.sort(key=lambda c: (c is not chosen, c.agreement is None, -(c.agreement or 0)))


SORTS = {
    "documents": lambda row: -row.documents,
    "contention": lambda row: -(row.contention or 0),
    "name": lambda row: row.question.slug,
    "kind": lambda row: KINDS[row.question.kind],
}


def sort(rows, words):
    """Return rows in the order of these words, ties by most documents, then by slug; `-word` turns it round.

    Questions of which no contention can be told come last in either direction.
    """
    rows = sorted(rows, key=SORTS["name"])
    for word in reversed([*words, "documents"]):
        rows.sort(key=SORTS[word.removeprefix("-")], reverse=word.startswith("-"))
        if word.endswith("contention"):
            rows.sort(key=lambda row: row.contention is None)
    return rows


def headline(table):
    """Return in words how many questions and how many columns there are."""
    questions = ngettext("%(n)s question", "%(n)s questions", len(table.rows)) % {"n": number(len(table.rows))}
    across = comparison.holders if table.selection.across == HOLDERS else comparison.documents
    return capfirst(pgettext("between numbers", ", ").join([questions, across(len(table.columns))]))


def voices(rows):
    """Return {voice: n} of the answers that filled rows show."""
    found = Counter(answer.voice for row in rows for answer in row.answers)
    return {voice: found[voice] for voice in Voice.values}


# ----------------------------------------------------------------------------------------------------------------------
# The same table in other forms
# ----------------------------------------------------------------------------------------------------------------------


def lines(table, rows):
    """Return the table as lines of text, in the language of the page: the head, then a line for each question."""
    head = ["question", "kind", "text", *(column.name for column in table.columns), "contention", "own_documents"]
    return [head, *(line_of(row) for row in rows)]


def line_of(row):
    question = row.question
    figures = ["" if figure is None else figure for figure in (rounded(row.contention), row.n)]
    return [
        question.slug,
        question.kind,
        told(question, "text"),
        *map(in_words, row.cells),
        *figures,
    ]


def in_words(cell):
    """Return a cell as text: “For [own, certain] | Against, conditionally [attributed: US side, likely]”."""
    if cell.state != STATED:
        return str(ABSENCES[cell.state])
    words = []
    for answer in cell.answers:
        voice = VOICES[answer.voice]
        if answer.holder:
            voice = _("%(voice)s: %(holder)s") % {"voice": voice, "holder": told(answer.holder, "name")}
        manner = _("%(voice)s, %(hedge)s") % {"voice": voice, "hedge": answer.hedge_word}
        words.append(f"{answer.word} [{manner}]")
    return SEPARATOR.join(words)


def rounded(figure):
    return None if figure is None else round(figure, 4)


def as_object(table, rows, origin):
    """Return the table as the API tells it. `origin` is scheme and host."""
    selection = table.selection
    return {
        "across": selection.across,
        "beside": table.beside.slug if table.beside else None,
        "documents": selection.total,
        "columns_total": table.columns_total,
        "questions": len(table.rows),
        "counts": voices(rows),
        "columns": [column_object(column, origin) for column in table.columns],
        "rows": [row_object(table, row, origin) for row in rows],
    }


def column_object(column, origin):
    row, actor = column.row, column.kind == "actor"
    names, pages = {}, {}
    for code, prefix in settings.LANGUAGE_PREFIXES.items():
        with translation.override(code):
            names[f"name_{prefix}"] = column.name
            page = f"{reverse('portal:matrix')}?holder={row.slug}" if actor else row.get_absolute_url()
            pages["url" if prefix == "zh" else f"url_{prefix}"] = origin + page
    return {
        "slug": column.slug,
        "kind": column.kind,
        **names,
        "report": None if actor else row.slug,
        "actor": row.slug if actor else None,
        "date": "" if actor else row.date,
        "coding": None if actor else row.coding,
        "counts": column.voices,
        "agreement": rounded(column.agreement),
        "agreement_n": column.n,
        **pages,
        "api_url": origin + path_to(f"api-{'actors' if actor else 'reports'}-detail", row.slug),
    }


def row_object(table, row, origin):
    question, pages = row.question, {}
    for code, prefix in settings.LANGUAGE_PREFIXES.items():
        with translation.override(code):
            pages["url" if prefix == "zh" else f"url_{prefix}"] = origin + question.get_absolute_url()
    return {
        "question": question.slug,
        "kind": question.kind,
        "text_zh": question.text_zh,
        "text_en": question.text_en,
        "documents": row.documents,
        "own_documents": row.n,
        "contention": rounded(row.contention),
        "cells": [
            {
                "column": column.slug,
                "state": cell.state,
                "positions": [answer_object(answer, pages) for answer in cell.answers],
            }
            for column, cell in row.pairs
        ],
        **pages,
        "api_url": origin + path_to("api-questions-detail", question.slug),
    }


def answer_object(answer, pages):
    return {
        "report": answer.report.slug,
        "key": answer.key,
        "holder": answer.holder.slug if answer.holder else None,
        "voice": answer.voice,
        "stance": answer.stance,
        "hedge": answer.hedge,
        **{name: f"{page}#{answer.anchor}" for name, page in pages.items()},
    }
