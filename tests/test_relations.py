"""Relations between recommendations of different reports: as readers see them, as editors decide them, as proposed."""

import re
from collections import Counter
from itertools import product

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations import comparison, suggestion
from recommendations.admin import SIGNAL_WORDS
from recommendations.models import CrossReference, PolicyArea, Recommendation
from recommendations.suggestion import COMMON, FLOOR, WEIGHTS, Corpus, Item, best, rationales
from tests import factories as make
from tests.benchmarks.suggestions import average_precision, measured
from tests.test_admin import user

KIND = CrossReference.Kind


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def page(client, row, lang="en"):
    response = client.get(f"/{lang}/recommendations/{row.report.slug}/{row.key}/")
    assert response.status_code == 200
    return response.content.decode()


def two_rows(**values):
    return [make.recommendation(make.report(**values)) for _ in range(2)]


# --- the recommendation page ------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "at_source", "at_target"),
    [
        ("restates", "Also recommended by", "Also recommended by"),
        ("agrees", "Also recommended by", "Also recommended by"),
        ("refines", "Said in more general terms by", "Goes further"),
        ("conditions", "Asked for without this condition by", "Sets a condition"),
        ("contradicts", "Contradicted by", "Contradicted by"),
        ("responds_to", "Answers", "Answered by"),
    ],
)
def test_each_end_has_its_heading_and_its_exact_name(client, kind, at_source, at_target):
    source, target = two_rows()
    reference = make.cross_reference(source, target, kind=kind)
    names = (reference.get_kind_display(), str(reference.inverse))
    for row, other, heading, name in zip(
        (source, target), (target, source), (at_source, at_target), names, strict=True
    ):
        content = page(client, row)
        assert f"<h2>{heading}<small>1 recommendation</small></h2>" in content
        assert f"<b>{name[0].upper()}{name[1:]}</b>: Both say so." in content
        assert other.summary_en in content and other.get_absolute_url() in content
        assert re.search(rf'href="/api/v1/crossreferences/\?[^"]*kind={kind}\b', content)


def test_every_kind_has_a_heading_at_either_end():
    assert comparison.HEADINGS.keys() == set(product(KIND, ("source", "target")))


@pytest.mark.django_db
def test_what_agrees_and_what_restates_stand_together_newest_first(client):
    row = make.recommendation(make.report())
    old, new, undated = (make.recommendation(make.report(date=date)) for date in ("2018", "2020-03-04", ""))
    make.cross_reference(row, undated)
    make.cross_reference(old, row, kind="restates")
    make.cross_reference(new, row)
    content = page(client, row)
    assert content.count("Also recommended by") == 1
    assert '/api/v1/crossreferences/?kind=restates&amp;kind=agrees"' in content
    places = [content.index(one.summary_en) for one in (new, old, undated)]
    assert places == sorted(places)
    assert '<time datetime="2020-03-04">4 March 2020</time>' in content and "undated" in content
    assert "It is tied to three recommendations elsewhere." in content


@pytest.mark.django_db
def test_the_other_side_speaks_in_its_own_words(client):
    report = make.report(make.source_text(), date="2019-12")
    make.contribution(report, author=make.author(name_en="Ann Writer"))
    other = make.recommendation(report, condition_en="If both agree.")
    make.evidence(other, 0, 16)
    row = make.recommendation(make.report())
    make.cross_reference(other, row, kind="conditions", rationale_en="It asks for consent first.")
    content = page(client, row)
    for words in ("Ann Writer", report.squeezed.slice(0, 16), "If both agree.", "It asks for consent first.",
                  '<span class="v own">own</span>', report.title_en, "December 2019"):  # fmt: skip
        assert words in content, words
    zh = page(client, row, "zh")
    assert other.summary_zh in zh and "两处都说。" in zh


@pytest.mark.django_db
def test_two_relations_of_one_pair_count_one_recommendation(client):
    source, target = two_rows()
    for kind in ("refines", "conditions"):
        make.cross_reference(source, target, kind=kind)
    content = page(client, target)
    assert "Goes further" in content and "Sets a condition" in content
    assert "It is tied to one recommendation elsewhere." in content


# --- what is not confirmed, or not public, never leaves ---------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("hidden", ["suggested", "rejected", "draft"])
def test_what_is_hidden_leaves_by_no_door(client, hidden):
    row = make.recommendation(make.report())
    report = make.report(state="draft") if hidden == "draft" else make.report()
    other = make.recommendation(report)
    address = f"/api/v1/recommendations/{row.report.slug}/{row.key}/"
    pages = [
        row.get_absolute_url(), row.report.get_absolute_url(), "/en/recommendations/", "/api/v1/crossreferences/",
        "/api/v1/crossreferences/?count=on", address, "/api/v1/recommendations/",
        f"/api/v1/crossreferences/?recommendation={row.report.slug}/{row.key}",
        *(f"/en/recommendations/?format={form}" for form in ("csv", "jsonl", "atom", "jsonfeed")),
    ]  # fmt: skip

    def told():
        found = {}
        for each in pages:
            response = client.get(each)
            assert response.status_code == 200
            found[each] = b"".join(response.streaming_content) if response.streaming else response.content
        return found

    before = told()
    values = {"state": "confirmed" if hidden == "draft" else hidden, "score": 0.5, "reasons": {"action": 1}}
    reference = make.cross_reference(row, other, rationale_zh="金丝雀", rationale_en="canary", **values)
    make.cross_reference(other, row, kind="refines", rationale_en="canary", **values)
    assert told() == before
    assert client.get(reverse("api-crossreferences-detail", args=reference.natural_key())).status_code == 404
    CrossReference.objects.update(state="confirmed")
    if hidden != "draft":
        assert told() != before


# --- how many relations a row has -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_rows_of_a_report_and_of_the_finder_tell_how_many_relations_they_have(client):
    report = make.report(kind="essay")
    umbrella = make.recommendation(report)
    row, alone = make.recommendation(report, parent=umbrella), make.recommendation(report)
    for state, other in product(("confirmed", "suggested", "rejected"), (make.report(), make.report(state="draft"))):
        make.cross_reference(row, make.recommendation(other), state=state)
        make.cross_reference(make.recommendation(other), row, state=state)
        make.cross_reference(make.recommendation(other), umbrella, state=state)
    counts = {one.pk: one.reference_count for one in report.recommendations.with_references()}
    assert counts == {row.pk: 2, umbrella.pk: 1, alone.pk: 0}
    content = client.get(report.get_absolute_url()).content.decode()
    assert (content.count("2 relations elsewhere"), content.count("1 relation elsewhere")) == (1, 1)
    content = client.get(f"/en/recommendations/?report={report.slug}").content.decode()
    assert (content.count("<dd>2 relations</dd>"), content.count("<dd>1 relation</dd>")) == (1, 1)


@pytest.mark.django_db
def test_counting_relations_costs_the_same_for_one_row_and_for_ten(client):
    report = make.report()

    def more(n):
        for _ in range(n):
            row = make.recommendation(report)
            make.cross_reference(row, make.recommendation(make.report()))
            make.cross_reference(make.recommendation(make.report()), row)

    addresses = [report.get_absolute_url(), f"/en/recommendations/?report={report.slug}"]

    def cost():
        found = []
        for address in addresses:
            with CaptureQueriesContext(connection) as queries:
                client.get(address)
            found.append(len(queries))
        return found

    more(1)
    client.get(addresses[0])
    once = cost()
    more(9)
    assert cost() == once


# --- the API ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_relations_are_asked_for_by_recommendation_at_either_end(client):
    one, two, three = [*two_rows(), make.recommendation(make.report())]
    first, second = make.cross_reference(one, two), make.cross_reference(three, one, kind="refines")
    make.cross_reference(two, three, kind="contradicts")

    def asked(*rows):
        query = {"recommendation": ["/".join(row.natural_key()) for row in rows]}
        return client.get("/api/v1/crossreferences/", query)

    def kinds(*rows):
        return sorted(row["kind"] for row in asked(*rows).json()["results"])

    assert kinds(one) == sorted([first.kind, second.kind])
    assert kinds(two) == ["agrees", "contradicts"]
    assert kinds(one, two) == ["agrees", "contradicts", "refines"]
    draft = make.recommendation(make.report(state="draft"))
    for word in ("/".join(draft.natural_key()), one.key, f"{one.report.slug}/", "nowhere/R01", "\0/\0"):
        response = client.get("/api/v1/crossreferences/", {"recommendation": word})
        assert response.status_code == 400 and "recommendation" in response.json()["errors"], word


# --- signals and scores -----------------------------------------------------------------------------------------------

slugs = st.sets(st.sampled_from("abcdef"), max_size=3)
terms = st.dictionaries(st.sampled_from("uvwxyz"), st.integers(1, 4), max_size=5)


@st.composite
def items(draw):
    """A few Items of up to four reports, with vocabulary drawn from six words."""
    found = []
    for place in range(draw(st.integers(2, 7))):
        named = {name: dict.fromkeys(draw(slugs)) for name in ("questions", "areas", "addressees", "instruments")}
        signs = {slug: draw(st.sets(st.sampled_from([-1, 0, 1]), min_size=1)) for slug in named["questions"]}
        texts = {name: draw(terms) for name in ("text_zh", "text_en")}
        key, date = (draw(st.sampled_from("ABCD")), f"R{place:02d}"), draw(st.sampled_from(["", "2019", "2021-02"]))
        found.append(Item(key, date, draw(st.sampled_from(["law", "dialogue"])), signs=signs, **named, **texts))
    return found


@given(items())
@settings(max_examples=200, deadline=None)
def test_a_pair_is_the_same_from_both_ends_and_scores_from_0_to_1(found):
    corpus = Corpus(found)
    for one, two in product(found, found):
        if one is not two:
            there, back = suggestion.suggestion(corpus, one, two), suggestion.suggestion(corpus, two, one)
            assert there == back and there.kind == back.kind
            assert 0 <= there.score <= 1
            assert all(0 < value <= 1 for value in there.signals.values())
            assert there.source.date >= there.target.date


@given(items(), st.randoms())
@settings(max_examples=200, deadline=None)
def test_the_order_of_rows_changes_nothing(found, random):
    shuffled = random.sample(found, len(found))
    shuffled = [Item(**{**vars(one), "text_zh": dict(reversed(one.text_zh.items()))}) for one in shuffled]
    here, there = (best(Corpus(rows), 10) for rows in (found, shuffled))
    assert [(one.rank, one.signals) for one in here] == [(one.rank, one.signals) for one in there]


@given(items())
@settings(max_examples=200, deadline=None)
def test_suggestions_are_of_different_reports_and_worth_reading(found):
    every = best(Corpus(found), 100)
    assert len({one.pair for one in every}) == len(every)
    assert all(one.source.report != one.target.report and one.score >= FLOOR for one in every)
    assert [one.score for one in every] == sorted((one.score for one in every), reverse=True)
    assert best(Corpus(found), 1) == every[:1]
    assert best(Corpus(found), 100, known={one.pair for one in every}) == []


def test_texts_are_read_by_pairs_of_characters_and_by_words():
    assert suggestion.bigrams("中美应合作。WTO改革") == Counter(["中美", "美应", "应合", "合作", "wto", "改革"])
    assert suggestion.bigrams("中。美") == Counter()
    assert suggestion.words("China and the U.S. and WTO") == Counter("china and the u s and wto".split())


def item(report, key="R01", **values):
    return Item((report, key), **values)


def test_what_is_rare_weighs_more():
    rare, common = dict.fromkeys(["rare"]), dict.fromkeys(["common"])
    rows = [item("a", questions=rare), item("b", questions=rare)]
    rows += [item(report, questions=common) for report in "cdef"]
    corpus = Corpus(rows)
    assert corpus.signals(rows[0], rows[1])["questions"] == pytest.approx(1)
    assert 0 < corpus.signals(rows[2], rows[3])["questions"] < 1


def test_signals_by_hand():
    one = item("a", areas=dict.fromkeys("pq"), text_zh={"合作": 1}, action="law")
    two = item("b", areas=dict.fromkeys("p"), text_zh={"合作": 2}, action="law")
    corpus = Corpus([one, two])
    # p is on both of two rows and weighs log 2; q on one and weighs log 3.
    assert corpus.signals(one, two) == pytest.approx(
        {"areas": 0.6931 / (0.6931 + 1.0986), "action": 1, "text_zh": 1}, abs=1e-4
    )
    expected = (WEIGHTS["areas"] * 0.3868 + WEIGHTS["action"] + WEIGHTS["text_zh"]) / sum(WEIGHTS.values())
    assert suggestion.score(corpus.signals(one, two)) == pytest.approx(expected, abs=1e-4)


def test_pairs_that_share_only_what_is_common_are_not_looked_at():
    crowd = [item(f"r{n:03d}", areas={"a": None}) for n in range(COMMON)]
    assert len(list(Corpus(crowd).candidates())) == COMMON * (COMMON - 1) // 2
    crowd.append(item("z", areas={"a": None}))
    assert list(Corpus(crowd).candidates()) == []


def test_candidates_can_be_kept_to_a_report():
    corpus = Corpus([item(report, areas={"a": None}) for report in "abc"])
    pairs = {tuple(sorted((one.report, two.report))) for one, two in corpus.candidates(["b"])}
    assert pairs == {("a", "b"), ("b", "c")}


@pytest.mark.parametrize(
    ("mine", "theirs", "kind"),
    [
        ({1}, {-1}, "contradicts"), ({-1}, {1}, "contradicts"), ({1}, {1}, "agrees"), ({1}, {0}, "agrees"),
        ({1, -1}, {1}, "agrees"), ({0}, {0}, "agrees"),
    ],
)  # fmt: skip
def test_opposite_answers_are_put_forward_as_a_contradiction(mine, theirs, kind):
    one = item("a", questions={"q": None}, signs={"q": mine})
    two = item("b", questions={"q": None}, signs={"q": theirs})
    assert suggestion.suggestion(Corpus([one, two]), one, two).kind == kind


def test_the_measures_by_hand():
    assert average_precision([4, 3, 2, 1], [True, False, True, False]) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([1, 1, 0], [True, False, False]) == pytest.approx(1 / 2)
    totals, hits = list(range(300)), [place >= 290 or place == 0 for place in range(300)]
    assert measured(totals, hits, 20) == (10 / 20, 10 / 20)


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def alike(db):
    """Two recommendations of two reports, one a draft, on one question, to one actor, in one area."""
    question, actor, area = make.question(text_en="Should they “talk”?"), make.actor(name_en="The two"), make.area()
    rows = []
    for report in (make.report(date="2019"), make.report(date="2021", state="draft")):
        row = make.recommendation(report, areas=[area], addressees=[actor])
        make.position(report, question=question, recommendation=row)
        rows.append(row)
    return rows


def state_of_everything():
    return list(CrossReference.objects.order_by("pk").values())


def test_a_proposal_has_a_score_its_signals_and_a_true_reason(alike):
    old, new = alike
    call_command("suggest_relations")
    row = CrossReference.objects.get()
    assert (row.source, row.target, row.kind, row.state) == (new, old, "agrees", "suggested")
    assert FLOOR <= row.score <= 1 and row.reasons.keys() >= {"questions", "areas", "addressees", "action"}
    assert row.confirmed_by is None
    assert row.rationale_en.startswith("Both answer “Should they ‘talk’?”") and row.rationale_en.endswith(".")
    assert old.positions.get().question.text_zh in row.rationale_zh
    row.full_clean()


def test_opposite_answers_are_said_to_be_opposite(alike):
    alike[0].positions.update(stance=-1)
    call_command("suggest_relations")
    row = CrossReference.objects.get()
    assert row.kind == "contradicts" and "in opposite ways" in row.rationale_en


def test_a_second_run_changes_nothing(alike):
    call_command("suggest_relations")
    before = state_of_everything()
    call_command("suggest_relations")
    assert state_of_everything() == before and len(before) == 1


def test_a_second_run_brings_scores_up_to_date_and_leaves_what_editors_wrote(alike):
    call_command("suggest_relations")
    CrossReference.objects.update(score=0.01, reasons={}, kind="refines", rationale_en="Edited.")
    call_command("suggest_relations")
    row = CrossReference.objects.get()
    assert row.score >= FLOOR and row.reasons
    assert (row.kind, row.rationale_en) == ("refines", "Edited.")


@pytest.mark.parametrize("state", ["rejected", "confirmed", "suggested"])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("kind", ["agrees", "responds_to"])
def test_a_pair_that_is_known_is_never_proposed_again(alike, state, turned, kind):
    make.cross_reference(*(alike[::-1] if turned else alike), state=state, kind=kind)
    before = state_of_everything()
    call_command("suggest_relations")
    assert state_of_everything() == before


def test_a_proposal_that_was_rejected_stays_rejected(alike, client):
    call_command("suggest_relations")
    row = CrossReference.objects.get()
    user("editor", client)
    client.post(reverse("admin:crossreference_reject", args=[row.pk]))
    for _ in range(2):
        call_command("suggest_relations")
    row = CrossReference.objects.get()
    assert row.state == "rejected"


def test_a_dry_run_prints_and_stores_nothing(alike, capsys):
    call_command("suggest_relations", dry_run=True)
    assert not CrossReference.objects.exists()
    printed = capsys.readouterr().out
    assert all("/".join(row.natural_key()) in printed for row in alike) and "New: 1." in printed


def test_the_limit_is_how_many_wait_and_not_how_many_more(alike):
    question = alike[0].positions.get().question
    for _ in range(3):
        row = make.recommendation(make.report())
        make.position(row.report, question=question, recommendation=row)
    for _ in range(2):
        call_command("suggest_relations", limit=2)
        assert CrossReference.objects.count() == 2
    CrossReference.objects.filter(pk=CrossReference.objects.first().pk).update(state="rejected")
    call_command("suggest_relations", limit=2)
    assert CrossReference.objects.filter(state="suggested").count() == 2


def test_proposals_can_be_kept_to_a_report(alike):
    report = make.report()
    call_command("suggest_relations", report=[report.slug])
    assert not CrossReference.objects.exists()
    call_command("suggest_relations", report=[report.slug, alike[0].report.slug])
    assert CrossReference.objects.count() == 1


@pytest.mark.parametrize("wrong", [{"report": ["nowhere"]}, {"limit": 0}])
def test_what_cannot_be_meant_is_refused(db, wrong):
    with pytest.raises(CommandError, match="nowhere|--limit"):
        call_command("suggest_relations", **wrong)


def test_rows_that_only_repeat_others_are_not_proposed(alike):
    old, _new = alike
    body = make.recommendation(old.report)
    old.restates.add(body)
    call_command("suggest_relations")
    assert not CrossReference.objects.filter(target=old).exists()


def test_a_shared_parent_area_counts_for_its_children(db):
    parent = make.area()
    one, two = (make.recommendation(make.report(), areas=[make.area(parent=parent)]) for _ in range(2))
    above = PolicyArea.objects.in_bulk()
    mine, theirs = (suggestion.item(row, above) for row in Recommendation.objects.for_suggestions())
    assert mine.areas.keys() & theirs.areas.keys() == {parent.slug}
    assert 0 < Corpus([mine, theirs]).signals(mine, theirs)["areas"] < 1


@pytest.mark.django_db
def test_a_reason_names_three_things_at_most_and_only_what_is_shared():
    area, other = make.area(name_en="Trade"), make.area(name_en="Health")
    tool, actor = make.instrument(name_en="The pact"), make.actor(name_en="The mayor")
    one = make.recommendation(make.report(), [area, other], [actor], [tool], summary_en="Sing.", summary_zh="唱歌。")
    two = make.recommendation(
        make.report(), [area], [actor], [tool], summary_en="Dance.", summary_zh="跳舞。", action_type="law"
    )
    above = PolicyArea.objects.in_bulk()
    corpus = Corpus(suggestion.item(row, above) for row in Recommendation.objects.for_suggestions())
    (found,) = best(corpus, 1)
    assert {found.source.row, found.target.row} == {one, two}
    assert rationales(found, corpus)["en"] == (
        "Both name the same instrument (The pact), belong to the area “Trade” "
        "and speak to the same addressee (The mayor)."
    )


# --- the admin --------------------------------------------------------------------------------------------------------

CHANGELIST = "admin:recommendations_crossreference_changelist"


@pytest.fixture
def waiting(db):
    return make.cross_reference(*two_rows(), state="suggested", score=0.4, reasons={"questions": 0.9, "action": 1.0})


def address(decision, row):
    return reverse(f"admin:crossreference_{decision}", args=[row.pk])


@pytest.mark.parametrize(("decision", "state"), [("confirm", "confirmed"), ("reject", "rejected")])
def test_one_click_decides_and_tells_how_to_undo_it(client, waiting, decision, state):
    editor = user("editor", client)
    listed = reverse(CHANGELIST) + "?state__exact=suggested"
    content = client.get(listed).content.decode()
    assert f'formaction="{address(decision, waiting)}?state__exact=suggested"' in content
    response = client.post(address(decision, waiting) + "?state__exact=suggested", follow=True)
    assert response.redirect_chain == [(listed, 302)]
    waiting.refresh_from_db()
    assert (waiting.state, waiting.confirmed_by) == (state, editor)
    entry = editor.logentry_set.get()
    assert entry.object_id == str(waiting.pk) and "→" in entry.change_message
    (message,) = response.context["messages"]
    assert reverse("admin:recommendations_crossreference_change", args=[waiting.pk]) in str(message)
    assert "formaction" not in client.get(reverse(CHANGELIST)).content.decode()


@pytest.mark.parametrize("decision", ["confirm", "reject"])
def test_only_publishers_decide_and_only_by_a_form_of_ours(client, waiting, decision):
    user("coder", client)
    assert "formaction" not in client.get(reverse(CHANGELIST)).content.decode()
    assert client.post(address(decision, waiting)).status_code == 403
    client.logout()
    assert client.post(address(decision, waiting)).status_code == 302
    editor = user("editor", client)
    assert client.get(address(decision, waiting)).status_code == 405
    assert client.post(reverse(f"admin:crossreference_{decision}", args=[10**6])).status_code == 404
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(editor)
    assert strict.post(address(decision, waiting)).status_code == 403
    waiting.refresh_from_db()
    assert waiting.state == "suggested"


def test_a_click_on_an_old_list_changes_no_decision(client, waiting):
    user("editor", client)
    client.post(address("reject", waiting))
    response = client.post(address("confirm", waiting), follow=True)
    waiting.refresh_from_db()
    assert waiting.state == "rejected"
    assert "was decided before: rejected" in [str(message) for message in response.context["messages"]][-1]


def test_what_waits_comes_first_and_best_on_top(client, waiting):
    low = make.cross_reference(*two_rows(), state="suggested", score=0.2)
    hand = make.cross_reference(*two_rows(), state="suggested")
    top = make.cross_reference(*two_rows(), state="suggested", score=0.9)
    done = make.cross_reference(*two_rows(), score=0.95)
    user("editor", client)
    shown = client.get(reverse(CHANGELIST)).context["cl"]
    assert list(shown.queryset) == [top, waiting, low, hand, done]
    column = shown.list_display.index("score_shown")  # counted from the boxes on
    by_score = client.get(reverse(CHANGELIST), {"o": f"-{column}"}).context["cl"].queryset
    assert list(by_score) == [done, top, waiting, low, hand]


def test_the_list_shows_both_summaries_the_reason_and_its_signals(client, waiting):
    user("editor", client)
    content = client.get(reverse(CHANGELIST)).content.decode()
    for words in (waiting.source.summary_zh, waiting.target.summary_zh, waiting.rationale_en,
                  "shared question 0.90 · action 1.00", "0.40"):  # fmt: skip
        assert words in content, words
    assert SIGNAL_WORDS.keys() == WEIGHTS.keys()


def test_the_work_queue_leads_to_what_waits(client, waiting):
    user("editor", client)
    content = re.sub(r"\s+", " ", client.get(reverse("admin:index")).content.decode())
    assert f'<a href="{reverse(CHANGELIST)}?state__exact=suggested">Suggested relations</a> <strong>1' in content
