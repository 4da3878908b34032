"""The lists of who published what, in other forms than their pages."""

from django.db.models import Prefetch
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from portal.export import Entry, Table
from portal.text import told
from reports.models import Contribution, Report, Work


def line(*parts):
    """Join what there is to say of a row."""
    return " · ".join(str(part) for part in parts if part)


def documents(n):
    return ngettext("%(n)s document", "%(n)s documents", n) % {"n": n}


def if_public(report):
    """Return a related report's slug, unless it is hidden or there is none."""
    return report.slug if report and report.is_public else None


def slugs(rows):
    return sorted({row.slug for row in rows})


def newest(reports):
    """Return the newest date of some reports, empty where all are undated."""
    return max((report.date for report in reports), default="")


NAMES = (("slug", "slug"), ("name_zh", "name_zh"), ("name_en", "name_en"), ("aliases", "aliases"))


def contributors(row, role=None):
    """Return the people and institutions behind a report, in the order of print, each once."""
    return list(dict.fromkeys(c.contributor for c in row.contributions.all() if role in (None, c.role)))


def written_by(name):
    return lambda row: [getattr(one, name) for one in contributors(row, Contribution.Role.AUTHOR)]


REPORTS = Table(
    endpoint="reports",
    title=_("Reports"),
    columns=(
        ("slug", "slug"),
        ("kind", "kind"),
        ("title_zh", "title_zh"),
        ("title_en", "title_en"),
        ("title_note_zh", "title_note_zh"),
        ("title_note_en", "title_note_en"),
        ("standfirst_zh", "standfirst_zh"),
        ("standfirst_en", "standfirst_en"),
        ("language", "language"),
        ("date", "date"),
        ("date_end", "date_end"),
        ("date_kind", "date_kind"),
        ("date_note_zh", "date_note_zh"),
        ("date_note_en", "date_note_en"),
        ("part_of", lambda row: if_public(row.part_of)),
        ("authors", written_by("slug")),
        ("authors_zh", written_by("name_zh")),
        ("authors_en", written_by("name_en")),
        ("contributors", lambda row: [one.slug for one in contributors(row)]),
        ("publisher", "publisher.slug"),
        ("publisher_zh", "publisher.name_zh"),
        ("publisher_en", "publisher.name_en"),
        ("container", "container"),
        ("volume", "volume"),
        ("issue", "issue"),
        ("pages", "pages"),
        ("source_url", "source_url"),
        ("doi", "doi"),
        ("coding", "coding"),
        ("recommendations", "recommendation_count"),
        ("own_positions", "own_count"),
        ("joint_positions", "joint_count"),
        ("attributed_positions", "attributed_count"),
    ),
    entry=lambda row: Entry(
        title=told(row, "title"),
        text=told(row, "standfirst"),
        date=row.date,
        authors=[told(one, "name") for one in contributors(row, Contribution.Role.AUTHOR)],
        tags=[row.get_kind_display()],
    ),
)


def with_contributions(queryset):
    return queryset.prefetch_related(
        Prefetch("contributions", Contribution.objects.published().select_related("report"))
    )


def reports_of(row):
    """Return the published reports with which a person or an institution has to do, as far as brought along."""
    found = [c.report for c in row.contributions.all()]
    if hasattr(row, "affiliated_contributions"):
        found += [c.report for c in row.affiliated_contributions.all()] + list(row.published_reports.all())
    return found


AUTHORS = Table(
    endpoint="authors",
    title=_("Authors"),
    columns=(
        *NAMES,
        ("sort_key", "sort_key"),
        ("documents", "report_count"),
        ("reports", lambda row: slugs(reports_of(row))),
        ("cited_works", lambda row: slugs(row.cited_works.all())),
    ),
    prepare=lambda queryset: with_contributions(queryset).prefetch_related(
        Prefetch("cited_works", Work.objects.published())
    ),
    entry=lambda row: Entry(told(row, "name"), documents(row.report_count), newest(reports_of(row))),
)


def with_reports(queryset):
    affiliated = Contribution.objects.published().select_related("report")
    return with_contributions(queryset).prefetch_related(
        Prefetch("affiliated_contributions", affiliated), Prefetch("published_reports", Report.objects.published())
    )


INSTITUTIONS = Table(
    endpoint="institutions",
    title=_("Institutions"),
    columns=(
        *NAMES,
        ("sort_key", "sort_key"),
        ("kind", "kind"),
        ("country", "country"),
        ("documents", "report_count"),
        ("reports", lambda row: slugs(reports_of(row))),
    ),
    prepare=with_reports,
    entry=lambda row: Entry(
        title=told(row, "name"),
        text=line(row.get_kind_display(), documents(row.report_count)),
        date=newest(reports_of(row)),
        tags=[row.get_kind_display()],
    ),
)

WORKS = Table(
    endpoint="works",
    title=_("Cited works"),
    columns=(
        ("slug", "slug"),
        ("title_zh", "title_zh"),
        ("title_en", "title_en"),
        ("language", "language"),
        ("authors", "authors"),
        ("people", lambda row: slugs(row.people.all())),
        ("container", "container"),
        ("date", "date"),
        ("source_url", "url"),
        ("report", lambda row: if_public(row.report)),
        ("documents", "report_count"),
        ("cited_by", lambda row: slugs(row.citing)),
        ("citations", lambda row: [f"{c.report.slug}/{c.key}" for c in row.citations.all()]),
        ("cited_together_with", lambda row: [work.slug for work, _n in row.company]),
    ),
    entry=lambda row: Entry(
        title=told(row, "title"),
        text=line(row.authors, row.container, row.date),
        date=newest(c.report for c in row.citations.all()),
    ),
)
