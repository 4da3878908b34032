"""From printed lines to headings, paragraphs and notes: five texts as read by hand, and each rule by itself."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal.text import digest, squeeze
from reports.repair import Kind, joined, repaired
from tests.samples import ONE, TWO, page
from tests.test_corpus import TEXTS, needs_texts

HERE = Path(__file__).resolve().parent
EXPECTED = json.loads((HERE / "expected" / "repair.json").read_text(encoding="utf-8"))


def outline(text):
    """Return what is kept of a text: levels and digests of headings, spans of passages, marks and places of notes."""
    found = repaired(text)
    return {
        "headings": [[piece.level, digest(squeeze(piece.text))] for piece in found.sections],
        "passages": [piece.spans for piece in found.passages],
        "notes": [[piece.mark, piece.anchor, piece.passage] for piece in found.notes],
        "furniture": [piece.spans for piece in found.of(Kind.FURNITURE)],
    }


def told(text):
    """Return the pieces of a text as [(kind and level, text)]."""
    return [(f"{piece.kind[0]}{piece.level or ''}", piece.text) for piece in repaired(text).pieces]


def covers(text):
    """Tell whether the pieces have each character of the squeezed text once."""
    spans = sorted(tuple(span) for piece in repaired(text).pieces for span in piece.spans)
    places = [place for start, end in spans for place in range(start, end)]
    return places == list(range(len(squeeze(text))))


@needs_texts
@pytest.mark.parametrize("name", EXPECTED)
def test_the_five_texts_are_as_they_were_read_by_hand(name):
    text = (TEXTS / name).read_text(encoding="utf-8")
    assert json.loads(json.dumps(outline(text))) == EXPECTED[name]
    assert covers(text)


ALPHABET = "数据流动安全abc1①②[]（）一、。，：；\n\n\n \u3000\f#*-–.2第章节图表摘要"


@example("---\n* * *")
@example("数据流动\n①\n① 张三：《规则》。\n")
@given(st.text(alphabet=ALPHABET, max_size=300) | st.text(max_size=200))
def test_nothing_of_any_text_is_lost_or_told_twice(text):
    assert covers(text)


REST = page(ONE, TWO, ONE)  # enough to show how wide lines are


def test_lines_broken_at_the_margin_are_joined_and_paragraphs_kept_apart():
    assert told(page(ONE, TWO, ONE)) == [("p", ONE), ("p", TWO), ("p", ONE)]
    doubled = page(ONE, TWO, ONE).replace("\n", "\n\n")  # every printed line is followed by a blank one
    assert told(doubled) == [("p", ONE), ("p", TWO), ("p", ONE)]


def test_a_note_at_the_foot_of_a_page_is_lifted_out_of_the_sentence_and_tied_to_its_mark():
    first, second = ONE[:30], ONE[30:]
    text = f"{REST}{first[:12]}①{first[12:]}\n① 张三：《规则》，2019年。\n\f{page(second)}{REST}"
    found = repaired(text)
    (note,) = found.notes
    assert note.text == "张三：《规则》，2019年。" and note.passage == 3 and found.passages[3].text == ONE
    assert "①" not in "".join(piece.text for piece in found.passages) and covers(text)


def test_marks_begin_anew_on_each_page_and_a_mark_in_running_text_is_left_alone():
    one = f"{page(f'{ONE[:20]}①{ONE[20:]}', TWO)}① 注一。\n"
    two = f"\f{page(f'{TWO[:20]}①{TWO[20:]}', ONE)}① 注二。\n"
    three = "\f" + page(f"规则有三类：①安全类；②经贸类；③技术类。{ONE}")
    found = repaired(one + two + three)
    assert [(note.text, note.passage) for note in found.notes] == [("注一。", 0), ("注二。", 2)]
    assert found.passages[-1].text.startswith("规则有三类：①安全类；②经贸类")


def test_page_numbers_and_running_heads_are_furniture():
    first, rest = page(TWO, ONE[:60]), page(ONE[60:], TWO, ONE)
    text = f"某刊\n{first}- 12 -\n\f某刊\n{rest}- 13 -\n"
    assert [said for kind, said in told(text) if kind == "p"] == [TWO, ONE, TWO, ONE]
    assert [said for kind, said in told(text) if kind == "f"] == ["某刊", "- 12 -", "某刊", "- 13 -"]


def test_headings_are_known_by_their_numbers_and_nest():
    text = f"数据规则的走向\n\n一、现状\n\n（一）各国的主张\n\n{ONE}\n\n1. 美国\n\n{TWO}\n\n二、建议\n\n{TWO}\n"
    assert [said for said in told(text) if said[0] != "p"] == [
        ("h1", "数据规则的走向"),
        ("h2", "一、现状"),
        ("h3", "（一）各国的主张"),
        ("h4", "1. 美国"),
        ("h2", "二、建议"),
    ]


def test_a_heading_broken_over_two_lines_is_one_and_loses_its_padding():
    text = REST + "1.3\u3000各国政府陆续出台关于数据流动的许多新规则并以安全为由加以\n\u3000\u3000限制\n" + REST
    assert ("h1", "1.3 各国政府陆续出台关于数据流动的许多新规则并以安全为由加以限制") in told(text)
    assert told("前\u3000\u3000言\n\n" + ONE)[0] == ("h1", "前言")


def test_headings_glued_to_their_text_are_cut_off():
    text = f"（一）指导思想。{ONE}\n（二）基本原则。{TWO}\n三、保障措施\u3000\u3000{ONE}\n【内容摘要】  {TWO}\n"
    assert told(text) == [
        ("h1", "（一）指导思想。"),
        ("p", ONE),
        ("h1", "（二）基本原则。"),
        ("p", TWO),
        ("h1", "三、保障措施"),
        ("p", ONE),
        ("h1", "内容摘要"),
        ("p", TWO),
    ]


def test_items_that_run_in_are_no_headings():
    text = f"第一，{ONE}\n首先，{TWO}\n一是{ONE}\n"
    assert [kind for kind, _said in told(text)] == ["p", "p", "p"]


def test_paragraphs_are_known_by_their_indent():
    text = "\n".join(f"\u3000\u3000{said[:28]}\n{said[28:58]}\n{said[58:]}" for said in (ONE, TWO, ONE, TWO)) + "\n"
    assert [said for _kind, said in told(text)] == [ONE, TWO, ONE, TWO]


def test_words_broken_at_the_margin_and_addresses_are_whole_again():
    assert joined("the flow of data between econo-\nmies", frozenset()) == "the flow of data between economies"
    assert joined("a long-\nterm view", frozenset(["long-term"])) == "a long-term view"
    assert (
        joined("见 https://example.org/papers/\nlimits-of-trust.html。")
        == "见https://example.org/papers/limits-of-trust.html。"
    )
    assert joined("https://www.example\n-site.org/a/b/") == "https://www.example-site.org/a/b/"
    assert joined("Doe, “Limits of trust,”\nhttps://example.org") == "Doe, “Limits of trust,” https://example.org"


def test_a_list_of_references_is_tied_to_the_numbers_in_the_text():
    text = f"一、现状\n\n{ONE[:-1]}[2]。\n\n{TWO[:-1]}[1]。\n\n参考文献\n\n[1] 张三：《规则》。\n[2] 李四：《数据》。\n"
    notes = [(note.mark, note.text, note.passage) for note in repaired(text).notes]
    assert notes == [("[1]", "张三：《规则》。", 1), ("[2]", "李四：《数据》。", 0)]


def test_a_figure_is_set_apart_from_the_paragraph_that_it_interrupts():
    text = page(ONE[:60]) + "高收益：\n电池；\n风能\n图 1\u3000收益与风险\n" + page(ONE[60:] + TWO, ONE)
    found = repaired(text)
    assert [piece.role for piece in found.passages].count("figure") == 1
    assert found.passages[0].text == ONE + TWO and found.passages[1].text.startswith("高收益：")


def test_short_lines_that_follow_one_another_are_entries_and_not_headings():
    text = f"{ONE}\n\n\n参会者\n\n张三 某大学教授\n\n李四 某研究所所长\n\n王五 某公司副总裁\n\n赵六 某协会秘书长\n"
    found = told(text)
    assert [kind for kind, _said in found] == ["p", "h1", "p", "p", "p", "p"] and found[2][1] == "张三 某大学教授"


def test_an_english_text_with_notes_and_running_heads():
    text = (
        "Policy Brief 12\n1. Introduction\n\nIn the last decade, governments have written more rules for\n"
        "data than in the century before. Most of them speak of secu-\nrity.1 Few say what that means, and fewer still "
        "say when a\nlimit ends.\n\n1 See Doe, “Limits of trust,” https://www.example.org/papers/\nlimits-of-trust.html.\n3\n"
        "\fPolicy Brief 12\nThis is why the debate about data has become one about the\nstate itself. The first thing "
        "to do is to agree on words.\n\n2. Conclusion\n\nRules that nobody can read bind nobody.\n4\n"
    )
    found = repaired(text)
    assert [piece.text for piece in found.sections] == ["1. Introduction", "2. Conclusion"]
    assert found.passages[0].text.endswith(
        "speak of security. Few say what that means, and fewer still say when a limit ends."
    )
    assert [(note.text, note.passage) for note in found.notes] == [
        ("See Doe, “Limits of trust,” https://www.example.org/papers/limits-of-trust.html.", 0)
    ]
    assert covers(text)
