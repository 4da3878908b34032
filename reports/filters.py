"""What lists of reports, people, institutions, works and citations can be narrowed by."""

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from portal.filters import (
    ChoiceWordsFilter,
    SlugWordsFilter,
    SortFilter,
    StrictFilterSet,
    TextFilter,
    YearFacet,
    YearFilter,
)
from portal.models import Kind
from reports.models import Author, Citation, Contribution, Institution, Report, Work


class ReportFilter(SlugWordsFilter):
    """Reports by slug. A whole publication stands for its parts too: the symposium for its essays."""

    def __init__(self, **kwargs):
        super().__init__(
            rows=Report.objects.published,
            name="title",
            term="report",
            label=_("Document"),
            help_text=_("Slug of a report; a symposium stands for its essays too. Repeat for “or”."),
            **kwargs,
        )


class AuthorFilter(SlugWordsFilter):
    """Reports, or rows of reports, to which a person contributed."""

    def __init__(self, **kwargs):
        super().__init__(
            rows=Author.objects.published,
            label=_("Author"),
            help_text=_("Slug of a person who wrote or took part. Repeat for “or”."),
            **kwargs,
        )


class InstitutionFilter(SlugWordsFilter):
    """Reports, or rows of reports, with which an institution has to do: as contributor, affiliation or publisher."""

    def __init__(self, **kwargs):
        super().__init__(
            rows=Institution.objects.published,
            label=_("Institution"),
            help_text=_("Slug of a contributing, employing or publishing institution. Repeat for “or”."),
            **kwargs,
        )


def year_bounds():
    """Return the filters year_min and year_max over the date of a row, or over the time from it to an end date."""
    return (
        YearFilter(bound="gte", label=_("From year"), help_text=_("First year, for example 2019.")),
        YearFilter(bound="lte", label=_("To year"), help_text=_("Last year, for example 2021.")),
    )


# How a query is written; what it is looked for in is said by each list.
QUERY = _("Words that must all occur, “a phrase”, -not, one OR other, title: author: area: year:2019..2021.")


def searched(within):
    """Return the filter by words; `within` says where they are looked for."""
    return TextFilter(label=_("Words"), help_text=format_lazy("{} {}", within, QUERY))


class ReportFilterSet(StrictFilterSet):
    listed = Kind.REPORTS
    q = searched(_("In title, standfirst, authors and institutions."))
    kind = ChoiceWordsFilter(choices=Report.Kind.choices, label=_("Kind"), help_text=_("Kind of publication."))
    author = AuthorFilter()
    institution = InstitutionFilter()
    role = ChoiceWordsFilter(
        choices=Contribution.Role.choices,
        label=_("Role"),
        help_text=_("A role taken."),
    )
    report = ReportFilter()
    report.facet = False
    year = YearFacet(label=_("Year"), help_text=_("A year, for example 2021. Repeat for “or”."))
    year_min, year_max = year_bounds()
    ordering = SortFilter(
        fields={"date": ("-place",), "title": ("name",)},
        words={"-date": _("newest first"), "date": _("oldest first"), "title": _("by address")},
        help_text=_("date or title; a minus sign turns it round."),
    )

    class Meta:
        model = Report
        fields = []


class NamedFilterSet(StrictFilterSet):
    """People, institutions and other named rows."""

    q = searched(_("In the names, in either language or pinyin."))
    ordering = SortFilter(
        fields={"name": ("name",)},
        words={"name": _("by name")},
        help_text=_("name; a minus sign turns it round."),
    )


class AuthorFilterSet(NamedFilterSet):
    listed = Kind.AUTHORS
    report = ReportFilter()
    institution = SlugWordsFilter(
        rows=Institution.objects.published,
        label=_("Institution"),
        help_text=_("Slug of an affiliation as printed in a report. Repeat for “or”."),
    )

    class Meta:
        model = Author
        fields = []


class InstitutionFilterSet(NamedFilterSet):
    listed = Kind.INSTITUTIONS
    kind = ChoiceWordsFilter(choices=Institution.Kind.choices, label=_("Kind"), help_text=_("Kind of institution."))

    class Meta:
        model = Institution
        fields = []


class SharedFilter(ChoiceWordsFilter):
    """Works by how many documents cite them: two or more, or one."""

    CHOICES = {"yes": _("two documents or more"), "no": _("one document only")}


class WorkFilterSet(StrictFilterSet):
    listed = Kind.WORKS
    q = searched(_("In title, authors or journal."))
    shared = SharedFilter(label=_("Cited in"), help_text=_("yes: cited in two documents or more; no: in one only."))
    person = SlugWordsFilter(
        rows=Author.objects.published,
        label=_("Person"),
        help_text=_("Slug of a person of this portal who wrote the work. Repeat for “or”."),
    )
    report = ReportFilter()
    year_min, year_max = year_bounds()
    ordering = SortFilter(
        fields={"date": ("-place",), "title": ("name",), "documents": ("-documents", "name")},
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
    listed = Kind.CITATIONS
    q = searched(_("In notes and in the titles of works."))
    report = ReportFilter()
    kind = ChoiceWordsFilter(choices=Citation.Kind.choices, label=_("Kind"), help_text=_("Kind of note."))
    work = SlugWordsFilter(
        rows=Work.objects.published,
        name="title",
        label=_("Work"),
        help_text=_("Slug of a cited work."),
    )
    ordering = SortFilter(fields={"report": ("name",)}, words={}, help_text=_("report."))

    class Meta:
        model = Citation
        fields = []
