"""Frameworks: where assessors agree and differ, the charts, the tree of subjects, and the page of one subject."""

import csv
import io
import itertools
import re
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from portal.export import FORMULA
from recommendations import divergence, drawing, views
from recommendations.models import Actor, Dimension, Framework, Rating, Subject
from reports.models import Report
from tests import factories as make

LANGUAGES = {"zh": "zh-hans", "en": "en"}
SCALES = [drawing.WIDE, drawing.NARROW]
PHONE = 288  # pixels of a column on a screen of 320: see .wrap in duizhao.css


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def page(client, path, status=200, lang="en"):
    response = client.get(f"/{lang}/{path}")
    assert response.status_code == status, path
    return response.content.decode()


# --- ratings by hand, without a database ------------------------------------------------------------------------------

FRAMEWORK = Framework(pk=1, slug="frame", title_en="Frame", title_zh="框架")
AXES = [
    Dimension(pk=n, framework=FRAMEWORK, slug=name.lower(), name_en=name, name_zh=name, order=n)
    for n, name in enumerate(["Benefit", "Risk"])
]
REPORTS = {slug: Report(pk=n, slug=slug, title_en=slug, title_zh=slug) for n, slug in enumerate("ab", start=1)}
ACTORS = {slug: Actor(pk=n, slug=slug, name_en=slug, name_zh=slug) for n, slug in enumerate("xy", start=1)}
SUBJECTS = [Subject(pk=n, slug=f"s{n}", name_en=f"S{n}", name_zh=f"主{n}") for n in range(4)]


def said(subject, axis, level, report="a", assessor=None, basis=None, number=0):
    return Rating(
        report=REPORTS[report], key=f"T{number:02d}", order=number, subject=SUBJECTS[subject], dimension=AXES[axis],
        level=level, basis=basis or ("explicit" if level else "comparative"), assessor=ACTORS.get(assessor),
    )  # fmt: skip


def lined(ratings):
    return divergence.lines(ratings, AXES, divergence.assessors(ratings))


def judged(*ratings):
    (line,) = lined(ratings)
    return line.verdict, line.words


def test_agreement_on_both_axes():
    rows = [said(0, axis, "high", assessor=who) for axis in (0, 1) for who in (None, "x")]
    assert judged(*rows) == ("agreed", "Assessors agree on both axes.")


def test_agreement_on_one_axis_and_disagreement_on_the_other_are_told_apart():
    rows = [said(0, 0, "high"), said(0, 0, "low", assessor="x"), said(0, 1, "low"), said(0, 1, "low", assessor="x")]
    assert judged(*rows) == ("mixed", "Assessors agree on “Risk” and differ on “Benefit”.")


def test_disagreement_on_both_axes():
    rows = [said(0, axis, level, assessor=who) for axis in (0, 1) for level, who in (("low", None), ("high", "x"))]
    assert judged(*rows) == ("different", "Assessors differ on both axes.")


def test_one_gives_no_level():
    rows = [said(0, 0, "high"), said(0, 0, "", assessor="x")]
    assert judged(*rows) == ("unstated", "On “Benefit” not every assessor gives a level.")
    rows += [said(0, 1, "low"), said(0, 1, "low", assessor="x")]
    assert judged(*rows) == ("agreed", "Assessors agree on “Risk”. On “Benefit” not every assessor gives a level.")


def test_a_level_that_is_not_stated_outright_is_none():
    rows = [said(0, 0, "high"), said(0, 0, "low", assessor="x", basis="derived")]
    assert judged(*rows)[0] == "unstated"


def test_only_one_assessor():
    rows = [said(0, 0, "high"), said(0, 0, "low"), said(0, 1, "")]
    assert judged(*rows) == ("single", "Only one assessor speaks of it.")


def test_assessors_on_different_axes_cannot_be_compared():
    rows = [said(0, 0, "high"), said(0, 1, "high", assessor="x")]
    assert judged(*rows) == ("apart", "Each assessor speaks of another axis: there is nothing to compare.")


def test_the_authors_of_two_documents_are_two_assessors_and_speak_for_themselves():
    rows = [said(0, 0, "high", "a"), said(0, 0, "low", "b"), said(0, 0, "low", "a", "x"), said(0, 0, "low", "b", "x")]
    (line,) = lined(rows)
    assert line.verdict == "different"
    assert [(who.voice, rating.level) for _axis, _words, said in line.rows for who, rating in said] == [
        ("own", "high"), ("own", "low"), ("attributed", "low"), ("attributed", "low"),
    ]  # fmt: skip


def test_two_levels_are_never_averaged():
    rows = [said(0, 0, "low"), said(0, 0, "high"), said(0, 0, "medium", assessor="x")]
    (line,) = lined(rows)
    assert line.verdict == "different"
    assert sorted(cell.levels for cell in line.cells if cell.levels) == [["low", "high"], ["medium"]]


def test_a_framework_in_words():
    rows = [
        *(said(0, axis, level, assessor=who) for axis in (0, 1) for level, who in (("low", None), ("high", "x"))),
        said(1, 0, "low"), said(1, 0, "high", assessor="x"), said(1, 1, "low"), said(1, 1, "low", assessor="x"),
        said(2, 1, "low"), said(2, 1, "low", assessor="x"), said(3, 0, "low"), said(3, 0, "", assessor="x"),
    ]  # fmt: skip
    table = lined(rows)
    assert divergence.framework_words(table, divergence.points(table, AXES), divergence.assessors(rows)) == (
        "Two subjects are rated outright on both axes, by two assessors. Assessors differ on S0 and S1 as to “Benefit”."
        " On one subject they give the same level wherever more than one gives a level."
        " On one subject one of them speaks without giving a level."
    )
    alone = lined([said(0, 0, "low"), said(1, 0, "low", assessor="x")])
    everyone = divergence.assessors([said(0, 0, "low"), said(1, 0, "low", assessor="x")])
    assert divergence.framework_words(alone, [], everyone) == (
        "Nothing is rated outright on both axes. They do not meet: no subject is spoken of by more than one."
    )


RATINGS = st.lists(
    st.builds(
        said,
        st.integers(0, 3),
        st.integers(0, 1),
        st.sampled_from(["low", "medium", "high", ""]),
        st.sampled_from(["a", "b"]),
        st.sampled_from([None, "x", "y"]),
    ),
    max_size=14,
)


def numbered(ratings):
    """Give each rating a key and a place of its own."""
    for number, rating in enumerate(ratings):
        rating.key, rating.order = f"T{number:02d}", number
    return ratings


def content(line):
    """All that a line says, of itself."""
    says = [
        (axis.slug, words, who.key, rating.level, rating.basis, rating.key)
        for axis, words, said in line.rows
        for who, rating in said
    ]
    names = [[axis.slug for axis in axes] for axes in (line.agreed, line.differing, line.unstated)]
    return line.verdict, line.words, names, says


@given(st.data())
def test_the_order_of_ratings_changes_nothing(data):
    ratings = numbered(data.draw(RATINGS))
    turned = data.draw(st.permutations(ratings))
    one, two = lined(ratings), lined(turned)
    assert [(line.subject.slug, content(line)) for line in one] == [(line.subject.slug, content(line)) for line in two]
    assert divergence.points(one, AXES) == divergence.points(two, AXES)
    assert [x.key for x in divergence.assessors(ratings)] == [x.key for x in divergence.assessors(turned)]


@given(RATINGS, RATINGS)
def test_a_rating_of_another_subject_changes_no_other_line(ratings, more):
    ratings = numbered(ratings)
    more = [said(3, r.dimension.order, r.level, r.report.slug, r.assessor and r.assessor.slug) for r in more]
    before = {line.subject.slug: content(line) for line in lined(ratings)}
    after = {line.subject.slug: content(line) for line in lined(numbered([*ratings, *more]))}
    assert {slug: line for slug, line in before.items() if slug != "s3"} == {
        slug: line for slug, line in after.items() if slug != "s3"
    }


@given(RATINGS)
def test_a_verdict_is_symmetric_in_its_assessors(ratings):
    """Whoever says it: exchange two assessors, and the verdict stays."""
    turn = {None: "x", "x": None, "y": "y"}
    one = [r for r in numbered(ratings) if r.report.slug == "a"]
    other = [
        said(r.subject.pk, r.dimension.order, r.level, "a", turn[r.assessor and r.assessor.slug], number=r.order)
        for r in one
    ]
    verdicts = [{line.subject.slug: content(line)[:3] for line in lined(rows)} for rows in (one, other)]
    assert verdicts[0] == verdicts[1]


@given(RATINGS)
def test_every_line_has_one_verdict_and_axes_are_told_apart(ratings):
    for line in lined(numbered(ratings)):
        assert not {d.pk for d in line.agreed} & {d.pk for d in line.differing}
        assert line.words and line.verdict in divergence.Verdict.values
        assert line.standing in ("disputed", "shared", "single")
        assert (line.verdict == "single") == (len(line.speakers) == 1)


# --- charts -----------------------------------------------------------------------------------------------------------


def boxes(chart):
    """Return (left, top, right, bottom, what) of all that is set in a drawing: labels, signs, captions, names."""
    scale = chart["scale"]
    texts = [(text, scale.text) for entry in chart["entries"] for text in entry.texts]
    texts += [(text, scale.small) for text in chart["captions"]]
    found = [
        (t["x"], t["y"] - size * 0.9, t["x"] + drawing.text_width(t["text"], size), t["y"] + size * 0.1, t["text"])
        for t, size in texts
    ]
    for mark in (mark for entry in chart["entries"] for mark in entry.marks):
        x, y, r = mark["x"], mark["y"], mark["r"]
        found.append((x - r, y - r, x + r, y + r, "sign"))
    return found


def check(chart):
    """Nothing overlaps, all stays in its quadrant and in the drawing, and no type is below 12 px on a phone."""
    found, scale = boxes(chart), chart["scale"]
    edges = [chart["left"], *chart["columns"], chart["right"]]
    rows = [chart["top"], *chart["bands"], chart["bottom"]]
    for left, top, right, bottom, what in found:
        assert any(a <= left and right <= b for a, b in itertools.pairwise(edges)), what
        assert any(a <= top and bottom <= b for a, b in itertools.pairwise(rows)), what
    for one, other in itertools.combinations(found, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)
    up = drawing.text_width(chart["up"], scale.small) + 6 * scale.small
    assert up <= chart["bottom"] - chart["top"]
    for name in chart["across"]:
        assert drawing.text_width(name["text"], scale.small) <= chart["right"] - chart["left"]
        assert chart["foot"] < name["y"] < chart["height"]
    if scale.name == "narrow":
        assert min(scale.text, scale.small) * PHONE / scale.width >= 12


def drawn(framework, view="overlay"):
    """Return the table of a framework, its points and all its drawings, as its page has them."""
    axes = list(framework.dimensions.all())
    ratings = list(Rating.objects.published().for_list().filter(dimension__framework=framework))
    everyone = divergence.assessors(ratings)
    table = divergence.lines(ratings, axes, everyone)
    placed = divergence.points(table, axes)
    charts = [chart for figure in views.figures(placed, axes, everyone, view) for chart in figure["charts"]]
    return SimpleNamespace(table=table, placed=placed, charts=charts, everyone=everyone)


NAMES = [
    "固体地球物理学、板块构造学、系统生态学与另外几个学科", "小型模块化反应堆和微型核反应堆", "高级数学",
    "射电和光学天文学、天体物理学", "新冠疫情溯源联合调查",
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("view", ["overlay", "panels"])
@pytest.mark.parametrize("crowded", [("high", "high"), ("low", "high"), ("medium", "low")], ids="-".join)
def test_twenty_chinese_labels_in_one_quadrant_never_overlap(crowded, view):
    report, framework, other = make.report(), make.framework(), make.actor()
    for n in range(20):
        subject = make.subject(name_zh=f"{NAMES[n % 5]}{n}", name_en="Electroencephalographically-augmented things")
        make.rated(report, framework, subject, *crowded)
        if n % 4 == 0:
            make.rated(report, framework, subject, *("low", "low") if n % 8 else crowded, other)
    for code in LANGUAGES.values():
        with translation.override(code):
            charts = drawn(framework, view).charts
            assert {chart["scale"].name for chart in charts} == {"wide", "narrow"}
            assert len(charts) == (2 if view == "overlay" else 4)
            for chart in charts:
                check(chart)
                assert len(chart["entries"]) >= (20 if view == "overlay" else 5)


@pytest.mark.parametrize(
    "text", ["高级数学", "Electroencephalographically-augmented", "WHO（世卫组织）", "a b", "-", ""]
)
@pytest.mark.parametrize("width", [30, 57, 101, 400])
def test_a_text_is_broken_to_fit(text, width):
    lines = drawing.wrapped(text, width, 14)
    assert all(drawing.text_width(line, 14) <= width for line in lines)
    assert "".join(lines).replace("-", "").replace(" ", "") == text.replace("-", "").replace(" ", "")


@pytest.mark.django_db
def test_only_explicit_ratings_on_both_axes_are_points():
    report, framework = make.report(), make.framework()
    both, one, compared = make.subject(), make.subject(), make.subject()
    make.rated(report, framework, both, "high", "low")
    make.rating(report, framework.dimensions.first(), subject=one)
    make.rating(report, framework.dimensions.first(), subject=compared, level="", basis="comparative")
    for dimension in framework.dimensions.all():
        make.rating(report, dimension, subject=compared, level="high", basis="derived")
    found = drawn(framework)
    assert [subject for subject, *_rest in found.placed] == [both]
    assert {line.subject for line in divergence.levelled(found.table)} == {both, one}


@pytest.mark.django_db
def test_disputed_subjects_come_first_and_get_an_arrow_from_place_to_place():
    report, framework, other, third = make.report(), make.framework(), make.actor(), make.actor()
    agreed, disputed, single = (make.subject(name_en=name) for name in ("Agreed", "Disputed", "Single"))
    for subject in (single, agreed, disputed):
        make.rated(report, framework, subject, "low", "low", other)
    make.rated(report, framework, agreed, "low", "low")
    make.rated(report, framework, disputed, "high", "high")
    make.rated(report, framework, disputed, "high", "low", third)
    found = drawn(framework)
    assert [line.subject for line in found.table] == [disputed, agreed, single]
    assert [line.standing for line in found.table] == ["disputed", "shared", "single"]
    chart = found.charts[0]
    assert len(chart["arrows"]) == 2
    (entry,) = [entry for entry in chart["entries"] if entry.subject == agreed]
    assert [mark["shape"] for mark in entry.marks] == ["disc", "diamond"]
    assert {mark["shape"] for e in chart["entries"] for mark in e.marks} == {"disc", "diamond", "square"}
    panels = drawn(framework, "panels").charts
    assert [len(chart["entries"]) for chart in panels] == [3, 3, 2, 2, 1, 1]
    assert not any(chart["arrows"] for chart in panels)


# --- the page of a framework ------------------------------------------------------------------------------------------


@pytest.fixture
def disputed(db):
    """A framework by which a document's authors and an actor rate one subject differently; one axis in common."""
    report, framework, actor = make.report(), make.framework(slug="frame"), make.actor(slug="states", name_en="States")
    parent = make.subject(slug="power", name_en="Power", aliases=["energy"])
    subject = make.subject(slug="tides", name_en="Tidal power", parent=parent)
    mine = make.rated(report, framework, subject, "high", "low")
    theirs = make.rated(report, framework, subject, "low", "low", actor)
    word = make.rating(report, framework.dimensions.first(), level="", basis="movement", summary_en="It may fall.")
    make.evidence(mine[0])
    return SimpleNamespace(
        report=report, framework=framework, subject=subject, parent=parent, mine=mine, theirs=theirs, word=word
    )


def test_the_page_has_a_chart_its_table_and_who_says_what(client, disputed):
    for lang in LANGUAGES:
        content = page(client, "frameworks/frame/", lang=lang)
        assert content.count('<svg class="wide"') == content.count('<svg class="narrow"') == 1
        assert "<title id=" in content and "<desc id=" in content
        assert "style=" not in content and not re.search(r"<script(?![^>]*\ssrc=)", content)
        for row in (*disputed.mine, *disputed.theirs, disputed.word):
            assert f"#{row.key}" in content
    assert "Assessors agree on “Risk” and differ on “Benefit”." in content
    for words in (
        "Tidal power",
        "It may fall.",
        "stated outright",
        "moving",
        "attributed",
        "energy",
        "/en/subjects/tides/",
    ):
        assert words in content, words
    assert disputed.framework.title_en in page(client, "frameworks/")


def test_the_chart_is_one_overlay_or_a_panel_for_each_assessor(client, disputed):
    overlay, panels = (page(client, f"frameworks/frame/{query}") for query in ("?view=overlay", "?view=panels"))
    plain = page(client, "frameworks/frame/?view=")
    assert re.sub(r"view=\w*", "", plain) == re.sub(r"view=\w*", "", overlay)
    assert overlay.count('class="arrow"') == 3 and 'href="?view=panels"' in overlay  # the legend, and two drawings
    assert panels.count('<svg class="wide"') == 2 and 'class="arrow"' not in panels
    assert 'href="/en/frameworks/frame/"' in panels
    ids = re.findall(r' id="([^"]+)"', panels)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("query", "name"),
    [("view=tower", "tower"), ("view=%00", "view"), ("aera=x", "aera"), ("format=xls", "xls"), ("wiew=", "wiew")],
)
def test_what_the_page_does_not_know_is_refused_by_name(client, disputed, query, name):
    assert name in page(client, f"frameworks/frame/?{query}", status=400)


@pytest.mark.django_db
def test_one_assessor_needs_no_choice_of_drawing(client):
    report, framework = make.report(), make.framework()
    make.rated(report, framework, make.subject(), "high", "low")
    content = page(client, f"frameworks/{framework.slug}/")
    assert "view=" not in content and "Where assessors meet" not in content


def test_another_framework_is_another_yardstick(client, disputed):
    other = make.framework(slug="other", title_en="The other", axes=("speed", "price"))
    make.rating(disputed.report, other.dimensions.first(), subject=disputed.subject, level="medium")
    content = page(client, "frameworks/frame/")
    assert "By another yardstick" in content and "not comparable" in content and "The other" in content
    assert "medium" not in content.partition("By another yardstick")[0]  # in no chart and no table of this framework
    there = client.get("/api/v1/frameworks/frame/").json()["divergence"]
    assert [line["elsewhere"] for line in there if line["subject"] == "tides"] == [["other"]]
    assert "By another yardstick" in page(client, "frameworks/other/")


def test_a_hidden_rating_changes_nothing_of_the_page(client, disputed):
    paths = [
        "/en/frameworks/frame/", "/en/frameworks/frame/?view=panels", "/en/frameworks/frame/?format=csv",
        "/en/subjects/", "/en/subjects/tides/", "/api/v1/frameworks/frame/", "/api/v1/subjects/tides/",
    ]  # fmt: skip
    before = [client.get(path).getvalue() for path in paths]
    draft = make.report(state="draft")
    make.rated(draft, disputed.framework, disputed.subject, "medium", "high")
    make.rated(draft, make.framework(), disputed.subject, "medium", "high")
    make.rated(draft, disputed.framework, make.subject(parent=disputed.subject), "medium", "high")
    assert [client.get(path).getvalue() for path in paths] == before


def test_every_rating_in_long_form(client, disputed):
    disputed.subject.name_zh = "=1+1"
    disputed.subject.save()
    response = client.get("/en/frameworks/frame/?format=csv&view=panels")
    text = response.getvalue().decode()
    assert response["Content-Type"] == "text/csv; charset=utf-8" and text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert len(rows) == 5
    first = rows[0]
    assert (first["framework"], first["subject"], first["subject_zh"]) == ("frame", "tides", "'=1+1")
    assert (first["dimension"], first["level"], first["basis"]) == ("benefit", "high", "explicit")
    assert (first["assessor"], first["voice"], rows[2]["assessor"], rows[2]["voice"]) == (
        "",
        "own",
        "states",
        "attributed",
    )
    assert (first["report"], first["key"], first["evidence"]) == (disputed.report.slug, disputed.mine[0].key, "0-16")
    assert (rows[-1]["basis"], rows[-1]["level"]) == ("movement", "")
    assert not [cell for row in rows for cell in row.values() if cell.startswith(FORMULA)]
    content = page(client, "frameworks/frame/?view=panels")
    assert 'href="/en/frameworks/frame/?format=csv"' in content and 'href="/api/v1/frameworks/frame/"' in content


# --- the API of a framework -------------------------------------------------------------------------------------------


def test_the_api_tells_the_divergence(client, disputed):
    found = client.get("/api/v1/frameworks/frame/").json()["divergence"]
    line = found[0]
    assert (line["subject"], line["verdict"], line["agreed"], line["differing"], line["unstated"]) == (
        "tides", "mixed", ["risk"], ["benefit"], [],
    )  # fmt: skip
    told = [(s["dimension"], s["assessor"], s["voice"], s["level"], s["key"]) for s in line["statements"]]
    mine, theirs = disputed.mine, disputed.theirs
    assert told == [
        ("benefit", None, "own", "high", mine[0].key),
        ("benefit", "states", "attributed", "low", theirs[0].key),
        ("risk", None, "own", "low", mine[1].key),
        ("risk", "states", "attributed", "low", theirs[1].key),
    ]
    assert [line["verdict"] for line in found] == ["mixed", "single"]


# --- subjects ---------------------------------------------------------------------------------------------------------


def test_the_index_is_a_tree_with_other_names_and_documents(client, disputed):
    content = page(client, "subjects/")
    assert content.index("/en/subjects/power/") < content.index("/en/subjects/tides/")
    assert "Also called: energy" in content and "not rated itself" in content and "1 document" in content
    assert "<details open>" in content
    assert "tides" not in page(client, "subjects/?q=energy") and "power" in page(client, "subjects/?q=energy")
    assert "tides" in page(client, "subjects/?framework=frame") and "subjects/power/" not in page(
        client, "subjects/?framework=frame"
    )


def test_ratings_of_a_subject_stand_together_by_framework(client, disputed):
    other = make.framework(slug="other", title_en="The other", axes=("speed", "price"))
    make.rating(disputed.report, other.dimensions.first(), subject=disputed.subject, level="", basis="conditional")
    content = page(client, "subjects/tides/")
    for words in (
        "Tidal power", "Power", "not comparable", "The other", disputed.framework.title_en, "on a condition",
        "no level", "Assessors agree on “Risk” and differ on “Benefit”.", "Only one assessor speaks of it.", "States",
        "attributed",
    ):  # fmt: skip
        assert words in content, words
    above = page(client, "subjects/power/")
    assert "No document rates it itself" in above and "/en/subjects/tides/" in above
    assert page(client, "subjects/tides/", lang="zh")
    page(client, "subjects/nowhere/", status=404)


def test_the_subject_page_and_its_neighbours_lead_to_one_another(client, disputed):
    assert "/en/subjects/tides/" in page(client, f"reports/{disputed.report.slug}/")
    question = make.position(disputed.report).question
    make.position(disputed.report, question=question, voice="attributed", holder=make.actor())
    assert "/en/subjects/tides/" in page(client, "")
    assert disputed.subject.get_absolute_url() == "/en/subjects/tides/"


def test_subjects_in_the_api(client, disputed):
    found = client.get("/api/v1/subjects/tides/").json()
    assert (found["parent"], found["children"], found["report_count"]) == ("power", [], 1)
    assert found["rating_counts"]["own"]["explicit"] == found["rating_counts"]["attributed"]["explicit"] == 2
    assert len(found["ratings"]) == 4
    above = client.get("/api/v1/subjects/power/").json()
    assert (above["children"], above["report_count"], above["ratings"], above["aliases"]) == (
        ["tides"],
        0,
        [],
        ["energy"],
    )


@pytest.mark.parametrize(
    "path",
    ["/en/subjects/", "/en/subjects/tides/", "/en/frameworks/frame/?view=panels", "/api/v1/frameworks/frame/"],
)
def test_ten_rows_cost_as_many_queries_as_one(client, disputed, path):
    def more(n):
        for _ in range(n):
            report = make.report()
            for subject in (disputed.subject, make.subject(parent=disputed.subject)):
                make.rated(report, disputed.framework, subject, "low", "low", make.actor())
                make.evidence(make.rated(report, make.framework(), subject, "low", "low")[0])

    def cost():
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        return len(queries)

    more(1)
    client.get(path)
    few = cost()
    more(9)
    assert cost() == few


def test_an_instrument_leads_to_the_advice_that_names_it(client, db):
    tool = make.instrument(slug="pact", name_en="The pact")
    assert client.get("/api/v1/instruments/pact/").status_code == 404
    row = make.recommendation(make.report(), instruments=[tool])
    found = client.get("/api/v1/instruments/pact/").json()
    assert found["url_en"].endswith("/en/recommendations/?instrument=pact") and found["kind"] == "agreement"
    assert row.key in page(client, "recommendations/?instrument=pact")
