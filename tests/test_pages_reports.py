"""The pages of who published what, the front page, forecasts, timeline, codebook and corrections."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recommendations.models import Position, Question
from tests import factories as make

pytestmark = pytest.mark.django_db

LANGUAGES = ["zh", "en"]
LISTS = ["reports/", "authors/", "institutions/", "works/", "forecasts/", "timeline/"]
PLAIN = ["", "about/codebook/", "corrections/"]


def page(client, path, status=200):
    response = client.get(path)
    assert response.status_code == status, path
    return response.content.decode()


def published(**values):
    """A report with one of everything that its page shows."""
    text = make.source_text()
    report = make.report(text, slug="shown", title_zh="甲报告", title_en="Report A", **values)
    section = make.section(report, 0, 18, key="s1", heading_en="First heading")
    person, employer = (
        make.author(slug="li-ming", name_en="Li Ming"),
        make.institution(slug="inst", name_en="Institute X"),
    )
    contribution = make.contribution(
        report, author=person, affiliation_as_printed="某某研究院", post_as_printed="研究员", delegation="CN"
    )
    contribution.affiliations.add(employer)
    umbrella = make.recommendation(report, key="R01", summary_en="Umbrella act.")
    part = make.recommendation(report, key="R02", parent=umbrella, summary_en="Single act.")
    again = make.recommendation(report, key="R03", summary_en="Said again.")
    again.restates.add(part)
    forecast = make.position(
        report, key="P01", question=make.question(kind="predictive", text_en="Will it rain?"), hedge="likely",
        horizon="term", summary_en="It expects rain.",
    )  # fmt: skip
    rating = make.rating(report, key="T01", level="low")
    for row in (umbrella, part, again, forecast, rating):
        make.evidence(row, 0, 16)
    make.citation(report, key="N01", mark="②", work=make.work(slug="work-a", title_en="Work A"))
    make.mention(report, make.event(slug="summit", title_en="The summit", date="2020-11"))
    make.mention(report, make.event(slug="goal", title_en="The goal", date="2050", target=True), start=2)
    return report, section


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", [*PLAIN, *LISTS])
def test_pages_answer_with_and_without_data(client, language, path):
    page(client, f"/{language}/{path}")
    published()
    html = page(client, f"/{language}/{path}")
    assert html.count("<h1") == 1
    assert " style=" not in html and not re.search(r"<script(?![^>]*\ssrc=)", html)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_page_shows_who_what_and_where(client, language):
    published()
    html = page(client, f"/{language}/reports/shown/")
    for anchor in ("s1", "R01", "R02", "R03", "P01", "T01", "N01"):
        assert html.count(f'id="{anchor}"') == 1, anchor
    assert "某某研究院" in html and "研究员" in html
    assert 'href="#s1"' in html
    assert f"/{language}/timeline/#summit" in html and f"/{language}/works/#work-a" in html
    assert "第一句话说明中美应当恢复官方对话" in html


def test_a_report_page_counts_acts_once_and_shows_repeats_apart(client):
    published()
    html = page(client, "/en/reports/shown/")
    assert "1 single act<" in html and "1 umbrella, not counted" in html and "1 row that restates others" in html
    assert html.index("Single act.") < html.index("Said again elsewhere") < html.index("Said again.")


def test_without_the_text_a_report_page_says_where_things_stand(client):
    report = make.report(slug="bare", source_sha256="a" * 64)
    make.section(report, 0, 100, key="s1")
    make.evidence(make.position(report), 10, 30)
    html = page(client, "/en/reports/bare/")
    assert "characters 10 to 30" in html and "not held here" in html


def test_essays_and_their_symposium_lead_to_each_other(client):
    whole = make.report(slug="whole", kind="symposium", title_en="The symposium")
    make.report(slug="essay", kind="essay", part_of=whole, place=1, title_en="The essay")
    make.report(slug="hidden", kind="essay", part_of=whole, place=2, title_en="Draft essay", state="draft")
    html = page(client, "/en/reports/whole/")
    assert "/en/reports/essay/" in html and "Draft essay" not in html
    assert "/en/reports/whole/" in page(client, "/en/reports/essay/")


def test_the_finder_counts_filters_and_explains_an_empty_result(client):
    published()
    make.report(title_en="Report B", kind="essay")
    assert "2 documents" in page(client, "/en/reports/")
    html = page(client, "/en/reports/?kind=essay")
    assert "1 document<" in html and "Report B" in html and "Report A" not in html and "Remove filter:" in html
    assert "Report A" in page(client, "/en/reports/?author=li-ming")
    assert "Report A" in page(client, "/en/reports/?institution=inst")
    assert "No document matches all of these filters" in page(client, "/en/reports/?q=nowhere&kind=essay")


@pytest.mark.parametrize("path", LISTS)
def test_an_unknown_filter_or_value_is_named(client, path):
    published()
    assert "aera" in page(client, f"/en/{path}?aera=x", 400)
    assert "nowhere" in page(client, f"/en/{path}?report=nowhere", 400) or path == "institutions/"


def test_doors_show_role_and_affiliation_as_printed_and_keep_voices_apart(client):
    report, _ = published()
    employer, person = report.contributions.get().affiliations.get(), report.contributions.get().author
    beside = make.contribution(make.report(), author=make.author(slug="beside", name_en="Colleague"))
    beside.affiliations.add(employer)
    actor = make.actor(kind="person", author=person)
    make.position(make.report(), voice="attributed", holder=actor, summary_en="Told of Li Ming.")
    html = page(client, "/en/authors/li-ming/")
    for words in ("Report A", "某某研究院", "Colleague", "1 own position<", "Told of Li Ming."):
        assert words in html
    hidden = make.contribution(make.report(state="draft"), author=person)
    elsewhere = make.institution(name_en="Draft employer")
    hidden.affiliations.add(elsewhere)
    make.contribution(make.report()).affiliations.add(elsewhere)
    assert "Draft employer" not in page(client, "/en/authors/li-ming/")
    html = page(client, "/en/institutions/inst/")
    assert "Li Ming" in html and "研究员" in html


def test_a_forecast_is_open_until_its_question_has_an_outcome(client):
    report, _ = published()
    html = page(client, "/en/forecasts/")
    assert "It expects rain." in html and "o-open" in html and "within Biden" in html and "likely" in html
    Question.objects.update(outcome="no", outcome_date="2022-01", outcome_source="https://example.org/")
    html = page(client, "/en/forecasts/")
    assert "Did not hold" in html and "o-open" not in html
    assert "kind" in page(client, "/en/forecasts/?kind=normative", 400)


@pytest.mark.parametrize(
    ("stance", "outcome", "result"),
    [(2, "", "open"), (0, "yes", "unsaid"), (2, "yes", "held"), (-2, "no", "held"), (2, "no", "failed"),
     (-1, "yes", "failed"), (1, "partly", "held"), (2, "partly", "part"), (1, "yes", "part"), (-1, "no", "part")],
)  # fmt: skip
def test_what_came_of_a_forecast(stance, outcome, result):
    settled = {"outcome_date": "2022", "outcome_source": "https://example.org/"} if outcome else {}
    question = make.question(kind="predictive", outcome=outcome, **settled)
    make.position(make.report(), question=question, stance=stance)
    forecast = Position.objects.with_result().with_outcomes().get()
    assert forecast.result == forecast.came_out == result


def test_voices_of_forecasts_are_never_added(client):
    published()
    make.position(make.report(), question=make.question(kind="predictive"), voice="attributed", holder=make.actor())
    html = page(client, "/en/forecasts/")
    assert "1 own forecast<" in html and "1 attributed forecast<" in html and "2 forecasts" not in html


def test_the_timeline_sets_goals_apart(client):
    published()
    html = page(client, "/en/timeline/")
    assert 'id="summit"' in html and "/en/reports/shown/" in html
    places = [html.index(words) for words in ("<h3>The summit</h3>", 'id="targets"', "<h3>The goal</h3>")]
    assert places == sorted(places)


def test_the_front_page_is_made_from_the_data(client):
    areas = [make.area() for _ in range(3)]
    lead = make.question([areas[0]], text_en="Should they talk?")
    for stance in (2, 2, -2):
        make.position(make.report(), question=lead, stance=stance)
    make.position(make.report(), question=lead, voice="attributed", holder=make.actor(), stance=-1)
    split = make.question([areas[1]], text_en="Is it so bad?", kind="evaluative")
    make.position(make.report(), question=split, stance=2)
    make.position(make.report(), question=split, stance=-2)
    for _ in range(5):
        make.position(make.report(state="draft"), question=make.question([areas[2]], text_en="Unseen?"))
    html = page(client, "/en/")
    assert html.index("Should they talk?") < html.index("Is it so bad?")
    assert "4 documents" in html and "3 own positions" in html and "1 attributed position<" in html
    assert "None recorded yet" in html and "Unseen?" not in html


def test_the_codebook_prints_every_stance_voice_and_silence(client):
    html = page(client, "/en/about/codebook/")
    for words in ("For, conditionally", "Not expected", "Undecided", "Read, and not stated", "Not yet coded", "joint"):
        assert words in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_draft_is_on_no_page(client, language):
    report, _ = published(state="draft")
    for path in ["", *LISTS]:
        html = page(client, f"/{language}/{path}")
        for words in ("Report A", "甲报告", "Li Ming", "Institute X", "Work A", "The summit", "It expects rain."):
            assert words not in html, path
    for path in ("reports/shown/", "authors/li-ming/", "institutions/inst/"):
        page(client, f"/{language}/{path}", 404)


def rows(n):
    """n reports, each by two people, citing a work, mentioning an event, forecasting on one question."""
    question = make.question(kind="predictive")
    for _ in range(n):
        report = make.report()
        make.section(report)
        for _person in range(2):
            make.contribution(report).affiliations.add(make.institution())
        make.citation(report, work=make.work())
        make.mention(report, make.event())
        make.evidence(make.position(report, question=question))


@pytest.mark.parametrize("path", ["", *LISTS])
def test_the_number_of_queries_does_not_grow(client, path):
    counted = []
    for n in (1, 9):
        rows(n)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page(client, f"/en/{path}")
        counted.append(len(queries))
    assert counted[1] == counted[0]


def test_the_queries_of_a_report_page_do_not_grow(client):
    report, section = published()
    counted = []
    for n in (1, 9):
        for _ in range(n):
            make.evidence(make.recommendation(report, addressees=[make.actor()]))
            make.evidence(make.position(report, voice="attributed", holder=make.actor()))
            make.evidence(make.rating(report, assessor=make.actor()))
            make.contribution(report)
            make.citation(report, work=make.work())
            make.mention(report, make.event())
        with CaptureQueriesContext(connection) as queries:
            page(client, "/en/reports/shown/")
        counted.append(len(queries))
    assert counted[0] == counted[1]


def test_a_long_report_stays_light(client):
    report = make.report(slug="long")
    make.section(report, key="s1")
    for number in range(120):
        make.evidence(make.position(report, summary_en=f"A sentence in our own words, number {number}."))
    html = page(client, "/en/reports/long/")
    assert html.count("<") - html.count("</") < 4000


def test_a_row_that_restates_another_report_leads_to_that_report(client):
    whole, essay = make.report(slug="whole"), make.report(slug="essay", title_en="The essay")
    said, again = make.recommendation(essay, key="R02"), make.recommendation(whole, key="R01")
    again.restates.add(said)
    content = page(client, "/en/reports/whole/")
    assert "The essay" in content
    assert '"/en/reports/essay/#R02"' in content
    assert 'href="#R02"' not in content
