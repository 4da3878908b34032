"""The API of what reports say: recommendations, positions, cross references, ratings, events, and their vocabulary."""

from functools import partial

from django.db.models import Prefetch, Q, prefetch_related_objects
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from portal.addresses import path_to
from portal.api import Api, Plain, Row, Rows, Slug, WordField, addresses
from portal.renderers import JSONRenderer
from portal.telling import Telling
from recommendations import divergence, dossier, filed
from recommendations.filters import (
    ActorFilterSet,
    AreaFilterSet,
    CrossReferenceFilterSet,
    EventFilterSet,
    ForecastFilterSet,
    FrameworkFilterSet,
    InstrumentFilterSet,
    PositionFilterSet,
    QuestionFilterSet,
    RatingFilterSet,
    RecommendationFilterSet,
    SubjectFilterSet,
)
from recommendations.models import (
    Actor,
    Agreement,
    CrossReference,
    Dimension,
    Framework,
    Instrument,
    PolicyArea,
    Position,
    Question,
    Rating,
    Recommendation,
    Resolution,
    Subject,
    Voice,
    spans,
)
from reports.api import (
    EVIDENCE,
    Aliases,
    EvidenceSerializer,
    Names,
    VoicesSerializer,
    evidence,
    quotations,
    with_place,
)
from reports.models import Author, Event, Institution, Mention, Work

# ---------------------------------------------------------------------------------------------------------------------
# What every coded row has
# ---------------------------------------------------------------------------------------------------------------------


class CodedRow(Row):
    """A row of a report: its key is stable inside the report."""

    heavy = ("evidence",)
    FIELDS = ("key", "report")
    TEXTS = ("summary_zh", "summary_en", "note_zh", "note_en", "evidence", "report_url", *Row.ADDRESSES)

    report = Slug("Slug of the report.")
    evidence = serializers.SerializerMethodField()
    report_url = serializers.SerializerMethodField()

    @extend_schema_field(EvidenceSerializer(many=True))
    def get_evidence(self, row):
        """Where it is written, in the order of the text."""
        return [
            evidence(
                row.report,
                span,
                self.context,
                span.section.key if span.section else None,
                span.passage.number if span.passage else None,
            )
            for span in row.evidence.all()
        ]

    @extend_schema_field(OpenApiTypes.URI)
    def get_report_url(self, row):
        """The report in the API."""
        return self.origin + path_to("api-reports-detail", row.report.slug)


def quoted(rows):
    """Return the quotations of coded rows, as the context of their serializers."""
    return {"quotes": quotations((row.report, span) for row in rows for span in row.evidence.all())}


class CodedRows(Rows):
    keys = {"report": "report__slug", "key": "key"}

    def along(self):
        return {"evidence": (spans(),)}

    def learn(self, rows):
        return quoted(rows) if self.shows("evidence") else {}


# ---------------------------------------------------------------------------------------------------------------------
# Recommendations and what joins them
# ---------------------------------------------------------------------------------------------------------------------


class EndSerializer(Telling):
    """One end of a relation: a recommendation, by its report and its key."""

    report = serializers.CharField(source="report.slug", help_text="Slug of the report.")
    key = serializers.CharField(help_text="Key of the recommendation in it.")


class CrossReferenceSerializer(Row):
    """A typed relation between recommendations of two reports: the source restates, refines … the target."""

    endpoint = "crossreferences"
    expands = {"source": "recommendations", "target": "recommendations"}
    example = {
        "source": {"report": "cyber-relations-2021", "key": "R07"},
        "target": {"report": "digital-economy-dialogue-2019", "key": "R02"},
        "kind": "refines",
        "state": "confirmed",
        "rationale_zh": "前者规定了后者的步骤。",
        "rationale_en": "The first spells out the steps of the second.",
        **addresses(
            "crossreferences/cyber-relations-2021/R07/refines/digital-economy-dialogue-2019/R02/",
            "recommendations/cyber-relations-2021/R07/",
        ),
    }

    source = EndSerializer()
    target = EndSerializer()
    kind = WordField(CrossReference.Kind)
    state = WordField(CrossReference.State)

    class Meta:
        model = CrossReference
        fields = ("source", "target", "kind", "state", "rationale_zh", "rationale_en", *Row.ADDRESSES)

    def page(self, row):
        return row.source.get_absolute_url()


def references():
    """Confirmed relations between what is public, with what CrossReferenceSerializer shows of both ends."""
    shown = [f"{end}__{column}" for end in ("source", "target") for column in ("key", "report__slug")]
    return (
        CrossReference.objects.published()
        .select_related("source__report", "target__report")
        .only("kind", "state", "rationale_zh", "rationale_en", *shown)
    )


def references_by_end(ends):
    """Return {primary key of a recommendation: relations} for these ends, those that start there before the others."""
    found = {}
    rows = list(references().filter(Q(source__in=ends) | Q(target__in=ends)))
    for end in ("source_id", "target_id"):
        for reference in rows:
            found.setdefault(getattr(reference, end), []).append(reference)
    return found


class CrossReferenceRows(Rows):
    """Confirmed relations between recommendations of two published reports."""

    serializer_class = CrossReferenceSerializer
    filterset_class = CrossReferenceFilterSet
    keys = {
        "source_report": "source__report__slug",
        "source_key": "source__key",
        "kind": "kind",
        "target_report": "target__report__slug",
        "target_key": "target__key",
    }

    def get_queryset(self):
        return references()


class RecommendationSerializer(CodedRow):
    """One thing that a report says somebody should, may or must do. A row with parts is an umbrella."""

    endpoint = "recommendations"
    expands = {
        "report": "reports",
        "parent": "recommendations",
        "made_by": "actors",
        "addressees": "actors",
        "areas": "areas",
        "instruments": "instruments",
    }
    heavy = ("parts", "restates", "cross_references", "evidence")
    example = {
        "key": "R07",
        "report": "cyber-relations-2021",
        "parent": "R05",
        "parts": [],
        "made_by": None,
        "voice": "own",
        "addressees": ["china-government", "us-government"],
        "areas": ["cyber-security"],
        "action_type": "dialogue",
        "force": "should",
        "standing": "proposed",
        "instruments": ["un-gge"],
        "condition_zh": "",
        "condition_en": "",
        "restates": [],
        "cross_references": [CrossReferenceSerializer.example],
        "summary_zh": "两国政府恢复网络问题的官方对话。",
        "summary_en": "Both governments resume official talks on cyber issues.",
        "note_zh": "",
        "note_en": "",
        "evidence": [EVIDENCE],
        "report_url": "https://duizhao.example/api/v1/reports/cyber-relations-2021/",
        **addresses("recommendations/cyber-relations-2021/R07/"),
    }

    parent = Slug("Key of the umbrella in the same report.", "key", allow_null=True)
    parts = Slug("Keys of the rows that this one gathers.", "key", many=True)
    made_by = Slug("Slug of the actor whose advice the report passes on; null for its authors'.", allow_null=True)
    voice = WordField(Voice)
    addressees = Slug("Slugs of the actors who are asked to act.", many=True)
    areas = Slug("Slugs of the policy areas.", many=True)
    action_type = WordField(Recommendation.ActionType)
    force = WordField(Recommendation.Force)
    standing = WordField(Recommendation.Standing)
    instruments = Slug("Slugs of the named agreements, bodies and laws.", many=True)
    restates = serializers.SerializerMethodField()
    cross_references = serializers.SerializerMethodField()

    class Meta:
        model = Recommendation
        fields = (
            *CodedRow.FIELDS, "parent", "parts", "made_by", "voice", "addressees", "areas", "action_type", "force",
            "standing", "instruments", "condition_zh", "condition_en", "restates", "cross_references",
            *CodedRow.TEXTS,
        )  # fmt: skip

    def get_restates(self, row) -> list[str]:
        """What this one repeats: a key of the same report, or `report/key`. Such a row is never counted."""
        own = row.report_id
        return sorted(r.key if r.report_id == own else f"{r.report.slug}/{r.key}" for r in row.restates.all())

    @extend_schema_field(CrossReferenceSerializer(many=True))
    def get_cross_references(self, row):
        """Relations from and to recommendations of other reports; this one is the source or the target of each."""
        tell = self.within(CrossReferenceSerializer).to_representation
        return [tell(reference) for reference in self.context["references"].get(row.pk, ())]


class RecommendationRows(CodedRows):
    """What published reports recommend: single acts, umbrellas that gather them, and rows that repeat others."""

    serializer_class = RecommendationSerializer
    filterset_class = RecommendationFilterSet

    def get_queryset(self):
        return Recommendation.objects.published().with_source().select_related("parent", "made_by")

    def along(self):
        return super().along() | {
            "restates": (
                Prefetch(
                    "restates",
                    Recommendation.objects.published().select_related("report").only("key", "report__slug"),
                ),
            )
        }

    def learn(self, rows):
        known = super().learn(rows)
        if self.shows("cross_references"):
            known["references"] = references_by_end([row.pk for row in rows])
        return known


# ---------------------------------------------------------------------------------------------------------------------
# Questions and positions
# ---------------------------------------------------------------------------------------------------------------------


OUTCOME = {"outcome": "", "outcome_date": "", "outcome_source": "", "outcome_report": None}


def settled(path=""):
    """Return the members of OUTCOME, which tell what decides a question about the future; `path` leads to it."""
    text = partial(serializers.CharField, default="")
    return (
        WordField(Question.Outcome, blank=True, source=f"{path}settlement.outcome", default=""),
        text(source=f"{path}settlement.date", help_text="Of the outcome; empty while open, or where no text gives it."),
        text(source=f"{path}settlement.source", help_text="Address of what tells it, where an editor entered that."),
        serializers.CharField(
            source=f"{path}settlement.report.slug", default=None, allow_null=True, help_text="Report that tells it."
        ),
    )


class PositionSerializer(CodedRow):
    """One holder's answer to a question in one report. Forecasts are positions on predictive questions."""

    endpoint = "positions"
    expands = {"report": "reports", "question": "questions", "holder": "actors", "recommendation": "recommendations"}
    example = {
        "key": "P03",
        "report": "cyber-relations-2021",
        "question": "resume-official-dialogue",
        "holder": "us-side",
        "voice": "attributed",
        "stance": -1,
        "hedge": "likely",
        "horizon": "term",
        "condition_zh": "",
        "condition_en": "",
        "recommendation": None,
        "summary_zh": "美方多半不愿很快恢复对话。",
        "summary_en": "The US side is mostly unwilling to resume talks soon.",
        "note_zh": "",
        "note_en": "",
        "evidence": [EVIDENCE],
        "report_url": "https://duizhao.example/api/v1/reports/cyber-relations-2021/",
        **addresses("positions/cyber-relations-2021/P03/", "reports/cyber-relations-2021/#P03"),
    }

    question = Slug("Slug of the question.")
    holder = Slug("Slug of the actor who holds it, according to the text; null for the authors.", allow_null=True)
    voice = WordField(Voice)
    stance = serializers.IntegerField(
        min_value=-2, max_value=2, help_text="2 yes, 1 yes in part or on conditions, 0 open, -1 mostly not, -2 no."
    )
    hedge = WordField(Position.Hedge)
    recommendation = Slug("Key of the recommendation of this report on which it rests.", "key", allow_null=True)

    class Meta:
        model = Position
        fields = (
            *CodedRow.FIELDS, "question", "holder", "voice", "stance", "hedge", "horizon", "condition_zh",
            "condition_en", "recommendation", *CodedRow.TEXTS,
        )  # fmt: skip


def positions():
    """Published positions with what PositionSerializer shows, but for their evidence."""
    return Position.objects.published().with_source().select_related("question", "holder", "recommendation")


class PositionRows(CodedRows):
    """What published reports answer to the questions. Own, joint and attributed answers are never added up."""

    serializer_class = PositionSerializer
    filterset_class = PositionFilterSet

    def get_queryset(self):
        return positions()


class ForecastSerializer(PositionSerializer):
    """A position on a question about the future, and what came of it."""

    endpoint = "forecasts"
    example = PositionSerializer.example | {
        "question": "dialogue-resumes",
        "result": "held",
        "outcome": "no",
        "outcome_date": "2022-11",
        "outcome_source": "https://example.org/",
        "outcome_report": None,
        **addresses("forecasts/cyber-relations-2021/P03/", "reports/cyber-relations-2021/#P03"),
    }

    result = WordField(Position.Result)
    outcome, outcome_date, outcome_source, outcome_report = settled("question.")

    class Meta:
        model = Position
        fields = (*PositionSerializer.Meta.fields, "result", *OUTCOME)


class ForecastRows(PositionRows):
    """What published reports expect, and what came of it. Own, joint and attributed forecasts are never added up."""

    serializer_class = ForecastSerializer
    filterset_class = ForecastFilterSet

    def get_queryset(self):
        return super().get_queryset().forecasts().with_result().with_outcomes()


class ResolutionSerializer(Plain):
    """What a report tells of the outcome of a forecast, and where."""

    report = Slug("Slug of the report.")
    outcome = WordField(Question.Outcome)
    evidence = serializers.SerializerMethodField()

    class Meta:
        model = Resolution
        fields = ("report", "outcome", "date", "note_zh", "note_en", "evidence")

    @extend_schema_field(EvidenceSerializer(many=True))
    def get_evidence(self, row):
        section = row.report.section_at(row.start)
        return [evidence(row.report, row, self.context, section and section.key, None)]


class QuestionSerializer(Row):
    """A question that documents answer: should it be, will it be, is it so? An open forecast has an empty outcome."""

    endpoint = "questions"
    expands = {"areas": "areas"}
    example = {
        "slug": "resume-official-dialogue",
        "kind": "normative",
        "text_zh": "中美应否恢复网络问题的官方对话？",
        "text_en": "Should China and the US resume official talks on cyber issues?",
        "areas": ["cyber-security"],
        **OUTCOME,
        "report_count": 4,
        "counts": {"own": 3, "joint": 1, "attributed": 1},
        "own_documents": 3,
        "agreement": "split",
        "contention": 0.8888888888888888,
        **addresses("questions/resume-official-dialogue/"),
    }

    kind = WordField(Question.Kind)
    areas = Slug("Slugs of the policy areas.", many=True)
    outcome, outcome_date, outcome_source, outcome_report = settled()
    report_count = serializers.IntegerField(help_text="Published reports that answer it.")
    counts = serializers.SerializerMethodField()
    own_documents = serializers.IntegerField(help_text="Published reports that answer it for themselves.")
    agreement = WordField(Agreement)
    contention = serializers.FloatField(
        min_value=0,
        max_value=1,
        allow_null=True,
        help_text="Variance of the own answers' stances divided by 4: 0 where all say the same, 1 where half say 2 and "
        "half say -2; null where fewer than three reports answer it for themselves.",
    )

    class Meta:
        model = Question
        fields = (
            "slug", "kind", "text_zh", "text_en", "areas", *OUTCOME, "report_count", "counts", "own_documents",
            "agreement", "contention", *Row.ADDRESSES,
        )  # fmt: skip

    @extend_schema_field(VoicesSerializer)
    def get_counts(self, row):
        return {voice: getattr(row, f"{voice}_count") for voice in Voice.values}


class QuestionDetailSerializer(QuestionSerializer):
    """A question with every published answer to it, and what published reports tell of its outcome."""

    example = QuestionSerializer.example | {"positions": [PositionSerializer.example], "resolutions": []}

    positions = PositionSerializer(many=True)
    resolutions = ResolutionSerializer(many=True, source="told")

    class Meta:
        model = Question
        fields = (*QuestionSerializer.Meta.fields, "positions", "resolutions")


class QuestionRows(Rows):
    """Questions that published reports answer."""

    serializer_class = QuestionSerializer
    detail_serializer_class = QuestionDetailSerializer
    filterset_class = QuestionFilterSet

    def get_queryset(self):
        return Question.objects.published().with_outcomes().order_by("slug")

    def fetch(self, rows, keys):
        return rows.told(keys)

    def along(self):
        return {"positions": (Prefetch("positions", positions().prefetch_related(spans())),)}

    def learn(self, rows):
        places = []
        if self.shows("positions"):
            places += [(p.report, span) for row in rows for p in row.positions.all() for span in p.evidence.all()]
        if self.shows("resolutions"):
            places += [(told.report, told) for row in rows for told in row.told]
        return {"quotes": quotations(places)}


# ---------------------------------------------------------------------------------------------------------------------
# Frameworks and ratings
# ---------------------------------------------------------------------------------------------------------------------


class RatingSerializer(CodedRow):
    """A subject's level on a dimension, according to an assessor, in a report. Only explicit ones are points."""

    endpoint = "ratings"
    expands = {"report": "reports", "framework": "frameworks", "subject": "subjects", "assessor": "actors"}
    example = {
        "key": "T04",
        "report": "st-cooperation-framework",
        "framework": "benefit-and-risk",
        "dimension": "risk",
        "subject": "quantum-computing",
        "level": "high",
        "basis": "explicit",
        "assessor": None,
        "summary_zh": "量子计算合作的风险高。",
        "summary_en": "Cooperation in quantum computing carries a high risk.",
        "note_zh": "",
        "note_en": "",
        "evidence": [EVIDENCE],
        "report_url": "https://duizhao.example/api/v1/reports/st-cooperation-framework/",
        **addresses("ratings/st-cooperation-framework/T04/", "reports/st-cooperation-framework/#T04"),
    }

    framework = Slug("Slug of the framework.", source="dimension.framework")
    dimension = Slug("Slug of the axis in the framework.")
    subject = Slug("Slug of what is rated.")
    level = WordField(Rating.Level, blank=True)
    basis = WordField(Rating.Basis)
    assessor = Slug("Slug of the actor who rates it so; null for the authors.", allow_null=True)

    class Meta:
        model = Rating
        fields = (
            *CodedRow.FIELDS,
            "framework",
            "dimension",
            "subject",
            "level",
            "basis",
            "assessor",
            *CodedRow.TEXTS,
        )


def ratings():
    """Published ratings with what RatingSerializer shows, but for their evidence."""
    return Rating.objects.published().with_source().select_related("dimension__framework", "subject", "assessor")


class RatingRows(CodedRows):
    """Ratings that published reports give."""

    serializer_class = RatingSerializer
    filterset_class = RatingFilterSet

    def get_queryset(self):
        return ratings()


class DimensionSerializer(Plain):
    """A named axis of a framework."""

    class Meta:
        model = Dimension
        fields = ("slug", "name_zh", "name_en", "definition_zh", "definition_en")


class FrameworkSerializer(Row):
    """A way of rating things by named axes."""

    endpoint = "frameworks"
    expands = {"work": "works"}
    heavy = ("dimensions",)
    example = {
        "slug": "benefit-and-risk",
        "title_zh": "收益与风险",
        "title_en": "Benefit and Risk",
        "description_zh": "",
        "description_en": "",
        "work": None,
        "dimensions": [
            {"slug": "risk", "name_zh": "风险", "name_en": "Risk", "definition_zh": "", "definition_en": ""}
        ],
        **addresses("frameworks/benefit-and-risk/"),
    }

    work = Slug("Slug of the work that sets it out.", allow_null=True)
    dimensions = DimensionSerializer(many=True)

    class Meta:
        model = Framework
        fields = (
            "slug",
            "title_zh",
            "title_en",
            "description_zh",
            "description_en",
            "work",
            "dimensions",
            *Row.ADDRESSES,
        )


class SubjectNamesSerializer(Plain):
    """The names of what is rated, or stands above what is rated."""

    aliases = Aliases()
    parent = Slug("Slug of the subject above.", allow_null=True)

    class Meta:
        model = Subject
        fields = ("slug", "name_zh", "name_en", "aliases", "parent")


class Words(serializers.ListField):
    """Slugs, as a list."""

    child = serializers.CharField()

    def __init__(self, help_text):
        super().__init__(help_text=help_text)


class StatementSerializer(Telling):
    """What one assessor says of a subject on one axis: a rating, in short."""

    dimension = serializers.CharField(help_text="Slug of the axis.")
    assessor = serializers.CharField(allow_null=True, help_text="Slug of the actor who rates; null for the authors.")
    voice = WordField(Voice)
    level = WordField(Rating.Level, blank=True)
    basis = WordField(Rating.Basis)
    report = serializers.CharField(help_text="Slug of the report.")
    key = serializers.CharField(help_text="Key of the rating in it.")


RATINGS_MOST = 100  # given with a framework


class DivergenceSerializer(Telling):
    """Who rates one subject how. Levels are compared axis by axis, and never averaged.

    The authors of each report are one assessor, and each actor is one.
    """

    subject = serializers.CharField(help_text="Slug of what is rated.")
    verdict = WordField(divergence.Verdict)
    agreed = Words("Slugs of the axes on which more than one assessor gives a level, and all give the same.")
    differing = Words("Slugs of the axes on which more than one assessor gives a level, and these are not all one.")
    unstated = Words("Slugs of the axes of which more than one assessor speaks, and at least one gives no level.")
    statements = StatementSerializer(many=True)
    elsewhere = Words("Slugs of other frameworks by which it is rated too. Their axes are other, not comparable ones.")


def divergence_of(line, others):
    """Return a line of divergence as DivergenceSerializer describes it; `others` are slugs of frameworks."""
    return {
        "subject": line.subject.slug,
        "verdict": line.verdict,
        "agreed": [dimension.slug for dimension in line.agreed],
        "differing": [dimension.slug for dimension in line.differing],
        "unstated": [dimension.slug for dimension in line.unstated],
        "statements": [
            {
                "dimension": dimension.slug,
                "assessor": assessor.actor.slug if assessor.actor else None,
                "voice": assessor.voice,
                "level": rating.level,
                "basis": rating.basis,
                "report": rating.report.slug,
                "key": rating.key,
            }
            for dimension, _words, said in line.rows
            for assessor, rating in said
        ],
        "elsewhere": sorted(others),
    }


class BasesSerializer(Telling):
    """Ratings by how the text states them."""

    explicit, comparative, conditional, movement, derived = (serializers.IntegerField(min_value=0) for _ in range(5))


class RatingVoicesSerializer(Telling):
    """Ratings of the authors themselves, and those attributed to others; the two are never added up."""

    own = BasesSerializer()
    attributed = BasesSerializer()


class FrameworkDetailSerializer(FrameworkSerializer):
    """A framework with the published ratings by it, the names of what is rated, and where assessors meet and part."""

    example = FrameworkSerializer.example | {
        "subjects": [
            {
                "slug": "quantum-computing",
                "name_zh": "量子计算",
                "name_en": "Quantum computing",
                "aliases": [],
                "parent": None,
            }
        ],
        "rating_counts": {
            "own": {"explicit": 1, "comparative": 0, "conditional": 0, "movement": 0, "derived": 0},
            "attributed": {"explicit": 1, "comparative": 0, "conditional": 0, "movement": 0, "derived": 0},
        },
        "ratings": [RatingSerializer.example],
        "ratings_url": "https://duizhao.example/api/v1/ratings/?framework=benefit-and-risk",
        "divergence": [
            {
                "subject": "quantum-computing",
                "verdict": "different",
                "agreed": [],
                "differing": ["risk"],
                "unstated": [],
                "statements": [
                    {
                        "dimension": "risk",
                        "assessor": None,
                        "voice": "own",
                        "level": "high",
                        "basis": "explicit",
                        "report": "st-cooperation-framework",
                        "key": "T04",
                    },
                    {
                        "dimension": "risk",
                        "assessor": "us-government",
                        "voice": "attributed",
                        "level": "low",
                        "basis": "explicit",
                        "report": "st-cooperation-framework",
                        "key": "T05",
                    },
                ],
                "elsewhere": ["competition"],
            }
        ],
    }

    subjects = serializers.SerializerMethodField()
    rating_counts = serializers.SerializerMethodField()
    ratings = serializers.SerializerMethodField()
    ratings_url = serializers.SerializerMethodField()
    divergence = serializers.SerializerMethodField()

    class Meta:
        model = Framework
        fields = (
            *FrameworkSerializer.Meta.fields,
            "subjects",
            "rating_counts",
            "ratings",
            "ratings_url",
            "divergence",
        )

    @extend_schema_field(SubjectNamesSerializer(many=True))
    def get_subjects(self, row):
        """The subjects rated, and those above them, by name in pinyin."""
        rows = divergence.with_above({rating.subject_id for rating in ratings_of(row)}, self.context["subjects"])
        return SubjectNamesSerializer(rows, many=True, context=self.context).data

    @extend_schema_field(RatingSerializer(many=True))
    def get_ratings(self, row):
        """The ratings, axis by axis: the first 100 of as many as `rating_counts` says."""
        return RatingSerializer(ratings_of(row)[:RATINGS_MOST], many=True, context=self.context).data

    @extend_schema_field(RatingVoicesSerializer)
    def get_rating_counts(self, row):
        """How many ratings there are, whether they are given here or not."""
        counts = {str(voice): dict.fromkeys(Rating.Basis.values, 0) for voice in (Voice.OWN, Voice.ATTRIBUTED)}
        for rating in ratings_of(row):
            counts[Voice.ATTRIBUTED if rating.assessor_id else Voice.OWN][rating.basis] += 1
        return counts

    @extend_schema_field(OpenApiTypes.URI)
    def get_ratings_url(self, row):
        """Where all of them are, page by page."""
        return f"{self.origin}{path_to('api-ratings-list')}?framework={row.slug}"

    @extend_schema_field(DivergenceSerializer(many=True))
    def get_divergence(self, row):
        """Who rates which subject how: disputed subjects first, then those of which more than one assessor speaks."""
        rows = ratings_of(row)
        found = divergence.lines(rows, list(row.dimensions.all()), divergence.assessors(rows), gaps=False)
        others = self.context["elsewhere"]
        return [divergence_of(line, others.get(line.subject.pk, set()) - {row.slug}) for line in found]


def ratings_of(framework):
    """Return the prefetched ratings on all axes of a framework."""
    return [rating for dimension in framework.dimensions.all() for rating in dimension.ratings.all()]


class FrameworkRows(Rows):
    """Frameworks by which a published report rates something."""

    serializer_class = FrameworkSerializer
    detail_serializer_class = FrameworkDetailSerializer
    filterset_class = FrameworkFilterSet

    def get_queryset(self):
        return Framework.objects.published()

    def along(self):
        given = (Prefetch("dimensions__ratings", ratings()),)
        return {
            "work": (Prefetch("work", Work.objects.published()),),
            "dimensions": ("dimensions",),
            **dict.fromkeys(("subjects", "rating_counts", "ratings", "divergence"), given),
        }

    def learn(self, rows):
        if not self.shows("subjects", "ratings", "divergence"):
            return {}
        subjects = Subject.objects.select_related("parent").in_bulk()
        elsewhere = Rating.objects.published().frameworks_by_subject()
        given = [rating for row in rows for rating in ratings_of(row)[:RATINGS_MOST]]
        prefetch_related_objects(given, spans())  # what is not given needs no evidence
        return quoted(given) | {"subjects": subjects, "elsewhere": elsewhere}


class SubjectSerializer(Names):
    """What is rated, or stands above what is rated."""

    endpoint = "subjects"
    heavy = ("children", "rating_counts")
    example = {
        "slug": "quantum-computing",
        "name_zh": "量子计算",
        "name_en": "Quantum computing",
        "aliases": [],
        "sort_key": "liang zi ji suan",
        "parent": "information-technology",
        "children": [],
        "report_count": 1,
        "rating_counts": {
            "own": {"explicit": 1, "comparative": 0, "conditional": 0, "movement": 0, "derived": 0},
            "attributed": {"explicit": 0, "comparative": 0, "conditional": 0, "movement": 0, "derived": 0},
        },
        **addresses("subjects/quantum-computing/"),
    }

    parent = Slug("Slug of the subject above.", allow_null=True)
    children = Slug("Slugs of the subjects directly below.", many=True)
    report_count = serializers.IntegerField(help_text="Published reports that rate it, whatever stands below it aside.")
    rating_counts = serializers.SerializerMethodField()

    class Meta:
        model = Subject
        fields = (*Names.FIELDS, "parent", "children", "report_count", "rating_counts", *Row.ADDRESSES)

    @extend_schema_field(RatingVoicesSerializer)
    def get_rating_counts(self, row):
        return self.context["counts"][row.pk]


class SubjectDetailSerializer(SubjectSerializer):
    """A subject with every published rating of it. Levels on the axes of different frameworks are not comparable."""

    example = SubjectSerializer.example | {"ratings": [RatingSerializer.example]}

    ratings = RatingSerializer(many=True)

    class Meta:
        model = Subject
        fields = (*SubjectSerializer.Meta.fields, "ratings")


class SubjectRows(Rows):
    """What published reports rate, and what stands above it, by name in pinyin."""

    serializer_class = SubjectSerializer
    detail_serializer_class = SubjectDetailSerializer
    filterset_class = SubjectFilterSet
    timeless = False  # what stands above is looked up

    def get_queryset(self):
        # Grouped rows have no order of their own.
        rows = Subject.objects.published().with_above().with_counts()
        return rows.order_by("sort_key", "slug").select_related("parent")

    def along(self):
        return {
            "children": (Prefetch("children", Subject.objects.published().with_above()),),
            "ratings": (Prefetch("ratings", ratings().prefetch_related(spans())),),
        }

    def learn(self, rows):
        known = {}
        if self.shows("rating_counts"):
            known |= {"counts": Rating.objects.published().tally_by_subject([row.pk for row in rows])}
        if self.shows("ratings"):
            known |= quoted(rating for row in rows for rating in row.ratings.all())
        return known


# ---------------------------------------------------------------------------------------------------------------------
# Areas, actors and instruments
# ---------------------------------------------------------------------------------------------------------------------


class AreaSerializer(Names):
    """A field of policy in the taxonomy."""

    endpoint = "areas"
    heavy = ("children", "recommendation_count", "recommendations_by_voice")
    example = {
        "slug": "technology",
        "name_zh": "科技",
        "name_en": "Technology",
        "aliases": [],
        "sort_key": "ke ji",
        "parent": None,
        "children": ["cyber-security"],
        "recommendation_count": 87,
        "recommendations_by_voice": {"own": 80, "joint": 5, "attributed": 2},
        **addresses("areas/technology/"),
    }

    parent = Slug("Slug of the area above.", allow_null=True)
    children = Slug("Slugs of the areas directly below.", many=True)
    recommendation_count = serializers.SerializerMethodField()
    recommendations_by_voice = serializers.SerializerMethodField()

    class Meta:
        model = PolicyArea
        fields = (
            *Names.FIELDS,
            "parent",
            "children",
            "recommendation_count",
            "recommendations_by_voice",
            *Row.ADDRESSES,
        )

    def get_recommendation_count(self, row) -> int:
        """Single acts filed here or anywhere below, each counted once."""
        return sum(self.context["counts"][row.pk].values())

    @extend_schema_field(VoicesSerializer)
    def get_recommendations_by_voice(self, row):
        """The same, by whose advice it is."""
        return self.context["counts"][row.pk]


class AreaRows(Rows):
    """The taxonomy of policy areas, by name in pinyin."""

    serializer_class = AreaSerializer
    filterset_class = AreaFilterSet

    def get_queryset(self):
        return PolicyArea.objects.select_related("parent")

    def learn(self, rows):
        if not self.shows("recommendation_count", "recommendations_by_voice"):
            return {}
        known = filed.area_voices()
        return {"counts": {row.pk: dict.fromkeys(Voice.values, 0) | known.get(row.pk, {}) for row in rows}}


class ActorSerializer(Names):
    """Who holds a view or is addressed. Its page is the list of what it is asked to do."""

    endpoint = "actors"
    expands = {"institution": "institutions", "author": "authors"}
    example = {
        "slug": "us-government",
        "name_zh": "美国政府",
        "name_en": "US government",
        "aliases": ["Washington"],
        "sort_key": "mei guo zheng fu",
        "kind": "government",
        "institution": None,
        "author": None,
        **addresses("actors/us-government/", "recommendations/?addressee=us-government"),
    }

    kind = WordField(Actor.Kind)
    institution = Slug("Slug of the institution that it is.", allow_null=True)
    author = Slug("Slug of the person that it is.", allow_null=True)

    class Meta:
        model = Actor
        fields = (*Names.FIELDS, "kind", "institution", "author", *Row.ADDRESSES)

    def page(self, row):
        return f"{path_to('recommendations:list')}?addressee={row.slug}"


class ActorRows(Rows):
    """Actors whom something published is made by, addressed to, held or assessed by, by name in pinyin."""

    serializer_class = ActorSerializer
    filterset_class = ActorFilterSet

    def get_queryset(self):
        return Actor.objects.published()

    def along(self):
        return {
            "institution": (Prefetch("institution", Institution.objects.published()),),
            "author": (Prefetch("author", Author.objects.published()),),
        }


class InstrumentSerializer(Names):
    """A named agreement, body, law, venue or initiative. Its page is the list of the advice that names it."""

    endpoint = "instruments"
    example = {
        "slug": "un-gge",
        "name_zh": "联合国政府专家组",
        "name_en": "UN Group of Governmental Experts",
        "aliases": ["UN GGE"],
        "sort_key": "lian he guo zheng fu zhuan jia zu",
        "kind": "body",
        **addresses("instruments/un-gge/", "recommendations/?instrument=un-gge"),
    }

    kind = WordField(Instrument.Kind)

    class Meta:
        model = Instrument
        fields = (*Names.FIELDS, "kind", *Row.ADDRESSES)

    def page(self, row):
        return f"{path_to('recommendations:list')}?instrument={row.slug}"


class InstrumentRows(Rows):
    """Agreements, bodies, laws and venues that published advice names, by name in pinyin."""

    serializer_class = InstrumentSerializer
    filterset_class = InstrumentFilterSet

    def get_queryset(self):
        return Instrument.objects.published()


# ---------------------------------------------------------------------------------------------------------------------
# Events: they are filed under areas
# ---------------------------------------------------------------------------------------------------------------------


class MentionSerializer(Plain):
    """One place where a report mentions an event."""

    report = Slug("Slug of the report.")
    evidence = serializers.SerializerMethodField()

    class Meta:
        model = Mention
        fields = ("report", "as_printed", "note_zh", "note_en", "evidence")

    @extend_schema_field(EvidenceSerializer(many=True))
    def get_evidence(self, row):
        """Where it is mentioned."""
        return [evidence(row.report, row, self.context, row.section_key, row.passage_number)]


class EventSerializer(Row):
    """A dated happening, an interval or a target year that documents mention."""

    endpoint = "events"
    expands = {"areas": "areas"}
    heavy = ("mentions",)
    example = {
        "slug": "example-summit-2013",
        "title_zh": "示例峰会",
        "title_en": "Example Summit",
        "date": "2013-06-07",
        "date_end": "2013-06-08",
        "target": False,
        "areas": ["cyberspace"],
        "mentions": [
            {"report": "cyber-relations-2021", "as_printed": "", "note_zh": "", "note_en": "", "evidence": [EVIDENCE]}
        ],
        **addresses("events/example-summit-2013/", "timeline/#example-summit-2013"),
    }

    areas = Slug("Slugs of the policy areas.", many=True)
    mentions = MentionSerializer(many=True)

    class Meta:
        model = Event
        fields = ("slug", "title_zh", "title_en", "date", "date_end", "target", "areas", "mentions", *Row.ADDRESSES)


class EventRows(Rows):
    """Events that published reports mention, the oldest first."""

    serializer_class = EventSerializer
    filterset_class = EventFilterSet

    def get_queryset(self):
        return Event.objects.published()

    def along(self):
        mentions = with_place(Mention.objects.published())
        return {"mentions": (Prefetch("mentions", mentions),)}

    def learn(self, rows):
        if not self.shows("mentions"):
            return {}
        return {"quotes": quotations((m.report, m) for row in rows for m in row.mentions.all())}


# ---------------------------------------------------------------------------------------------------------------------
# The dossier
# ---------------------------------------------------------------------------------------------------------------------


class SchemaRenderer(JSONRenderer):
    media_type = "application/schema+json"
    format = "schema"


@extend_schema(responses={200: OpenApiResponse(OpenApiTypes.OBJECT, "A JSON Schema of the 2020-12 draft.")})
class DossierSchema(Api):
    """The JSON Schema of a dossier, the file in which a coded publication comes in and goes out."""

    renderer_classes = (SchemaRenderer, JSONRenderer)

    def get(self, request):
        return Response(dossier.schema())


VIEWS = (
    EventRows,
    RecommendationRows,
    QuestionRows,
    PositionRows,
    ForecastRows,
    CrossReferenceRows,
    FrameworkRows,
    RatingRows,
    SubjectRows,
    AreaRows,
    ActorRows,
    InstrumentRows,
)
