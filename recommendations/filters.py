"""What lists of recommendations, positions, questions, ratings and the vocabulary can be narrowed by."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.filters import (
    ChoiceWordsFilter,
    SlugWordsFilter,
    SortFilter,
    StrictFilterSet,
    TextFilter,
    TreeWordsFilter,
    WholeFilter,
    WordsFilter,
    YearFacet,
)
from recommendations.models import (
    MOST_CONTESTED,
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
from reports.models import Report

REPORT_ORDER = {"date": ("report__date",), "report": ("report__slug", "order")}
REPORT_WORDS = {"-date": _("newest first"), "date": _("oldest first"), "report": _("by document")}
REPORT_HELP = _("date or report; a minus sign turns it round.")

AUTHORS = "authors"


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


class UnitFilter(WordsFilter):
    """Single acts, umbrellas that gather them, and rows that repeat others."""

    CHOICES = {"atomic": _("single act"), "umbrella": _("umbrella"), "restating": _("repeats another")}

    def known(self, words):
        return self.CHOICES.keys()

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

    def labels(self, words):
        return {word: self.CHOICES[word] for word in words if word in self.CHOICES}


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


class AgreementFilter(WordsFilter):
    """How the documents' own answers lie to one another. Joint and attributed views decide nothing here."""

    choices = dict(Agreement.choices)

    def known(self, words):
        return self.choices.keys()

    def having(self, queryset, words):
        return queryset.filter(pk__in=queryset.model.objects.of_agreement(*words).values("pk"))

    def facet_rows(self, queryset):
        rows = queryset.order_by()
        return [(word, label, n) for word, label in self.choices.items() if (n := rows.of_agreement(word).count())]

    def labels(self, words):
        return {word: self.choices[word] for word in words if word in self.choices}


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


class CrossReferenceFilterSet(StrictFilterSet):
    kind = ChoiceWordsFilter(
        field_name="kind", choices=CrossReference.Kind.choices, label=_("Kind"), help_text=_("Kind of relation.")
    )
    report = ReportFilter(field_name="source__report", paths=("target__report",))
    ordering = SortFilter(fields={"source": ("source",)}, words={}, help_text=_("source."))

    class Meta:
        model = CrossReference
        fields = []


class AreaFilterSet(NamedFilterSet):
    class Meta:
        model = PolicyArea
        fields = []


class ActorFilterSet(NamedFilterSet):
    kind = ChoiceWordsFilter(
        field_name="kind", choices=Actor.Kind.choices, label=_("Kind"), help_text=_("Kind of actor.")
    )

    class Meta:
        model = Actor
        fields = []


class FrameworkFilterSet(StrictFilterSet):
    report = ReportFilter(field_name="dimensions__ratings__report")
    ordering = SortFilter(fields={"name": ("slug",)}, words={}, help_text=_("name."))

    class Meta:
        model = Framework
        fields = []
