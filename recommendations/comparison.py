"""Rows set side by side: the sentence of a debate, positions by stance and voice, trees of areas.

Pure functions on rows that a QuerySet has fetched with all that they touch; nothing here asks the database. Own, joint
and attributed views are never added into one number.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from django.utils.translation import gettext, ngettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from portal.text import joined, listed, number
from recommendations.models import ENOUGH, STANCE_WORDS, STANCES, CrossReference, Question, Voice
from reports.models import Contribution

# ----------------------------------------------------------------------------------------------------------------------
# Quotations and speakers
# ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Quotation:
    """A piece of evidence as a page shows it. `state` is shown, absent (the text is not held) or broken."""

    evidence: object
    section: object
    state: str
    before: str = ""
    text: str = ""
    after: str = ""


def quotation(report, evidence):
    """Return the words at a piece of evidence, or say why they cannot be shown."""
    section = evidence.section or report.section_at(evidence.start)
    source = report.squeezed
    if source is None:
        return Quotation(evidence, section, "absent")
    if source.digest(evidence.start, evidence.end) != evidence.digest:
        return Quotation(evidence, section, "broken")
    return Quotation(evidence, section, "shown", *source.around(evidence.start, evidence.end, *report.extent))


def told(question):
    """Return what reports tell of a forecast's outcome, each with its `quotations`."""
    for row in question.told:
        row.quotations = [quotation(row.report, row)]
    return question.told


def dressed(rows):
    """Return coded rows as a list, each with its `quotations` and who speaks (see `spoken`)."""
    rows = spoken(rows)
    for row in rows:
        row.quotations = [quotation(row.report, evidence) for evidence in row.evidence.all()]
    return rows


def spoken(rows):
    """Return coded rows as a list, each with `who` (an actor or None), `authors`, `participants`."""
    rows = list(rows)
    for row in rows:
        row.who = getattr(row, "holder", None) or getattr(row, "made_by", None) or getattr(row, "assessor", None)
        people = row.report.contributions.all()
        row.authors = [c.contributor for c in people if c.role == Contribution.Role.AUTHOR]
        row.participants = sum(c.role == Contribution.Role.PARTICIPANT for c in people)
    return rows


# ----------------------------------------------------------------------------------------------------------------------
# The sentence of a debate
# ----------------------------------------------------------------------------------------------------------------------

# %(subject)s is “three documents” or “one holder”.
CLAUSES = {
    Question.Kind.NORMATIVE: {
        2: ngettext_lazy("%(subject)s is for", "%(subject)s are for", "n"),
        1: ngettext_lazy("%(subject)s is for it on conditions", "%(subject)s are for it on conditions", "n"),
        0: ngettext_lazy("%(subject)s is neutral", "%(subject)s are neutral", "n"),
        -1: ngettext_lazy("%(subject)s is against it on conditions", "%(subject)s are against it on conditions", "n"),
        -2: ngettext_lazy("%(subject)s is against", "%(subject)s are against", "n"),
    },
    Question.Kind.PREDICTIVE: {
        2: ngettext_lazy("%(subject)s expects it", "%(subject)s expect it", "n"),
        1: ngettext_lazy("%(subject)s expects it in part", "%(subject)s expect it in part", "n"),
        0: ngettext_lazy("%(subject)s leaves it open", "%(subject)s leave it open", "n"),
        -1: ngettext_lazy("%(subject)s mostly does not expect it", "%(subject)s mostly do not expect it", "n"),
        -2: ngettext_lazy("%(subject)s does not expect it", "%(subject)s do not expect it", "n"),
    },
    Question.Kind.EVALUATIVE: {
        2: ngettext_lazy("%(subject)s says yes", "%(subject)s say yes", "n"),
        1: ngettext_lazy("%(subject)s says yes in part", "%(subject)s say yes in part", "n"),
        0: ngettext_lazy("%(subject)s is undecided", "%(subject)s are undecided", "n"),
        -1: ngettext_lazy("%(subject)s says mostly no", "%(subject)s say mostly no", "n"),
        -2: ngettext_lazy("%(subject)s says no", "%(subject)s say no", "n"),
    },
}  # fmt: skip

# Said where every own and joint view stands on the other side.
NOBODY = {
    Question.Kind.NORMATIVE: {True: _("No document is for."), False: _("No document is against.")},
    Question.Kind.PREDICTIVE: {True: _("No document expects it."), False: _("No document expects the contrary.")},
    Question.Kind.EVALUATIVE: {True: _("No document says yes."), False: _("No document says no.")},
}

OPENINGS = {
    Voice.OWN: ngettext_lazy("Speaking for itself, %(clauses)s.", "Speaking for themselves, %(clauses)s.", "n"),
    Voice.JOINT: ngettext_lazy("In a joint view, %(clauses)s.", "In joint views, %(clauses)s.", "n"),
    Voice.ATTRIBUTED: ngettext_lazy(
        "In a view attributed to others, %(clauses)s.", "In views attributed to others, %(clauses)s.", "n"
    ),
}


def speakers(positions):
    """Return {voice: {stance: {who}}}: documents for own and joint views, holders for attributed ones."""
    found = {voice: defaultdict(set) for voice in Voice}
    for position in positions:
        one = position.holder_key if position.voice == Voice.ATTRIBUTED else position.report_id
        found[Voice(position.voice)][position.stance].add(one)
    return found


def tally(positions):
    """Return {voice: {stance: n}}: documents for own and joint views, distinct holders for attributed ones."""
    found = speakers(positions)
    return {voice: {s: len(stances[s]) for s in STANCES if stances[s]} for voice, stances in found.items()}


def documents(n):
    return ngettext("%(n)s document", "%(n)s documents", n) % {"n": number(n)}


def holders(n):
    return ngettext("%(n)s holder", "%(n)s holders", n) % {"n": number(n)}


def voiced(kind, voice, stances):
    """Return the sentence of one voice: {stance: n} put in words."""
    subject = holders if voice == Voice.ATTRIBUTED else documents
    clauses = listed(CLAUSES[kind][stance] % {"n": n, "subject": subject(n)} for stance, n in stances.items())
    return OPENINGS[voice] % {"n": sum(stances.values()), "clauses": clauses}


def counted_twice(voice, stances):
    """Return in words who of one voice, {stance: {who}}, stands under more than one stance; empty where nobody does."""
    times = Counter(one for ones in stances.values() for one in ones)
    n = sum(count > 1 for count in times.values())
    if not n:
        return ""
    if voice == Voice.ATTRIBUTED:
        text = ngettext(
            "%(n)s holder is reported with more than one answer and counted under each.",
            "%(n)s holders are reported with more than one answer and counted under each.",
            n,
        )
    else:
        text = ngettext(
            "%(n)s document gives more than one answer and is counted under each.",
            "%(n)s documents give more than one answer and are counted under each.",
            n,
        )
    return text % {"n": number(n)}


def debate(kind, positions, silent=0, uncoded=0):
    """Return the state of a debate in words, made from the data: each voice apart, then who is silent, who uncoded."""
    counts, found = tally(positions), speakers(positions)
    said = {voice: [voiced(kind, voice, n), counted_twice(voice, found[voice])] for voice, n in counts.items() if n}
    sentences = [*said.get(Voice.OWN, ()), *said.get(Voice.JOINT, ())]
    stances = {*counts[Voice.OWN], *counts[Voice.JOINT]}
    sides = {stance > 0 for stance in stances if stance}
    if not stances:
        sentences.append(gettext("No document takes a view of its own."))
    elif len(sides) == 1:
        sentences.append(NOBODY[kind][not sides.pop()])
    sentences += said.get(Voice.ATTRIBUTED, ())
    return joined([*sentences, *gaps(silent, uncoded)])


def gaps(silent, uncoded):
    """Return what is to be said of documents without a position: silence is two things."""
    if silent:
        text = ngettext("%(n)s document was read and is silent.", "%(n)s documents were read and are silent.", silent)
        yield text % {"n": number(silent)}
    if uncoded:
        text = ngettext("%(n)s document is not yet fully coded.", "%(n)s documents are not yet fully coded.", uncoded)
        yield text % {"n": number(uncoded)}


# ----------------------------------------------------------------------------------------------------------------------
# Positions by stance and voice
# ----------------------------------------------------------------------------------------------------------------------


@dataclass
class Group:
    """Positions of one stance: its word, the positions in the order own, joint, attributed, and how many of each."""

    stance: int
    word: str
    positions: list
    voices: dict = field(default_factory=dict)


VOICE_ORDER = {voice: place for place, voice in enumerate(Voice.values)}


def by_stance(kind, positions):
    """Return a Group for each stance that somebody takes, from +2 down to −2."""
    found = []
    for stance in STANCES:
        rows = [position for position in positions if position.stance == stance]
        rows.sort(key=lambda row: VOICE_ORDER[row.voice])
        if rows:
            found.append(Group(stance, STANCE_WORDS[kind][stance], rows, by_voice(rows)))
    return found


def by_voice(rows):
    """Return {voice: n} of rows in the order own, joint, attributed; voices without a row are left out."""
    counts = Counter(row.voice for row in rows)
    return {voice: counts[voice] for voice in Voice.values if counts[voice]}


def stand(kind, positions):
    """Return the table voice × stance: [{voice, cells: [Group]}], each holder named once in a cell."""
    table = []
    for voice in Voice.values:
        cells = []
        for stance in STANCES:
            rows = {}
            for position in positions:
                if position.voice == voice and position.stance == stance:
                    rows.setdefault(position.holder_key, position)
            cells.append(Group(stance, STANCE_WORDS[kind][stance], list(rows.values())))
        table.append({"voice": voice, "cells": cells})
    return table


def contention(positions):
    """Return (contention, n) of the own answers among positions on one question: None below ENOUGH documents.

    Contention is the variance of the stances divided by 4, the largest that stances from −2 to +2 can have; n counts
    documents. Twin of `QuestionQuerySet.told()`, in whole numbers up to the one division like that.
    """
    own = [position for position in positions if position.voice == Voice.OWN]
    n = len({position.report_id for position in own})
    if n < ENOUGH:
        return None, n
    total, squares = sum(p.stance for p in own), sum(p.stance**2 for p in own)
    return (len(own) * squares - total**2) / (4 * len(own) ** 2), n


@dataclass
class Turn:
    """Holders who say one thing in one document and another in the next.

    `change` is "sides" (for in one, against in another), "open" (a side in one, none in another) or "degree";
    `documents` are [(report, [position])], oldest first and undated last.
    """

    who: list
    change: str
    documents: list


def then_and_now(positions):
    """Return a Turn for all who answer otherwise in one document than in another; who moved farthest come first.

    `positions` are on one question, dressed. People who wrote both documents together are one Turn.
    """
    named, found = {}, defaultdict(list)
    for position in positions:
        for key, who in identities(position).items():
            named.setdefault(key, who)
            found[key].append(position)
    together = defaultdict(list)
    for key, rows in found.items():
        if len({tuple(sorted({row.stance for row in theirs})) for _report, theirs in by_report(rows)}) > 1:
            together[tuple(row.pk for row in rows)].append(key)
    turns = []
    for keys in together.values():
        rows = by_report(found[keys[0]])
        rows.sort(key=lambda pair: (not pair[0].date, pair[0].date, pair[0].slug))
        turns.append(Turn([named[key] for key in keys], change(rows), rows))
    return sorted(turns, key=lambda turn: ("sides", "open", "degree").index(turn.change))


def identities(position):
    """Return {key: who} of those who hold a position by name, so that one person is found again in other documents.

    An actor that is a person or an institution is the same as the author of that name. A joint view in nobody's name
    belongs to that document alone.
    """
    if actor := position.holder:
        if actor.author_id:
            return {("author", actor.author_id): actor}
        return {("institution", actor.institution_id) if actor.institution_id else ("actor", actor.pk): actor}
    if position.voice == Voice.JOINT:
        return {}
    return {(one._meta.model_name, one.pk): one for one in position.authors}


def change(documents):
    """Return by how much [(report, [position])] differ: "sides", "open" or "degree"."""
    signs = {(row.stance > 0) - (row.stance < 0) for _report, rows in documents for row in rows}
    return "sides" if {1, -1} <= signs else "open" if 0 in signs else "degree"


def divided(kind, positions, turns=()):
    """Return the holders who take more than one stance inside one document: [(a position of theirs, [Group])].

    Those whom a Turn shows already are left out.
    """
    told = {row.pk for turn in turns for _report, rows in turn.documents for row in rows}
    found = defaultdict(list)
    for position in positions:
        if position.pk not in told:
            found[position.report_id, position.holder_key].append(position)
    groups = [(rows[0], by_stance(kind, rows)) for rows in found.values()]
    return [(first, stances) for first, stances in groups if len(stances) > 1]


# ----------------------------------------------------------------------------------------------------------------------
# A recommendation and the others
# ----------------------------------------------------------------------------------------------------------------------


KINDS = CrossReference.Kind
# What a reader calls a relation, by its kind and by the end that is being read; in the order of the page.
HEADINGS = {
    (KINDS.RESTATES, "source"): _("Also recommended by"),
    (KINDS.RESTATES, "target"): _("Also recommended by"),
    (KINDS.AGREES, "source"): _("Also recommended by"),
    (KINDS.AGREES, "target"): _("Also recommended by"),
    (KINDS.REFINES, "target"): _("Goes further"),
    (KINDS.REFINES, "source"): _("Said in more general terms by"),
    (KINDS.CONDITIONS, "target"): _("Sets a condition"),
    (KINDS.CONDITIONS, "source"): _("Asked for without this condition by"),
    (KINDS.CONTRADICTS, "source"): _("Contradicted by"),
    (KINDS.CONTRADICTS, "target"): _("Contradicted by"),
    (KINDS.RESPONDS_TO, "target"): _("Answered by"),
    (KINDS.RESPONDS_TO, "source"): _("Answers"),
}


@dataclass
class Related:
    """Relations under one heading: their `kinds`, and [(reference, its exact name from here, the other end)]."""

    heading: str
    kinds: list
    rows: list = field(default_factory=list)


def relations(recommendation, references, ends):
    """Return what a recommendation has to do with others as [Related], the rows in the order of `ends`.

    `ends` are the other ends by id; a reference whose other end is not among them is left out.
    """
    found = {}
    for (kind, _end), heading in HEADINGS.items():
        group = found.setdefault(str(heading), Related(str(heading), []))
        group.kinds += [kind] if kind not in group.kinds else []
    joining = defaultdict(list)
    for reference in references:
        here, far = "source", reference.target_id
        if far == recommendation.pk:
            here, far = "target", reference.source_id
        joining[far].append((reference, here))
    for pk, end in ends.items():
        for reference, here in joining[pk]:
            name = reference.get_kind_display() if here == "source" else reference.inverse
            found[str(HEADINGS[reference.kind, here])].rows.append((reference, name, end))
    return [group for group in found.values() if group.rows]


def answers(own, others):
    """Return, for each question that a recommendation answers, [(its own position, [Group] of the other documents)]."""
    found, seen = [], set()
    for position in own:
        if position.question_id not in seen:
            seen.add(position.question_id)
            rows = [other for other in others if other.question_id == position.question_id]
            found.append((position, by_stance(position.question.kind, rows)))
    return found


def echo(ends, others):
    """Return in one sentence what the portal knows of other documents on the same matter.

    `ends` are the recommendations that relations lead to, `others` the answers to the same questions.
    """
    answering = len({position.report_id for position in others})
    if not answering and not ends:
        return gettext("No other document is linked to this so far.")
    sentences = []
    if answering:
        text = ngettext(
            "%(n)s other document answers the same question.",
            "%(n)s other documents answer the same question.",
            answering,
        )
        sentences.append(text % {"n": number(answering)})
    if ends:
        text = ngettext(
            "It is tied to %(n)s recommendation elsewhere.",
            "It is tied to %(n)s recommendations elsewhere.",
            len(ends),
        )
        sentences.append(text % {"n": number(len(ends))})
    return joined(sentences)


# ----------------------------------------------------------------------------------------------------------------------
# Areas
# ----------------------------------------------------------------------------------------------------------------------


@dataclass
class Branch:
    """A policy area with all that is filed under it and under its children, each row once.

    `counted` is {voice: number of recommendations} where that is known already, and no `advice` is given.
    """

    area: object
    children: list = field(default_factory=list)
    advice: dict = field(default_factory=lambda: {voice: set() for voice in Voice.values})
    counted: dict = field(default_factory=dict)

    @property
    def voices(self):
        """{voice: number of recommendations}; voices without one are left out."""
        return self.counted or {voice: len(rows) for voice, rows in self.advice.items() if rows}


def branches(areas, advice=(), counted=None):
    """Return {area id: Branch}. `advice` are (area id, row id, voice), `counted` {area id: {voice: n}} in its place."""
    found = {area.pk: Branch(area) for area in areas}
    for branch in found.values():
        if branch.area.parent_id:
            found[branch.area.parent_id].children.append(branch)
    for area, row, voice in advice:
        for branch in upwards(found, area):
            branch.advice[voice].add(row)
    for area, voices in (counted or {}).items():
        found[area].counted = voices
    return found


def upwards(found, area):
    """Yield the branch of an area and of everything above it."""
    while area is not None:
        yield found[area]
        area = found[area].area.parent_id


def by_report(rows):
    """Return [(report, rows)] in the order in which the reports first come."""
    found = {}
    for row in rows:
        found.setdefault(row.report_id, (row.report, []))[1].append(row)
    return list(found.values())


# ----------------------------------------------------------------------------------------------------------------------
# What all documents together ask of one actor
# ----------------------------------------------------------------------------------------------------------------------

SHARING = {CrossReference.Kind.AGREES, CrossReference.Kind.RESTATES, CrossReference.Kind.REFINES}


@dataclass
class Echo:
    """A recommendation and those of other documents that say the same (`shared`) or the contrary (`contradicted`)."""

    row: object
    shared: list = field(default_factory=list)
    contradicted: list = field(default_factory=list)

    @property
    def shared_documents(self):
        return len({row.report_id for row in self.shared})

    @property
    def contradicting_documents(self):
        return len({row.report_id for row in self.contradicted})


def echoes(rows, references):
    """Return {row id: Echo} of those rows, ids, that relations join to other documents in agreement or contradiction.

    A relation between two of the rows is an echo of each. Those that most documents share come first.
    """
    found = {}
    for reference in references:
        sharing = reference.kind in SHARING
        if sharing or reference.kind == CrossReference.Kind.CONTRADICTS:
            for here, there in ((reference.source, reference.target), (reference.target, reference.source)):
                if here.pk in rows:
                    echo = found.setdefault(here.pk, Echo(here))
                    ends = echo.shared if sharing else echo.contradicted
                    if there not in ends:
                        ends.append(there)
    ranked = sorted(found.values(), key=lambda echo: (-echo.shared_documents, -echo.contradicting_documents))
    return {echo.row.pk: echo for echo in ranked}


@dataclass
class Shared:
    """A question behind what is asked: the rows that an answer to it rests on, that answer, and those of the others.

    `here` and `others` are [(voice, [(stance, word, n)])]: documents for own and joint views, holders for attributed.
    """

    question: object
    rows: list
    here: list
    others: list


def questions_behind(rows, positions):
    """Return the questions to which several documents speak, one of them by resting on a row, an id: [Shared].

    `positions` are all answers to these questions. Those to which most documents speak come first.
    """
    found = defaultdict(list)
    for position in positions:
        found[position.question_id].append(position)
    behind = []
    for answers_to in found.values():
        resting = [position for position in answers_to if position.recommendation_id in rows]
        asking = {position.report_id for position in resting}
        others = [position for position in answers_to if position.report_id not in asking]
        speaking = len({position.report_id for position in answers_to})
        if resting and speaking > 1:
            question = resting[0].question
            told = list(dict.fromkeys(position.recommendation for position in resting))
            both = (by_answer(question.kind, some) for some in (resting, others))
            behind.append((speaking, Shared(question, told, *both)))
    behind.sort(key=lambda pair: (-pair[0], pair[1].question.slug))
    return [shared for _speaking, shared in behind]


def by_answer(kind, positions):
    """Return a tally in words: [(voice, [(stance, word, n)])]; voices in which nobody answers are left out."""
    counts = tally(positions)
    return [
        (voice, [(stance, STANCE_WORDS[kind][stance], n) for stance, n in stances.items()])
        for voice, stances in counts.items()
        if stances
    ]


@dataclass
class Asked:
    """What is asked in one policy area and below it, each row once: numbers by voice, and how many documents ask.

    `shared` and `contradicted` are {voice: n} of those rows among them that other documents ask for, or contradict;
    `questions` is how many questions behind them other documents answer too.
    """

    area: object
    depth: int
    voices: dict
    documents: int
    shared: dict
    contradicted: dict
    questions: int


def asked(found, reports, echoing, behind):
    """Return the areas in which something is asked as [Asked], each area over those below it.

    `found` are the branches, `reports` {row id: report id}, `echoing` {row id: Echo}, `behind` [Shared]. Areas in which
    most documents ask something come first.
    """
    shared = {row for row, echo in echoing.items() if echo.shared}
    contradicted = {row for row, echo in echoing.items() if echo.contradicted}
    resting = [{row.pk for row in each.rows} for each in behind]

    def told(branch, depth):
        advice = {voice: rows for voice, rows in branch.advice.items() if rows}
        rows = set().union(*advice.values())
        return Asked(
            area=branch.area,
            depth=depth,
            voices=branch.voices,
            documents=len({reports[row] for row in rows}),
            shared=among(advice, shared),
            contradicted=among(advice, contradicted),
            questions=sum(not rows.isdisjoint(each) for each in resting),
        )

    def down(level, depth):
        lines = [(told(branch, depth), branch) for branch in level if branch.voices]
        for line, branch in sorted(lines, key=lambda pair: -pair[0].documents):
            yield line
            yield from down(branch.children, depth + 1)

    return list(down([branch for branch in found.values() if branch.area.parent_id is None], 1))


def among(advice, chosen):
    """Return {voice: n} of those rows of {voice: rows} that are chosen; voices without one are left out."""
    return {voice: n for voice, rows in advice.items() if (n := len(rows & chosen))}
