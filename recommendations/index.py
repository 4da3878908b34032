"""What recommendations, positions, ratings, their relations and their vocabulary give the index."""

from django.db.models import Prefetch, Q

from portal.index import AROUND, OLDEST, REACH, SOURCES, Item, Scope, Source, known_terms
from portal.models import Entry, Kind
from recommendations.models import (
    Actor,
    CrossReference,
    Dimension,
    Evidence,
    FollowUp,
    Framework,
    Instrument,
    PolicyArea,
    Position,
    Question,
    Rating,
    Recommendation,
    Resolution,
    Subject,
)
from reports.index import alone, every, maker_terms, names, ranked, report_terms, reports_of, sort_name, year_terms
from reports.models import Event, Report

AUTHORS = "authors"  # in place of an actor: the report's own


def lineage():
    """Return {area id: [the area itself, its parent, …]} of the whole taxonomy, in one query."""
    parents = dict(PolicyArea.objects.order_by().values_list("pk", "parent_id"))
    found = {}
    for pk in parents:
        line, above = [], pk
        while above is not None and above not in line:
            line.append(above)
            above = parents.get(above)
        found[pk] = line
    return found


def area_terms(areas, lines):
    """Return the terms of what is filed under these areas, and so under every area above them."""
    return {("area", str(pk)) for area in areas for pk in lines[area.pk]}


def actor_terms(facet, *ids):
    return {(facet, str(pk) if pk else AUTHORS) for pk in ids}


def quotations(row):
    """Return the words of the source that stand behind a row, as far as the text is held."""
    text = row.report.squeezed
    return [text.slice(span.start, span.end) for span in row.evidence.all()] if text else []


def coded(model, ids):
    """Return the published rows of reports with what every coded row gives the index."""
    rows = model.objects.published().filter(report__in=ids).with_source().order_by()
    return rows.prefetch_related("evidence", "report__contributions__affiliations")


def coded_item(row, rank, terms, *body):
    """Return the item of a coded row: filed under its report, who made that and when, found by summary and evidence."""
    report = row.report
    return Item(
        row.pk,
        f"{report.slug} {rank:05}",
        report_id=report.pk,
        rank=rank,
        date=report.date,
        terms=terms | report_terms(report) | maker_terms(report) | year_terms(report.date),
        head=[row.summary_zh, row.summary_en],
        body=[*body, *quotations(row)],
    )


def recommendation_items(ids):
    lines = lineage()
    rows = coded(Recommendation, ids).with_units().prefetch_related("areas", "addressees", "instruments")
    for row, rank in ranked(rows, lambda row: (row.unit == "restating", row.order, row.key)):
        terms = {
            ("action_type", row.action_type),
            ("force", row.force),
            ("standing", row.standing),
            ("voice", row.voice),
            ("unit", row.unit),
            *actor_terms("made_by", row.made_by_id),
            *actor_terms("addressee", *(actor.pk for actor in row.addressees.all())),
            *area_terms(row.areas.all(), lines),
            *(("instrument", str(instrument.pk)) for instrument in row.instruments.all()),
        }
        if row.unit == "atomic":
            terms.add(("counted", row.voice))
        yield coded_item(row, rank, terms, row.condition_zh, row.condition_en)


def horizon_word(horizon):
    """Return the word by which forecasts are filtered: a stretch of time, `dated` or `unsaid`."""
    return "unsaid" if not horizon else "dated" if horizon[0].isdigit() else horizon


def position_items(ids):
    lines = lineage()
    rows = coded(Position, ids).with_outcomes().select_related("question").prefetch_related("question__areas")
    for row, rank in ranked(rows, lambda row: (row.order, row.key)):
        question = row.question
        terms = {
            ("kind", question.kind),
            ("question", str(question.pk)),
            ("voice", row.voice),
            ("stance", str(row.stance)),
            ("hedge", row.hedge),
            *actor_terms("holder", row.holder_id),
            *area_terms(question.areas.all(), lines),
        }
        if question.kind == Question.Kind.PREDICTIVE:
            terms |= {("horizon", horizon_word(row.horizon)), ("outcome", str(row.result))}
        texts = question.text_zh, question.text_en, row.condition_zh, row.condition_en
        item = coded_item(row, rank, terms, *texts)
        item.number = row.stance
        yield item


def rating_items(ids):
    rows = coded(Rating, ids).select_related("dimension")
    for row, rank in ranked(rows, lambda row: (row.order, row.key)):
        terms = {
            ("framework", str(row.dimension.framework_id)),
            ("subject", str(row.subject_id)),
            ("basis", row.basis),
            *([("level", row.level)] if row.level else []),
            *actor_terms("assessor", row.assessor_id),
        }
        yield coded_item(row, rank, terms)


def reference_items(ids):
    """Relations stand with the report that they start from."""
    rows = CrossReference.objects.published().filter(source__report__in=ids).with_ends().order_by()
    rows = list(rows)
    for row in rows:
        row.report_id = row.source.report_id

    def order(row):
        source, target = row.source, row.target
        return source.order, source.key, target.report.slug, target.order, target.key, row.kind

    for row, rank in ranked(rows, order):
        ends = row.source, row.target
        yield Item(
            row.pk,
            f"{row.source.report.slug} {rank:05}",
            report_id=row.report_id,
            rank=rank,
            date=row.source.report.date,
            terms={
                ("kind", row.kind),
                *(("end", str(end.pk)) for end in ends),
                *(term for end in ends for term in report_terms(end.report)),
            },
            head=[row.rationale_zh, row.rationale_en],
            body=[text for end in ends for text in (end.summary_zh, end.summary_en)],
        )


def question_items(ids):
    lines = lineage()
    answers = Position.objects.published().select_related("report").only("question", "holder", "report__part_of")
    rows = Question.objects.published().filter(pk__in=ids).with_counts().with_contention().order_by()
    for row in rows.prefetch_related("areas", Prefetch("positions", answers)):
        terms = {
            ("question", str(row.pk)),
            ("kind", row.kind),
            ("agreement", str(row.agreement)),
            *area_terms(row.areas.all(), lines),
        }
        for answer in row.positions.all():
            terms |= report_terms(answer.report)
            if answer.holder_id:
                terms.add(("holder", str(answer.holder_id)))
        yield Item(
            row.pk,
            row.slug,
            number=row.contention,
            documents=row.report_count,
            terms=terms,
            head=[row.text_zh, row.text_en],
        )


def area_items(ids):
    lines = lineage()
    for row in PolicyArea.objects.filter(pk__in=ids).order_by():
        yield Item(row.pk, sort_name(row), terms=area_terms([row], lines), **names(row))


def kind_items(model):
    """Return the items of a vocabulary whose rows have a kind."""

    def items(ids):
        for row in model.objects.published().filter(pk__in=ids).order_by():
            yield Item(row.pk, sort_name(row), terms={("kind", row.kind)}, **names(row))

    return items


def subject_items(ids):
    of = {}
    ratings = Rating.objects.published().filter(subject__in=ids).select_related("report", "dimension").order_by()
    for rating in ratings:
        terms = of.setdefault(rating.subject_id, set())
        terms |= {("framework", str(rating.dimension.framework_id)), *report_terms(rating.report)}
    for row in Subject.objects.published().with_above().filter(pk__in=ids).with_counts().order_by():
        yield Item(row.pk, sort_name(row), documents=row.report_count, terms=of.get(row.pk, set()), **names(row))


def framework_items(ids):
    of = {}
    for rating in Rating.objects.published().filter(dimension__framework__in=ids).select_related("report", "dimension"):
        of.setdefault(rating.dimension.framework_id, set()).update(report_terms(rating.report))
    for row in Framework.objects.published().filter(pk__in=ids).with_counts().order_by():
        texts = {"head": [row.title_zh, row.title_en], "body": [row.description_zh, row.description_en]}
        yield Item(row.pk, row.slug, documents=row.report_count, terms=of.get(row.pk, set()), **texts)


def event_items(ids):
    lines = lineage()
    for row in Event.objects.published().filter(pk__in=ids).for_list().order_by():
        terms = area_terms(row.areas.all(), lines)
        for mention in row.mentions.all():
            terms |= report_terms(mention.report)
        texts = [row.title_zh, row.title_en]
        yield Item(row.pk, row.slug, date=row.date, date_end=row.date_end, terms=terms, head=texts)


def around(ids):
    """Return the vocabulary that rows of these reports use, and other reports whose rows depend on theirs.

    A row may repeat one of another report, a report may decide another's forecasts, a relation stands with its source.
    """
    advice = Recommendation.objects.filter(report__in=ids).order_by()
    answers = Position.objects.filter(report__in=ids).order_by()
    ratings = Rating.objects.filter(report__in=ids).order_by()
    told = {*Resolution.objects.filter(report__in=ids).order_by().values_list("question", flat=True)}
    actors = Actor.objects.order_by().filter(
        Q(recommendations_made__in=advice)
        | Q(recommendations_received__in=advice)
        | Q(positions__in=answers)
        | Q(ratings__in=ratings)
    )
    reports = Report.objects.order_by().filter(
        Q(recommendations__restates__in=advice)
        | Q(recommendations__references_out__target__in=advice)
        | Q(positions__question__in=told)
    )
    return Scope(
        {*reports.values_list("pk", flat=True)},
        {
            Kind.ACTORS: {*actors.values_list("pk", flat=True)},
            Kind.INSTRUMENTS: {*advice.exclude(instruments=None).values_list("instruments", flat=True)},
            Kind.QUESTIONS: {*answers.values_list("question", flat=True)} | told,
            Kind.SUBJECTS: above(ratings.values_list("subject", flat=True)),
            Kind.FRAMEWORKS: {*ratings.values_list("dimension__framework", flat=True)},
            Kind.EVENTS: {*Event.objects.order_by().filter(mentions__report__in=ids).values_list("pk", flat=True)},
        },
    )


def area_reach(ids):
    """An area with its events, and what stands below it; with all that is filed there once one stands elsewhere."""
    below = PolicyArea.objects.subtree_ids(PolicyArea.objects.filter(pk__in=ids))
    lines = lineage()
    terms = known_terms("area", {str(above) for pk in below for above in lines[pk]})
    held = Entry.objects.filter(kind=Kind.AREAS, object_id__in=below).values_list("object_id", "terms")
    moved = [pk for pk, filed in held if {*filed} != {terms.get(("area", str(above))) for above in lines[pk]}]
    events = {*Event.objects.order_by().filter(areas__in=[*ids, *moved]).values_list("pk", flat=True)}
    if not moved:
        return Scope(others={Kind.AREAS: below, Kind.EVENTS: events})
    questions = {*Question.objects.order_by().filter(areas__in=moved).values_list("pk", flat=True)}
    advised = Report.objects.filter(recommendations__areas__in=moved).order_by().values_list("pk", flat=True)
    return question_reach(questions) | Scope({*advised}, {Kind.AREAS: below, Kind.EVENTS: events})


def question_reach(ids):
    answering = Position.objects.filter(question__in=ids).order_by().values_list("report", flat=True)
    return Scope({*answering}, {Kind.QUESTIONS: {*ids}})


def owners_reach(model):
    """Return the reach of rows that belong to a coded row: the report of that."""

    def reach(ids):
        owners = ("recommendation", "position", "rating")
        held = [owner for owner in owners if any(field.name == owner for field in model._meta.concrete_fields)]
        columns = [f"{owner}__report" for owner in held]
        rows = model.objects.filter(pk__in=ids).order_by().values_list(*columns)
        return Scope({pk for row in rows for pk in row if pk})

    return reach


def reference_reach(ids):
    rows = CrossReference.objects.filter(pk__in=ids).order_by()
    return Scope({*rows.values_list("source__report", flat=True)})


def above(subjects):
    """Return the ids of subjects and of all that stand above them: each is listed for what stands below it."""
    parents = dict(Subject.objects.order_by().values_list("pk", "parent_id"))
    found, waiting = set(), [*subjects]
    while waiting:
        pk = waiting.pop()
        if pk is not None and pk not in found:
            found.add(pk)
            waiting.append(parents.get(pk))
    return found


def dimension_reach(ids):
    """A dimension with its framework; with all that is rated on it once it has come to stand in another."""
    frameworks = dict(Dimension.objects.filter(pk__in=ids).values_list("pk", "framework"))
    terms, moved = known_terms("framework", {*map(str, frameworks.values())}), set()
    for dimension, framework in frameworks.items():
        filed = Entry.objects.filter(kind=Kind.RATINGS, terms__any=[terms.get(("framework", str(framework)), 0)])
        there = filed.values("object_id")
        rated = Rating.objects.published().filter(dimension=dimension).exclude(pk__in=there).order_by()
        moved |= {*rated.values_list("report", flat=True)}
    return Scope(moved, {Kind.FRAMEWORKS: {*frameworks.values()}})


SOURCES |= {
    Kind.RECOMMENDATIONS: Source(recommendation_items, every(Report), of_report=True),
    Kind.POSITIONS: Source(position_items, every(Report), of_report=True),
    Kind.RATINGS: Source(rating_items, every(Report), of_report=True),
    Kind.CROSSREFERENCES: Source(reference_items, every(Report), of_report=True),
    Kind.QUESTIONS: Source(question_items, every(Question)),
    Kind.AREAS: Source(area_items, every(PolicyArea)),
    Kind.ACTORS: Source(kind_items(Actor), every(Actor)),
    Kind.INSTRUMENTS: Source(kind_items(Instrument), every(Instrument)),
    Kind.SUBJECTS: Source(subject_items, every(Subject)),
    Kind.FRAMEWORKS: Source(framework_items, every(Framework)),
    Kind.EVENTS: Source(event_items, every(Event), dated=OLDEST),
}
REACH |= {
    **{model: reports_of(model) for model in (Recommendation, Position, Rating, Resolution)},
    **{model: owners_reach(model) for model in (Evidence, FollowUp)},
    CrossReference: reference_reach,
    Question: question_reach,
    PolicyArea: area_reach,
    Actor: alone(Kind.ACTORS),
    Instrument: alone(Kind.INSTRUMENTS),
    Subject: lambda ids: Scope(others={Kind.SUBJECTS: above(ids)}),
    Framework: alone(Kind.FRAMEWORKS),
    Dimension: dimension_reach,
    Event: alone(Kind.EVENTS),
}
AROUND.append(around)
