"""The API of documents set side by side: the matrix, and two to four documents compared."""

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from portal.api import LANGUAGE, SLUG, Api, Pages, Row, StrictFilters, WordField, addresses
from portal.export import origin
from portal.telling import Telling
from recommendations import matrix, meeting
from recommendations.api import CrossReferenceSerializer, PositionSerializer, RecommendationSerializer
from recommendations.filters import COMPARED, ComparedFilterSet, MatrixFilterSet
from recommendations.models import PolicyArea, Position, Question, Recommendation, Voice
from reports.api import VoicesSerializer
from reports.models import Report

# ---------------------------------------------------------------------------------------------------------------------
# The matrix
# ---------------------------------------------------------------------------------------------------------------------


def choice(words, help_text):
    return serializers.ChoiceField(choices=words, help_text=help_text)


class MatrixPositionSerializer(Telling):
    """One answer in a cell. `url` leads to its words on the page of the question."""

    report = serializers.CharField(help_text="Slug of the report.")
    key = serializers.CharField(help_text="Key of the position in it.")
    holder = serializers.CharField(allow_null=True, help_text="Slug of the actor who holds it; null for the authors.")
    voice = WordField(Voice)
    stance = serializers.IntegerField(
        min_value=-2, max_value=2, help_text="2 yes, 1 yes in part or on conditions, 0 open, -1 mostly not, -2 no."
    )
    hedge = WordField(Position.Hedge)
    url = serializers.URLField(help_text="Where it stands on the page of the question, in Chinese.")
    url_en = serializers.URLField(help_text="The same, in English.")


class MatrixCellSerializer(Telling):
    """What one column says to one question. Silence is of two kinds, and neither is an empty cell."""

    column = serializers.CharField(help_text="Slug of the column.")
    state = choice(
        (matrix.STATED, matrix.SILENT, matrix.UNCODED, matrix.OTHER),
        "stated; silent: read in full and not stated; uncoded: not yet fully coded; other: stated, but not in the "
        "voices or by the holders chosen.",
    )
    positions = MatrixPositionSerializer(many=True, help_text="In the order own, joint, attributed; only when stated.")


class MatrixRowSerializer(Telling):
    """A question with a cell for each column, in the order of the columns."""

    question = serializers.CharField(help_text="Slug of the question.")
    kind = WordField(Question.Kind)
    text_zh = serializers.CharField()
    text_en = serializers.CharField()
    documents = serializers.IntegerField(help_text="Chosen documents that answer it with what is chosen.")
    own_documents = serializers.IntegerField(
        allow_null=True,
        help_text="n of the contention: documents with a view of their own; null if those are left out.",
    )
    contention = serializers.FloatField(
        min_value=0, max_value=1, allow_null=True,
        help_text="Variance of the stances of own views, divided by 4; null when n is below 3.",
    )  # fmt: skip
    cells = MatrixCellSerializer(many=True)
    url = serializers.URLField(help_text="The question's page, in Chinese.")
    url_en = serializers.URLField(help_text="The same, in English.")
    api_url = serializers.URLField(help_text="The question in the API.")


class MatrixColumnSerializer(Telling):
    """A document, its authors as holders, or an actor."""

    slug = serializers.CharField(help_text="Slug of the report or actor; `authors:` and a report's for its authors.")
    kind = choice(("report", "authors", "actor"), "report, or with columns=holders: authors or actor.")
    name_zh = serializers.CharField()
    name_en = serializers.CharField()
    report = serializers.CharField(allow_null=True, help_text="Slug of the report; null for an actor.")
    actor = serializers.CharField(allow_null=True, help_text="Slug of the actor; null for a report.")
    date = serializers.CharField(allow_blank=True, help_text="Date of the report; empty when unknown.")
    coding = serializers.CharField(allow_null=True, help_text="none, partial or complete; null for an actor.")
    counts = VoicesSerializer(help_text="Answers to all questions chosen, by voice; never added up.")
    agreement = serializers.FloatField(
        min_value=0, max_value=1, allow_null=True,
        help_text="With the column `beside`: 1 less the mean distance of own stances, divided by 4; null below n = 3.",
    )  # fmt: skip
    agreement_n = serializers.IntegerField(
        allow_null=True, help_text="Questions to which both give a view of their own; null where nothing is compared."
    )
    url = serializers.URLField(help_text="The report, or the actor's matrix, in Chinese.")
    url_en = serializers.URLField(help_text="The same, in English.")
    api_url = serializers.URLField(help_text="The report or actor in the API.")


class MatrixSerializer(Telling):
    """Questions down, documents or holders across: the same rows and columns as the page of this query."""

    example = {
        "next": "https://duizhao.example/api/v1/matrix/?area=cyber-security&cursor=WyJhZnRlciIsImU",
        "previous": None,
        "across": "reports",
        "beside": None,
        "documents": 1,
        "columns_total": 1,
        "questions": 21,
        "counts": {"own": 0, "joint": 0, "attributed": 1},
        "columns": [
            {
                "slug": "cyber-relations-2021",
                "kind": "report",
                "name_zh": "中美网络关系",
                "name_en": "Cyber Relations",
                "report": "cyber-relations-2021",
                "actor": None,
                "date": "2021-02-03",
                "coding": "complete",
                "counts": {"own": 20, "joint": 0, "attributed": 3},
                "agreement": None,
                "agreement_n": None,
                **addresses("reports/cyber-relations-2021/"),
            }
        ],
        "rows": [
            {
                "question": "resume-official-dialogue",
                "kind": "normative",
                "text_zh": "中美应否恢复网络问题的官方对话？",
                "text_en": "Should China and the US resume official talks on cyber issues?",
                "documents": 1,
                "own_documents": 0,
                "contention": None,
                "cells": [
                    {
                        "column": "cyber-relations-2021",
                        "state": "stated",
                        "positions": [
                            {
                                "report": "cyber-relations-2021",
                                "key": "P03",
                                "holder": "us-side",
                                "voice": "attributed",
                                "stance": -1,
                                "hedge": "likely",
                                **{
                                    name: f"{page}#cyber-relations-2021-P03"
                                    for name, page in addresses("questions/resume-official-dialogue/").items()
                                    if name != "api_url"
                                },
                            }
                        ],
                    }
                ],
                **addresses("questions/resume-official-dialogue/"),
            }
        ],
    }

    count = serializers.IntegerField(required=False, help_text="Rows on all pages; only with `count=on`.")
    next = serializers.URLField(allow_null=True, help_text="The next page of rows, if there is one.")
    previous = serializers.URLField(allow_null=True, help_text="The previous page of rows, if there is one.")
    across = choice(("reports", "holders"), "What the columns are.")
    beside = serializers.CharField(allow_null=True, help_text="Slug of the column by agreement with which they stand.")
    documents = serializers.IntegerField(help_text="Documents chosen; the newest 200 of them are read.")
    columns_total = serializers.IntegerField(help_text="Columns that there would be; at most 200 are given.")
    questions = serializers.IntegerField(help_text="Rows on all pages.")
    counts = VoicesSerializer(help_text="Answers in the rows of this page, by voice; never added up.")
    columns = MatrixColumnSerializer(many=True)
    rows = MatrixRowSerializer(many=True)


class MatrixPages(Pages):
    SIZE, SIZE_MAX = matrix.SIZE, matrix.SIZE_MAX
    PARAMETERS = Pages.PARAMETERS | {
        "page_size": (
            {"type": "integer", "minimum": 1, "maximum": SIZE_MAX, "default": SIZE},
            f"Questions on a page, at most {SIZE_MAX}.",
        )
    }

    @staticmethod
    def pages(table, size):
        return table.pages(size)

    @staticmethod
    def counted(table):
        return len(table.rows)


@extend_schema(responses=MatrixSerializer)
class Matrix(Api):
    """Questions down, documents or holders across, each cell the stances with voice and hedge, or why there is none."""

    is_filtered = True
    filter_backends = (StrictFilters,)
    pagination_class = MatrixPages
    filterset_class = MatrixFilterSet

    def get(self, request):
        filterset = StrictFilters().checked(request, Question.objects.published(), self)
        table = matrix.compare(filterset.selection())
        pages = self.pagination_class()
        rows = table.filled(pages.paginate_queryset(table, request, self))
        return Response(pages.envelope() | matrix.as_object(table, rows, origin(request)))


# ---------------------------------------------------------------------------------------------------------------------
# Documents side by side
# ---------------------------------------------------------------------------------------------------------------------


class DocumentSerializer(Row):
    """A document that is compared. A whole publication stands for its parts too."""

    endpoint = "reports"
    shaped = False

    parts = serializers.SerializerMethodField()

    class Meta:
        model = Report
        fields = ("slug", "kind", "title_zh", "title_en", "date", "coding", "parts", *Row.ADDRESSES)

    kind = WordField(Report.Kind)
    coding = WordField(Report.Coding)

    def get_parts(self, row) -> list[str]:
        """Slugs of the essays for which it stands, in their order."""
        return self.context["parts"][row.pk]


class AdviceSerializer(RecommendationSerializer):
    """A recommendation in a comparison; the rest of it stands at its address."""

    shaped = False

    class Meta:
        model = Recommendation
        fields = ("report", "key", "voice", "made_by", "areas", "summary_zh", "summary_en", *Row.ADDRESSES)


class AnswerSerializer(PositionSerializer):
    """A position in a comparison; the rest of it stands at its address."""

    shaped = False

    class Meta:
        model = Position
        fields = (
            "report", "key", "holder", "voice", "stance", "hedge", "horizon", "recommendation", "summary_zh",
            "summary_en", *Row.ADDRESSES,
        )  # fmt: skip


class CellSerializer(Telling):
    """What one document says in a row, or that it says nothing."""

    document = serializers.CharField(source="column.report.slug", help_text="Slug of the document.")
    state = WordField(meeting.Said)


class AdviceCellSerializer(CellSerializer):
    recommendations = AdviceSerializer(source="rows", many=True)


class AnswerCellSerializer(CellSerializer):
    positions = AnswerSerializer(source="rows", many=True)


class WayCellSerializer(CellSerializer):
    ways = serializers.SerializerMethodField()

    def get_ways(self, cell) -> list[str]:
        """In which ways: a role, `affiliation`, `publisher`, `cited`, `itself`, `mentioned`."""
        return list(dict.fromkeys(way.word for way in cell.rows))


class TieEndSerializer(Telling):
    """One end of a relation, in the order of the documents."""

    document = serializers.CharField(source="column.report.slug", help_text="Slug of the document.")
    role = serializers.ChoiceField(choices=["source", "target"], help_text="Which end it is.")
    recommendation = AdviceSerializer(source="row")


class TieSerializer(Telling):
    """A confirmed relation between recommendations of two of the documents."""

    reference = CrossReferenceSerializer()
    ends = TieEndSerializer(many=True)


class AdvisedSerializer(Telling):
    """A shared question to which at least two of the documents answer with recommendations."""

    question = serializers.SlugField(source="question.slug", help_text="Slug of the question.")
    cells = AdviceCellSerializer(many=True)


class AskedSerializer(Telling):
    """A question that at least two of the documents answer, and how they meet on it.

    Own and joint views are compared, attributed ones are not. `basis` is `own` where own views alone were compared,
    `joint` where a joint one is among them, and empty where there was nothing to compare.
    """

    question = serializers.SlugField(source="question.slug", help_text="Slug of the question.")
    kind = WordField(Question.Kind, source="question.kind")
    text_zh = serializers.CharField(source="question.text_zh")
    text_en = serializers.CharField(source="question.text_en")
    agreement = WordField(meeting.Accord, source="standing")
    basis = serializers.ChoiceField(choices=["own", "joint", ""], help_text="Whose views were compared.")
    cells = AnswerCellSerializer(many=True)


class AloneSerializer(Telling):
    """What one document alone says: single acts that nothing here joins to the others, and questions."""

    document = serializers.CharField(source="column.report.slug", help_text="Slug of the document.")
    counts = serializers.SerializerMethodField()
    areas = serializers.SerializerMethodField()
    recommendations = AdviceSerializer(source="rows", many=True)
    questions = serializers.SerializerMethodField()

    @extend_schema_field(VoicesSerializer)
    def get_counts(self, alone):
        """These recommendations by voice."""
        return dict.fromkeys(Voice.values, 0) | alone.voices

    @extend_schema_field({"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Voices"}})
    def get_areas(self, alone):
        """The same by policy area at the top of the taxonomy; one that is filed twice counts in both."""
        return {area.slug: dict.fromkeys(Voice.values, 0) | voices for area, _rows, voices in alone.areas}

    def get_questions(self, alone) -> list[str]:
        """Slugs of the questions that of these documents it alone answers."""
        return [question.slug for question in alone.questions]


class CommonSerializer(Telling):
    """A person, institution, work or event with which at least two of the documents have to do."""

    slug = serializers.SlugField(source="row.slug")
    cells = WayCellSerializer(many=True)


class CommonsSerializer(Telling):
    """What the documents have in common besides what they say."""

    people = CommonSerializer(many=True)
    institutions = CommonSerializer(many=True)
    works = CommonSerializer(many=True)
    events = CommonSerializer(many=True)


class AgreementsSerializer(Telling):
    opposed = serializers.IntegerField(help_text="One says yes and another no.")
    degree = serializers.IntegerField(help_text="They differ otherwise.")
    agree = serializers.IntegerField(help_text="All say the same.")


class MeetingCountsSerializer(Telling):
    """Shared questions by how the documents meet on them. What rests on a joint view too is counted apart."""

    own = AgreementsSerializer(help_text="Own views alone were compared.")
    joint = AgreementsSerializer(help_text="A joint view was among those compared.")
    told = serializers.IntegerField(help_text="At most one document speaks for itself.")


class MeetingSerializer(Telling):
    """Two to four documents side by side: what they share, where they differ, what one of them alone says."""

    documents = serializers.SerializerMethodField()
    finding_zh = serializers.SerializerMethodField()
    finding_en = serializers.SerializerMethodField()
    counts = MeetingCountsSerializer()
    relations = TieSerializer(source="ties", many=True)
    advice = AdvisedSerializer(source="advised", many=True)
    questions = AskedSerializer(source="asked", many=True)
    alone = AloneSerializer(many=True)
    common = CommonsSerializer()
    url = serializers.SerializerMethodField()
    url_en = serializers.SerializerMethodField()
    api_url = serializers.SerializerMethodField()

    @extend_schema_field(DocumentSerializer(many=True))
    def get_documents(self, found):
        """The documents in the order asked for."""
        parts = {column.report.pk: [one.slug for one in column.members[1:]] for column in found.columns}
        reports = [column.report for column in found.columns]
        return DocumentSerializer(reports, many=True, context=self.context | {"parts": parts}).data

    def get_finding_zh(self, found) -> str:
        """What the comparison finds, in Chinese."""
        with translation.override(settings.LANGUAGE_CODE):
            return meeting.finding(found)

    def get_finding_en(self, found) -> str:
        """What the comparison finds, in English."""
        with translation.override(LANGUAGE):
            return meeting.finding(found)

    def address(self, name, found):
        slugs = ",".join(column.report.slug for column in found.columns)
        return self.context["request"].build_absolute_uri(f"{reverse(name)}?reports={slugs}")

    @extend_schema_field(OpenApiTypes.URI)
    def get_url(self, found):
        """The page, in Chinese."""
        with translation.override(settings.LANGUAGE_CODE):
            return self.address("portal:compare", found)

    @extend_schema_field(OpenApiTypes.URI)
    def get_url_en(self, found):
        """The page, in English."""
        with translation.override(LANGUAGE):
            return self.address("portal:compare", found)

    @extend_schema_field(OpenApiTypes.URI)
    def get_api_url(self, found):
        """This comparison in the API."""
        return self.address("api-compare", found)


def shown_in(example, serializer):
    """Return what a shorter serializer shows of the example of a longer one."""
    return {name: example[name] for name in serializer.Meta.fields}


PAIR = ("cyber-relations-2021", "digital-economy-dialogue-2019")
NONE = dict.fromkeys(Voice.values, 0)
ADVICE = shown_in(RecommendationSerializer.example, AdviceSerializer)
ANSWER = shown_in(PositionSerializer.example, AnswerSerializer)
OTHER_ADVICE = ADVICE | {
    "report": PAIR[1],
    "key": "R02",
    "voice": "joint",
    "summary_zh": "两国主管官员保持经常联系。",
    "summary_en": "Officials in charge on both sides stay in regular contact.",
    **addresses(f"recommendations/{PAIR[1]}/R02/"),
}
OTHER_ANSWER = ANSWER | {
    "report": PAIR[1],
    "key": "P02",
    "voice": "joint",
    "holder": None,
    "stance": 2,
    "hedge": "certain",
    "horizon": "",
    "recommendation": "R02",
    "summary_zh": "双方主张恢复官方联系。",
    "summary_en": "Both sides are for restoring official contact.",
    **addresses(f"positions/{PAIR[1]}/P02/", f"reports/{PAIR[1]}/#P02"),
}
MeetingSerializer.example = {
    "documents": [
        {
            "slug": slug,
            "kind": kind,
            "title_zh": title_zh,
            "title_en": title_en,
            "date": date,
            "coding": "complete",
            "parts": [],
            **addresses(f"reports/{slug}/"),
        }
        for slug, kind, title_zh, title_en, date in (
            (PAIR[0], "report", "中美网络关系展望", "The Outlook of Cyber Relations", "2021-02-03"),
            (PAIR[1], "memorandum", "数字经济对话备忘录", "Memorandum of the Digital Economy Dialogue", "2019-12-10"),
        )
    ],
    "finding_zh": "两份文件都回答了一个问题。就其中一个，至多一份文件自己表态，其余都是转述。一条互见连接它们的建议。",
    "finding_en": "Both documents answer one question. On one, at most one of them speaks for itself; the rest is told "
    "of others. One relation joins their recommendations.",
    "counts": {
        "own": {"opposed": 0, "degree": 0, "agree": 0},
        "joint": {"opposed": 0, "degree": 0, "agree": 0},
        "told": 1,
    },
    "relations": [
        {
            "reference": CrossReferenceSerializer.example,
            "ends": [
                {"document": PAIR[0], "role": "source", "recommendation": ADVICE},
                {"document": PAIR[1], "role": "target", "recommendation": OTHER_ADVICE},
            ],
        }
    ],
    "advice": [],
    "questions": [
        {
            "question": "resume-official-dialogue",
            "kind": "normative",
            "text_zh": "中美应否恢复网络问题的官方对话？",
            "text_en": "Should China and the US resume official talks on cyber issues?",
            "agreement": "told",
            "basis": "",
            "cells": [
                {"document": PAIR[0], "state": "stated", "positions": [ANSWER]},
                {"document": PAIR[1], "state": "stated", "positions": [OTHER_ANSWER]},
            ],
        }
    ],
    "alone": [
        {
            "document": PAIR[0],
            "counts": NONE | {"own": 1},
            "areas": {"technology": NONE | {"own": 1}},
            "recommendations": [ADVICE | {"key": "R09", **addresses(f"recommendations/{PAIR[0]}/R09/")}],
            "questions": ["cyber-norms"],
        },
        {"document": PAIR[1], "counts": NONE, "areas": {}, "recommendations": [], "questions": []},
    ],
    "common": {
        "people": [
            {
                "slug": "zeng-san",
                "cells": [
                    {"document": PAIR[0], "state": "stated", "ways": ["author"]},
                    {"document": PAIR[1], "state": "stated", "ways": ["participant"]},
                ],
            }
        ],
        "institutions": [],
        "works": [],
        "events": [],
    },
    **addresses(f"compare/?reports={','.join(PAIR)}"),
}


@extend_schema(
    responses=MeetingSerializer,
    parameters=[
        OpenApiParameter(
            "reports",
            {
                "type": "array",
                "items": {"type": "string", "pattern": SLUG},
                "minItems": 2,
                "maxItems": COMPARED,
                "uniqueItems": True,
            },
            description="Slugs of two to four reports, with commas between or repeated, each of them once. A symposium "
            "stands for its essays too, and not beside one of them. The order is that of the answer, and changes "
            "nothing else.",
            required=True,
            style="form",
            explode=False,
        )
    ],
)
class Compare(Api):
    """Two to four documents side by side: relations, shared questions, what one of them alone says, common names.

    Adding a document that shares nothing with the others changes no cell that was there before.
    """

    is_filtered = True
    filterset_class = ComparedFilterSet

    @staticmethod
    def told(request, found):
        """Return a Meeting as the API tells it."""
        return MeetingSerializer(found, context={"request": request}).data

    def get(self, request):
        filterset = StrictFilters().checked(request, Report.objects.published(), self)
        slugs = filterset.chosen("reports")
        named = [
            word for value in request.query_params.getlist("reports") if value.strip() for word in value.split(",")
        ]
        if len(slugs) < 2:
            raise ValidationError({"reports": [f"Name two to {COMPARED} reports; here are {len(slugs)}."]})
        if len(named) > len(slugs):
            raise ValidationError({"reports": ["Name each report once, and nothing between two commas."]})
        filterset.queryset = filterset.queryset.side_by_side()
        found = meeting.meet(meeting.columns(slugs, filterset.documents()), PolicyArea.objects.all())
        return Response(self.told(request, found))
