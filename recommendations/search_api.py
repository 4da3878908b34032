"""The API of the search: what a query finds, kind by kind, or page by page where one kind alone is looked for."""

from django.conf import settings
from django.utils import translation
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from portal import words
from portal.addresses import path_to
from portal.api import LANGUAGE, Api, Pages, StrictFilters, addresses
from portal.export import origin
from portal.finding import ELSEWHERE, EXACT, HEAD
from portal.paging import Keyset
from portal.telling import Telling
from recommendations import search
from reports.models import Report

RANKS = {EXACT: "exact", HEAD: "head", ELSEWHERE: "elsewhere"}
TYPES = [sort.word for sort in search.SORTS]


class FragmentSerializer(Telling):
    """A stretch of text; put together, the fragments are the text."""

    text = serializers.CharField(trim_whitespace=False)
    hit = serializers.BooleanField(help_text="Whether it is what was looked for.")


class IdentitySerializer(Telling):
    """What tells an object from all others of its kind: its slug, or its report with its key or number."""

    slug = serializers.CharField(required=False)
    report = serializers.CharField(required=False, help_text="Slug of the report.")
    key = serializers.CharField(required=False, help_text="Key of a recommendation or position in it.")
    number = serializers.IntegerField(required=False, help_text="Number of a passage in it.")


class HitSerializer(Telling):
    """One thing that was found. A passage has the title of its report."""

    type = serializers.ChoiceField(choices=TYPES)
    rank = serializers.ChoiceField(
        choices=list(RANKS.values()),
        help_text="exact: called so; head: all words in title, name or summary; elsewhere: some of them elsewhere.",
    )
    title_zh = serializers.CharField()
    title_en = serializers.CharField()
    snippet = FragmentSerializer(
        many=True, help_text="From the text where those words stand that the English title does not have; or empty."
    )
    snippet_lang = serializers.CharField(allow_blank=True, help_text="Language of the snippet: zh-Hans or en.")
    why = serializers.ListField(
        child=serializers.CharField(), help_text="Where those words stand, or whose names they are, in English."
    )
    object = IdentitySerializer()
    url = serializers.URLField(help_text="The page, in Chinese.")
    url_en = serializers.URLField(help_text="The same, in English.")
    api_url = serializers.URLField(allow_null=True, help_text="The object in the API; null for a passage.")


class GroupSerializer(Telling):
    """The best hits of one kind."""

    type = serializers.ChoiceField(choices=TYPES)
    next = serializers.URLField(allow_null=True, help_text="More of this kind, if there is more.")
    previous = serializers.URLField(allow_null=True, help_text="The page before, where one kind alone is looked for.")
    results = HitSerializer(many=True)


class ReadingSerializer(Telling):
    """What was asked."""

    q = serializers.CharField()
    read_as = serializers.ListField(
        child=serializers.CharField(), help_text="How it was read, in sentences; empty for plain words."
    )


class FoundSerializer(Telling):
    """What a query finds. The group with the best hit comes first; a kind without hits is left out."""

    query = ReadingSerializer()
    groups = GroupSerializer(many=True)

    example = {
        "query": {"q": "两国政府 -军事", "read_as": ["Read as: “两国政府”, and not “军事”."]},
        "groups": [
            {
                "type": "recommendations",
                "next": "https://duizhao.example/api/v1/search/?q=%E4%B8%A4%E5%9B%BD%E6%94%BF%E5%BA%9C"
                "+-%E5%86%9B%E4%BA%8B&type=recommendations",
                "previous": None,
                "results": [
                    {
                        "type": "recommendations",
                        "rank": "elsewhere",
                        "title_zh": "恢复官方对话。",
                        "title_en": "Resume official talks.",
                        "snippet": [],
                        "snippet_lang": "",
                        "why": ["addressed to: Both governments / 两国政府"],
                        "object": {"report": "cyber-relations-2021", "key": "R22"},
                        **addresses("recommendations/cyber-relations-2021/R22/"),
                    }
                ],
            }
        ],
    }


class SearchPages(Pages):
    PARAMETERS = {
        "cursor": Pages.PARAMETERS["cursor"],
        "page_size": (
            {"type": "integer", "minimum": 1, "maximum": Pages.SIZE_MAX},
            f"Hits of each kind, at most {Pages.SIZE_MAX}; {search.ALONE} where one kind alone is looked for and "
            f"{search.SHOWN} of each where there are several, unless it is given.",
        ),
    }

    @staticmethod
    def pages(filterset, size):
        return Keyset(filterset.ranked(filterset.only.kind), size)


class PagedFilterSet(search.SearchFilterSet):
    presentation = set(SearchPages.PARAMETERS)


@extend_schema(
    responses=FoundSerializer,
    parameters=[
        OpenApiParameter(
            "q",
            {"type": "string", "pattern": r"^[^\u0000]*[^\u0000\s][^\u0000]*$", "maxLength": 200},
            description="What to look for, in the query language of `q` on every list; without it there is no search.",
            required=True,
        )
    ],
)
class Search(Api):
    """Reports, questions, recommendations, positions, passages, people, institutions, areas and works that words find.

    With one `type` alone the hits come page by page; else the best of each kind.
    """

    is_filtered = True
    filter_backends = (StrictFilters,)
    pagination_class = SearchPages
    filterset_class = PagedFilterSet

    def get(self, request):
        filterset = StrictFilters().checked(request, Report.objects.none(), self)
        if not filterset.query:
            raise ValidationError({"q": ["Say what to look for: q is missing or blank."]})
        groups = self.page(request, filterset) if filterset.only else self.best(request, filterset)
        asked = {"q": request.query_params["q"].strip(), "read_as": words.said(filterset.query)}
        return Response({"query": asked, "groups": groups})

    def page(self, request, filterset):
        """Return the one group of the only kind looked for, on the page asked for; none without hits."""
        pages = self.pagination_class()
        group = search.page_group(filterset, pages.paginate_queryset(filterset, request, self))
        links = pages.envelope()
        return [as_object(group, request, links["next"], links["previous"])] if group else []

    def best(self, request, filterset):
        """Return the best hits of each kind."""
        params = request.query_params
        if params.get("cursor", "").strip():
            raise ValidationError({"cursor": ["Only the hits of one type are told page by page: choose one."]})
        groups = search.search(filterset, int(params.get("page_size", "").strip() or search.SHOWN))
        return [as_object(group, request, more(request, group)) for group in groups]


def more(request, group):
    """Return the address of all hits of a kind; None where there are no more."""
    if not group.more:
        return None
    query = request.query_params.copy()
    query["type"] = group.sort.word
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def as_object(group, request, onward, back=None):
    """Return a Group as the API tells it."""
    site = origin(request)
    results = [hit_as_object(hit, site) for hit in group.hits]
    return {"type": group.sort.word, "next": onward, "previous": back, "results": results}


def hit_as_object(hit, site):
    row, sort = hit.row, hit.sort
    titled, stem = (row, sort.title) if sort.title else (row.report, "title")
    return {
        "type": sort.word,
        "rank": RANKS[hit.rank],
        "title_zh": getattr(titled, f"{stem}_zh"),
        "title_en": getattr(titled, f"{stem}_en"),
        "snippet": [{"text": text, "hit": is_hit} for text, is_hit in hit.snippet],
        "snippet_lang": hit.snippet_lang,
        "why": [str(reason) for reason in hit.why],
        "object": identity(row),
        "url": site + page_in(settings.LANGUAGE_CODE, row),
        "url_en": site + page_in(LANGUAGE, row),
        "api_url": site + path_to(f"api-{sort.endpoint}-detail", *row.natural_key()) if sort.endpoint else None,
    }


def identity(row):
    """Return what tells a row from all others of its kind."""
    if hasattr(row, "slug"):
        return {"slug": row.slug}
    return {"report": row.report.slug} | ({"key": row.key} if hasattr(row, "key") else {"number": row.number})


def page_in(language, row):
    with translation.override(language):
        return row.get_absolute_url()
