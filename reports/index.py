"""What reports, and who and what stands behind them, give the index; and what hangs on a report there."""

from collections import defaultdict
from itertools import chain
from typing import NamedTuple

from portal.index import AROUND, NEWEST, REACH, SCHEDULES, SOURCES, UNDATED, Item, Scope, Source
from portal.models import Entry, Kind
from reports.models import (
    Author,
    Citation,
    Contribution,
    Institution,
    Mention,
    Passage,
    Report,
    Section,
    SourceText,
    Work,
)


def report_terms(*ids):
    """Return the terms of the report that a row belongs to: the whole that it is part of stands for it too."""
    return {("report", str(pk)) for pk in ids if pk}


def institution_terms(ids):
    return {("institution", str(pk)) for pk in ids if pk}


def year_terms(date):
    return {("year", date[:4])} if date else set()


class Basis(NamedTuple):
    """What the rows of a report share: its slug and date, the terms that stand for it, who published it.

    `source` is what names the text that is held of it, (SHA-256, extractor), else None.
    """

    slug: str
    date: str
    terms: set
    publisher: int | None
    source: tuple | None


def bases(ids):
    """Return {report id: Basis} of those of these reports that are public."""
    columns = "pk", "part_of", "slug", "date", "publisher", "source_text__sha256", "source_text__extractor"
    rows = Report.objects.published().filter(pk__in=ids).order_by().values_list(*columns)
    return {
        pk: Basis(slug, date, report_terms(pk, part_of), publisher, tuple(source) if source[0] else None)
        for pk, part_of, slug, date, publisher, *source in rows
    }


def made(reports):
    """Add who made each report, and when, to the terms of {report id: Basis}, and return it."""
    for report in reports.values():
        report.terms.update(year_terms(report.date), institution_terms([report.publisher]))
    by = Contribution.objects.filter(report__in=reports).order_by()
    for pk, author, *institutions in by.values_list("report", "author", "institution", "affiliations"):
        reports[pk].terms.update(institution_terms(institutions), {("author", str(author))} if author else ())
    return reports


def names(row):
    """Return the texts of a named row: {head, body}, all its names and how they are spelt."""
    return {"head": [row.name_zh, row.name_en, *row.aliases], "body": row.name_index.splitlines()}


def sort_name(row):
    return f"{row.sort_key} {row.slug}"


def ranked(rows, key):
    """Yield (row, rank in its report) of rows of reports; `key` sorts the rows of one report."""
    rank, last = 0, None
    for row in sorted(rows, key=lambda row: (row.report_id, *key(row))):
        rank, last = (rank + 1 if row.report_id == last else 0), row.report_id
        yield row, rank


def row_item(row, rank, report, terms, head=(), body=()):
    """Return the item of a row of a report, which stands behind the report's slug and date."""
    name = f"{report.slug} {rank:05}"
    return Item(row.pk, name, row.report_id, rank, report.date, terms=terms, head=list(head), body=list(body))


def report_items(ids):
    reports = made(bases(ids))
    for pk, role in Contribution.objects.filter(report__in=reports).order_by().values_list("report", "role"):
        reports[pk].terms.add(("role", role))
    columns = "pk", "kind", "title_zh", "title_en", "standfirst_zh", "standfirst_en", "container"
    for pk, kind, *texts in Report.objects.filter(pk__in=reports).order_by().values_list(*columns):
        report = reports[pk]
        terms = report.terms | {("kind", kind)}
        yield Item(pk, report.slug, pk, date=report.date, terms=terms, head=texts[:2], body=texts[2:])


def passage_items(ids):
    reports = bases(ids)
    rows = Passage.objects.filter(report__in=reports).order_by()
    rows = rows.values_list("pk", "report_id", "number", "text", named=True)
    if rows:
        made(reports)
    for row, rank in ranked(rows, lambda row: (row.number,)):
        report = reports[row.report_id]
        yield row_item(row, rank, report, report.terms, body=[row.text])


def citation_items(ids):
    reports = bases(ids)
    columns = "pk", "report_id", "order", "key", "kind", "work_id", "note_zh", "note_en"
    work = "work__title_zh", "work__title_en", "work__authors"
    rows = Citation.objects.filter(report__in=reports).order_by().values_list(*columns, *work, named=True)
    for row, rank in ranked(rows, lambda row: (row.order, row.key)):
        report = reports[row.report_id]
        terms = report.terms | {("kind", row.kind)}
        if row.work_id:
            terms.add(("work", str(row.work_id)))
        yield row_item(row, rank, report, terms, [row.note_zh, row.note_en], row[-3:] if row.work_id else ())


def author_items(ids):
    shown = Contribution.objects.published().filter(author__in=ids).order_by()
    terms, reports = defaultdict(set), defaultdict(set)
    for author, report, part_of in shown.values_list("author_id", "report_id", "report__part_of_id"):
        terms[author] |= report_terms(report, part_of)
        reports[author].add(report)
    for author, institution in shown.exclude(affiliations=None).values_list("author_id", "affiliations"):
        terms[author] |= institution_terms([institution])
    for row in Author.objects.filter(pk__in=reports).order_by():
        yield Item(row.pk, sort_name(row), documents=len(reports[row.pk]), terms=terms[row.pk], **names(row))


def institution_items(ids):
    shown = Contribution.objects.published().order_by()
    pairs = (
        Report.objects.published().filter(publisher__in=ids).order_by().values_list("publisher_id", "pk"),
        shown.filter(institution__in=ids).values_list("institution_id", "report_id"),
        shown.filter(affiliations__in=ids).values_list("affiliations", "report_id"),
    )
    reports = defaultdict(set)
    for institution, report in chain(*pairs):
        reports[institution].add(report)
    for row in Institution.objects.filter(pk__in=reports).order_by():
        yield Item(row.pk, sort_name(row), documents=len(reports[row.pk]), terms={("kind", row.kind)}, **names(row))


def work_items(ids):
    shown = Citation.objects.published().filter(work__in=ids).order_by()
    terms, reports = defaultdict(set), defaultdict(set)
    for work, report, part_of in shown.values_list("work_id", "report_id", "report__part_of_id"):
        terms[work] |= report_terms(report, part_of)
        reports[work].add(report)
    people = Work.people.through.objects.filter(work__in=reports, author__in=Author.objects.published().order_by())
    for work, person in people.order_by().values_list("work_id", "author_id"):
        terms[work].add(("person", str(person)))
    columns = "pk", "slug", "date", "title_zh", "title_en", "authors", "container"
    for pk, slug, date, *texts in Work.objects.filter(pk__in=reports).order_by().values_list(*columns):
        citing = len(reports[pk])
        terms[pk].add(("shared", "yes" if citing > 1 else "no"))
        yield Item(pk, slug, date=date, documents=citing, terms=terms[pk], head=texts[:2], body=texts[2:])


def every(model):
    """Return a function that returns the ids of all rows."""
    return lambda: model.objects.order_by().values_list("pk", flat=True)


def alike(rows, items, dated=UNDATED):
    """Return the source of objects that stand for themselves: those among `rows()` that are public."""
    model = rows().model
    columns = ["pk", "slug", *(field.name for field in model._meta.fields if field.name in ("sort_key", "date"))]

    def told():
        for row in rows().order_by().values_list(*columns, named=True):
            yield row.pk, getattr(row, "date", ""), sort_name(row) if "sort_key" in columns else row.slug

    return Source(items, every(model), told, dated=dated)


def around(ids):
    """Return who contributed to these reports, published them and is cited there.

    A person is known once a report of theirs is public, and then stands with all works that they wrote.
    """
    contributions = Contribution.objects.filter(report__in=ids).order_by()
    institutions = (
        *(contributions.values_list(name, flat=True) for name in ("institution", "affiliations")),
        Report.objects.order_by().filter(pk__in=ids).values_list("publisher", flat=True),
    )
    people = contributions.exclude(author=None).values("author")
    works = (
        Citation.objects.order_by().filter(report__in=ids).values_list("work", flat=True),
        Work.people.through.objects.order_by().filter(author__in=people).values_list("work", flat=True),
    )
    return Scope(
        others={
            Kind.AUTHORS: {*contributions.exclude(author=None).values_list("author", flat=True)},
            Kind.INSTITUTIONS: {*chain(*institutions)} - {None},
            Kind.WORKS: {*chain(*works)} - {None},
        }
    )


def reports_of(model):
    """Return the reach of rows of a report: the report."""
    return lambda ids: Scope({*model.objects.order_by().filter(pk__in=ids).values_list("report", flat=True)})


def alone(kind):
    """Return the reach of rows that nothing hangs on: themselves."""
    return lambda ids: Scope(others={kind: ids})


def work_reach(ids):
    """A work, and the citations that are found by its title."""
    citing = Citation.objects.filter(work__in=ids).order_by().values_list("report", flat=True)
    return Scope({*citing}, {Kind.WORKS: {*ids}})


def schedule(now):
    """Return the ids of reports that have become public by now and are not in the index, and when the next one will."""
    waiting = Report.objects.filter(state=Report.State.SCHEDULED).order_by("publish_at")
    due = waiting.filter(publish_at__lte=now).exclude(pk__in=report_entries())
    upcoming = waiting.filter(publish_at__gt=now).values_list("publish_at", flat=True).first()
    return [*due.values_list("pk", flat=True)], upcoming


def report_entries():
    return Entry.objects.filter(kind=Kind.REPORTS).values("object_id")


SOURCES |= {
    Kind.REPORTS: alike(Report.objects.published, report_items, NEWEST),
    Kind.PASSAGES: Source(passage_items, every(Report), of_report=True),
    Kind.CITATIONS: Source(citation_items, every(Report), of_report=True),
    Kind.AUTHORS: alike(Author.objects.all, author_items),
    Kind.INSTITUTIONS: alike(Institution.objects.all, institution_items),
    Kind.WORKS: alike(Work.objects.all, work_items, NEWEST),
}
REACH |= {
    Report: Scope,
    **{model: reports_of(model) for model in (Contribution, Section, Passage, Citation, Mention)},
    SourceText: lambda ids: Scope({*Report.objects.filter(source_text__in=ids).values_list("pk", flat=True)}),
    Author: alone(Kind.AUTHORS),
    Institution: alone(Kind.INSTITUTIONS),
    Work: work_reach,
}
AROUND.append(around)
SCHEDULES.append(schedule)
