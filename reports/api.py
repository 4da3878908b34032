"""The API of who published what: reports, people, institutions, works, citations; and of evidence."""

from django.db.models import Count, OuterRef, Prefetch, Subquery
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.api import Plain, Row, Rows, Slug, WordField, addresses
from portal.telling import Telling
from portal.text import SqueezedText
from reports.filters import (
    AuthorFilterSet,
    CitationFilterSet,
    InstitutionFilterSet,
    ReportFilterSet,
    WorkFilterSet,
)
from reports.models import (
    VOICES,
    Author,
    Citation,
    Contribution,
    Institution,
    Passage,
    Report,
    Section,
    SourceText,
    Work,
)

# ---------------------------------------------------------------------------------------------------------------------
# Evidence
# ---------------------------------------------------------------------------------------------------------------------

QUOTES_KEPT = 50_000
UNREAD = object()
quotes = {}  # {(SHA-256 of the source, extractor, start, end, digest): quotation, or None where the digest is not met}


def quotations(places):
    """Return {place: quotation} of (report, span) pairs whose source is held; all texts not yet read in one query.

    A place is (SHA-256, extractor, start, end, digest), so that what is kept can never go stale. Where the text does
    not meet the digest there is no quotation: the item is broken, and another sentence would be worse than none.
    """
    wanted = {place for report, span in places if (place := place_of(report, span))}
    found = {place: kept for place in wanted if (kept := quotes.get(place, UNREAD)) is not UNREAD}
    missing = {}
    for place in wanted - found.keys():
        missing.setdefault(place[0], []).append(place)
    if missing:
        if len(quotes) > QUOTES_KEPT:
            quotes.clear()
        for sha256, content in SourceText.objects.filter(sha256__in=missing).values_list("sha256", "text"):
            text = SqueezedText(content)
            for place in missing[sha256]:
                _, _, start, end, digest = place
                found[place] = quotes[place] = text.slice(start, end) if text.digest(start, end) == digest else None
    return found


def place_of(report, span):
    """Return the key of a span in a held source, or None."""
    if report.source_text_id is None or span.start is None:
        return None
    return (report.source_text.sha256, report.source_text.extractor, span.start, span.end, span.digest)


def with_place(queryset):
    """Annotate `section_key` and `passage_number` of spans that stand in their row's own columns."""
    here = {"report": OuterRef("report"), "start__lte": OuterRef("start"), "end__gt": OuterRef("start")}
    return queryset.with_source().annotate(
        section_key=Subquery(Section.objects.filter(**here).order_by("-start", "end").values("key")[:1]),
        passage_number=Subquery(Passage.objects.filter(**here).order_by("number").values("number")[:1]),
    )


class EvidenceSerializer(Telling):
    """A place in a source text: a text-position selector over the text without white space, proven by its digest."""

    start = serializers.IntegerField(help_text="First character, counted from 0 without any Unicode white space.")
    end = serializers.IntegerField(help_text="Character after the last.")
    digest = serializers.CharField(help_text="First 12 hex digits of the SHA-256 of those characters, in UTF-8.")
    section = serializers.CharField(allow_null=True, help_text="Key of the innermost section that holds the start.")
    passage = serializers.IntegerField(allow_null=True, help_text="Number of the passage; `#p<number>` on its page.")
    quote = serializers.CharField(
        allow_null=True, help_text="The words there; null while the source text is not held, or fails the digest."
    )


def evidence(report, span, context, section, passage):
    """Return one span as EvidenceSerializer describes it."""
    quote = context["quotes"].get(place_of(report, span))
    return {**span.selector, "section": section, "passage": passage, "quote": quote}


EVIDENCE = {
    "start": 1043,
    "end": 1071,
    "digest": "9f2c41d07b3e",
    "section": "s1",
    "passage": 12,
    "quote": None,
}


# ---------------------------------------------------------------------------------------------------------------------
# Reports
# ---------------------------------------------------------------------------------------------------------------------


class SectionSerializer(Plain):
    """A heading and the stretch of the source under it."""

    parent = Slug("Key of the section above.", "key", allow_null=True)

    class Meta:
        model = Section
        fields = ("key", "parent", "heading_zh", "heading_en", "start", "end")


class ContributionSerializer(Plain):
    """What a person or an institution did for a report: one of `author` and `institution` is null."""

    author = Slug("Slug of the person.", allow_null=True)
    institution = Slug("Slug of the institution.", allow_null=True)
    role = WordField(Contribution.Role)
    affiliations = Slug("Slugs of the institutions to which the printed affiliation refers.", many=True)

    class Meta:
        model = Contribution
        fields = (
            "author", "institution", "role", "delegation", "affiliations", "name_as_printed",
            "affiliation_as_printed", "post_as_printed", "note_zh", "note_en",
        )  # fmt: skip


class SourceSerializer(Telling):
    """The file that was coded, and the stretch of it that this report is."""

    file = serializers.CharField(source="source_file", help_text="Name of the file; empty when there is none.")
    sha256 = serializers.CharField(source="source_sha256", help_text="SHA-256 of the bytes of the file.")
    start = serializers.IntegerField(
        source="source_start", allow_null=True, help_text="First character, without white space."
    )
    end = serializers.IntegerField(source="source_end", allow_null=True, help_text="Character after the last.")
    held = serializers.SerializerMethodField(help_text="Whether the text is here, so that evidence shows its words.")

    def get_held(self, row) -> bool:
        return row.source_text_id is not None


class VoicesSerializer(Telling):
    """How many by voice: three different things."""

    own = serializers.IntegerField(help_text="Of the authors themselves.")
    joint = serializers.IntegerField(help_text="Of both sides of a dialogue.")
    attributed = serializers.IntegerField(help_text="Of somebody of whom the authors report.")


class CountsSerializer(Telling):
    """How much of a report itself is coded; an essay counts for itself, not for its symposium."""

    recommendations = serializers.IntegerField(help_text="Single acts, each counted once.")
    recommendations_by_voice = VoicesSerializer()
    umbrellas = serializers.IntegerField(help_text="Headings that gather single acts.")
    restating = serializers.IntegerField(help_text="Rows that repeat others, and are counted nowhere else.")
    positions = VoicesSerializer()
    ratings = serializers.IntegerField()


class ReportSerializer(Row):
    """One publication, or one essay inside a symposium."""

    endpoint = "reports"
    expands = {"part_of": "reports", "publisher": "institutions"}
    heavy = ("parts", "contributions", "sections", "source", "counts")
    example = {
        "slug": "cyber-relations-2021",
        "kind": "report",
        "title_zh": "中美网络关系展望",
        "title_en": "The Outlook of Cyber Relations",
        "title_note_zh": "",
        "title_note_en": "",
        "standfirst_zh": "",
        "standfirst_en": "What two sides could still agree on.",
        "language": "zh",
        "date": "2021-02",
        "date_end": "",
        "date_kind": "cover",
        "date_note_zh": "",
        "date_note_en": "",
        "coding": "complete",
        "part_of": None,
        "place": None,
        "parts": [],
        "publisher": "example-institute",
        "container": "",
        "volume": "",
        "issue": "",
        "pages": "",
        "source_url": "",
        "doi": "",
        "contributions": [
            {
                "author": "zeng-san",
                "institution": None,
                "role": "author",
                "delegation": "CN",
                "affiliations": ["example-institute"],
                "name_as_printed": "曾三",
                "affiliation_as_printed": "示例研究院",
                "post_as_printed": "研究员",
                "note_zh": "",
                "note_en": "",
            }
        ],
        "sections": [
            {"key": "s1", "parent": None, "heading_zh": "引言", "heading_en": "Introduction", "start": 0, "end": 2140}
        ],
        "source": {"file": "report.txt", "sha256": "0" * 64, "start": 0, "end": 21400, "held": False},
        "counts": {
            "recommendations": 41,
            "recommendations_by_voice": {"own": 40, "joint": 0, "attributed": 1},
            "umbrellas": 6,
            "restating": 2,
            "positions": {"own": 30, "joint": 0, "attributed": 12},
            "ratings": 0,
        },
        **addresses("reports/cyber-relations-2021/"),
    }

    kind = WordField(Report.Kind)
    date_kind = WordField(Report.DateKind, blank=True)
    coding = WordField(Report.Coding)
    part_of = Slug("Slug of the symposium or volume in which this stands.", allow_null=True)
    place = serializers.SerializerMethodField()
    parts = Slug("Slugs of the essays that stand in this, in their order.", many=True)
    publisher = Slug("Slug of the institution that published it.", allow_null=True)
    source_url = serializers.CharField(help_text="Address of the source; empty when unknown.")
    contributions = ContributionSerializer(many=True)
    sections = SectionSerializer(many=True)
    source = SourceSerializer(source="*")
    counts = serializers.SerializerMethodField()

    class Meta:
        model = Report
        fields = (
            "slug", "kind", "title_zh", "title_en", "title_note_zh", "title_note_en", "standfirst_zh",
            "standfirst_en", "language", "date", "date_end", "date_kind", "date_note_zh", "date_note_en", "coding",
            "part_of", "place", "parts", "publisher", "container", "volume", "issue", "pages", "source_url", "doi",
            "contributions", "sections", "source", "counts", *Row.ADDRESSES,
        )  # fmt: skip

    def get_place(self, row) -> int | None:
        """Place in what this is part of, from 1 on."""
        return row.place if row.part_of else None

    @extend_schema_field(CountsSerializer)
    def get_counts(self, row):
        return self.context["counts"][row.pk]


class ReportRows(Rows):
    """Published reports, the newest first: each publication, and each essay inside one."""

    serializer_class = ReportSerializer
    filterset_class = ReportFilterSet

    def get_queryset(self):
        return Report.objects.published().select_related("publisher")

    def along(self):
        contributions = Contribution.objects.select_related("author", "institution").prefetch_related("affiliations")
        whole = (Prefetch("part_of", Report.objects.published()),)
        return {
            "part_of": whole,
            "place": whole,
            "parts": (Prefetch("parts", Report.objects.published().order_by("place")),),
            "contributions": (Prefetch("contributions", contributions),),
            "sections": (Prefetch("sections", Section.objects.select_related("parent")),),
        }

    def learn(self, rows):
        return {"counts": tallies(rows)} if self.shows("counts") else {}


def tallies(reports):
    """Return {primary key: counts} of what is coded of each report, over the relations that lead here."""

    def of(relation):
        return Report._meta.get_field(relation).related_model.objects.filter(report__in=reports).order_by()

    def each(queryset):
        return dict(queryset.values_list("report").annotate(Count("pk", distinct=True)))

    def by_voice(queryset):
        found = {report.pk: dict.fromkeys(VOICES, 0) for report in reports}
        for report, voice, n in queryset.values_list("report", "voice").annotate(Count("pk", distinct=True)):
            found[report][voice] = n
        return found

    advice = of("recommendations")
    atomic, positions = by_voice(advice.atomic()), by_voice(of("positions"))
    restating, umbrellas = each(advice.restating()), each(advice.umbrellas())
    ratings = each(of("ratings"))
    return {
        report.pk: {
            "recommendations": sum(atomic[report.pk].values()),
            "recommendations_by_voice": atomic[report.pk],
            "umbrellas": umbrellas.get(report.pk, 0),
            "restating": restating.get(report.pk, 0),
            "positions": positions[report.pk],
            "ratings": ratings.get(report.pk, 0),
        }
        for report in reports
    }


# ---------------------------------------------------------------------------------------------------------------------
# People and institutions
# ---------------------------------------------------------------------------------------------------------------------


class Aliases(serializers.ListField):
    """Other names of a thing."""

    child = serializers.CharField()

    def __init__(self):
        super().__init__(help_text="Other names and spellings, in any language.")


class Names(Row):
    """Something with a name in both languages."""

    FIELDS = ("slug", "name_zh", "name_en", "aliases", "sort_key")

    aliases = Aliases()


def slugs_by_date(reports):
    """Return the slugs of reports, each once, the newest first."""
    dates = {report.slug: report.date for report in reports}
    return sorted(sorted(dates), key=dates.get, reverse=True)


class AuthorSerializer(Names):
    """A person who wrote, or took part in, a report."""

    endpoint = "authors"
    heavy = ("reports", "cited_works")
    example = {
        "slug": "zeng-san",
        "name_zh": "曾三",
        "name_en": "Zeng San",
        "aliases": [],
        "sort_key": "zeng san",
        "reports": ["cyber-relations-2021"],
        "cited_works": ["example-strategy-2018"],
        **addresses("authors/zeng-san/"),
    }

    reports = serializers.SerializerMethodField()
    cited_works = Slug("Slugs of the works by this person that reports cite.", many=True)

    class Meta:
        model = Author
        fields = (*Names.FIELDS, "reports", "cited_works", *Row.ADDRESSES)

    def get_reports(self, row) -> list[str]:
        """Slugs of the reports contributed to, the newest first."""
        return slugs_by_date(c.report for c in row.contributions.all())


def contributions_to_published():
    return Contribution.objects.published().select_related("report")


class AuthorRows(Rows):
    """People who contributed to a published report, by name in pinyin."""

    serializer_class = AuthorSerializer
    filterset_class = AuthorFilterSet

    def get_queryset(self):
        return Author.objects.published()

    def along(self):
        return {
            "reports": (Prefetch("contributions", contributions_to_published()),),
            "cited_works": (Prefetch("cited_works", Work.objects.published()),),
        }


class InstitutionSerializer(Names):
    """A think tank, university, government body, company or forum."""

    endpoint = "institutions"
    heavy = ("reports",)
    example = {
        "slug": "example-institute",
        "name_zh": "示例研究院",
        "name_en": "Example Institute",
        "aliases": ["EI"],
        "sort_key": "shi li yan jiu yuan",
        "kind": "think_tank",
        "country": "CN",
        "reports": ["cyber-relations-2021"],
        **addresses("institutions/example-institute/"),
    }

    kind = WordField(Institution.Kind)
    reports = serializers.SerializerMethodField()

    class Meta:
        model = Institution
        fields = (*Names.FIELDS, "kind", "country", "reports", *Row.ADDRESSES)

    def get_reports(self, row) -> list[str]:
        """Slugs of the reports it contributed to, employed a contributor of, or published; the newest first."""
        contributions = [*row.contributions.all(), *row.affiliated_contributions.all()]
        return slugs_by_date([c.report for c in contributions] + list(row.published_reports.all()))


class InstitutionRows(Rows):
    """Institutions that a published report names as contributor, affiliation or publisher, by name in pinyin."""

    serializer_class = InstitutionSerializer
    filterset_class = InstitutionFilterSet

    def get_queryset(self):
        return Institution.objects.published()

    def along(self):
        return {
            "reports": (
                Prefetch("contributions", contributions_to_published()),
                Prefetch("affiliated_contributions", contributions_to_published()),
                Prefetch("published_reports", Report.objects.published()),
            )
        }


# ---------------------------------------------------------------------------------------------------------------------
# Works, citations
# ---------------------------------------------------------------------------------------------------------------------


class CitedSerializer(Plain):
    """A place where a report cites a work."""

    report = Slug("Slug of the citing report.")

    class Meta:
        model = Citation
        fields = ("report", "key", "mark", "locator")


class WorkSerializer(Row):
    """A work that reports cite, once, however often it is cited."""

    endpoint = "works"
    expands = {"report": "reports"}
    heavy = ("citations",)
    example = {
        "slug": "example-strategy-2018",
        "title_zh": "示例战略",
        "title_en": "An Example Strategy",
        "language": "en",
        "authors": "A. Example",
        "people": ["zeng-san"],
        "container": "Journal of Examples",
        "date": "2018-09",
        "source_url": "https://example.org/strategy",
        "report": None,
        "report_count": 1,
        "citations": [{"report": "cyber-relations-2021", "key": "N03", "mark": "③", "locator": "p. 12"}],
        **addresses("works/example-strategy-2018/", "works/#example-strategy-2018"),
    }

    people = Slug("Slugs of those of its authors who are people of this portal.", many=True)
    source_url = serializers.CharField(source="url", help_text="Address of the work; empty when unknown.")
    report = Slug("Slug of the report of this portal that the work is.", allow_null=True)
    report_count = serializers.IntegerField(help_text="Published reports that cite it, each counted once.")
    citations = CitedSerializer(many=True)

    class Meta:
        model = Work
        fields = (
            "slug", "title_zh", "title_en", "language", "authors", "people", "container", "date", "source_url",
            "report", "report_count", "citations", *Row.ADDRESSES,
        )  # fmt: skip


class WorkRows(Rows):
    """Works that a published report cites, the newest first."""

    serializer_class = WorkSerializer
    filterset_class = WorkFilterSet

    def get_queryset(self):
        # Grouped rows have no order of their own.
        return Work.objects.published().with_counts().order_by("-date", "slug")

    def along(self):
        return {
            "report": (Prefetch("report", Report.objects.published()),),
            "people": (Prefetch("people", Author.objects.published()),),
            "citations": (Prefetch("citations", Citation.objects.published().select_related("report")),),
        }


class CitationSerializer(Row):
    """One note or bracketed reference of a report, with its mark as printed. Marks may restart on each page."""

    endpoint = "citations"
    expands = {"report": "reports", "work": "works"}
    heavy = ("evidence",)
    example = {
        "key": "N03",
        "report": "cyber-relations-2021",
        "mark": "③",
        "kind": "source",
        "work": "example-strategy-2018",
        "locator": "p. 12",
        "note_zh": "",
        "note_en": "",
        "evidence": [EVIDENCE],
        **addresses("citations/cyber-relations-2021/N03/", "reports/cyber-relations-2021/#N03"),
    }

    report = Slug("Slug of the report.")
    kind = WordField(Citation.Kind)
    work = Slug("Slug of the cited work; null for a note that cites none.", allow_null=True)
    evidence = serializers.SerializerMethodField()

    class Meta:
        model = Citation
        fields = (
            "key", "report", "mark", "kind", "work", "locator", "note_zh", "note_en", "evidence", *Row.ADDRESSES,
        )  # fmt: skip

    @extend_schema_field(EvidenceSerializer(many=True))
    def get_evidence(self, row):
        """Where the mark stands; empty where no place is recorded."""
        if row.start is None:
            return []
        return [evidence(row.report, row, self.context, row.section_key, row.passage_number)]

    def page(self, row):
        return f"{row.report.get_absolute_url()}#{row.key}"


class CitationRows(Rows):
    """Notes and references of published reports, in the order in which they stand."""

    serializer_class = CitationSerializer
    filterset_class = CitationFilterSet
    keys = {"report": "report__slug", "key": "key"}

    def get_queryset(self):
        return with_place(Citation.objects.published()).select_related("work")

    def learn(self, rows):
        return {"quotes": quotations((row.report, row) for row in rows)} if self.shows("evidence") else {}


VIEWS = (ReportRows, AuthorRows, InstitutionRows, WorkRows, CitationRows)
