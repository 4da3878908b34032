"""What lists of reports, people, institutions, works and citations can be narrowed by."""

from django.utils.translation import gettext_lazy as _

from portal.filters import (
    CasesFilter,
    ChoiceWordsFilter,
    SlugWordsFilter,
    SortFilter,
    StrictFilterSet,
    TextFilter,
    YearFacet,
    YearFilter,
)
from reports.models import Author, Citation, Contribution, Institution, Report, Work


class ReportFilter(SlugWordsFilter):
    """Reports by slug. A whole publication stands for its parts too: the symposium for its essays."""

    def __init__(self, **kwargs):
        super().__init__(
            rows=Report.objects.published,
            name="title",
            label=_("Document"),
            help_text=_("Slug of a report; a symposium stands for its essays too. Repeat for “or”."),
            **kwargs,
        )

    def ids(self, words):
        chosen = super().ids(words)
        return chosen + list(self.rows().filter(part_of__in=chosen).values_list("pk", flat=True))


class AuthorFilter(SlugWordsFilter):
    """Reports, or rows of reports, to which a person contributed. `path` leads to the contributions."""

    def __init__(self, *, path, **kwargs):
        super().__init__(
            field_name=f"{path}contributions__author",
            rows=Author.objects.published,
            label=_("Author"),
            help_text=_("Slug of a person who wrote or took part. Repeat for “or”."),
            **kwargs,
        )


class InstitutionFilter(SlugWordsFilter):
    """Reports, or rows of reports, with which an institution has to do: as contributor, affiliation or publisher."""

    def __init__(self, *, path, **kwargs):
        super().__init__(
            field_name=f"{path}contributions__institution",
            paths=(f"{path}contributions__affiliations", f"{path}publisher"),
            rows=Institution.objects.published,
            label=_("Institution"),
            help_text=_("Slug of a contributing, employing or publishing institution. Repeat for “or”."),
            **kwargs,
        )

    def facet_rows(self, queryset):
        found = {}
        for path in (self.field_name, *self.paths):
            rows = queryset.order_by().filter(**{f"{path}__isnull": False}).values_list("pk", f"{path}__slug")
            for pk, slug in rows:
                found.setdefault(slug, set()).add(pk)
        labels = self.labels(found)
        ranked = sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0]))
        return [(slug, labels[slug], len(rows)) for slug, rows in ranked if slug in labels]


def year_bounds(field_name, end=""):
    """Return the filters year_min and year_max over a partial date, or over the time from it to an `end` date."""
    return (
        YearFilter(
            field_name=field_name,
            bound="gte",
            end=end,
            label=_("From year"),
            help_text=_("First year, for example 2019."),
        ),
        YearFilter(field_name=field_name, bound="lte", label=_("To year"), help_text=_("Last year, for example 2021.")),
    )


class ReportFilterSet(StrictFilterSet):
    q = TextFilter(
        within=("title_zh", "title_en", "standfirst_zh", "standfirst_en"),
        label=_("Words"),
        help_text=_("Words that must all occur in title or standfirst."),
    )
    kind = ChoiceWordsFilter(
        field_name="kind", choices=Report.Kind.choices, label=_("Kind"), help_text=_("Kind of publication.")
    )
    author = AuthorFilter(path="")
    institution = InstitutionFilter(path="")
    role = ChoiceWordsFilter(
        field_name="contributions__role",
        choices=Contribution.Role.choices,
        label=_("Role"),
        help_text=_("A role taken."),
    )
    report = ReportFilter(field_name="pk")
    report.facet = False
    year = YearFacet(field_name="date", label=_("Year"), help_text=_("A year, for example 2021. Repeat for “or”."))
    year_min, year_max = year_bounds("date")
    ordering = SortFilter(
        fields={"date": ("date",), "title": ("slug",)},
        words={"-date": _("newest first"), "date": _("oldest first"), "title": _("by address")},
        help_text=_("date or title; a minus sign turns it round."),
    )

    class Meta:
        model = Report
        fields = []


class NamedFilterSet(StrictFilterSet):
    """People, institutions and other named rows."""

    q = TextFilter(
        within=("name_index",), label=_("Words"), help_text=_("Part of a name in either language, or pinyin.")
    )
    ordering = SortFilter(
        fields={"name": ("sort_key", "slug")},
        words={"name": _("by name")},
        help_text=_("name; a minus sign turns it round."),
    )


class AuthorFilterSet(NamedFilterSet):
    report = ReportFilter(field_name="contributions__report")
    institution = SlugWordsFilter(
        field_name="contributions__affiliations",
        rows=Institution.objects.published,
        gate=lambda: {"contributions__report__in": Report.objects.published()},
        label=_("Institution"),
        help_text=_("Slug of an affiliation as printed in a report. Repeat for “or”."),
    )

    class Meta:
        model = Author
        fields = []


class InstitutionFilterSet(NamedFilterSet):
    kind = ChoiceWordsFilter(
        field_name="kind", choices=Institution.Kind.choices, label=_("Kind"), help_text=_("Kind of institution.")
    )

    class Meta:
        model = Institution
        fields = []


class SharedFilter(CasesFilter):
    """Works by how many documents cite them: two or more, or one."""

    CHOICES = {"yes": _("two documents or more"), "no": _("one document only")}

    def having(self, queryset, words):
        if {*words} == {"yes", "no"}:
            return queryset
        shared = queryset.model.objects.shared().values("pk")
        return queryset.filter(pk__in=shared) if "yes" in words else queryset.exclude(pk__in=shared)

    def facet_rows(self, queryset):
        found = [(word, label, self.having(queryset, [word]).count()) for word, label in self.CHOICES.items()]
        return [row for row in found if row[2]]


class WorkFilterSet(StrictFilterSet):
    """Needs a queryset `with_counts()`."""

    q = TextFilter(
        within=("title_zh", "title_en", "authors", "container"),
        label=_("Words"),
        help_text=_("Words that must all occur in title, authors or journal."),
    )
    shared = SharedFilter(label=_("Cited in"), help_text=_("yes: cited in two documents or more; no: in one only."))
    person = SlugWordsFilter(
        field_name="people",
        rows=Author.objects.published,
        label=_("Person"),
        help_text=_("Slug of a person of this portal who wrote the work. Repeat for “or”."),
    )
    report = ReportFilter(field_name="citations__report")
    year_min, year_max = year_bounds("date")
    ordering = SortFilter(
        fields={"date": ("date",), "title": ("slug",), "documents": ("-report_count", "slug")},
        words={
            "-date": _("newest first"),
            "date": _("oldest first"),
            "documents": _("most documents first"),
        },
        help_text=_("date, title or documents (most first); a minus sign turns it round."),
    )

    class Meta:
        model = Work
        fields = []


class CitationFilterSet(StrictFilterSet):
    report = ReportFilter(field_name="report")
    kind = ChoiceWordsFilter(
        field_name="kind", choices=Citation.Kind.choices, label=_("Kind"), help_text=_("Kind of note.")
    )
    work = SlugWordsFilter(
        field_name="work",
        rows=Work.objects.published,
        name="title",
        label=_("Work"),
        help_text=_("Slug of a cited work."),
    )
    ordering = SortFilter(fields={"report": ("report__slug", "order")}, words={}, help_text=_("report."))

    class Meta:
        model = Citation
        fields = []
