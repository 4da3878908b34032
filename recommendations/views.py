"""The pages of what reports say: recommendations, areas, questions, frameworks, subjects."""

from collections import Counter
from functools import cache, partial
from itertools import groupby

from django.db.models import Prefetch, Q, prefetch_related_objects
from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404, render
from django.template.loader import get_template
from django.urls import resolve, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_safe

from portal import export, finding
from portal.excerpt import Excerpt, first, in_order
from portal.excerpt import filed as under
from portal.export import form_of, forms, links, twin
from portal.filters import FACET_MOST, PRESENTATION
from portal.models import Entry, Kind
from portal.paging import BrokenCursor, whole
from portal.templatetags.duizhao import tr
from portal.text import number
from portal.views import (
    as_data,
    chips,
    list_errors,
    listing,
    page_of,
    refusal,
    sorting,
    stance_table,
)
from recommendations import comparison, divergence, drawing, filed, matrix, meeting
from recommendations.export import AREAS, FRAMEWORKS, QUESTIONS, RATINGS, RECOMMENDATIONS, SUBJECTS
from recommendations.filters import (
    COMPARED,
    WIDEST,
    AreaFilterSet,
    ChooserFilterSet,
    FrameworkFilterSet,
    FrameworkPageFilterSet,
    MatrixFilterSet,
    QuestionFilterSet,
    RatingFilterSet,
    RecommendationFilterSet,
    SubjectFilterSet,
)
from recommendations.models import (
    STANCE_WORDS,
    Actor,
    CrossReference,
    Framework,
    PolicyArea,
    Position,
    Question,
    Rating,
    Recommendation,
    Subject,
    Voice,
)
from reports.models import Contribution, Report

NEIGHBOURS = 3
SLASH, INDENT = " / ", "\u3000"
MATRIX_WORDS = ("area", "kind", "question", "report", "holder", "voice", "columns", "ordering")
SUMMED_UP = 5  # columns of a matrix up to which its cells have room for summaries
NOT_NARROWING = {"ordering", *PRESENTATION}
ROWS_SHOWN = 6  # what an area page shows of one document before it refers to the finder
CHOICES = 60  # documents to choose from on one page
PROPOSALS = 5  # pairs proposed
CLOSEST = 3
SUMMED_MOST = 2_000  # recommendations of an area that are summed up on its page
DOCUMENTS_SHOWN = 20  # documents of an area
QUESTIONS_SHOWN = 12
ANSWERS_SHOWN = 100  # positions on one question, and
ANSWERS_BESIDE = 20  # positions of others beside a recommendation
RATINGS_SHOWN = 200  # of one subject
RATERS_SHOWN = 20  # documents that rate by one framework
DOCUMENTS_SILENT = 100  # documents that take none
ASKED_MOST = 400  # rows of a list of which is told what they ask together


@require_safe
def recommendation_list(request):
    template, row = "recommendations/recommendation_list.html", "recommendations/_hit.html"
    return listing(
        request,
        RecommendationFilterSet,
        listed(),
        template,
        table=RECOMMENDATIONS,
        row=row,
        summary=lambda filterset: {"tally": filterset.tally(), "asked": asked_of(filterset)},
    )


@cache
def listed():
    """Return the recommendations with all that a list shows of them; nothing of a request is in it."""
    return Recommendation.objects.published().for_list().with_units().with_references()


def asked_of(filterset):
    """Return what the rows of a list together ask of its one addressee; None where there are several, or none.

    {name, areas, echoes, questions}: of single acts alone, whatever else the list shows. Of a list of very many rows
    only the name is given: no page could show what they all ask.
    """
    words = filterset.chosen("addressee")
    if len(words) != 1:
        return None
    if filterset.total > ASKED_MOST:
        return {"name": filterset.filters["addressee"].labels(words)[words[0]], "most": ASKED_MOST}
    rows = filterset.qs
    reports = rows.by_document()
    branches = comparison.branches(PolicyArea.objects.all(), rows.by_area())
    references = CrossReference.objects.published().touching_any(rows).with_ends()
    echoes = comparison.echoes(reports, references)
    answers = Position.objects.published().beside(rows).select_related("question", "recommendation__report")
    questions = comparison.questions_behind(reports, answers)
    return {
        "name": filterset.filters["addressee"].labels(words)[words[0]],
        "areas": comparison.asked(branches, reports, echoes, questions),
        "echoes": list(echoes.values()),
        "questions": questions,
    }


@require_safe
def recommendation_detail(request, report, key):
    found = Recommendation.objects.published().for_page().with_family().with_speakers()
    row = get_object_or_404(found, report__slug=report, key=key)
    references = list(CrossReference.objects.published().touching(row))
    ends = Recommendation.objects.published().for_page().with_speakers()
    ends = {end.pk: end for end in comparison.dressed(ends.filter(pk__in=other_ends(row, references)))}
    own = list(row.positions.select_related("question"))
    told = Position.objects.published().exclude(report=row.report).told([position.question_id for position in own])
    shown = [answer.pk for answers in told.values() for answer in answers[:ANSWERS_BESIDE]]
    others = comparison.dressed(in_order(shown, Position.objects.for_list().with_speakers().in_bulk))
    context = {
        "row": comparison.dressed([row])[0],
        "data": twin("recommendations", row),
        "say": comparison.echo(ends, [answer for answers in told.values() for answer in answers]),
        "relations": comparison.relations(row, references, ends),
        "answers": [
            (position, groups, Excerpt(told[position.question_id][:ANSWERS_BESIDE], len(told[position.question_id])))
            for position, groups in comparison.answers(own, others)
        ],
    }
    return render(request, "recommendations/recommendation_detail.html", context)


def other_ends(row, references):
    """Return the ids of the recommendations that cross references join to a row."""
    return {pk for reference in references for pk in (reference.source_id, reference.target_id)} - {row.pk}


@require_safe
def area_list(request):
    filterset = AreaFilterSet(request.GET, queryset=PolicyArea.objects.all(), request=request)
    if errors := list_errors(request, filterset):
        return refusal(request, errors)
    found = all_branches()
    chosen = {area.pk: area.parent_id for area in filterset.qs}
    roots = [found[pk] for pk, parent in chosen.items() if parent not in chosen]
    if form_of(request):
        rows = {branch.area.pk: branch for root in roots for branch in downwards(root)}
        return as_data(request, filterset, AREAS, list(rows), lambda keys: tallied({key: rows[key] for key in keys}))
    return render(request, "recommendations/area_list.html", {"roots": roots, "data": links(request, AREAS)})


def downwards(branch):
    """Yield a branch and everything under it, in the order of the page."""
    yield branch
    for child in branch.children:
        yield from downwards(child)


def tallied(branches):
    """Return {primary key: area} of {primary key: branch}, each area with what AREAS wants to know of it."""
    areas = PolicyArea.objects.select_related("parent").in_bulk(list(branches))
    newest = filed.newest(areas)
    for pk, area in areas.items():
        area.tally = branches[pk].voices
        area.newest = newest.get(pk, "")
    return areas


@require_safe
def area_detail(request, slug):
    area = get_object_or_404(PolicyArea, slug=slug)
    found = all_branches()
    known = filed.summed_up(area.pk, SUMMED_MOST)
    questions = under(Kind.QUESTIONS, ("area", str(area.pk)))
    ranked = list(questions.order_by("-documents", "name").values_list("object_id", flat=True)[:QUESTIONS_SHOWN])
    context = {
        "branch": found[area.pk],
        "data": twin("areas", area),
        "above": [one.area for one in comparison.upwards(found, area.parent_id)][::-1],
        "documents": len(known["documents"]) if known["all"] else None,
        "reports": documents_of(known),
        "addressed": addressed_in(area, known),
        "most": number(SUMMED_MOST),
        "questions": Excerpt(
            in_order(ranked, Question.objects.told),
            finding.total(Kind.QUESTIONS, finding.term_ids({("area", str(area.pk))}).values()),
        ),
        "events": finding.total(Kind.EVENTS, finding.term_ids({("area", str(area.pk))}).values()),
    }
    return render(request, "recommendations/area_detail.html", context)


def documents_of(known):
    """Return the Excerpt of the documents of an area, the newest: [(report, its first rows, {voice: n}, whether more)].

    Of how many there are, no more is known than what was read.
    """
    keys = list(known["documents"])
    reports = in_order(keys[:DOCUMENTS_SHOWN], Report.objects.in_bulk)
    shown = {report.pk: known["rows"][report.pk][:ROWS_SHOWN] for report in reports}
    rows = Recommendation.objects.in_bulk([pk for some in shown.values() for pk in some])
    told = [
        (
            report,
            [rows[pk] for pk in shown[report.pk] if pk in rows],
            known["documents"][report.pk],
            len(known["rows"][report.pk]) > ROWS_SHOWN,
        )
        for report in reports
    ]
    return Excerpt(told, len(keys) if known["all"] else len(keys) + 1)


def addressed_in(area, known):
    """Return [(actor, {voice: n})] of those whom an area addresses, the most often addressed first.

    Without numbers where not all of its recommendations were read.
    """
    if not known["all"]:
        return [(actor, {}) for actor in in_order(filed.addressed(area.pk, FACET_MOST), Actor.objects.in_bulk)]
    actors = Actor.objects.in_bulk(known["addressees"])
    pairs = [(actors[pk], voices) for pk, voices in known["addressees"].items() if pk in actors]
    return sorted(pairs, key=lambda pair: (-sum(pair[1].values()), pair[0].slug))


def all_branches():
    """Return the taxonomy with how much is filed under it, {area id: Branch}."""
    return comparison.branches(PolicyArea.objects.all(), counted=filed.area_voices())


@require_safe
def question_list(request):
    rows = Question.objects.published().prefetch_related("areas")
    template, across = "recommendations/question_list.html", matrix_of(request.GET)
    row = "recommendations/_listed.html"
    return listing(
        request, QuestionFilterSet, rows, template, table=QUESTIONS, row=row, fetch="told", matrix_url=across
    )


def matrix_of(query):
    """Return the address of the matrix of a list of questions; empty where the list is narrowed by what it cannot."""
    chosen = {name: words for name, words in query.lists() if any(words) and name not in NOT_NARROWING}
    if not chosen.keys() <= MatrixFilterSet.base_filters.keys():
        return ""
    kept = QueryDict(mutable=True)
    for name, words in chosen.items():
        kept.setlist(name, words)
    return f"{reverse('portal:matrix')}?{kept.urlencode()}" if kept else reverse("portal:matrix")


@require_safe
def question_detail(request, slug):
    question = get_object_or_404(Question.objects.published().with_outcomes().prefetch_related("areas"), slug=slug)
    told, kind = Position.objects.published().told([question.pk])[question.pk], question.kind
    shown = Position.objects.for_list().with_speakers()
    positions = comparison.dressed(in_order([row.pk for row in told[:ANSWERS_SHOWN]], shown.in_bulk))
    silent, uncoded = without_position(told)
    contention, own_documents = comparison.contention(told)
    turns = comparison.then_and_now(positions)
    groups = comparison.by_stance(kind, positions)
    voices = {group.stance: group.voices for group in comparison.by_stance(kind, told)}
    for group in groups:
        group.voices = voices[group.stance]
    context = {
        "question": question,
        "told": comparison.told(question),
        "data": twin("questions", question),
        "say": comparison.debate(kind, told, silent.total, uncoded.total),
        "document_count": len({position.report_id for position in told}),
        "voices": comparison.by_voice(told),
        "contention": contention,
        "own_documents": own_documents,
        "stand": comparison.stand(kind, positions),
        "answers": Excerpt(positions, len(told)),
        "groups": groups,
        "divided": comparison.divided(kind, positions, turns),
        "turns": turns,
        "silent": silent,
        "uncoded": uncoded,
        "neighbours": in_order(neighbours(question), Question.objects.in_bulk),
    }
    return render(request, "recommendations/question_detail.html", context)


def without_position(answers):
    """Return Excerpts of (silent, uncoded) documents: those read in full that state nothing, those not fully coded.

    A publication speaks through its parts: it is not silent where one of them answers.
    """
    public, complete = Report.objects.published(), Q(coding=Report.Coding.COMPLETE)
    speaking = {position.report_id for position in answers}
    through = public.filter(pk__in=speaking).exclude(part_of=None).order_by().values_list("part_of", flat=True)
    rest = (
        public.filter(complete).exclude(pk__in=speaking | {*through}),
        public.filter(~complete, ~Q(pk__in=speaking)),
    )
    return tuple(first(DOCUMENTS_SILENT, some) for some in rest)


def neighbours(question):
    """Return the ids of other questions of the same areas, those first that most documents answer."""
    near = Entry.objects.filter(kind=Kind.QUESTIONS, object_id__in=Question.objects.beside(question).values("pk"))
    return list(near.order_by("-documents", "name").values_list("object_id", flat=True)[:NEIGHBOURS])


@require_safe
def framework_list(request):
    rows = Framework.objects.published().with_counts().prefetch_related("dimensions").order_by("slug")
    return listing(request, FrameworkFilterSet, rows, "recommendations/framework_list.html", table=FRAMEWORKS)


@require_safe
def framework_detail(request, slug):
    framework = get_object_or_404(Framework.objects.published().for_page(), slug=slug)
    asked = FrameworkPageFilterSet(request.GET, queryset=Framework.objects.none(), request=request)
    if errors := list_errors(request, asked):
        return refusal(request, errors)
    if form_of(request):
        rows = Rating.objects.published().for_list()
        return as_data(request, RatingFilterSet({"framework": [slug]}, queryset=rows, request=request), RATINGS)
    view = (asked.chosen("view") or list(asked.filters["view"].choices)[:1])[-1]
    rated = Rating.objects.published().filter(dimension__framework=framework)
    raters = newest_raters(rated)
    ratings, axes = list(rated.filter(report__in=raters.rows).with_axes()), list(framework.dimensions.all())
    everyone = divergence.assessors(ratings)
    table = divergence.lines(ratings, axes, everyone)
    placed = divergence.points(table, axes)
    subjects = [line.subject.pk for line in table]
    elsewhere = Rating.objects.published().filter(subject__in=subjects).exclude(dimension__framework=framework)
    other_raters = newest_raters(elsewhere)
    others = list(elsewhere.filter(report__in=other_raters.rows).with_axes())
    reports = {rating.report_id: rating.report for rating in ratings}
    context = {
        "framework": framework,
        "data": [*forms(request, RATINGS), *twin("frameworks", framework)],
        "axes": axes,
        "assessors": everyone,
        "columns": 1 + len(axes) * len(everyone),
        "reports": list(reports.values()),
        "raters": raters,
        "other_raters": other_raters,
        "every_report": list((reports | {rating.report_id: rating.report for rating in others}).values()),
        "say": divergence.framework_words(table, placed, everyone),
        "views": views_of(request, asked, view) if len({place for _subject, place, *_rest in placed}) > 1 else [],
        "figures": figures(placed, axes, everyone, view),
        "standings": divergence.standings(divergence.levelled(table)),
        "met": divergence.met(table),
        "alone": len(table) - len(divergence.met(table)),
        "in_words": divergence.in_words(ratings),
        "elsewhere": divergence.by_framework(others),
        "nodes": divergence.tree(divergence.with_above(subjects, Subject.objects.in_bulk()), table),
    }
    return render(request, "recommendations/framework_detail.html", context)


def newest_raters(ratings):
    """Return the Excerpt of the documents in which these ratings stand."""
    reports = Report.objects.published().filter(pk__in=ratings.order_by().values("report"))
    return first(RATERS_SHOWN, reports.only("pk"))


def views_of(request, asked, view):
    """Return the ways in which a framework can be drawn: [{label, url, current}]; the first is the plain address."""
    return [
        {"label": label, "url": f"?view={word}" if place else request.path, "current": word == view}
        for place, (word, label) in enumerate(asked.filters["view"].choices.items())
    ]


def figures(placed, axes, everyone, view):
    """Return the quadrant charts to draw: [{"name", "assessor", "place", "say", "charts": [wide, narrow]}].

    One for all assessors, or one for each, who may have nothing to draw; none where nobody has.
    """
    if not placed:
        return []
    caption, names = partial(quadrant_caption, axes), [tr(axis, "name") for axis in axes[:2]]
    panels = [(None, None, placed)]
    if view == "panels":
        panels = [(one, n, [point for point in placed if point[1] == n]) for n, one in enumerate(everyone)]
    return [
        {
            "name": view if assessor is None else f"{view}-{place}",
            "assessor": assessor,
            "place": place,
            "say": quadrant_words(points, caption),
            "charts": [
                drawing.chart(points, subject_name, caption, names, scale)
                for scale in (drawing.WIDE, drawing.NARROW)
                if points
            ],
        }
        for assessor, place, points in panels
    ]


def subject_name(subject):
    return tr(subject, "name")


def quadrant_words(points, caption):
    """Return how many subjects stand in which quadrant, in one sentence; empty without any."""
    quadrants = Counter((up, across) for _subject, up, across in {(s.pk, u, a) for s, _place, u, a in points})
    order = list(Rating.Level.values)
    ranked = sorted(quadrants.items(), key=lambda pair: [-order.index(level) for level in pair[0]])
    return pgettext("in a list", "; ").join(caption(*levels, n) for levels, n in ranked)


def quadrant_caption(axes, up, across, n):
    """Return the words over one quadrant of a chart: both levels, and how many items."""
    axis, levels = _("%(axis)s %(level)s"), dict(Rating.Level.choices)
    vertical, horizontal = (
        axis % {"axis": tr(dimension, "name"), "level": levels[level]}
        for dimension, level in zip(axes, (up, across), strict=False)
    )
    count = (ngettext("%(n)s item", "%(n)s items", n) % {"n": n}).replace(" ", "\u00a0")  # kept on one line
    words = {"vertical": vertical, "horizontal": horizontal, "count": count}
    return pgettext("quadrant", "%(vertical)s, %(horizontal)s: %(count)s") % words


@require_safe
def matrix_page(request):
    """Questions down, documents or holders across; or the same rows and columns as CSV or JSON."""
    filterset = MatrixFilterSet(request.GET, queryset=Question.objects.published(), request=request)
    size = page_size(request)
    if errors := filterset.errors | export.errors(request, export.PAGE_FORMS) | ({} if size else wrong_size(request)):
        return refusal(request, errors)
    table = matrix.compare(filterset.selection())
    try:
        page = page_of(request, table.pages(size))
    except BrokenCursor as broken:
        return refusal(request, {"cursor": [str(broken)]})
    rows = table.filled(page.rows)
    if form_of(request):
        return matrix_as_data(request, table, rows, page)
    authors = Contribution.objects.filter(role=Contribution.Role.AUTHOR).select_related("author", "institution")
    prefetch_related_objects(table.selection.reports, Prefetch("contributions", authors))
    summed_up = len(table.columns) <= SUMMED_UP
    lines = matrix_lines(rows, summaries(rows) if summed_up else {})
    chosen = {name: filterset.chosen(name) for name in MATRIX_WORDS}
    context = {
        "filterset": filterset,
        "chips": chips(request, filterset),
        "chosen": chosen,
        "kept": [(name, chosen[name]) for name in MATRIX_WORDS if name not in ("kind", "voice")]
        + [("page_size", request.GET.getlist("page_size")[-1:])],
        "choices": matrix_choices(),
        "sorting": sorting(request, filterset),
        "headline": matrix.headline(table),
        "table": table,
        "across": table.selection.across,
        "own_shown": table.selection.own_shown,
        "beside": table.beside,
        "page_obj": page,
        "total": len(table.rows),
        "groups": groups(table, lines),
        "voices": {voice: n for voice, n in matrix.voices(rows).items() if n},
        "widest": WIDEST,
        "summed_up": summed_up,
        "legend": [(stance, SLASH.join(map(str, words))) for stance, _sign, words in stance_table()],
        "data": matrix_links(request),
    }
    return render(request, "recommendations/matrix.html", context)


def page_size(request):
    """Return how many questions a page is to have; None for what is no whole number from 1 to SIZE_MAX."""
    word = request.GET.get("page_size", "").strip() or str(matrix.SIZE)
    return whole(word, matrix.SIZE_MAX)


def wrong_size(request):
    message = _("“%(value)s” is not a whole number from 1 to %(most)s.")
    return {"page_size": [message % {"value": request.GET["page_size"][:50], "most": matrix.SIZE_MAX}]}


def summaries(rows):
    """Return {id: position} of what rows of the matrix show, with summaries."""
    shown = [answer.pk for row in rows for answer in row.answers]
    return Position.objects.only("summary_zh", "summary_en").in_bulk(shown)


def groups(table, lines):
    """Return [(kind of question, lines)] where the rows come by kind; else all lines under no head."""
    if table.selection.ordering[:1] not in (["kind"], ["-kind"]):
        return [("", lines)]
    return [(kind, list(some)) for kind, some in groupby(lines, lambda line: line[0].question.get_kind_display())]


def matrix_lines(rows, said):
    """Yield (row, [(column, absence, [(answer, mark, position)])]) as the page sets them, with what `summaries` found.

    A mark is stance, voice and hedge; an absence is why there is none. Of thousands few differ, so each is set once.
    """
    template = get_template("recommendations/_mark.html")

    @cache
    def absence(state):
        return template.render({"state": state})

    @cache
    def mark(kind, stance, voice, hedge):
        words = {"word": STANCE_WORDS[kind][stance], "hedge": Position.Hedge(hedge).label}
        return template.render({"stance": stance, "voice": voice, **words})

    for row in rows:
        cells = []
        for column, cell in row.pairs:
            marked = [(a, mark(a.kind, a.stance, a.voice, a.hedge), said.get(a.pk)) for a in cell.answers]
            cells.append((column, "" if marked else absence(cell.state), marked))
        yield row, cells


def matrix_choices():
    """Return what the form of the matrix offers; the areas as (area, indent), the newest documents only."""
    found = comparison.branches(PolicyArea.objects.all())
    return {
        "areas": list(indented(branch for branch in found.values() if branch.area.parent_id is None)),
        "reports": Report.objects.published().only("slug", "title_zh", "title_en")[:WIDEST],
        "holders": Actor.objects.holding(),
        "kinds": Question.Kind.choices,
        "voices": Voice.choices,
    }


def indented(branches, indent=""):
    """Yield (area, indent) of branches and all under them, in the order of a tree."""
    for branch in branches:
        yield branch.area, indent
        yield from indented(branch.children, indent + INDENT)


def same_page(request):
    """Return what of the address says which page of the matrix is meant."""
    return {name: request.GET[name] for name in ("cursor", "page_size") if request.GET.get(name)}


def matrix_links(request):
    """Return the forms of this very page of the matrix, as portal.export.links does for a list."""
    kept = same_page(request)
    return export.page_links(request, export.address(reverse("api-matrix"), request.GET, **kept), **kept)


def matrix_as_data(request, table, rows, page):
    """Answer with the rows and columns of one page of the matrix in another form."""
    form, origin = form_of(request), export.origin(request)
    if form == "csv":
        body = export.BOM + export.csv_text(matrix.lines(table, rows))
    else:
        kept = same_page(request) | {"format": form}

        def near(cursor):
            return cursor and origin + export.address(request.path, request.GET, **kept | {"cursor": cursor})

        ways = {"next": near(page.next), "previous": near(page.previous)}
        body = export.json_text(ways | matrix.as_object(table, rows, origin))
    return export.download("matrix", form, body)


@require_safe
def compare(request):
    """Two to four documents side by side; with fewer, or while one is looked for, the choice of documents."""
    filterset = ChooserFilterSet(request.GET, queryset=Report.objects.published(), request=request)
    if errors := filterset.errors | export.errors(request, export.PAGE_FORMS):
        return refusal(request, errors)
    slugs = filterset.chosen("reports")
    if len(slugs) < 2 or filterset.given.get("q"):
        return choose(request, filterset, slugs)
    filterset.queryset = filterset.queryset.side_by_side()
    found = meeting.meet(meeting.columns(slugs, filterset.documents()), PolicyArea.objects.all())
    twin = f"{reverse('api-compare')}?{query_of(slugs)}"
    if form := form_of(request):
        return export.download("compare", form, told_as(request, form, found, twin))
    context = {
        "meeting": found,
        "say": meeting.finding(found),
        "data": export.page_links(request, twin),
        "without": [
            (column, query_of(slug for slug in slugs if slug != column.report.slug)) for column in found.columns
        ],
        "heading": meeting.heading(found),
        "tied": [(pair, kinds, query_of(one.report.slug for one in pair)) for *pair, kinds in meeting.tied(found)],
        "common": commons(found.common),
        "shown": f":{ROWS_SHOWN}",
        "shown_n": ROWS_SHOWN,
    }
    return render(request, "recommendations/compare.html", context)


def commons(common):
    """Return what documents have in common as a page prints it: [(kind, heading, rows, words for none)]."""
    words = {
        "people": (_("People"), _("No person of this portal has to do with more than one of these documents.")),
        "institutions": (_("Institutions"), _("No institution has to do with more than one of these documents.")),
        "works": (_("Cited works"), _("No work is cited by more than one of these documents.")),
        "events": (_("Events mentioned"), _("No event is mentioned by more than one of these documents.")),
    }
    return [(kind, label, common[kind], none) for kind, (label, none) in words.items()]


def query_of(slugs):
    """Return the query that sets documents side by side, in this order."""
    query = QueryDict(mutable=True)
    query.setlist("reports", list(slugs))
    return query.urlencode()


def told_as(request, form, found, twin):
    """Return a comparison as CSV, or as the JSON of its object in the API."""
    if form == "csv":
        return export.BOM + export.csv_text([meeting.NAMES, *meeting.lines(found, export.origin(request))])
    # By address, because pages and API stand side by side and neither may import the other.
    return export.json_text(resolve(reverse("api-compare")).func.cls.told(request, found), indent=1)


def choose(request, filterset, slugs):
    """Answer with the choice of documents: the nearest to those already chosen first, else by publication.

    Only so many are listed; words narrow them. Where nothing is chosen, pairs of those listed are proposed.
    """
    chosen = sorted(filterset.queryset.filter(slug__in=slugs), key=lambda report: slugs.index(report.slug))
    others = filterset.queryset.exclude(slug__in=slugs)
    if filterset.active.keys() - {"reports"}:
        others = others.filter(pk__in=filterset.hits(but=("reports",)).values("object_id"))
    references, answers = CrossReference.objects.published(), Position.objects.published()
    if chosen:
        answers = answers.filter(question__in=answers.of_documents(chosen).values("question")).by_document()
        shared = meeting.holdings(answers, references.of_documents(chosen).by_document())
        near = meeting.partners(chosen, candidates(chosen, others, {*shared[0], *shared[1]}), *shared)
        more, near = len(near) > CHOICES, near[:CHOICES]
        listed = Report.objects.for_list().in_bulk([one.reports[0].pk for one in near])
        choices = [(listed[one.reports[0].pk], one) for one in near]
        pairs = []
    else:
        listed = list(others.by_publication().for_list()[: CHOICES + 1])
        more, listed = len(listed) > CHOICES, listed[:CHOICES]
        choices = [(report, None) for report in listed]
        answers = answers.of_documents(listed).by_document()
        ties = references.of_documents(listed, both=True).by_document()
        pairs = meeting.pairs(listed, *meeting.holdings(answers, ties))[:PROPOSALS]
    context = {
        "filterset": filterset,
        "chosen": chosen,
        "choices": choices,
        "more": more,
        "most": number(COMPARED),
        "pairs": [(near, query_of(report.slug for report in near.reports)) for near in pairs],
        "closest": [
            (report, near, query_of([*slugs, report.slug]))
            for report, near in choices[:CLOSEST]
            if near and len(slugs) < COMPARED
        ],
    }
    return render(request, "recommendations/compare_choice.html", context)


def candidates(chosen, others, sharing):
    """Return the documents that could stand beside those chosen: all that share anything, then the first by slug."""
    beside = others.only("slug", "part_of").order_by("slug")
    sharing_some = list(beside.filter(pk__in=sharing))
    if len(sharing_some) > CHOICES:
        return sharing_some
    wholes = [report.part_of_id for report in chosen if report.part_of_id]
    kin = Q(part_of__in=chosen) | Q(pk__in=wholes)
    return sharing_some + list(beside.exclude(kin).exclude(pk__in=sharing)[: CHOICES + 1])


@require_safe
def subject_list(request):
    rows = Subject.objects.published().with_above().with_counts()
    filterset = SubjectFilterSet(request.GET, queryset=rows, request=request)
    if errors := list_errors(request, filterset):
        return refusal(request, errors)
    roots = divergence.tree(filterset.qs)
    if form_of(request):
        return as_data(request, filterset, SUBJECTS, [node.subject.pk for node in divergence.walked(roots)])
    context = {
        "roots": roots,
        "chips": chips(request, filterset),
        "data": links(request, SUBJECTS),
    }
    return render(request, "recommendations/subject_list.html", context)


@require_safe
def subject_detail(request, slug):
    nodes = divergence.walked(divergence.tree(Subject.objects.published().with_above().with_counts()))
    nodes = {node.subject.slug: node for node in nodes}
    if slug not in nodes:
        raise Http404
    node = nodes[slug]
    known = {other.subject.pk: other.subject for other in nodes.values()}
    rated = Rating.objects.published().filter(subject=node.subject)
    ratings = first(RATINGS_SHOWN, rated, Rating.objects.for_list().with_axes().with_speakers().in_bulk)
    comparison.dressed(ratings)
    context = {
        "node": node,
        "ratings": ratings,
        "data": twin("subjects", node.subject),
        "above": list(divergence.upwards(node.subject, known))[:0:-1],
        "reports": list({rating.report_id: rating.report for rating in ratings}.values()),
        "groups": divergence.by_framework(ratings),
    }
    return render(request, "recommendations/subject_detail.html", context)
