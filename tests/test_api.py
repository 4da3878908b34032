"""The API: every endpoint, its contract, its strictness, its limits; and that nothing hidden shows through it."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import call_command
from django.db import connection
from django.http import Http404
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from rest_framework.exceptions import NotFound

import reports.api
from portal import api
from portal.text import digest, squeeze
from portal.urls import api_names, api_patterns, api_rows
from recommendations import dossier
from recommendations.filters import MatrixFilterSet
from recommendations.search import SearchFilterSet
from tests import factories as make

pytestmark = pytest.mark.django_db

ENDPOINTS = [rows.endpoint for rows in api_rows]
TEXT = "第一句话说明中美应当恢复官方对话机制。The second sentence asks for common standards. 第三句话到此为止。"

CONTRACT = {
    "recommendations": "key report parent summary_zh summary_en made_by addressees areas action_type force standing "
    "condition_zh condition_en restates evidence cross_references url api_url url_en report_url voice instruments "
    "note_zh note_en parts",
    "positions": "key question report holder voice stance hedge horizon condition_zh condition_en summary_zh "
    "summary_en recommendation evidence url api_url",
    "forecasts": "key question report holder voice stance hedge horizon evidence result outcome outcome_date "
    "outcome_source outcome_report url api_url",
    "ratings": "key framework dimension subject level basis assessor report summary_zh summary_en evidence url api_url",
    "crossreferences": "source target kind state rationale_zh rationale_en url api_url",
    "reports": "slug title_zh title_en kind date date_end date_kind date_note_zh date_note_en part_of parts place "
    "contributions publisher sections source counts url api_url",
    "authors": "slug name_zh name_en aliases reports cited_works url api_url",
    "institutions": "slug name_zh name_en aliases kind reports url api_url",
    "areas": "slug name_zh name_en parent children recommendation_count url api_url",
    "actors": "slug name_zh name_en kind institution author url api_url",
    "instruments": "slug name_zh name_en aliases kind url api_url",
    "subjects": "slug name_zh name_en aliases parent children report_count rating_counts url api_url",
    "questions": "slug text_zh text_en kind areas outcome outcome_date outcome_source counts url api_url",
    "frameworks": "slug title_zh title_en description_zh description_en work dimensions url api_url",
    "works": "slug title_zh title_en people citations report report_count url api_url",
    "citations": "key report mark kind work evidence url api_url",
    "events": "slug title_zh title_en date date_end target areas mentions url api_url",
}


@pytest.fixture(autouse=True)
def unread():
    """What one test has quoted, the next reads again."""
    reports.api.quotes.clear()


def get(client, path, status=200):
    response = client.get(path if "/api/v1/" in path else f"/api/v1/{path}")
    assert response.status_code == status, response.content
    assert response["Access-Control-Allow-Origin"] == "*"
    return response.json()


def some(model, values, word):
    """Return values for every text of a model, with a word in each."""
    columns = [f.name for f in model._meta.concrete_fields if f.name.endswith(("_zh", "_en", "_as_printed"))]
    columns = [name for name in columns if name not in values]
    return values | {name: f"{word} {name}" for name in columns}


def world(word="sample", area=None, **report_values):
    """One of each thing, all of it hanging on one report, with `word` in every text; return it by endpoint."""
    from recommendations import models as advice_models
    from reports import models as report_models

    number = next(make.numbers)

    def of(factory, model, *args, **values):
        return factory(*args, **some(model, values, word))

    def slugged(factory, model, *args, **values):
        return of(factory, model, *args, slug=f"{word}-{number}-{model.__name__.lower()}", **values)

    r, a = report_models, advice_models
    text = make.source_text(f"{word}{TEXT}", file_name=f"{word}.txt")
    publisher = slugged(make.institution, r.Institution, aliases=[word])
    report = slugged(
        make.report, r.Report, text, publisher=publisher, container=word, doi=word, pages=word, volume=word,
        **report_values,
    )  # fmt: skip
    make.section(report, 0, 60, parent=make.section(report, 0, len(squeeze(text.text))), heading_zh=word)
    author = slugged(make.author, r.Author, aliases=[word])
    contribution = of(make.contribution, r.Contribution, report, author=author)
    contribution.affiliations.add(publisher)
    actor = slugged(make.actor, a.Actor, author=author, institution=publisher)
    work = slugged(make.work, r.Work, authors=word, container=word, url=f"https://example.org/{word}")
    citation = of(make.citation, r.Citation, report, work=work, locator=word, start=2, end=20, digest="0" * 12)
    event = slugged(make.event, r.Event)
    of(make.mention, r.Mention, report, event)
    area = area or make.area(parent=make.area())
    umbrella = of(make.recommendation, a.Recommendation, report, areas=[area], addressees=[actor])
    advice = of(
        make.recommendation, a.Recommendation, report, areas=[area, area.parent], addressees=[actor], parent=umbrella,
        voice="attributed", made_by=actor, instruments=[slugged(make.instrument, a.Instrument)],
    )  # fmt: skip
    preface = of(make.recommendation, a.Recommendation, report, areas=[area])
    preface.restates.add(advice)
    other = make.recommendation(make.report(**report_values), areas=[area])
    reference = of(make.cross_reference, a.CrossReference, advice, other, kind="refines")
    question = slugged(make.question, a.Question, areas=[area], kind="predictive")
    of(make.resolution, a.Resolution, report, question, start=2, end=20, digest="0" * 12)
    position = of(
        make.position, a.Position, report, question=question, voice="attributed", holder=actor, recommendation=advice
    )
    framework = slugged(make.framework, a.Framework, work=work)
    subject = slugged(make.subject, a.Subject, parent=slugged_parent(word, number))
    rating = of(make.rating, a.Rating, report, framework.dimensions.first(), subject=subject, assessor=actor)
    for row in (umbrella, advice, preface, position, rating):
        make.evidence(row, 3, 25)
        make.evidence(row, 30, 60)
    return {
        "reports": report, "authors": author, "institutions": publisher, "areas": area, "actors": actor,
        "recommendations": advice, "questions": question, "positions": position, "forecasts": position,
        "crossreferences": reference,
        "frameworks": framework, "ratings": rating, "works": work, "citations": citation, "events": event,
        "instruments": advice.instruments.get(), "subjects": subject,
    }  # fmt: skip


def slugged_parent(word, number):
    return make.subject(slug=f"{word}-{number}-above", name_zh=word, name_en=word)


def address(endpoint, row):
    return reverse(f"api-{endpoint}-detail", args=row.natural_key())


# --- what is there ---------------------------------------------------------------------------------------------------


def test_every_endpoint_is_here():
    assert set(ENDPOINTS) == set(CONTRACT)
    names = {pattern.name for pattern in api_patterns}
    assert names == {
        "api-root",
        "api-matrix",
        "api-compare",
        "api-search",
        "schema",
        "api-dossier-schema",
        "api-dumps",
        "api-dump",
        "api-dump-file",
        None,
    } | {f"api-{endpoint}-{shape}" for endpoint in ENDPOINTS for shape in ("list", "detail")}


def test_the_root_names_every_address(client):
    root = get(client, "")
    assert set(root) == set(ENDPOINTS) | {"matrix", "compare", "search", "dumps", "schema", "dossier_schema"}
    for name, path in root.items():
        get(client, urlsplit(path).path, 400 if name in ("compare", "search") else 200)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_list_and_detail(client, endpoint):
    row = world()[endpoint]
    listed = get(client, f"{endpoint}/?page_size=100")
    assert set(listed) == {"next", "previous", "results"}
    assert set(CONTRACT[endpoint].split()) <= set(listed["results"][0])
    for found in listed["results"]:
        detail = get(client, urlsplit(found["api_url"]).path)
        assert {name: detail[name] for name in found} == found
    assert address(endpoint, row) in [urlsplit(found["api_url"]).path for found in listed["results"]]
    for page, prefix, code in ((found["url"], "zh", "zh-hans"), (found["url_en"], "en", "en")):
        assert page.startswith(f"http://testserver/{prefix}/")
        with translation.override(code):
            assert resolve(urlsplit(page).path).app_names


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_no_database_id_is_told(client, endpoint):
    def members(value):
        if isinstance(value, dict):
            yield from value
            value = list(value.values())
        if isinstance(value, list):
            for part in value:
                yield from members(part)

    row = world()[endpoint]
    for path in (f"{endpoint}/", address(endpoint, row)):
        names = set(members(get(client, path)))
        assert not {name for name in names if name in ("id", "pk") or name.endswith("_id")}
        assert "state" not in names or endpoint in ("crossreferences", "recommendations")


def test_a_recommendation(client):
    made = world()
    row = made["recommendations"]
    found = get(client, address("recommendations", row))
    slug, key = row.natural_key()
    assert found["report"] == slug and found["key"] == key
    assert found["parent"] == row.parent.key and found["parts"] == [] and found["restates"] == []
    assert found["made_by"] == made["actors"].slug == found["addressees"][0]
    assert sorted(found["areas"]) == sorted([made["areas"].slug, made["areas"].parent.slug])
    assert found["cross_references"] == [get(client, address("crossreferences", made["crossreferences"]))]
    assert found["report_url"].endswith(f"/api/v1/reports/{slug}/")
    umbrella = get(client, address("recommendations", row.parent))
    assert umbrella["parts"] == [key] and umbrella["made_by"] is None
    preface = row.restated_by.get()
    assert get(client, address("recommendations", preface))["restates"] == [key]
    target = made["crossreferences"].target
    assert get(client, address("recommendations", target))["cross_references"] == found["cross_references"]
    preface.restates.set([target])
    assert get(client, address("recommendations", preface))["restates"] == ["/".join(target.natural_key())]


def test_both_ends_of_a_cross_reference(client):
    row = world()["crossreferences"]
    found = get(client, address("crossreferences", row))
    for end in ("source", "target"):
        assert found[end] == dict(zip(("report", "key"), getattr(row, end).natural_key(), strict=True))


def test_a_report_counts_what_is_coded(client):
    made = world()
    found = get(client, address("reports", made["reports"]))
    assert found["counts"] == {
        "recommendations": 1, "recommendations_by_voice": {"own": 0, "joint": 0, "attributed": 1},
        "umbrellas": 1, "restating": 1, "positions": {"own": 0, "joint": 0, "attributed": 1}, "ratings": 1,
    }  # fmt: skip
    assert found["source"]["held"] is True and found["source"]["sha256"] == made["reports"].source_sha256
    assert found["contributions"][0]["author"] == made["authors"].slug
    assert found["contributions"][0]["affiliations"] == [made["institutions"].slug] == [found["publisher"]]
    assert [section["parent"] for section in found["sections"]] == [None, found["sections"][0]["key"]]


def test_questions_and_frameworks_hold_their_answers(client):
    made = world()
    question = get(client, address("questions", made["questions"]))
    assert question["counts"] == {"own": 0, "joint": 0, "attributed": 1}
    assert question["positions"] == [get(client, address("positions", made["positions"]))]
    framework = get(client, address("frameworks", made["frameworks"]))
    assert framework["ratings"] == [get(client, address("ratings", made["ratings"]))]
    assert {subject["slug"] for subject in framework["subjects"]} == {
        made["ratings"].subject.slug, made["ratings"].subject.parent.slug,
    }  # fmt: skip


def test_a_framework_gives_some_of_its_ratings_and_says_where_the_others_are(client, monkeypatch):
    made = world()
    framework, report = made["frameworks"], made["ratings"].report
    own = make.rating(report, framework.dimensions.first(), subject=made["ratings"].subject, basis="derived")
    make.evidence(own)
    monkeypatch.setattr("recommendations.api.RATINGS_MOST", 1)
    found = get(client, address("frameworks", framework))
    every = get(client, urlsplit(found["ratings_url"])._replace(scheme="", netloc="").geturl())["results"]
    assert len(found["ratings"]) == 1 and found["ratings"][0] in every and len(every) == 2
    assert found["rating_counts"]["attributed"][made["ratings"].basis] == 1
    assert found["rating_counts"]["own"] == {
        "explicit": 0, "comparative": 0, "conditional": 0, "movement": 0, "derived": 1
    }  # fmt: skip
    assert sum(len(line["statements"]) for line in found["divergence"]) == 2


def test_an_area_counts_its_children_and_nothing_twice(client):
    made = world()  # one act filed in the child and in the parent, an umbrella, a preface; and one act elsewhere
    child = get(client, address("areas", made["areas"]))
    parent = get(client, address("areas", made["areas"].parent))
    assert child["recommendation_count"] == parent["recommendation_count"] == 2
    voices = {"own": 1, "joint": 0, "attributed": 1}
    assert child["recommendations_by_voice"] == parent["recommendations_by_voice"] == voices
    assert parent["children"] == [child["slug"]] and child["parent"] == parent["slug"]


# --- evidence --------------------------------------------------------------------------------------------------------


def test_quotes_are_the_words_of_the_source(client):
    row = world()["positions"]
    source = row.report.source_text.text
    for span in get(client, address("positions", row))["evidence"]:
        words = squeeze(source)[span["start"] : span["end"]]
        assert squeeze(span["quote"]) == words and span["digest"] == digest(words)
        assert span["quote"] in source


def test_without_the_text_there_is_no_quote(client):
    made = world()
    make.evidence(row := make.position(make.report()), 0, 16)
    assert [span["quote"] for span in get(client, address("positions", row))["evidence"]] == [None]
    report = made["reports"]
    report.source_text.delete()
    for endpoint in ("recommendations", "positions", "ratings", "citations"):
        spans = get(client, address(endpoint, made[endpoint]))["evidence"]
        assert spans and [span["quote"] for span in spans] == [None] * len(spans)
    assert get(client, address("events", made["events"]))["mentions"][0]["evidence"][0]["quote"] is None


def test_broken_evidence_quotes_nothing(client):
    row = world()["positions"]
    row.evidence.update(digest="0" * 12)
    assert {span["quote"] for span in get(client, address("positions", row))["evidence"]} == {None}


def test_evidence_names_its_section_and_passage(client):
    from reports.models import Passage

    made = world()
    report = made["reports"]
    passage = Passage.objects.create(report=report, number=7, text="…", start=0, end=40)
    inner = report.section_at(3)
    made["positions"].evidence.update(section=inner, passage=passage)
    event, citation, position = (get(client, address(e, made[e])) for e in ("events", "citations", "positions"))
    for span in (event["mentions"][0]["evidence"][0], citation["evidence"][0], position["evidence"][0]):
        assert (span["section"], span["passage"]) == (inner.key, 7)


# --- strictness ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("aera=x", "aera"),
        ("aera=", "aera"),
        ("ordering=pk", "ordering"),
        ("format=csv", "format"),
        ("page=1", "page"),
        ("cursor=x", "cursor"),
        ("cursor=WyJhZnRlciJd", "cursor"),
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("page_size=-1", "page_size"),
        ("page_size=many", "page_size"),
        ("count=yes", "count"),
        ("cursor=%00", "cursor"),
        ("ordering=%00", "ordering"),
    ],
)
def test_what_is_not_known_is_refused_by_name(client, endpoint, query, name):
    world()
    errors = get(client, f"{endpoint}/?{query}", 400)["errors"]
    assert list(errors) == [name] and all(isinstance(reason, str) for reason in errors[name])


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_filter_takes_blanks_and_refuses_nonsense(client, endpoint):
    world()
    rows = next(rows for rows in api_rows if rows.endpoint == endpoint)
    everything = get(client, f"{endpoint}/?count=on")["count"]
    for name in (*rows.filterset_class.base_filters, *api.Pages.PARAMETERS):
        if name != "count":
            assert get(client, f"{endpoint}/?count=on&{name}=")["count"] == everything
        if name != "q":
            assert name in get(client, f"{endpoint}/?{name}=no-such-thing", 400)["errors"]


def test_all_faults_are_told_at_once(client):
    errors = get(client, "recommendations/?aera=x&force=shall&addressee=nobody&page_size=x&count=x", 400)["errors"]
    assert set(errors) == {"aera", "force", "addressee", "page_size", "count"}
    assert "shall" in errors["force"][0] and "nobody" in errors["addressee"][0]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_detail_takes_no_parameter(client, endpoint):
    row = world()[endpoint]
    assert get(client, f"{address(endpoint, row)}?page=1", 400)["errors"]["page"]


@pytest.mark.parametrize("path", ["", "schema/", "dossier.schema.json", "dumps/"])
def test_other_addresses_take_no_parameter(client, path):
    assert get(client, f"{path}?format=yaml", 400)["errors"]["format"]


@pytest.mark.parametrize("path", ["reports/", "reports/nowhere/", "", "schema/", "dossier.schema.json"])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_can_be_written(client, path, method):
    response = getattr(client, method)(f"/api/v1/{path}?page=1", "{}", content_type="application/json")
    assert response.status_code == 405 and response.json()["detail"]
    assert response["Allow"] == "GET, HEAD, OPTIONS"


def test_options_and_head_work_from_anywhere(client):
    world()
    response = client.options("/api/v1/reports/", headers={"origin": "https://elsewhere.example"})
    assert response.status_code == 200 and response["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    response = client.head("/api/v1/reports/")
    assert response.status_code == 200 and response.content == b""


def test_unknown_addresses_answer_in_json(client):
    for path in ("nothing/", "nothing", "reports/报告/", "recommendations/only-one/", "reports/a/b/c/", "reports/%0A/"):
        assert get(client, path, 404) == {"detail": api.NOTHING_HERE}
    response = client.get("/api/v1/reports?count=on")
    assert response.status_code == 301 and response["Location"] == "/api/v1/reports/?count=on"


def test_whatever_is_not_found_says_the_same():
    for error in (Http404("No Report matches the given query."), NotFound(api.NOTHING_HERE)):
        assert api.refusal(error, {}).data == {"detail": api.NOTHING_HERE}


def test_an_unreadable_query_is_refused(client):
    assert get(client, "reports/?" + "&".join(f"p{n}" for n in range(1100)), 400)["detail"]


# --- pages -----------------------------------------------------------------------------------------------------------


def test_pages_follow_one_another(client):
    report = make.report(slug="long")
    keys = [make.recommendation(report).key for _ in range(5)]
    found, path, pages = [], "/api/v1/recommendations/?page_size=2&report=long&force=should&force=may", []
    while path:
        page = get(client, path)
        found += [row["key"] for row in page["results"]]
        pages.append(page["results"])
        if page["next"]:
            assert page["next"].startswith("http://testserver/api/v1/recommendations/?")
            for kept in ("report=long", "force=should", "force=may", "page_size=2"):
                assert kept in page["next"]
        path = page["next"]
    assert found == keys and len(pages) == 3
    for rows in pages[1::-1]:
        page = get(client, page["previous"])
        assert page["results"] == rows
    assert page["previous"] is None


def test_a_cursor_belongs_to_one_order(client):
    report = make.report()
    for _ in range(3):
        make.recommendation(report)
    cursor = parse_qs(urlsplit(get(client, "recommendations/?page_size=1")["next"]).query)["cursor"][0]
    assert len(get(client, f"recommendations/?cursor={cursor}&voice=own")["results"]) == 2
    errors = get(client, f"recommendations/?cursor={cursor}&ordering=date", 400)["errors"]
    assert list(errors) == ["cursor"] and "order" in errors["cursor"][0]


def test_a_page_has_at_most_a_hundred_rows(client):
    for _ in range(101):
        make.area()
    assert len(get(client, "areas/?page_size=100")["results"]) == 100
    assert len(get(client, "areas/")["results"]) == 20
    for size in ("101", "9" * 30):
        assert "100" in get(client, f"areas/?page_size={size}", 400)["errors"]["page_size"][0]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_counting_is_asked_for(client, endpoint):
    world()
    with CaptureQueriesContext(connection) as seen:
        get(client, f"{endpoint}/")
    silent = list(seen)
    rows = len(get(client, f"{endpoint}/?page_size=100")["results"])
    reports.api.quotes.clear()
    with CaptureQueriesContext(connection) as counting:
        assert get(client, f"{endpoint}/?count=on")["count"] == rows
    assert len(counting) == len(silent) + 1
    assert not [q for q in silent if q["sql"].startswith("SELECT COUNT(*)")]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_queries_do_not_grow_with_rows(client, endpoint):
    def queries(path):
        reports.api.quotes.clear()
        with CaptureQueriesContext(connection) as seen:
            rows = get(client, path)
        return len(seen), rows

    row = world()[endpoint]
    few, listed = queries(f"{endpoint}/?page_size=100")
    one, _ = queries(address(endpoint, row))
    for _ in range(9):
        world()
    many, longer = queries(f"{endpoint}/?page_size=100")
    assert len(longer["results"]) >= len(listed["results"]) + 9
    assert many == few <= 16
    assert queries(address(endpoint, row))[0] == one <= 24


@pytest.mark.parametrize("rows", [rows for rows in api_rows if rows.timeless], ids=lambda rows: rows.endpoint)
def test_what_is_kept_from_one_request_to_the_next_asks_nothing(rows, django_assert_num_queries):
    world()
    with django_assert_num_queries(0):
        api.kept_sources.__wrapped__(rows)


# --- what must not show ----------------------------------------------------------------------------------------------

HIDDEN = [{"state": "draft"}, {"state": "in_review"}, {"state": "withdrawn"}]


@pytest.mark.parametrize("endpoint", [endpoint for endpoint in ENDPOINTS if endpoint != "areas"])
@pytest.mark.parametrize("state", HIDDEN, ids=lambda state: state["state"])
def test_what_is_hidden_answers_like_what_never_was(client, endpoint, state):
    hidden = world(**state)[endpoint]
    never = [f"never-{part}" if n == 0 else part for n, part in enumerate(hidden.natural_key())]
    one = client.get(address(endpoint, hidden))
    two = client.get(reverse(f"api-{endpoint}-detail", args=never))
    assert one.status_code == two.status_code == 404
    assert one.content == two.content
    changing = {"X-RateLimit-Remaining", "X-RateLimit-Reset"}
    assert {n: v for n, v in one.items() if n not in changing} == {n: v for n, v in two.items() if n not in changing}


def sweep(client):
    """Return every answer of the API by its address: lists in several ways, and whatever they lead to."""
    seen = {}
    for endpoint in ENDPOINTS:
        for query in ("?page_size=100&count=on", "?page_size=1", "?q=sample", "?q=canary"):
            seen[f"{endpoint}/{query}"] = client.get(f"/api/v1/{endpoint}/{query}").content
        for found in get(client, f"{endpoint}/?page_size=100")["results"]:
            path = urlsplit(found["api_url"]).path
            seen[path] = client.get(path).content
    words = [f"/api/v1/search/?q={word}" for word in ("sample", "canary")]
    for path in ("/api/v1/", "/api/v1/schema/", "/api/v1/dossier.schema.json", *words):
        seen[path] = client.get(path).content
    return seen


def lean_on(hidden, public):
    """Let a hidden report speak of everything that is public, in every way that leaves the public rows as they are."""
    report = hidden["reports"]
    make.report(slug="canary-part", part_of=public["reports"], place=1, state=report.state)
    make.cross_reference(public["recommendations"], hidden["recommendations"], rationale_zh="canary")
    make.cross_reference(hidden["recommendations"], public["recommendations"], rationale_zh="canary")
    hidden["recommendations"].restates.add(public["recommendations"])
    make.mention(report, public["events"], as_printed="canary")
    make.citation(report, work=public["works"], locator="canary")
    contribution = make.contribution(report, author=public["authors"], name_as_printed="canary")
    contribution.affiliations.add(public["institutions"])
    make.contribution(report, institution=public["institutions"])
    make.position(report, question=public["questions"], summary_zh="canary")
    make.rating(report, public["frameworks"].dimensions.first(), summary_zh="canary")
    make.recommendation(report, areas=[public["areas"]], addressees=[public["actors"]], summary_zh="canary")


@pytest.mark.parametrize("state", HIDDEN, ids=lambda state: state["state"])
def test_a_draft_shows_nowhere_and_changes_nothing(client, state):
    public = world()
    before = sweep(client)
    hidden = world("canary", area=public["areas"], **state)
    lean_on(hidden, public)
    after = sweep(client)
    assert after == before
    assert all(b"canary" not in answer for path, answer in after.items() if "q=canary" not in path)


@pytest.mark.parametrize("state", HIDDEN, ids=lambda state: state["state"])
def test_what_is_public_names_nothing_hidden(client, state):
    public = world()
    hidden = world("canary", area=public["areas"], **state)
    for endpoint, values in {
        "works": {"report": hidden["reports"]},
        "reports": {"part_of": hidden["reports"], "place": 9},
        "actors": {"institution": None, "author": None},
        "frameworks": {"work": hidden["works"]},
    }.items():
        type(public[endpoint]).objects.filter(pk=public[endpoint].pk).update(**values)
    type(hidden["actors"]).objects.filter(pk=hidden["actors"].pk).update(institution=None, author=None)
    links = {"institution": hidden["institutions"], "author": hidden["authors"]}
    type(public["actors"]).objects.filter(pk=public["actors"].pk).update(**links)
    public["recommendations"].restates.add(hidden["recommendations"])
    for path, answer in sweep(client).items():
        assert "q=canary" in path or b"canary" not in answer, path
    assert get(client, address("works", public["works"]))["report"] is None
    report, actor = get(client, address("reports", public["reports"])), get(client, address("actors", public["actors"]))
    assert report["part_of"] is report["place"] is actor["institution"] is actor["author"] is None
    assert get(client, address("recommendations", public["recommendations"]))["restates"] == []
    assert get(client, address("frameworks", public["frameworks"]))["work"] is None


def test_a_filter_value_that_is_hidden_is_unknown(client):
    hidden = world("canary", state="draft")
    for query in (
        f"recommendations/?report={hidden['reports'].slug}",
        f"recommendations/?author={hidden['authors'].slug}",
        f"recommendations/?addressee={hidden['actors'].slug}",
        f"positions/?question={hidden['questions'].slug}",
        f"ratings/?framework={hidden['frameworks'].slug}",
        f"citations/?work={hidden['works'].slug}",
    ):
        name, _, value = query.partition("?")[2].partition("=")
        told = client.get(f"/api/v1/{query}").content.decode().replace(value, "x")
        assert told == client.get(f"/api/v1/{query.partition('?')[0]}?{name}=x").content.decode()


# --- limits ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def three_a_minute(settings):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"anon": "3/min"}}


def test_limits_are_told_and_kept(client, three_a_minute):
    paths = ["/api/v1/", "/api/v1/reports/", "/api/v1/reports/nowhere/"]
    told = [client.get(path) for path in paths]
    assert [response["X-RateLimit-Limit"] for response in told] == ["3"] * 3
    assert [response["X-RateLimit-Remaining"] for response in told] == ["2", "1", "0"]
    assert all(0 < int(response["X-RateLimit-Reset"]) <= 60 for response in told)
    for path in (*paths, "/api/v1/nothing/", "/api/v1/schema/"):
        response = client.get(path)
        assert response.status_code == 429 and response.json()["detail"]
        assert 0 < int(response["Retry-After"]) <= 60
        assert response["X-RateLimit-Remaining"] == "0" and response["Access-Control-Allow-Origin"] == "*"
    assert client.get("/api/v1/", REMOTE_ADDR="192.0.2.7").status_code == 200
    forged = client.get("/api/v1/", headers={"x-forwarded-for": "192.0.2.8"})
    assert forged.status_code == 429


def test_without_a_rate_there_is_no_limit(client, settings):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"anon": None}}
    response = client.get("/api/v1/")
    assert response.status_code == 200 and "X-RateLimit-Limit" not in response


# --- the description -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def openapi():
    api.description.cache_clear()
    with translation.override("zh-hans"):
        return json.loads(json.dumps(api.description()))


def test_the_description_is_valid_and_complete(openapi, tmp_path):
    validate(openapi)
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))
    assert openapi["openapi"].startswith("3.1")
    operations = [operation["get"] for operation in openapi["paths"].values()]
    assert len(operations) == 2 * len(ENDPOINTS) + 8
    for operation in operations:
        assert operation["description"] and set(operation["responses"]) >= {"200", "400", "401", "429"}
        assert operation["security"] == [{"bearer": []}, {"header": []}, {}]
        for response in operation["responses"].values():
            assert response["description"] and "X-RateLimit-Limit" in response["headers"]
        for parameter in operation.get("parameters", []):
            assert parameter["description"]
    lists = [openapi["paths"][f"/api/v1/{endpoint}/"]["get"] for endpoint in ENDPOINTS]
    for rows, operation in zip(api_rows, lists, strict=True):
        names = {parameter["name"] for parameter in operation["parameters"]}
        shape = {"fields", "omit", "expand"} if rows.serializer_class.expands else {"fields", "omit"}
        assert names == {*rows.filterset_class.base_filters, "cursor", "page_size", "count"} | shape
        assert "404" not in operation["responses"]
    asked = {parameter["name"] for parameter in openapi["paths"]["/api/v1/matrix/"]["get"]["parameters"]}
    assert asked == {*MatrixFilterSet.base_filters, "cursor", "page_size", "count"}


def test_the_description_tells_what_is_one_word_and_what_may_be_blank(openapi):
    parameters = {p["name"]: p for p in openapi["paths"]["/api/v1/matrix/"]["get"]["parameters"]}
    kinds = {name: p["schema"]["type"] for name, p in parameters.items()}
    assert kinds["columns"] == kinds["beside"] == "string" and kinds["area"] == kinds["ordering"] == "array"
    assert parameters["columns"]["schema"]["enum"] == ["reports", "holders"]
    assert all(p["allowEmptyValue"] for p in parameters.values())
    (reports,) = openapi["paths"]["/api/v1/compare/"]["get"]["parameters"]
    assert reports["schema"]["uniqueItems"] and "allowEmptyValue" not in reports


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_list_leads_to_its_first_object(client, openapi, endpoint):
    world()
    found = get(client, f"{endpoint}/")
    (link,) = openapi["paths"][f"/api/v1/{endpoint}/"]["get"]["responses"]["200"]["links"].values()
    path = {item["get"]["operationId"]: path for path, item in openapi["paths"].items()}[link["operationId"]]
    for name, expression in link["parameters"].items():
        value = found
        for step in expression.removeprefix("$response.body#/").split("/"):
            value = value[int(step) if step.isdigit() else step]
        path = path.replace(f"{{{name}}}", value)
    assert path == urlsplit(found["results"][0]["api_url"]).path


def test_the_description_speaks_one_language(openapi):
    for code in ("en", "zh-hans"):
        with translation.override(code):
            assert json.loads(json.dumps(SchemaGenerator().get_schema(request=None, public=True))) == openapi


def test_the_description_is_served_as_json(client, openapi):
    response = client.get(reverse("schema"))
    assert response["Content-Type"] == "application/json" and response.json() == openapi


def checker(openapi, operation):
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    return OAS31Validator({**schema, "components": openapi["components"]})


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_answers_and_examples_are_as_described(client, openapi, endpoint):
    row = world()[endpoint]
    paths = openapi["paths"]
    (detail,) = [path for path in paths if path.startswith(f"/api/v1/{endpoint}/") and "{" in path]
    answers = (f"/api/v1/{endpoint}/", f"/api/v1/{endpoint}/?count=on"), (detail, address(endpoint, row))
    for described, path in answers:
        operation = paths[described]["get"]
        check = checker(openapi, operation)
        found = get(client, path)
        check.validate(found)
        examples = operation["responses"]["200"]["content"]["application/json"]["examples"]
        for example in examples.values():
            check.validate(example["value"])
        first = found["results"][0] if "results" in found else found
        shown = example["value"]["results"][0] if "results" in found else example["value"]
        assert list(first) == list(shown)


@pytest.mark.parametrize("query", ["", "?count=on", "?columns=holders&beside=authors:old", "?voice=own"])
def test_the_matrix_and_its_example_are_as_described(client, openapi, query):
    make.position(make.report(slug="old"))
    world()
    operation = openapi["paths"]["/api/v1/matrix/"]["get"]
    check = checker(openapi, operation)
    found = get(client, f"matrix/{query}")
    check.validate(found)
    (example,) = operation["responses"]["200"]["content"]["application/json"]["examples"].values()
    check.validate(example["value"])
    found.pop("count", None)

    def shape(value):
        """Return the members of an object, and those of what it holds, in their order."""
        if isinstance(value, list):
            return shape(value[0]) if value else None
        return {name: shape(part) for name, part in value.items()} if isinstance(value, dict) else None

    shown, filled = example["value"], next(row for row in found["rows"] for c in row["cells"] if c["positions"])
    stated = [cell for cell in filled["cells"] if cell["positions"]]
    assert json.dumps(shape(shown)) == json.dumps(shape(found | {"rows": [filled | {"cells": stated}]}))


def test_the_search_and_its_example_are_as_described(client, openapi):
    world()
    operation = openapi["paths"]["/api/v1/search/"]["get"]
    names = {parameter["name"] for parameter in operation["parameters"]}
    assert names == {*SearchFilterSet.base_filters, "cursor", "page_size"}
    check = checker(openapi, operation)
    (example,) = operation["responses"]["200"]["content"]["application/json"]["examples"].values()
    check.validate(example["value"])
    (shown,) = example["value"]["groups"]
    for query in ("q=sample", "q=sample&type=recommendations&page_size=1", "q=nothing"):
        found = get(client, f"search/?{query}")
        check.validate(found)
        for group in found["groups"]:
            assert list(group) == list(shown) and list(group["results"][0]) == list(shown["results"][0])


def test_the_schema_of_a_dossier(client):
    response = client.get("/api/v1/dossier.schema.json")
    assert response["Content-Type"] == "application/schema+json"
    assert json.loads(response.content) == dossier.schema()


def test_endpoints_are_listed_once():
    assert len(set(ENDPOINTS)) == len(ENDPOINTS) and set(ENDPOINTS) < set(api_names)
