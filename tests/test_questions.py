"""Questions: how far apart the own answers are, who says two things in two documents, what the list can be asked."""

from statistics import pvariance

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as some

from recommendations import comparison
from recommendations import views as question_pages
from recommendations.models import Agreement, Position, Question
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def page(client, path, lang="en"):
    response = client.get(f"/{lang}/{path}")
    assert response.status_code == 200, path
    return response.content.decode()


def views(*rows):
    """Unsaved positions of a hand-made table of (voice, stance, report, holder)."""
    return [Position(voice=v, stance=s, report_id=r, holder_id=h) for v, s, r, h in rows]


def own(*answers):
    return views(*(("own", stance, report, None) for report, stance in answers))


def asked(*stances, **values):
    """A question that as many documents answer for themselves."""
    question = make.question(**values)
    for stance in stances:
        make.position(make.report(), question=question, stance=stance)
    return question


# --- contention -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([], (None, 0)),
        ([(1, 2), (2, -2)], (None, 2)),
        ([(1, 2), (1, -2), (1, 0), (2, 2)], (None, 2)),  # a document counts once, however often it answers
        ([(1, 2), (2, 2), (3, 2)], (0, 3)),
        ([(1, 2), (2, -2), (3, 2), (4, -2)], (1, 4)),
        ([(1, 2), (2, 2), (3, -2)], (8 / 9, 3)),
        ([(1, 1), (1, -1), (2, 1), (3, -1)], (0.25, 3)),  # and enters with both answers
    ],
)
def test_contention_is_the_variance_of_own_answers_over_four(answers, expected):
    assert comparison.contention(own(*answers)) == expected


def test_joint_and_attributed_views_take_no_part_in_contention():
    rows = own((1, 2), (2, 2), (3, 2))
    rows += views(("joint", -2, 4, None), ("attributed", -2, 5, 7), ("attributed", -2, 1, 7))
    assert comparison.contention(rows) == (0, 3)


@given(some.lists(some.tuples(some.integers(1, 6), some.integers(-2, 2)), max_size=20))
def test_contention_lies_between_nought_and_one_and_turns_with_its_sign(answers):
    value, n = comparison.contention(own(*answers))
    turned = comparison.contention(own(*((report, -stance) for report, stance in answers)))
    assert (value, n) == turned and n == len({report for report, _stance in answers})
    assert value is None if n < 3 else value == pytest.approx(pvariance([s for _r, s in answers]) / 4)
    assert value is None or 0 <= value <= 1


TABLES = [
    [], [0], [2], [2, 2], [2, 1], [2, -1], [0, 0], [0, 2], [0, -1], [2, 0, -2], [2, 2, 2], [1, 2, 2], [-1, -2, 0],
    [2, -2, 2, -2], [0, 0, 0], [1, 1, -1, -1, 2],
]  # fmt: skip


def sides(stances):
    """The word of agreement of the own answers of as many documents, told from the table itself."""
    signs = {(stance > 0) - (stance < 0) for stance in stances}
    if len(stances) < 2:
        return "single" if stances else "none"
    return "split" if {1, -1} <= signs else "leaning" if len(signs) > 1 else "agreed"


@pytest.fixture
def tables():
    """{slug: stances} of questions with other voices and drafts beside, each filed under two areas."""
    areas, holder, found = [make.area(slug="a"), make.area(slug="b")], make.actor(slug="holder"), {}
    whole = make.report(kind="symposium", slug="whole")
    for at, stances in enumerate(TABLES):
        question = make.question(areas, slug=f"q{at:02d}")
        found[question.slug] = stances
        for place, stance in enumerate(stances):
            report = make.report(part_of=whole, place=100 * at + place)
            make.position(report, question=question, stance=stance)
            make.position(report, question=question, stance=-2, voice="attributed", holder=holder)
        make.position(make.report(), question=question, stance=2, voice="joint")
        make.position(make.report(state="draft"), question=question, stance=-2)
    return found


@pytest.mark.parametrize(
    "query",
    [
        "",
        "area=a&area=b",
        "holder=holder",
        "report=whole",
        "kind=normative&area=b&holder=holder&report=whole",
        "q=question",
    ],
)
def test_the_database_finds_the_same_contention_whatever_filter_joins(client, tables, query):
    rows = client.get(f"/api/v1/questions/?page_size=100&{query}").json()["results"]
    assert len(rows) >= len([stances for stances in TABLES if stances])
    for row in rows:
        stances = tables[row["slug"]]
        assert (row["contention"], row["own_documents"]) == comparison.contention(own(*enumerate(stances))), row["slug"]
        assert row["agreement"] == sides(stances), row["slug"]


def test_a_document_that_answers_twice_enters_the_database_with_both(client):
    question = asked(2, 1)
    report = make.report()
    for stance in (2, -2):
        make.position(report, question=question, stance=stance)
    row = client.get(f"/api/v1/questions/{question.slug}/").json()
    assert (row["contention"], row["own_documents"]) == comparison.contention(list(question.positions.all()))
    assert row["own_documents"] == 3 and row["agreement"] == "split"


def test_one_document_on_both_sides_is_still_one():
    report, question = make.report(), make.question()
    for stance in (2, -2):
        make.position(report, question=question, stance=stance)
    assert Question.objects.told([question.pk])[question.pk].agreement == "single"


def test_a_hidden_answer_changes_no_number(client):
    question = asked(2, 2, -2)
    rows = client.get(f"/api/v1/questions/{question.slug}/").content, page(client, f"questions/{question.slug}/")
    make.position(make.report(state="draft"), question=question, stance=-2)
    assert rows == (
        client.get(f"/api/v1/questions/{question.slug}/").content,
        page(client, f"questions/{question.slug}/"),
    )


# --- filters and order ------------------------------------------------------------------------------------------------


def slugs(client, query):
    by_name = "" if "ordering=" in query else "&ordering=name"
    found = client.get(f"/api/v1/questions/?page_size=100&{query}{by_name}").json()["results"]
    return [row["slug"] for row in found]


def test_each_question_has_one_word_of_agreement(client, tables):
    by_word = {word: slugs(client, f"agreement={word}") for word in Agreement.values}
    assert sorted(slug for found in by_word.values() for slug in found) == sorted(tables)
    assert by_word == {word: [s for s in sorted(tables) if sides(tables[s]) == word] for word in Agreement.values}
    assert all(by_word.values())
    assert slugs(client, "agreement=split&agreement=none") == sorted(by_word["split"] + by_word["none"])


def test_the_facet_counts_what_the_words_find(client, tables):
    response = client.get("/en/questions/?area=a")
    facet = next(facet for facet in response.context["facets"] if facet["name"] == "agreement")
    assert {v.value: v.count for v in facet["values"]} == {
        word: len(slugs(client, f"agreement={word}")) for word in Agreement.values
    }
    assert "Own answers: on both sides" in page(client, "questions/?agreement=split")


def test_at_least_so_many_documents(client):
    one, three = asked(2), asked(2, 2)
    make.position(make.report(), question=three, voice="attributed", holder=make.actor())
    make.position(make.report(state="draft"), question=one)
    assert slugs(client, "documents_min=1") == sorted([one.slug, three.slug])
    assert slugs(client, "documents_min=2") == slugs(client, "documents_min=3") == [three.slug]
    assert slugs(client, "documents_min=4") == []
    content = page(client, "questions/?documents_min=3")
    assert three.text_en in content and one.text_en not in content and "Documents, at least: 3" in content
    for word in ("0", "-1", "x", "1.5", "99999"):
        assert "documents_min" in client.get(f"/en/questions/?documents_min={word}").content.decode()


def test_the_most_contested_come_first_and_those_of_few_answers_last(client):
    few, fewer, calm, hot = asked(2, -2, slug="few"), asked(2, slug="fewer"), asked(2, 2, 2), asked(2, 2, -2)
    expected = [hot.slug, calm.slug, few.slug, fewer.slug]
    assert slugs(client, "ordering=contention") == expected
    assert slugs(client, "ordering=-contention") == [calm.slug, hot.slug, fewer.slug, few.slug]
    known = dict(Question.objects.values_list("pk", "slug"))
    shown = client.get("/en/questions/").context["page_obj"].rows
    assert [known[entry.object_id] for entry in shown] == expected
    assert slugs(client, "") == sorted(expected)


def test_a_row_tells_contention_only_where_three_documents_answer(client):
    asked(2, -2)
    assert " of 1, over" not in page(client, "questions/") and "on both sides" in page(client, "questions/")
    hot = asked(2, 2, -2)
    assert '<span class="num">0.89</span> of 1, over 3 documents' in page(client, "questions/")
    assert "0.89" in page(client, f"questions/{hot.slug}/")


def test_the_forms_carry_contention(client):
    asked(2, 2, -2)
    csv = b"".join(client.get("/en/questions/?format=csv").streaming_content).decode()
    names, row = (line.split(",") for line in csv.splitlines())
    assert row[names.index("own_documents")] == "3" and row[names.index("agreement")] == "split"
    assert float(row[names.index("contention")]) == 8 / 9
    line = b"".join(client.get("/en/questions/?format=jsonl").streaming_content).decode()
    assert '"contention":0.888' in line and '"own_documents":3' in line


# --- the sentence -----------------------------------------------------------------------------------------------------


def test_a_debate_says_who_is_counted_under_two_answers():
    rows = views(("own", 2, 1, None), ("own", -1, 1, None), ("attributed", 2, 1, 7), ("attributed", -2, 2, 7))
    assert comparison.debate("evaluative", rows) == (
        "Speaking for itself, one document says yes and one document says mostly no. "
        "One document gives more than one answer and is counted under each. "
        "In views attributed to others, one holder says yes and one holder says no. "
        "One holder is reported with more than one answer and counted under each."
    ).replace("Speaking for itself", "Speaking for themselves")


def test_a_publication_is_not_silent_where_a_part_of_it_speaks():
    whole, other = make.report(kind="symposium"), make.report(kind="symposium")
    essay, second = make.report(part_of=whole, place=1), make.report(part_of=other, place=1)
    answer = make.position(essay)
    assert [one.rows for one in question_pages.without_position([answer])] == [[other, second], []]
    whole.coding = "partial"
    whole.save()
    assert [one.rows for one in question_pages.without_position([answer])] == [[other, second], [whole]]


# --- then and now -----------------------------------------------------------------------------------------------------


def turns(question):
    rows = Position.objects.published().filter(question=question).for_list().with_speakers()
    return comparison.then_and_now(comparison.dressed(rows))


def told(question):
    """[(names, change, [(slug, stances)])] of the turns on a question."""
    return [
        ([one.name_en for one in t.who], t.change, [(r.slug, [row.stance for row in rows]) for r, rows in t.documents])
        for t in turns(question)
    ]


def attributed(question, actor, stance, **report):
    return make.position(make.report(**report), question=question, voice="attributed", holder=actor, stance=stance)


def test_an_actor_is_followed_from_document_to_document_by_date():
    question, actor = make.question(), make.actor(name_en="The minister")
    attributed(question, actor, 1, slug="undated", date="", date_kind="")
    attributed(question, actor, -2, slug="later", date="2021-02")
    attributed(question, actor, 2, slug="earlier", date="2021")
    attributed(question, make.actor(), 2)
    assert told(question) == [(["The minister"], "sides", [("earlier", [2]), ("later", [-2]), ("undated", [1])])]


@pytest.mark.parametrize(
    ("stances", "change"),
    [((2, 1), "degree"), ((-1, -2), "degree"), ((2, 0), "open"), ((0, -1), "open"), ((1, -1), "sides")],
)
def test_how_much_somebody_turns(stances, change):
    question, actor = make.question(), make.actor()
    for stance in stances:
        attributed(question, actor, stance)
    assert [turn.change for turn in turns(question)] == [change]


def test_the_same_answer_twice_is_no_turn():
    question, actor = make.question(), make.actor()
    for _ in range(2):
        report = make.report()
        for stance in (2, -2):
            make.position(report, question=question, voice="attributed", holder=actor, stance=stance)
    assert told(question) == []


def test_two_answers_in_one_document_are_no_turn(client):
    question, actor, report = make.question(), make.actor(), make.report()
    for stance in (2, -2):
        make.position(report, question=question, voice="attributed", holder=actor, stance=stance)
    content = page(client, f"questions/{question.slug}/")
    assert told(question) == [] and "Then and now" not in content and "stands in more than one column:" in content


def test_who_turns_is_not_also_told_to_be_divided(client):
    question, actor, report = make.question(), make.actor(), make.report(slug="twice", date="2020")
    for stance in (2, -2):
        make.position(report, question=question, voice="attributed", holder=actor, stance=stance)
    attributed(question, actor, 1, slug="once", date="2021")
    assert [documents for _who, _change, documents in told(question)] == [[("twice", [2, -2]), ("once", [1])]]
    content = page(client, f"questions/{question.slug}/")
    assert "Then and now" in content and "stands in more than one column:" not in content


def test_a_person_is_one_as_author_and_as_actor(client):
    question, person = make.question(), make.author(name_en="Ann Writer")
    actor = make.actor(author=person, name_en="Ann Writer")
    written = make.report(slug="written", date="2019")
    make.contribution(written, author=person)
    make.contribution(written, author=make.author(), role="participant")
    make.position(written, question=question, stance=2)
    attributed(question, actor, -1, slug="reported", date="2020")
    assert told(question) == [(["Ann Writer"], "sides", [("written", [2]), ("reported", [-1])])]
    content = page(client, f"questions/{question.slug}/")
    assert "Then and now" in content and "stands in more than one column:" not in content
    assert 'datetime="2019"' in content and "attributed" in content


def test_an_institution_is_one_as_author_and_as_actor_but_not_as_funder():
    question, house = make.question(), make.institution(name_en="The house")
    actor = make.actor(institution=house, name_en="The house")
    for slug, role in (("written", "author"), ("paid", "funder")):
        report = make.report(slug=slug, date="2019")
        make.contribution(report, institution=house, role=role)
        make.position(report, question=question, stance=2)
    attributed(question, actor, 1, slug="reported", date="2020")
    assert told(question) == [(["The house"], "degree", [("written", [2]), ("reported", [1])])]


def test_people_who_wrote_both_documents_together_turn_together():
    question, people = make.question(), [make.author(name_en=name) for name in ("Ann", "Ben")]
    for slug, stance in (("first", 2), ("second", -2)):
        report = make.report(slug=slug, date="2019" if slug == "first" else "2020")
        for person in people:
            make.contribution(report, author=person)
        make.position(report, question=question, stance=stance)
    alone = make.report(slug="alone", date="")
    make.contribution(alone, author=make.author(name_en="Cy"))
    make.position(alone, question=question)
    assert told(question) == [(["Ann", "Ben"], "sides", [("first", [2]), ("second", [-2])])]


def test_documents_without_authors_and_joint_views_are_nobody_elses(client):
    question = make.question()
    for voice in ("own", "joint"):
        for stance in (2, -2):
            make.position(make.report(), question=question, voice=voice, stance=stance)
    assert told(question) == []


def test_a_hidden_document_makes_no_turn():
    question, actor = make.question(), make.actor()
    attributed(question, actor, 2)
    attributed(question, actor, -2, state="draft")
    assert told(question) == []


# --- the cost ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/en/questions/?agreement=split&documents_min=2", "/en/questions/{}/"])
def test_ten_questions_cost_as_many_queries_as_two(client, django_assert_num_queries, path):
    question = asked(2, -2, slug="many")
    holder = make.actor()

    def more(n):
        for _ in range(n):
            asked(2, -2)
            attributed(question, holder, 1)
            report = make.report()
            make.contribution(report, author=make.author())
            make.position(report, question=question, stance=-1)

    path = path.format(question.slug)
    more(2)
    client.get(path)
    with CaptureQueriesContext(connection) as few:
        client.get(path)
    more(8)
    with django_assert_num_queries(len(few)):
        client.get(path)
