"""What reports, and who and what stands behind them, give the index; and what hangs on a report there."""

from django.db.models import Q

from portal.index import AROUND, NEWEST, REACH, SCHEDULES, SOURCES, Item, Scope, Source
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


def report_terms(report):
    """Return the terms of the report that a row belongs to: the whole that it is part of stands for it too."""
    return {("report", str(pk)) for pk in (report.pk, report.part_of_id) if pk}


def maker_terms(report):
    """Return the terms of who made a report. Walks its contributions with their affiliations."""
    terms = {("institution", str(report.publisher_id))} if report.publisher_id else set()
    for one in report.contributions.all():
        if one.author_id:
            terms.add(("author", str(one.author_id)))
        if one.institution_id:
            terms.add(("institution", str(one.institution_id)))
        terms |= {("institution", str(institution.pk)) for institution in one.affiliations.all()}
    return terms


def year_terms(date):
    return {("year", date[:4])} if date else set()


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


def report_items(ids):
    rows = Report.objects.published().filter(pk__in=ids).prefetch_related("contributions__affiliations")
    for row in rows.order_by():
        roles = {("role", one.role) for one in row.contributions.all()}
        yield Item(
            row.pk,
            row.slug,
            report_id=row.pk,
            date=row.date,
            terms={("kind", row.kind)} | report_terms(row) | maker_terms(row) | year_terms(row.date) | roles,
            head=[row.title_zh, row.title_en],
            body=[row.standfirst_zh, row.standfirst_en, row.container],
        )


def passage_items(ids):
    rows = Passage.objects.published().filter(report__in=ids).select_related("report")
    rows = rows.prefetch_related("report__contributions__affiliations")
    for row, rank in ranked(rows, lambda row: (row.number,)):
        yield Item(
            row.pk,
            f"{row.report.slug} {rank:05}",
            report_id=row.report_id,
            rank=rank,
            date=row.report.date,
            terms=report_terms(row.report) | maker_terms(row.report) | year_terms(row.report.date),
            body=[row.text],
        )


def citation_items(ids):
    rows = Citation.objects.published().filter(report__in=ids).select_related("report", "work")
    for row, rank in ranked(rows, lambda row: (row.order, row.key)):
        yield Item(
            row.pk,
            f"{row.report.slug} {rank:05}",
            report_id=row.report_id,
            rank=rank,
            date=row.report.date,
            terms={("kind", row.kind)}
            | report_terms(row.report)
            | ({("work", str(row.work_id))} if row.work_id else set()),
            head=[row.note_zh, row.note_en],
            body=[row.work.title_zh, row.work.title_en, row.work.authors] if row.work else [],
        )


def author_items(ids):
    rows = Author.objects.published().filter(pk__in=ids).with_counts()
    of = {}
    shown = Contribution.objects.published().filter(author__in=ids).select_related("report")
    for one in shown.prefetch_related("affiliations"):
        terms = of.setdefault(one.author_id, set())
        terms |= report_terms(one.report)
        terms |= {("institution", str(institution.pk)) for institution in one.affiliations.all()}
    for row in rows.order_by():
        yield Item(row.pk, sort_name(row), documents=row.report_count, terms=of.get(row.pk, set()), **names(row))


def institution_items(ids):
    for row in Institution.objects.published().filter(pk__in=ids).with_counts().order_by():
        yield Item(row.pk, sort_name(row), documents=row.report_count, terms={("kind", row.kind)}, **names(row))


def work_items(ids):
    for row in Work.objects.published().filter(pk__in=ids).for_list().order_by():
        terms = {("person", str(person.pk)) for person in row.people.all()}
        for report in row.citing:
            terms |= report_terms(report)
        yield Item(
            row.pk,
            row.slug,
            date=row.date,
            documents=len(row.citing),
            terms=terms | {("shared", "yes" if len(row.citing) > 1 else "no")},
            head=[row.title_zh, row.title_en],
            body=[row.authors, row.container],
        )


def every(model):
    """Return a function that returns the ids of all rows."""
    return lambda: model.objects.order_by().values_list("pk", flat=True)


def around(ids):
    """Return who contributed to these reports, published them and is cited there.

    A person is known once a report of theirs is public, and then stands with all works that they wrote.
    """
    contributions = Contribution.objects.filter(report__in=ids).order_by()
    institutions = Institution.objects.order_by().filter(
        Q(contributions__report__in=ids) | Q(affiliated_contributions__report__in=ids) | Q(published_reports__in=ids)
    )
    works = Work.objects.order_by().filter(Q(citations__report__in=ids) | Q(people__contributions__report__in=ids))
    return Scope(
        others={
            Kind.AUTHORS: {*contributions.exclude(author=None).values_list("author", flat=True)},
            Kind.INSTITUTIONS: {*institutions.values_list("pk", flat=True)},
            Kind.WORKS: {*works.values_list("pk", flat=True)},
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
    Kind.REPORTS: Source(report_items, every(Report), dated=NEWEST),
    Kind.PASSAGES: Source(passage_items, every(Report), of_report=True),
    Kind.CITATIONS: Source(citation_items, every(Report), of_report=True),
    Kind.AUTHORS: Source(author_items, every(Author)),
    Kind.INSTITUTIONS: Source(institution_items, every(Institution)),
    Kind.WORKS: Source(work_items, every(Work), dated=NEWEST),
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
