"""Who published what: reports, the people and institutions behind them, their source texts, works and events."""

from functools import lru_cache

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, validate_slug
from django.db import models
from django.db.models import Case, Count, Exists, F, Func, IntegerField, OuterRef, Prefetch, Q, Subquery, When
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.addresses import path_to
from portal.fields import KeyField, PartialDateField
from portal.models import Named, SlugQuerySet, Span
from portal.text import SqueezedText

PLACES = 12  # notes that cite a work, or mentions of an event, shown in one place
VOICES = ("own", "joint", "attributed")  # whose view a row is, in the order of print: `recommendations.models.Voice`


class InstitutionQuerySet(SlugQuerySet):
    def published(self):
        """Institutions that a published report names: as contributor, affiliation or publisher."""
        shown = Contribution.objects.published()
        return self.filter(
            Exists(shown.filter(institution=OuterRef("pk")))
            | Exists(shown.filter(affiliations=OuterRef("pk")))
            | Exists(Report.objects.published().filter(publisher=OuterRef("pk")))
        )

    def with_counts(self):
        """Annotate `report_count`: the published reports with which an institution has to do."""
        shown = Report.objects.published().of_institution(OuterRef("pk")).order_by()
        counted = Func("pk", function="COUNT", template="COUNT(DISTINCT %(expressions)s)")
        return self.annotate(report_count=Subquery(shown.annotate(n=counted).values("n"), IntegerField()))


class Institution(Named):
    """A think tank, university, government body, company or forum."""

    class Kind(models.TextChoices):
        THINK_TANK = "think_tank", _("think tank")
        UNIVERSITY = "university", _("university")
        GOVERNMENT = "government", _("government body")
        COMPANY = "company", _("company")
        FORUM = "forum", _("forum")
        MEDIA = "media", _("media")
        OTHER = "other", _("other")

    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    country = models.CharField(
        _("country"),
        max_length=2,
        blank=True,
        validators=[RegexValidator(r"^[A-Z]{2}\Z")],
        help_text=_("Two-letter code (CN, US); empty for an international body."),
    )

    objects = InstitutionQuerySet.as_manager()

    class Meta(Named.Meta):
        verbose_name = _("institution")
        verbose_name_plural = _("institutions")

    def get_absolute_url(self):
        return path_to("reports:institution_detail", self.slug)


class AuthorQuerySet(SlugQuerySet):
    def published(self):
        """People who contributed to a published report."""
        return self.filter(Exists(Contribution.objects.published().filter(author=OuterRef("pk"))))

    def affiliated_with(self, institutions):
        """People whom a published report prints with one of these institutions."""
        shown = Contribution.objects.published().filter(affiliations__in=institutions)
        return self.filter(Exists(shown.filter(author=OuterRef("pk"))))

    def with_counts(self):
        """Annotate `report_count`: the published reports a person contributed to."""
        public = is_public("contributions__report__")
        return self.annotate(report_count=Count("contributions__report", filter=public, distinct=True))

    def cited_by_others(self):
        """People who wrote a published report, and are cited in another that they did not write."""
        of_author = Contribution.objects.filter(role=Contribution.Role.AUTHOR)
        written = of_author.published().filter(author=OuterRef("pk"))
        own = of_author.filter(report=OuterRef("report"), author=OuterRef(OuterRef("pk")))
        elsewhere = Citation.objects.published().filter(~Exists(own), work__people=OuterRef("pk"))
        return self.filter(Exists(written), Exists(elsewhere))


class Author(Named):
    """A person who wrote, or took part in, a report."""

    objects = AuthorQuerySet.as_manager()

    class Meta(Named.Meta):
        verbose_name = _("author")
        verbose_name_plural = _("authors")

    def get_absolute_url(self):
        return path_to("reports:author_detail", self.slug)


class SourceTextQuerySet(models.QuerySet):
    def get_by_natural_key(self, sha256):
        return self.get(sha256=sha256)


class SourceText(models.Model):
    """One version of the full text of a source file. The SHA-256 of the file's bytes is its identity."""

    sha256 = models.CharField(
        _("SHA-256 of the file"), max_length=64, unique=True, validators=[RegexValidator(r"^[0-9a-f]{64}\Z")]
    )
    file_name = models.CharField(_("file name"), max_length=255)
    text = models.TextField(_("extracted text"))
    extractor = models.CharField(_("extractor"), max_length=50, help_text=_("Name and version of what read the file."))
    added_at = models.DateTimeField(_("added"), auto_now_add=True)

    objects = SourceTextQuerySet.as_manager()

    class Meta:
        verbose_name = _("source text")
        verbose_name_plural = _("source texts")
        ordering = ["file_name", "pk"]

    def __str__(self):
        return f"{self.file_name} ({self.sha256[:12]})"

    def natural_key(self):
        return (self.sha256,)


@lru_cache(maxsize=64)
def squeezed_text(sha256, extractor):
    """Return the SqueezedText of a stored source. The arguments fix the content, so the cache cannot go stale."""
    return SqueezedText(SourceText.objects.values_list("text", flat=True).get(sha256=sha256, extractor=extractor))


def is_public(report=""):
    """The condition that a report is one that the public may see; `report` is the path that leads to it."""
    state, moment = f"{report}state", f"{report}publish_at__lte"
    return Q(**{state: Report.State.PUBLISHED}) | Q(**{state: Report.State.SCHEDULED, moment: Now()})


class ReportQuerySet(SlugQuerySet):
    def published(self):
        """What the public may see. Every public list, count, link and export comes through here."""
        return self.filter(is_public())

    def of_institution(self, institution):
        """Reports with which an institution has to do: as contributor, as an affiliation printed, as publisher."""
        return self.filter(
            Q(publisher=institution)
            | Q(contributions__institution=institution)
            | Q(contributions__affiliations=institution)
        ).distinct()

    def whole(self):
        """Publications: reports that are not part of another."""
        return self.filter(part_of=None)

    def with_parts(self, reports):
        """Return the keys of these reports and of their parts, to be asked for within another query."""
        keys = [report.pk for report in reports]
        return self.filter(Q(pk__in=keys) | Q(part_of__in=keys)).order_by().values("pk")

    def counted(self, of, **having):
        """Count related rows apart from the query itself, so that two counts do not multiply each other's rows."""
        same = self.model.objects.filter(pk=OuterRef("pk"), **having).order_by()
        number = Func(f"{of}__pk", function="COUNT", template="COUNT(DISTINCT %(expressions)s)")
        return Subquery(same.annotate(n=number).values("n"), IntegerField())

    def with_voices(self):
        """Annotate one count of positions a voice: `own_count`, `joint_count`, `attributed_count`. Never their sum."""
        return self.annotate(**{f"{v}_count": self.counted("positions", positions__voice=v) for v in VOICES})

    def told(self, keys):
        """Return {key: report} of these, with how much is coded of each; counted for all of them at once.

        `recommendation_count` (atomic, nothing counted twice), `position_count`, and what `with_voices()` says.
        """
        found = self.in_bulk(keys)
        model = {name: self.model._meta.get_field(name).related_model for name in ("recommendations", "positions")}
        advice = model["recommendations"].objects.filter(report__in=found).atomic().order_by().values_list("report")
        advice = dict(advice.annotate(Count("pk", distinct=True)))
        positions = model["positions"].objects.filter(report__in=found).order_by().values_list("report", "voice")
        views = {(report, voice): n for report, voice, n in positions.annotate(Count("pk"))}
        for pk, report in found.items():
            report.recommendation_count = advice.get(pk, 0)
            by_voice = {voice: views.get((pk, voice), 0) for voice in VOICES}
            report.position_count = sum(by_voice.values())
            for voice, n in by_voice.items():
                setattr(report, f"{voice}_count", n)
        return found

    def for_list(self):
        """What a list row shows, in one constant number of queries."""
        return self.select_related("publisher", "part_of").prefetch_related(
            Prefetch("contributions", Contribution.objects.select_related("author", "institution"))
        )

    def by_publication(self):
        """Newest publication first, each followed by its essays in their order; a hidden whole moves none of them."""
        whole = is_public("part_of__")
        date, slug = (Case(When(whole, then=f"part_of__{column}"), default=column) for column in ("date", "slug"))
        return self.order_by(date.desc(), slug, Case(When(whole, then="place")).asc(nulls_first=True))

    def side_by_side(self):
        """What a comparison of documents shows of each: what it is, what it says, what it names."""
        contributions = Contribution.objects.select_related("author", "institution").prefetch_related("affiliations")
        citations = Citation.objects.select_related("work").prefetch_related("work__people")
        coded = [
            Prefetch(name, self.model._meta.get_field(name).related_model.objects.side_by_side())
            for name in ("recommendations", "positions")
        ]
        return self.select_related("publisher").prefetch_related(
            *coded,
            Prefetch("contributions", contributions),
            Prefetch("citations", citations),
            Prefetch("mentions", Mention.objects.select_related("event")),
            "as_works",
        )

    def for_page(self):
        """What a report's page shows of the report itself."""
        contributions = Contribution.objects.select_related("author", "institution").prefetch_related("affiliations")
        return (
            self.select_related("publisher", "part_of", "source_text")
            .defer("source_text__text")
            .prefetch_related(
                Prefetch("contributions", contributions),
                "sections",
                "passages",
                Prefetch("parts", Report.objects.published().for_list().order_by("place")),
            )
        )


class Report(models.Model):
    """One publication, or one essay inside a symposium (`part_of`)."""

    class Kind(models.TextChoices):
        REPORT = "report", _("report")
        ARTICLE = "article", _("journal article")
        SYMPOSIUM = "symposium", _("symposium")
        ESSAY = "essay", _("essay")
        MEMORANDUM = "memorandum", _("memorandum")
        WEB_ARTICLE = "web_article", _("web article")

    class DateKind(models.TextChoices):
        COVER = "cover", _("cover date")
        SIGNED = "signed", _("date under the text")
        MEETING = "meeting", _("date of the meeting")
        ADDED = "added", _("date added online")

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        IN_REVIEW = "in_review", _("in review")
        SCHEDULED = "scheduled", _("scheduled")
        PUBLISHED = "published", pgettext_lazy("state", "published")
        WITHDRAWN = "withdrawn", _("withdrawn")

    class Coding(models.TextChoices):
        NONE = "none", _("not yet coded")
        PARTIAL = "partial", _("partly coded")
        COMPLETE = "complete", _("fully coded")

    slug = KeyField(
        _("slug"),
        max_length=100,
        unique=True,
        validators=[validate_slug],
        help_text=_("The word that stands in addresses. It never changes once published."),
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    part_of = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="parts",
        verbose_name=_("part of"),
        help_text=_("The symposium or volume in which this stands."),
    )
    place = models.PositiveSmallIntegerField(_("place in it"), null=True, blank=True)
    title_zh = models.CharField(_("title (Chinese)"), max_length=300)
    title_en = models.CharField(_("title (English)"), max_length=300)
    title_note_zh = models.TextField(_("note on the title (Chinese)"), blank=True)
    title_note_en = models.TextField(_("note on the title (English)"), blank=True)
    standfirst_zh = models.TextField(
        _("standfirst (Chinese)"), blank=True, help_text=_("One or two sentences in our own words: what it says.")
    )
    standfirst_en = models.TextField(_("standfirst (English)"), blank=True)
    language = models.CharField(_("language"), max_length=10, default="zh")
    publisher = models.ForeignKey(
        Institution,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="published_reports",
        verbose_name=_("publisher"),
    )
    container = models.CharField(_("journal or site"), max_length=200, blank=True)
    volume = models.CharField(_("volume"), max_length=20, blank=True)
    issue = models.CharField(_("issue"), max_length=20, blank=True)
    pages = models.CharField(_("pages"), max_length=20, blank=True)
    source_url = models.URLField(_("address of the source"), max_length=500, blank=True)
    doi = models.CharField("DOI", max_length=100, blank=True)
    date = PartialDateField(
        _("date"), db_index=True, help_text=_("As precise as the text gives it; empty when unknown.")
    )
    date_end = PartialDateField(_("end date"))
    date_kind = models.CharField(_("what the date is"), max_length=10, choices=DateKind.choices, blank=True)
    date_note_zh = models.TextField(_("note on the date (Chinese)"), blank=True)
    date_note_en = models.TextField(_("note on the date (English)"), blank=True)

    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.DRAFT, db_index=True)
    publish_at = models.DateTimeField(_("publish at"), null=True, blank=True)
    coding = models.CharField(_("coding"), max_length=10, choices=Coding.choices, default=Coding.NONE)

    source_file = models.CharField(_("source file"), max_length=255, blank=True)
    source_sha256 = models.CharField(
        _("SHA-256 of the source file"),
        max_length=64,
        blank=True,
        db_index=True,
        validators=[RegexValidator(r"^[0-9a-f]{64}\Z")],
    )
    source_start = models.PositiveIntegerField(
        _("start in the source"),
        null=True,
        blank=True,
        help_text=_("Offsets in the source text without white space; an essay is one stretch of a longer file."),
    )
    source_end = models.PositiveIntegerField(_("end in the source"), null=True, blank=True)
    source_text = models.ForeignKey(
        SourceText, models.SET_NULL, null=True, blank=True, related_name="reports", verbose_name=_("source text")
    )

    objects = ReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        ordering = ["-date", "slug"]
        permissions = [("publish_report", "Can publish, schedule and withdraw reports")]
        constraints = [
            models.CheckConstraint(
                condition=Q(part_of=None, place=None) | Q(part_of__isnull=False, place__isnull=False),
                name="report_part_has_place",
                violation_error_message=_("A part has a place in its whole; a whole has none."),
            ),
            models.UniqueConstraint(fields=["part_of", "place"], name="report_place_unique"),
            models.CheckConstraint(
                condition=~Q(part_of=F("pk")),
                name="report_not_part_of_itself",
                violation_error_message=_("A report is not part of itself."),
            ),
            models.CheckConstraint(
                condition=~Q(state="scheduled") | Q(publish_at__isnull=False),
                name="report_scheduled_has_time",
                violation_error_message=_("A scheduled report says when it is to be published."),
            ),
            models.CheckConstraint(
                condition=Q(source_start=None, source_end=None) | Q(source_end__gt=F("source_start")),
                name="report_source_span",
                violation_error_message=_("The stretch of the source ends after it starts."),
            ),
        ]

    def __str__(self):
        return self.title_zh

    def get_absolute_url(self):
        return path_to("reports:detail", self.slug)

    def clean(self):
        super().clean()
        if self.part_of and (self.part_of_id == self.pk or self.part_of.part_of_id):
            raise ValidationError({"part_of": _("Parts are one level deep: choose a whole publication.")})
        if bool(self.date) != bool(self.date_kind):
            raise ValidationError({"date_kind": _("A date says what it is; without a date there is nothing to say.")})
        if self.date_end and self.date_end < self.date:
            raise ValidationError({"date_end": _("The end date lies before the date.")})

    def natural_key(self):
        return (self.slug,)

    @property
    def is_public(self):
        """The row's twin of `published()`."""
        if self.state == self.State.SCHEDULED:
            return self.publish_at <= timezone.now()
        return self.state == self.State.PUBLISHED

    @property
    def year(self):
        return self.date[:4]

    @property
    def squeezed(self):
        """The SqueezedText of the held source, or None while it is not held."""
        if self.source_text_id is None:
            return None
        return squeezed_text(self.source_text.sha256, self.source_text.extractor)

    @property
    def extent(self):
        """(start, end) of this report in its squeezed source; end is None when the whole file is meant."""
        return self.source_start or 0, self.source_end

    def section_at(self, offset):
        """Return the innermost section that holds a squeezed offset, or None. Walks the prefetched sections."""
        holding = [s for s in self.sections.all() if s.start <= offset < s.end]
        return max(holding, key=lambda s: (s.start, -s.end), default=None)


class OfReportQuerySet(models.QuerySet):
    """Rows that belong to a report: public when, and only when, their report is."""

    def published(self):
        # By a join, not by IN: SQLite would begin with all public reports and read every row of each
        return self.filter(is_public("report__"))

    def with_source(self):
        """Bring along the report of each row and what names its source text, without the text."""
        return self.select_related("report__source_text").defer("report__source_text__text")

    def with_speakers(self):
        """Bring along who wrote the report, or took part: in whose name its own and joint views are held."""
        return self.prefetch_related("report__contributions__author", "report__contributions__institution")

    def get_by_natural_key(self, report, key):
        return self.get(report__slug=report, key=key)


class ContributionQuerySet(OfReportQuerySet):
    def for_list(self):
        """What the page of a person or an institution shows of each."""
        return self.select_related("report", "author", "institution").order_by("-report__date", "report__slug", "order")


class Contribution(models.Model):
    """What a person or an institution did for a report, with affiliation and post as printed then."""

    class Role(models.TextChoices):
        AUTHOR = "author", _("author")
        PARTICIPANT = "participant", _("participant")
        CONVENOR = "convenor", _("convenor")
        EDITOR = "editor", pgettext_lazy("contribution", "editor")
        FUNDER = "funder", _("funder")

    report = models.ForeignKey(Report, models.CASCADE, related_name="contributions", verbose_name=_("report"))
    author = models.ForeignKey(
        Author, models.PROTECT, null=True, blank=True, related_name="contributions", verbose_name=_("author")
    )
    institution = models.ForeignKey(
        Institution,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="contributions",
        verbose_name=_("institution"),
    )
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)
    delegation = models.CharField(
        _("delegation"),
        max_length=2,
        blank=True,
        validators=[RegexValidator(r"^[A-Z]{2}\Z")],
        help_text=_("Which side of the table (CN, US), not the country of the employer."),
    )
    affiliations = models.ManyToManyField(
        Institution, blank=True, related_name="affiliated_contributions", verbose_name=_("affiliations")
    )
    affiliation_as_printed = models.CharField(_("affiliation as printed"), max_length=300, blank=True)
    post_as_printed = models.CharField(_("post as printed"), max_length=300, blank=True)
    name_as_printed = models.CharField(_("name as printed"), max_length=200, blank=True)
    note_zh = models.TextField(_("note (Chinese)"), blank=True)
    note_en = models.TextField(_("note (English)"), blank=True)
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    objects = ContributionQuerySet.as_manager()

    class Meta:
        verbose_name = _("contribution")
        verbose_name_plural = _("contributions")
        ordering = ["report", "order", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(author=None, institution__isnull=False) | Q(author__isnull=False, institution=None),
                name="contribution_author_or_institution",
                violation_error_message=_("A contribution names an author or an institution, one of the two."),
            ),
            models.UniqueConstraint(fields=["report", "author", "role"], name="contribution_author_unique"),
            models.UniqueConstraint(fields=["report", "institution", "role"], name="contribution_institution_unique"),
        ]

    def __str__(self):
        return f"{self.contributor} ({self.get_role_display()})"

    @property
    def contributor(self):
        """The author or institution that contributed."""
        return self.author or self.institution


class Section(models.Model):
    """A heading and the stretch of the squeezed source under it; headings form a tree."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="sections", verbose_name=_("report"))
    key = KeyField(_("key"), max_length=20)
    parent = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="children", verbose_name=_("parent")
    )
    heading_zh = models.CharField(_("heading (Chinese)"), max_length=200)
    heading_en = models.CharField(_("heading (English)"), max_length=200)
    start = models.PositiveIntegerField(_("start"))
    end = models.PositiveIntegerField(_("end"))

    objects = OfReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("section")
        verbose_name_plural = _("sections")
        ordering = ["report", "start", "-end"]
        constraints = [
            models.UniqueConstraint(fields=["report", "key"], name="section_key_unique"),
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="section_span"),
        ]

    def __str__(self):
        return self.heading_zh

    def get_absolute_url(self):
        return f"{self.report.get_absolute_url()}#{self.key}"

    def natural_key(self):
        return (self.report.slug, self.key)


class Passage(models.Model):
    """A numbered paragraph of a report, with the stretch of the squeezed source that it came from."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="passages", verbose_name=_("report"))
    section = models.ForeignKey(
        Section, models.SET_NULL, null=True, blank=True, related_name="passages", verbose_name=_("section")
    )
    number = models.PositiveIntegerField(_("number"))
    text = models.TextField(_("text"))
    start = models.PositiveIntegerField(_("start"))
    end = models.PositiveIntegerField(_("end"))

    objects = OfReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("passage")
        verbose_name_plural = _("passages")
        ordering = ["report", "number"]
        constraints = [
            models.UniqueConstraint(fields=["report", "number"], name="passage_number_unique"),
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="passage_span"),
        ]

    def __str__(self):
        return f"{self.report} ¶{self.number}"

    def get_absolute_url(self):
        return f"{self.report.get_absolute_url()}#p{self.number}"


class Placed:
    """What reports name in places; wants `with_places()`, which brings the first of these along and one more."""

    @property
    def first_places(self):
        """The first citations or mentions, of which `more_places` tells whether they are all."""
        return self.places[:PLACES]

    @property
    def more_places(self):
        return len(self.places) > PLACES


class WorkQuerySet(SlugQuerySet):
    def published(self):
        """Works that a published report cites."""
        return self.filter(Exists(Citation.objects.published().filter(work=OuterRef("pk"))))

    def for_list(self):
        """Bring along the published citations, each with its report, and the people who are known here."""
        return self.select_related("report").prefetch_related(
            Prefetch("citations", Citation.objects.published().select_related("report")),
            Prefetch("people", Author.objects.published()),
        )

    def with_places(self):
        """Bring along the first PLACES published citations and one more, each with its report, and known people."""
        places = Citation.objects.published().select_related("report")[: PLACES + 1]
        return self.select_related("report").prefetch_related(
            Prefetch("citations", places, to_attr="places"), Prefetch("people", Author.objects.published())
        )

    def with_counts(self):
        """Annotate `report_count`: the published reports that cite a work, each once."""
        public = is_public("citations__report__")
        return self.annotate(report_count=Count("citations__report", filter=public, distinct=True))

    def cited_together(self, works):
        """Return {work id: [(another's id, its slug, n)]} of those that two or more reports cite together."""
        other = "report__citations__work"
        rows = (
            Citation.objects.published().filter(work__in=works).order_by().values_list("work", other, f"{other}__slug")
        )
        found = {}
        for work, *pair in rows.annotate(n=Count("report", distinct=True)).filter(n__gt=1):
            if pair[0] not in (work, None):
                found.setdefault(work, []).append(tuple(pair))
        return found

    def with_company(self):
        """Bring along, besides what `for_list()` does, what else the citing reports cite: see `Work.company`."""
        beside = Citation.objects.filter(work__isnull=False).select_related("work")
        return self.for_list().prefetch_related(Prefetch("citations__report__citations", beside))


class Work(Placed, models.Model):
    """A work that reports cite, once, however often it is cited. It may itself be a report of the portal."""

    slug = KeyField(_("slug"), max_length=100, unique=True, validators=[validate_slug])
    title_zh = models.CharField(_("title (Chinese)"), max_length=300)
    title_en = models.CharField(_("title (English)"), max_length=300)
    language = models.CharField(_("language"), max_length=10, blank=True)
    authors = models.CharField(_("authors as printed"), max_length=300, blank=True)
    people = models.ManyToManyField(
        Author,
        blank=True,
        related_name="cited_works",
        verbose_name=_("people"),
        help_text=_("Those of its authors who are known to be people of this portal; a like name is not enough."),
    )
    container = models.CharField(_("journal or site"), max_length=200, blank=True)
    date = PartialDateField(_("date"))
    url = models.URLField(_("address"), max_length=500, blank=True)
    report = models.ForeignKey(
        Report, models.SET_NULL, null=True, blank=True, related_name="as_works", verbose_name=_("report in the portal")
    )

    objects = WorkQuerySet.as_manager()

    class Meta:
        verbose_name = _("work")
        verbose_name_plural = _("works")
        ordering = ["-date", "slug"]

    def __str__(self):
        return self.title_en if self.language == "en" else self.title_zh

    def get_absolute_url(self):
        return f"{path_to('reports:work_list')}#{self.slug}"

    def natural_key(self):
        return (self.slug,)

    @property
    def citing(self):
        """The reports that cite the work, each once, in the order of its citations as brought along."""
        return list({citation.report_id: citation.report for citation in self.citations.all()}.values())

    @property
    def company(self):
        """[(work, n)]: works that at least two of the citing reports cite too, with how many do; most first.

        One report that cites two works says only that both stand in its notes, so it makes no pair.
        """
        found = {}
        for report in self.citing:
            for work in {citation.work for citation in report.citations.all()} - {self}:
                found[work] = found.get(work, 0) + 1
        pairs = [(work, n) for work, n in found.items() if n > 1]
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0].slug))


class Citation(models.Model):
    """One note or bracketed reference of a report, with its mark as printed. Marks may restart on each page."""

    class Kind(models.TextChoices):
        SOURCE = "source", _("source")
        EXPLANATORY = "explanatory", _("explanatory note")
        AUTHOR_NOTE = "author_note", _("note on the author")

    report = models.ForeignKey(Report, models.CASCADE, related_name="citations", verbose_name=_("report"))
    key = KeyField(_("key"), max_length=20)
    mark = models.CharField(_("mark as printed"), max_length=10, blank=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices, default=Kind.SOURCE)
    work = models.ForeignKey(
        Work, models.PROTECT, null=True, blank=True, related_name="citations", verbose_name=_("work")
    )
    locator = models.CharField(_("page or place"), max_length=50, blank=True)
    note_zh = models.TextField(_("note (Chinese)"), blank=True)
    note_en = models.TextField(_("note (English)"), blank=True)
    start = models.PositiveIntegerField(_("start"), null=True, blank=True)
    end = models.PositiveIntegerField(_("end"), null=True, blank=True)
    digest = models.CharField(_("digest"), max_length=12, blank=True)
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    objects = OfReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("citation")
        verbose_name_plural = _("citations")
        ordering = ["report", "order", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["report", "key"], name="citation_key_unique"),
            models.CheckConstraint(
                condition=Q(start=None, end=None, digest="") | Q(end__gt=F("start")) & ~Q(digest=""),
                name="citation_span",
            ),
        ]

    def __str__(self):
        return f"{self.mark} {self.work or self.get_kind_display()}"

    def natural_key(self):
        return (self.report.slug, self.key)

    @property
    def selector(self):
        """The text-position selector, or None where the citation has no recorded place."""
        return None if self.start is None else {"start": self.start, "end": self.end, "digest": self.digest}


class EventQuerySet(SlugQuerySet):
    def published(self):
        """Events that a published report mentions."""
        return self.filter(Exists(Mention.objects.published().filter(event=OuterRef("pk"))))

    def for_list(self):
        """Bring along the areas, and the published mentions, each with its report."""
        mentions = Mention.objects.published().select_related("report")
        return self.prefetch_related("areas", Prefetch("mentions", mentions))

    def with_places(self):
        """Bring along the areas, and the first PLACES published mentions and one more, each with its report.

        And annotate `report_count`: the published reports that mention an event, each once.
        """
        places = Mention.objects.published().select_related("report")[: PLACES + 1]
        public = is_public("mentions__report__")
        counted = self.annotate(report_count=Count("mentions__report", filter=public, distinct=True))
        return counted.prefetch_related("areas", Prefetch("mentions", places, to_attr="places"))


class Event(Placed, models.Model):
    """A dated happening, an interval or a target year that documents mention."""

    slug = KeyField(_("slug"), max_length=100, unique=True, validators=[validate_slug])
    title_zh = models.CharField(_("title (Chinese)"), max_length=300)
    title_en = models.CharField(_("title (English)"), max_length=300)
    date = PartialDateField(_("date"), db_index=True)
    date_end = PartialDateField(_("end date"))
    target = models.BooleanField(_("a goal or future year"), default=False)

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["date", "slug"]

    def __str__(self):
        return f"{self.date} {self.title_zh}"

    def get_absolute_url(self):
        return f"{path_to('portal:timeline')}#{self.slug}"

    def natural_key(self):
        return (self.slug,)


class Mention(Span):
    """One place where a report mentions an event; `as_printed` keeps an odd or mistaken wording."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="mentions", verbose_name=_("report"))
    event = models.ForeignKey(Event, models.PROTECT, related_name="mentions", verbose_name=_("event"))
    as_printed = models.CharField(_("as printed"), max_length=200, blank=True)
    note_zh = models.TextField(_("note (Chinese)"), blank=True)
    note_en = models.TextField(_("note (English)"), blank=True)

    objects = OfReportQuerySet.as_manager()

    class Meta(Span.Meta):
        verbose_name = _("mention")
        verbose_name_plural = _("mentions")
        ordering = ["report", "start", "pk"]
        constraints = [
            *Span.Meta.constraints,
            models.UniqueConstraint(fields=["report", "event", "start"], name="mention_unique"),
        ]

    def __str__(self):
        return f"{self.event} – {self.report}"
