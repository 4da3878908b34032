"""Pages of what is much: the first of many rows, how many there are, and where the others stand."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal import excerpt
from portal import views as portal_views
from recommendations import filed
from recommendations import views as coded_views
from recommendations.models import Position, Question
from reports import models as report_models
from reports import views as report_views
from tests import factories as make
from tests.indexing import current

pytestmark = pytest.mark.django_db


def page(client, path):
    response = client.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def queries(client, path):
    with CaptureQueriesContext(
        connection,
    ) as caught:
        page(client, path)
    return len(caught)


def dated(n):
    return [make.report(date=f"20{10 + at}", date_kind="cover") for at in range(n)]


# --- the functions ----------------------------------------------------------------------------------------------------


def test_an_excerpt_knows_how_many_there_are():
    reports = dated(3)[::-1]
    rows = type(reports[0]).objects.order_by("-date")
    few, many = excerpt.first(3, rows), excerpt.first(2, rows)
    assert (few.rows, few.total, few.more) == (reports, 3, False)
    assert (list(many), len(many), many.total, many.more) == (reports[:2], 2, 3, True)
    assert not excerpt.first(2, rows.none())


def test_keys_are_sifted_some_at_a_time_until_there_are_enough(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(excerpt, "AT_ONCE", 1)
    keys = [
        make.question(kind=kind).pk for kind in ("normative", "predictive", "predictive", "normative", "predictive")
    ]
    wanted = Question.objects.filter(kind="predictive")
    with django_assert_num_queries(2):  # the first alone, then four
        assert excerpt.sifted(keys, wanted, 2) == keys[1:3]
    assert excerpt.sifted(keys, wanted, 9) == [keys[1], keys[2], keys[4]]
    assert excerpt.sifted([], wanted, 1) == []


# --- people, institutions, works --------------------------------------------------------------------------------------


def test_an_institution_shows_the_newest_and_leads_to_all(client, monkeypatch):
    institution, person = make.institution(), make.author()
    for report in dated(3):
        report.publisher = institution
        report.save()
        make.contribution(report, institution=institution, role="convenor")
        make.contribution(report, author=person).affiliations.add(institution)
    path = f"/en/institutions/{institution.slug}/"
    assert "stand here" not in page(client, path)
    monkeypatch.setattr(report_views, "MOST", 2)
    html = page(client, path)
    assert html.count("The newest 2 of 3 stand here.") == 3
    assert f'/en/reports/?institution={institution.slug}"' in html
    assert f'/en/authors/?institution={institution.slug}"' in html
    assert "<dt>Documents</dt><dd>3</dd>" in html
    assert "Report" in html and html.count("2010") == 0 and "2012" in html


def test_what_is_told_of_an_institution_is_cut_too(client, monkeypatch):
    institution = make.institution()
    actor = make.actor(institution=institution)
    for report in dated(3):
        make.contribution(report, institution=institution, role="convenor")
        make.position(report, voice="attributed", holder=actor)
    monkeypatch.setattr(report_views, "MOST", 2)
    html = page(client, f"/en/institutions/{institution.slug}/")
    assert f'/en/questions/?holder={actor.slug}"' in html


def test_a_person_shows_the_newest_and_leads_to_all(client, monkeypatch):
    institution, person = make.institution(), make.author()
    for report in dated(3):
        make.contribution(report, author=person).affiliations.add(institution)
        make.contribution(report).affiliations.add(institution)
        work = make.work()
        work.people.add(person)
        make.citation(report, work=work)
    path = f"/en/authors/{person.slug}/"
    assert "stand here" not in page(client, path)
    monkeypatch.setattr(report_views, "MOST", 2)
    html = page(client, path)
    assert html.count("The newest 2 of 3 stand here.") == 3  # own views, documents, works
    assert "The first 2 of 3 by name stand here." in html
    for address in (
        f"reports/?author={person.slug}",
        f"works/?person={person.slug}",
        f"authors/?institution={institution.slug}",
    ):
        assert f'/en/{address}"' in html
        page(client, f"/en/{address}")


def test_a_work_shows_its_first_places_and_leads_to_all(client, monkeypatch):
    work, other, person = make.work(), make.work(), make.author()
    for report in dated(3):
        make.citation(report, work=work, mark="A", locator="1")
        make.citation(report, work=other)
        make.contribution(report, author=person)
    other.people.add(person)
    path = "/en/works/"
    html = page(client, path)
    assert "All notes that cite it" not in html and html.count("in 3 documents)") == 2
    monkeypatch.setattr(report_models, "PLACES", 2)
    html = page(client, path)
    assert f'/api/v1/citations/?work={work.slug}"' in html
    assert html.count("<dt>A</dt>") == 2


def test_people_who_meet_are_cut_by_name(client, monkeypatch):
    for n in range(3):
        person, work = make.author(sort_key=f"p{n}", name_en=f"Person {n}"), make.work()
        work.people.add(person)
        make.contribution(make.report(), author=person)
        make.citation(make.report(), work=work)
        make.citation(make.report(), work=work)
    assert "of these people by name" not in page(client, "/en/works/")
    monkeypatch.setattr(report_views, "PEOPLE", 2)
    monkeypatch.setattr(report_views, "PLACES", 1)
    html = page(client, "/en/works/")
    people = html[html.index('id="people"') :]
    assert "The first 2 of these people by name stand here" in people and 'href="#filters"' in people
    assert "Person 1" in people and "Person 2" not in people
    assert people.count("More of this stands on the page of this person.") == 2


# --- areas, questions, recommendations --------------------------------------------------------------------------------


def test_an_area_shows_its_newest_documents_and_counts_all(client, monkeypatch):
    area, actor = make.area(), make.actor(name_en="The addressee")
    for report in dated(4):
        make.recommendation(report, areas=[area], addressees=[actor])
        make.position(report, question=make.question(areas=[area]))
    path = f"/en/areas/{area.slug}/"
    html = page(client, path)
    assert "stand here" not in html and "<dt>Documents</dt><dd>4</dd>" in html
    monkeypatch.setattr(coded_views, "DOCUMENTS_SHOWN", 2)
    monkeypatch.setattr(coded_views, "QUESTIONS_SHOWN", 1)
    html = page(client, path)
    assert "The newest 2 documents stand here." in html and "<dt>Documents</dt><dd>4</dd>" in html
    assert f'/en/recommendations/?area={area.slug}&amp;unit=atomic"' in html
    assert "<dt>Questions</dt><dd>4</dd>" in html and "All questions of this area" in html
    monkeypatch.setattr(coded_views, "SUMMED_MOST", 3)
    html = page(client, path)
    assert "<dt>Documents</dt><dd>4</dd>" not in html and "4 own" in html
    assert "Those most often addressed stand here" in html and "The addressee" in html


def test_a_question_counts_all_answers_and_prints_the_newest(client, monkeypatch):
    question = make.question()
    answering, silent, uncoded = dated(3), dated(3), [make.report(coding="none") for _n in range(3)]
    for report in answering:
        make.position(report, question=question, stance=2)
    path = f"/en/questions/{question.slug}/"
    before = page(client, path)
    assert "stand here" not in before and "are counted above" not in before
    monkeypatch.setattr(coded_views, "ANSWERS_SHOWN", 2)
    monkeypatch.setattr(coded_views, "DOCUMENTS_SILENT", 2)
    html = page(client, path)
    assert "All 3 answers are counted above." in html and "those of the newest 2." in html
    assert f'/api/v1/positions/?question={question.slug}"' in html
    assert html.count("The newest 2 of 3 stand here.") == 2
    sentence = "three documents are for. No document is against. Three documents were read and are silent."
    assert sentence in html and sentence in before
    assert html.count('<article class="pos"') == 2 and "3 documents, fully coded" in html
    assert silent and uncoded


def test_answers_beside_a_recommendation_are_counted_in_full(client, monkeypatch):
    question, report = make.question(), make.report()
    row = make.recommendation(report)
    make.position(report, question=question, recommendation=row)
    for other in dated(3):
        make.position(other, question=question, stance=-2)
    path = f"/en/recommendations/{report.slug}/{row.key}/"
    assert "stand here" not in page(client, path)
    monkeypatch.setattr(coded_views, "ANSWERS_BESIDE", 2)
    html = page(client, path)
    assert "The newest 2 of 3 stand here." in html and "hree other documents answer the same question." in html


def test_ratings_of_a_subject_and_by_a_framework_are_cut(client, monkeypatch):
    framework, subject = make.framework(), make.subject()
    for report in dated(3):
        make.rated(report, framework, subject, "high", "low")
    paths = f"/en/subjects/{subject.slug}/", f"/en/frameworks/{framework.slug}/"
    assert "stand here" not in page(client, paths[0]) and "Of 3 documents" not in page(client, paths[1])
    monkeypatch.setattr(coded_views, "RATINGS_SHOWN", 2)
    monkeypatch.setattr(coded_views, "RATERS_SHOWN", 2)
    html = page(client, paths[0])
    assert "The newest 2 of 6 stand here." in html and f'/api/v1/ratings/?subject={subject.slug}"' in html
    html = page(client, paths[1])
    assert "Of 3 documents that rate by it, this page sets the newest 2 side by side." in html
    assert f'/api/v1/ratings/?framework={framework.slug}"' in html


# --- pages of the whole portal ----------------------------------------------------------------------------------------


def test_the_timeline_shows_the_latest_events_and_counts_all(client, monkeypatch):
    report = make.report()
    for year in (2001, 2002, 2003):
        for start in (0, 20):
            make.mention(report, make.event(slug=f"e{year}{start}", date=str(year)), start, start + 16)
    assert "that match stand here" not in page(client, "/en/timeline/")
    monkeypatch.setattr(portal_views, "EVENTS_MOST", 4)
    html = page(client, "/en/timeline/")
    assert "The latest 4 events and goals that match stand here" in html and "6 events" in html
    assert 'id="y2001"' not in html and 'id="y2002"' in html
    monkeypatch.setattr(report_models, "PLACES", 0)
    assert '/api/v1/events/e20030/"' in page(client, "/en/timeline/")


def test_forecasts_are_summed_up_to_a_number(client, monkeypatch):
    question = make.question(kind="predictive")
    for report in dated(3):
        make.position(report, question=question)
    assert "By document" in page(client, "/en/forecasts/")
    monkeypatch.setattr(portal_views, "FORECASTS_MOST", 2)
    html = page(client, "/en/forecasts/")
    assert "By document" not in html and "Forecasts are summed up here for up to 2 at a time" in html


def test_the_front_page_names_some_holders_and_counts_the_rest(client, monkeypatch):
    reports, against = dated(4), make.report()
    for question in [make.question() for _n in range(3)]:  # two are stories, the third stands in the strip
        for report in reports:
            make.position(report, question=question, stance=2)
        make.position(against, question=question, stance=-2)
    assert "more</a>" not in page(client, "/en/")
    monkeypatch.setattr(portal_views, "HOLDERS", 3)
    html = page(client, "/en/")
    assert html.count("and 1 more</a>") == 1 and "four documents are for" in html


@pytest.mark.parametrize(
    "path", ["/en/", "/en/works/", "/en/timeline/", "/en/compare/", "/en/areas/{area}/", "/en/questions/{question}/"]
)
def test_pages_ask_as_often_for_ten_as_for_one(client, path):
    area, person, holder = make.area(), make.author(), make.actor()
    question, event, work = make.question(areas=[area]), make.event(), make.work()
    work.people.add(person)
    actors = [make.actor() for _n in range(10)]
    path = path.format(area=area.slug, question=question.slug)

    def add(n):
        report = make.report()
        make.contribution(report, author=person if n == 0 else make.author())
        make.recommendation(report, areas=[area], addressees=[actors[n % 10]])
        for stance in (2, -2):
            make.position(report, question=question, stance=stance, voice="attributed", holder=holder)
            make.position(report, question=question, stance=stance)
        make.citation(report, work=work)
        make.mention(report, event)

    for n in range(2):
        add(n)
    few = queries(client, path)
    for n in range(2, 12):
        add(n)
    assert queries(client, path) == few


def test_a_position_told_without_words_counts_like_the_row():
    report, question = make.report(), make.question()
    row = make.position(report, question=question, voice="attributed", holder=make.actor())
    (told,) = Position.objects.published().told([question.pk])[question.pk]
    assert (told.pk, told.holder_key, told.stance) == (row.pk, row.holder_key, row.stance)
    assert told.report_date == report.date


def test_the_newest_of_each_area_is_the_same_however_many_are_looked_through(monkeypatch):
    above = make.area()
    near, far, bare = make.area(parent=above), make.area(parent=above), make.area()
    for date, area in (("2021", near), ("2019-05", far), ("2018", near)):
        make.recommendation(make.report(date=date), [area])
    make.recommendation(make.report(state="draft", date="2022"), [far])
    current()
    areas = [area.pk for area in (above, near, far, bare)]
    expected = {above.pk: "2021", near.pk: "2021", far.pk: "2019-05"}
    for most in (1, 2, 3, 2_000):
        monkeypatch.setattr(filed, "LATEST", most)
        assert filed.newest(areas) == expected
