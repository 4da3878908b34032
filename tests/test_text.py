"""Span arithmetic, partial dates and names."""

import re
import sys

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from portal.text import (
    SqueezedText,
    digest,
    name_index,
    occurrences,
    pinyin,
    reflow,
    squeeze,
    validate_partial_date,
)

BLANKS = [chr(c) for c in range(sys.maxunicode + 1) if chr(c).isspace()]
printed = st.text(st.sampled_from([*"中美对话机制，。！AI5G wto ", *BLANKS[:12], "\u3000", "\u2003"]), max_size=200)


def test_squeeze_knows_every_unicode_blank():
    assert squeeze("".join(f"中{blank}" for blank in BLANKS)) == "中" * len(BLANKS)
    assert squeeze("零\u200b宽不是空白") == "零\u200b宽不是空白"


@given(printed)
def test_offsets_lead_from_squeezed_to_printed(text):
    seen = SqueezedText(text)
    assert seen.squeezed == re.sub(r"\s", "", text)
    assert "".join(text[i] for i in seen.offsets) == seen.squeezed


@given(printed, st.data())
def test_a_slice_reads_like_the_span_and_proves_itself(text, data):
    seen = SqueezedText(text)
    start = data.draw(st.integers(0, len(seen)))
    end = data.draw(st.integers(start, len(seen)))
    assert squeeze(seen.slice(start, end)) == seen.squeezed[start:end]
    if start < end:
        assert seen.digest(start, end) == digest(seen.squeezed[start:end])
    else:
        assert seen.digest(start, end) is None


@given(printed, printed)
def test_digests_survive_reflowing(text, blanks):
    other = SqueezedText(" \n".join(squeeze(text)))
    seen = SqueezedText(text)
    assert len(other) == len(seen)
    assert other.digest(0, len(seen)) == seen.digest(0, len(seen))


@given(printed, st.data())
def test_the_neighbourhood_joins_up_and_stays_inside(text, data):
    seen = SqueezedText(text)
    low = data.draw(st.integers(0, len(seen)))
    high = data.draw(st.integers(low, len(seen)))
    start = data.draw(st.integers(low, high))
    end = data.draw(st.integers(start, high))
    before, quotation, after = (squeeze(part) for part in seen.around(start, end, low, high, width=10))
    assert quotation == seen.squeezed[start:end]
    assert seen.squeezed[low:start].endswith(before)
    assert seen.squeezed[end:high].startswith(after)


@given(st.text("中美", min_size=1, max_size=4), st.text("中美", max_size=40), st.integers(0, 10), st.integers(10, 50))
def test_occurrences_are_all_of_them(fragment, text, start, end):
    expected = [i for i in range(start, min(end, len(text)) - len(fragment) + 1) if text.startswith(fragment, i)]
    assert occurrences(fragment, text, start, end) == expected


def test_spans_outside_the_text_prove_nothing():
    seen = SqueezedText("中美对话")
    assert [seen.digest(-1, 2), seen.digest(2, 9), seen.digest(3, 3)] == [None, None, None]


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("中美\n\n对话", "中美对话"),
        ("Center for American \n\nProgress", "Center for American Progress"),
        ("与 AI\n等", "与AI等"),
        ("，\nWTO", "，WTO"),
        ("“志同\n道合”\n国家", "“志同道合”国家"),
    ],
)
def test_reflow(text, joined):
    assert reflow(text) == joined


@pytest.mark.parametrize("value", ["2021", "2021-02", "2020-02-29", "0001"])
def test_partial_dates(value):
    validate_partial_date(value)


@pytest.mark.parametrize(
    "value", ["2021-13", "2021-02-29", "21", "2021-2", "2021-02-03x", "２０２１", "0000", "2021-00"]
)
def test_impossible_dates(value):
    with pytest.raises(ValidationError):
        validate_partial_date(value)


def test_names_are_found_in_both_languages_and_pinyin():
    assert pinyin("上海国际问题研究院") == "shang hai guo ji wen ti yan jiu yuan"
    index = name_index("鲁传颖", "Lu Chuanying").split("\n")
    assert {"鲁传颖", "lu chuan ying", "luchuanying", "lcy", "lu chuanying"} <= set(index)
    assert pinyin("Visegrád Group") == "visegrad group"
