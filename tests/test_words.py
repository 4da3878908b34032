"""Words: three forms of one truth, the query language, and what a reader is shown."""

import re
import sys
import unicodedata
from itertools import pairwise

import pytest
from django.utils import translation
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portal.words import (
    BREAK,
    HAN,
    LONGEST,
    NOTES,
    TERMS,
    Clause,
    Folded,
    Phrase,
    Query,
    Term,
    TooManyWords,
    all_tokens,
    contains,
    fold,
    folds_to,
    found,
    highlight,
    normal,
    parse,
    phrases,
    runs,
    said,
    singular,
    snippet,
    tokens,
)

EVERY = [chr(code) for code in range(sys.maxunicode + 1)]
HAN_LIKE = (*"数据網络网安全張张三中人々〇か한가", "か\u3099", "ｶﾞ", "葛\U000e0100", "㍿", "ㄱㅏ", "\u1112\u1161", "𠮷")
WORDS = (
    *("5G", "５Ｇ", "AI", "GPT-4", "GPT 4", "gpt4", "U.S.", "R&D", "2021/22", "China’s", "policies", "news", "the"),
)
LETTERS = (
    "Straße",
    "İ",
    "ǰ",
    "ΐ",
    "①",
    "½",
    "ﬁ",
    "é",
    "e\u0301",
    "x\u0304",
    "हिन्दी",
    "ไทย",
    "\ufdfa",
    "x" * LONGEST,
    "yy" * LONGEST,
)
SIGNS = (*"，。“”、-－.'/&_%\\\"*·–…😀", "👨\u200d👩", "\x00", "\ud800", "´", "゛", "⁄")
NOTHING = (*" \n\t\u3000\x1c\x85", "\u200b", "\u0301", "\ufe0f", "\u00ad", "\u3099", "\u20dd")
printed = st.lists(st.sampled_from((*HAN_LIKE, *WORDS, *LETTERS, *SIGNS, *NOTHING)) | st.characters(), max_size=24)
printed = printed.map("".join)
few = st.lists(st.sampled_from((*"数据网络人", "5G", "ai", "GPT", "4", " ", "-", "，")), max_size=16).map("".join)


@st.composite
def text_and_query(draw):
    """Draw a text, and a query that is a stretch of it in some dress, or another text of the same few pieces."""
    text = draw(printed | few)
    dress = draw(st.sampled_from([str, fold, str.upper, str.swapcase, lambda t: unicodedata.normalize("NFKD", t)]))
    start = draw(st.integers(0, max(0, len(text) - 1)))
    stretch = dress(text[start : start + draw(st.integers(1, 8))])
    return text, draw(st.sampled_from([stretch, f"“{stretch}”"]) | few)


def side_by_side(row, phrase):
    """Tell whether the tokens of a phrase stand side by side in a row of tokens: what both databases are asked."""
    *most, last = phrase.words
    n = len(most)
    return any(
        row[i : i + n] == most and (row[i + n].startswith(last) if phrase.prefix else row[i + n] == last)
        for i in range(len(row) - n)
    )


# Folding


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("拜登", "拜登"),
        ("網絡５Ｇ", "网络5g"),
        ("Straße ﬁnance İ", "strasse finance i"),
        ("e\u0301 é x\u0304", "é é x"),
        ("か\u3099ｶﾞ", "がガ"),
        ("rela\u00adtion 葛\U000e0100", "relation 葛"),
        ("\x00\ud800😀", "\x00\ud800😀"),
    ],
)
def test_fold(text, wanted):
    assert fold(text) == wanted


def test_every_character_folds_and_no_han_is_punctuation():
    han = re.compile(f"[{HAN}]")
    for char in EVERY:
        assert fold(char) or folds_to(char) == 0
        if han.match(char):
            assert char.isalnum() or unicodedata.category(char) == "Cn", hex(ord(char))


def test_what_joins_the_character_before_it_is_known():
    for char in EVERY:
        parts = unicodedata.decomposition(char).split()
        if len(parts) == 2 and parts[0][0] != "<" and unicodedata.is_normalized("NFC", char):
            assert folds_to(chr(int(parts[1], 16))) == 0, char


@settings(max_examples=500)
@given(printed)
@example("…\u200b\u200bx")
@example("\u1161据")
def test_folded_characters_know_where_they_come_from(text):
    seen = Folded(text)
    assert len(seen.starts) == len(seen.ends) == len(seen.folded)
    spans = list(zip(seen.starts, seen.ends, strict=True))
    assert spans == sorted(spans) and all(0 <= start < end <= len(text) for start, end in spans)
    assert all(after[0] in (before[0], *range(before[1], len(text))) for before, after in pairwise(spans))
    for (start, end), char in zip(spans, seen.folded, strict=True):
        assert char in fold(text[start:end])


# Tokens, the normal form, and the plain truth


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("数据安全", "数据 据安 安全 全"),
        ("张 三\n说", "张三 三说 说"),
        ("5G 网络", "5g 网络 络"),
        ("5G网络", "5g 网络 络"),
        ("数据，安全。", "数据 据 · 安全 全"),
        ("“AI”、（芯片）!!", "ai · 芯片 片"),
        ("GPT-4 gpt4 U.S. policy", "gpt 4 gpt4 u s · policy"),
        ("R&D in 2021/22, China’s", "r d in 2021 22 · china s"),
        ("中-美 AI-芯片", "中 · 美 ai · 芯片 片"),
        ("snake_case 1.5%", "snake · case 1 5"),
        ("relations policies news gas analysis status class", "relation policy new gas analysi status class"),
        ("カナ 한국어 〇", "カナ ナ한 한국 국어 어〇 〇"),
        ("x" * (LONGEST + 1) + "据", "据"),
        ("a" + "x" * (LONGEST + 1) + " 据", "据"),
        ("a " + "x" * (LONGEST + 1) + ", 据", "a · 据"),
        ("，。 \x00", ""),
    ],
)
def test_tokens(text, wanted):
    assert tokens(text) == wanted.split()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("数据", [("数据", "")]),
        ("网", [("网", "*")]),
        ("5G网络", [("5g 网络", "")]),
        ("5G网", [("5g 网", "*")]),
        ("网络5G", [("网络 络 5g", "")]),
        ("网5G", [("网 5g", "")]),
        ("“数据安全”", [("数据 据安 安全", "")]),
        ("数据，安全，数据", [("数据", ""), ("安全", "")]),
        ("GPT-4", [("gpt 4", "")]),
        ("，", []),
    ],
)
def test_phrases(text, wanted):
    assert phrases(text) == [Phrase(tuple(words.split()), prefix == "*") for words, prefix in wanted]


@pytest.mark.parametrize(
    ("text", "query", "there"),
    [
        ("国家网络安全", "络安", True),
        ("国家网络安全", "全", True),
        ("国家网络安全", "网安", False),
        ("数据。安全", "据安", False),
        ("数据 \n安全", "据安", True),
        ("建设５Ｇ網絡", "5g 网", True),
        ("建设15G网络", "5G网络", False),
        ("AI芯片", "AI 芯", True),
        ("OpenAI芯片", "AI芯片", False),
        ("the GPT-4 model", "gpt 4", True),
        ("the GPT 4 model", "GPT-4", True),
        ("the GPT-4 model", "gpt4", False),
        ("GPT-40", "GPT-4", False),
        ("trade relations", "trade relation", True),
        ("a policy", "policies", True),
        ("說「數據」", "“数据”", True),
        ("拜登·約瑟夫", "登约", False),
        ("人人人", "人人", True),
    ],
)
def test_what_a_text_contains(text, query, there):
    (phrase,) = phrases(query)
    assert contains(text, phrase) == there
    assert (phrase.like in normal(text)) == there
    assert side_by_side(tokens(text), phrase) == there
    assert found(text, [phrase]) == ({phrase} if there else set())


@settings(max_examples=2000)
@given(text_and_query())
@example(("人人人5G", "人5"))
@example(("网 络，5Ｇ", "络"))
def test_tokens_substrings_and_the_plain_truth_agree(drawn):
    text, query = drawn
    row, flat = tokens(text), normal(text)
    for phrase in phrases(query):
        assert side_by_side(row, phrase) == (phrase.like in flat) == contains(text, phrase), (text, phrase)


@settings(max_examples=1000)
@given(st.text(st.sampled_from("数據网络安全張三人，。 \u3000“”"), max_size=30), st.data())
def test_any_stretch_of_han_is_found_and_nothing_else(text, data):
    """The truth as one would write it without this module: a substring of what is left between punctuation."""
    pieces = re.split("[，。“”]", "".join(text.split()).translate(str.maketrans("據張", "据张")))
    query = data.draw(st.text(st.sampled_from("数據网络安全張三人"), min_size=1, max_size=5))
    (phrase,) = phrases(query)
    wanted = any(query.translate(str.maketrans("據張", "据张")) in piece for piece in pieces)
    assert contains(text, phrase) == wanted


@settings(max_examples=500)
@given(printed)
def test_tokens_are_safe_in_both_databases(text):
    for token in tokens(text):
        assert token == BREAK or token.isalnum() or re.fullmatch(f"[{HAN}]+", token)
        assert len(token.encode()) <= 2046
    assert BREAK not in tokens(BREAK) and not BREAK.isalnum()
    for phrase in phrases(text):
        assert phrase.words and BREAK not in phrase.words
        assert not set(phrase.like) & set("%_\\\"'")
    assert tokens(f"{text}{BREAK}") == tokens(text)


@given(st.text(st.characters(max_codepoint=127), max_size=30))
@example("a-b -c- d.-e u.s. r&d. 's")
@example("a" * 256 + " " + "b" * 255 + ",c")
def test_ascii_alone_is_parted_as_it_is_beside_other_text(text):
    assert runs(f"网。{text}")[2:] == runs(text)


@given(few, few)
def test_texts_joined_by_a_break_hold_what_each_holds(one, other):
    for phrase in [*phrases(one), *phrases(other), *phrases(one + other)]:
        assert contains(one + BREAK + other, phrase) == (contains(one, phrase) or contains(other, phrase))


@given(st.text("abcdefiesuy", min_size=1, max_size=9))
def test_a_word_loses_one_plural_only(word):
    assert singular(singular(word)) == singular(word)


# The query language


def asked(*terms):
    """Return a query that wants all of some terms, given as text, or as (text, field)."""
    return Query(tuple(Clause(False, (term(*one) if isinstance(one, tuple) else term(one),)) for one in terms))


def term(text, field=""):
    return Term(field, text, tuple(phrases(text)))


def span(text, start, end):
    return Term("year", text, (), (start, end))


@pytest.mark.parametrize(
    ("q", "wanted"),
    [
        ("数据 安全", asked("数据", "安全")),
        ("数据\u3000安全\x00网", asked("数据", "安全", "网")),
        ('"trade war" x', asked("trade war", "x")),
        ("“数据 安全” 「a  b」 『c d』 ＂e f＂", asked("数据 安全", "a b", "c d", "e f")),
        ("中国“一带一路”倡议", asked("中国“一带一路”倡议")),
        ("“一带一路”-倡议", asked("一带一路", "倡议")),
        ("GPT-4", asked("GPT-4")),
        ("title:x 标题：y 標題:z Title:w", asked(("x", "title"), ("y", "title"), ("z", "title"), ("w", "title"))),
        (
            'author: "x y" 作者：张三 领域：ai area:b',
            asked(("x y", "author"), ("张三", "author"), ("ai", "area"), ("b", "area")),
        ),
        ("subtitle:x", asked("subtitle:x")),
        ("或", asked("或")),
        ("or", asked("or")),
    ],
)
def test_plain_words_phrases_and_fields(q, wanted):
    assert parse(q) == wanted


@pytest.mark.parametrize(
    ("q", "wanted"),
    [
        ("a b OR c", [(False, "a"), (False, "b", "c")]),
        ("a OR b OR c d", [(False, "a", "b", "c"), (False, "d")]),
        ("a -b －c", [(False, "a"), (True, "b"), (True, "c")]),
        ('-"a b" a-b', [(True, "a b"), (False, "a-b")]),
    ],
)
def test_operators(q, wanted):
    assert [(c.negated, *(option.text for option in c.options)) for c in parse(q).clauses] == wanted
    assert parse(q).notes == ()


@pytest.mark.parametrize(
    ("q", "wanted"),
    [
        ("year:2019", span("2019", 2019, 2019)),
        ("year:2019..2021", span("2019..2021", 2019, 2021)),
        ("年份：2019至2021", span("2019..2021", 2019, 2021)),
        ("year:２０１９–2021", span("2019..2021", 2019, 2021)),
        ("年份：2019年至2021年", span("2019..2021", 2019, 2021)),
        ("year:..2021", span("..2021", None, 2021)),
        ("year:2019..", span("2019..", 2019, None)),
        ('year:"2019..2019"', span("2019", 2019, 2019)),
    ],
)
def test_years(q, wanted):
    assert parse(q) == Query((Clause(False, (wanted,)),))
    assert parse(f"-{q}") == Query((Clause(True, (wanted,)),))


@pytest.mark.parametrize(
    ("q", "wanted", "notes"),
    [
        ('"a b', ["a", "b"], ["unbalanced-quote"]),
        ("“a b", ["a", "b"], ["unbalanced-quote"]),
        ("「a b”", ["a", "b”"], ["unbalanced-quote"]),
        ("- a", ["a"], ["lonely-minus"]),
        ("a --", ["a"], ["lonely-minus"]),
        ("OR a", ["OR", "a"], ["lonely-or"]),
        ("a OR", ["a", "OR"], ["lonely-or"]),
        ("a OR OR b", ["a", "OR", "OR", "b"], ["lonely-or"]),
        ("a OR -b", ["a", "OR", "b"], ["lonely-or"]),
        ("a OR ，", ["a", "OR"], ["no-word", "lonely-or"]),
        ("foo:bar", ["foo:bar"], ["unknown-field"]),
        ('foo:"a b"', ["foo:", "a b"], ["unknown-field"]),
        ("http://example.org/", ["http://example.org/"], []),
        ("习近平：讲话", ["习近平：讲话"], []),
        ("title:", ["title:"], ["empty-field"]),
        ("year:abc", ["year:abc"], ["bad-year"]),
        ("year:2021..2019", ["year:2021..2019"], ["bad-year"]),
        ("year:..", ["year:.."], ["bad-year"]),
        ("a & b", ["a", "b"], ["no-word"]),
        ("", [], ["empty"]),
        ('"" ， \ud800', [], ["no-word", "empty"]),
    ],
)
def test_broken_syntax_is_taken_literally_and_noted(q, wanted, notes):
    query = parse(q)
    assert [option.text for clause in query.clauses for option in clause.options] == wanted
    assert list(dict.fromkeys(code for code, _text in query.notes)) == notes
    assert query.empty == (not wanted)
    for language in ("en", "zh-hans"):
        with translation.override(language):
            assert len(said(query)) == len(query.notes) + (not query.empty and bool(notes))


def test_every_note_is_a_whole_sentence():
    for sentence in NOTES.values():
        assert "%" not in str(sentence) % {"text": "x"}


@pytest.mark.parametrize(
    ("q", "sentences"),
    [
        ("a 数据", []),
        ("a -b", ["Read as: “a”, and not “b”."]),
        ("-b -c", ["Read as: everything but “b” or “c”."]),
        ("a b OR c", ["Read as: “a” and either “b” or “c”."]),
        ("a OR b", ["Read as: “a” or “b”."]),
        ('title:"x y" author:z area:w', ["Read as: “x y” in the title, the author “z” and the area “w”."]),
        ("year:2019", ["Read as: the year 2019."]),
        ("year:2019..2021 -year:2020", ["Read as: the years 2019 to 2021, and not the year 2020."]),
        ("year:2019.. year:..2021", ["Read as: the years from 2019 on and the years up to 2021."]),
        ('"a', ["Read as: “a”.", "A quotation mark without its partner was passed over."]),
        ("", ["There is no word to look for."]),
    ],
)
def test_a_query_is_said_in_words(q, sentences):
    with translation.override("en"):
        assert said(parse(q)) == sentences


def test_too_many_words_are_refused_in_a_sentence():
    assert len(parse(" ".join("a" * TERMS)).clauses) == TERMS
    for q in ("a " * (TERMS + 1), "，".join(map(str, range(TERMS + 1))), "「 " * 10_000, "a OR " * 10_000):
        with pytest.raises(TooManyWords, match=str(TERMS)):
            parse(q)


SYNTAX = (
    *(
        "OR",
        " OR ",
        "-",
        "－",
        '"',
        "“",
        "”",
        "「",
        "」",
        "『",
        "』",
        "＂",
        ":",
        "：",
        " ",
        "\u3000",
        "(",
        ")",
        "*",
        "^",
    ),
    *("title:", "标题：", "author:", "year:", "年份：", "area:", "foo:", "2019", "..", "至", "2021", "–", "..2021"),
    *(
        "NEAR(a b)",
        "a AND b",
        "{t}: x",
        "'; DROP TABLE x;--",
        "%",
        "_",
        "\\",
        "<->",
        "!a",
        "&",
        "|",
        ":*",
        "''",
        "\x00",
    ),
    *("数据", "网", "5G网络", "AI", "GPT-4", "a", "\ud800", "\udfff", "\u202e", "\u0301", "😀", "\n", "\x1b"),
)
hostile = st.lists(st.sampled_from(SYNTAX) | st.characters(), max_size=30).map("".join)


@settings(max_examples=5000)
@given(hostile)
def test_hostile_queries_are_read_and_read_the_same_again(q):
    try:
        query = parse(q)
    except TooManyWords:
        return
    again = str(query)
    again.encode()
    assert parse(again) == query, again
    assert str(parse(again)) == again
    for sentence in said(query):
        sentence.encode()
    assert query.empty == (not again)
    for clause in query.clauses:
        assert clause.options and not (clause.negated and len(clause.options) > 1)
        assert all(bool(option.phrases) != bool(option.years) for option in clause.options)


def test_the_wanted_phrases_of_a_query_are_those_to_highlight():
    query = parse("a OR b -c title:d year:2019 a")
    assert query.phrases == (*phrases("a"), *phrases("b"), *phrases("d"))


# What a reader is shown


@pytest.mark.parametrize(
    ("text", "query", "wanted"),
    [
        ("总统拜登说", "拜登", "总统[拜登]说"),
        ("建设５Ｇ 網絡。", "5G网络", "建设[５Ｇ 網絡]。"),
        ("Trade Policies and GPT-4", "policy gpt", "Trade [Policies] and [GPT]-4"),
        ("人人人", "人人", "[人人人]"),
        ("数据安全", "数据 据安", "[数据安]全"),
        ("在㍿里", "会", "在[㍿]里"),
        ("把①②③", "123", "把[①②③]"),
        ("cafe\u0301s ok", "Cafés", "[cafe\u0301s] ok"),
        ("无", "有", "无"),
        ("", "有", ""),
    ],
)
def test_highlights(text, query, wanted):
    done = highlight(text, parse(query).phrases)
    assert "".join(f"[{fragment}]" if hit else fragment for fragment, hit in done) == wanted


@settings(max_examples=1000)
@given(text_and_query())
def test_highlights_are_the_text_and_every_hit_is_a_phrase(drawn):
    text, query = drawn
    wanted = phrases(query)
    fragments = highlight(text, wanted)
    assert "".join(fragment for fragment, _hit in fragments) == text
    assert any(hit for _fragment, hit in fragments) == bool(found(text, wanted))
    assert all(before[1] != after[1] for before, after in pairwise(fragments))


LONG = "开头一句。" * 30 + "为维护网络安全，政府应当建立数据分级制度。" + "结尾一句。" * 30


def test_a_snippet_shows_the_hit_between_sentence_ends():
    before, *middle, after = snippet(LONG, parse("数据").phrases)
    assert before == after == ("…", False)
    assert ("数据", True) in middle
    shown = "".join(fragment for fragment, _hit in middle)
    assert shown in LONG and shown.startswith("开头") and shown.endswith("一句。") and len(shown) <= 120


def test_a_snippet_prefers_the_place_that_shows_most_phrases():
    text = "数据。" + "别的话。" * 60 + "网络与数据。" + "别的话。" * 60
    shown = snippet(text, parse("数据 网络").phrases)
    assert {fragment for fragment, hit in shown if hit} == {"数据", "网络"}


def test_a_snippet_without_a_hit_is_the_beginning_and_a_short_text_is_whole():
    assert snippet("短文。", phrases("无")) == [("短文。", False)]
    (shown, _hit), end = snippet(LONG, phrases("无"))
    assert LONG.startswith(shown) and end == ("…", False)
    assert snippet("", phrases("无")) == []


def test_a_snippet_parts_no_word_and_joins_printed_lines():
    text = "international organisations cooperate " * 20 + "on 数\n据 " + "international organisations cooperate " * 20
    shown = snippet(text, phrases("数据"))
    assert ("数据", True) in shown
    assert set("".join(f for f, _h in shown).strip("…").replace("数据", " ").split()) <= set(text.split())


@settings(max_examples=1000)
@given(text_and_query(), st.integers(0, 20), st.integers(1, 60))
def test_a_snippet_shows_a_hit_where_there_is_one(drawn, times, width):
    text, query = drawn
    text = "x数。" * times + text + " y据" * times
    wanted = phrases(query)
    shown = snippet(text, wanted, width)
    assert any(hit for _fragment, hit in shown) == bool(found(text, wanted))
    longest = max((len(fragment) for fragment, hit in highlight(text, wanted) if hit), default=0)
    assert sum(len(fragment) for fragment, _hit in shown) <= max(width, longest) + 2


@settings(max_examples=300)
@given(st.lists(printed, max_size=4))
def test_texts_one_after_another_are_one_text_with_breaks_between(texts):
    assert all_tokens(texts) == tokens(BREAK.join(filter(None, texts)))
