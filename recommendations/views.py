"""The pages of what reports say: recommendations, areas, questions, frameworks."""

from functools import partial

from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_safe

from portal.export import form_of, links, twin
from portal.templatetags.duizhao import tr
from portal.views import as_data, list_errors, listing, refusal
from recommendations import comparison, drawing
from recommendations.export import AREAS, FRAMEWORKS, QUESTIONS, RECOMMENDATIONS
from recommendations.filters import AreaFilterSet, FrameworkFilterSet, QuestionFilterSet, RecommendationFilterSet
from recommendations.models import (
    MOST_CONTESTED,
    CrossReference,
    Framework,
    PolicyArea,
    Position,
    Question,
    Rating,
    Recommendation,
)
from reports.models import Report

NEIGHBOURS = 3
ROWS_SHOWN = 6  # what an area page shows of one document before it refers to the finder


@require_safe
def recommendation_list(request):
    rows = Recommendation.objects.published().for_list().with_units().in_reading_order()
    filterset = RecommendationFilterSet(request.GET, queryset=rows, request=request)
    context = {}
    if filterset.is_valid() and not form_of(request):
        context = {"tally": filterset.qs.tally(), "asked": asked_of(filterset)}
    template = "recommendations/recommendation_list.html"
    return listing(request, RecommendationFilterSet, rows, template, table=RECOMMENDATIONS, **context)


def asked_of(filterset):
    """Return what the rows of a list together ask of its one addressee; None where there are several, or none.

    {name, areas, echoes, questions}: of single acts alone, whatever else the list shows.
    """
    words = filterset.chosen("addressee")
    if len(words) != 1:
        return None
    rows = filterset.qs
    reports = rows.by_document()
    branches = comparison.branches(PolicyArea.objects.all(), rows.by_area(), ())
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
    questions = Question.objects.published().with_counts().with_contention().filter(pk__in=branch.questions)
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
    rows = Question.objects.published().with_counts().with_contention().prefetch_related("areas")
    rows = rows.order_by(*MOST_CONTESTED)
    return listing(request, QuestionFilterSet, rows, "recommendations/question_list.html", table=QUESTIONS)


@require_safe
def question_detail(request, slug):
    question = get_object_or_404(Question.objects.published().prefetch_related("areas"), slug=slug)
    found = Position.objects.published().for_list().with_speakers().filter(question=question)
    positions, kind = comparison.dressed(found), question.kind
    silent, uncoded = comparison.without_position(list(Report.objects.published().for_list()), positions)
    contention, own_documents = comparison.contention(positions)
    turns = comparison.then_and_now(positions)
    context = {
        "question": question,
        "data": twin("questions", question),
        "say": comparison.debate(kind, positions, len(silent), len(uncoded)),
        "document_count": len({position.report_id for position in positions}),
        "voices": comparison.by_voice(positions),
        "contention": contention,
        "own_documents": own_documents,
        "stand": comparison.stand(kind, positions),
        "groups": comparison.by_stance(kind, positions),
        "divided": comparison.divided(kind, positions, turns),
        "turns": turns,
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
    ratings = Rating.objects.published().for_list().with_speakers().filter(dimension__framework=framework)
    ratings, axes = comparison.dressed(ratings), list(framework.dimensions.all())
    everyone = comparison.assessors(ratings)
    table = comparison.lines(ratings, axes, everyone)
    placed, in_words = comparison.points(table, axes, everyone), comparison.in_words(ratings)
    context = {
        "framework": framework,
        "data": twin("frameworks", framework),
        "axes": axes,
        "assessors": everyone,
        "columns": 1 + len(axes) * len(everyone),
        "reports": list({rating.report_id: rating.report for rating in ratings}.values()),
        "say": comparison.framework_words(table, placed, everyone, subject_name),
        "charts": charts(placed, axes),
        "verdicts": comparison.verdicts(table),
        "in_words": in_words,
        "worded": {subject.pk for subject, _rows in in_words},
    }
    return render(request, "recommendations/framework_detail.html", context)


def subject_name(subject):
    return tr(subject, "name")


def charts(placed, axes):
    """Return the quadrant chart drawn for wide and for narrow screens; nothing where nothing can be drawn."""
    caption = partial(quadrant_caption, axes)
    scales = (drawing.WIDE, drawing.NARROW) if placed else ()
    return [drawing.chart(placed, subject_name, caption, scale) for scale in scales]


def quadrant_caption(axes, up, across, n):
    """Return the words over one quadrant of a chart: both levels, and how many items."""
    axis, levels = _("%(axis)s %(level)s"), dict(Rating.Level.choices)
    vertical, horizontal = (
        axis % {"axis": tr(dimension, "name"), "level": levels[level]}
        for dimension, level in zip(axes, (up, across), strict=False)
    )
    count = ngettext("%(n)s item", "%(n)s items", n) % {"n": n}
    words = {"vertical": vertical, "horizontal": horizontal, "count": count}
    return pgettext("quadrant", "%(vertical)s, %(horizontal)s: %(count)s") % words
