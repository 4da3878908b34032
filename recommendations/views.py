"""The pages of what reports say: recommendations, areas, questions, frameworks, subjects."""

from collections import Counter
from functools import partial

from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_safe

from portal.export import form_of, forms, links, twin
from portal.templatetags.duizhao import tr
from portal.views import as_data, list_errors, listing, refusal, without
from recommendations import comparison, divergence, drawing
from recommendations.export import AREAS, FRAMEWORKS, QUESTIONS, RATINGS, RECOMMENDATIONS, SUBJECTS
from recommendations.filters import (
    AreaFilterSet,
    FrameworkFilterSet,
    FrameworkPageFilterSet,
    QuestionFilterSet,
    RatingFilterSet,
    RecommendationFilterSet,
    SubjectFilterSet,
)
from recommendations.models import (
    CrossReference,
    Framework,
    PolicyArea,
    Position,
    Question,
    Rating,
    Recommendation,
    Subject,
)
from reports.models import Report

NEIGHBOURS = 3
ROWS_SHOWN = 6  # what an area page shows of one document before it refers to the finder


@require_safe
def recommendation_list(request):
    rows = Recommendation.objects.published().for_list().with_units().in_reading_order()
    filterset = RecommendationFilterSet(request.GET, queryset=rows, request=request)
    tally = filterset.qs.tally() if filterset.is_valid() else None
    template = "recommendations/recommendation_list.html"
    return listing(request, RecommendationFilterSet, rows, template, table=RECOMMENDATIONS, tally=tally)


@require_safe
def recommendation_detail(request, report, key):
    found = Recommendation.objects.published().for_page().with_family().with_speakers()
    row = get_object_or_404(found, report__slug=report, key=key)
    references = list(CrossReference.objects.published().touching(row))
    ends = Recommendation.objects.published().for_page().with_speakers()
    ends = {end.pk: end for end in comparison.dressed(ends.filter(pk__in=other_ends(row, references)))}
    own = list(row.positions.select_related("question"))
    others = Position.objects.published().for_list().with_speakers().exclude(report=row.report)
    others = comparison.dressed(others.filter(question__in=[position.question_id for position in own]))
    context = {
        "row": comparison.dressed([row])[0],
        "data": twin("recommendations", row),
        "say": comparison.echo(references, others),
        "relations": comparison.relations(row, references, ends),
        "answers": comparison.answers(own, others),
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
    dates = Recommendation.objects.published().newest_by_area()
    for pk, area in areas.items():
        area.tally = branches[pk].voices
        area.newest = max(dates.get(branch.area.pk, "") for branch in downwards(branches[pk]))
    return areas


@require_safe
def area_detail(request, slug):
    area = get_object_or_404(PolicyArea, slug=slug)
    found = all_branches()
    branch = found[area.pk]
    advice = {pk for rows in branch.advice.values() for pk in rows}
    rows = list(Recommendation.objects.published().for_list().filter(pk__in=advice))
    questions = Question.objects.published().with_counts().filter(pk__in=branch.questions)
    context = {
        "branch": branch,
        "data": twin("areas", area),
        "above": [one.area for one in comparison.upwards(found, area.parent_id)][::-1],
        "reports": [
            (report, theirs[:ROWS_SHOWN], comparison.by_voice(theirs), len(theirs) > ROWS_SHOWN)
            for report, theirs in comparison.by_report(rows)
        ],
        "addressed": comparison.addressed(rows),
        "questions": questions.order_by("-report_count", "slug"),
    }
    return render(request, "recommendations/area_detail.html", context)


def all_branches():
    """Return the taxonomy with what is filed under it, {area id: Branch}."""
    advice = Recommendation.objects.published().by_area()
    return comparison.branches(PolicyArea.objects.all(), advice, Question.objects.published().by_area())


@require_safe
def question_list(request):
    rows = Question.objects.published().with_counts().prefetch_related("areas").order_by("-report_count", "slug")
    return listing(request, QuestionFilterSet, rows, "recommendations/question_list.html", table=QUESTIONS)


@require_safe
def question_detail(request, slug):
    question = get_object_or_404(Question.objects.published().with_outcomes().prefetch_related("areas"), slug=slug)
    found = Position.objects.published().for_list().with_speakers().filter(question=question)
    positions, kind = comparison.dressed(found), question.kind
    silent, uncoded = comparison.without_position(Report.objects.published().for_list(), positions)
    context = {
        "question": question,
        "told": comparison.told(question),
        "data": twin("questions", question),
        "say": comparison.debate(kind, positions, len(silent), len(uncoded)),
        "document_count": len({position.report_id for position in positions}),
        "voices": comparison.by_voice(positions),
        "stand": comparison.stand(kind, positions),
        "groups": comparison.by_stance(kind, positions),
        "divided": comparison.divided(kind, positions),
        "silent": silent,
        "uncoded": uncoded,
        "neighbours": Question.objects.published()
        .with_counts()
        .beside(question)
        .order_by("-report_count", "slug")[:NEIGHBOURS],
    }
    return render(request, "recommendations/question_detail.html", context)


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
    rows = Rating.objects.published().with_axes()
    ratings, axes = list(rows.filter(dimension__framework=framework)), list(framework.dimensions.all())
    everyone = divergence.assessors(ratings)
    table = divergence.lines(ratings, axes, everyone)
    placed = divergence.points(table, axes)
    subjects = [line.subject.pk for line in table]
    others = list(rows.filter(subject__in=subjects).exclude(dimension__framework=framework))
    reports = {rating.report_id: rating.report for rating in ratings}
    context = {
        "framework": framework,
        "data": [*forms(request, RATINGS), *twin("frameworks", framework)],
        "axes": axes,
        "assessors": everyone,
        "columns": 1 + len(axes) * len(everyone),
        "reports": list(reports.values()),
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
        "chips": [chip | {"url": without(request, chip)} for chip in filterset.chips()],
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
    ratings = Rating.objects.published().for_list().with_axes().with_speakers().filter(subject=node.subject)
    ratings = comparison.dressed(ratings)
    context = {
        "node": node,
        "data": twin("subjects", node.subject),
        "above": list(divergence.upwards(node.subject, known))[:0:-1],
        "reports": list({rating.report_id: rating.report for rating in ratings}.values()),
        "groups": divergence.by_framework(ratings),
    }
    return render(request, "recommendations/subject_detail.html", context)
