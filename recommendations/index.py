"""What recommendations, positions, ratings, their relations and their vocabulary give the index."""

from collections import defaultdict
from itertools import chain

from django.db.models import F

from portal.index import AROUND, OLDEST, REACH, SOURCES, Item, Scope, Source, known_terms
from portal.models import Entry, Kind
from recommendations.models import (
    ENOUGH,
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
    agreement,
    own_answers,
    spread,
)
from reports.index import alike, alone, bases, every, made, names, ranked, report_terms, reports_of, row_item, sort_name
from reports.models import Event, Mention, Report, squeezed_text

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


def area_terms():
    """Return {area id: the terms of what is filed there, and so under every area above it}."""
    return {pk: {("area", str(above)) for above in line} for pk, line in lineage().items()}


def actor_terms(facet, *ids):
    return {(facet, str(pk) if pk else AUTHORS) for pk in ids}


def linked(relation, ids, path="__report"):
    """Return {row id: [ids]} of a many-to-many relation, for rows whose report, or what `path` says, has these ids."""
    own, other = relation.field.m2m_field_name(), relation.field.m2m_reverse_field_name()
    rows = relation.through.objects.filter(**{f"{own}{path}__in": ids}).order_by()
    found = defaultdict(list)
    for pk, beside in rows.values_list(own, other):
        found[pk].append(beside)
    return found


def quotations(owner, reports):
    """Return {row id: [words of the source that stand behind it]}, as far as the texts of the reports are held."""
    held = {pk: report.source for pk, report in reports.items() if report.source}
    found = defaultdict(list)
    if held:
        rows = Evidence.objects.filter(**{f"{owner}__report__in": held}).order_by(*Evidence._meta.ordering)
        for report, pk, start, end in rows.values_list(f"{owner}__report", owner, "start", "end"):
            found[pk].append(squeezed_text(*held[report]).slice(start, end))
    return found


def coded_rows(model, reports, *columns):
    """Return the rows of reports, in no order, with the columns that every coded row gives the index and these."""
    shared = "pk", "report_id", "order", "key", "summary_zh", "summary_en"
    return model.objects.filter(report__in=reports).order_by().values_list(*shared, *columns, named=True)


def coded_item(row, rank, report, terms, *body):
    """Return the item of a coded row: filed under its report, who made that and when, found by summary and body."""
    return row_item(row, rank, report, terms | report.terms, [row.summary_zh, row.summary_en], body)


def recommendation_items(ids):
    reports, filed = made(bases(ids)), area_terms()
    areas, addressees, instruments = (
        linked(relation, reports)
        for relation in (Recommendation.areas, Recommendation.addressees, Recommendation.instruments)
    )
    repeats = Recommendation.objects.filter(report__in=reports, restates__in=Recommendation.objects.published())
    restating = {*repeats.order_by().values_list("pk", flat=True)}
    umbrellas = {*Recommendation.objects.filter(parent__report__in=reports).order_by().values_list("parent", flat=True)}
    quoted = quotations("recommendation", reports)
    columns = "action_type", "force", "standing", "voice", "made_by_id", "condition_zh", "condition_en"
    rows = coded_rows(Recommendation, reports, *columns)
    for row, rank in ranked(rows, lambda row: (row.pk in restating, row.order, row.key)):
        unit = "restating" if row.pk in restating else "umbrella" if row.pk in umbrellas else "atomic"
        terms = {
            ("action_type", row.action_type),
            ("force", row.force),
            ("standing", row.standing),
            ("voice", row.voice),
            ("unit", unit),
            *actor_terms("made_by", row.made_by_id),
            *actor_terms("addressee", *addressees[row.pk]),
            *(term for area in areas[row.pk] for term in filed[area]),
            *(("instrument", str(pk)) for pk in instruments[row.pk]),
        }
        if unit == "atomic":
            terms.add(("counted", row.voice))
        texts = row.condition_zh, row.condition_en, *quoted[row.pk]
        yield coded_item(row, rank, reports[row.report_id], terms, *texts)


def horizon_word(horizon):
    """Return the word by which forecasts are filtered: a stretch of time, `dated` or `unsaid`."""
    return "unsaid" if not horizon else "dated" if horizon[0].isdigit() else horizon


def position_items(ids):
    reports, filed = made(bases(ids)), area_terms()
    columns = "question_id", "holder_id", "voice", "stance", "hedge", "horizon", "condition_zh", "condition_en"
    rows = list(coded_rows(Position, reports, *columns))
    asked = {row.question_id for row in rows}
    areas = linked(Question.areas, asked, "")
    of_question = "kind", "text_zh", "text_en", "outcome"
    questions = Question.objects.filter(pk__in=asked).order_by().values_list("pk", *of_question, named=True)
    questions = {question.pk: question for question in questions}
    told = outcomes(pk for pk, question in questions.items() if not question.outcome)
    quoted = quotations("position", reports)
    for row, rank in ranked(rows, lambda row: (row.order, row.key)):
        question = questions[row.question_id]
        terms = {
            ("kind", question.kind),
            ("question", str(question.pk)),
            ("voice", row.voice),
            ("stance", str(row.stance)),
            ("hedge", row.hedge),
            *actor_terms("holder", row.holder_id),
            *(term for area in areas[question.pk] for term in filed[area]),
        }
        if question.kind == Question.Kind.PREDICTIVE:
            outcome = question.outcome or told.get(question.pk)
            result = Position.ending(row.stance, outcome) if outcome else Position.Result.OPEN
            terms |= {("horizon", horizon_word(row.horizon)), ("outcome", str(result))}
        texts = question.text_zh, question.text_en, row.condition_zh, row.condition_en, *quoted[row.pk]
        item = coded_item(row, rank, reports[row.report_id], terms, *texts)
        item.number = row.stance
        yield item


def outcomes(questions):
    """Return {question id: the outcome that the newest public report to tell of it tells}."""
    found = {}
    rows = Resolution.objects.published().filter(question__in=list(questions)).order_by(*Resolution.NEWEST)
    for question, outcome in rows.values_list("question", "outcome"):
        found.setdefault(question, outcome)
    return found


def rating_items(ids):
    reports = bases(ids)
    rows = coded_rows(Rating, reports, "dimension__framework", "subject_id", "basis", "level", "assessor_id")
    quoted = quotations("rating", made(reports)) if rows else {}
    for row, rank in ranked(rows, lambda row: (row.order, row.key)):
        terms = {
            ("framework", str(row.dimension__framework)),
            ("subject", str(row.subject_id)),
            ("basis", row.basis),
            *([("level", row.level)] if row.level else []),
            *actor_terms("assessor", row.assessor_id),
        }
        yield coded_item(row, rank, reports[row.report_id], terms, *quoted[row.pk])


def reference_items(ids):
    """Relations stand with the report that they start from."""
    columns = "pk", "kind", "rationale_zh", "rationale_en", "target__report__slug", "target__report__part_of"
    of_end = "pk", "report_id", "order", "key", "summary_zh", "summary_en"
    of_ends = (f"{end}__{column}" for end in ("source", "target") for column in of_end)
    reports = bases(ids)
    rows = CrossReference.objects.published().filter(source__report__in=reports).order_by()
    rows = rows.annotate(report_id=F("source__report")).values_list("report_id", *columns, *of_ends, named=True)

    def order(row):
        target = row.target__report__slug, row.target__order, row.target__key
        return row.source__order, row.source__key, *target, row.kind

    for row, rank in ranked(rows, order):
        report = reports[row.report_id]
        terms = report.terms | report_terms(row.target__report_id, row.target__report__part_of)
        terms |= {("kind", row.kind), ("end", str(row.source__pk)), ("end", str(row.target__pk))}
        told = row.source__summary_zh, row.source__summary_en, row.target__summary_zh, row.target__summary_en
        yield row_item(row, rank, report, terms, [row.rationale_zh, row.rationale_en], told)


def question_items(ids):
    filed, areas = area_terms(), linked(Question.areas, ids, "")
    terms, reports, memo = defaultdict(set), defaultdict(set), {}
    answers = Position.objects.published().filter(question__in=ids).order_by()
    for question, report, part_of, holder in answers.values_list("question", "report", "report__part_of", "holder"):
        if report not in reports[question]:
            reports[question].add(report)
            if report not in memo:
                memo[report] = report_terms(report, part_of)  # one for all questions: a report answers many
            terms[question] |= memo[report]
        if holder:
            terms[question].add(("holder", str(holder)))
    own = own_answers(question__in=ids).annotate(spread=spread())
    own = {pk: told for pk, *told in own.values_list("question", "n", "low", "high", "spread")}
    columns = "pk", "slug", "kind", "text_zh", "text_en"
    for pk, slug, kind, *texts in Question.objects.filter(pk__in=reports).order_by().values_list(*columns):
        n, low, high, contention = own.get(pk, (0, None, None, None))
        terms[pk] |= {("question", str(pk)), ("kind", kind), ("agreement", str(agreement(n, low, high)))}
        terms[pk].update(term for area in areas[pk] for term in filed[area])
        number = contention if n >= ENOUGH else None
        yield Item(pk, slug, number=number, documents=len(reports[pk]), terms=terms[pk], head=texts)


def area_items(ids):
    filed = area_terms()
    for row in PolicyArea.objects.filter(pk__in=ids).order_by():
        yield Item(row.pk, sort_name(row), terms=filed[row.pk], **names(row))


def kind_items(model):
    """Return the items of a vocabulary whose rows have a kind."""

    def items(ids):
        for row in model.objects.published().filter(pk__in=ids).order_by():
            yield Item(row.pk, sort_name(row), terms={("kind", row.kind)}, **names(row))

    return items


def subject_items(ids):
    terms = defaultdict(set)
    ratings = Rating.objects.published().filter(subject__in=ids).order_by()
    for pk, framework, *reports in ratings.values_list("subject", "dimension__framework", "report", "report__part_of"):
        terms[pk] |= {("framework", str(framework)), *report_terms(*reports)}
    for row in Subject.objects.published().with_above().filter(pk__in=ids).with_counts().order_by():
        yield Item(row.pk, sort_name(row), documents=row.report_count, terms=terms[row.pk], **names(row))


def framework_items(ids):
    reports = defaultdict(set)
    ratings = Rating.objects.published().filter(dimension__framework__in=ids).order_by()
    for pk, *ends in ratings.values_list("dimension__framework", "report", "report__part_of"):
        reports[pk] |= report_terms(*ends)
    for row in Framework.objects.published().filter(pk__in=ids).with_counts().order_by():
        texts = {"head": [row.title_zh, row.title_en], "body": [row.description_zh, row.description_en]}
        yield Item(row.pk, row.slug, documents=row.report_count, terms=reports[row.pk], **texts)


def event_items(ids):
    filed, terms = area_terms(), {}
    mentions = Mention.objects.published().filter(event__in=ids).order_by()
    for pk, *reports in mentions.values_list("event", "report", "report__part_of").distinct():
        terms.setdefault(pk, set()).update(report_terms(*reports))
    areas = PolicyArea.events.through.objects.filter(event__in=terms).order_by()
    for pk, area in areas.values_list("event", "policyarea"):
        terms[pk] |= filed[area]
    for row in Event.objects.filter(pk__in=terms).order_by():
        texts = [row.title_zh, row.title_en]
        yield Item(row.pk, row.slug, date=row.date, date_end=row.date_end, terms=terms[row.pk], head=texts)


def around(ids):
    """Return the vocabulary that rows of these reports use, and other reports whose rows depend on theirs.

    A row may repeat one of another report, a report may decide another's forecasts, a relation stands with its source.
    """
    advice = Recommendation.objects.filter(report__in=ids).order_by()
    answers = Position.objects.filter(report__in=ids).order_by()
    ratings = Rating.objects.filter(report__in=ids).order_by()
    told = {*Resolution.objects.filter(report__in=ids).order_by().values_list("question", flat=True)}
    # Each asked by itself: one question after four relations at once would pair every row with every other.
    actors = (
        *(advice.values_list(name, flat=True) for name in ("made_by", "addressees")),
        answers.values_list("holder", flat=True),
        ratings.values_list("assessor", flat=True),
    )
    reports = (
        Recommendation.objects.order_by().filter(restates__in=advice).values_list("report", flat=True),
        CrossReference.objects.order_by().filter(target__in=advice).values_list("source__report", flat=True),
        Position.objects.order_by().filter(question__in=told).values_list("report", flat=True),
    )
    return Scope(
        {*chain(*reports)},
        {
            Kind.ACTORS: {*chain(*actors)} - {None},
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
    terms = known_terms(("area", str(above)) for pk in below for above in lines[pk])
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
    terms, moved = known_terms(("framework", str(pk)) for pk in frameworks.values()), set()
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
    Kind.QUESTIONS: alike(Question.objects.all, question_items),
    Kind.AREAS: alike(PolicyArea.objects.all, area_items),
    Kind.ACTORS: alike(Actor.objects.all, kind_items(Actor)),
    Kind.INSTRUMENTS: alike(Instrument.objects.all, kind_items(Instrument)),
    Kind.SUBJECTS: alike(Subject.objects.all, subject_items),
    Kind.FRAMEWORKS: alike(Framework.objects.all, framework_items),
    Kind.EVENTS: alike(Event.objects.all, event_items, OLDEST),
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
