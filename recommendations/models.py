"""What a report says: recommendations, positions, ratings, and the shared vocabulary in which they are coded."""

from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, validate_slug
from django.db import models
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    FloatField,
    Max,
    Min,
    OuterRef,
    Prefetch,
    Q,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, NullIf
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.addresses import path_to
from portal.fields import KeyField, PartialDateField
from portal.models import Named, SlugQuerySet, Span
from recommendations import dossier
from reports.models import Author, Event, Institution, OfReportQuerySet, Passage, Report, Section, Work, is_public


class Voice(models.TextChoices):
    """Whose view a row is. The three are never merged in a count."""

    OWN = "own", pgettext_lazy("voice", "own")
    JOINT = "joint", pgettext_lazy("voice", "joint")
    ATTRIBUTED = "attributed", pgettext_lazy("voice", "attributed")


class PolicyAreaQuerySet(SlugQuerySet):
    def subtree_ids(self, areas):
        """Return the ids of these areas and of everything below them. One query; the taxonomy is small."""
        children = {}
        for pk, parent in self.model.objects.values_list("pk", "parent_id"):
            children.setdefault(parent, []).append(pk)
        ids, queue = set(), [area.pk for area in areas]
        while queue:
            pk = queue.pop()
            if pk not in ids:
                ids.add(pk)
                queue += children.get(pk, [])
        return ids


class PolicyArea(Named):
    """A field of policy in the taxonomy. What is filed under a child counts for its parents too."""

    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("parent")
    )
    events = models.ManyToManyField(Event, blank=True, related_name="areas", verbose_name=_("events"))

    objects = PolicyAreaQuerySet.as_manager()

    class Meta(Named.Meta):
        verbose_name = _("policy area")
        verbose_name_plural = _("policy areas")

    def get_absolute_url(self):
        return path_to("recommendations:area_detail", self.slug)

    def clean(self):
        super().clean()
        refuse_circle(self)


def refuse_circle(row):
    """Raise ValidationError when following `parent` from an unsaved change leads back to the row."""
    seen, above = {row.pk} if row.pk else set(), row.parent
    while above is not None:
        if above.pk in seen or above is row:
            raise ValidationError({"parent": _("A parent cannot stand below its own child.")})
        seen.add(above.pk)
        above = above.parent


class ActorQuerySet(SlugQuerySet):
    def published(self):
        """Actors whom something published is made by, addressed to, held or assessed by."""
        advice = Recommendation.objects.published()
        return self.filter(
            Exists(advice.filter(made_by=OuterRef("pk")))
            | Exists(advice.filter(addressees=OuterRef("pk")))
            | Exists(Position.objects.published().filter(holder=OuterRef("pk")))
            | Exists(Rating.objects.published().filter(assessor=OuterRef("pk")))
        )

    def holding(self):
        """Actors who hold a published position."""
        return self.filter(Exists(Position.objects.published().filter(holder=OuterRef("pk"))))


class Actor(Named):
    """Who holds a view or is addressed."""

    class Kind(models.TextChoices):
        GOVERNMENT = "government", _("government")
        ADMINISTRATION = "administration", _("administration")
        INSTITUTION = "institution", _("institution")
        PERSON = "person", _("person")
        DELEGATION = "delegation", _("delegation")
        GROUP = "group", _("group")

    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    institution = models.OneToOneField(
        Institution, models.SET_NULL, null=True, blank=True, related_name="actor", verbose_name=_("institution")
    )
    author = models.OneToOneField(
        Author, models.SET_NULL, null=True, blank=True, related_name="actor", verbose_name=_("author")
    )

    objects = ActorQuerySet.as_manager()

    class Meta(Named.Meta):
        verbose_name = _("actor")
        verbose_name_plural = _("actors")


class InstrumentQuerySet(SlugQuerySet):
    def published(self):
        """Instruments that published advice names."""
        return self.filter(Exists(Recommendation.objects.published().filter(instruments=OuterRef("pk"))))


class Instrument(Named):
    """A named agreement, body, law, venue or initiative through which something is to be done."""

    class Kind(models.TextChoices):
        AGREEMENT = "agreement", _("agreement")
        BODY = "body", _("body")
        LAW = "law", _("law")
        VENUE = "venue", _("venue")
        INITIATIVE = "initiative", _("initiative")

    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)

    objects = InstrumentQuerySet.as_manager()

    class Meta(Named.Meta):
        verbose_name = _("instrument")
        verbose_name_plural = _("instruments")


class Coded(models.Model):
    """What every coded row of a report has: a key, an order, a summary and a note in both languages, evidence."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="%(class)ss", verbose_name=_("report"))
    key = KeyField(
        _("key"),
        max_length=20,
        validators=[RegexValidator(r"^[A-Z]\d{2,}\Z", _("A key is a letter and a number: R07."))],
        help_text=_("Stable inside its report: R for recommendations, P for positions, T for ratings."),
    )
    order = models.PositiveIntegerField(_("order"), default=0)
    summary_zh = models.TextField(
        _("summary (Chinese)"),
        help_text=_("One sentence in our own words that stands without its context; never the clause of the source."),
    )
    summary_en = models.TextField(_("summary (English)"))
    note_zh = models.TextField(_("note (Chinese)"), blank=True)
    note_en = models.TextField(_("note (English)"), blank=True)

    class Meta:
        abstract = True
        ordering = ["report", "order", "pk"]

    def __str__(self):
        return f"{self.key} {self.summary_zh}"

    def natural_key(self):
        return (self.report.slug, self.key)


def holder_constraint(field, name):
    """An own view names no holder, an attributed one does; a joint one may name a group."""
    return models.CheckConstraint(
        condition=Q(voice="own", **{field: None})
        | Q(voice="attributed", **{f"{field}__isnull": False})
        | Q(voice="joint"),
        name=name,
        violation_error_message=_("An own view names no holder; an attributed view must name one."),
    )


def spans():
    """Return what brings along where rows are written: spans, their sections and the numbers of their passages."""
    return Prefetch("evidence", Evidence.objects.select_related("section", "passage").defer("passage__text"))


class CodedQuerySet(OfReportQuerySet):
    def with_evidence(self):
        """Bring along where each row is written, and what names its source text."""
        return self.with_source().prefetch_related(spans())


def is_restating():
    """The condition that a row repeats another of its own report, or of a public one.

    What it repeats of a hidden report changes nothing: else a draft would show in what is public counts.
    """
    # Asked link by link: PostgreSQL would join all recommendations that there are to the links
    report = Recommendation.objects.filter(pk=OuterRef("to_recommendation")).order_by().values("report")
    links = Recommendation.restates.through.objects.alias(repeated=Subquery(report))
    known = Q(repeated=OuterRef("report")) | Q(repeated__in=Report.objects.published().values("pk"))
    return Exists(links.filter(known, from_recommendation=OuterRef("pk")))


class RecommendationQuerySet(CodedQuerySet):
    def atomic(self):
        """Single acts, each counted once: no umbrella, and no preface row that restates the body."""
        return self.filter(~is_restating(), parts=None)

    def umbrellas(self):
        """Rows that gather others, each once; they are listed, and not counted."""
        return self.filter(~is_restating(), Exists(Recommendation.objects.filter(parent=OuterRef("pk"))))

    def restating(self):
        """Rows that repeat others; they are listed, and not counted."""
        return self.filter(is_restating())

    def with_units(self):
        """Bring along what tells an umbrella and a repeat from a single act (see `Recommendation.unit`)."""
        return self.prefetch_related("parts", Prefetch("restates", Recommendation.objects.published()))

    def by_area(self):
        """Return (area id, row id, voice) of rows that count, once for each area that a row is filed under."""
        return self.atomic().order_by().values_list("areas", "pk", "voice").distinct()

    def by_document(self):
        """Return {row id: report id} of rows that count."""
        return dict(self.atomic().order_by().values_list("pk", "report"))

    def on_report(self):
        """What a report's page shows of its advice; the report itself is known there."""
        return (
            self.with_references()
            .select_related("made_by")
            .prefetch_related(
                "addressees",
                "evidence",
                Prefetch("restates", Recommendation.objects.published().select_related("report")),
            )
        )

    def side_by_side(self):
        """What a comparison of documents shows of their advice; the reports themselves are known there."""
        return (
            self.select_related("made_by")
            .with_units()
            .prefetch_related("areas", Prefetch("references_out", CrossReference.objects.published()))
        )

    def for_list(self):
        """What a list row shows, in one constant number of queries."""
        return self.select_related("report", "report__part_of", "parent", "made_by").prefetch_related(
            "addressees", "areas"
        )

    def for_page(self):
        """What a recommendation's page, and its API object, show."""
        return (
            self.for_list()
            .with_evidence()
            .prefetch_related(
                "instruments",
                "report__sections",
                Prefetch("restates", Recommendation.objects.published().select_related("report")),
            )
        )

    def for_suggestions(self):
        """What `recommendations.suggestion` compares, drafts too: every row that does not just repeat another."""
        return (
            self.filter(~is_restating())
            .select_related("report")
            .prefetch_related("areas", "addressees", "instruments", "positions__question")
        )

    def with_references(self):
        """Bring along the public relations from and to each row (see `Recommendation.reference_count`)."""
        return self.prefetch_related(
            *(
                Prefetch(f"references_{way}", CrossReference.objects.published().only("source", "target"))
                for way in ("out", "in")
            )
        )

    def with_family(self):
        """Bring along the parts of an umbrella and the rows that restate this one, as far as they are public."""
        return self.prefetch_related(
            Prefetch("parts", Recommendation.objects.for_list().with_units()),
            Prefetch("restated_by", Recommendation.objects.published().select_related("report")),
            "follow_ups",
        )


class Recommendation(Coded):
    """One thing that a report says somebody should, may or must do. A row with parts is an umbrella."""

    class ActionType(models.TextChoices):
        DIALOGUE = "dialogue", _("hold dialogue")
        CONFIDENCE = "confidence_building", _("build confidence")
        RESEARCH = "joint_research", _("joint research")
        COOPERATION = "cooperation", _("cooperate in practice")
        EXCHANGE = "exchange", _("exchange people")
        STANDARD = "standard", _("set standards")
        LAW = "law", _("make or apply law")
        TRADE_RULE = "trade_rule", _("make trade rules")
        INSTITUTION = "institution", _("set up a body")
        RESTRAINT = "restraint", _("show restraint")
        TRANSPARENCY = "transparency", _("be transparent")
        REGULATION = "regulation", _("regulate")
        INVESTMENT = "investment", _("invest and fund")
        CAPACITY = "capacity", _("build own strength")
        MARKET_ACCESS = "market_access", _("open up")
        PRESSURE = "pressure", _("apply pressure")
        ALLIANCE = "alliance", _("work with allies")
        MULTILATERAL = "multilateral", _("act through international bodies")
        COMMUNICATION = "communication", _("speak and persuade")
        STRATEGY = "strategy", _("set the general line")

    class Force(models.TextChoices):
        MUST = "must", pgettext_lazy("force", "must")
        SHOULD = "should", pgettext_lazy("force", "should")
        MAY = "may", pgettext_lazy("force", "may")

    class Standing(models.TextChoices):
        AGREED = "agreed", _("agreed")
        PROPOSED = "proposed", _("proposed")
        FOR_DISCUSSION = "for_discussion", _("for further discussion")

    parent = models.ForeignKey(
        "self",
        models.RESTRICT,
        null=True,
        blank=True,
        related_name="parts",
        verbose_name=_("umbrella"),
        help_text=_("The heading or topic sentence that gathers this and others; up to three levels."),
    )
    made_by = models.ForeignKey(
        Actor,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="recommendations_made",
        verbose_name=_("made by"),
        help_text=_("Empty: the report's authors. Filled: whose advice the report passes on."),
    )
    voice = models.CharField(_("voice"), max_length=10, choices=Voice.choices, default=Voice.OWN)
    addressees = models.ManyToManyField(
        Actor,
        blank=True,
        related_name="recommendations_received",
        verbose_name=_("addressees"),
        help_text=_("Who is asked to act. Advice to both governments is not advice to one."),
    )
    areas = models.ManyToManyField(PolicyArea, related_name="recommendations", verbose_name=_("policy areas"))
    action_type = models.CharField(_("action"), max_length=20, choices=ActionType.choices)
    force = models.CharField(
        _("force"),
        max_length=10,
        choices=Force.choices,
        help_text=_("How firmly: must (必须), should (应、要), may (可、不妨)."),
    )
    instruments = models.ManyToManyField(
        Instrument, blank=True, related_name="recommendations", verbose_name=_("instruments")
    )
    condition_zh = models.TextField(_("condition (Chinese)"), blank=True)
    condition_en = models.TextField(_("condition (English)"), blank=True)
    standing = models.CharField(_("standing"), max_length=20, choices=Standing.choices, default=Standing.PROPOSED)
    restates = models.ManyToManyField(
        "self",
        blank=True,
        symmetrical=False,
        related_name="restated_by",
        verbose_name=_("restates"),
        help_text=_("Rows that this one repeats, as a preface repeats a chapter. A restating row is never counted."),
    )

    objects = RecommendationQuerySet.as_manager()

    class Meta(Coded.Meta):
        verbose_name = _("recommendation")
        verbose_name_plural = _("recommendations")
        constraints = [
            models.UniqueConstraint(fields=["report", "key"], name="recommendation_key_unique"),
            models.CheckConstraint(condition=~Q(parent=F("pk")), name="recommendation_not_its_own_parent"),
            holder_constraint("made_by", "recommendation_voice_and_maker"),
        ]

    def get_absolute_url(self):
        return path_to("recommendations:detail", self.report.slug, self.key)

    @property
    def unit(self):
        """Row-level twin of `atomic()`: atomic, umbrella or restating. Walks what a page or `with_units()` fetched."""
        return "restating" if self.restates.all() else "umbrella" if self.parts.all() else "atomic"

    @property
    def reference_count(self):
        """How many public relations tie it to other reports; walks what `with_references()` fetched."""
        return len(self.references_out.all()) + len(self.references_in.all())

    def clean(self):
        super().clean()
        if self.parent is None:
            return
        refuse_circle(self)
        if self.parent.report_id != self.report_id:
            raise ValidationError({"parent": _("The umbrella stands in the same report.")})
        if self.parent.parent and self.parent.parent.parent:
            raise ValidationError({"parent": _("Recommendations are at most three levels deep.")})


class Agreement(models.TextChoices):
    """How the documents' own answers to a question lie to one another: exactly one word fits each question."""

    SPLIT = "split", _("on both sides")
    LEANING = "leaning", _("on one side, some open")
    AGREED = "agreed", _("all the same way")
    SINGLE = "single", _("one document only")
    NONE = "none", _("none")


ENOUGH = 3  # documents: below that a degree of contention or of agreement is neither shown nor sorted by


class QuestionQuerySet(SlugQuerySet):
    def published(self):
        """Questions that a published report answers."""
        return self.filter(Exists(Position.objects.published().filter(question=OuterRef("pk"))))

    def told(self, keys):
        """Return {key: question} of these, each with what published reports answer; counted for all of them at once.

        `report_count` and one count a voice: `own_count`, `joint_count`, `attributed_count`. Of own answers
        `own_documents`, `own_low`, `own_high` and `contention`: the variance of the stances, divided by 4, 0 where all
        say the same, 1 where half say +2 and half −2; None where fewer than ENOUGH documents answer. It is worked out
        in whole numbers up to the one division, so that every database, and `comparison.contention`, come to the same.
        """
        found = self.in_bulk(keys)
        shown = Position.objects.published().filter(question__in=found).order_by().values_list("question")
        reports = dict(shown.annotate(Count("report", distinct=True)))
        views = {(pk, voice): n for pk, voice, n in shown.values_list("question", "voice").annotate(Count("pk"))}
        own = own_answers(question__in=found).annotate(spread=spread())
        own = {pk: told for pk, *told in own.values_list("question", "n", "low", "high", "spread")}
        for pk, row in found.items():
            row.report_count = reports.get(pk, 0)
            for voice in Voice.values:
                setattr(row, f"{voice}_count", views.get((pk, voice), 0))
            row.own_documents, row.own_low, row.own_high, row.contention = own.get(pk, (0, None, None, None))
            if row.own_documents < ENOUGH:
                row.contention = None
        return found

    def beside(self, question):
        """Other questions of the same areas."""
        near = self.model.objects.filter(areas__in=question.areas.all())
        return self.filter(pk__in=near.values("pk")).exclude(pk=question.pk)

    def in_voices(self, *voices):
        """Questions that a published position answers in one of these voices."""
        shown = Position.objects.published().filter(question=OuterRef("pk"), voice__in=voices)
        return self.filter(Exists(shown))

    def opposed(self, *voices):
        """Questions to which published positions say both yes and no; with `voices`, in those voices alone."""
        shown = Position.objects.published().filter(question=OuterRef("pk"))
        if voices:
            shown = shown.filter(voice__in=voices)
        return self.filter(Exists(shown.filter(stance__gt=0)), Exists(shown.filter(stance__lt=0)))

    def with_outcomes(self):
        """Bring along what public reports tell of the outcome of forecasts, the newest first."""
        return self.prefetch_related(resolutions())


def resolutions(path="resolutions"):
    """Return the prefetch behind `Question.settlement`; `path` leads to the resolutions of a question."""
    told = Resolution.objects.published().with_source().prefetch_related("report__sections")
    return Prefetch(path, told.order_by(*Resolution.NEWEST), to_attr="told")


class Settlement(NamedTuple):
    """What decides a question about the future: the outcome, its date, and its source, an address or a report."""

    outcome: str
    date: str
    source: str = ""
    report: Report | None = None

    @property
    def word(self):
        return Question.Outcome(self.outcome).label


def own_answers(**narrowed):
    """Return the own answers of published reports by question: `n` documents, their `low`est and `high`est stance."""
    rows = Position.objects.published().filter(voice=Voice.OWN, **narrowed).order_by().values("question")
    return rows.annotate(n=Count("report", distinct=True), low=Min("stance"), high=Max("stance"))


def spread():
    """Return the contention of answers (see `told`), an aggregate over them."""
    n, total, squares = Count("pk"), Sum("stance"), Sum(F("stance") * F("stance"))
    return Cast(n * squares - total * total, FloatField()) / Cast(Value(4) * n * n, FloatField())


def agreement(n, low, high):
    """Return the word of `Agreement` for n documents with own answers, and the lowest and highest stance of these."""
    if n < 2:
        return Agreement.SINGLE if n else Agreement.NONE
    if low < 0 < high:
        return Agreement.SPLIT
    return Agreement.LEANING if (low == 0) != (high == 0) else Agreement.AGREED


class Question(models.Model):
    """A canonical question, worded so that support and opposition are both thinkable."""

    class Kind(models.TextChoices):
        NORMATIVE = "normative", _("should it be?")
        PREDICTIVE = "predictive", _("will it be?")
        EVALUATIVE = "evaluative", _("is it so?")

    class Outcome(models.TextChoices):
        OPEN = "", _("open")
        YES = "yes", _("yes")
        PARTLY = "partly", _("in part")
        NO = "no", _("no")
        UNKNOWABLE = "unknowable", _("cannot be known")

    slug = KeyField(_("slug"), max_length=100, unique=True, validators=[validate_slug])
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    text_zh = models.CharField(_("question (Chinese)"), max_length=200)
    text_en = models.CharField(_("question (English)"), max_length=200)
    areas = models.ManyToManyField(PolicyArea, related_name="questions", verbose_name=_("policy areas"))
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices, blank=True, default="")
    outcome_date = PartialDateField(_("date of the outcome"))
    outcome_source = models.URLField(_("source of the outcome"), max_length=500, blank=True)

    objects = QuestionQuerySet.as_manager()

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="", outcome_date="", outcome_source="")
                | Q(kind="predictive") & ~Q(outcome="") & ~Q(outcome_date="") & ~Q(outcome_source=""),
                name="question_outcome_has_date_and_source",
                violation_error_message=_("Only a forecast has an outcome, and an outcome has a date and a source."),
            )
        ]

    def __str__(self):
        return self.text_zh

    def get_absolute_url(self):
        return path_to("recommendations:question_detail", self.slug)

    def natural_key(self):
        return (self.slug,)

    @property
    def settlement(self):
        """The outcome that an editor entered, else the newest that a public report tells; None while open.

        Walks what `with_outcomes()` fetched.
        """
        if self.outcome:
            return Settlement(self.outcome, self.outcome_date, self.outcome_source)
        return next((Settlement(told.outcome, told.date, report=told.report) for told in self.told), None)

    @property
    def agreement(self):
        """How the own answers lie to one another; wants `told()`."""
        return agreement(self.own_documents, self.own_low, self.own_high)


STANCES = (2, 1, 0, -1, -2)

STANCE_WORDS = {
    Question.Kind.NORMATIVE: {
        2: _("For"),
        1: _("For, conditionally"),
        0: _("Neutral"),
        -1: _("Against, conditionally"),
        -2: _("Against"),
    },
    Question.Kind.PREDICTIVE: {
        2: _("Expected"),
        1: _("Expected in part"),
        0: _("Left open"),
        -1: _("Mostly not"),
        -2: _("Not expected"),
    },
    Question.Kind.EVALUATIVE: {
        2: pgettext_lazy("stance", "Yes"),
        1: _("Partly yes"),
        0: _("Undecided"),
        -1: _("Mostly no"),
        -2: pgettext_lazy("stance", "No"),
    },
}


class PositionQuerySet(CodedQuerySet):
    def forecasts(self):
        return self.filter(question__kind=Question.Kind.PREDICTIVE)

    def with_outcomes(self):
        """Bring along what public reports tell of how the question came out: what `result` walks."""
        return self.prefetch_related(resolutions("question__resolutions"))

    def with_result(self):
        """Annotate `came_out`, the set-level twin of `Position.result`."""
        told = Resolution.objects.published().filter(question=OuterRef("question")).order_by(*Resolution.NEWEST)
        entered = NullIf("question__outcome", Value(""))
        outcome = Coalesce(entered, Subquery(told.values("outcome")[:1]), Value(""))
        clearly, result, outcomes = Q(stance__in=(2, -2)), Position.Result, Question.Outcome
        ending = Case(
            When(outcome_told="", then=Value(result.OPEN)),
            When(outcome_told=outcomes.UNKNOWABLE, then=Value(result.UNKNOWABLE)),
            When(stance=0, then=Value(result.UNSAID)),
            When(clearly, outcome_told=outcomes.PARTLY, then=Value(result.PART)),
            When(outcome_told=outcomes.PARTLY, then=Value(result.HELD)),
            When(outcome_told=outcomes.YES, stance__lt=0, then=Value(result.FAILED)),
            When(outcome_told=outcomes.NO, stance__gt=0, then=Value(result.FAILED)),
            When(clearly, then=Value(result.HELD)),
            default=Value(result.PART),
        )
        return self.alias(outcome_told=outcome).annotate(came_out=ending)

    def tally(self):
        """Return how many of these forecasts there are of each sort, [{report, holder, voice, hedge, came_out, n}]."""
        sorts = self.with_result().order_by().values("report", "holder", "voice", "hedge", "came_out")
        return list(sorts.annotate(n=Count("pk", distinct=True)))

    def beside(self, recommendations):
        """All answers to the questions that positions resting on these recommendations, a QuerySet, answer."""
        resting = Position.objects.filter(recommendation__in=recommendations.order_by().values("pk"))
        return self.filter(question__in=resting.values("question"))

    def told(self, questions):
        """Return {question id: what Told says of each of these positions on it}, thousands at a time."""
        columns = "pk", "question", "report", "holder", "voice", "stance", "order", "report__date"
        found = {pk: [] for pk in questions}
        rows = self.filter(question__in=found).order_by("-report__date", "report__slug", "order", "pk")
        for pk, question, *rest in rows.values_list(*columns):
            found[question].append(Told(pk, question, *rest))
        return found

    def on_report(self):
        """What a report's page shows of its positions; the report itself is known there."""
        return self.select_related("question", "holder", "recommendation").prefetch_related("evidence")

    def side_by_side(self):
        """What a comparison of documents shows of their answers; the reports themselves are known there."""
        return self.select_related("question", "holder", "recommendation")

    def of_documents(self, reports):
        """Answers of these documents; a whole publication stands for its essays too."""
        return self.filter(report__in=Report.objects.with_parts(reports))

    def by_document(self):
        """Return (report id, id of the whole that it is part of, question id), each once."""
        return self.order_by().values_list("report", "report__part_of", "question").distinct()

    def for_list(self):
        """What a list row shows, with the quotation's place, in one constant number of queries."""
        rows = self.with_evidence().prefetch_related("report__sections")
        return rows.select_related("report__part_of", "question", "holder", "recommendation")


class Position(Coded):
    """One holder's answer to a question in one report. Forecasts are positions on predictive questions."""

    class Hedge(models.TextChoices):
        CERTAIN = "certain", _("certain")
        LIKELY = "likely", _("likely")
        POSSIBLE = "possible", _("possible")
        OPEN = "open", pgettext_lazy("hedge", "open")

    class Result(models.TextChoices):
        """What came of a forecast. A forecast of “no” holds when the outcome is no."""

        OPEN = "open", pgettext_lazy("outcome", "Open")
        HELD = "held", _("Held")
        PART = "part", _("Held in part")
        FAILED = "failed", _("Did not hold")
        UNKNOWABLE = "unknowable", _("Cannot be known")
        UNSAID = "unsaid", _("Had been left open")

    question = models.ForeignKey(Question, models.PROTECT, related_name="positions", verbose_name=_("question"))
    holder = models.ForeignKey(
        Actor,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="positions",
        verbose_name=_("holder"),
        help_text=_("Who holds it according to the text. Empty: the report's authors."),
    )
    voice = models.CharField(_("voice"), max_length=10, choices=Voice.choices, default=Voice.OWN)
    stance = models.SmallIntegerField(
        _("stance"),
        choices=[(2, "+2"), (1, "+1"), (0, "0"), (-1, "−1"), (-2, "−2")],
        help_text=_("+2 yes, +1 yes in part or on conditions, 0 open, −1 mostly not, −2 no."),
    )
    hedge = models.CharField(
        _("hedge"),
        max_length=10,
        choices=Hedge.choices,
        default=Hedge.CERTAIN,
        help_text=_("必将/将 certain, 很可能/大概率 likely, 或将/可能/不排除 possible, 有待观察 open."),
    )
    horizon = KeyField(
        _("horizon"),
        max_length=10,
        blank=True,
        validators=[
            RegexValidator(
                r"^(short|term|long|\d{4}(-\d\d(-\d\d)?)?)\Z",
                _("short, term, long, or a date such as 2022 or 2023-06."),
            )
        ],
        help_text=_("By when: short, term (Biden's four years), long, or a date such as 2022 or 2023-06."),
    )
    condition_zh = models.TextField(_("condition (Chinese)"), blank=True)
    condition_en = models.TextField(_("condition (English)"), blank=True)
    recommendation = models.ForeignKey(
        Recommendation,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="positions",
        verbose_name=_("recommendation"),
        help_text=_("The recommendation on which this answer rests."),
    )

    objects = PositionQuerySet.as_manager()

    class Meta(Coded.Meta):
        verbose_name = _("position")
        verbose_name_plural = _("positions")
        constraints = [
            models.UniqueConstraint(fields=["report", "key"], name="position_key_unique"),
            models.CheckConstraint(
                condition=Q(stance__gte=-2, stance__lte=2),
                name="position_stance_range",
                violation_error_message=_("A stance lies between −2 and +2."),
            ),
            holder_constraint("holder", "position_voice_and_holder"),
        ]

    def get_absolute_url(self):
        return f"{self.report.get_absolute_url()}#{self.key}"

    def clean(self):
        super().clean()
        if self.recommendation and self.recommendation.report_id != self.report_id:
            raise ValidationError({"recommendation": _("A position rests on a recommendation of the same report.")})

    @property
    def holder_key(self):
        """Tells holders apart: an actor is one wherever it speaks; views without a name are their report's."""
        return ("actor", self.holder_id) if self.holder_id else ("report", self.report_id)

    @property
    def stance_word(self):
        """The stance worded by the question's kind: a forecast is expected, a proposal supported."""
        return STANCE_WORDS[self.question.kind][self.stance]

    @property
    def result(self):
        """What came of a forecast, a word of `Result`. Walks what `with_outcomes()` fetched.

        “In part” (±1) holds when the outcome is partly so; a plain yes or no (±2) then holds in part, and the reverse.
        """
        settlement = self.question.settlement
        return self.Result.OPEN if settlement is None else self.ending(self.stance, settlement.outcome)

    @classmethod
    def ending(cls, stance, outcome):
        """Return the word of `Result` for a forecast of this stance once the outcome is known."""
        if outcome == Question.Outcome.UNKNOWABLE:
            return cls.Result.UNKNOWABLE
        if stance == 0:
            return cls.Result.UNSAID
        clearly = abs(stance) == 2
        if outcome == Question.Outcome.PARTLY:
            return cls.Result.PART if clearly else cls.Result.HELD
        if (outcome == Question.Outcome.YES) != (stance > 0):
            return cls.Result.FAILED
        return cls.Result.HELD if clearly else cls.Result.PART


@dataclass(slots=True)
class Told:
    """A position as far as it counts, without its words."""

    pk: int
    question_id: int
    report_id: int
    holder_id: int | None
    voice: str
    stance: int
    order: int
    report_date: str

    holder_key = Position.holder_key


class Resolution(Span):
    """What a report itself tells of the outcome of a forecast, and where: a note that reports the act, say."""

    NEWEST = ("-date", "report__slug")

    report = models.ForeignKey(Report, models.CASCADE, related_name="resolutions", verbose_name=_("report"))
    question = models.ForeignKey(Question, models.PROTECT, related_name="resolutions", verbose_name=_("question"))
    outcome = models.CharField(_("outcome"), max_length=10, choices=Question.Outcome.choices[1:])
    date = PartialDateField(_("date"), help_text=_("Of the outcome, as the text gives it; empty where it gives none."))
    note_zh = models.TextField(_("note (Chinese)"), blank=True)
    note_en = models.TextField(_("note (English)"), blank=True)

    objects = OfReportQuerySet.as_manager()

    class Meta(Span.Meta):
        verbose_name = _("resolution")
        verbose_name_plural = _("resolutions")
        ordering = ["report", "start", "pk"]
        constraints = [
            *Span.Meta.constraints,
            models.UniqueConstraint(fields=["report", "question"], name="resolution_unique"),
            models.CheckConstraint(condition=~Q(outcome=""), name="resolution_has_outcome"),
        ]

    section = None  # a report finds it by the place

    def __str__(self):
        return f"{self.question} – {self.report}"

    def clean(self):
        super().clean()
        if self.question_id and self.question.kind != Question.Kind.PREDICTIVE:
            raise ValidationError({"question": _("Only a question about the future has an outcome.")})


class CrossReferenceQuerySet(models.QuerySet):
    def published(self):
        """Confirmed relations of which both ends are public."""
        public = is_public("source__report__") & is_public("target__report__")
        return self.filter(public, state=CrossReference.State.CONFIRMED)

    def proposed(self):
        """Suggestions of `manage.py suggest_relations` that wait for an editor; those entered by hand have no score."""
        return self.filter(state=CrossReference.State.SUGGESTED, score__isnull=False)

    def touching(self, recommendation):
        """Relations of which a recommendation is an end, either one."""
        return self.filter(Q(source=recommendation) | Q(target=recommendation))

    def by_document(self):
        """Return (id, report and its whole of the one end, report and its whole of the other), ids all."""
        ends = [f"{end}__report{path}" for end in ("source", "target") for path in ("", "__part_of")]
        return self.order_by().values_list("pk", *ends)

    def of_documents(self, reports, both=False):
        """Relations of which an end, or `both`, lies in these documents; a whole publication stands for its essays."""
        rows = Recommendation.objects.filter(report__in=Report.objects.with_parts(reports)).order_by()
        rows = list(rows.values_list("pk", flat=True))  # known before the relations are looked up by either end
        source, target = Q(source__in=rows), Q(target__in=rows)
        return self.filter(source & target if both else source | target)

    def touching_any(self, recommendations):
        """Relations of which one of these recommendations, a QuerySet, is an end."""
        ids = recommendations.order_by().values("pk")
        return self.filter(Q(source__in=ids) | Q(target__in=ids))

    def with_ends(self):
        """Bring along both recommendations and their reports."""
        return self.select_related("source__report", "target__report")


class CrossReference(models.Model):
    """A typed relation between two recommendations of different reports. Both directions have a name."""

    class Kind(models.TextChoices):
        RESTATES = "restates", _("restates")
        AGREES = "agrees", _("agrees with")
        REFINES = "refines", _("refines")
        CONDITIONS = "conditions", _("sets a condition on")
        CONTRADICTS = "contradicts", _("contradicts")
        RESPONDS_TO = "responds_to", _("responds to")

    class State(models.TextChoices):
        SUGGESTED = "suggested", _("suggested")
        CONFIRMED = "confirmed", _("confirmed")
        REJECTED = "rejected", _("rejected")

    INVERSE = {
        Kind.RESTATES: _("is restated by"),
        Kind.AGREES: _("agrees with"),
        Kind.REFINES: _("is refined by"),
        Kind.CONDITIONS: _("is made conditional by"),
        Kind.CONTRADICTS: _("is contradicted by"),
        Kind.RESPONDS_TO: _("is answered by"),
    }

    SYMMETRIC = tuple(map(Kind, dossier.SYMMETRIC))

    source = models.ForeignKey(Recommendation, models.CASCADE, related_name="references_out", verbose_name=_("from"))
    target = models.ForeignKey(Recommendation, models.CASCADE, related_name="references_in", verbose_name=_("to"))
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.SUGGESTED)
    rationale_zh = models.TextField(_("reason (Chinese)"), blank=True)
    rationale_en = models.TextField(_("reason (English)"), blank=True)
    score = models.FloatField(
        _("score"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("Of a suggestion: from 0 to 1."),
    )
    reasons = models.JSONField(
        _("reasons"), default=dict, blank=True, editable=False, help_text=_("Of a suggestion: {signal: value}.")
    )
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("confirmed by"),
        editable=False,
    )

    objects = CrossReferenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("cross reference")
        verbose_name_plural = _("cross references")
        ordering = ["source", "target", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["source", "target", "kind"], name="crossreference_unique"),
            models.CheckConstraint(condition=~Q(source=F("target")), name="crossreference_two_ends"),
        ]

    def __str__(self):
        return f"{self.source.report.slug}/{self.source.key} {self.kind} {self.target.report.slug}/{self.target.key}"

    def clean(self):
        super().clean()
        if not (self.source_id and self.target_id):
            return
        if self.source.report_id == self.target.report_id:
            raise ValidationError(_("A cross reference joins recommendations of two different reports."))
        mirrored = CrossReference.objects.filter(kind=self.kind, source=self.target, target=self.source)
        if self.kind in self.SYMMETRIC and mirrored.exists():
            raise ValidationError(_("This relation is known already, from the other end."))

    def natural_key(self):
        return (*self.source.natural_key(), self.kind, *self.target.natural_key())

    @property
    def inverse(self):
        """The name of the relation read from its target."""
        return self.INVERSE[self.kind]


class FrameworkQuerySet(SlugQuerySet):
    def published(self):
        """Frameworks by which a published report rates something."""
        return self.filter(Exists(Rating.objects.published().filter(dimension__framework=OuterRef("pk"))))

    def for_page(self):
        """What a framework's page shows of the framework itself: its axes, and its work where that is public."""
        return self.prefetch_related("dimensions", Prefetch("work", Work.objects.published()))

    def with_counts(self):
        """Annotate `subject_count`, `report_count` (what is rated outright, and in how many documents)."""
        public = Q(
            dimensions__ratings__report__in=Report.objects.published(),
            dimensions__ratings__basis=Rating.Basis.EXPLICIT,
        )
        return self.annotate(
            subject_count=Count("dimensions__ratings__subject", filter=public, distinct=True),
            report_count=Count("dimensions__ratings__report", filter=public, distinct=True),
        )


class Framework(models.Model):
    """A way of rating things by named axes. The assessor belongs to the rating, not to the framework."""

    slug = KeyField(_("slug"), max_length=100, unique=True, validators=[validate_slug])
    title_zh = models.CharField(_("title (Chinese)"), max_length=200)
    title_en = models.CharField(_("title (English)"), max_length=200)
    description_zh = models.TextField(_("description (Chinese)"), blank=True)
    description_en = models.TextField(_("description (English)"), blank=True)
    work = models.ForeignKey(
        Work, models.SET_NULL, null=True, blank=True, related_name="frameworks", verbose_name=_("work that sets it out")
    )

    objects = FrameworkQuerySet.as_manager()

    class Meta:
        verbose_name = _("framework")
        verbose_name_plural = _("frameworks")
        ordering = ["slug"]

    def __str__(self):
        return self.title_zh

    def get_absolute_url(self):
        return path_to("recommendations:framework_detail", self.slug)

    def natural_key(self):
        return (self.slug,)


class DimensionQuerySet(models.QuerySet):
    def get_by_natural_key(self, framework, slug):
        return self.get(framework__slug=framework, slug=slug)


class Dimension(models.Model):
    """A named axis of a framework, with its definition."""

    framework = models.ForeignKey(Framework, models.CASCADE, related_name="dimensions", verbose_name=_("framework"))
    slug = KeyField(_("slug"), max_length=100, validators=[validate_slug])
    name_zh = models.CharField(_("name (Chinese)"), max_length=200)
    name_en = models.CharField(_("name (English)"), max_length=200)
    definition_zh = models.TextField(_("definition (Chinese)"), blank=True)
    definition_en = models.TextField(_("definition (English)"), blank=True)
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    objects = DimensionQuerySet.as_manager()

    class Meta:
        verbose_name = _("dimension")
        verbose_name_plural = _("dimensions")
        ordering = ["framework", "order", "pk"]
        constraints = [models.UniqueConstraint(fields=["framework", "slug"], name="dimension_slug_unique")]

    def __str__(self):
        return f"{self.framework} – {self.name_zh}"

    def natural_key(self):
        return (self.framework.slug, self.slug)


class SubjectQuerySet(SlugQuerySet):
    def published(self):
        """Subjects that a published report rates."""
        return self.filter(Exists(Rating.objects.published().filter(subject=OuterRef("pk"))))

    def with_above(self):
        """These and every subject above them. Two queries; the tree is small."""
        parents = dict(self.model.objects.values_list("pk", "parent_id"))
        found = set()
        for pk in self.values_list("pk", flat=True):
            while pk is not None and pk not in found:
                found.add(pk)
                pk = parents[pk]
        return self.model.objects.filter(pk__in=found)

    def with_counts(self):
        """Annotate `report_count` and how many ratings stand in which voice: `own_count`, `attributed_count`."""
        public = is_public("ratings__report__")
        own, attributed = (Q(ratings__assessor__isnull=empty) for empty in (True, False))
        return self.annotate(
            report_count=Count("ratings__report", filter=public, distinct=True),
            own_count=Count("ratings", filter=public & own, distinct=True),
            attributed_count=Count("ratings", filter=public & attributed, distinct=True),
        )


class Subject(Named):
    """What is rated: a technology or a field, in a tree, with aliases."""

    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("parent")
    )

    objects = SubjectQuerySet.as_manager()

    class Meta(Named.Meta):
        verbose_name = _("subject")
        verbose_name_plural = _("subjects")

    def get_absolute_url(self):
        return path_to("recommendations:subject_detail", self.slug)

    def clean(self):
        super().clean()
        refuse_circle(self)


class RatingQuerySet(CodedQuerySet):
    def on_report(self):
        """What a report's page shows of its ratings; the report itself is known there."""
        return self.select_related("subject", "dimension__framework", "assessor").prefetch_related("evidence")

    def divergent(self):
        """Explicit ratings of what is rated at different levels on one axis."""
        same = (
            Rating.objects.published().explicit().filter(subject=OuterRef("subject"), dimension=OuterRef("dimension"))
        )
        return self.explicit().filter(Exists(same.exclude(level=OuterRef("level"))))

    def explicit(self):
        """Ratings that the text states outright: the only ones drawn as points."""
        return self.filter(basis=Rating.Basis.EXPLICIT)

    def for_list(self):
        rows = self.with_evidence().prefetch_related("report__sections")
        return rows.select_related("subject", "dimension__framework", "assessor")

    def with_axes(self):
        """Bring along what is rated, who rates it, and all axes of the framework by which each is rated."""
        rows = self.select_related("report", "subject", "dimension__framework", "assessor")
        return rows.prefetch_related("dimension__framework__dimensions")

    def frameworks_by_subject(self):
        """Return {subject id: slugs of the frameworks by which it is rated}."""
        found = {}
        for subject, framework in self.order_by().values_list("subject", "dimension__framework__slug").distinct():
            found.setdefault(subject, set()).add(framework)
        return found

    def tally_by_subject(self, subjects):
        """Return {subject id: {voice: {basis: n}}} of these ratings; own and attributed ones are never added."""
        bases = dict.fromkeys(Rating.Basis.values, 0)
        found = {pk: {voice: dict(bases) for voice in (Voice.OWN, Voice.ATTRIBUTED)} for pk in subjects}
        rows = self.filter(subject__in=subjects).order_by()
        rows = rows.values_list("subject", "basis", "assessor").annotate(n=Count("pk"))
        for subject, basis, assessor, n in rows:
            found[subject][Voice.ATTRIBUTED if assessor else Voice.OWN][basis] += n
        return found


class Rating(Coded):
    """A subject's level on a dimension, according to an assessor, in a report."""

    class Level(models.TextChoices):
        LOW = "low", _("low")
        MEDIUM = "medium", _("medium")
        HIGH = "high", _("high")

    class Basis(models.TextChoices):
        EXPLICIT = "explicit", _("stated outright")
        COMPARATIVE = "comparative", _("by comparison")
        CONDITIONAL = "conditional", _("on a condition")
        MOVEMENT = "movement", _("moving")
        DERIVED = "derived", _("derived")

    subject = models.ForeignKey(Subject, models.PROTECT, related_name="ratings", verbose_name=_("subject"))
    dimension = models.ForeignKey(Dimension, models.PROTECT, related_name="ratings", verbose_name=_("dimension"))
    level = models.CharField(
        pgettext_lazy("rating", "level"),
        max_length=10,
        choices=Level.choices,
        blank=True,
        help_text=_("Empty where the text names no level."),
    )
    basis = models.CharField(_("basis"), max_length=20, choices=Basis.choices)
    assessor = models.ForeignKey(
        Actor,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="ratings",
        verbose_name=_("assessor"),
        help_text=_("Who rates it so. Empty: the report's authors."),
    )

    objects = RatingQuerySet.as_manager()

    class Meta(Coded.Meta):
        verbose_name = _("rating")
        verbose_name_plural = _("ratings")
        constraints = [
            models.UniqueConstraint(fields=["report", "key"], name="rating_key_unique"),
            models.CheckConstraint(
                condition=~Q(basis="explicit") | ~Q(level=""),
                name="rating_explicit_has_level",
                violation_error_message=_("A rating stated outright has a level."),
            ),
        ]

    def get_absolute_url(self):
        return f"{self.report.get_absolute_url()}#{self.key}"

    @property
    def voice(self):
        """Whose view it is: the authors' own, or attributed to an actor."""
        return Voice.ATTRIBUTED if self.assessor_id else Voice.OWN


class Evidence(Span):
    """One span of the source that supports a recommendation, a position or a rating: exactly one of the three."""

    recommendation = models.ForeignKey(
        Recommendation, models.CASCADE, null=True, blank=True, related_name="evidence", verbose_name=_("recommendation")
    )
    position = models.ForeignKey(
        Position, models.CASCADE, null=True, blank=True, related_name="evidence", verbose_name=_("position")
    )
    rating = models.ForeignKey(
        Rating, models.CASCADE, null=True, blank=True, related_name="evidence", verbose_name=_("rating")
    )
    section = models.ForeignKey(
        Section, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("section"), editable=False
    )
    passage = models.ForeignKey(
        Passage, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("passage"), editable=False
    )

    class Meta(Span.Meta):
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        ordering = ["start", "end", "pk"]
        constraints = [
            *Span.Meta.constraints,
            models.CheckConstraint(
                condition=Q(recommendation__isnull=False, position=None, rating=None)
                | Q(recommendation=None, position__isnull=False, rating=None)
                | Q(recommendation=None, position=None, rating__isnull=False),
                name="evidence_one_owner",
            ),
            models.UniqueConstraint(fields=["recommendation", "start", "end"], name="evidence_recommendation_unique"),
            models.UniqueConstraint(fields=["position", "start", "end"], name="evidence_position_unique"),
            models.UniqueConstraint(fields=["rating", "start", "end"], name="evidence_rating_unique"),
        ]

    def __str__(self):
        return f"{self.start}–{self.end} {self.digest}"

    @property
    def owner(self):
        """The recommendation, position or rating that this supports."""
        return self.recommendation or self.position or self.rating


class FollowUpQuerySet(models.QuerySet):
    def published(self):
        """Later developments of what is public."""
        public = Report.objects.published()
        return self.filter(Q(recommendation__report__in=public) | Q(position__report__in=public))


class FollowUp(models.Model):
    """What happened to a recommendation or a forecast later, with the source that says so."""

    class Status(models.TextChoices):
        DONE = "done", _("done")
        PARTLY = "partly", _("done in part")
        REFUSED = "refused", _("refused or reversed")
        PENDING = "pending", _("still open")

    recommendation = models.ForeignKey(
        Recommendation,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="follow_ups",
        verbose_name=_("recommendation"),
    )
    position = models.ForeignKey(
        Position, models.CASCADE, null=True, blank=True, related_name="follow_ups", verbose_name=_("position")
    )
    date = PartialDateField(_("date"), blank=False)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices)
    narrative_zh = models.TextField(_("what happened (Chinese)"))
    narrative_en = models.TextField(_("what happened (English)"))
    source_url = models.URLField(_("source"), max_length=500)
    editor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("editor"),
        editable=False,
    )

    objects = FollowUpQuerySet.as_manager()

    class Meta:
        verbose_name = _("follow-up")
        verbose_name_plural = _("follow-ups")
        ordering = ["-date", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(recommendation__isnull=False, position=None)
                | Q(recommendation=None, position__isnull=False),
                name="followup_one_subject",
                violation_error_message=_("A follow-up belongs to a recommendation or to a position, one of the two."),
            )
        ]

    def __str__(self):
        return f"{self.date} {self.narrative_zh[:40]}"
