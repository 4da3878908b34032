"""Every list page in its other forms: the same rows in the same order, safe in a spreadsheet, valid as feeds."""

import csv
import io
import json
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal import export
from recommendations.models import Dimension, PolicyArea, Question, Recommendation
from reports.models import Author, Report, Work
from tests import factories as make

pytestmark = pytest.mark.django_db

LISTS = {
    "reports": "reports",
    "authors": "authors",
    "institutions": "institutions",
    "works": "works",
    "areas": "areas",
    "recommendations": "recommendations",
    "questions": "questions",
    "frameworks": "frameworks",
    "subjects": "subjects",
    "forecasts": "forecasts",
    "timeline": "events",
}
ATOM = "{http://www.w3.org/2005/Atom}"


def ask(client, path, form, status=200, language="en"):
    """Return a list page in a form, and its text."""
    address = f"/{language}/{path}"
    response = client.get(f"{address}{'&' if '?' in address else '?'}format={form}")
    assert response.status_code == status, address
    return response, response.getvalue().decode()


def table(text):
    """Return a CSV as {column: cell} of its rows."""
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def pages(client, path, form, language="en"):
    """Return the addresses of the rows' pages in the order in which a form has them."""
    text = ask(client, path, form, language=language)[1]
    column = "url_en" if language == "en" else "url"
    if form == "csv":
        return [row[column] for row in table(text)]
    if form == "jsonl":
        return [json.loads(line)[column] for line in text.splitlines()]
    if form == "jsonfeed":
        return [item["url"] for item in json.loads(text)["items"]]
    return [entry.find(f"{ATOM}link").get("href") for entry in ElementTree.fromstring(text).iter(f"{ATOM}entry")]


def shown(client, path, language="en"):
    """Return the addresses of the rows of a page in the order in which it has them, from all its pages."""
    with_more = f"/{language}/{path}{'&' if '?' in path else '?'}"
    rows = []
    context = client.get(with_more).context
    if "roots" in context:
        branches = list(context["roots"])
        while branches:
            branch = branches.pop(0)
            rows.append(branch.area if hasattr(branch, "area") else branch.subject)
            branches[:0] = branch.children
    elif "years" in context:
        rows = [event for _year, events in context["years"] for event in events] + context["targets"]
    else:
        while True:
            page = context["page_obj"]
            known = context["filterset"].queryset.in_bulk()
            rows += [known.get(row.object_id if hasattr(row, "object_id") else row.pk) for row in page.rows]
            if not page.next:
                break
            context = client.get(f"{with_more}cursor={page.next}").context
    prefix = f"/{language}/"
    return [f"http://testserver{prefix}{row.get_absolute_url().split('/', 2)[2]}" for row in rows]


def fill(n=1, **values):
    """n reports, each with one of everything that has a list."""
    axis = make.framework().dimensions.first()
    for number in range(n):
        report = make.report(date=f"20{19 - number % 3}-0{1 + number % 9}", **values)
        make.contribution(report).affiliations.add(make.institution())
        make.citation(report, work=make.work(date=f"200{number % 5}"))
        make.mention(report, make.event(date=f"20{number % 7 + 10}", target=number % 4 == 0))
        make.mention(report, make.event(date=""), start=20, end=36)
        advice = make.recommendation(
            report, areas=[make.area(parent=make.area())], addressees=[make.actor()], instruments=[make.instrument()]
        )
        make.recommendation(report, parent=advice, areas=advice.areas.all())
        again = make.recommendation(report, areas=advice.areas.all())
        again.restates.add(advice)
        forecast = make.question(kind="predictive")
        make.position(report, question=forecast, stance=-1, recommendation=advice)
        make.position(report, question=forecast, voice="attributed", holder=make.actor())
        make.rating(report, axis, subject=make.subject(parent=make.subject()))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("path", LISTS)
def test_every_form_has_the_rows_of_the_page_in_its_order(client, path, language):
    fill(23)
    page = shown(client, f"{path}/", language)
    assert page and len(set(page)) == len(page)
    for form in export.FORMS:
        rows = pages(client, f"{path}/", form, language)
        assert rows == (page[: export.FEED_SIZE] if form in export.FEEDS else page), form


@pytest.mark.parametrize(
    "path",
    [
        "reports/?ordering=date&year_min=2018", "reports/?role=author", "reports/?q=nowhere", "authors/?ordering=-name",
        "works/?ordering=title", "timeline/?ordering=-date", "recommendations/?unit=restating&ordering=-report",
        "questions/?kind=predictive&ordering=name", "forecasts/?voice=attributed&ordering=stance", "areas/?q=名称",
    ],
)  # fmt: skip
def test_a_form_is_narrowed_and_sorted_like_its_page(client, path):
    fill(5)
    make.contribution(make.report(slug="two"), order=1)
    page = shown(client, path)
    assert all(pages(client, path, form) == page for form in export.FORMS)
    assert path.endswith("nowhere") == (not page)


def test_all_rows_come_batch_by_batch(client, monkeypatch):
    monkeypatch.setattr(export, "BATCH", 3)
    fill(8)
    for form in ("csv", "jsonl"):
        assert ask(client, "reports/", form)[0].streaming
        assert pages(client, "reports/", form) == shown(client, "reports/")
    response = client.get("/en/reports/?format=jsonl")
    assert len(list(response.streaming_content)) == 3


@pytest.mark.parametrize("path", LISTS)
def test_json_lines_are_the_objects_of_the_api(client, path):
    fill(3)
    text = ask(client, f"{path}/", "jsonl")[1]
    lines = [json.loads(line) for line in text.splitlines()]
    objects = client.get(f"/api/v1/{LISTS[path]}/?page_size=100").json()["results"]
    assert sorted(map(json.dumps, lines)) == sorted(map(json.dumps, objects))


def test_a_csv_says_both_languages_and_slugs_in_either_language_of_the_page(client):
    report = make.report(slug="shown", title_zh="甲报告", title_en="Report A", publisher=make.institution(slug="inst"))
    question = make.question(kind="predictive", slug="rain", text_zh="会下雨吗？", text_en="Will it rain?")
    make.position(report, key="P01", question=question, stance=-2)
    response, text = ask(client, "forecasts/", "csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="duizhao-forecasts.csv"'
    assert response.getvalue() == b""  # read once, as it was made
    [row] = table(text)
    assert (row["report"], row["key"], row["question"]) == ("shown", "P01", "rain")
    assert (row["question_zh"], row["question_en"]) == ("会下雨吗？", "Will it rain?")
    assert (row["stance"], row["stance_zh"], row["stance_en"]) == ("'-2", "预计不会", "Not expected")
    assert row["url"] == "http://testserver/zh/reports/shown/#P01"
    assert row["url_en"] == "http://testserver/en/reports/shown/#P01"
    assert client.get(row["api_url"]).json()["key"] == "P01"
    assert ask(client, "forecasts/", "csv", language="zh")[1] == text
    [row] = table(ask(client, "reports/", "csv")[1])
    assert (row["slug"], row["title_zh"], row["title_en"], row["publisher"]) == ("shown", "甲报告", "Report A", "inst")


@pytest.mark.parametrize("first", "= + - @ \t \r ＝ ＋ － ＠".split(" "))
def test_no_cell_is_a_formula(client, first):
    make.report(title_zh=f"{first}1+1", title_en=f'{first}HYPERLINK("https://example.org/", "x")')
    text = ask(client, "reports/", "csv")[1]
    [row] = table(text)
    assert row["title_zh"] == f"'{first}1+1" and row["title_en"].startswith(f"'{first}HYPER")
    assert export.csv_text([[f"{first}head", "plain", "a=b"]]).startswith(("'", "\"'"))


@pytest.mark.parametrize("path", LISTS)
def test_no_cell_of_any_list_is_a_formula(client, path):
    fill(2)
    make.position(make.report(), question=make.question(kind="predictive"), stance=-2)
    for line in csv.reader(io.StringIO(ask(client, f"{path}/", "csv")[1].removeprefix("\ufeff"), newline="")):
        assert not [cell for cell in line if cell.startswith(export.FORMULA)]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("path", LISTS)
def test_an_atom_feed_has_what_atom_demands(client, path, language):
    fill(2)
    response, text = ask(client, f"{path}/", "atom", language=language)
    assert response["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(text)
    assert feed.tag == f"{ATOM}feed"
    links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
    assert links["self"] == f"http://testserver/{language}/{path}/?format=atom"
    assert feed.findtext(f"{ATOM}id") == links["alternate"] == f"http://testserver/{language}/{path}/"
    assert feed.findtext(f"{ATOM}title") and feed.findtext(f"{ATOM}author/{ATOM}name")
    entries = feed.findall(f"{ATOM}entry")
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert entries and len(set(ids)) == len(ids)
    for entry in entries:
        assert entry.findtext(f"{ATOM}title") and entry.findtext(f"{ATOM}id").startswith("http://testserver/")
    updated = [entry.findtext(f"{ATOM}updated") for entry in entries]
    assert max(updated) == feed.findtext(f"{ATOM}updated") == "2019-01-01T00:00:00+00:00"


@pytest.mark.parametrize("path", LISTS)
def test_a_json_feed_has_what_json_feed_demands(client, path):
    fill(2)
    response, text = ask(client, f"{path}/", "jsonfeed", language="zh")
    assert response["Content-Type"] == "application/feed+json; charset=utf-8"
    feed = json.loads(text)
    assert feed["version"] == "https://jsonfeed.org/version/1.1" and feed["title"]
    assert feed["home_page_url"] == f"http://testserver/zh/{path}/" and feed["language"] == "zh-Hans"
    assert feed["feed_url"] == f"http://testserver/zh/{path}/?format=jsonfeed"
    for item in feed["items"]:
        assert item["id"] == item["url"] and isinstance(item["content_text"], str) and item["title"]
        assert item.get("date_modified", "").endswith("T00:00:00Z") or path in (
            "areas",
            "subjects",
        )  # may hold nothing itself


def test_a_feed_takes_its_dates_from_the_data_alone(client):
    assert "<updated>1970-01-01T00:00:00+00:00</updated>" in ask(client, "reports/", "atom")[1]
    make.report(date="", date_kind="")
    assert "date_modified" not in ask(client, "reports/", "jsonfeed")[1]
    make.report(date="2021-02")
    assert ask(client, "reports/", "atom")[1].count("<updated>2021-02-01T00:00:00+00:00</updated>") == 2
    assert ask(client, "reports/", "atom")[1] == ask(client, "reports/", "atom")[1]


def test_a_feed_survives_what_a_title_may_hold(client):
    make.report(title_en='A <b>"bold"</b> & \x0b\x01\uffffcontrolled title', standfirst_en="1 < 2 & <script>x</script>")
    feed = ElementTree.fromstring(ask(client, "reports/", "atom")[1])
    assert feed.findtext(f"{ATOM}entry/{ATOM}title") == 'A <b>"bold"</b> & controlled title'
    assert "&lt;script&gt;" in feed.findtext(f"{ATOM}entry/{ATOM}summary")
    assert (
        json.loads(ask(client, "reports/", "jsonfeed")[1])["items"][0]["content_text"] == "1 < 2 & <script>x</script>"
    )


def test_a_feed_of_a_selection_says_which(client):
    make.report(kind="essay")
    feed = json.loads(ask(client, "reports/?kind=essay", "jsonfeed")[1])
    assert feed["title"] == "Reports, essay – Duizhao"
    assert feed["home_page_url"] == "http://testserver/en/reports/?kind=essay"


HIDDEN = [
    {"state": "draft"},
    {"state": "withdrawn"},
    {"state": "scheduled", "publish_at": timezone.now() + timedelta(1)},
]


@pytest.mark.parametrize("state", HIDDEN, ids=lambda state: state["state"])
@pytest.mark.parametrize("path", LISTS)
def test_nothing_hidden_shows_in_any_form(client, path, state):
    fill(2)
    bare = {form: ask(client, f"{path}/", form)[1] for form in export.FORMS}
    token = "canary7f3"
    hidden = make.report(slug=token, title_zh=token, title_en=token, standfirst_en=token, date="2031-07", **state)
    person, employer = make.author(slug=f"{token}-a", name_zh=token), make.institution(slug=f"{token}-i", name_zh=token)
    make.contribution(hidden, author=person, note_en=token).affiliations.add(employer)
    make.contribution(hidden, author=Author.objects.exclude(pk=person.pk).first())
    make.citation(hidden, work=make.work(slug=f"{token}-w"))
    make.mention(hidden, make.event(slug=f"{token}-e"))
    advice = make.recommendation(hidden, areas=PolicyArea.objects.all()[:1], summary_en=token)
    make.position(hidden, question=Question.objects.first(), summary_en=token, stance=0)
    make.rating(hidden, Dimension.objects.first(), summary_en=token)
    Work.objects.exclude(slug__startswith=token).update(report=hidden)
    Recommendation.objects.exclude(report=hidden).filter(parts=None).first().restates.add(advice)
    Report.objects.filter(pk=Report.objects.published().first().pk).update(part_of=hidden, place=1)
    for form, before in bare.items():
        text = ask(client, f"{path}/", form)[1]
        assert token not in text, form
        assert "2031-07" not in text, form
        assert text == before, form


@pytest.mark.parametrize("path", LISTS)
def test_an_unknown_form_or_filter_is_named(client, path):
    fill()
    for form in ("xls", "CSV", "html", "../csv"):
        assert form in ask(client, f"{path}/", form, 400)[1]
    assert "csv, jsonl, atom, jsonfeed" in ask(client, f"{path}/", "xls", 400)[1]
    assert "aera" in ask(client, f"{path}/?aera=x", "csv", 400)[1]
    ask(client, f"{path}/?format=xls", "csv", 400)
    assert ask(client, f"{path}/", "")[0]["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("form", export.FORMS)
@pytest.mark.parametrize("path", LISTS)
def test_the_number_of_queries_does_not_grow(client, path, form, monkeypatch):
    monkeypatch.setattr(export, "FIRST", export.BATCH)  # all of them in one piece
    counted = []
    for n in (1, 9):
        fill(n)
        with CaptureQueriesContext(connection) as queries:
            ask(client, f"{path}/", form)
        counted.append(len(queries))
    assert counted[0] == counted[1]


@pytest.mark.parametrize("path", LISTS)
def test_a_list_page_leads_to_its_forms_and_they_answer(client, path):
    fill(23)
    word = "q=a" if path != "frameworks" else "ordering=name"
    html = client.get(f"/en/{path}/?{word}").content.decode()
    for form, (label, kind) in export.FORMS.items():
        address = f"/en/{path}/?{word}&amp;format={form}"
        assert html.count(f'<a href="{address}" type="{kind}" rel="alternate">{label}</a>') == 1, form
        head = html[: html.index("</head>")]
        assert (f'type="{kind}"' in head) == (form in export.FEEDS)
        assert client.get(address.replace("&amp;", "&")).status_code == 200
    assert html.count('class="data"') == 1
    twin = f"/api/v1/{LISTS[path]}/?{word}"
    assert f'<a href="{twin}" type="application/json"' in html
    assert client.get(twin.replace("&amp;", "&")).status_code == 200


def test_a_second_page_leads_to_all_rows(client):
    fill(23)
    second = f"reports/?cursor={client.get('/en/reports/').context['page_obj'].next}"
    html = client.get(f"/en/{second}").content.decode()
    assert 'href="/en/reports/?format=csv"' in html and 'href="/api/v1/reports/"' in html
    assert len(table(ask(client, second, "csv")[1])) == 23


def test_the_page_of_one_thing_leads_to_its_object(client):
    report = make.report(slug="shown")
    make.contribution(report, author=make.author(slug="li"))
    make.contribution(report, institution=make.institution(slug="inst"))
    area = make.area(slug="area")
    make.recommendation(report, [area], key="R01")
    make.position(report, question=make.question(slug="question"))
    make.rating(report, make.framework(slug="frame").dimensions.first(), subject=make.subject(slug="coal"))
    for address in ("reports/shown", "authors/li", "institutions/inst", "areas/area", "recommendations/shown/R01",
                    "questions/question", "frameworks/frame", "subjects/coal"):  # fmt: skip
        html = client.get(f"/zh/{address}/").content.decode()
        link = f'href="/api/v1/{address}/"'
        head, _, body = html.partition("</head>")
        assert link in head and link in body
        assert client.get(f"/api/v1/{address}/").json()["url"] == f"http://testserver/zh/{address}/"
