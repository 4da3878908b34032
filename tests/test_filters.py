"""The filters that pages and API share: strict, by slug, each row once."""

import pytest
from django.http import QueryDict

from portal import filters
from recommendations.filters import (
    EventFilterSet,
    PositionFilterSet,
    QuestionFilterSet,
    RatingFilterSet,
    RecommendationFilterSet,
)
from recommendations.models import Position, Question, Rating, Recommendation
from reports.filters import AuthorFilterSet, ReportFilterSet
from reports.models import Author, Event, Report
from tests import factories as make
from tests.indexing import current

pytestmark = pytest.mark.django_db


def narrowed(query, filterset=RecommendationFilterSet, queryset=None):
    """Return the filterset of a query string over what is published."""
    queryset = Recommendation.objects.published() if queryset is None else queryset
    current()
    return filterset(QueryDict(query), queryset=queryset)


def keys(query, **kwargs):
    found = narrowed(query, **kwargs)
    assert found.is_valid(), found.errors
    return [row.key for row in found.qs.order_by("pk")]


@pytest.fixture
def advice():
    """Three rows: A in 2019 on a child area, B and C in 2021; C is a preface that repeats B; D is a draft's."""
    parent = make.area(slug="technology")
    child = make.area(slug="standards", parent=parent)
    both, one = make.actor(slug="both-governments"), make.actor(slug="cn-government")
    older = make.report(slug="older", date="2019-12-09")
    newer = make.report(slug="newer", date="2021")
    make.contribution(older, author=make.author(slug="li-si"))
    make.contribution(newer, institution=make.institution(slug="siis"))
    a = make.recommendation(older, key="R01", areas=[child, parent], addressees=[both, one], summary_zh="互认标准。")
    b = make.recommendation(newer, key="R02", areas=[parent], force="may", summary_en="Talk about AI standards.")
    c = make.recommendation(newer, key="R03", areas=[make.area(slug="health")], voice="attributed", made_by=one)
    c.restates.add(b)
    d = make.recommendation(make.report(state="draft"), key="R04", areas=[make.area(slug="hidden")])
    make.contribution(d.report, author=make.author(slug="ghost"))
    return a, b, c, d


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["R01", "R02", "R03"]),
        ("area=standards", ["R01"]),
        ("area=technology", ["R01", "R02"]),
        ("area=health&area=standards", ["R01", "R03"]),
        ("area=technology&force=may", ["R02"]),
        ("area=&force=&q=", ["R01", "R02", "R03"]),
        ("addressee=both-governments&addressee=cn-government", ["R01"]),
        ("made_by=cn-government", ["R03"]),
        ("made_by=authors", ["R01", "R02"]),
        ("made_by=authors&made_by=cn-government", ["R01", "R02", "R03"]),
        ("voice=attributed", ["R03"]),
        ("unit=atomic", ["R01", "R02"]),
        ("unit=restating", ["R03"]),
        ("unit=atomic&unit=restating", ["R01", "R02", "R03"]),
        ("report=older", ["R01"]),
        ("author=li-si", ["R01"]),
        ("institution=siis", ["R02", "R03"]),
        ("year=2019", ["R01"]),
        ("year_min=2020", ["R02", "R03"]),
        ("year_max=2019", ["R01"]),
        ("year_min=2019&year_max=2021", ["R01", "R02", "R03"]),
        ("q=standards", ["R02"]),
        ("q=标准", ["R01"]),
        ("q=ai+TALK", ["R02"]),
        ("q=%25", []),
    ],
)
def test_each_filter(advice, query, expected):
    assert keys(query) == expected


@pytest.mark.parametrize(
    ("query", "name", "value"),
    [
        ("aera=technology", "aera", "aera"),
        ("area=tecnology", "area", "tecnology"),
        ("area=technology&area=nowhere", "area", "nowhere"),
        ("area=hidden&addressee=nobody", "addressee", "nobody"),
        ("author=ghost", "author", "ghost"),
        ("force=maybe", "force", "maybe"),
        ("year=21", "year", "21"),
        ("year_min=soon", "year_min", ""),
        ("ordering=id", "ordering", "id"),
        ("ordering=report__slug", "ordering", "report__slug"),
        ("id=1", "id", "id"),
        ("area__id=1", "area__id", "area__id"),
        ("unit=both", "unit", "both"),
        (f"q={'长' * 201}", "q", ""),
        ("year_min=99999999999999999999", "year_min", ""),
        ("area=\0", "area", "\0"),
    ],
)
def test_what_is_unknown_is_named(advice, query, name, value):
    found = narrowed(query)
    assert not found.is_valid()
    assert name in found.errors
    assert value in str(found.errors[name][0])


@pytest.mark.parametrize(
    ("query", "name", "value"),
    [
        (["area=technology"] * 40 + ["force=may"], "area", "41"),
        (["area=nowhere"] * 900, "area", "900"),
        ([f"made_by={'x' * 201}"], "made_by", "200"),
        ([f"q={'长' * 201}"], "q", "200"),
    ],
)
def test_too_much_is_refused_before_anything_is_asked(advice, django_assert_num_queries, query, name, value):
    found = narrowed("&".join(query))
    with django_assert_num_queries(0):
        assert list(found.errors) == [name] and value in found.errors[name][0]


def test_as_much_as_is_taken(advice):
    assert keys("&".join(["area=technology"] * 38 + [f"q={'S' * 200}", "q=standards"])) == ["R02"]
    assert narrowed(f"report=older{'&report=' * 900}").is_valid()


def test_facets_count_what_the_other_filters_leave(advice):
    found = narrowed("area=technology")
    assert found.is_valid()
    facets = {facet["name"]: {v.value: v.count for v in facet["values"]} for facet in found.facets()}
    assert facets["area"] == {"technology": 2, "health": 1, "standards": 1}
    assert facets["force"] == {"should": 1, "may": 1}
    assert facets["made_by"] == {"authors": 2}
    assert facets["report"] == {"older": 1, "newer": 1}
    assert "ghost" not in str(facets) and "hidden" not in str(facets)


def test_a_chosen_value_stays_in_its_facet_even_at_nought(advice):
    found = narrowed("area=health&force=may")
    assert found.is_valid()
    facets = {facet["name"]: facet["values"] for facet in found.facets()}
    health = next(value for value in facets["area"] if value.value == "health")
    assert (health.count, health.chosen) == (0, True)
    assert [chip["value"] for chip in found.chips()] == ["health", "may"]


def test_every_facet_value_leads_to_as_many_rows_as_it_says(advice):
    found = narrowed("")
    assert found.is_valid()
    for facet in found.facets():
        for value in facet["values"] + facet["more"]:
            assert len(keys(f"{facet['name']}={value.value}")) == value.count, (facet["name"], value)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("ordering=date", ["R01", "R03", "R02"]),
        ("ordering=-date", ["R02", "R03", "R01"]),
        ("ordering=report", ["R02", "R03", "R01"]),
        ("ordering=-report", ["R01", "R03", "R02"]),
    ],
)
def test_ordering(advice, query, expected):
    found = narrowed(query)
    assert found.is_valid()
    rows = found.qs.in_bulk()
    assert [rows[pk].key for pk in found.keys()] == expected


def test_a_symposium_stands_for_its_essays():
    whole = make.report(slug="whole")
    essay = make.report(slug="essay", part_of=whole, place=1)
    hidden = make.report(slug="draft-essay", part_of=whole, place=2, state="draft")
    for report, key in ((whole, "R01"), (essay, "R02"), (hidden, "R03")):
        make.recommendation(report, key=key)
    assert keys("report=whole") == ["R01", "R02"]
    assert keys("report=essay") == ["R02"]


def test_other_lists():
    report = make.report(kind="essay")
    holder = make.actor(slug="who")
    question = make.question(slug="should-it", kind="predictive")
    make.position(report, key="P01", question=question, holder=holder, voice="attributed", stance=-1, hedge="likely")
    make.rating(report, key="T01", subject=make.subject(slug="ai"))
    writer = make.author(slug="li-si", name_zh="李四", name_en="Li Si")
    make.contribution(report, author=writer)
    make.mention(report, make.event(slug="summit", date="2020"))
    for query in (
        "holder=who",
        "stance=-1",
        "kind=predictive",
        "question=should-it",
        "hedge=likely",
        "voice=attributed",
    ):
        assert keys(query, filterset=PositionFilterSet, queryset=Position.objects.published()) == ["P01"]
    assert not keys("stance=2", filterset=PositionFilterSet, queryset=Position.objects.published())
    assert keys("subject=ai", filterset=RatingFilterSet, queryset=Rating.objects.published()) == ["T01"]
    questions = Question.objects.published()
    assert narrowed("holder=who&ordering=documents", QuestionFilterSet, questions).qs.get() == question
    for query in ("q=李", "q=lisi", "q=li+si", "q=ls"):
        assert narrowed(query, AuthorFilterSet, Author.objects.published()).qs.get() == writer
    assert narrowed("kind=essay&author=li-si", ReportFilterSet, Report.objects.published()).qs.get() == report
    assert narrowed("year_max=2020&year_min=2020", EventFilterSet, Event.objects.published()).qs.get().slug == "summit"


def test_a_hidden_answer_is_not_found_by_who_gave_it():
    """Everything here is public by itself; only the answer, and the affiliation, stand in a draft."""
    draft, shown = make.report(state="draft"), make.report()
    asked, asker = make.question(slug="asked"), make.actor(slug="asker")
    make.position(shown, question=asked)
    make.position(shown, holder=asker, voice="attributed")
    make.position(draft, question=asked, holder=asker, voice="attributed")
    found = narrowed("holder=asker", QuestionFilterSet, Question.objects.published())
    assert found.is_valid() and asked not in found.qs
    counts = {v.value: v.count for f in found.facets() if f["name"] == "holder" for v in f["values"]}
    assert counts == {"asker": 1}

    person, employer = make.author(slug="person"), make.institution(slug="employer")
    make.contribution(shown, author=person)
    make.contribution(shown, institution=employer)
    make.contribution(draft, author=person).affiliations.add(employer)
    found = narrowed("institution=employer", AuthorFilterSet, Author.objects.published())
    assert found.is_valid() and not found.qs.exists()
    assert "institution" not in {facet["name"] for facet in narrowed_facets("", AuthorFilterSet, Author)}


def narrowed_facets(query, filterset, model):
    found = narrowed(query, filterset, model.objects.published())
    assert found.is_valid()
    return found.facets()


def test_a_chosen_value_that_is_not_among_those_named_has_its_own_count(monkeypatch):
    area = make.area()
    authors = [make.author() for _ in range(3)]
    for at, author in enumerate(authors):
        report = make.report(date=f"202{at}")
        make.contribution(report, author=author)
        for _ in range(at + 1):
            make.recommendation(report, [area])
    current()
    monkeypatch.setattr(filters, "FEW", 1)
    monkeypatch.setattr(filters, "NEWEST", 1)
    chosen = f"area={area.slug}&" + "&".join(f"author={author.slug}" for author in authors[:2])
    filterset = RecommendationFilterSet(QueryDict(chosen), queryset=Recommendation.objects.published())
    (facet,) = [facet for facet in filterset.facets() if facet["name"] == "author"]
    told = {value.value: (value.count, value.chosen) for value in facet["values"]}
    oldest, older, newest = (author.slug for author in authors)
    assert told == {newest: (3, False), older: (2, True), oldest: (1, True)}
