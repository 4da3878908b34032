"""The pages of what reports say, and the functions that set rows side by side."""

import re
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from portal.templatetags import duizhao
from portal.text import number
from recommendations import comparison, filed
from recommendations.models import Position, Recommendation
from reports.models import Contribution
from tests import factories as make
from tests import indexing

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def page(client, path, status=200, lang="en"):
    response = client.get(f"/{lang}/{path}")
    assert response.status_code == status, path
    return response.content.decode()


def told(kind, *views, silent=0, uncoded=0):
    """The sentence of a debate over a hand-made table of (voice, stance, report, holder)."""
    rows = [Position(voice=v, stance=s, report_id=r, holder_id=h) for v, s, r, h in views]
    return comparison.debate(kind, rows, silent, uncoded)


# --- the sentence of a debate -----------------------------------------------------------------------------------------


def test_a_debate_tells_own_joint_and_attributed_views_apart():
    sentence = told(
        "normative",
        ("own", -2, 1, None), ("own", -2, 2, None), ("joint", -2, 3, None),
        ("attributed", 2, 1, 7), ("attributed", 1, 2, 8), ("attributed", -2, 1, 9), ("attributed", -2, 2, 10),
        silent=7, uncoded=1,
    )  # fmt: skip
    assert sentence == (
        "Speaking for themselves, two documents are against. In a joint view, one document is against. "
        "No document is for. In views attributed to others, one holder is for, one holder is for it on conditions and "
        "two holders are against. Seven documents were read and are silent. One document is not yet fully coded."
    )


def test_a_debate_of_others_only_says_that_no_document_takes_part():
    assert told("predictive", ("attributed", 2, 1, 7)) == (
        "No document takes a view of its own. In a view attributed to others, one holder expects it."
    )


def test_a_debate_with_both_sides_names_neither_as_missing():
    assert told("evaluative", ("own", 2, 1, None), ("own", -1, 2, None)) == (
        "Speaking for themselves, one document says yes and one document says mostly no."
    )


def test_a_debate_counts_a_document_and_a_holder_once():
    twice = [("own", 2, 1, None)] * 2 + [("attributed", 2, 1, 7), ("attributed", 2, 2, 7)]
    assert told("predictive", *twice) == (
        "Speaking for itself, one document expects it. No document expects the contrary. "
        "In a view attributed to others, one holder expects it."
    )


def test_an_open_debate_misses_no_side():
    assert told("predictive", ("own", 0, 1, None)) == "Speaking for itself, one document leaves it open."


@pytest.mark.parametrize("kind", comparison.CLAUSES)
def test_every_stance_of_every_kind_can_be_said(kind):
    for stance in comparison.STANCES:
        for voice in ("own", "joint", "attributed"):
            assert "%" not in told(kind, (voice, stance, 1, 7), (voice, stance, 2, 8))


def test_numbers_above_nine_are_figures():
    assert [number(n) for n in (0, 1, 9, 10)] == ["0", "one", "nine", "10"]


# --- positions side by side -------------------------------------------------------------------------------------------


def test_positions_of_a_stance_come_own_first_and_are_counted_by_voice():
    actor, question = make.actor(), make.question()
    attributed = make.position(make.report(), question=question, voice="attributed", holder=actor)
    own = make.position(make.report(), question=question)
    (group,) = comparison.by_stance("normative", [attributed, own])
    assert group.positions == [own, attributed]
    assert group.voices == {"own": 1, "attributed": 1}


def test_a_holder_with_two_stances_in_one_document_is_divided():
    actor, question, report = make.actor(), make.question(), make.report()
    rows = [
        make.position(report, question=question, voice="attributed", holder=actor, stance=stance) for stance in (2, -2)
    ]
    rows.append(make.position(make.report(), question=question, voice="attributed", holder=make.actor()))
    rows.append(make.position(make.report(), question=question))
    ((first, groups),) = comparison.divided("normative", rows)
    assert first.holder == actor
    assert [group.stance for group in groups] == [2, -2]


def test_the_table_names_a_holder_once_in_a_cell():
    actor, question = make.actor(), make.question()
    rows = [make.position(make.report(), question=question, voice="attributed", holder=actor) for _ in range(2)]
    table = comparison.stand("normative", rows)
    assert [line["voice"] for line in table] == ["own", "joint", "attributed"]
    assert [len(cell.positions) for cell in table[2]["cells"]] == [1, 0, 0, 0, 0]


# --- quotations -------------------------------------------------------------------------------------------------------


def test_a_quotation_is_shown_absent_or_broken():
    held, absent = make.report(make.source_text()), make.report()
    good, bad, away = (make.recommendation(report) for report in (held, held, absent))
    make.evidence(good, 0, 16)
    make.evidence(bad, 0, 16, digest="0" * 12)
    make.evidence(away, 0, 16)
    rows = comparison.dressed([good, bad, away])
    assert [row.quotations[0].state for row in rows] == ["shown", "broken", "absent"]
    assert rows[0].quotations[0].text == held.squeezed.slice(0, 16)
    assert not rows[1].quotations[0].text


# --- areas ------------------------------------------------------------------------------------------------------------


def test_a_parent_area_counts_its_children_and_nothing_twice(client):
    parent = make.area(name_en="Parent")
    one, two = make.area(parent=parent, name_en="One"), make.area(parent=parent, name_en="Two")
    report, actor = make.report(), make.actor()
    make.recommendation(report, areas=[one, two])
    make.recommendation(report, areas=[one], voice="joint")
    make.recommendation(report, areas=[parent, two], voice="attributed", made_by=actor)
    umbrella = make.recommendation(report, areas=[one])
    part = make.recommendation(report, areas=[one], parent=umbrella)
    make.recommendation(report, areas=[two]).restates.add(part)
    make.recommendation(make.report(state="draft"), areas=[one])
    found = comparison.branches(type(parent).objects.all(), Recommendation.objects.published().by_area())
    assert found[parent.pk].voices == {"own": 2, "joint": 1, "attributed": 1}
    assert found[one.pk].voices == {"own": 2, "joint": 1}
    assert found[two.pk].voices == {"own": 1, "attributed": 1}
    indexing.current()
    assert filed.area_voices() == {pk: branch.voices for pk, branch in found.items()}
    assert "2 own, 1 joint, 1 attributed" in page(client, "areas/")
    assert "2 own, 1 joint, 1 attributed" in page(client, f"areas/{parent.slug}/")


# --- the recommendation page ------------------------------------------------------------------------------------------


def test_a_recommendation_page_says_who_says_what_to_whom_and_where(client):
    report = make.report(make.source_text())
    section = make.section(report, 0, 100)
    actor, tool = make.actor(name_en="The addressee"), make.instrument(name_en="The pact")
    umbrella = make.recommendation(report, summary_en="The umbrella.")
    row = make.recommendation(
        report,
        addressees=[actor],
        instruments=[tool],
        parent=umbrella,
        condition_en="If both agree.",
        note_en="A note.",
    )
    item = make.evidence(row, 0, 16)
    make.contribution(report, author=make.author(name_en="Ann Writer"))
    content = page(client, f"recommendations/{report.slug}/{row.key}/")
    for words in (
        row.summary_en, row.summary_zh.removesuffix("。"),
            "Ann Writer", "The addressee", "The pact", "The umbrella", "If both agree.",
        "A note.", report.squeezed.slice(0, 16), item.digest, f"{report.get_absolute_url()}#{section.key}",
    ):  # fmt: skip
        assert words in content, words
    assert row.summary_zh in page(client, f"recommendations/{report.slug}/{row.key}/", lang="zh")


def test_without_the_text_the_page_says_where_the_words_stand(client):
    row = make.recommendation(make.report())
    make.evidence(row, 100, 116)
    content = page(client, f"recommendations/{row.report.slug}/{row.key}/")
    assert "characters 100–116 of the source" in content
    assert "The text is not held here" in content


def test_a_cross_reference_has_a_name_at_both_ends(client):
    one, two = make.recommendation(make.report()), make.recommendation(make.report())
    make.cross_reference(one, two, kind="refines")
    make.cross_reference(make.recommendation(make.report()), two, kind="agrees", state="suggested")
    assert "Refines" in page(client, f"recommendations/{one.report.slug}/{one.key}/")
    content = page(client, f"recommendations/{two.report.slug}/{two.key}/")
    assert "Is refined by" in content and one.summary_en in content
    assert "Agrees with" not in content


def test_other_documents_on_the_same_question_stand_beside(client):
    row, question = make.recommendation(make.report()), make.question()
    make.position(row.report, question=question, recommendation=row)
    other = make.position(make.report(), question=question, stance=-2, summary_en="Never do it.")
    draft = make.position(make.report(state="draft"), question=question, summary_en="A draft view.")
    content = page(client, f"recommendations/{row.report.slug}/{row.key}/")
    assert "Never do it." in content and "Against" in content and other.get_absolute_url() in content
    assert draft.summary_en not in content
    assert "One other document answers the same question." in content


def test_parts_and_repeats_lead_to_each_other(client):
    report = make.report()
    umbrella = make.recommendation(report)
    part = make.recommendation(report, parent=umbrella)
    repeat = make.recommendation(report)
    repeat.restates.add(part)
    assert part.get_absolute_url() in page(client, f"recommendations/{report.slug}/{umbrella.key}/")
    assert repeat.get_absolute_url() in page(client, f"recommendations/{report.slug}/{part.key}/")
    assert part.get_absolute_url() in page(client, f"recommendations/{report.slug}/{repeat.key}/")
    assert [umbrella.unit, part.unit, repeat.unit] == ["umbrella", "atomic", "restating"]


# --- finders ----------------------------------------------------------------------------------------------------------


def test_the_finder_counts_single_acts_by_voice_and_marks_the_rest(client):
    report = make.report()
    umbrella = make.recommendation(report)
    part = make.recommendation(report, parent=umbrella)
    make.recommendation(report).restates.add(part)
    make.recommendation(make.report(), voice="joint")
    make.recommendation(make.report(), voice="attributed", made_by=make.actor())
    content = page(client, "recommendations/")
    assert "1 own, 1 joint, 1 attributed, from 3 documents" in content
    assert content.count('<span class="v">umbrella</span>') == 1
    assert content.count('<span class="v">repeats another</span>') == 1
    assert "1 own, from 1 document<" in page(client, f"recommendations/?report={report.slug}")


@pytest.mark.parametrize("path", ["recommendations/", "areas/", "questions/", "frameworks/"])
@pytest.mark.parametrize("query", ["colour=red", "report=nowhere"])
def test_an_unknown_filter_or_value_is_refused_by_name(client, path, query):
    content = page(client, f"{path}?{query}", status=400)
    assert query.partition("=")[0] in content


def test_an_empty_selection_explains_itself(client):
    make.recommendation(make.report())
    assert "No single recommendation" in page(client, "recommendations/?q=nothingofthekind")


# --- the question page ------------------------------------------------------------------------------------------------


def test_a_question_page_shows_every_voice_and_both_silences(client):
    question = make.question(kind="predictive", text_en="Will it rain?")
    own = make.report(title_en="The speaker")
    Contribution.objects.create(report=own, author=make.author(name_en="Ann Writer"), role="author")
    make.position(own, question=question, stance=2, hedge="likely", horizon="2022", condition_en="If it is wet.")
    holder = make.actor(name_en="The minister")
    make.position(own, question=question, stance=-2, voice="attributed", holder=holder)
    make.position(make.report(), question=question, stance=1, voice="attributed", holder=holder)
    make.report(title_en="The silent one")
    make.report(title_en="The unread one", coding="partial")
    near = make.question(areas=question.areas.all(), text_en="Will it snow?")
    make.position(own, question=near)
    content = page(client, f"questions/{question.slug}/")
    for words in (
        "Will it rain?", question.text_zh, "Speaking for itself, one document expects it.", "Ann Writer",
        "The minister", "Then and now", "On one side here, on the other there", "likely", "2022", "If it is wet.",
        "Not expected",
        "Read, and not stated", "The silent one", "Not yet coded", "The unread one", "partly coded", "Will it snow?",
    ):  # fmt: skip
        assert words in content, words
    assert question.text_zh in page(client, f"questions/{question.slug}/", lang="zh")


def test_questions_are_sorted_by_documents_and_count_voices_apart(client):
    few, many = make.question(text_en="Few?"), make.question(text_en="Many?")
    make.position(make.report(), question=few)
    for _ in range(2):
        make.position(make.report(), question=many)
    make.position(make.report(), question=many, voice="attributed", holder=make.actor())
    content = page(client, "questions/")
    assert content.index("Many?") < content.index("Few?")
    assert "2 own, 1 attributed" in content


# --- drafts, languages, queries ---------------------------------------------------------------------------------------


@pytest.fixture
def everything():
    """One of everything, public; and a draft that shares question, area, subject, framework and relations with it."""

    def fill(report, mark):
        row = make.recommendation(
            report, areas=[area], addressees=[make.actor(name_zh=mark, name_en=mark)], summary_zh=mark, summary_en=mark
        )
        make.position(report, question=question, recommendation=row, summary_zh=mark, summary_en=mark)
        make.evidence(row)
        make.rated(report, framework, make.subject(name_zh=mark, name_en=mark), "high", "low")
        make.position(
            report, question=question, voice="attributed", holder=make.actor(name_zh=mark, name_en=mark), stance=-2
        )
        return row

    area, question, framework = make.area(), make.question(), make.framework()
    question.areas.set([area])
    public = fill(make.report(title_zh="公开", title_en="Public"), "Shown")
    draft = fill(make.report(title_zh="Hidden", title_en="Hidden", state="draft"), "Hidden")
    make.cross_reference(public, draft)
    subject = public.report.ratings.first().subject
    below = make.subject(parent=subject, name_zh="Hidden", name_en="Hidden")
    make.rating(draft.report, framework.dimensions.first(), subject=below)
    make.rating(draft.report, framework.dimensions.first(), subject=subject, summary_en="Hidden")
    return SimpleNamespace(
        public=public, draft=draft, area=area, question=question, framework=framework, subject=subject
    )


def paths(world):
    row = world.public
    return [
        "recommendations/",
        f"recommendations/{row.report.slug}/{row.key}/",
        "areas/",
        f"areas/{world.area.slug}/",
        "questions/",
        f"questions/{world.question.slug}/",
        "frameworks/",
        f"frameworks/{world.framework.slug}/",
        f"frameworks/{world.framework.slug}/?view=panels",
        "subjects/",
        f"subjects/{world.subject.slug}/",
    ]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("place", range(11))
def test_drafts_appear_nowhere(client, everything, place, lang):
    path = paths(everything)[place]
    content = page(client, path, lang=lang)
    assert "Hidden" not in content
    assert "style=" not in content and not re.search(r"<script(?![^>]*\ssrc=)", content)


def test_a_row_of_a_draft_is_not_told_from_one_that_never_was(client, everything):
    row = everything.draft
    hidden = client.get(f"/en/recommendations/{row.report.slug}/{row.key}/")
    never = client.get(f"/en/recommendations/{row.report.slug}/R9999/")
    assert hidden.status_code == never.status_code == 404
    assert hidden.content.decode().replace(row.key, "R9999") == never.content.decode()


@pytest.mark.parametrize("place", range(11))
def test_ten_rows_cost_as_many_queries_as_two(client, everything, django_assert_num_queries, place):
    def more(n):
        for _ in range(n):
            report = make.report()
            make.contribution(report)
            row = make.recommendation(report, areas=[everything.area], addressees=[make.actor()])
            make.position(report, question=everything.question, recommendation=row)
            make.evidence(row)
            make.cross_reference(row, everything.public)
            make.recommendation(everything.public.report, parent=everything.public, areas=[everything.area])
            make.rated(report, everything.framework, make.subject(), "high", "low", make.actor())
            below = make.subject(parent=everything.subject)
            for subject in (below, everything.subject):
                make.evidence(make.rating(report, everything.framework.dimensions.first(), subject=subject))
                make.rated(report, make.framework(), subject, "low", "low", make.actor())
            other = make.question(areas=[everything.area])
            make.position(report, question=other)

    path = f"/en/{paths(everything)[place]}"
    more(2)
    client.get(path)
    with CaptureQueriesContext(connection) as few:
        client.get(path)
    more(8)
    with django_assert_num_queries(len(few)):
        client.get(path)


# --- headlines, brackets and the order of reading ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "head"),
    [
        ("两国应重建信任。", "两国应重建信任"),
        ("Both sides should talk.", "Both sides should talk"),
        ("Act with the U.S.", "Act with the U.S."),
        ("And so on…", "And so on…"),
        ("Will they?", "Will they?"),
        ("", ""),
    ],
)
def test_a_headline_has_no_full_stop(sentence, head):
    assert duizhao.headline(sentence) == head


def test_brackets_and_gaps_follow_the_language():
    assert (duizhao.bracketed("<b>"), duizhao.gap()) == (" (&lt;b&gt;)", " ")
    with translation.override("zh-hans"):
        assert (duizhao.bracketed("甲"), duizhao.gap()) == ("（甲）", "")


def test_rows_that_only_restate_are_read_last_of_their_report(client):
    report = make.report(date="2021")
    preface, body = make.recommendation(report), make.recommendation(report)
    preface.restates.add(body)
    older = make.recommendation(make.report(date="2019"))
    content = page(client, "recommendations/")
    assert content.index(body.summary_en.rstrip(".")) < content.index(preface.summary_en.rstrip("."))
    rows = client.get("/api/v1/recommendations/").json()["results"]
    assert [row["key"] for row in rows] == [body.key, preface.key, older.key]
