"""Forecasts: what came of each, told by an editor or by a report; filters, records, calibration."""

from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recommendations import forecasting
from recommendations.models import Position, Question
from tests import factories as make

pytestmark = pytest.mark.django_db


def forecast(report=None, outcome="", **values):
    question = values.pop("question", None) or make.question(kind="predictive", **entered(outcome))
    return make.position(report or make.report(), question=question, **values)


def entered(outcome):
    return {"outcome": outcome} | (
        {"outcome_date": "2022", "outcome_source": "https://example.org/"} if outcome else {}
    )


def results():
    """The result of every forecast, by row and by set, which must agree."""
    found = Position.objects.with_result().with_outcomes().order_by("pk")
    assert [row.result for row in found] == [row.came_out for row in found]
    return [str(row.result) for row in found]


# --- what came of it -------------------------------------------------------------------------------------------------


def test_a_report_decides_a_forecast_by_telling_the_outcome():
    row = forecast(stance=2)
    assert results() == ["open"]
    make.resolution(make.report(), row.question, outcome="yes", date="2021-01-28")
    assert results() == ["held"]


def test_the_newest_report_is_believed_and_an_editor_before_all():
    row = forecast(stance=2)
    make.resolution(make.report(), row.question, outcome="partly", date="")
    make.resolution(make.report(), row.question, outcome="no", date="2023")
    make.resolution(make.report(), row.question, outcome="yes", date="2022-06")
    assert results() == ["failed"]
    Question.objects.update(**entered("unknowable"))
    assert results() == ["unknowable"]


def test_what_a_draft_tells_decides_nothing():
    row = forecast(stance=2)
    make.resolution(make.report(state="draft"), row.question)
    assert results() == ["open"]


def test_the_page_names_date_and_source(client):
    row = forecast(stance=2)
    told = make.report(slug="later", title_en="The later text")
    make.resolution(told, row.question, outcome="yes", date="2021-01-28", note_zh="注。", note_en="It was signed.")
    for path in ("/en/forecasts/", f"/en/questions/{row.question.slug}/"):
        html = client.get(path).content.decode()
        assert "28 January 2021" in html and 'href="/en/reports/later/#outcomes"' in html, path
    assert "It was signed." in client.get("/en/reports/later/").content.decode()


# --- the list --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("outcome=open", ["P01"]),
        ("outcome=held&outcome=failed", ["P02", "P03"]),
        ("horizon=dated", ["P02"]),
        ("horizon=term", ["P03"]),
        ("horizon=unsaid&horizon=term", ["P01", "P03"]),
        ("hedge=possible", ["P03"]),
        ("outcome=unknowable", []),
    ],
)
def test_forecasts_are_filtered_alike_on_page_and_api(client, query, keys):
    report = make.report()
    forecast(report, key="P01")
    forecast(report, key="P02", outcome="yes", horizon="2023-06")
    forecast(report, key="P03", outcome="no", horizon="term", hedge="possible")
    make.position(report, key="P04")  # no forecast
    found = client.get(f"/api/v1/forecasts/?{query}").json()["results"]
    assert sorted(row["key"] for row in found) == keys
    page = client.get(f"/en/forecasts/?{query}")
    assert sorted(row.key for row in page.context["page_obj"].rows) == keys


@pytest.mark.parametrize("query", ["outcome=maybe", "horizon=soon", "kind=predictive"])
def test_what_is_unknown_is_refused(client, query):
    assert client.get(f"/en/forecasts/?{query}").status_code == 400
    assert client.get(f"/api/v1/forecasts/?{query}").status_code == 400


def test_an_unchanged_answer_is_not_sent_again(client):
    forecast()
    first = client.get("/api/v1/forecasts/")
    again = client.get("/api/v1/forecasts/", headers={"if-none-match": first["ETag"]})
    assert again.status_code == 304 and not again.content
    forecast()
    assert client.get("/api/v1/forecasts/", headers={"if-none-match": first["ETag"]}).status_code == 200


# --- records and calibration -----------------------------------------------------------------------------------------


def sort(n, voice="own", hedge="certain", came_out="open", report=1, holder=None):
    return {"n": n, "voice": voice, "hedge": hedge, "came_out": came_out, "report": report, "holder": holder}


def test_records_keep_voices_apart():
    sorts = [
        sort(3), sort(2, hedge="likely", came_out="held"), sort(1, "attributed", holder=7),
        sort(4, report=2, came_out="unsaid"), sort(5, "joint", report=2, holder=7, came_out="failed"),
    ]  # fmt: skip
    found = forecasting.records(sorts, "report")
    assert [(one.who, one.voice, one.total, one.decided) for one in found] == [
        (1, "own", 5, 2), (2, "joint", 5, 5), (2, "own", 4, 0), (1, "attributed", 1, 0),
    ]  # fmt: skip
    assert [(hedge.value, n) for hedge, n in found[0].sureness] == [("certain", 3), ("likely", 2)]
    held = forecasting.records(sorts, "holder")
    assert [(one.who, one.voice, one.total) for one in held] == [(7, "joint", 5), (7, "attributed", 1)]
    assert [one.who for one in forecasting.named(held, {7: "seven"})] == ["seven", "seven"]


def test_nothing_is_claimed_below_ten_decided_ones():
    nine = [sort(5, came_out="held"), sort(4, hedge="likely", came_out="failed"), sort(90)]
    assert forecasting.calibration(nine) == {"own": (9, None)}
    decided, table = forecasting.calibration([*nine, sort(1, hedge="likely", came_out="part")])["own"]
    assert decided == 10
    assert [(hedge.value, n, [(str(r.value), k) for r, k in results]) for hedge, n, results in table] == [
        ("certain", 5, [("held", 5), ("part", 0), ("failed", 0)]),
        ("likely", 5, [("held", 0), ("part", 1), ("failed", 4)]),
    ]
    assert forecasting.calibration([sort(9, came_out="held"), sort(9, "joint", came_out="held")]) == {
        "own": (9, None), "joint": (9, None),
    }  # fmt: skip


def test_the_tally_counts_what_the_filters_leave(client):
    report, holder = make.report(), make.actor()
    forecast(report, outcome="yes")
    forecast(report, hedge="likely")
    forecast(report, voice="attributed", holder=holder, hedge="likely")
    page = client.get("/en/forecasts/?hedge=likely")
    summary = SimpleNamespace(**page.context["summary"])
    assert [(one.who, one.voice, one.total, one.decided) for one in summary.written] == [
        (report, "attributed", 1, 0), (report, "own", 1, 0),
    ]  # fmt: skip
    assert [(one.who, one.total) for one in summary.held] == [(holder, 1)]
    assert summary.calibration == {}


def test_a_table_of_ten_is_shown(client):
    question = make.question(kind="predictive", **entered("yes"))
    report = make.report()
    for stance in [2] * 8 + [-2] * 2:
        forecast(report, question=question, stance=stance)
    html = client.get("/en/forecasts/").content.decode()
    assert "10 forecasts of this voice are decided." in html


def test_queries_do_not_grow(client):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            client.get("/en/forecasts/")
        return len(queries)

    def add():
        row = forecast(voice="attributed", holder=make.actor())
        make.resolution(row.report, row.question)
        make.section(row.report)

    add()
    client.get("/en/forecasts/")
    one = cost()
    for _ in range(9):
        add()
    assert cost() == one
