"""Pages by place: the same rows in the same order both ways, whatever the order, ties and empty values."""

import base64
import json

import pytest
from django.db import connection
from django.db.models import Avg, Count, Exists, F, OuterRef, Value
from django.db.models.functions import NullIf
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from portal.paging import BrokenCursor, Keyset, Sequence
from recommendations.models import CrossReference, PolicyArea, Question, Recommendation, is_restating
from reports.models import Report
from tests import factories as make

pytestmark = pytest.mark.django_db

ORDERINGS = [
    (),
    ("name_en",),
    ("-name_en", "name_zh"),
    ("parent",),
    ("-parent", "-name_en"),
    ("parent_id", "-pk"),
    ("parent__name_en", "name_en"),
    (F("parent__name_en").desc(nulls_last=True), "-slug"),
    (F("parent__name_en").asc(nulls_first=True), "-name_zh"),
    ("-children_count", "name_en", "name_en", "-name_en"),
    (Exists(PolicyArea.objects.filter(parent=OuterRef("pk"))), "-name_en"),
    ("name_or_null", "parent__name_en"),
    (F("name_or_null").desc(nulls_first=True), F("name_or_null")),
]


def areas(ordering):
    rows = PolicyArea.objects.annotate(children_count=Count("children"), name_or_null=NullIf("name_en", Value("甲")))
    return rows.order_by(*ordering)


def walked(keyset, page, way):
    """Return the rows of all pages from one on, in one direction: `next` or `previous`."""
    rows = list(page.rows)
    while cursor := getattr(page, way):
        page = keyset.page(cursor)
        assert len(page.rows) <= keyset.size
        rows = rows + page.rows if way == "next" else page.rows + rows
    return rows, page


def full(queryset):
    """Return what the pages must come to: the rows in their order, ties by primary key."""
    ordering = queryset.query.order_by or (queryset.model._meta.ordering if queryset.ordered else ())
    return list(queryset.order_by(*ordering, "pk"))


class Walk(TestCase):
    """Random rows with ties and empty values, in every order."""

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        rows=st.lists(st.tuples(st.sampled_from("甲乙丙"), st.sampled_from("ab"), st.integers(-4, 4)), max_size=14),
        ordering=st.sampled_from(ORDERINGS),
        size=st.integers(1, 5),
        turned=st.booleans(),
    )
    def test_forwards_and_back_gives_the_list(self, rows, ordering, size, turned):
        made = []
        for place, (name_en, name_zh, parent) in enumerate(rows):
            above = made[parent] if 0 <= parent < len(made) else None
            made.append(make.area(slug=f"area-{place * 7 % 15}", name_en=name_en, name_zh=name_zh, parent=above))
        queryset = areas(ordering)
        expected = full(queryset)[:: -1 if turned else 1]
        keyset = Keyset(queryset.reverse() if turned else queryset, size)
        forwards, last = walked(keyset, keyset.page(), "next")
        assert forwards == expected
        backwards, first = walked(keyset, last, "previous")
        assert backwards == forwards and first.previous is None
        assert walked(keyset, first, "next")[0] == forwards


def test_the_order_of_a_foreign_key_is_that_of_its_model():
    for slug, date in (("a", "2020"), ("b", "2021"), ("c", "")):
        report = make.report(slug=slug, date=date)
        for _ in range(2):
            make.recommendation(report, order=1)
    for rows in (Recommendation.objects.all(), Recommendation.objects.order_by("-report", "-order")):
        keyset = Keyset(rows.select_related("report"), 1)
        assert walked(keyset, keyset.page(), "next")[0] == full(rows)
    assert [column.name for column in keyset.columns] == [f"keyset_{n}" for n in range(4)]
    said_twice = Recommendation.objects.order_by("-report__date", "report__slug", "report", "order", "pk")
    assert len(Keyset(said_twice, 1).columns) == 4
    make.cross_reference(*Recommendation.objects.filter(report__slug="a")[:1], make.recommendation(make.report()))
    assert len(Keyset(CrossReference.objects.all(), 5).page().rows) == 1


def test_rows_that_repeat_others_come_last_on_every_page():
    report = make.report()
    rows = [make.recommendation(report) for _ in range(7)]
    for repeating in rows[1:4]:
        repeating.restates.add(rows[0])
    keyset = Keyset(Recommendation.objects.published().for_list().order_by(is_restating(), "report", "order", "pk"), 2)
    found, last = walked(keyset, keyset.page(), "next")
    assert found == [rows[0], *rows[4:], *rows[1:4]] == walked(keyset, last, "previous")[0]


def test_grouped_rows_and_figures_that_are_missing():
    reports = [make.report() for _ in range(4)]
    for answers in (1, 4, 3, 0, 3, 1):
        question = make.question()
        for report in reports[:answers]:
            make.position(report, question=question, stance=answers - 2)
    rows = Question.objects.annotate(contention=Avg("positions__stance")).order_by(
        F("contention").desc(nulls_last=True)
    )
    keyset = Keyset(rows, 2)
    found, last = walked(keyset, keyset.page(), "next")
    assert found == full(rows) == walked(keyset, last, "previous")[0] and len(found) == 6


def test_rows_that_come_and_go_move_no_other():
    rows = [make.area(slug=f"a{n}0", sort_key=f"a{n}0") for n in range(9)]
    keyset = Keyset(PolicyArea.objects.all(), 3)
    first = keyset.page()
    make.area(slug="a05", sort_key="a05")  # on the page already seen
    rows[2].delete()  # the very row at which the next page begins
    late = make.area(slug="a35", sort_key="a35")
    second = keyset.page(first.next)
    assert second.rows == [rows[3], late, rows[4]]
    rows[3].delete()
    assert [row.slug for row in keyset.page(second.previous).rows] == ["a00", "a05", "a10"]
    PolicyArea.objects.filter(slug__gte="a40").exclude(slug="a40").delete()
    beyond = keyset.page(second.next)
    assert (beyond.rows, beyond.next) == ([], None)
    assert [row.slug for row in keyset.page(beyond.previous).rows] == ["a10", "a35", "a40"]
    PolicyArea.objects.exclude(slug="a40").delete()
    before = keyset.page(second.previous)
    assert (before.rows, before.previous) == ([], None)
    assert [row.slug for row in keyset.page(before.next).rows] == ["a40"]


def test_a_page_is_one_query_with_a_bound_on_the_first_column():
    for n in range(3):
        make.report(date=f"202{n}")
    keyset = Keyset(Report.objects.all(), 1)
    cursor = keyset.page().next
    with CaptureQueriesContext(connection) as seen:
        keyset.page(cursor)
    (query,) = seen
    assert '"reports_report"."date" <= ' in query["sql"] and "IS NULL" not in query["sql"]


def told(cursor):
    return json.loads(base64.urlsafe_b64decode(cursor + "=="))


def word(*values):
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def test_what_is_no_cursor_is_refused():
    whole = make.report(slug="whole")
    for place in (1, 2, 3):
        make.report(part_of=whole, place=place)
    keyset = Keyset(Report.objects.filter(part_of=whole).order_by("place", "date", "slug"), 1)
    way, digest, *values = told(keyset.page().next)
    assert keyset.page(word(way, digest, *values)).rows
    broken = [
        "x", "2", "-", "é", "=", "a b", "A" * 5000, "WyJhZnRlciJd", word(), word(way), word(way, digest),
        word("beyond", digest, *values), word([], digest, *values), word({}), word(way, digest, *values, 1),
        word(way, digest, *values[:2], None), word(way, digest, "x", *values[1:]), word(way, digest, [], *values[1:]),
        word(way, digest, 10**30, *values[1:]), word(way, digest, *values[:2], "\0"), word(way, digest, 1, 2, "\ud800"),
        word(way, digest, float("nan"), *values[1:]), word(way, digest, float("inf"), *values[1:]),
        base64.urlsafe_b64encode(b"[" * 1400).decode(), base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ]  # fmt: skip
    for cursor in broken:
        with pytest.raises(BrokenCursor, match="cursor|游标"):
            keyset.page(cursor)


def test_a_cursor_belongs_to_one_order():
    for _ in range(3):
        make.report()
    cursor = Keyset(Report.objects.all(), 1).page().next
    assert Keyset(Report.objects.published(), 2).page(cursor).rows
    for other in (
        Report.objects.order_by("date", "slug"), Report.objects.order_by("slug"), Report.objects.order_by(),
        PolicyArea.objects.all(), Report.objects.reverse(),
    ):  # fmt: skip
        with pytest.raises(BrokenCursor, match="order|顺序"):
            Keyset(other, 1).page(cursor)


def test_a_random_order_has_no_places():
    with pytest.raises(ValueError, match="random"):
        Keyset(Report.objects.order_by("?"), 1)


@pytest.mark.parametrize("size", range(1, 7))
def test_rows_already_fetched(size):
    pages = Sequence(list("abcde"), size, str, "by name")
    found, last = walked(pages, pages.page(), "next")
    assert found == list("abcde")
    assert walked(pages, last, "previous")[0] == list("abcde")


def test_a_row_that_has_left():
    cursor = Sequence(list("abc"), 1, str, "by name").page().next
    assert Sequence(list("abc"), 2, str, "by name").page(cursor).rows == ["b", "c"]
    for rows, order in (("bc", "by name"), ("abc", "by size")):
        with pytest.raises(BrokenCursor):
            Sequence(rows, 1, str, order).page(cursor)
