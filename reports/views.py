"""The pages of who published what."""

from collections import defaultdict
from urllib.parse import urlencode

from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from portal import export
from portal.excerpt import Excerpt, filed, first, in_order, sifted
from portal.export import twin
from portal.filters import VALUES_MOST
from portal.models import Entry, Kind
from portal.views import listing
from reports.export import AUTHORS, INSTITUTIONS, REPORTS, WORKS
from reports.filters import AuthorFilterSet, InstitutionFilterSet, ReportFilterSet, WorkFilterSet
from reports.models import PLACES, VOICES, Author, Citation, Contribution, Institution, Report, Work

REGISTER_SIZE = 300
WORKS_SIZE = 50
PEOPLE = 20  # people on the list of works, and
MET = 12  # reports that each wrote, and works of each that are cited
COMPANY = 5  # works named as cited together with one
MOST = 50  # rows of one sort on the page of a person or an institution


@require_safe
def report_list(request):
    """All publications, by kind, author, institution, role, year and words."""
    reports = Report.objects.published().for_list()
    return listing(
        request, ReportFilterSet, reports, "reports/list.html", table=REPORTS, row="reports/_hit.html", fetch="told"
    )


@require_safe
def report_detail(request, slug):
    """One publication: who made it, what it is, what it says and where."""
    report = get_object_or_404(Report.objects.published().for_page(), slug=slug)
    recommendations = list(report.recommendations.on_report())
    positions = list(report.positions.on_report())
    ratings = list(report.ratings.on_report())
    place(report, recommendations + positions + ratings)
    context = {
        "report": report,
        "data": twin("reports", report),
        "sides": sides(report),
        "advice": umbrellas([row for row in recommendations if not row.restates.all()]),
        "restating": [row for row in recommendations if row.restates.all()],
        "kinds": answers(positions),
        "frameworks": scales(ratings),
        "sections": contents(report, recommendations, positions, ratings),
        "counts": counts(recommendations, positions, ratings),
        "citations": report.citations.select_related("work"),
        "as_works": Work.objects.published().filter(report=report).for_list(),
        "resolutions": report.resolutions.select_related("question").order_by("-date", "question__slug"),
        "mentions": report.mentions.select_related("event").order_by("event__date", "start"),
    }
    return render(request, "reports/detail.html", context)


def place(report, rows):
    """Give each row its `places`: where it is written, and the words there while the source text is held."""
    text = report.squeezed
    for row in rows:
        row.places = [
            {
                "section": report.section_at(e.start),
                "start": e.start,
                "end": e.end,
                "quote": text.slice(e.start, e.end) if text else "",
            }
            for e in row.evidence.all()
        ]
        row.section = row.places[0]["section"] if row.places else None


def sides(report):
    """Return the contributors by role, and inside a role by delegation: [(role, [(delegation, [contribution])])]."""
    found = {}
    for contribution in report.contributions.all():
        roles = found.setdefault(contribution.get_role_display(), {})
        roles.setdefault(contribution.delegation, []).append(contribution)
    return [(role, list(delegations.items())) for role, delegations in found.items()]


def umbrellas(rows):
    """Return the top rows of the tree, each row with its `children`; an umbrella counts the single acts below it."""
    shown = {row.pk: row for row in rows}
    for row in rows:
        row.children = []
    tops = []
    for row in rows:
        above = shown.get(row.parent_id)
        (above.children if above else tops).append(row)
    for row in rows:
        row.acts = acts(row)
    return tops


def acts(row):
    """Count the single acts at and below a row."""
    return sum(acts(child) for child in row.children) or 1


def answers(positions):
    """Return the positions under their questions, these by kind: [(kind, [(question, [position])], {voice: n})]."""
    found = {}
    for row in sorted(positions, key=lambda row: (VOICES.index(row.voice), row.order)):
        found.setdefault(row.question, []).append(row)
    kinds = {}
    for question, rows in sorted(found.items(), key=lambda pair: min(row.order for row in pair[1])):
        kinds.setdefault(question.kind, []).append((question, rows))
    return [
        {"kind": kind, "label": asked[0][0].get_kind_display(), "questions": asked, "voices": voice_counts(asked)}
        for kind, asked in kinds.items()
    ]


def voice_counts(asked):
    """Count positions voice by voice; the three are never added."""
    rows = [row for _, rows in asked for row in rows]
    return [(word, n) for word in VOICES if (n := sum(row.voice == word for row in rows))]


def scales(ratings):
    """Return the ratings by framework and subject: [(framework, [(subject, [rating])])]."""
    found = {}
    for row in ratings:
        found.setdefault(row.dimension.framework, {}).setdefault(row.subject, []).append(row)
    return [(framework, list(subjects.items())) for framework, subjects in found.items()]


def contents(report, recommendations, positions, ratings):
    """Return the sections in the order of the text, each with its `depth` and the `codes` that stand in it."""
    sections = sorted(report.sections.all(), key=lambda s: (s.start, -s.end))
    depth, above = {}, {row.parent_id for row in recommendations}

    def counted(row):
        return row.pk not in above and not row.restates.all()

    for section in sections:
        section.depth = depth[section.pk] = depth.get(section.parent_id, 0) + 1
        section.codes = [
            run
            for rows in (recommendations, positions)
            for run in runs(rows, [r for r in rows if r.section == section])
        ]
        section.advised = sum(row.section == section and counted(row) for row in recommendations)
        section.rated = sum(row.section == section for row in ratings)
        section.paragraphs = [p for p in report.passages.all() if p.section_id == section.pk]
    return sections


def runs(rows, chosen):
    """Return the stretches of `rows` that are `chosen` without a gap: [(first, last)]."""
    found, at = [], {row.pk: i for i, row in enumerate(rows)}
    for row in chosen:
        if found and at[row.pk] == at[found[-1][1].pk] + 1:
            found[-1] = (found[-1][0], row)
        else:
            found.append((row, row))
    return found


def counts(recommendations, positions, ratings):
    """Return what is coded: single acts counted once, positions voice by voice, ratings."""
    above = {row.parent_id for row in recommendations}
    return {
        "atomic": sum(row.pk not in above and not row.restates.all() for row in recommendations),
        "umbrellas": sum(row.pk in above and not row.restates.all() for row in recommendations),
        "restating": sum(bool(row.restates.all()) for row in recommendations),
        "voices": voice_counts([(None, positions)]),
        "ratings": len(ratings),
    }


@require_safe
def author_list(request):
    """The register of people."""
    people = Author.objects.published().order_by("sort_key", "slug")
    return register(request, AuthorFilterSet, people, "reports/authors.html", AUTHORS)


def register(request, filterset_class, rows, template, table):
    """Answer with a register: a page has the number of documents from the index, other forms count them."""
    if export.form_of(request):
        rows = rows.with_counts()
    size = REGISTER_SIZE
    return listing(request, filterset_class, rows, template, table=table, size=size, along=documented)


def documented(rows):
    """Give people or institutions their `report_count`, from the index."""
    kind = Kind.AUTHORS if any(isinstance(row, Author) for row in rows) else Kind.INSTITUTIONS
    entries = Entry.objects.filter(kind=kind, object_id__in=[row.pk for row in rows])
    counts = dict(entries.values_list("object_id", "documents"))
    for row in rows:
        row.report_count = counts.get(row.pk, 0)


@require_safe
def author_detail(request, slug):
    """A person: what they took part in, who stands beside them, and the views that are theirs."""
    author = get_object_or_404(Author.objects.published(), slug=slug)
    printed = author.contributions.published()
    affiliated = Institution.objects.filter(affiliated_contributions__in=printed.order_by()).distinct()
    at = dict(affiliated.order_by("slug").values_list("slug", "pk"))
    beside = filed(Kind.AUTHORS, {("institution", str(pk)) for pk in at.values()}).exclude(object_id=author.pk)
    written = Report.objects.published().filter(contributions__author=author, contributions__role="author")
    context = {
        "row": author,
        "data": twin("authors", author),
        "contributions": first(MOST, printed.for_list()),
        "institutions": first(MOST, affiliated),
        "colleagues": named(beside),
        "beside_url": f"{reverse('reports:author_list')}?{urlencode({'institution': [*at][:VALUES_MOST]}, doseq=True)}",
        "written": first(MOST, written.distinct(), Report.objects.with_voices().in_bulk),
        "works": first(MOST, Work.objects.published().filter(people=author), Work.objects.with_places().in_bulk),
        "views": views_of(author),
    }
    return render(request, "reports/author.html", context)


def named(entries):
    """Return the Excerpt of the people whose entries these are."""
    keys = list(entries.values_list("object_id", flat=True)[: MOST + 1])
    people = in_order(keys[:MOST], Author.objects.in_bulk)
    return Excerpt(people, len(keys) if len(keys) <= MOST else entries.count())


@require_safe
def institution_list(request):
    """The register of institutions."""
    rows = Institution.objects.published().order_by("sort_key", "slug")
    return register(request, InstitutionFilterSet, rows, "reports/institutions.html", INSTITUTIONS)


@require_safe
def institution_detail(request, slug):
    """An institution: its publications, its people as printed, and the views that are told of it."""
    institution = get_object_or_404(Institution.objects.published(), slug=slug)
    documented([institution])
    published = Report.objects.published().filter(publisher=institution)
    context = {
        "row": institution,
        "data": twin("institutions", institution),
        "reports": first(MOST, published, Report.objects.for_list().told),
        "contributions": first(MOST, institution.contributions.published().for_list()),
        "affiliated": first(MOST, institution.affiliated_contributions.published().for_list()),
        "views": views_of(institution),
    }
    return render(request, "reports/institution.html", context)


def views_of(row):
    """Return the published positions held by the actor that a person or institution is: told of them by others."""
    actor = getattr(row, "actor", None)
    return first(MOST, actor.positions.published().for_list()) if actor else []


@require_safe
def work_list(request):
    """The works that reports cite, each once, with the first places that cite it."""
    works = Work.objects.published().with_counts()
    listed, people = works.with_places(), None
    if export.form_of(request):
        listed = works.with_company()
    else:
        people = meetings()
    template = "reports/works.html"
    ordered = listed.order_by("-date", "slug")
    return listing(
        request, WorkFilterSet, ordered, template, table=WORKS, size=WORKS_SIZE, along=accompanied, people=people
    )


def accompanied(works):
    """Give works their `beside`, [(work, n)]: the first of their company (see `Work.company`), counted all at once."""
    pairs = Work.objects.cited_together([work.pk for work in works if work.report_count > 1])
    for some in pairs.values():
        some.sort(key=lambda pair: (-pair[2], pair[1]))
    others = Work.objects.in_bulk({pk for some in pairs.values() for pk, _slug, _n in some[:COMPANY]})
    for work in works:
        work.beside = [(others[pk], n) for pk, _slug, n in pairs.get(work.pk, ())[:COMPANY] if pk in others]


def meetings():
    """Return the Excerpt of how people who wrote a report meet others: {person, written, cited, more}.

    `written` are reports, `cited` [(work, [citation by another])]. Only so many people are told, by name, and only so
    much of each: `more` says that there is more. Their total is not counted, only whether there are others.
    """
    keys = list(Entry.objects.of_kind(Kind.AUTHORS).order_by("place").values_list("object_id", flat=True))
    keys = sifted(keys, Author.objects.cited_by_others(), PEOPLE + 1)
    shown = keys[:PEOPLE]
    of_author = Contribution.objects.published().filter(role=Contribution.Role.AUTHOR, author__in=shown)
    written, cited, places = defaultdict(list), defaultdict(list), defaultdict(list)
    for author, report in of_author.order_by("-report__date", "report__slug").values_list("author", "report"):
        written[author].append(report)
    works = Work.objects.published().filter(people__in=shown)
    for person, work in works.order_by("-date", "slug").values_list("people", "pk"):
        cited[person].append(work)
    notes = Citation.objects.published().filter(work__in={work for some in cited.values() for work in some})
    notes = notes.order_by("-report__date", "report__slug", "order", "pk")
    for work, report, pk in notes.values_list("work", "report", "pk"):
        places[work].append((report, pk))
    found = []
    for person in shown:
        own = {*written[person]}
        others = [(work, [pk for report, pk in places[work] if report not in own]) for work in cited[person]]
        found.append((person, written[person], [(work, pks) for work, pks in others if pks]))
    people = Author.objects.in_bulk(shown)
    reports = Report.objects.in_bulk({pk for _person, own, _cited in found for pk in own[:MET]})
    works = Work.objects.in_bulk({pk for _person, _own, some in found for pk, _places in some[:MET]})
    wanted = {pk for _person, _own, some in found for _work, pks in some[:MET] for pk in pks[:PLACES]}
    notes = Citation.objects.select_related("report").in_bulk(wanted)
    rows = [
        {
            "person": people[person],
            "written": [reports[pk] for pk in own[:MET]],
            "cited": [(works[work], [notes[pk] for pk in pks[:PLACES]]) for work, pks in some[:MET]],
            "more": len(own) > MET or len(some) > MET or any(len(pks) > PLACES for _work, pks in some),
        }
        for person, own, some in found
    ]
    return Excerpt(rows, len(keys))
