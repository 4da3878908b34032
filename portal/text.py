"""Text arithmetic: squeezing, digests, spans, partial dates, names, languages, lists in words.

Nothing here touches the database.

Evidence is a W3C text-position selector over the *squeezed* source, i.e. the source text with every Unicode
white-space character removed. Squeezed offsets survive re-flowing: a line broken elsewhere changes no offset.
"""

import hashlib
import re
import unicodedata
from array import array
from datetime import date
from functools import lru_cache, reduce

from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import get_language, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

SPAN_MIN = 12
SPAN_MAX = 60
DIGEST_LENGTH = 12

LANGUAGE_TAGS = {"zh": "zh-Hans", "en": "en"}  # suffix of a field or prefix of an address -> BCP 47, for `lang`

PARTIAL_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)


def languages():
    """Return the suffixes of the fields to show, the page's language first: ("zh", "en") or ("en", "zh")."""
    return ("en", "zh") if get_language() == "en" else ("zh", "en")


def told(row, field):
    """Return `field` of a row in the page's language, else in the other."""
    first, second = languages()
    return getattr(row, f"{field}_{first}", "") or getattr(row, f"{field}_{second}", "")


def squeeze(text):
    """Return text without any Unicode white space."""
    return "".join(text.split())


def digest(fragment):
    """Return the first twelve hex digits of the SHA-256 of an already squeezed fragment."""
    return hashlib.sha256(fragment.encode()).hexdigest()[:DIGEST_LENGTH]


def occurrences(fragment, text, start=0, end=None):
    """Return every offset in text[start:end] at which fragment begins, overlapping ones included."""
    end = len(text) if end is None else end
    found = []
    at = text.find(fragment, start, end) if fragment else -1
    while at >= 0:
        found.append(at)
        at = text.find(fragment, at + 1, end)
    return found


def reflow(text):
    """Join printed lines: white space goes where Han or full-width text touches it, else becomes one blank.

    Quotation marks and dashes are of the width of what they belong to.
    """

    def join(match):
        before = re.search(rf"(\S?)[{EITHER}]*$", text[max(0, match.start() - NEAR) : match.start()])[1]
        after = re.match(rf"[{EITHER}]*(\S?)", text[match.end() : match.end() + NEAR])[1]
        return " " if before and after and not (is_wide(before) or is_wide(after)) else ""

    return re.sub(r"\s+", join, text)


EITHER = "“”‘’—…·"
NEAR = 6  # characters at most that stand between a blank and what tells its width


def is_wide(char):
    """Tell whether a character is set in a full Han square: Han, kana, full-width forms, and Chinese punctuation."""
    return unicodedata.east_asian_width(char) in "WF" or char in f"{EITHER}①②③④⑤⑥⑦⑧⑨"


class SqueezedText:
    """A source text seen through its squeezed form.

    `squeezed` is the text without white space; `offsets[i]` is the place of squeezed character i in the original, so a
    quotation can be shown as printed, with the blanks between Latin words.
    """

    def __init__(self, text):
        self.text = text
        self.offsets = array("I", (i for i, char in enumerate(text) if not char.isspace()))
        self.squeezed = squeeze(text)

    def __len__(self):
        return len(self.squeezed)

    def slice(self, start, end):
        """Return squeezed characters start to end as they read in print: re-flowed, with blanks between Latin words."""
        start, end = max(0, start), min(end, len(self.offsets))
        if start >= end:
            return ""
        return reflow(self.text[self.offsets[start] : self.offsets[end - 1] + 1])

    def digest(self, start, end):
        """Return the digest of a span, or None when the span does not lie inside the text."""
        if not 0 <= start < end <= len(self.squeezed):
            return None
        return digest(self.squeezed[start:end])

    def around(self, start, end, low=0, high=None, width=80):
        """Return (before, quotation, after), the neighbourhood cut at sentence ends within `width` characters."""
        high = len(self) if high is None else high
        left, right = max(low, start - width), min(high, end + width)
        stops = [m.end() for m in re.finditer(r"[。！？；]", self.squeezed[left:start])]
        if stops and left > low:
            left += stops[0]
        tail = [m.end() for m in re.finditer(r"[。！？；]", self.squeezed[end:right])]
        if tail and right < high:
            right = end + tail[-1]
        return self.slice(left, start), self.slice(start, end), self.slice(end, right)


def validate_partial_date(value):
    """Refuse what is not YYYY, YYYY-MM or YYYY-MM-DD, or names a day that does not exist."""
    match = PARTIAL_DATE.fullmatch(value)
    if not match:
        raise ValidationError(
            _("“%(value)s” is not a date of the form 2021, 2021-02 or 2021-02-03."), "invalid", {"value": value}
        )
    year, month, day = (int(part) if part else 1 for part in match.groups())
    try:
        date(year, month, day)
    except ValueError as error:
        raise ValidationError(_("“%(value)s” is not a date in the calendar."), "invalid", {"value": value}) from error


@lru_cache(maxsize=1 << 10)  # the name of a row is spelt for its sort key, and again for the index of its names
def pinyin(name):
    """Return a name's sort key: lower-case pinyin for Han, plain letters for the rest, one blank between syllables."""
    if not name.isascii():
        from pypinyin import lazy_pinyin  # here, for its tables take long to read, and only who writes needs them

        name = " ".join(lazy_pinyin(name))
    text = unicodedata.normalize("NFKD", name)
    text = "".join(c for c in text if not unicodedata.combining(c))
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def name_index(*names):
    """Return the words to look a name up by: the names, their pinyin in syllables and run together, initials."""
    words = []
    for name in filter(None, names):
        syllables = pinyin(name).split()
        words += [
            unicodedata.normalize("NFKC", name).lower(),
            " ".join(syllables),
            "".join(syllables),
            "".join(s[0] for s in syllables),
        ]
    return "\n".join(dict.fromkeys(words))


NUMBERS = (
    pgettext_lazy("number", "one"),
    pgettext_lazy("number", "two"),
    pgettext_lazy("number", "three"),
    pgettext_lazy("number", "four"),
    pgettext_lazy("number", "five"),
    pgettext_lazy("number", "six"),
    pgettext_lazy("number", "seven"),
    pgettext_lazy("number", "eight"),
    pgettext_lazy("number", "nine"),
)


def number(n):
    """Return a number as running text sets it: one to nine in words."""
    return str(NUMBERS[n - 1]) if 1 <= n <= len(NUMBERS) else str(n)


def listed(items):
    """Return items as one list in words: “a”, “a and b”, “a, b and c”."""
    *most, last = [str(item) for item in items]
    if not most:
        return last
    comma = pgettext("list", "%(first)s, %(second)s")
    first = reduce(lambda done, item: comma % {"first": done, "second": item}, most)
    return pgettext("list", "%(first)s and %(last)s") % {"first": first, "last": last}


def joined(sentences):
    """Return sentences as one text, each with a capital where the script has one."""
    pair = pgettext("two sentences", "%(first)s %(second)s")
    done = [capfirst(str(sentence)) for sentence in sentences if sentence]
    return reduce(lambda text, sentence: pair % {"first": text, "second": sentence}, done) if done else ""
