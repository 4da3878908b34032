"""The timeline: events by area, year and document; the band on which they are drawn; their filing in the admin."""

import csv
import io
import re
from datetime import date
from types import SimpleNamespace

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.band import AIR, NARROW, WIDE, band, clear, drawn_years, words
from recommendations.drawing import text_width
from recommendations.filters import EventFilterSet
from reports.models import Event
from tests import factories as make
from tests.indexing import current
from tests.test_admin import page, submit, user

FIGURE = re.compile(r'<figure class="band">.*?</figure>', re.DOTALL)


def happening(slug, day, end="", target=False, mentions=()):
    """An event as the band wants it, without a database; `mentions` are ids of reports."""
    return SimpleNamespace(slug=slug, date=day, date_end=end, target=target, report_count=len({*mentions}))


def label(event):
    return f"Event {event.slug}"


def marks(events, scale=WIDE):
    return {mark.event.slug: mark for mark in band(events, label, scale)["marks"]}


# --- arithmetic -------------------------------------------------------------------------------------------------------


def test_a_mark_is_as_wide_as_its_date_leaves_open():
    drawn = marks([happening("year", "2020"), happening("month", "2020-07"), happening("day", "2020-07-01")])
    year, month, day = drawn["year"], drawn["month"], drawn["day"]
    assert [mark.kind for mark in (year, month, day)] == ["year", "month", "day"]
    assert year.width / month.width == pytest.approx(12, rel=0.03) and day.width == WIDE.day
    assert month.x + WIDE.day > day.x > month.x - WIDE.day  # the first of July stands where July begins


def test_a_stretch_of_time_goes_from_where_it_begins_to_where_it_ends():
    drawn = marks([happening("span", "2018", "2019-06"), happening("from", "2018"), happening("to", "2019-06")])
    assert drawn["span"].kind == "span"
    assert drawn["span"].x == pytest.approx(drawn["from"].x)
    assert drawn["span"].x + drawn["span"].width == pytest.approx(drawn["to"].x + drawn["to"].width - AIR / 2)


def test_goals_hang_below_the_years_and_happenings_stand_above():
    drawing = band([happening("past", "2020"), happening("goal", "2060", target=True)], label, WIDE)
    past, goal = drawing["marks"]
    assert past.y < drawing["top"] < drawing["top"] + WIDE.strip < goal.y and goal.kind == "goal"


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (["2020"], [2018, 2019, 2020, 2021, 2022]),
        (["9998"], [9995, 9996, 9997, 9998, 9999]),
        (["0001"], [1, 2, 3, 4, 5]),
        (["2000", "2003", "2030"], [2000, 2001, 2002, 2003, 2030]),
        (["2000", "2004", "2005", "2006", "2007"], [2000, 2004, 2005, 2006, 2007]),
    ],
)
def test_years_without_an_event_are_folded_from_three_on(days, expected):
    found = drawn_years([happening(str(n), day) for n, day in enumerate(days)])
    assert found == sorted(found) and set(days_of(days)) <= set(found)
    assert len(found) == len(expected) and (found == expected or days in (["9998"], ["2020"]))


def days_of(days):
    return [int(day[:4]) for day in days]


def test_each_break_of_the_axis_is_a_fold():
    drawing = band([happening(str(year), str(year)) for year in (1946, 1972, 2020, 2030, 2050, 2100)], label, WIDE)
    assert drawing["folds"].count("M") == drawing["axis"].count("M") - 1 == 5


@pytest.mark.parametrize("scale", [WIDE, NARROW])
def test_marks_wider_than_their_time_stay_inside_the_frame(scale):
    days = {"1946-01-01": "", "1946-01": "", "2100-12-31": "", "2100-12": "", "2100-12-30": "2100-12-31"}
    events = [happening(day, day, end) for day, end in days.items()]
    events += [happening(f"goal-{day}", day, target=True) for day in ("1946-01-01", "2100-12-31")]
    many = [happening(str(year), str(year)) for year in range(1950, 2100, 4)]
    for mark in marks(events + many, scale).values():
        assert 0 <= mark.x and mark.x + mark.width <= scale.width, mark


def test_events_of_one_time_stand_one_above_the_other():
    drawn = marks(
        [happening("a", "2020"), happening("b", "2020"), happening("c", "2021"), happening("d", "2019", "2020")]
    )
    assert [drawn[slug].row for slug in "abcd"] == [1, 2, 0, 0]  # what lasts lies nearest to the years


def test_nothing_dated_is_no_band():
    assert band([], label, WIDE) is None and band([happening("undated", "")], label, WIDE) is None


def test_the_events_that_most_documents_mention_are_named_first():
    crowd = [happening(f"e{n:03d}", "2020-05-05") for n in range(60)]
    named = band([*crowd, happening("known", "2020-05-05", mentions=[1, 2])], label, NARROW)["labels"]
    assert named[0]["text"] == "Event known" and len(named) <= NARROW.labels


@translation.override("en")
def test_undated_events_and_goals_are_told_apart_in_the_sentence():
    events = [happening("a", "2019-12"), happening("b", "2020"), happening("c", "2020-01"), happening("d", "")]
    events += [happening("e", "2030", target=True), happening("f", "2060", target=True)]
    assert words(events) == (
        "Three events are dated, from 2019 to 2020. The fullest year is 2020, with two. "
        "Set apart are two goals or years to come, from 2030 to 2060. "
        "For one event the texts give no date; it stands in the list alone."
    )
    assert words(events[:1]) == "One event is dated, in 2019."
    assert words(events[4:5]) == "Set apart is one goal or year to come, in 2030."
    assert words([happening("x", "2019", "2021")]) == "One event is dated, from 2019 to 2021."
    assert words([]) == ""


@translation.override("en")
def test_the_sentence_names_at_most_two_fullest_years():
    pairs = [happening(f"{year}-{n}", str(year)) for year in (2018, 2019, 2020) for n in (1, 2)]
    assert "fullest" not in words(pairs)
    assert "The fullest years are 2018 and 2019, with two each." in words(pairs[:4])


# --- properties -------------------------------------------------------------------------------------------------------

days = st.dates(date(1946, 1, 1), date(2100, 12, 31)).map(date.isoformat)
partial = st.tuples(days, st.sampled_from([4, 7, 10])).map(lambda pair: pair[0][: pair[1]])


@st.composite
def lists_of_events(draw):
    rows = draw(st.lists(st.tuples(partial, partial, st.booleans(), st.booleans()), max_size=60))
    return [
        happening(f"e{n}", min(first, second), max(first, second) if stretch else "", target, [n % 7, n % 5])
        for n, (first, second, stretch, target) in enumerate(rows)
    ]


def shapes(drawing):
    return drawing and {
        key: [(mark.event.slug, mark.kind, mark.path) for mark in value] if key == "marks" else value
        for key, value in drawing.items()
    }


@settings(max_examples=60, deadline=None)
@given(lists_of_events(), st.sampled_from([WIDE, NARROW]))
def test_no_two_marks_of_a_row_overlap(events, scale):
    drawn = (band(events, label, scale) or {"marks": []})["marks"]
    rows = {}
    for mark in drawn:
        rows.setdefault((mark.kind == "goal", mark.row), []).append(mark)
    for row in rows.values():
        row.sort(key=lambda mark: mark.x)
        for one, other in zip(row, row[1:], strict=False):
            assert one.x + one.width < other.x
    heights = {(mark.kind == "goal", mark.row): mark.y for mark in drawn}
    assert len(set(heights.values())) == len(heights) == len({(m.kind == "goal", m.row, m.y) for m in drawn})


def box(text, scale):
    """Return the room of a label: (left, top, right, bottom)."""
    width = text_width(text["text"], scale.text)
    left = text["x"] - (width if text["anchor"] == "end" else 0)
    return left, text["y"] - scale.text, left + width, text["y"]


@settings(max_examples=60, deadline=None)
@given(lists_of_events(), st.sampled_from([WIDE, NARROW]))
def test_labels_overlap_neither_one_another_nor_a_mark_of_others(events, scale):
    drawing = band(events, label, scale) or {"labels": [], "marks": []}
    boxes = [box(text, scale) for text in drawing["labels"]]
    for place, one in enumerate(boxes):
        assert 0 <= one[0] and one[2] <= scale.width and all(clear(one, other) for other in boxes[:place])
        for mark in drawing["marks"]:
            own = label(mark.event) == drawing["labels"][place]["text"]
            assert own or clear(one, (mark.x, mark.y + 0.5, mark.x + mark.width, mark.y + 1))


@settings(max_examples=60, deadline=None)
@given(lists_of_events(), st.sampled_from([WIDE, NARROW]))
def test_everything_stands_inside_the_frame(events, scale):
    drawing = band(events, label, scale)
    if drawing is None:
        assert not any(event.date for event in events)
        return
    low, high = drawing["rise"], drawing["rise"] + drawing["depth"]
    assert {mark.event.slug for mark in drawing["marks"]} == {event.slug for event in events if event.date}
    for mark in drawing["marks"]:
        assert 0 <= mark.x and mark.x + mark.width <= scale.width + 0.01 and low <= mark.y <= high
    for text in drawing["labels"]:
        assert 0 <= text["x"] <= scale.width and low <= text["y"] <= high
    for year in drawing["years"]:
        assert 0 <= year["left"] and year["left"] + year["width"] <= scale.width + 0.01
    for one, other in zip(drawing["years"], drawing["years"][1:], strict=False):
        assert one["left"] + one["width"] <= other["left"] + 0.01


@settings(max_examples=40, deadline=None)
@given(lists_of_events(), st.randoms(use_true_random=False), st.sampled_from([WIDE, NARROW]))
def test_the_order_of_events_changes_nothing(events, random, scale):
    turned = list(events)
    random.shuffle(turned)
    assert shapes(band(turned, label, scale)) == shapes(band(events, label, scale))
    assert words(turned) == words(events)


# --- the finder -------------------------------------------------------------------------------------------------------


@pytest.fixture
def filed(db):
    """An area with a child: one event under each, one under another, one not filed, one known to a draft alone."""
    parent, other = make.area(slug="great-powers", name_en="Great powers"), make.area(slug="health", name_en="Health")
    child = make.area(slug="us-china", parent=parent)
    report, draft = make.report(slug="shown"), make.report(state="draft")
    events = {
        "summit": (make.event(slug="summit", date="2013-06"), [parent], report),
        "war": (make.event(slug="war", date="2018", date_end="2020"), [child, other], report),
        "plague": (make.event(slug="plague", date="2020-01"), [other], report),
        "loose": (make.event(slug="loose", date=""), [], report),
        "hidden": (make.event(slug="hidden", date="2020"), [child], draft),
    }
    for event, areas, mentioning in events.values():
        event.areas.set(areas)
        make.mention(mentioning, event)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"summit", "war", "plague", "loose"}),
        ("area=great-powers", {"summit", "war"}),
        ("area=us-china", {"war"}),
        ("area=us-china&area=health", {"war", "plague"}),
        ("area=great-powers&year_min=2019", {"war"}),
        ("year_min=2019", {"war", "plague"}),
        ("year_max=2018", {"summit", "war"}),
        ("year_min=2014&year_max=2017", set()),
        ("report=shown&area=health", {"war", "plague"}),
    ],
)
def test_events_are_found_by_area_year_and_document(client, filed, query, expected):
    current()
    found = EventFilterSet(QueryDict(query), queryset=Event.objects.published())
    assert found.is_valid() and {event.slug for event in found.qs} == expected
    rows = client.get(f"/api/v1/events/?{query}&page_size=100").json()["results"]
    assert {row["slug"] for row in rows} == expected
    html = client.get(f"/en/timeline/?{query}").content.decode()
    assert set(re.findall(r'<li id="([a-z]+)">', html)) == expected


def test_areas_stand_in_the_list_the_api_and_the_table(client, filed):
    html = client.get("/en/timeline/?area=great-powers").content.decode()
    assert "Great powers" in html and "Health" in html
    assert client.get("/api/v1/events/war/").json()["areas"] == ["health", "us-china"]
    text = b"".join(client.get("/en/timeline/?format=csv").streaming_content).decode("utf-8-sig")
    rows = {row["slug"]: row["areas"] for row in csv.DictReader(io.StringIO(text))}
    assert rows["war"] == "health | us-china" and rows["loose"] == ""


def test_an_area_leads_to_its_events(client, filed):
    html = client.get("/en/areas/great-powers/").content.decode()
    assert '<a href="/en/timeline/?area=great-powers">2</a>' in html
    assert "timeline/?area" not in client.get(f"/en/areas/{make.area().slug}/").content.decode()


@pytest.mark.parametrize("query", ["area=nowhere", "aera=health", "year_min=soon"])
@pytest.mark.django_db
def test_what_is_not_known_is_refused(client, query):
    name = query.partition("=")[0]
    assert client.get(f"/en/timeline/?{query}").status_code == 400
    assert name in client.get(f"/api/v1/events/?{query}").json()["errors"]


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_band_leads_to_the_list(client, filed):
    make.mention(make.report(), make.event(slug="goal", date="2060", target=True))
    html = client.get("/en/timeline/").content.decode()
    drawn, ids = FIGURE.search(html)[0], set(re.findall(r' id="([^"]+)"', html))
    links = re.findall(r'<a href="#([^"]+)"', drawn)
    assert {"summit", "war", "plague", "goal", "y2013", "y2018", "y2020", "targets"} <= set(links) <= ids
    assert "loose" not in links and "For one event the texts give no date" in html
    assert drawn.count("<svg") == 2 + 6 and drawn.count("<title id=") == drawn.count("<desc id=") == 2
    assert "style=" not in drawn and "hidden" not in html.replace("aria-hidden", "")


@pytest.mark.parametrize(("n", "bands"), [(0, 0), (1, 1), (30, 1)])
@pytest.mark.django_db
def test_the_band_copes_with_any_number_of_events(client, n, bands):
    report = make.report()
    for number in range(n):
        make.mention(report, make.event(date=f"{1946 + 5 * number}"), start=20 * number, end=20 * number + 16)
    for language in ("en", "zh"):
        html = client.get(f"/{language}/timeline/").content.decode()
        assert len(FIGURE.findall(html)) == bands


@pytest.mark.django_db
def test_queries_do_not_grow_with_events_and_areas(client):
    def more(n):
        for _ in range(n):
            event = make.event()
            event.areas.set([make.area(), make.area()])
            make.mention(make.report(), event)

    def cost(address):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    more(1)
    addresses = ["/en/timeline/", "/api/v1/events/"]
    few = [cost(address) for address in addresses]
    more(9)
    assert [cost(address) for address in addresses] == few


# --- the admin --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["editor", "coder"])
@pytest.mark.django_db
def test_whoever_enters_an_event_files_it(client, role):
    user(role, client)
    area = make.area()
    texts = {"title_zh": "峰会", "title_en": "Summit", "slug": "summit", "date": "2013"}
    submit(client, page(Event, "add"), **texts, **{"PolicyArea_events__0__policyarea": area.pk})
    assert list(Event.objects.get(slug="summit").areas.all()) == [area]


@pytest.mark.django_db
def test_an_area_gathers_events_and_a_filed_event_can_go(client):
    user("editor", client)
    area, event = make.area(), make.event()
    submit(client, page(type(area), "change", area.pk), events=[event.pk])
    assert list(event.areas.all()) == [area]
    client.post(page(Event, "delete", event.pk), {"post": "yes"})
    assert not Event.objects.exists()
