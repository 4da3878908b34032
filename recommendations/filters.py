"""What lists of what reports say, of events and of the vocabulary, and the matrix, can be narrowed by."""

from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal import finding
from portal.filters import (
    VALUE_LENGTH,
    ChoiceWordsFilter,
    OneChoiceFilter,
    OneWordField,
    SlugWordsFilter,
    SortFilter,
    StrictFilterSet,
    ViewFilter,
    WholeFilter,
    WordsField,
    WordsFilter,
    YearFacet,
)
from portal.models import Entry, Kind
from portal.text import number, told
from recommendations.models import (
    STANCE_WORDS,
    STANCES,
    Actor,
    Agreement,
    CrossReference,
    Framework,
    Instrument,
    PolicyArea,
    Position,
    Question,
    Rating,
    Recommendation,
    Subject,
    Voice,
)
from reports.filters import AuthorFilter, InstitutionFilter, NamedFilterSet, ReportFilter, searched, year_bounds
from reports.models import Event, Report

REPORT_ORDER = {"date": ("-place",), "report": ("name",)}
REPORT_WORDS = {"-date": _("newest first"), "date": _("oldest first"), "report": _("by document")}
REPORT_HELP = _("date or report; a minus sign turns it round.")

AUTHORS = "authors"

REPORTS, HOLDERS = "reports", "holders"
HEDGES = dict(Position.Hedge.choices)
WIDEST = 200  # columns of a matrix, and the documents that it reads


class AreaFilter(SlugWordsFilter):
    """Policy areas. A parent stands for everything below it: what is filed there is filed under every area above."""

    def __init__(self, **kwargs):
        super().__init__(
            rows=PolicyArea.objects.all,
            label=_("Policy area"),
            help_text=_("Slug of a policy area; a parent stands for its children too. Repeat for “or”."),
            **kwargs,
        )


class ActorFilter(SlugWordsFilter):
    """Actors by slug. With `authors`, that word stands for the report's own authors."""

    def __init__(self, *, authors=False, **kwargs):
        self.authors = authors
        super().__init__(rows=Actor.objects.published, **kwargs)

    def known(self, words):
        return super().known(words) | ({AUTHORS} if self.authors else set())

    def values(self, words):
        return super().values(words) + [AUTHORS] * (AUTHORS in words)

    def facet_rows(self, counts):
        rows = super().facet_rows({value: n for value, n in counts.items() if value != AUTHORS})
        return [*([(AUTHORS, _("the authors themselves"), counts[AUTHORS])] if AUTHORS in counts else []), *rows]

    def labels(self, words):
        return super().labels(words) | ({AUTHORS: _("the authors themselves")} if AUTHORS in words else {})


class UnitFilter(ChoiceWordsFilter):
    """Single acts, umbrellas that gather them, and rows that repeat others."""

    CHOICES = {"atomic": _("single act"), "umbrella": _("umbrella"), "restating": _("repeats another")}


DOCUMENTS_MOST = 10_000  # rows of a list of which the documents are counted


class RecommendationFilterSet(StrictFilterSet):
    listed = Kind.RECOMMENDATIONS
    q = searched(_("In summary, condition and evidence, and in the names of addressees, areas and instruments."))
    area = AreaFilter()
    addressee = ActorFilter(
        label=_("Addressed to"),
        help_text=_("Slug of the actor who is asked. Repeat for “or”."),
    )
    action_type = ChoiceWordsFilter(
        choices=Recommendation.ActionType.choices,
        label=pgettext_lazy("recommendation", "Action"),
        help_text=_("What is to be done. Repeat for “or”."),
    )
    force = ChoiceWordsFilter(
        choices=Recommendation.Force.choices, label=_("Force"), help_text=_("must, should or may.")
    )
    standing = ChoiceWordsFilter(
        choices=Recommendation.Standing.choices,
        label=_("Standing"),
        help_text=_("agreed, proposed or for_discussion."),
    )
    voice = ChoiceWordsFilter(choices=Voice.choices, label=_("Voice"), help_text=_("own, joint or attributed."))
    made_by = ActorFilter(
        authors=True,
        label=_("Made by"),
        help_text=_("Slug of the actor whose advice it is; “authors” for the report's own. Repeat for “or”."),
    )
    unit = UnitFilter(label=_("Unit"), help_text=_("atomic, umbrella or restating. Repeat for “or”."))
    instrument = SlugWordsFilter(
        rows=Instrument.objects.published,
        label=_("Instrument"),
        help_text=_("Slug of a named agreement, body or law. Repeat for “or”."),
    )
    report = ReportFilter()
    author = AuthorFilter()
    institution = InstitutionFilter()
    year = YearFacet(label=_("Year"), help_text=_("Year of the report. Repeat for “or”."))
    year_min, year_max = year_bounds()
    ordering = SortFilter(fields=REPORT_ORDER, words=REPORT_WORDS, help_text=REPORT_HELP)

    class Meta:
        model = Recommendation
        fields = []

    def tally(self):
        """Return how many of the rows count, by voice, from how many reports, and how many are listed uncounted.

        {"voices": {voice: n}, "documents": n, "umbrellas": n, "repeats": n}; of very many rows, `documents` is None.
        """
        counts = self.counts()
        voices, units = counts.get("counted", {}), counts.get("unit", {})
        documents = None
        if self.total <= DOCUMENTS_MOST:
            counted = finding.term_ids({("counted", voice) for voice in voices}).values()
            single = self.hits().filter(terms__any=list(counted)).order_by() if counted else Entry.objects.none()
            documents = single.values("report_id").distinct().count()
        return {
            "voices": {voice: voices[voice] for voice in Voice.values if voice in voices},
            "documents": documents,
            "umbrellas": units.get("umbrella", 0),
            "repeats": units.get("restating", 0),
        }


class PositionFilterSet(StrictFilterSet):
    listed = Kind.POSITIONS
    q = searched(_("In summary, question, condition and evidence, and in the names of holders and areas."))
    area = AreaFilter()
    kind = ChoiceWordsFilter(
        choices=Question.Kind.choices,
        label=_("Kind of question"),
        help_text=_("normative, predictive or evaluative."),
    )
    question = SlugWordsFilter(
        rows=Question.objects.published,
        name="text",
        label=_("Question"),
        help_text=_("Slug of a question. Repeat for “or”."),
    )
    holder = ActorFilter(
        authors=True,
        label=_("Holder"),
        help_text=_("Slug of the actor who holds it; “authors” for the report's own. Repeat for “or”."),
    )
    voice = ChoiceWordsFilter(choices=Voice.choices, label=_("Voice"), help_text=_("own, joint or attributed."))
    stance = ChoiceWordsFilter(
        choices=[(str(stance), str(stance)) for stance in STANCES],
        label=_("Stance"),
        help_text=_("2, 1, 0, -1 or -2. Repeat for “or”."),
    )
    stance.facet = False
    hedge = ChoiceWordsFilter(
        choices=Position.Hedge.choices,
        label=_("Hedge"),
        help_text=_("certain, likely, possible or open."),
    )
    report = ReportFilter()
    author = AuthorFilter()
    institution = InstitutionFilter()
    year_min, year_max = year_bounds()
    ordering = SortFilter(
        fields=REPORT_ORDER | {"stance": ("number",)},
        words=REPORT_WORDS,
        help_text=_("date, report or stance; a minus sign turns it round."),
    )

    class Meta:
        model = Position
        fields = []


class HorizonFilter(ChoiceWordsFilter):
    """By when a forecast is meant to come true: a stretch of time, some date, or nothing that the text says."""

    CHOICES = {
        "short": _("in the short term"),
        "term": _("within Biden's term"),
        "long": _("in the long run"),
        "dated": _("by a date"),
        "unsaid": _("no date given"),
    }


class ForecastFilterSet(PositionFilterSet):
    """Positions on questions about the future."""

    fixed = (("kind", Question.Kind.PREDICTIVE),)
    kind = None
    horizon = HorizonFilter(label=_("By when"), help_text=_("short, term, long, dated or unsaid. Repeat for “or”."))
    outcome = ChoiceWordsFilter(
        choices=Position.Result.choices,
        label=_("What came of it"),
        help_text=_("open, held, part, failed, unknowable or unsaid. Repeat for “or”."),
    )


class AgreementFilter(ChoiceWordsFilter):
    """How the documents' own answers lie to one another. Joint and attributed views decide nothing here."""

    CHOICES = dict(Agreement.choices)


class DocumentsFilter(WholeFilter):
    """At least so many documents that answer a question."""

    def condition(self, value, kind):
        return Q(documents__gte=int(value))


class QuestionFilterSet(StrictFilterSet):
    listed = Kind.QUESTIONS
    q = searched(_("In the question, in either language."))
    area = AreaFilter()
    kind = ChoiceWordsFilter(
        choices=Question.Kind.choices,
        label=_("Kind"),
        help_text=_("normative, predictive or evaluative."),
    )
    agreement = AgreementFilter(
        label=_("Own answers"),
        help_text=_(
            "How the documents' own answers lie to one another: split (some for, some against), leaning (all on one "
            "side but for some that leave it open), agreed (all on one side, or all open), single (only one document "
            "answers for itself), none. Repeat for “or”."
        ),
    )
    documents_min = DocumentsFilter(
        label=_("Documents, at least"),
        help_text=_("At least so many documents answer, each for itself, jointly or for others: a number from 1 on."),
    )
    report = ReportFilter()
    holder = ActorFilter(
        label=_("Holder"),
        help_text=_("Slug of an actor who answers it. Repeat for “or”."),
    )
    ordering = SortFilter(
        fields={
            "contention": ("-number", "-documents", "name"),
            "documents": ("-documents", "name"),
            "name": ("name",),
        },
        words={
            "contention": _("most contested first"),
            "documents": _("most documents first"),
            "name": _("by address"),
        },
        default=("contention",),
        help_text=_(
            "contention (most contested first, and after them the questions that fewer than three documents answer for "
            "themselves), documents (most first) or name; a minus sign turns it round."
        ),
    )

    class Meta:
        model = Question
        fields = []


@dataclass(slots=True, eq=False)
class Answer:
    """A position as a matrix reads it: thousands at a time, and so without the weight of a model.

    With it go the rows that it names, and the kind of its question.
    """

    pk: int
    question_id: int
    report_id: int
    holder_id: int | None
    voice: str
    stance: int
    hedge: str
    key: str
    order: int
    report: object
    holder: object
    kind: str

    COLUMNS = ("pk", "question_id", "report_id", "holder_id", "voice", "stance", "hedge", "key", "order")

    @property
    def word(self):
        """The stance worded by the question's kind."""
        return STANCE_WORDS[self.kind][self.stance]

    @property
    def hedge_word(self):
        return HEDGES[self.hedge]

    @property
    def anchor(self):
        """Where on the question's page it stands with its evidence."""
        return f"{self.report.slug}-{self.key}"


@dataclass
class Selection:
    """What a matrix is made of: all answers of the chosen documents to the chosen questions, in every voice.

    `reports` are the chosen ones, newest first and at most `WIDEST`, of `total`. `voices` and `holders` (ids, None for
    a report's own authors) are those chosen; where none is chosen, all are. `across` says what the columns are;
    `beside` is the slug of one of them.
    """

    reports: list
    answers: list
    questions: dict
    actors: dict
    total: int = 0
    across: str = REPORTS
    voices: set = field(default_factory=set)
    holders: set = field(default_factory=set)
    ordering: list = field(default_factory=list)
    beside: str = ""

    def shows(self, answer):
        """Tell whether an answer is given in a chosen voice by a chosen holder."""
        voiced = not self.voices or answer.voice in self.voices
        return voiced and (not self.holders or answer.holder_id in self.holders)

    @property
    def own_shown(self):
        """Whether the documents' own views are among what is chosen."""
        return (not self.voices or Voice.OWN in self.voices) and (not self.holders or None in self.holders)


class BesideFilter(SlugWordsFilter):
    """A column of the matrix: a document, an actor, or `authors:` and a document."""

    field_class = OneWordField
    facet = False
    MARK = f"{AUTHORS}:"

    def __init__(self, **kwargs):
        super().__init__(rows=Report.objects.published, name="title", **kwargs)

    def known(self, words):
        return set(self.labels(words))

    def labels(self, words):
        titles = super().labels([word.removeprefix(self.MARK) for word in words])
        found = {word: titles[word.removeprefix(self.MARK)] for word in words if word.removeprefix(self.MARK) in titles}
        for word in found:
            if word.startswith(self.MARK):
                found[word] = _("Authors of “%(title)s”") % {"title": found[word]}
        if rest := [word for word in words if word not in found]:
            found |= {actor.slug: told(actor, "name") for actor in Actor.objects.published().filter(slug__in=rest)}
        return found


class MatrixFilterSet(StrictFilterSet):
    """Which documents are set side by side on which questions, and which of their views are shown."""

    listed = Kind.QUESTIONS
    area = AreaFilter()
    kind = ChoiceWordsFilter(
        choices=Question.Kind.choices,
        label=_("Kind of question"),
        help_text=_("normative, predictive or evaluative."),
    )
    question = SlugWordsFilter(
        rows=Question.objects.published,
        name="text",
        label=_("Question"),
        help_text=_("Slug of a question. Repeat for “or”."),
    )
    report = ReportFilter()
    year_min, year_max = year_bounds()
    voice = ChoiceWordsFilter(choices=Voice.choices, label=_("Voice"), help_text=_("own, joint or attributed."))
    holder = ActorFilter(
        authors=True,
        label=_("Holder"),
        help_text=_("Slug of the actor who holds it; “authors” for the report's own. Repeat for “or”."),
    )
    columns = OneChoiceFilter(
        choices=[(REPORTS, _("documents")), (HOLDERS, _("holders"))],
        label=_("Columns"),
        help_text=_("reports, or holders."),
    )
    beside = BesideFilter(
        label=_("Beside"),
        help_text=_(
            "Column by agreement with which the columns are sorted: the slug of a report, or with columns=holders "
            "that of an actor, or “authors:” and the slug of a report."
        ),
    )
    ordering = SortFilter(
        fields={"documents": (), "contention": (), "name": (), "kind": ()},
        relevance=False,
        words={
            "documents": _("most documents first"),
            "contention": _("most contested first"),
            "kind": _("by kind"),
            "name": _("by address"),
        },
        help_text=_("documents (most first), contention (highest first), kind or name; a minus sign turns it round."),
    )

    DOCUMENTS, QUESTIONS = ("report", "year_min", "year_max"), ("area", "kind", "question")

    class Meta:
        model = Question
        fields = []

    def selection(self):
        """Return the Selection that a valid filterset asks for, in a few queries however much there is."""
        documents = self.hits(only=self.DOCUMENTS, kind=Kind.REPORTS).order_by("place")
        keys = list(documents.values_list("object_id", flat=True)[: WIDEST + 1])
        total = len(keys)
        if total > WIDEST:
            narrowed = self.active.keys() & {*self.DOCUMENTS}
            total = documents.count() if narrowed else finding.total(Kind.REPORTS, [])
        shown = Report.objects.published().only("slug", "title_zh", "title_en", "date", "coding")
        held = shown.in_bulk(keys[:WIDEST])
        reports = [held[pk] for pk in keys if pk in held]
        given = Position.objects.filter(report__in=reports)
        if any(self.chosen(name) for name in self.QUESTIONS):
            given = given.filter(question__in=self.hits(only=self.QUESTIONS).values("object_id"))
        rows = list(given.order_by().values_list(*Answer.COLUMNS))
        questions = Question.objects.in_bulk({row[1] for row in rows})
        actors = Actor.objects.in_bulk({row[3] for row in rows} - {None})
        by_id = {report.pk: report for report in reports}
        answers = [Answer(*row, by_id[row[2]], actors.get(row[3]), questions[row[1]].kind) for row in rows]
        words = self.chosen("holder")
        return Selection(
            reports=reports,
            answers=answers,
            questions=questions,
            actors=actors,
            total=total,
            across=next(iter(self.chosen("columns")), REPORTS),
            voices=set(self.chosen("voice")),
            holders={None if value == AUTHORS else int(value) for value in self.filters["holder"].values(words)},
            ordering=self.chosen("ordering"),
            beside=next(iter(self.chosen("beside")), ""),
        )


class RatingFilterSet(StrictFilterSet):
    listed = Kind.RATINGS
    q = searched(_("In summary and evidence, and in the names of subjects, frameworks and assessors."))
    framework = SlugWordsFilter(
        rows=Framework.objects.published,
        name="title",
        label=_("Framework"),
        help_text=_("Slug of a framework. Repeat for “or”."),
    )
    subject = SlugWordsFilter(rows=Subject.objects.published, label=_("Subject"), help_text=_("Slug of what is rated."))
    level = ChoiceWordsFilter(choices=Rating.Level.choices, label=_("Level"), help_text=_("low, medium or high."))
    basis = ChoiceWordsFilter(choices=Rating.Basis.choices, label=_("Basis"), help_text=_("How the text states it."))
    assessor = ActorFilter(
        authors=True,
        label=_("Assessor"),
        help_text=_("Slug of the actor who rates; “authors” for the report's own."),
    )
    report = ReportFilter()
    ordering = SortFilter(fields=REPORT_ORDER, words=REPORT_WORDS, help_text=REPORT_HELP)

    class Meta:
        model = Rating
        fields = []


class EndFilter(WordsFilter):
    """Recommendations that a relation joins, as `report/key`, at either end."""

    facet = False

    def rows(self, words):
        found = Q(pk__in=[])
        for word in words:
            report, _slash, key = word.partition("/")
            found |= Q(report__slug=report, key=key)
        return Recommendation.objects.published().filter(found)

    def known(self, words):
        return {"/".join(key) for key in self.rows(words).values_list("report__slug", "key")}

    def values(self, words):
        return [str(pk) for pk in self.rows(words).values_list("pk", flat=True)]

    def labels(self, words):
        return {word: word for word in words}


class CrossReferenceFilterSet(StrictFilterSet):
    listed = Kind.CROSSREFERENCES
    q = searched(_("In the reason and in the summaries of both ends."))
    kind = ChoiceWordsFilter(choices=CrossReference.Kind.choices, label=_("Kind"), help_text=_("Kind of relation."))
    report = ReportFilter()
    recommendation = EndFilter(
        term="end",
        label=_("Recommendation"),
        help_text=_("A recommendation at either end, as report/key: cyber-relations-2021/R07. Repeat for “or”."),
    )
    ordering = SortFilter(fields={"source": ("place",)}, words={}, help_text=_("source."))

    class Meta:
        model = CrossReference
        fields = []


class AreaFilterSet(NamedFilterSet):
    listed = Kind.AREAS

    class Meta:
        model = PolicyArea
        fields = []


class SubjectFilterSet(NamedFilterSet):
    listed = Kind.SUBJECTS
    framework = SlugWordsFilter(
        rows=Framework.objects.published,
        name="title",
        label=_("Framework"),
        help_text=_("Slug of a framework. Repeat for “or”."),
    )
    report = ReportFilter()

    class Meta:
        model = Subject
        fields = []


class ActorFilterSet(NamedFilterSet):
    listed = Kind.ACTORS
    kind = ChoiceWordsFilter(choices=Actor.Kind.choices, label=_("Kind"), help_text=_("Kind of actor."))

    class Meta:
        model = Actor
        fields = []


class InstrumentFilterSet(NamedFilterSet):
    listed = Kind.INSTRUMENTS
    kind = ChoiceWordsFilter(choices=Instrument.Kind.choices, label=_("Kind"), help_text=_("Kind of instrument."))

    class Meta:
        model = Instrument
        fields = []


class FrameworkFilterSet(StrictFilterSet):
    listed = Kind.FRAMEWORKS
    q = searched(_("In title and description."))
    report = ReportFilter()
    ordering = SortFilter(fields={"name": ("name",)}, words={}, help_text=_("name."))

    class Meta:
        model = Framework
        fields = []


COMPARED = 4  # documents at most beside one another


class ComparedField(WordsField):
    """Slugs of the documents to set side by side, repeated or with commas between them."""

    def __init__(self, *, clashes, **kwargs):
        self.clashes = clashes
        super().__init__(**kwargs)

    def to_python(self, value):
        return super().to_python([word for words in value or [] for word in words.split(",")])

    def validate(self, value):
        if len(value) > COMPARED:
            message = _("At most %(most)s documents stand beside one another; here are %(n)s.")
            raise ValidationError(message % {"most": number(COMPARED), "n": number(len(value))})
        super().validate(value)
        if clashes := self.clashes(value):
            message = _("“%(part)s” is part of “%(whole)s”, which stands for its essays too: choose one of the two.")
            raise ValidationError([message % {"part": part, "whole": whole} for part, whole in clashes])


class ComparedFilter(ReportFilter):
    """Two to four documents. A whole publication stands for its parts too, and not beside one of them."""

    field_class = ComparedField
    facet = False
    longest = COMPARED * VALUE_LENGTH  # several slugs in one value

    def __init__(self, **kwargs):
        super().__init__(clashes=self.clashes, **kwargs)
        self.extra["help_text"] = _(
            "Slugs of two to four reports, repeated or with commas between; a symposium stands for its essays too."
        )

    def clashes(self, words):
        """Return [(slug of a part, slug of its whole)] of chosen reports."""
        rows = self.rows().filter(slug__in=words, part_of__slug__in=words).order_by("slug")
        return list(rows.values_list("slug", "part_of__slug"))


class ComparedFilterSet(StrictFilterSet):
    listed = Kind.REPORTS
    reports = ComparedFilter()
    presentation = {"format"}

    class Meta:
        model = Report
        fields = []

    def documents(self):
        """Return the chosen documents, and the essays of a symposium that is chosen."""
        chosen = [row.pk for row in self.filters["reports"].found(self.chosen("reports")).values()]
        return self.queryset.filter(Q(pk__in=chosen) | Q(part_of__in=chosen))


class ChooserFilterSet(ComparedFilterSet):
    """The page has a box for words too, to find documents by."""

    q = searched(_("In title, standfirst, authors and institutions."))


class EventFilterSet(StrictFilterSet):
    """Events, which are filed under areas; so their finder stands here."""

    listed = Kind.EVENTS
    q = searched(_("In the title, in either language."))
    area = AreaFilter()
    report = ReportFilter()
    year_min, year_max = year_bounds()
    ordering = SortFilter(
        fields={"date": ("place",)},
        words={"date": _("oldest first"), "-date": _("newest first")},
        help_text=_("date; a minus sign turns it round."),
    )

    class Meta:
        model = Event
        fields = []


class FrameworkPageFilterSet(StrictFilterSet):
    """What the page of one framework can be asked."""

    view = ViewFilter(
        choices=[("overlay", _("All assessors in one chart")), ("panels", _("One chart for each assessor"))],
        label=_("View"),
        help_text=_("overlay or panels."),
    )

    class Meta:
        model = Framework
        fields = []
