"""The list shape that every list page has, and the pages that belong to no one app."""

from dataclasses import asdict, replace
from urllib.parse import urlencode

from django.db import DatabaseError, connection
from django.http import HttpResponse, JsonResponse, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import resolve, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal import export, index, words
from portal.excerpt import in_order, sifted
from portal.filters import RELEVANCE
from portal.models import Entry, Kind
from portal.paging import BrokenCursor, Keyset, Page
from portal.shelf import Shelf
from portal.text import told
from recommendations import band, comparison, completion, forecasting
from recommendations import search as everywhere
from recommendations.export import EVENTS, FORECASTS
from recommendations.filters import EventFilterSet, ForecastFilterSet
from recommendations.models import STANCE_WORDS, STANCES, Actor, Position, Question, Rating, Voice
from reports.models import Event, Report

PAGE_SIZE = 20
RIVER = 12  # documents on the front page
EVENTS_MOST = 200  # events on one timeline
FORECASTS_MOST = 10_000  # forecasts that are summed up at once
RECORDS = 40  # documents, and holders, whose forecasts are summed up on one page
HOLDERS = 12  # who are named under one stance, or with one axis, on the front page
STRIP = 6  # questions in the strip of disagreements

drawings = Shelf(most=4_000)  # rows of lists as HTML, of two thousand characters or so


def listing(
    request,
    filterset_class,
    queryset,
    template,
    *,
    table,
    row="",
    fetch="in_bulk",
    size=PAGE_SIZE,
    summary=None,
    along=None,
    **context,
):
    """Answer with one page, `size` rows long, of a filtered list, its facets and chips.

    `row` is the template of one row, which wants it under the name of its model and says the same to everybody who
    reads its language; with it, `drawn` has the rows as HTML, and `page_obj` the entries of the index alone.

    Where `format` asks for another form, answer with the rows as `table` tells them: see portal.export. An unknown
    parameter or value is a 400 that names it. `context` is added to the template's, which also has `filterset`,
    `page_obj`, `facets`, `chips`, `total` and `data`; with `summary`, a function of the valid filterset, `summary` too.
    `fetch` is the method of the queryset that returns {primary key: row}; `along` is called with the rows of the page,
    to give them what no queryset brings along.
    """
    filterset = filterset_class(request.GET, queryset=queryset, request=request)
    if errors := list_errors(request, filterset):
        return refusal(request, errors)
    if export.form_of(request):
        return as_data(request, filterset, table, fetch=getattr(table.prepare(queryset), fetch))
    try:
        page = page_of(request, Keyset(filterset.ordered(), size, only=["object_id"]))
    except BrokenCursor as broken:
        return refusal(request, {"cursor": [str(broken)]})
    fetch = getattr(queryset, fetch)
    rows = page.rows if row else found(fetch, page.rows)
    if along:
        along(rows)
    shown = {
        "filterset": filterset,
        "page_obj": replace(page, rows=rows),
        "drawn": drawn(fetch, page.rows, row) if row else (),
        "data": export.links(request, table),
        **beside(request, filterset, summary),
    }
    return render(request, template, shown | context)


def beside(request, filterset, summary=None):
    """Return what stands beside the rows of a list, made when it is asked for: most pages have it already."""
    made = {
        "total": lambda: filterset.total,
        "facets": filterset.facets,
        "chips": lambda: chips(request, filterset),
        "sorting": lambda: sorting(request, filterset),
        "summary": lambda: summary and summary(filterset),
    }
    return {name: SimpleLazyObject(make) for name, make in made.items()}


def found(fetch, entries):
    """Return the rows of entries of the index, as `fetch` returns them, {key: row}; one that has gone is left out."""
    rows = fetch([entry.object_id for entry in entries])
    return [rows[entry.object_id] for entry in entries if entry.object_id in rows]


def drawn(fetch, entries, template):
    """Return the rows of entries as HTML, each drawn once for as long as the corpus stays as it is."""
    held = drawings(index.version().number, template, get_language())
    wanted = [entry.object_id for entry in entries]
    for pk, row in fetch([pk for pk in wanted if pk not in held]).items():
        held[pk] = render_to_string(template, {row._meta.model_name: row})
    return [held[pk] for pk in wanted if pk in held]


def page_of(request, pages):
    """Return the page of a Keyset or Sequence that a request asks for; raise BrokenCursor for what is none of it."""
    return pages.page(request.GET.get("cursor", "").strip())


def chips(request, filterset):
    """Return the active filters, each with the address of this page without it."""
    return [chip | {"url": without(request, chip)} for chip in filterset.chips()]


def list_errors(request, filterset):
    """Return what of a list's address is not understood, {parameter: [reason]}."""
    return filterset.errors | export.errors(request)


def as_data(request, filterset, table, keys=None, fetch=None):
    """Answer with the rows of a list in another form.

    A page whose order is not that of its filter gives the primary keys in its order; and `fetch`, where its rows are
    not simply those of the table, which returns {key: row}.
    """
    keys = filterset.keys() if keys is None else keys
    fetch = fetch or table.prepare(filterset.queryset).in_bulk
    # By address, because pages and API stand side by side and neither may import the other.
    objects = resolve(reverse(f"api-{table.endpoint}-list")).func.cls.objects
    words = [str(chip["text"]) for chip in filterset.chips()]
    return export.answer(request, table, keys, fetch, objects, words)


def refusal(request, errors):
    """Answer 400 with each parameter that was not understood, and why."""
    return render(request, "400.html", {"errors": errors}, status=400)


def without(request, chip):
    """Return this page's address without one chosen value, and from the first page on."""
    query = request.GET.copy()
    query.pop("cursor", None)
    query.setlist(chip["name"], [value for value in query.getlist(chip["name"]) if value != chip["value"]])
    return f"{request.path}?{query.urlencode()}" if query else request.path


def sorting(request, filterset):
    """Return the ways to sort a list: [{label, url, current}], the first being the default."""
    chosen = filterset.given.get("ordering") or []
    found = []
    words = filterset.filters["ordering"].words
    if filterset.active.get("q"):
        words = words | {RELEVANCE: _("most relevant first")}
    for place, (word, label) in enumerate(words.items()):
        query = request.GET.copy()
        query.pop("cursor", None)
        query["ordering"] = word
        current = chosen == [word] or not chosen and place == 0
        found.append({"label": label, "url": f"{request.path}?{query.urlencode()}", "current": current})
    return found


@require_safe
@never_cache
def healthz(request):
    """Say that the process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request):
    """Say whether the database answers: 200, or 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"database": "down"}, status=503)
    return JsonResponse({"database": "ok"})


@require_safe
def front(request):
    """The front page: what the data itself says is worth reading, no more."""
    chosen = front_questions()
    stories, opposed = ([story(question) for question in chosen[part]] for part in ("stories", "strip"))
    named([*stories, *opposed])
    lead, *others = stories or [None]
    river = Entry.objects.of_kind(Kind.REPORTS).order_by("place").values_list("object_id", flat=True)[:RIVER]
    context = {
        "lead": lead,
        "second": others[:2],
        "third": others[2:4],
        "ratings": rating_story(),
        "strip": opposed,
        "river": in_order(list(river), Report.objects.in_bulk),
    }
    return render(request, "portal/front.html", context)


def front_questions():
    """Choose the questions of the front page from the data.

    {"stories": […], "strip": […]}. The lead is what most documents answer in more than one voice; then what documents
    themselves answer both ways; then, kind by kind, what most documents answer.
    """
    ranked = Entry.objects.of_kind(Kind.QUESTIONS).order_by("-documents", "name")
    ranked, every = list(ranked.values_list("object_id", flat=True)), Question.objects.all()
    kinds = [sifted(ranked, every.filter(kind=kind), 4) for kind in ("normative", "evaluative", "predictive")]
    wanted = [
        *sifted(ranked, every.in_voices(Voice.OWN).in_voices(Voice.JOINT, Voice.ATTRIBUTED), 1),
        *sifted(ranked, every.opposed("own", "joint"), 2),
        *(pk for three in zip(*kinds, strict=False) for pk in three),
    ]
    wanted = in_order(list(dict.fromkeys(wanted)), every.prefetch_related("areas").in_bulk)
    stories = unlike_areas(wanted, 5)
    strip = [pk for pk in sifted(ranked, every.opposed(), STRIP + len(stories)) if pk not in stories[:3]][:STRIP]
    found = Question.objects.prefetch_related("areas").in_bulk({*stories, *strip})
    answers = Position.objects.published().told(found)
    for pk, question in found.items():
        question.answers = answers[pk]
    return {"stories": [found[pk] for pk in stories], "strip": [found[pk] for pk in strip]}


def unlike_areas(questions, n):
    """Return the ids of up to n questions, passing over an area that has had its turn while others wait."""
    seen, first, later = set(), [], []
    for question in questions:
        areas = {area.pk for area in question.areas.all()}
        (later if areas & seen else first).append(question.pk)
        seen |= areas
    return (first + later)[:n]


def story(question):
    """Return what the front page prints of a question: its finding in words, a few answers, its two hands."""
    positions = question.answers
    return {
        "question": question,
        "area": next(iter(question.areas.all()), None),
        "finding": comparison.debate(question.kind, positions),
        "documents": len({position.report_id for position in positions}),
        "voices": comparison.by_voice(positions),
        "answers": unlike(positions, 3),
        "yes": hand(question.kind, [position for position in positions if position.stance > 0]),
        "no": hand(question.kind, [position for position in positions if position.stance < 0]),
    }


def unlike(positions, n):
    """Return up to n answers from different documents, as unlike in voice and stance as there are."""
    chosen, left = [], sorted(positions, key=lambda p: (p.voice != "own", p.report_date == "", p.report_date, p.order))
    while left and len(chosen) < n:
        seen = {(p.voice, p.stance) for p in chosen}, {p.voice for p in chosen}, {p.stance for p in chosen}
        left = [p for p in left if p.report_id not in {c.report_id for c in chosen}]
        left.sort(key=lambda p: ((p.voice, p.stance) in seen[0], p.voice in seen[1], p.stance in seen[2]))
        chosen += left[:1]
    return chosen


def hand(kind, positions):
    """Return one hand of a disagreement: Groups by stance, each holder named once in each, and only so many.

    `unnamed` of a Group says how many more there are.
    """
    groups = comparison.by_stance(kind, positions)
    for group in groups:
        once = {(row.holder_key, row.voice): row for row in reversed(group.positions)}
        holders = list(reversed(once.values()))
        group.holders, group.unnamed = holders[:HOLDERS], len(holders[HOLDERS:])
    return groups


def named(stories):
    """Put the rows themselves, with who speaks, in the place of what stories have Told of positions."""
    groups = [group for story in stories for group in (*story["yes"], *story["no"])]
    told = [row for story in stories for row in story["answers"]] + [row for group in groups for row in group.holders]
    rows = Position.objects.select_related("report", "question", "holder").with_speakers()
    held = {row.pk: row for row in comparison.spoken(rows.in_bulk({row.pk for row in told}).values())}
    for story in stories:
        story["answers"] = [held[row.pk] for row in story["answers"] if row.pk in held]
    for group in groups:
        group.holders = [held[row.pk] for row in group.holders if row.pk in held]
    return stories


def rating_story():
    """Return the first subject that is rated at different levels on one axis, [{subject, framework, axes}], or none.

    The axes are [(dimension, ratings, how many more there are)].
    """
    divergent = Rating.objects.published().divergent()
    chosen = divergent.values_list("subject", "dimension__framework").first()
    if not chosen:
        return []
    rows = divergent.filter(subject=chosen[0], dimension__framework=chosen[1])
    axes = {}
    for row in rows.select_related("subject", "dimension__framework", "assessor"):
        axes.setdefault(row.dimension, []).append(row)
    shown = [(axis, theirs[:HOLDERS], len(theirs[HOLDERS:])) for axis, theirs in axes.items()]
    first = next(iter(axes.values()))[0]
    return [{"framework": first.dimension.framework, "subject": first.subject, "axes": shown}]


@require_safe
def forecasts(request):
    """Who expected what, how sure, by when, and what came of it."""
    rows = Position.objects.published().forecasts().with_result().for_list().with_outcomes()
    rows = rows.prefetch_related("follow_ups").order_by("-report__date", "report__slug", "order")
    return listing(
        request,
        ForecastFilterSet,
        rows,
        "portal/forecasts.html",
        table=FORECASTS,
        summary=summed_up,
    )


def summed_up(filterset):
    """Return the track records of the forecasts of a list; of very many only that they are `most` at a time."""
    return {"most": FORECASTS_MOST} if filterset.total > FORECASTS_MOST else track_records(filterset.qs.tally())


def track_records(sorts):
    """Return what forecasts come to: by document and by holder how many, how sure, how many decided; calibration."""
    written, held = (forecasting.records(sorts, name)[:RECORDS] for name in ("report", "holder"))
    return {
        "written": forecasting.named(written, Report.objects.in_bulk([record.who for record in written])),
        "held": forecasting.named(held, Actor.objects.in_bulk([record.who for record in held])),
        "calibration": forecasting.calibration(sorts),
        "calibrated_from": forecasting.CALIBRATED_FROM,
        "decided": forecasting.DECIDED,
    }


@require_safe
def timeline(request):
    """Events year by year with the documents that mention them; goals and target years apart."""
    filterset = EventFilterSet(request.GET, queryset=Event.objects.published().for_list(), request=request)
    if errors := list_errors(request, filterset):
        return refusal(request, errors)
    keys = filterset.keys()
    facts = {pk: told for pk, *told in Event.objects.filter(pk__in=keys).values_list("pk", "target", "date")}
    # Goals last, undated before them
    keys = sorted((pk for pk in keys if pk in facts), key=lambda pk: (facts[pk][0], not facts[pk][1]))
    if export.form_of(request):
        return as_data(request, filterset, EVENTS, keys)
    total = sum(not facts[pk][0] for pk in keys)
    if cut := len(keys) > EVENTS_MOST:
        latest = {*sorted(keys, key=lambda pk: facts[pk][1], reverse=True)[:EVENTS_MOST]}
        keys = [pk for pk in keys if pk in latest]
    events = in_order(keys, Event.objects.with_places().in_bulk)
    years, targets = {}, []
    for event in events:
        if event.target:
            targets.append(event)
        else:
            years.setdefault(event.date[:4], []).append(event)
    context = {
        "filterset": filterset,
        "facets": filterset.facets(),
        "chips": chips(request, filterset),
        "years": list(years.items()),
        "targets": targets,
        "total": total,
        "most": EVENTS_MOST if cut else None,
        "say": band.words(events),
        "bands": [one for scale in (band.WIDE, band.NARROW) if (one := band.band(events, title, scale))],
        "data": export.links(request, EVENTS),
    }
    return render(request, "portal/timeline.html", context)


def title(event):
    return told(event, "title")


@require_safe
def search(request):
    """Everything that a query finds, grouped by kind; page by page where one kind alone is looked for."""
    filterset = everywhere.SearchFilterSet(request.GET, queryset=Report.objects.none(), request=request)
    if not filterset.is_valid():
        return refusal(request, filterset.errors)
    context = {"filterset": filterset, "chips": chips(request, filterset)}
    if not filterset.query:
        return render(request, "portal/search.html", context | {"syntax": syntax()})
    try:
        page, groups = groups_of(request, filterset)
    except BrokenCursor as broken:
        return refusal(request, {"cursor": [str(broken)]})
    for group in groups:
        group.total, group.voices = filterset.totals[group.sort.kind], filterset.voices(group.sort)
        group.list_url, group.own_url = filterset.list_url(group.sort), alone(request, group.sort)
    text = request.GET["q"].strip()
    context |= {
        "asked": text,
        "searched": text,
        "read_as": words.said(filterset.query),
        "found": everywhere.in_words(filterset, groups),
        "groups": groups,
        "most": everywhere.MOST if filterset.partly else None,
        "page_obj": page,
        "facets": filterset.facets(),
        "straight": completion.keyed(text, whole=True),
        "nearby": completion.nearby(
            text, filterset.query, {hit.row.get_absolute_url() for group in groups for hit in group.hits}
        ),
        "unknown": [] if groups else everywhere.unknown_words(filterset.query),
        "data": [
            {"label": label, "url": f"{reverse(name)}?{query.urlencode()}", "type": "application/json", "alternate": ""}
            for label, name, query in (
                ("API", "api-search", request.GET),
                (_("Suggestions"), "portal:suggest", QueryDict(urlencode({"q": text}))),
            )
        ],
    }
    return render(request, "portal/search.html", context)


def syntax():
    """Return how a query is written: [(example, what it finds)]."""
    return [
        (_("cyber dialogue"), _("what has all of the words, in any order")),
        (_("“cyber security”"), _("what has the words one after the other")),
        (_("dialogue -military"), _("what has the first word and not the second")),
        (_("Biden OR Trump"), _("what has one of the two")),
        (_("title:cyber"), _("words in a title, a summary, a question or a name")),
        (_("author:SIIS"), _("what a person or an institution wrote or published")),
        (_("area:technology"), _("what is filed under a policy area or below it")),
        (_("dialogue year:2019..2021"), _("what is dated from one year to another")),
    ]


def groups_of(request, filterset):
    """Return (Page, Groups) of a search: many groups on one page, or one group on many."""
    if filterset.only is None:
        if request.GET.get("cursor", "").strip():
            raise BrokenCursor(_("Only the hits of one kind are told page by page: choose one."))
        return Page([], None, None), everywhere.search(filterset)
    page = page_of(request, Keyset(filterset.ranked(filterset.only.kind), everywhere.ALONE))
    group = everywhere.page_group(filterset, page.rows)
    return page, [group] if group else []


def alone(request, sort):
    """Return the address of a search for one kind alone."""
    query = request.GET.copy()
    query.pop("cursor", None)
    query["type"] = sort.word
    return f"{request.path}?{query.urlencode()}"


@require_safe
def suggest(request):
    """What begins as the reader has begun to write, as JSON for the search box."""
    filterset = completion.SuggestFilterSet(request.GET, queryset=Report.objects.none(), request=request)
    if not filterset.is_valid():
        return JsonResponse({"errors": filterset.errors}, status=400)
    found = completion.suggestions(request.GET.get("q", ""))
    return JsonResponse({"suggestions": [asdict(one) for one in found]})


@require_safe
def codebook(request):
    """How a view came to be coded."""
    return render(request, "portal/codebook.html", {"stances": stance_table()})


def stance_table():
    """Return the words of each stance by kind of question: [(stance, sign, [word])]."""
    signs = dict(Position._meta.get_field("stance").choices)
    return [(stance, signs[stance], [STANCE_WORDS[kind][stance] for kind in Question.Kind]) for stance in STANCES]


@require_safe
def corrections(request):
    """What was published wrongly and put right."""
    return render(request, "portal/corrections.html")
