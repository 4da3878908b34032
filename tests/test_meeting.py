"""Where documents meet: the rules as pure functions, and the page, the CSV and the API that tell the same."""

import csv
import io
import json
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as some

from recommendations import meeting
from recommendations.models import CrossReference, PolicyArea, Question, Recommendation
from reports.models import Report
from tests import factories as make

# --- the rules --------------------------------------------------------------------------------------------------------

STANCES = some.integers(-2, 2)
VOICES = some.sampled_from(["own", "joint", "attributed"])


@pytest.mark.parametrize(
    ("stands", "how"),
    [
        ([{2}, {2}], "agree"),
        ([{2}, {1}], "degree"),
        ([{0}, {2}], "degree"),
        ([{1, 2}, {2}], "degree"),
        ([{-1}, {1}], "opposed"),
        ([{2}, {2, -1}], "opposed"),
        ([{2, -2}, {0}], "degree"),
        ([{2}, set()], "told"),
        ([set(), set()], "told"),
        ([{2}, {2}, set()], "agree"),
        ([{2}, {2}, {-2}], "opposed"),
    ],
)
def test_how_stands_meet(stands, how):
    assert meeting.standing(stands) == how


@given(some.lists(some.sets(STANCES, max_size=3), max_size=4), some.randoms())
def test_how_stands_meet_does_not_hang_on_their_order_nor_on_who_takes_none(stands, random):
    turned = random.sample(stands, len(stands))
    assert meeting.standing(turned) == meeting.standing(stands) == meeting.standing([*stands, set()])
    against = [{-stance for stance in stances} for stances in stands]
    assert meeting.standing(against) == meeting.standing(stands)


def answer(question, stance, voice):
    asked = SimpleNamespace(pk=question, slug=f"q{question}", kind="normative")
    return SimpleNamespace(question_id=question, question=asked, stance=stance, voice=voice, recommendation_id=None)


def column(n, answers, coding="complete"):
    report = SimpleNamespace(pk=n, slug=f"d{n}", coding=coding)
    return meeting.Column(report, [report], [answer(*one) for one in answers])


ANSWERS = some.lists(some.tuples(some.integers(1, 6), STANCES, VOICES), max_size=8)
COLUMNS = some.lists(ANSWERS, min_size=2, max_size=4).map(
    lambda each: [column(n, answers) for n, answers in enumerate(each)]
)


def told(rows):
    """Return {question: (standing, basis, {document: (state, answers)})}."""
    return {
        row.question.slug: (
            row.standing,
            row.basis,
            {c.column.report.slug: (c.state, [(a.stance, a.voice) for a in c.rows]) for c in row.cells},
        )
        for row in rows
    }


@given(COLUMNS, some.randoms())
def test_permuting_documents_permutes_columns_only(found, random):
    turned = random.sample(found, len(found))
    here, there = meeting.asked(found), meeting.asked(turned)
    assert [row.question.slug for row in here] == [row.question.slug for row in there]
    assert told(here) == told(there)
    assert [[cell.column for cell in row.cells] for row in there] == [turned] * len(there)


@given(COLUMNS, some.lists(some.tuples(some.integers(7, 9), STANCES, VOICES)))
def test_an_unrelated_document_changes_no_cell(found, answers):
    before, after = told(meeting.asked(found)), told(meeting.asked([*found, column(99, answers)]))
    assert list(before) == list(after)
    for slug, (standing, basis, cells) in after.items():
        assert cells.pop("d99") == ("silent", [])
        assert (standing, basis, cells) == before[slug]


@given(COLUMNS)
def test_every_shared_question_stands_once_and_is_counted_once(found):
    rows = meeting.asked(found)
    slugs = [row.question.slug for row in rows]
    assert len(set(slugs)) == len(slugs)
    assert all(sum(cell.state == "stated" for cell in row.cells) > 1 for row in rows)
    counts = meeting.Meeting(found, [], [], rows, [], {}).counts
    assert sum(counts["own"].values()) + sum(counts["joint"].values()) + counts["told"] == len(rows)
    for row in rows:
        voices = {one.voice for cell in row.cells for one in cell.rows} - {"attributed"}
        assert row.basis == ("" if row.standing == "told" else "joint" if "joint" in voices else "own")
        assert row.standing == "told" or voices


def test_the_widest_difference_comes_first():
    found = [
        column(1, [(1, 2, "own"), (2, 1, "own"), (3, 2, "own"), (4, 2, "own"), (5, 0, "own")]),
        column(2, [(1, 2, "own"), (2, -1, "own"), (3, -2, "own"), (4, -2, "attributed"), (5, 2, "joint")]),
    ]
    rows = meeting.asked(found)
    assert [(row.question.slug, row.standing) for row in rows] == [
        ("q3", "opposed"), ("q2", "opposed"), ("q5", "degree"), ("q1", "agree"), ("q4", "told"),
    ]  # fmt: skip


def test_silence_is_two_things():
    found = [column(1, [(1, 2, "own")]), column(2, [(1, 2, "own")]), column(3, []), column(4, [], coding="partial")]
    (row,) = meeting.asked(found)
    assert [cell.state for cell in row.cells] == ["stated", "stated", "silent", "uncoded"]


@given(
    some.lists(some.tuples(some.integers(1, 4), some.none(), some.integers(1, 5))),
    some.lists(some.tuples(some.integers(1, 9), some.integers(1, 2), some.none(), some.integers(3, 4), some.none())),
)
def test_nearness_is_the_same_from_both_ends(answers, references):
    questions, ties = meeting.holdings(answers, references)
    reports = [SimpleNamespace(pk=n, slug=f"d{n}", part_of_id=None) for n in range(1, 5)]
    near = {
        frozenset(r.pk for r in one.reports): (one.questions, one.ties)
        for one in meeting.pairs(reports, questions, ties)
    }
    for one in reports:
        for other in meeting.partners([one], reports, questions, ties):
            pair = frozenset({one.pk, other.reports[0].pk})
            assert near.get(pair, (0, 0)) == (other.questions, other.ties)


def test_a_whole_publication_holds_what_its_essays_hold_and_is_not_set_beside_them():
    whole, essay, other = (SimpleNamespace(pk=n, slug=f"d{n}", part_of_id=1 if n == 2 else None) for n in (1, 2, 3))
    holdings = meeting.holdings([(2, 1, 10), (3, None, 10)], [(7, 2, 1, 3, None)])
    found = {
        tuple(r.pk for r in near.reports): (near.questions, near.ties)
        for near in meeting.pairs([whole, essay, other], *holdings)
    }
    assert found == {(1, 3): (1, 1), (2, 3): (1, 1)}
    assert [near.reports[0].pk for near in meeting.partners([whole], [whole, essay, other], *holdings)] == [3]


# --- a pair of documents ----------------------------------------------------------------------------------------------


@pytest.fixture
def pair(db):
    """Two documents that agree on one question, differ on another; a relation; advice that only the first gives."""
    first = make.report(slug="first", title_en="First paper")
    second = make.report(slug="second", title_en="Second paper", kind="memorandum")
    root = make.area(slug="root")
    leaf = make.area(slug="leaf", parent=root)
    same, other, aside = (make.question(slug=slug) for slug in ("same", "other", "aside"))
    advice = make.recommendation(first, [leaf], key="R01")
    reply = make.recommendation(second, [leaf], key="R02", voice="joint")
    umbrella = make.recommendation(first, [leaf], key="R03")
    part = make.recommendation(first, [leaf, root], key="R04", parent=umbrella)
    make.recommendation(first, [leaf], key="R05", voice="attributed", made_by=make.actor())
    lonely = make.recommendation(second, [leaf], key="R06", voice="joint")
    make.cross_reference(advice, reply, kind="refines")
    make.cross_reference(advice, lonely, state="suggested")
    make.position(first, question=same, recommendation=advice, key="P01")
    make.position(second, question=same, recommendation=reply, voice="joint", key="P02")
    make.position(first, question=other, stance=-1, key="P03")
    make.position(second, question=other, stance=1, voice="joint", key="P04")
    make.position(first, question=aside, key="P05")
    return SimpleNamespace(first=first, second=second, umbrella=umbrella, part=part, advice=advice, reply=reply)


REFINES = CrossReference.Kind.REFINES
IS_REFINED = CrossReference.INVERSE[REFINES]


def met(*slugs):
    return meeting.meet(meeting.columns(slugs, Report.objects.side_by_side()), PolicyArea.objects.all())


def test_a_relation_is_read_from_both_ends(pair):
    for slugs in (("first", "second"), ("second", "first")):
        (tie,) = met(*slugs).ties
        assert [end.column.report.slug for end in tie.ends] == list(slugs)
        assert {end.row.key: end.role for end in tie.ends} == {"R01": "source", "R02": "target"}
        assert {end.row.key: str(end.name) for end in tie.ends} == {"R01": str(REFINES.label), "R02": str(IS_REFINED)}
    make.cross_reference(pair.reply, pair.part, kind="contradicts")
    first, _second = met("first", "second").ties  # contradictions come first
    assert first.reference.kind == "contradicts" and [end.row.key for end in first.ends] == ["R04", "R02"]


def test_a_symmetric_relation_has_one_name(pair):
    make.cross_reference(pair.part, pair.reply, kind="agrees")
    tie = next(tie for tie in met("second", "first").ties if tie.reference.kind == "agrees")
    assert {str(end.name) for end in tie.ends} == {str(CrossReference.Kind.AGREES.label)}


def test_what_one_alone_says_is_joined_by_nothing(pair):
    one, other = met("first", "second").alone
    assert [row.key for row in one.rows] == ["R04", "R05"] and one.voices == {"own": 1, "attributed": 1}
    assert [(area.slug, len(rows), voices) for area, rows, voices in one.areas] == [
        ("root", 2, {"own": 1, "attributed": 1})
    ]
    assert [question.slug for question in one.questions] == ["aside"]
    assert [row.key for row in other.rows] == ["R06"] and other.questions == []
    make.cross_reference(pair.reply, pair.umbrella)
    assert [row.key for row in met("first", "second").alone[0].rows] == [
        "R05"
    ]  # what joins an umbrella joins its parts


def test_every_single_act_is_joined_or_alone(pair):
    found = met("first", "second")
    joined = {end.row for tie in found.ties for end in tie.ends} | {
        row for line in found.advised for cell in line.cells for row in cell.rows
    }
    alone = {row for one in found.alone for row in one.rows}
    assert not joined & alone
    assert joined | alone == set(Recommendation.objects.atomic())


def test_what_they_have_in_common(pair):
    person, house, work, event = make.author(), make.institution(), make.work(), make.event()
    make.contribution(pair.first, author=person).affiliations.add(house)
    Report.objects.filter(pk=pair.second.pk).update(publisher=house)
    work.people.add(person)
    for report in (pair.first, pair.second):
        make.citation(report, work=work)
        make.mention(report, event)
    make.citation(pair.first, work=make.work())
    own = make.work(report=pair.second)
    make.citation(pair.first, work=own)
    found = met("second", "first").common
    words = {
        (kind, one.row.slug): [[way.word for way in cell.rows] for cell in one.cells]
        for kind, rows in found.items()
        for one in rows
    }
    assert words == {
        ("people", person.slug): [["cited"], ["author", "cited"]],
        ("institutions", house.slug): [["publisher"], ["affiliation"]],
        ("works", work.slug): [["cited"], ["cited"]],
        ("works", own.slug): [["itself"], ["cited"]],
        ("events", event.slug): [["mentioned"], ["mentioned"]],
    }


def test_a_symposium_stands_for_its_essays(pair, client):
    whole = make.report(slug="whole", kind="symposium")
    essay = make.report(slug="essay", kind="essay", part_of=whole, place=1)
    make.position(essay, question=Question.objects.get(slug="same"))
    make.report(slug="draft-essay", part_of=whole, place=2, state="draft")
    found = client.get("/api/v1/compare/?reports=whole,first").json()
    assert found["documents"][0]["parts"] == ["essay"]
    assert [row["question"] for row in found["questions"]] == ["same"]
    for address, message in (("/api/v1/compare/", "essays too"), ("/en/compare/", "essays too")):
        response = client.get(address, {"reports": ["whole", "essay"]})
        assert response.status_code == 400 and message in response.content.decode()


# --- page, CSV, API ---------------------------------------------------------------------------------------------------

ADDRESS = "/en/compare/?reports=first&reports=second"
API = "/api/v1/compare/?reports=first,second"


def lines(client, address):
    text = client.get(f"{address}&format=csv").content.decode()
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_page_csv_and_api_count_alike(pair, client):
    page, rows, found = client.get(ADDRESS), lines(client, ADDRESS), client.get(API).json()
    shown = page.context["meeting"]
    assert found["counts"] == json.loads(json.dumps(shown.counts))
    assert found["counts"]["joint"] == {"opposed": 1, "degree": 0, "agree": 1} and found["counts"]["told"] == 0
    of = {name: [row for row in rows if row["section"] == name] for name in {row["section"] for row in rows}}
    assert len({row["item"] for row in of["questions"]}) == len(found["questions"]) == len(shown.asked) == 2
    assert len(of["relations"]) == 2 * len(found["relations"]) == 2 * len(shown.ties) == 2
    assert {row["state"] for row in of["relations"]} == {"source", "target"}
    assert (
        [row["key"] for row in of["alone"]]
        == [row["key"] for one in found["alone"] for row in one["recommendations"]]
        == [row.key for one in shown.alone for row in one.rows]
    )
    assert found["alone"][0]["counts"] == {"own": 1, "joint": 0, "attributed": 1}
    assert found["alone"][0]["areas"] == {"root": {"own": 1, "joint": 0, "attributed": 1}}
    stances = {row["key"]: row["stance"] for row in of["questions"]}
    assert stances == {"P01": "2", "P02": "2", "P03": "'-1", "P04": "1"}
    assert found == client.get(f"{ADDRESS}&format=json").json()
    body = page.content.decode()
    assert shown.asked[0].question.text_en in body and "Two documents, two shared questions" in body
    assert found["finding_en"] in body


def test_both_ways_of_naming_documents_are_one(pair, client):
    assert client.get(API).json() == client.get("/api/v1/compare/?reports=first&reports=second").json()
    assert client.get("/en/compare/?reports=first,second").status_code == 200


def test_the_api_answers_conditionally(pair, client):
    first = client.get(API)
    again = client.get(API, headers={"if-none-match": first["ETag"]})
    assert again.status_code == 304 and not again.content


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("", "reports"), ("reports=first", "reports"), ("reports=first,first", "reports"),
        ("reports=first,nobody", "reports"), ("reports=first,second&aera=x", "aera"),
        ("reports=first,second&format=csv", "format"), ("reports=first,second&page=1", "page"),
        ("reports=first,second&q=x", "q"), ("reports=a,b,c,d,e", "reports"), ("reports=first,%00", "reports"),
        ("reports=first,second,first", "reports"), ("reports=first,,second", "reports"),
    ],
)  # fmt: skip
def test_the_api_refuses_and_names(pair, client, query, name):
    response = client.get(f"/api/v1/compare/?{query}")
    assert response.status_code == 400 and list(response.json()["errors"]) == [name]


@pytest.mark.parametrize(
    "query", ["reports=nobody", "reports=first,nobody", "reports=a,b,c,d,e", "aera=x", "page=1", "reports=first,%00"]
)
def test_the_page_refuses_and_names(pair, client, query):
    response = client.get(f"/en/compare/?{query}")
    assert response.status_code == 400 and query.partition("=")[0] in response.content.decode()


@pytest.mark.parametrize(("query", "status"), [("", 200), ("format=csv", 200), ("reports=", 200), ("q=paper", 200)])
def test_without_documents_the_page_lets_one_choose(pair, client, query, status):
    response = client.get(f"/en/compare/?{query}")
    assert response.status_code == status
    (near, pairing), *_rest = response.context["pairs"]
    assert pairing in ("reports=second&reports=first", "reports=first&reports=second")
    assert (near.questions, near.ties) == (2, 1)


def test_with_one_document_the_nearest_come_first(pair, client):
    make.report(title_en="Unrelated")
    for query in ("reports=first", "reports=first,first", "reports=first&q="):
        response = client.get(f"/en/compare/?{query}")
        (report, near, pairing), _other = response.context["closest"]
        assert (report.slug, near.questions, near.ties) == ("second", 2, 1)
        assert (
            pairing == "reports=first&reports=second"
            and f"?{pairing}".replace("&", "&amp;") in response.content.decode()
        )
    found = client.get("/en/compare/?reports=first&q=unrelated").context["choices"]
    assert [report.title_en for report, _near in found] == ["Unrelated"]


def test_words_look_for_another_document_though_two_are_chosen(pair, client):
    response = client.get(f"{ADDRESS}&q=nothing")
    assert [report.slug for report in response.context["chosen"]] == ["first", "second"]
    assert response.context["choices"] == []


def test_every_report_leads_here(pair, client):
    assert 'href="/en/compare/?reports=first"' in client.get("/en/reports/first/").content.decode()


def test_a_hidden_answer_changes_nothing(pair, client):
    before = client.get(API).json()
    hidden = make.report(state="draft", part_of=pair.first, place=1)
    make.position(hidden, question=Question.objects.get(slug="same"), stance=-2)
    make.cross_reference(make.recommendation(hidden), pair.reply)
    assert client.get(API).json() == before
    assert client.get("/en/compare/?reports=second").context["closest"][0][1].questions == 2


@pytest.mark.parametrize(
    "address", [ADDRESS, API, "/en/compare/", "/en/compare/?reports=first", f"{ADDRESS}&format=csv"]
)
def test_rows_cost_no_queries(pair, client, address):
    def more(n):
        for _ in range(n):
            question, actor = make.question(), make.actor()
            for report in (pair.first, pair.second):
                advice = make.recommendation(report)
                make.position(report, question=question, recommendation=advice)
                make.position(report, question=question, voice="attributed", holder=actor)
                make.contribution(report).affiliations.add(make.institution())
                make.citation(report, work=make.work(report=pair.second)).work.people.add(make.author())
                make.mention(report, make.event())
            make.cross_reference(advice, make.recommendation(pair.first))
            make.position(make.report(), question=question)

    def cost():
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    more(1)
    few = cost()
    more(9)
    assert cost() == few


def test_choices_go_by_publication_and_a_hidden_whole_moves_none(client, db):
    whole = make.report(slug="whole", date="2019")
    for place in (2, 1):
        make.report(slug=f"essay-{place}", part_of=whole, place=place, date="")
    make.report(slug="newest", date="2021")
    make.report(slug="of-a-draft", date="2020", part_of=make.report(state="draft", date="2030"), place=1)
    found = client.get("/en/compare/").context["choices"]
    assert [report.slug for report, _near in found] == ["newest", "of-a-draft", "whole", "essay-1", "essay-2"]
