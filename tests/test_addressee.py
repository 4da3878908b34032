"""What all documents together ask of one actor, and the tree of a report: every row counted once, by voice."""

import csv
import io
import re
from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from recommendations import comparison
from recommendations.models import CrossReference, PolicyArea, Recommendation
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def answer(client, query, lang="en"):
    response = client.get(f"/{lang}/recommendations/?{query}")
    assert response.status_code == 200, query
    return response


def asked(client, query):
    return answer(client, query).context.get("asked")


def lines(client, query):
    """{area: (voices, documents)} of what a list asks of its one addressee."""
    return {line.area.slug: (line.voices, line.documents) for line in asked(client, query)["areas"]}


@pytest.fixture
def advice():
    """Two public documents and a draft ask things of one actor, in an area, its child and another area.

    Umbrella and preface stand beside their part; the joint row is filed under both areas.
    """
    actor, parent = make.actor(slug="asked", name_en="The asked"), make.area(slug="parent")
    child, apart = make.area(slug="child", parent=parent), make.area(slug="apart")
    one, two, draft = make.report(slug="one"), make.report(slug="two"), make.report(state="draft")
    to = {"addressees": [actor]}
    umbrella = make.recommendation(one, areas=[parent], **to)
    part = make.recommendation(one, areas=[child], parent=umbrella, **to)
    preface = make.recommendation(one, areas=[child], **to)
    preface.restates.add(part)
    joint = make.recommendation(two, areas=[child, apart], voice="joint", **to)
    told = make.recommendation(two, areas=[child], voice="attributed", made_by=make.actor(), **to)
    make.recommendation(two, areas=[parent], addressees=[make.actor(slug="other")])
    hidden = make.recommendation(draft, areas=[parent], **to)
    return {"umbrella": umbrella, "part": part, "preface": preface, "joint": joint, "told": told, "hidden": hidden}


# --- numbers ----------------------------------------------------------------------------------------------------------


def test_areas_count_single_acts_by_voice_each_once(client, advice):
    all_voices = {"own": 1, "joint": 1, "attributed": 1}
    assert lines(client, "addressee=asked") == {
        "parent": (all_voices, 2), "child": (all_voices, 2), "apart": ({"joint": 1}, 1),
    }  # fmt: skip
    assert "The asked: what 2 documents ask" in answer(client, "addressee=asked").content.decode()


def exported(client, query):
    text = b"".join(answer(client, f"{query}&unit=atomic&format=csv").streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    "query", ["addressee=asked", "addressee=asked&voice=joint&voice=attributed", "addressee=asked&area=apart"]
)
def test_the_page_counts_what_the_file_lists(client, advice, query):
    found = comparison.branches(PolicyArea.objects.all())
    counts, reports = {}, {}
    for row in exported(client, query):
        areas = PolicyArea.objects.filter(slug__in=row["areas"].split(" | "))
        for slug in {branch.area.slug for area in areas for branch in comparison.upwards(found, area.pk)}:
            counts.setdefault(slug, Counter())[row["voice"]] += 1
            reports.setdefault(slug, set()).add(row["report"])
    assert lines(client, query) == {slug: (dict(n), len(reports[slug])) for slug, n in counts.items()}
    tally = answer(client, query).context["tally"]
    assert tally["voices"] == dict(Counter(row["voice"] for row in exported(client, query)))


@pytest.mark.parametrize(
    "query", ["", "addressee=asked&addressee=other", "addressee=", "area=child", "addressee=asked&unit=umbrella"]
)
def test_nothing_is_gathered_unless_one_actor_is_asked_for_single_acts(client, advice, query):
    content = answer(client, query).content.decode()
    assert 'id="asked"' not in content and "documents ask" not in content


def test_the_list_keeps_its_pages_and_forms(client, advice):
    for _ in range(25):
        make.recommendation(make.report(), addressees=[advice["part"].addressees.get()])
    cursor = answer(client, "addressee=asked").context["page_obj"].next
    first, second = (answer(client, f"addressee=asked{more}").content.decode() for more in ("", f"&cursor={cursor}"))
    assert 'id="asked"' in first and 'id="asked"' not in second
    assert f"cursor={cursor}" in first and "format=csv" in first and 'class="hits"' in first


def test_a_hidden_row_changes_nothing(client, advice):
    make.position(advice["hidden"].report, question=make.question(slug="q"), recommendation=advice["hidden"])
    make.position(advice["part"].report, question=advice["hidden"].positions.get().question)
    make.cross_reference(advice["part"], advice["hidden"])
    shown = answer(client, "addressee=asked").content
    advice["hidden"].report.delete()
    assert answer(client, "addressee=asked").content == shown


# --- agreement --------------------------------------------------------------------------------------------------------


def rows(*pairs):
    """Unsaved recommendations {id: row} of a hand-made table of (id, report)."""
    return {pk: Recommendation(pk=pk, report_id=report) for pk, report in pairs}


@pytest.mark.parametrize(
    ("kind", "shared", "contradicted"),
    [
        ("agrees", 1, 0), ("restates", 1, 0), ("refines", 1, 0), ("contradicts", 0, 1),
        ("conditions", 0, 0), ("responds_to", 0, 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("turned", [False, True])
def test_some_relations_share_and_one_contradicts_from_either_end(kind, shared, contradicted, turned):
    ends = rows((1, 10), (2, 20))
    source, target = (ends[2], ends[1]) if turned else (ends[1], ends[2])
    found = comparison.echoes({1: 10}, [CrossReference(source=source, target=target, kind=kind)])
    echo = found.get(1, comparison.Echo(ends[1]))
    assert (echo.shared_documents, echo.contradicting_documents) == (shared, contradicted)
    assert found.keys() == ({1} if shared or contradicted else set())


def test_a_document_that_agrees_in_two_places_is_one():
    ends = rows((1, 10), (2, 20), (3, 20), (4, 30))
    relations = [CrossReference(source=ends[1], target=ends[n], kind="agrees") for n in (2, 3, 4)]
    relations.append(CrossReference(source=ends[2], target=ends[1], kind="refines"))
    (echo,) = comparison.echoes({1: 10}, relations).values()
    assert echo.shared == [ends[2], ends[3], ends[4]] and echo.shared_documents == 2


def test_the_page_says_what_others_ask_too_and_what_they_contradict(client, advice):
    elsewhere = make.recommendation(make.report(title_en="Elsewhere"), summary_en="The same.")
    against = make.recommendation(make.report(title_en="Against"), summary_en="The contrary.")
    make.cross_reference(advice["part"], elsewhere, kind="refines")
    make.cross_reference(advice["told"], advice["part"], kind="agrees")
    make.cross_reference(against, advice["joint"], kind="contradicts")
    make.cross_reference(advice["umbrella"], elsewhere, kind="agrees")
    make.cross_reference(advice["joint"], elsewhere, kind="agrees", state="suggested")
    found = {line.area.slug: (line.shared, line.contradicted) for line in asked(client, "addressee=asked")["areas"]}
    both = {"own": 1, "attributed": 1}
    assert found == {"parent": (both, {"joint": 1}), "child": (both, {"joint": 1}), "apart": ({}, {"joint": 1})}
    content = answer(client, "addressee=asked").content.decode()
    for words in (
        "Shared with other documents, or contradicted by them", "Also asked for by 2 other documents:",
        "Also asked for by 1 other document:", "Contradicted by 1 other document:", elsewhere.get_absolute_url(),
        against.get_absolute_url(), "also asked for: 1 own, 1 attributed", "contradicted: 1 joint",
    ):  # fmt: skip
        assert words in content, words


def test_questions_behind_what_is_asked_say_how_the_others_answer(client, advice):
    question, alone = make.question(text_en="Should they talk?"), make.question(text_en="Does nobody answer?")
    make.position(advice["part"].report, question=question, recommendation=advice["part"], stance=2)
    make.position(advice["part"].report, question=alone, recommendation=advice["part"])
    make.position(make.report(), question=question, stance=-2)
    make.position(make.report(), question=question, stance=2, voice="attributed", holder=make.actor())
    make.position(make.report(state="draft"), question=question, stance=-2)
    (shared,) = asked(client, "addressee=asked")["questions"]
    assert (shared.question, shared.rows) == (question, [advice["part"]])
    assert shared.here == [("own", [(2, "For", 1)])]
    assert shared.others == [("own", [(-2, "Against", 1)]), ("attributed", [(2, "For", 1)])]
    found = {line.area.slug: line.questions for line in asked(client, "addressee=asked")["areas"]}
    assert found == {"parent": 1, "child": 1, "apart": 0}
    content = answer(client, "addressee=asked").content.decode()
    assert "Should they talk?" in content and "Does nobody answer?" not in content
    assert "1 shared question<" in content and "no link known" in content


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_holds_no_script_and_no_style(client, advice, lang):
    content = answer(client, "addressee=asked", lang).content.decode()
    assert "style=" not in content and not re.search(r"<script(?![^>]*\ssrc=)", content) and 'id="asked"' in content


def test_ten_rows_cost_as_many_queries_as_two(client, advice, django_assert_num_queries):
    actor, question = advice["part"].addressees.get(), make.question()

    def more(n):
        for _ in range(n):
            row = make.recommendation(make.report(), areas=[make.area()], addressees=[actor])
            make.cross_reference(row, make.recommendation(make.report()))
            make.position(row.report, question=question, recommendation=row)
            make.position(make.report(), question=question, stance=-1)

    path = "/en/recommendations/?addressee=asked"
    more(2)
    client.get(path)
    with CaptureQueriesContext(connection) as few:
        client.get(path)
    more(8)
    with django_assert_num_queries(len(few)):
        client.get(path)


# --- the tree of a report ---------------------------------------------------------------------------------------------


def test_umbrellas_fold_without_script_three_levels_deep(client):
    report = make.report()
    top = make.recommendation(report)
    middle = make.recommendation(report, parent=top)
    parts = [make.recommendation(report, parent=parent) for parent in (middle, middle, top)]
    preface = make.recommendation(report)
    preface.restates.add(parts[0], make.recommendation(make.report(), summary_en="Elsewhere."))
    content = client.get(f"/en/reports/{report.slug}/").content.decode()
    tree = content.partition('id="recommendations"')[2].partition("</section>")[0]
    for row, acts in ((top, "3 acts"), (middle, "2 acts")):
        assert f'<details class="umbrella" id="{row.key}" open><summary>' in tree and acts in tree
    body, _, again = tree.partition('<details class="umbrella again" open>')
    assert all(f'<li id="{row.key}">' in body and row.key not in again.partition("Restates")[0] for row in parts)
    assert f'<li id="{preface.key}">' in again and f'href="#{parts[0].key}"' in again.partition("Restates")[2]
    assert body.count("<details") == body.count("</details>") == 2
    for words in ("3 single acts", "2 umbrellas, not counted", "1 row that restates others, not counted"):
        assert words in content, words


def test_a_restating_row_is_counted_nowhere(client):
    report, actor, area = make.report(), make.actor(slug="asked"), make.area()
    part = make.recommendation(report, areas=[area], addressees=[actor])
    pages = {
        "reports/": "1 recommendation", "areas/": "1 own", f"areas/{area.slug}/": "1 own",
        "recommendations/": "1 own, from 1 document", "recommendations/?addressee=asked": "1 own, from 1 document",
    }  # fmt: skip
    for _ in range(2):
        for path, words in pages.items():
            content = client.get(f"/en/{path}").content.decode()
            assert words in content and "2 own" not in content and "2 recommendations" not in content, path
        make.recommendation(report, areas=[area], addressees=[actor]).restates.add(part)
