"""Cited works: who cites them, with what; works that are reports here; people who are both author and cited."""

import csv
import io
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reports.models import Author, Work
from tests import factories as make
from tests.test_admin import page, submit, user

pytestmark = pytest.mark.django_db


def cite(report, *works):
    for work in works:
        make.citation(report, work=work)


def html_of(client, path):
    response = client.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def row(html, slug):
    """Return one work in the list."""
    return re.search(rf'<li id="{slug}">.*?</dl></li>', html, re.DOTALL)[0]


@pytest.fixture
def cited():
    """a and b in two documents and in a draft, c in those two and a third, d and e in the third alone."""
    works = {word: make.work(slug=word, title_en=f"Work {word.upper()}") for word in "abcde"}
    first, second, third = (make.report(slug=slug) for slug in ("first", "second", "third"))
    draft = make.report(slug="unseen-draft", state="draft")
    cite(first, works["a"], works["b"], works["c"], works["a"])
    cite(second, works["a"], works["b"], works["c"])
    cite(third, works["c"], works["d"], works["e"])
    cite(draft, works["a"], works["d"], works["e"])
    return works


# --- co-citation ------------------------------------------------------------------------------------------------------


def test_a_work_counts_the_published_documents_that_cite_it(cited):
    counts = Work.objects.with_counts().values_list("slug", "report_count")
    assert dict(counts) == {"a": 2, "b": 2, "c": 3, "d": 1, "e": 1}


def test_company_is_what_two_documents_cite_together(cited):
    """d and e stand in the notes of one published document; that a draft cites both as well makes no pair."""
    rows = {work.slug: work for work in Work.objects.with_company()}
    found = {slug: [(work.slug, n) for work, n in rows[slug].company] for slug in rows}
    assert found == {"a": [("b", 2), ("c", 2)], "b": [("a", 2), ("c", 2)], "c": [("a", 2), ("b", 2)], "d": [], "e": []}


def test_those_cited_together_most_often_come_first(cited):
    for slug in ("fourth", "fifth"):
        cite(make.report(slug=slug), cited["a"], cited["c"])
    rows = {work.slug: work.company for work in Work.objects.with_company()}
    assert [(work.slug, n) for work, n in rows["a"]] == [("c", 4), ("b", 2)]


def test_the_page_says_who_is_cited_with_whom(client, cited):
    html = html_of(client, "/en/works/")
    assert "cited in 2 documents" in row(html, "a") and "cited in 3 documents" in row(html, "c")
    assert '<a href="/en/works/#b">Work B</a> (in 2 documents)' in row(html, "a")
    assert "cited in one document only" in row(html, "d") and "together" not in row(html, "d")
    cite(make.report(), cited["d"])
    assert "No other work is cited in two of them." in row(html_of(client, "/en/works/"), "d")
    assert "unseen-draft" not in html


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("shared=yes", "abc"), ("shared=no", "de"), ("shared=yes&shared=no", "abcde"), ("shared=", "abcde"),
        ("shared=yes&report=third", "c"), ("report=first", "abc"),
    ],
)  # fmt: skip
def test_page_and_api_narrow_alike(client, cited, query, expected):
    html = html_of(client, f"/en/works/?{query}")
    assert set(re.findall(r'<li id="([a-e])">', html)) == set(expected)
    found = client.get(f"/api/v1/works/?{query}&count=on").json()
    assert {one["slug"] for one in found["results"]} == set(expected) and found["count"] == len(expected)


def test_works_are_sorted_by_how_many_cite_them(client, cited):
    html = html_of(client, "/en/works/?ordering=documents")
    assert re.findall(r'<li id="([a-e])">', html) == ["c", "a", "b", "d", "e"]
    found = client.get("/api/v1/works/?ordering=-documents").json()["results"]
    assert [(one["slug"], one["report_count"]) for one in found] == [("e", 1), ("d", 1), ("b", 2), ("a", 2), ("c", 3)]


@pytest.mark.parametrize("query", ["shared=maybe", "person=nobody", "share=yes"])
def test_what_is_not_known_is_refused(client, query):
    name = query.partition("=")[0]
    assert client.get(f"/en/works/?{query}").status_code == 400
    assert name in client.get(f"/api/v1/works/?{query}").json()["errors"]


def test_the_table_names_company_and_people(client, cited):
    cited["a"].people.add(make.contribution(make.report(), author=make.author(slug="zeng-san")).author)
    text = b"".join(client.get("/en/works/?format=csv").streaming_content).decode("utf-8-sig")
    rows = {one["slug"]: one for one in csv.DictReader(io.StringIO(text))}
    assert (rows["a"]["people"], rows["a"]["documents"]) == ("zeng-san", "2")
    assert (rows["a"]["cited_by"], rows["a"]["cited_together_with"]) == ("first | second", "b | c")
    assert rows["d"]["cited_together_with"] == ""


# --- works that are reports here --------------------------------------------------------------------------------------


def test_a_work_that_is_a_report_is_linked_both_ways(client):
    report, citing, draft = make.report(slug="here"), make.report(title_en="The citing one"), make.report(state="draft")
    work = make.work(slug="same", report=report)
    assert "Cited in" not in html_of(client, "/en/reports/here/")
    cite(draft, work)
    assert "Cited in" not in html_of(client, "/en/reports/here/")
    cite(citing, work, work)
    html = html_of(client, "/en/reports/here/")
    assert (
        html.count(f'<a href="{citing.get_absolute_url().replace("/zh/", "/en/")}#citations">The citing one</a>') == 1
    )
    assert "/en/works/#same" in html and draft.slug not in html
    assert '<a href="/en/reports/here/">' in row(html_of(client, "/en/works/"), "same")
    assert client.get("/api/v1/works/same/").json()["report"] == "here"


# --- people -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def person():
    """Somebody who wrote one document and is cited in another; in the first too, by themselves."""
    author = make.author(slug="zeng-san", name_en="Zeng San")
    written, citing = make.report(title_en="The written one"), make.report(title_en="The citing one")
    make.contribution(written, author=author)
    work = make.work(slug="book", title_en="The book", authors="曾三")
    work.people.add(author)
    cite(citing, work)
    cite(written, work)
    return author


def people_of(client):
    found = re.search(
        r'<section class="section wenwu" id="people">.*?</section>', html_of(client, "/en/works/"), re.DOTALL
    )
    return found and found[0]


def test_an_author_cited_in_another_document_is_named(client, person):
    section = people_of(client)
    for words in ("Zeng San", "The written one", "The citing one", "The book", "/en/works/#book"):
        assert words in section, words
    assert section.count("The written one") == 1  # their own note on their own book is no meeting
    assert "Zeng San" in row(html_of(client, "/en/works/"), "book")


@pytest.mark.parametrize("case", ["participant", "draft written", "draft citing", "own note", "no work"])
def test_who_does_not_meet_another_document_is_not_named(client, case):
    author, written, citing, work = make.author(), make.report(), make.report(), make.work()
    if case == "draft written":
        written = make.report(state="draft")
    if case == "draft citing":
        citing = make.report(state="draft")
    make.contribution(written, author=author, role="participant" if case == "participant" else "author")
    if case != "no work":
        work.people.add(author)
    cite(written if case == "own note" else citing, work)
    assert not Author.objects.cited_by_others().exists() and people_of(client) is None


def test_the_authors_page_says_where_they_are_cited(client, person):
    hidden, draft = make.work(title_en="Unseen"), make.report(title_en="The draft", state="draft")
    hidden.people.add(person)
    cite(draft, hidden, Work.objects.get(slug="book"))
    html = html_of(client, "/en/authors/zeng-san/")
    assert 'id="cited"' in html and "/en/works/#book" in html and "The citing one" in html
    assert "Unseen" not in html and "The draft" not in html
    other = make.contribution(make.report()).author
    assert 'id="cited"' not in html_of(client, f"/en/authors/{other.slug}/")


def test_the_api_joins_works_and_people(client, person):
    work = Work.objects.get(slug="book")
    work.people.add(make.author(slug="unknown-here"))
    assert client.get("/api/v1/works/book/").json()["people"] == ["zeng-san"]
    hidden = make.work(slug="unseen")
    hidden.people.add(person)
    cite(make.report(state="draft"), hidden)
    assert client.get("/api/v1/authors/zeng-san/").json()["cited_works"] == ["book"]
    found = client.get("/api/v1/works/?person=zeng-san").json()["results"]
    assert [one["slug"] for one in found] == ["book"]
    assert client.get("/api/v1/works/?person=unknown-here").status_code == 400


def test_queries_do_not_grow_with_works_and_people(client):
    def more(n):
        for _ in range(n):
            author, work, other = make.author(), make.work(report=make.report()), make.work()
            make.contribution(make.report(), author=author)
            work.people.add(author)
            for _twice in range(2):
                cite(make.report(), work, other)

    def cost(address):
        with CaptureQueriesContext(connection) as queries:
            response = client.get(address)
            assert response.status_code == 200
            b"".join(response.streaming_content if response.streaming else [response.content])
        return len(queries)

    more(1)
    addresses = ["/en/works/", "/en/works/?format=csv", "/api/v1/works/", "/api/v1/authors/", "/en/authors/?format=csv"]
    few = [cost(address) for address in addresses]
    more(9)
    assert [cost(address) for address in addresses] == few


# --- the admin --------------------------------------------------------------------------------------------------------


def test_an_editor_names_the_people_of_a_work(client):
    user("editor", client)
    work, author = make.work(), make.author()
    submit(client, page(Work, "change", work.pk), people=[author.pk])
    assert list(work.people.all()) == [author]
