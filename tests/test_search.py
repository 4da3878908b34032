"""The search over everything: groups, their order, why a hit is one, filters, suggestions, the API, hostile words."""

import random
import re
from html import unescape
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from portal import words
from portal.models import Kind
from recommendations import search
from reports.models import Passage, Report
from tests import factories as make
from tests.indexing import current

pytestmark = pytest.mark.django_db

TEXT = "第一句话说明中美应当恢复官方对话机制。第二句话说明双方应当共同制定技术标准。"


def asked(query):
    """Return the valid SearchFilterSet of a query string."""
    current()
    filterset = search.SearchFilterSet(QueryDict(query), queryset=Report.objects.none())
    assert filterset.is_valid(), filterset.errors
    return filterset


def groups(query, language="en", size=search.SHOWN):
    """Return {word: Group} in the order of the page."""
    with translation.override(language):
        return {group.sort.word: group for group in search.search(asked(query), size)}


def hit(query, word, language="en"):
    """Return the only hit of a kind."""
    (found,) = groups(query, language)[word].hits
    return found


def reasons(query, word, language="en"):
    with translation.override(language):
        return [str(reason) for reason in hit(query, word, language).why]


def marked(fragments):
    return [text for text, is_hit in fragments if is_hit]


def page(client, path):
    response = client.get(path)
    assert response.status_code == 200, response.content
    return unescape(response.content.decode())


def api(client, query, status=200):
    response = client.get(f"/api/v1/search/?{query}")
    assert response.status_code == status, response.content
    return response.json()


@pytest.fixture
def world():
    """A report on data security with one of each thing that hangs on it, and a second one beside."""
    area = make.area(slug="cyberspace", name_zh="网络空间", name_en="Cyberspace")
    child = make.area(slug="data", name_zh="数据治理", name_en="Data governance", parent=area)
    biden = make.actor(slug="biden", name_zh="拜登政府", name_en="Biden administration", aliases=["Joe Biden", "白宫"])
    siis = make.institution(
        slug="siis",
        name_zh="上海国际问题研究院",
        name_en="Shanghai Institutes for International Studies",
        aliases=["SIIS"],
    )
    lu = make.author(slug="lu", name_zh="鲁传颖", name_en="Lu Chuanying")
    report = make.report(
        make.source_text(TEXT), slug="first", title_zh="数据安全报告", title_en="A report on data security",
        standfirst_zh="论跨境流动。", standfirst_en="On flows across borders.", publisher=siis, date="2021-02-03",
    )  # fmt: skip
    make.contribution(report, author=lu)
    make.section(report, 0, 38, key="s1", heading_zh="机制", heading_en="Mechanisms")
    Passage.objects.create(report=report, number=3, text="鲸鱼与数据安全无关。", start=0, end=10)
    advice = make.recommendation(
        report, [child], [biden], key="R07", summary_zh="白宫应当公布清单。", summary_en="A list should be published.",
        condition_zh="预算允许。", condition_en="If the budget allows.",
    )  # fmt: skip
    make.evidence(advice, 0, 19)
    question = make.question(
        [child], slug="list", text_zh="应否公布数据安全清单？", text_en="Should a list be published?"
    )
    position = make.position(
        report,
        key="P01",
        question=question,
        holder=biden,
        voice="attributed",
        summary_zh="可以。",
        summary_en="It may.",
    )
    work = make.work(slug="initiative", title_zh="全球数据安全倡议", title_en="Global initiative", authors="外交部")
    make.citation(report, work=work)
    other = make.report(slug="second", title_zh="论海洋", title_en="On the sea", date="2018")
    make.recommendation(other, [area], key="R01", summary_zh="海洋数据安全。", summary_en="Safe data of the sea.")
    return {"report": report, "advice": advice, "question": question, "position": position, "other": other}


# --- groups and their order ------------------------------------------------------------------------------------------


def test_what_is_found_is_grouped_and_counted_to_the_end(world):
    found = groups("q=数据安全", "zh-hans")
    assert list(found) == ["reports", "questions", "recommendations", "works", "positions", "passages"]
    assert [group.rank for group in found.values()] == [1, 1, 1, 1, 2, 2]
    totals = {kind.label.lower(): n for kind, n in asked("q=数据安全").totals.items()}
    assert {word: n for word, n in totals.items() if n} == dict.fromkeys(found, 1)


def test_a_name_that_is_exactly_the_query_comes_first(world):
    make.report(title_zh="数据治理在网络空间", title_en="Data governance abroad")
    found = groups("q=数据治理", "zh-hans")
    assert list(found)[0] == "areas" and found["areas"].rank == 0
    assert found["reports"].rank == 1
    assert marked(found["areas"].hits[0].title) == ["数据治理"]


def test_within_a_group_the_head_comes_before_the_body_and_then_the_list_decides():
    old = make.report(title_zh="旧鲸鱼", date="2001")
    new = make.report(title_zh="新鲸鱼", date="2022")
    body = make.report(standfirst_zh="鲸鱼。", date="2023")
    exact = make.report(title_zh="鲸鱼", date="1999")
    assert [h.row for h in groups("q=鲸鱼", "zh-hans")["reports"].hits] == [exact, new, old, body]


def test_a_group_among_others_is_short_and_alone_it_is_long(client):
    for _ in range(22):
        make.report(title_zh="鲸鱼")
    found = groups("q=鲸鱼")["reports"]
    assert (len(found.hits), found.more) == (search.SHOWN, True)
    text = page(client, "/en/search/?q=鲸鱼&type=reports")
    assert text.count("<mark>") == search.ALONE
    onward = re.search(r'rel="next" href="([^"]+)"', text)[1]
    assert page(client, f"/en/search/{onward}").count("<mark>") == 2
    assert "22 reports" in text


def test_own_and_other_views_are_never_one_number(client, world):
    make.position(world["report"], question=world["question"], summary_en="A list of whales.")
    make.position(world["report"], question=world["question"], voice="joint", summary_en="A list of seals.")
    text = re.sub(r"\s+", " ", page(client, "/en/search/?q=list"))
    assert "positions (1 own, 1 joint, 1 attributed)" in text and "recommendations (1 own)" in text
    assert "3 positions" not in text


def test_of_very_many_hits_the_page_says_that_it_does_not_count_them(client, world, monkeypatch):
    monkeypatch.setattr(search, "MOST", 2)
    area = make.area(slug="seas")
    for n in range(4):
        report = make.report(title_zh="鲸鱼", date=f"200{n}")
        make.recommendation(report, [area] if n else [make.area(slug="lakes")], summary_zh="放过鲸鱼。")
    filterset = asked("q=鲸鱼")
    assert filterset.totals[Kind.REPORTS] is None and filterset.totals[Kind.RECOMMENDATIONS] is None
    facets = {facet["name"]: {v.value: v.count for v in facet["values"]} for facet in filterset.facets()}
    assert facets["type"] == {"reports": "2+", "recommendations": "2+", "passages": 1}
    assert facets["area"] == {"seas": 2}  # of the first two recommendations
    text = re.sub(r"\s+", " ", page(client, "/en/search/?q=鲸鱼"))
    assert "Found: Reports (too many to count), Recommendations (too many to count) and 1 passage" in text
    assert "Of a kind with 2 hits or more, the numbers beside the filters count the first 2 of its list alone." in text
    assert "4 own" not in text and "2 own" not in text
    assert len(groups("q=鲸鱼")["reports"].hits) == 4
    text = re.sub(r"\s+", " ", page(client, "/en/search/?q=鲸鱼&area=lakes"))
    assert "too many" not in text and "1 own" in text and "Of a kind" not in text


def test_what_is_called_exactly_so_comes_first_however_many_there_are(monkeypatch):
    new = make.report(title_zh="新鲸鱼", date="2022")
    exact = [make.report(title_zh="鲸鱼", date=f"200{n}") for n in (2, 1, 0)]
    for most in (search.MOST, 1):
        monkeypatch.setattr(search, "MOST", most)
        assert [hit.row for hit in groups("q=鲸鱼", "zh-hans")["reports"].hits] == [*exact, new]


@pytest.mark.parametrize(
    "query", ["数据 安全", "数据安全 year:2021", "list data", "title:data 安全", "area:网络 清单 -政府"]
)
def test_what_has_many_words_is_found_once_for_all_kinds(world, query, monkeypatch):
    def found():
        return [(word, [hit.row for hit in group.hits]) for word, group in groups(f"q={query}").items()]

    plainly, totals = found(), asked(f"q={query}").totals
    monkeypatch.setattr(search, "MANY", 1)
    assert asked(f"q={query}").places and found() == plainly and asked(f"q={query}").totals == totals
    monkeypatch.setattr(search, "MOST", 1)
    assert found() == plainly


# --- why -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "word", "language", "expected"),
    [
        ("data", "reports", "en", []),
        ("数据安全", "reports", "en", ["in the Chinese title"]),
        ("borders", "reports", "en", ["in the English standfirst"]),
        ("SIIS", "reports", "en", [
            "institution: Shanghai Institutes for International Studies / 上海国际问题研究院 / SIIS"
        ]),
        ("鲁传颖", "reports", "en", ["author: Lu Chuanying / 鲁传颖"]),
        ("预算", "recommendations", "en", ["in the condition, in Chinese"]),
        ("budget list", "recommendations", "en", ["in the condition, in English"]),
        ("恢复官方对话", "recommendations", "en", ["in the quotation (§ Mechanisms)"]),
        ("拜登", "recommendations", "en", ["addressed to: Biden administration / 拜登政府"]),
        ("Biden", "recommendations", "en", ["addressed to: Biden administration / 拜登政府"]),
        ("网络空间 list", "recommendations", "en", ["area: Cyberspace / 网络空间"]),
        ("author:Chuanying list", "recommendations", "en", ["author: Lu Chuanying / 鲁传颖"]),
        ("area:数据治理 list", "recommendations", "en", ["area: Data governance / 数据治理"]),
        ("Joe", "positions", "en", ["holder: Biden administration / 拜登政府 / Joe Biden"]),
        ("published may", "positions", "en", ["in the English wording of the question"]),
        ("鯨魚", "passages", "zh-hans", []),
        ("外交部", "works", "en", ["among the authors as printed"]),
        ("luchuanying", "authors", "en", ["in the spelling of a name"]),
    ],
)  # fmt: skip
def test_why_a_hit_is_one(world, query, word, language, expected):
    assert reasons(f"q={quote(query)}", word, language) == [*expected]


def test_the_snippet_is_the_text_itself_where_the_title_is_not_enough(world):
    found = hit("q=预算", "recommendations")
    assert (found.snippet, found.snippet_lang) == ([("预算", True), ("允许。", False)], "zh-Hans")
    found = hit(f"q={quote('恢复官方对话')}", "recommendations")
    assert marked(found.snippet) == ["恢复官方对话"] and TEXT.startswith("".join(text for text, _hit in found.snippet))
    assert hit("q=published&type=recommendations", "recommendations").snippet == []
    assert marked(hit(f"q={quote('鯨魚')}", "passages").snippet) == ["鲸鱼"]


def test_broken_evidence_and_absent_texts_quote_nothing(world):
    world["advice"].evidence.update(digest="0" * 12)
    found = hit(f"q={quote('恢复官方对话')}", "recommendations")
    assert (found.snippet, found.why) == ([], [])


def test_a_word_that_is_not_wanted_is_neither_marked_nor_a_reason(world):
    found = hit("q=list -sea -whale", "recommendations")
    assert marked(found.title) == ["list"] and found.why == []


def test_the_page_marks_words_in_titles_and_says_the_rest(client, world):
    text = page(client, f"/en/search/?q={quote('拜登 data')}")
    assert "Nothing was found" not in text
    text = page(client, "/en/search/?q=Biden")
    assert '<span lang="en"><mark>Biden</mark> administration</span> / <span lang="zh-Hans">拜登政府</span>' in text
    text = page(client, f"/en/search/?q={quote('数据安全')}")
    assert '<p class="snippet" lang="zh-Hans"><mark>数据安全</mark>报告</p>' in text
    assert '<h3><a href="/en/reports/first/#p3">A report on data security, paragraph 3</a></h3>' in text
    assert '<a href="/en/reports/first/#P01">' in text


# --- the bridge between the languages ---------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["拜登", "Biden", "joe biden", "白宫", "白宮", "拜登政府"])
def test_names_cross_over_in_any_spelling(world, query):
    found = groups(f"q={quote(query)}")
    assert [h.row for h in found["recommendations"].hits] == [world["advice"]]
    assert [h.row for h in found["positions"].hits] == [world["position"]]


def test_traditional_characters_find_simplified_ones(world):
    assert [h.row for h in groups(f"q={quote('數據安全報告')}")["reports"].hits] == [world["report"]]


# --- filters ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("type=reports", {"reports"}),
        ("type=reports&type=works", {"reports", "works"}),
        ("report=second", {"recommendations"}),
        ("author=lu", {"reports", "positions", "passages"}),
        ("institution=siis", {"reports", "positions", "passages"}),
        ("area=data", {"questions", "positions"}),
        ("area=cyberspace", {"questions", "recommendations", "positions"}),
        ("year_max=2018", {"recommendations"}),
        ("year_min=2020&year_max=2021", {"reports", "positions", "passages"}),
    ],
)
def test_filters_narrow_every_kind(world, query, expected):
    make.work(slug="undated", date="", title_zh="数据安全")
    assert groups(f"q={quote('数据安全')}&{query}").keys() - {"works"} == expected - {"works"}


def test_every_value_of_a_facet_leads_to_as_many_hits_as_it_says(world):
    for query in ("q=数据安全", "q=数据安全&area=cyberspace", "q=数据安全&type=positions&type=recommendations"):
        filterset = asked(query)
        for facet in filterset.facets():
            kept = "&".join(part for part in query.split("&") if not part.startswith(facet["name"]))
            for value in facet["values"] + facet["more"]:
                there = asked(f"{kept}&{facet['name']}={value.value}")
                assert sum(there.totals[sort.kind] for sort in there.sorts) == value.count, (facet["name"], value)


def test_the_list_of_a_group_has_the_same_rows(client, world):
    filterset = asked(f"q={quote('数据安全')}&report=first")
    for group in groups(f"q={quote('数据安全')}&report=first").values():
        if url := filterset.list_url(group.sort):
            rows = client.get(url).context["page_obj"].rows
            keys = [
                row.object_id if hasattr(row, "object_id") else row.pk for row in rows
            ]  # entries of the index, or the rows themselves
            assert keys == [hit.row.pk for hit in group.hits] and "report=first" in url


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("q=x&aera=y", "aera"), ("q=x&type=poems", "type"), ("q=x&area=nowhere", "area"), ("q=x&format=csv", "format"),
        ("q=x&cursor=1", "cursor"), ("q=x&type=reports&cursor=1", "cursor"), ("q=x&page=2", "page"),
        (f"q={'x' * 201}", "q"), ("q=" + "+".join("abcdefghijklmnopqrstuvwxyz"), "q"),
        ("q=x&year_min=soon", "year_min"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused_by_name(client, world, query, name):
    response = client.get(f"/en/search/?{query}")
    assert response.status_code == 400 and f"<code>{name}</code>" in response.content.decode()
    assert list(api(client, query, 400)["errors"]) == [name]


# --- pages without results ------------------------------------------------------------------------------------------


def test_a_blank_search_says_how_to_search(client):
    for query in ("", "?q=", "?q=+"):
        text = page(client, f"/en/search/{query}")
        assert "How to search" in text and "noindex" not in text
    assert "noindex" in page(client, "/en/search/?q=x")


def test_an_empty_result_explains_itself(client, world):
    text = page(client, "/en/search/?q=zzz+data&type=reports")
    assert "These words stand nowhere in the portal: “zzz”." in text and "“data”." not in text
    assert 'href="/en/search/?q=zzz+data">without What: Reports' in text
    assert "nothing has all of them" in page(client, "/en/search/?q=sea+budget")
    text = page(client, "/en/search/?q=!!!")
    assert "There is no word to look for." in text


def test_broken_syntax_is_said(client, world):
    assert "A quotation mark without its partner was passed over." in page(client, '/en/search/?q="data')
    text = page(client, "/en/search/?q=data+-sea")
    assert "Read as: “data”, and not “sea”." in text


# --- keys and suggestions ---------------------------------------------------------------------------------------------


def suggested(client, text, language="en"):
    response = client.get(f"/{language}/search/suggest/?q={quote(text)}")
    assert response.status_code == 200
    return [(one["type"], one["text"], one["url"]) for one in response.json()["suggestions"]]


def test_a_key_is_led_to(client, world):
    text = page(client, "/en/search/?q=first/R07")
    assert "This is a key" in text and '<a href="/en/recommendations/first/R07/">' in text
    assert "This is a key" not in page(client, "/en/search/?q=first/R99")
    url = "/en/recommendations/first/R07/"
    for written in ("R07", "r07", "first/r0", "FIRST/R07"):
        assert suggested(client, written) == [("recommendation", "first/R07 A list should be published.", url)]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("数", "zh", "/zh/areas/data/"),
        ("數據治", "zh", "/zh/areas/data/"),
        ("cy", "en", "/en/areas/cyberspace/"),
        ("data gov", "en", "/en/areas/data/"),
        ("sii", "en", "/en/institutions/siis/"),
        ("鲁", "zh", "/zh/authors/lu/"),
        ("chuan", "en", "/en/authors/lu/"),
        ("bid", "en", "/en/search/?q=Biden+administration"),
        ("should a li", "en", "/en/questions/list/"),
        ("a report on da", "en", "/en/reports/first/"),
    ],
)
def test_what_begins_so_is_suggested(client, world, text, language, expected):
    assert expected in [url for _type, _text, url in suggested(client, text, language)]


@pytest.mark.parametrize("text", ["", " ", "c", "!", "R", "'", "zzzz"])
def test_too_little_suggests_nothing(client, world, text):
    assert suggested(client, text) == []


def test_what_begins_so_comes_before_what_has_it_inside_and_kinds_take_turns(client):
    for n in range(5):
        make.area(name_en=f"Marine whales {n}", name_zh="甲")
    make.contribution(make.report(title_en="On whales"), author=make.author(name_en="Whales, Ann", name_zh="乙"))
    texts = [text for _type, text, _url in suggested(client, "whal")]
    assert texts[:3] == ["Whales, Ann", "Marine whales 0", "On whales"] and len(texts) == 7


def test_without_script_a_short_result_leads_on(client, world):
    text = page(client, "/en/search/?q=cybersp")
    assert "Did you mean one of these?" in text and '<a href="/en/areas/cyberspace/">Cyberspace</a>' in text


def test_what_stands_among_the_hits_is_not_suggested_beside_them(client, world):
    text = page(client, "/en/search/?q=chuanying")
    assert 'href="/en/authors/lu/"' in text and "Did you mean" not in text


def test_suggestions_take_nothing_but_words(client):
    assert client.get("/en/search/suggest/?q=x&type=areas").status_code == 400


# --- the API --------------------------------------------------------------------------------------------------------


def test_the_api_tells_the_groups(client, world):
    found = api(client, "q=Biden")
    assert found["query"] == {"q": "Biden", "read_as": []}
    assert [group["type"] for group in found["groups"]] == ["recommendations", "positions"]
    (advice,) = found["groups"][0]["results"]
    assert advice == {
        "type": "recommendations",
        "rank": "elsewhere",
        "title_zh": "白宫应当公布清单。",
        "title_en": "A list should be published.",
        "snippet": [],
        "snippet_lang": "",
        "why": ["addressed to: Biden administration / 拜登政府"],
        "object": {"report": "first", "key": "R07"},
        "url": "http://testserver/zh/recommendations/first/R07/",
        "url_en": "http://testserver/en/recommendations/first/R07/",
        "api_url": "http://testserver/api/v1/recommendations/first/R07/",
    }
    found = api(client, f"q={quote('数据安全')}&type=passages&type=works")["groups"]
    passage = next(group for group in found if group["type"] == "passages")["results"][0]
    assert passage["object"] == {"report": "first", "number": 3} and passage["api_url"] is None
    assert passage["snippet"][1] == {"text": "数据安全", "hit": True}
    assert api(client, "q=data+-sea")["query"]["read_as"] == ["Read as: “data”, and not “sea”."]


def test_every_address_of_a_hit_answers(client, world):
    for group in api(client, f"q={quote('数据安全')}")["groups"]:
        for found in group["results"]:
            for name in ("url", "url_en", "api_url"):
                path = urlsplit(found[name] or found["url"]).path
                assert client.get(path).status_code == 200, found[name]


@pytest.mark.parametrize("query", ["", "q=", "q=+", "type=reports"])
def test_the_api_wants_words(client, query):
    assert "q is missing or blank" in api(client, query, 400)["errors"]["q"][0]


def test_one_kind_is_paged_by_cursor(client):
    slugs = [make.report(title_en="Whale", date=f"20{n:02}").slug for n in range(7)][::-1]
    make.author(name_en="Whale")
    found = api(client, "q=whale&page_size=3")["groups"]
    reports = next(group for group in found if group["type"] == "reports")
    assert len(reports["results"]) == 3 and parse_qs(urlsplit(reports["next"]).query)["type"] == ["reports"]
    seen, path = [], reports["next"]
    while path:
        (group,) = api(client, urlsplit(path).query)["groups"]
        seen += [row["object"]["slug"] for row in group["results"]]
        path = group["next"]
    assert seen == slugs and group["previous"]
    assert api(client, "q=nothing&type=reports")["groups"] == []


# --- leaks, costs, hostile words -----------------------------------------------------------------------------------


def test_a_draft_is_neither_found_nor_counted_nor_suggested(client, world):
    hidden = make.report(title_zh="海怪", title_en="Kraken", state="draft")
    make.contribution(hidden, author=make.author(name_en="Captain Kraken"))
    make.recommendation(hidden, [make.area()], [make.actor(name_en="Kraken watch")], summary_en="Feed the kraken.")
    make.position(hidden, question=world["question"], summary_en="The kraken may.")
    Passage.objects.create(report=hidden, number=1, text="kraken", start=0, end=6)
    assert groups("q=kraken") == {} and not any(asked("q=kraken").totals.values())
    assert suggested(client, "krak") == [] and api(client, "q=kraken")["groups"] == []
    Report.objects.filter(pk=hidden.pk).update(state="published")
    make.report()
    assert {"reports", "authors", "recommendations", "positions", "passages"} <= groups("q=kraken").keys()


@pytest.mark.parametrize(
    "path",
    ["/en/search/?q=whale", "/en/search/?q=whale&type=areas", "/api/v1/search/?q=whale", "/en/search/suggest/?q=wh"],
)
def test_the_number_of_queries_does_not_grow(client, path):
    def more(n):
        for _ in range(n):
            report = make.report(title_en="Whale")
            make.contribution(report, author=make.author(name_en="Whale")).affiliations.add(
                make.institution(name_en="Whale")
            )
            actor, area = make.actor(name_en="Whale"), make.area(name_en="Whale", parent=make.area())
            row = make.recommendation(report, [area], [actor], [make.instrument()], summary_zh="鲸")
            make.evidence(row)
            make.position(report, question=make.question([area]), holder=actor, voice="attributed")
            Passage.objects.create(report=report, number=1, text="A whale.", start=0, end=7)
            make.citation(report, work=make.work(title_en="Whale"))

    def cost():
        client.get(path)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        return len(queries)

    more(1)
    few = cost()
    more(4)
    assert cost() == few


PIECES = [
    '"', "“", "”", "「", "'", "-", "OR", "title:", "author:", "area:", "year:", "2019..", "..", "*", "%",
    "_", "\\", "\0", "(", ")", "NEAR", "AND", "NOT", ":*", "&", "|", "!", "<->", "数据", "5G网络", "GPT-4", "é",
    "💩", "\u202e", "\ud800", "١", "ａｂ", "x" * 60, "R07", "first/", "/", ";", "--", "{", "}",
    "^", "~", "+", "≡", "·", "\n",
]  # fmt: skip


def test_hostile_words_are_no_fault_of_ours(client, world):
    dice = random.Random(4)
    for n in range(200):
        text = "".join(dice.choices(PIECES, k=dice.randint(1, 7)))[:200]
        written = quote(text, errors="surrogatepass")
        for path in ("/en/search/", "/api/v1/search/", "/en/search/suggest/")[n % 2 :]:
            assert client.get(f"{path}?q={written}").status_code in (200, 400), (path, text)


def test_nothing_that_is_written_becomes_markup(client, world):
    make.report(title_en="<b>whale</b> & co")
    text = client.get("/en/search/?q=<script>whale").content.decode()
    assert "<script>whale" not in text and "<b>whale" not in text
    assert "&lt;b&gt;<mark>whale</mark>&lt;/b&gt;" in client.get("/en/search/?q=whale").content.decode()


def test_what_is_marked_is_what_was_found():
    assert words.parse("data").phrases and search.unknown_words(words.parse("data year:2019")) == ["“data”"]
