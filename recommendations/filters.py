"""What lists of what reports say, of events and of the vocabulary, and the matrix, can be narrowed by."""

from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.filters import (
    VALUE_LENGTH,
    CasesFilter,
    ChoiceWordsFilter,
    OneChoiceFilter,
    OneWordField,
    SlugWordsFilter,
    SortFilter,
    StrictFilterSet,
    TextFilter,
    TreeWordsFilter,
    WholeFilter,
    WordsField,
    WordsFilter,
    YearFacet,
)
from portal.text import number, told
from recommendations.models import (
    MOST_CONTESTED,
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
from reports.filters import AuthorFilter, InstitutionFilter, NamedFilterSet, ReportFilter, year_bounds
from reports.models import Event, Report

REPORT_ORDER = {"date": ("report__date",), "report": ("report__slug", "order")}
REPORT_WORDS = {"-date": _("newest first"), "date": _("oldest first"), "report": _("by document")}
REPORT_HELP = _("date or report; a minus sign turns it round.")

AUTHORS = "authors"

REPORTS, HOLDERS = "reports", "holders"
HEDGES = dict(Position.Hedge.choices)
WIDEST = 200  # columns of a matrix, and the documents that it reads


class AreaFilter(TreeWordsFilter):
    """Policy areas; a parent stands for everything below it."""

    def __init__(self, field_name="areas", **kwargs):
        super().__init__(
            field_name=field_name,
            rows=PolicyArea.objects.all,
            label=_("Policy area"),
            help_text=_("Slug of a policy area; a parent stands for its children too. Repeat for “or”."),
            **kwargs,
        )


class ActorFilter(SlugWordsFilter):
    """Actors by slug. With `authors`, that word stands for the report's own authors (an empty column)."""

    def __init__(self, *, authors=False, **kwargs):
        self.authors = authors
        super().__init__(rows=Actor.objects.published, **kwargs)

    def known(self, words):
        return super().known(words) | ({AUTHORS} if self.authors else set())

    def having(self, queryset, words):
        if not self.authors or AUTHORS not in words:
            return super().having(queryset, words)
        return queryset.filter(Q(**{self.field_name: None}) | Q(**{f"{self.field_name}__in": self.ids(words)}))

    def facet_rows(self, queryset):
        rows = super().facet_rows(queryset)
        if self.authors and (own := queryset.filter(**{self.field_name: None}).count()):
            rows.insert(0, (AUTHORS, _("the authors themselves"), own))
        return rows

    def labels(self, words):
        return super().labels(words) | ({AUTHORS: _("the authors themselves")} if AUTHORS in words else {})


class UnitFilter(CasesFilter):
    """Single acts, umbrellas that gather them, and rows that repeat others."""

    CHOICES = {"atomic": _("single act"), "umbrella": _("umbrella"), "restating": _("repeats another")}

    def units(self, queryset):
        return {
            "atomic": queryset.atomic(),
            "umbrella": queryset.umbrellas(),
            "restating": queryset.restating(),
        }

    def having(self, queryset, words):
        units = self.units(queryset.model.objects.all())
        wanted = Q()
        for word in words:
            wanted |= Q(pk__in=units[word].values("pk"))
        return queryset.filter(wanted)

    def facet_rows(self, queryset):
        units = self.units(queryset.order_by())
        return [(word, label, n) for word, label in self.CHOICES.items() if (n := units[word].count())]


class RecommendationFilterSet(StrictFilterSet):
    q = TextFilter(
        within=("summary_zh", "summary_en", "condition_zh", "condition_en"),
        label=_("Words"),
        help_text=_("Words that must all occur in summary or condition, in either language."),
    )
    area = AreaFilter()
    addressee = ActorFilter(
        field_name="addressees",
        label=_("Addressed to"),
        help_text=_("Slug of the actor who is asked. Repeat for “or”."),
    )
    action_type = ChoiceWordsFilter(
        field_name="action_type",
        choices=Recommendation.ActionType.choices,
        label=pgettext_lazy("recommendation", "Action"),
        help_text=_("What is to be done. Repeat for “or”."),
    )
    force = ChoiceWordsFilter(
        field_name="force", choices=Recommendation.Force.choices, label=_("Force"), help_text=_("must, should or may.")
    )
    standing = ChoiceWordsFilter(
        field_name="standing",
        choices=Recommendation.Standing.choices,
        label=_("Standing"),
        help_text=_("agreed, proposed or for_discussion."),
    )
    voice = ChoiceWordsFilter(
        field_name="voice", choices=Voice.choices, label=_("Voice"), help_text=_("own, joint or attributed.")
    )
    made_by = ActorFilter(
        field_name="made_by",
        authors=True,
        label=_("Made by"),
        help_text=_("Slug of the actor whose advice it is; “authors” for the report's own. Repeat for “or”."),
    )
    unit = UnitFilter(label=_("Unit"), help_text=_("atomic, umbrella or restating. Repeat for “or”."))
    instrument = SlugWordsFilter(
        field_name="instruments",
        rows=Instrument.objects.published,
        label=_("Instrument"),
        help_text=_("Slug of a named agreement, body or law. Repeat for “or”."),
    )
    report = ReportFilter(field_name="report")
    author = AuthorFilter(path="report__")
    institution = InstitutionFilter(path="report__")
    year = YearFacet(field_name="report__date", label=_("Year"), help_text=_("Year of the report. Repeat for “or”."))
    year_min, year_max = year_bounds("report__date")
    ordering = SortFilter(fields=REPORT_ORDER, words=REPORT_WORDS, help_text=REPORT_HELP)

    class Meta:
        model = Recommendation
        fields = []


class PositionFilterSet(StrictFilterSet):
    q = TextFilter(
        within=("summary_zh", "summary_en", "question__text_zh", "question__text_en"),
        label=_("Words"),
        help_text=_("Words that must all occur in summary or question, in either language."),
    )
    area = AreaFilter(field_name="question__areas")
    kind = ChoiceWordsFilter(
        field_name="question__kind",
        choices=Question.Kind.choices,
        label=_("Kind of question"),
        help_text=_("normative, predictive or evaluative."),
    )
    question = SlugWordsFilter(
        field_name="question",
        rows=Question.objects.published,
        name="text",
        label=_("Question"),
        help_text=_("Slug of a question. Repeat for “or”."),
    )
    holder = ActorFilter(
        field_name="holder",
        authors=True,
        label=_("Holder"),
        help_text=_("Slug of the actor who holds it; “authors” for the report's own. Repeat for “or”."),
    )
    voice = ChoiceWordsFilter(
        field_name="voice", choices=Voice.choices, label=_("Voice"), help_text=_("own, joint or attributed.")
    )
    stance = ChoiceWordsFilter(
        field_name="stance",
        choices=[(str(stance), str(stance)) for stance in STANCES],
        label=_("Stance"),
        help_text=_("2, 1, 0, -1 or -2. Repeat for “or”."),
    )
    stance.facet = False
    hedge = ChoiceWordsFilter(
        field_name="hedge",
        choices=Position.Hedge.choices,
        label=_("Hedge"),
        help_text=_("certain, likely, possible or open."),
    )
    report = ReportFilter(field_name="report")
    author = AuthorFilter(path="report__")
    institution = InstitutionFilter(path="report__")
    year_min, year_max = year_bounds("report__date")
    ordering = SortFilter(
        fields=REPORT_ORDER | {"question": ("question__slug",), "stance": ("stance",)},
        words=REPORT_WORDS,
        help_text=_("date, report, question or stance; a minus sign turns it round."),
    )

    class Meta:
        model = Position
        fields = []


class HorizonFilter(CasesFilter):
    """By when a forecast is meant to come true: a stretch of time, some date, or nothing that the text says."""

    CHOICES = {
        "short": _("in the short term"),
        "term": _("within Biden's term"),
        "long": _("in the long run"),
        "dated": _("by a date"),
        "unsaid": _("no date given"),
    }
    SPELT = {"dated": Q(horizon__gte="0", horizon__lt=":"), "unsaid": Q(horizon="")}  # a date begins with a digit

    def condition(self, word):
        return self.SPELT.get(word) or Q(horizon=word)

    def having(self, queryset, words):
        return queryset.filter(reduce(or_, map(self.condition, words)))

    def facet_rows(self, queryset):
        counts = {word: Count("pk", filter=self.condition(word), distinct=True) for word in self.CHOICES}
        found = queryset.order_by().aggregate(**counts)
        return [(word, label, found[word]) for word, label in self.CHOICES.items() if found[word]]


class ForecastFilterSet(PositionFilterSet):
    """Positions on questions about the future. Needs a queryset `with_result()`."""

    kind = None
    horizon = HorizonFilter(label=_("By when"), help_text=_("short, term, long, dated or unsaid. Repeat for “or”."))
    outcome = ChoiceWordsFilter(
        field_name="came_out",
        choices=Position.Result.choices,
        label=_("What came of it"),
        help_text=_("open, held, part, failed, unknowable or unsaid. Repeat for “or”."),
    )

    def bare(self, queryset):
        return super().bare(queryset).with_result()  # counted by its own facet


class AgreementFilter(CasesFilter):
    """How the documents' own answers lie to one another. Joint and attributed views decide nothing here."""

    CHOICES = dict(Agreement.choices)

    def having(self, queryset, words):
        return queryset.filter(pk__in=queryset.model.objects.of_agreement(*words).values("pk"))

    def facet_rows(self, queryset):
        rows = queryset.order_by()
        return [(word, label, n) for word, label in self.CHOICES.items() if (n := rows.of_agreement(word).count())]


class DocumentsFilter(WholeFilter):
    """At least so many documents that answer a question."""

    def filter(self, queryset, value):
        return queryset if value is None else queryset.answered_in(int(value))


class QuestionFilterSet(StrictFilterSet):
    """Needs a queryset `with_counts()` and `with_contention()`."""

    q = TextFilter(
        within=("text_zh", "text_en"), label=_("Words"), help_text=_("Words that must all occur, in either language.")
    )
    area = AreaFilter()
    kind = ChoiceWordsFilter(
        field_name="kind",
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
    report = ReportFilter(field_name="positions__report")
    holder = ActorFilter(
        field_name="positions__holder",
        gate=lambda: {"positions__report__in": Report.objects.published()},
        label=_("Holder"),
        help_text=_("Slug of an actor who answers it. Repeat for “or”."),
    )
    ordering = SortFilter(
        fields={"contention": MOST_CONTESTED, "documents": ("-report_count", "slug"), "name": ("slug",)},
        words={
            "contention": _("most contested first"),
            "documents": _("most documents first"),
            "name": _("by address"),
        },
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

    area = AreaFilter()
    kind = ChoiceWordsFilter(
        field_name="kind",
        choices=Question.Kind.choices,
        label=_("Kind of question"),
        help_text=_("normative, predictive or evaluative."),
    )
    question = SlugWordsFilter(
        field_name="pk",
        rows=Question.objects.published,
        name="text",
        label=_("Question"),
        help_text=_("Slug of a question. Repeat for “or”."),
    )
    report = ReportFilter(field_name="pk")
    year_min, year_max = year_bounds("date")
    voice = ChoiceWordsFilter(
        field_name="voice", choices=Voice.choices, label=_("Voice"), help_text=_("own, joint or attributed.")
    )
    holder = ActorFilter(
        field_name="holder",
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
        field_name="report",
        label=_("Beside"),
        help_text=_(
            "Column by agreement with which the columns are sorted: the slug of a report, or with columns=holders "
            "that of an actor, or “authors:” and the slug of a report."
        ),
    )
    ordering = SortFilter(
        fields={"documents": (), "contention": (), "name": (), "kind": ()},
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

    def narrowed(self, queryset, names):
        """Return the rows that these of the filters leave."""
        for name in names:
            queryset = self.filters[name].filter(queryset, self.form.cleaned_data.get(name))
        return queryset

    def selection(self):
        """Return the Selection that a valid filterset asks for, in a few queries however much there is."""
        chosen = self.narrowed(Report.objects.published(), self.DOCUMENTS)
        reports = list(chosen.only("slug", "title_zh", "title_en", "date", "coding")[: WIDEST + 1])
        total = chosen.count() if len(reports) > WIDEST else len(reports)
        given = Position.objects.filter(report__in=reports[:WIDEST])
        if any(self.chosen(name) for name in self.QUESTIONS):
            given = given.filter(question__in=self.narrowed(Question.objects.all(), self.QUESTIONS))
        rows = list(given.order_by().values_list(*Answer.COLUMNS))
        questions = Question.objects.in_bulk({row[1] for row in rows})
        actors = Actor.objects.in_bulk({row[3] for row in rows} - {None})
        by_id = {report.pk: report for report in reports}
        answers = [Answer(*row, by_id[row[2]], actors.get(row[3]), questions[row[1]].kind) for row in rows]
        words = self.chosen("holder")
        return Selection(
            reports=reports[:WIDEST],
            answers=answers,
            questions=questions,
            actors=actors,
            total=total,
            across=next(iter(self.chosen("columns")), REPORTS),
            voices=set(self.chosen("voice")),
            holders={*self.filters["holder"].ids(words), *({None} if AUTHORS in words else ())} if words else set(),
            ordering=self.chosen("ordering"),
            beside=next(iter(self.chosen("beside")), ""),
        )


class RatingFilterSet(StrictFilterSet):
    framework = SlugWordsFilter(
        field_name="dimension__framework",
        rows=Framework.objects.published,
        name="title",
        label=_("Framework"),
        help_text=_("Slug of a framework. Repeat for “or”."),
    )
    subject = SlugWordsFilter(
        field_name="subject", rows=Subject.objects.published, label=_("Subject"), help_text=_("Slug of what is rated.")
    )
    level = ChoiceWordsFilter(
        field_name="level", choices=Rating.Level.choices, label=_("Level"), help_text=_("low, medium or high.")
    )
    basis = ChoiceWordsFilter(
        field_name="basis", choices=Rating.Basis.choices, label=_("Basis"), help_text=_("How the text states it.")
    )
    assessor = ActorFilter(
        field_name="assessor",
        authors=True,
        label=_("Assessor"),
        help_text=_("Slug of the actor who rates; “authors” for the report's own."),
    )
    report = ReportFilter(field_name="report")
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

    def having(self, queryset, words):
        ends = self.rows(words).values("pk")
        return queryset.filter(Q(source__in=ends) | Q(target__in=ends))

    def labels(self, words):
        return {word: word for word in words}


class CrossReferenceFilterSet(StrictFilterSet):
    kind = ChoiceWordsFilter(
        field_name="kind", choices=CrossReference.Kind.choices, label=_("Kind"), help_text=_("Kind of relation.")
    )
    report = ReportFilter(field_name="source__report", paths=("target__report",))
    recommendation = EndFilter(
        label=_("Recommendation"),
        help_text=_("A recommendation at either end, as report/key: cyber-relations-2021/R07. Repeat for “or”."),
    )
    ordering = SortFilter(fields={"source": ("source",)}, words={}, help_text=_("source."))

    class Meta:
        model = CrossReference
        fields = []


class AreaFilterSet(NamedFilterSet):
    class Meta:
        model = PolicyArea
        fields = []


class SubjectFilterSet(NamedFilterSet):
    framework = SlugWordsFilter(
        field_name="ratings__dimension__framework",
        rows=Framework.objects.published,
        name="title",
        gate=lambda: {"ratings__report__in": Report.objects.published()},
        label=_("Framework"),
        help_text=_("Slug of a framework. Repeat for “or”."),
    )
    report = ReportFilter(field_name="ratings__report")

    class Meta:
        model = Subject
        fields = []


class ActorFilterSet(NamedFilterSet):
    kind = ChoiceWordsFilter(
        field_name="kind", choices=Actor.Kind.choices, label=_("Kind"), help_text=_("Kind of actor.")
    )

    class Meta:
        model = Actor
        fields = []


class InstrumentFilterSet(NamedFilterSet):
    kind = ChoiceWordsFilter(
        field_name="kind", choices=Instrument.Kind.choices, label=_("Kind"), help_text=_("Kind of instrument.")
    )

    class Meta:
        model = Instrument
        fields = []


class FrameworkFilterSet(StrictFilterSet):
    report = ReportFilter(field_name="dimensions__ratings__report")
    ordering = SortFilter(fields={"name": ("slug",)}, words={}, help_text=_("name."))

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
    reports = ComparedFilter(field_name="pk")
    presentation = {"format"}

    class Meta:
        model = Report
        fields = []


class ChooserFilterSet(ComparedFilterSet):
    """The page has a box for words too, to find documents by."""

    q = TextFilter(
        within=("title_zh", "title_en"), label=_("Words"), help_text=_("Words that must all occur in the title.")
    )


class EventFilterSet(StrictFilterSet):
    """Events, which are filed under areas; so their finder stands here."""

    q = TextFilter(
        within=("title_zh", "title_en"), label=_("Words"), help_text=_("Words that must all occur in the title.")
    )
    area = AreaFilter()
    report = ReportFilter(field_name="mentions__report")
    year_min, year_max = year_bounds("date", "date_end")
    ordering = SortFilter(
        fields={"date": ("date",)},
        words={"date": _("oldest first"), "-date": _("newest first")},
        help_text=_("date; a minus sign turns it round."),
    )

    class Meta:
        model = Event
        fields = []


class ViewFilter(ChoiceWordsFilter):
    """How a page is drawn, not what is in it: the rows stay as they are."""

    facet = False

    def having(self, queryset, words):
        return queryset


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
