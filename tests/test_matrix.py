"""The matrix: its arithmetic on small hand-made tables, what must hold of any table, and its page, exports and API."""

import csv
import io
import json
import re
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from recommendations import matrix
from recommendations.filters import HOLDERS, WIDEST, Answer, MatrixFilterSet, QuestionFilterSet, Selection
from recommendations.models import STANCES, Actor, Question, Voice
from reports.models import Report
from tests import factories as make
from tests.benchmarks.matrix import MOST_QUERIES, synthetic


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


# --- tables made by hand ----------------------------------------------------------------------------------------------


def report(pk, coding="complete"):
    return Report(pk=pk, slug=f"r{pk}", title_en=f"Report {pk}", coding=coding)


def selection(views, reports=None, **values):
    """Return a Selection of views, (report, question, voice, stance) and perhaps the id of a holder."""
    if reports is None:
        reports = [report(pk) for pk in sorted({view[0] for view in views})]
    kinds, by_id = Question.Kind.values, {one.pk: one for one in reports}
    questions = {
        pk: Question(pk=pk, slug=f"q{pk}", kind=kinds[pk % 3], text_en=f"Question {pk}?")
        for pk in {v[1] for v in views}
    }
    actors = {view[4]: Actor(pk=view[4], slug=f"a{view[4]}") for view in views if view[4:]}
    answers = []
    for n, (r, q, voice, stance, *named) in enumerate(views):
        holder = named[0] if named else None
        row = (n, q, r, holder, voice, stance, "certain", f"P{n:02d}", n)
        answers.append(Answer(*row, by_id[r], actors.get(holder), questions[q].kind))
    return Selection(reports, answers, questions, actors, total=len(reports), **values)


def table(*args, **kwargs):
    found = matrix.compare(selection(*args, **kwargs))
    found.filled(found.rows)
    return found


def told(found):
    """Return {question: {column: state, or the voices and stances of its answers}}."""
    return {
        row.question.slug: {
            column.slug: [(a.voice, a.stance) for a in cell.answers] or cell.state for column, cell in row.pairs
        }
        for row in found.rows
    }


def own(*stances):
    """One own view of each of as many documents, on one question."""
    return [(number, 1, "own", stance) for number, stance in enumerate(stances, 1)]


@pytest.mark.parametrize(
    ("stances", "expected"),
    [
        ([2, 2, 2], 0),
        ([2, -2, 2, -2], 1),
        ([2, 2, -2], 8 / 9),
        ([1, 0, -1], 1 / 6),
        ([2, 1, 1, 0], 1 / 8),
    ],
)
def test_contention_is_the_variance_of_own_stances_over_four(stances, expected):
    (row,) = table(own(*stances)).rows
    assert row.contention == pytest.approx(expected) and row.n == len(stances)


def test_contention_is_hidden_below_three_documents_and_n_counts_documents():
    (row,) = table([*own(2, -2), (1, 1, "own", -2)]).rows
    assert (row.contention, row.n) == (None, 2)
    (row,) = table([*own(2, -2, -2), (1, 1, "own", 2)]).rows
    assert (row.contention, row.n) == (1, 3)  # a document that answers twice enters with both answers


def test_joint_and_attributed_views_enter_neither_figure():
    views = [*own(2, 2, 2), (4, 1, "joint", -2), (1, 1, "attributed", -2, 7), (2, 1, "attributed", -2, 8)]
    (row,) = table(views).rows
    assert (row.contention, row.n, row.documents) == (0, 3, 4)


def answers(number, *stances):
    """The own views of a document on question 1, 2, …; None where it has none."""
    return [(number, q, "own", stance) for q, stance in enumerate(stances, 1) if stance is not None]


def test_agreement_is_one_less_the_mean_distance():
    views = [
        *answers(1, 2, 2, 2, 2),
        *answers(2, 2, 0, -2, 2),
        *answers(3, 2, None, 2, 2),
        *answers(4, 2, 2, None, None),
    ]
    found = table(views, beside="r1")
    assert [(column.slug, column.agreement, column.n) for column in found.columns] == [
        ("r1", None, None),
        ("r3", 1, 3),
        ("r2", 1 - (0 + 2 + 4 + 0) / 4 / 4, 4),
        ("r4", None, 2),
    ]


def test_agreement_takes_the_mean_of_a_columns_own_stances_and_no_other_voice():
    views = [*answers(1, 2, 2, 2), *answers(2, 2, 2, 2), (2, 1, "own", -2), (2, 2, "attributed", -2, 7)]
    found = table(views, beside="r1")
    assert found.columns[1].agreement == pytest.approx(1 - 2 / 3 / 4) and found.columns[1].n == 3


def test_the_two_silences_and_the_views_that_a_choice_leaves_out():
    views = [(1, 1, "own", 2), (2, 1, "attributed", -2, 7)]
    reports = [report(1), report(2), report(3), report(4, "partial"), report(5, "none")]
    found = table(views, reports)
    assert told(found) == {
        "q1": {
            "r1": [("own", 2)], "r2": [("attributed", -2)], "r3": "silent", "r4": "uncoded", "r5": "uncoded",
        }
    }  # fmt: skip
    found = table(views, reports, voices={"own"})
    assert told(found)["q1"]["r2"] == "other"  # never “not stated” where the document does state something
    found = table(views, reports, holders={7})
    assert told(found)["q1"]["r1"] == "other"
    found = table(views, reports, holders={None})
    assert told(found)["q1"]["r2"] == "other"


def test_a_question_that_nobody_chosen_answers_is_no_row():
    views = [(1, 1, "own", 2), (1, 2, "attributed", 2, 7)]
    assert list(told(table(views, voices={"own"}))) == ["q1"]
    assert list(told(table(views, voices={"joint"}))) == []


def test_without_own_views_there_is_no_contention_and_no_agreement():
    views = [*answers(1, 2, 2, 2), *answers(2, 2, 2, 2), *answers(3, 2, 2, 2), (1, 1, "attributed", 2, 7)]
    for values in ({"voices": {"attributed", "joint"}}, {"holders": {7}}):
        found = table(views, beside="r1", **values)
        assert [(row.contention, row.n) for row in found.rows] == [(None, None)]
        assert {column.agreement for column in found.columns} == {column.n for column in found.columns} == {None}


def test_cells_hold_own_views_before_joint_and_attributed_ones():
    (row,) = table([(1, 1, "attributed", 1, 7), (1, 1, "joint", 0), (1, 1, "own", 2), (1, 1, "own", -2)]).rows
    assert [(a.voice, a.stance) for a in row.answers] == [("own", 2), ("own", -2), ("joint", 0), ("attributed", 1)]


def test_holders_are_actors_wherever_they_speak_and_the_authors_of_each_document():
    views = [
        (1, 1, "own", 2), (2, 1, "joint", 1), (1, 1, "attributed", -2, 7), (2, 1, "attributed", -1, 7),
        (2, 2, "attributed", 2, 7), (2, 2, "joint", 0, 8),
    ]  # fmt: skip
    found = table(views, across=HOLDERS)
    assert told(found) == {
        "q1": {
            "a7": [("attributed", -2), ("attributed", -1)], "a8": "silent", "authors:r1": [("own", 2)],
            "authors:r2": [("joint", 1)],
        },
        "q2": {
            "a7": [("attributed", 2)], "a8": [("joint", 0)], "authors:r1": "silent", "authors:r2": "silent",
        },
    }  # fmt: skip
    assert [column.name for column in found.columns[2:]] == ["Authors of “Report 1”", "Parties to “Report 2”"]


def test_of_an_actor_nothing_is_concluded_before_every_document_is_read():
    views = [(1, 1, "own", 2), (1, 2, "attributed", 2, 7), (2, 2, "own", 2)]
    found = told(table(views, [report(1), report(2, "partial")], across=HOLDERS))
    assert found["q1"] == {"a7": "uncoded", "authors:r1": [("own", 2)], "authors:r2": "uncoded"}
    assert found["q2"]["authors:r1"] == "silent"


def test_agreement_of_holders_rests_on_authors_alone():
    views = [*answers(1, 2, 2, 2), *answers(2, 2, 2, 0), *((1, q, "attributed", 2, 7) for q in (1, 2, 3))]
    found = table(views, across=HOLDERS, beside="authors:r1")
    assert {column.slug: (column.agreement, column.n) for column in found.columns[1:]} == {
        "authors:r2": (pytest.approx(1 - 2 / 12), 3),
        "a7": (None, 0),
    }
    found = table(views, across=HOLDERS, beside="a7")
    assert found.columns[0].slug == "a7" and {column.agreement for column in found.columns} == {None}


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [
        ([], "q4 q1 q3 q2"),
        (["-documents"], "q2 q1 q3 q4"),
        (["contention"], "q3 q1 q4 q2"),
        (["-contention"], "q4 q1 q3 q2"),
        (["name"], "q1 q2 q3 q4"),
        (["-name"], "q4 q3 q2 q1"),
        (["kind"], "q3 q4 q1 q2"),
        (["-kind"], "q2 q4 q1 q3"),
        (["kind", "-name"], "q3 q4 q1 q2"),
    ],
)
def test_rows_are_sorted_and_untold_contention_stays_last(ordering, expected):
    views = [
        *((r, 1, "own", s) for r, s in ((1, 2), (2, 1), (3, 2))),
        *((r, 2, "own", s) for r, s in ((1, 2), (2, -2))),
        *((r, 3, "own", s) for r, s in ((1, 2), (2, -2), (3, 2))),
        *((r, 4, "own", 1) for r in (1, 2, 3, 4)),
    ]
    assert [row.question.slug for row in table(views, ordering=ordering).rows] == expected.split()


def test_the_widest_table_says_how_many_columns_there_would_be():
    views = [(1, holder, "attributed", 2, holder) for holder in range(1, WIDEST + 6)]
    found = table(views, across=HOLDERS)
    assert (len(found.columns), found.columns_total) == (WIDEST, WIDEST + 5)
    assert len(found.rows) == WIDEST  # questions that only a column cut off answers are no rows


# --- what must hold of any table --------------------------------------------------------------------------------------


def views_of(documents, **size):
    """Return a strategy for lists of views of these documents: unnamed own and joint ones, attributed ones named."""
    where = (documents, st.integers(1, 5))
    unnamed = st.tuples(*where, st.sampled_from(["own", "joint"]), st.sampled_from(STANCES))
    named = st.tuples(*where, st.just("attributed"), st.sampled_from(STANCES), st.integers(1, 3))
    return st.lists(st.one_of(unnamed, named), **size)


VIEWS = views_of(st.integers(1, 6), max_size=60)
CODINGS = st.lists(st.sampled_from(Report.Coding.values), min_size=6, max_size=6)
CHOICES = st.fixed_dictionaries(
    {
        "voices": st.sets(st.sampled_from(Voice.values)),
        "holders": st.sets(st.sampled_from([None, 1, 2, 3])),
        "ordering": st.lists(st.sampled_from([*matrix.SORTS, "-contention"]), max_size=2),
        "beside": st.sampled_from(["", "r1", "r2", "authors:r1", "a1"]),
    }
)


def figures(found):
    return [(row.question.slug, row.documents, row.n, row.contention) for row in found.rows]


@given(VIEWS, CODINGS, CHOICES, st.permutations(range(1, 7)))
def test_permuting_documents_permutes_columns_only(views, codings, choices, order):
    straight = table(views, [report(pk, codings[pk - 1]) for pk in range(1, 7)], **choices)
    turned = table(views, [report(pk, codings[pk - 1]) for pk in order], **choices)
    assert told(turned) == told(straight) and figures(turned) == figures(straight)
    assert list(told(turned)) == list(told(straight))
    agreements = [{c.slug: (c.agreement, c.n, c.voices) for c in found.columns} for found in (straight, turned)]
    assert agreements[0] == agreements[1]
    if not straight.beside:
        assert [column.slug for column in turned.columns] == [f"r{pk}" for pk in order]


@given(VIEWS, CODINGS, CHOICES, views_of(st.just(7), max_size=8))
def test_one_document_more_changes_no_cell_of_the_others(views, codings, choices, more):
    reports = [report(pk, codings[pk - 1]) for pk in range(1, 7)]
    before = told(table(views, reports, **choices))
    after = told(table([*views, *more], [*reports, report(7, "none")], **choices))
    assert {q: {c: cell for c, cell in after[q].items() if c != "r7"} for q in before} == before


@given(VIEWS, CODINGS, CHOICES)
def test_one_unrelated_document_more_changes_no_cell_of_any_holder(views, codings, choices):
    reports = [report(pk, codings[pk - 1]) for pk in range(1, 7)]
    before = table(views, reports, across=HOLDERS, **choices)
    after = table([*views, (7, 99, "own", 2)], [*reports, report(7)], across=HOLDERS, **choices)
    rows = told(after)
    assert {q: {c: cell for c, cell in rows[q].items() if c != "authors:r7"} for q in told(before)} == told(before)


@given(VIEWS, CODINGS, CHOICES, st.sampled_from(["reports", "holders"]))
def test_every_answer_stands_once_and_no_cell_is_silent_over_an_answer(views, codings, choices, across):
    found = table(views, [report(pk, codings[pk - 1]) for pk in range(1, 7)], across=across, **choices)
    shown = [answer for answer in found.selection.answers if found.selection.shows(answer)]
    assert sorted(answer.pk for row in found.rows for answer in row.answers) == [answer.pk for answer in shown]
    counted = {voice: sum(answer.voice == voice for answer in shown) for voice in Voice.values}
    assert matrix.voices(found.rows) == counted
    assert {voice: sum(column.voices[voice] for column in found.columns) for voice in Voice.values} == counted
    spoken = {(f"q{a.question_id}", f"r{a.report_id}") for a in found.selection.answers}
    if across == "reports":
        for question, cells in told(found).items():
            silent = {slug for slug, cell in cells.items() if cell in ("silent", "uncoded")}
            assert not any((question, slug) in spoken for slug in silent)


@given(VIEWS, st.sampled_from(["r1", "r2"]))
def test_figures_rest_on_own_views_alone_lie_between_0_and_1_and_have_their_n(views, beside):
    reports = [report(pk) for pk in range(1, 7)]
    found = table(views, reports, beside=beside)
    only = table([view for view in views if view[2] == "own"], reports, beside=beside)
    others = {row.question.slug: (row.n, row.contention) for row in only.rows}
    for row in found.rows:
        assert (row.n, row.contention) == others.get(row.question.slug, (0, None))
        assert (row.contention is None) == (row.n < 3)
        assert row.contention is None or 0 <= row.contention <= 1
    assert [(c.slug, c.agreement, c.n) for c in found.columns] == [(c.slug, c.agreement, c.n) for c in only.columns]
    for column in found.columns[1:]:
        assert (column.agreement is None) == (column.n < 3)
        assert column.agreement is None or 0 <= column.agreement <= 1
        (back,) = [c for c in table(views, reports, beside=column.slug).columns if c.slug == beside]
        assert (back.agreement, back.n) == (column.agreement, column.n)


# --- the page, the exports, the API -----------------------------------------------------------------------------------


def page(client, query="", status=200, lang="en"):
    response = client.get(f"/{lang}/matrix/{query}")
    assert response.status_code == status, response.content.decode()[:2000]
    return response.content.decode()


def api(client, query="", status=200):
    response = client.get(f"/api/v1/matrix/{query}")
    assert response.status_code == status, response.content
    return response.json()


def sheet(client, query="", lang="en"):
    """Return the CSV of a page as lists of cells."""
    text = page(client, f"{query}{'&' if query else '?'}format=csv", lang=lang)
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


@pytest.fixture
def corpus(db):
    """Two areas, two questions; three documents of 2019 to 2021, one of them not finished; one actor; one draft."""
    parent = make.area(slug="technology")
    child = make.area(slug="standards", parent=parent)
    one = make.question([child], slug="one", kind="normative", text_en="Should it?", text_zh="应否？")
    two = make.question([make.area(slug="health")], slug="two", kind="predictive", text_en="Will it?", text_zh="会否？")
    side = make.actor(slug="us-side", name_en="US side", name_zh="美方")
    old, mid, new = (
        make.report(slug=slug, date=date, title_en=slug.title(), coding=coding)
        for slug, date, coding in (("old", "2019", "complete"), ("mid", "2020", "complete"), ("new", "2021", "partial"))
    )
    make.contribution(old, author=make.author(slug="li-si", name_en="Li Si", name_zh="李四"))
    make.position(old, question=one, key="P01", stance=2)
    make.position(old, question=one, key="P02", stance=-1, voice="attributed", holder=side, hedge="likely")
    make.position(mid, question=one, key="P01", stance=-2, voice="joint")
    make.position(mid, question=two, key="P02", stance=0, hedge="open")
    draft = make.report(slug="draft", state="draft", title_en="Secret")
    make.position(draft, question=one, stance=-2)
    make.position(draft, question=make.question(slug="hidden"))
    return SimpleNamespace(one=one, two=two, old=old, mid=mid, new=new)


def test_a_page_says_who_says_what_who_is_silent_and_who_is_not_read(client, corpus):
    text = page(client)
    assert "Two questions, three documents" in text
    assert 'href="/en/questions/one/#old-P01"' in text and 'href="/en/questions/one/#mid-P01"' in text
    assert "Secret" not in text and "questions/hidden/" not in text
    body = text.partition("<tbody")[2]
    assert body.count("Not yet coded") == 2 and body.count("Read, and not stated") == 1
    assert body.index("Not yet coded") < body.index("#mid-P01") < body.index("#old-P01")  # newest first
    assert "US side" in body and "likely" in body


def test_page_csv_json_and_api_tell_the_same(client, corpus):
    for query in ("", "?columns=holders", "?voice=own", "?area=technology", "?report=old&report=new", "?page_size=1"):
        found, text = api(client, query), page(client, query)
        told_json = json.loads(page(client, f"{query}{'&' if query else '?'}format=json"))
        assert {**told_json, "next": None, "previous": None} == {**found, "next": None, "previous": None}
        body = text.partition("<tbody")[2].partition("</table>")[0]
        head, *lines = sheet(client, query)
        assert [line[0] for line in lines] == [row["question"] for row in found["rows"]]
        assert re.findall(
            r'<tr role="row"><th role="rowheader" scope="row"><a href="/en/questions/([^/]+)/"', body
        ) == [row["question"] for row in found["rows"]]
        assert len(head) == 5 + len(found["columns"])
        cells = [cell for line in lines for cell in line[3:-2]]
        frames = {"own": "v own", "joint": "v joint", "attributed": "v attr"}
        for voice, n in found["counts"].items():
            positions = [p for row in found["rows"] for cell in row["cells"] for p in cell["positions"]]
            assert n == sum(position["voice"] == voice for position in positions)
            assert n == sum(len(re.findall(rf"\[{voice}[,:]", cell)) for cell in cells)
            assert n == body.count(f'class="{frames[voice]}"')
        absent = [cell["state"] for row in found["rows"] for cell in row["cells"] if not cell["positions"]]
        assert len(absent) == sum(cell in set(map(str, matrix.ABSENCES.values())) for cell in cells)
        assert len(absent) == sum(body.count(f'class="st {mark}"') for mark in ("na", "un", "ot"))


def test_the_csv_is_wide_safe_and_in_the_language_of_the_page(client, corpus):
    Report.objects.filter(slug="old").update(title_en="=HYPERLINK(1)", title_zh="旧文")
    assert sheet(client) == [
        ["question", "kind", "text", "New", "Mid", "'=HYPERLINK(1)", "contention", "own_documents"],
        [
            "one", "normative", "Should it?", "Not yet coded", "Against [joint, certain]",
            "For [own, certain] | Against, conditionally [attributed: US side, likely]", "", "1",
        ],
        ["two", "predictive", "Will it?", "Not yet coded", "Left open [own, open]", "Read, and not stated", "", "1"],
    ]  # fmt: skip
    head, first, _ = sheet(client, lang="zh")
    assert head[5] == "旧文" and first[2] == "应否？" and first[5].startswith("支持 [自有")


def test_the_json_names_everything(client, corpus):
    found = api(client, "?page_size=1&count=on")
    assert found["count"] == found["questions"] == 2 and found["documents"] == found["columns_total"] == 3
    assert "/api/v1/matrix/?count=on&cursor=" in found["next"] and found["next"].endswith("&page_size=1")
    assert found["previous"] is None
    (row,) = found["rows"]
    assert [cell["state"] for cell in row["cells"]] == ["uncoded", "stated", "stated"]
    assert [(p["key"], p["holder"], p["voice"], p["stance"]) for p in row["cells"][2]["positions"]] == [
        ("P01", None, "own", 2),
        ("P02", "us-side", "attributed", -1),
    ]
    assert row["cells"][2]["positions"][0]["url"] == "http://testserver/zh/questions/one/#old-P01"
    assert found["columns"][2]["counts"] == {"own": 1, "joint": 0, "attributed": 1}


@pytest.mark.parametrize(
    ("query", "questions", "columns"),
    [
        ("", "one two", "new mid old"),
        ("?area=technology", "one", "new mid old"),
        ("?area=technology&area=health", "one two", "new mid old"),
        ("?kind=predictive", "two", "new mid old"),
        ("?question=two", "two", "new mid old"),
        ("?report=old", "one", "old"),
        ("?report=old&report=new", "one", "new old"),
        ("?year_min=2020", "one two", "new mid"),
        ("?year_max=2019", "one", "old"),
        ("?voice=own", "one two", "new mid old"),
        ("?voice=attributed", "one", "new mid old"),
        ("?holder=us-side", "one", "new mid old"),
        ("?holder=authors", "one two", "new mid old"),
        ("?ordering=name", "one two", "new mid old"),
        ("?ordering=-name", "two one", "new mid old"),
        ("?ordering=-kind", "two one", "new mid old"),
        ("?beside=old", "one two", "old new mid"),
        ("?columns=holders", "one two", "authors:mid authors:old us-side"),
        ("?columns=holders&holder=us-side", "one", "us-side"),
        ("?columns=holders&voice=joint", "one", "authors:mid"),
        ("?columns=holders&beside=us-side", "one two", "us-side authors:mid authors:old"),
        ("?columns=holders&beside=authors:old", "one two", "authors:old authors:mid us-side"),
        ("?area=&kind=&report=&beside=&columns=&page_size=", "one two", "new mid old"),
    ],
)
def test_what_can_be_chosen(client, corpus, query, questions, columns):
    found = api(client, query)
    assert [row["question"] for row in found["rows"]] == questions.split()
    assert [column["slug"] for column in found["columns"]] == columns.split()
    page(client, query)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("aera=x", "aera"), ("area=nowhere", "area"), ("report=draft", "report"), ("question=hidden", "question"),
        ("columns=rows", "columns"), ("columns=reports&columns=holders", "columns"), ("beside=nobody", "beside"),
        ("beside=draft", "beside"), ("beside=authors:draft", "beside"), ("beside=old&beside=new", "beside"),
        ("ordering=size", "ordering"), ("page_size=0", "page_size"), ("page_size=many", "page_size"),
        ("voice=loud", "voice"), ("year_min=soon", "year_min"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused_by_name(client, corpus, query, name):
    assert list(api(client, f"?{query}", 400)["errors"]) == [name]
    assert f"<code>{name}</code>" in page(client, f"?{query}", 400) or name in page(client, f"?{query}", 400)


def test_pages_follow_one_another(client, corpus):
    first = api(client, "?page_size=1")
    second = api(client, f"?{urlsplit(first['next']).query}")
    assert [row["question"] for row in first["rows"] + second["rows"]] == ["one", "two"] and second["next"] is None
    assert api(client, f"?{urlsplit(second['previous']).query}") == first
    told = json.loads(client.get(f"/en/matrix/?format=json&{urlsplit(first['next']).query}").content)
    assert told["rows"] == second["rows"] and told["next"] is None
    assert told["previous"].startswith("http://testserver/en/matrix/?") and "format=json" in told["previous"]
    shown = page(client, f"?{urlsplit(first['next']).query}")
    assert 'rel="prev"' in shown and 'rel="next"' not in shown


@pytest.mark.parametrize("query", ["cursor=x", "page=2", "page_size=51", "format=jsonl"])
def test_what_is_no_page_is_refused(client, corpus, query):
    name = query.partition("=")[0]
    assert f"<code>{name}</code>" in page(client, f"?{query}", 400)
    assert list(api(client, f"?{query}", 400)["errors"]) == [name]


def test_a_place_belongs_to_one_order_and_to_rows_that_are_there(client, corpus):
    cursor = parse_qs(urlsplit(api(client, "?page_size=1")["next"]).query)["cursor"][0]
    for query in ("ordering=name", "kind=predictive"):
        assert api(client, f"?cursor={cursor}&{query}", 400)["errors"]["cursor"]


def test_a_choice_of_voices_says_why_there_are_no_figures(client, corpus):
    text = page(client, "?voice=attributed&beside=old")
    assert "They are left out here" in text and "Other views only" in text.partition("<tbody")[2]
    assert "They are left out here" not in page(client, "?voice=own")
    assert api(client, "?voice=attributed")["rows"][0]["own_documents"] is None


def test_nothing_to_show_says_so_and_offers_the_way_back(client, corpus):
    text = page(client, "?area=health&voice=joint")
    assert "<table" not in text and "No chosen document answers" in text and 'id="choose" open' in text


def test_summaries_stand_in_the_cells_of_few_columns_only(client, corpus):
    summary = corpus.old.positions.first().summary_en
    assert summary in page(client)
    for _ in range(3):
        make.report()
    assert summary not in page(client)


def test_kinds_head_the_rows_only_when_they_are_sorted_so(client, corpus):
    assert page(client, "?ordering=kind").count("group-row") == 2
    assert "group-row" not in page(client)


def test_contention_and_agreement_are_told_with_their_n(client, corpus):
    for number, stance in enumerate((2, -2)):
        make.position(make.report(slug=f"more-{number}"), question=corpus.one, stance=stance)
    assert "Contention 0.89, n = 3" in re.sub(r"<[^>]+>", "", page(client))
    row = api(client)["rows"][0]
    assert (row["contention"], row["own_documents"]) == (0.8889, 3)
    assert sheet(client)[1][-2:] == ["0.8889", "3"]
    assert "agreement not shown, n = 1" in re.sub(r"<[^>]+>", "", page(client, "?beside=old"))


def test_a_column_to_compare_with_may_be_missing(client, corpus):
    assert "is not among those shown" in page(client, "?beside=old&report=mid")
    assert api(client, "?beside=old&report=mid")["beside"] is None


def test_more_documents_than_a_table_holds(client, corpus):
    Report.objects.bulk_create(
        Report(slug=f"many-{n}", title_zh="多", title_en="Many", kind="report", state="published", date="2022")
        for n in range(WIDEST)
    )
    text, found = page(client), api(client)
    assert found["columns"] == [] or found["rows"] == []  # the newest 200 answer nothing
    assert f"{WIDEST + 3} documents are chosen; the newest {WIDEST}" in text
    assert found["documents"] == WIDEST + 3
    assert len(api(client, "?year_max=2021")["columns"]) == 3


def test_what_has_not_changed_is_not_sent_again(client, corpus):
    for address in ("/api/v1/matrix/?area=technology", "/en/matrix/?area=technology"):
        first = client.get(address)
        again = client.get(address, headers={"if-none-match": first["ETag"]})
        assert again.status_code == 304 and not again.content
    make.position(corpus.new, question=corpus.one)
    assert client.get(address, headers={"if-none-match": first["ETag"]}).status_code == 200


def test_areas_and_lists_of_questions_lead_to_their_matrix(client, corpus):
    for path in ("areas/technology/", "questions/?area=technology&ordering=name&cursor=&q="):
        assert 'href="/en/matrix/?area=technology"' in client.get(f"/en/{path}").content.decode()


def test_whatever_a_list_of_questions_is_narrowed_by_its_matrix_understands(client, corpus):
    for query in ("kind=normative", "report=old", "holder=us-side", "area=health&area=technology"):
        text = client.get(f"/en/questions/?{query}").content.decode()
        (address,) = re.findall(r'href="(/en/matrix/\?[^"]+)"', text)
        found = api(client, f"?{address.partition('?')[2].replace('&amp;', '&')}")
        assert all(f"questions/{row['question']}/" in text for row in found["rows"]) and found["rows"]
    for name in QuestionFilterSet.base_filters.keys() - MatrixFilterSet.base_filters.keys():
        assert "/en/matrix/?" not in client.get(f"/en/questions/?{name}=1").content.decode(), name


@pytest.mark.django_db
def test_fifty_questions_by_two_hundred_documents_cost_a_dozen_queries_at_most(client):
    def costs():
        found = {}
        for address in ("/en/matrix/", "/api/v1/matrix/"):
            for more in ("", "&columns=holders", "&voice=own", "&beside=r-1", "&kind=normative"):
                with CaptureQueriesContext(connection) as seen:
                    assert client.get(f"{address}?area=field&page_size=50{more}").status_code == 200
                found[address, more] = len(seen)
        return found

    with transaction.atomic():
        synthetic(questions=10, documents=20)
        few = costs()
        transaction.set_rollback(True)
    synthetic()
    many = costs()
    assert many == few
    assert max(many.values()) <= MOST_QUERIES, many
