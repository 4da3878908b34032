"""Words: how text becomes tokens, how a query is read, and what a reader is shown of the place it was found at.

One model underlies everything. A folded text is a row of *units*: a Han character (kana and hangul stand with Han, for
they know no blanks), a whole word of any other letters and digits, or a break, which is any punctuation. White space
separates words and is nothing else, so `5G 网络` is `5G网络`. The characters that join words in names, as in GPT-4,
U.S. and R&D, separate words without being a break. A phrase is found where its units stand side by side.

The same truth is told three ways, each exact, so that any database can tell it:

- `tokens`: one token a unit. A Han character is the bigram it begins, the last of its run a token by itself, so a
  phrase is tokens side by side, and a lone Han character at its end a prefix.
- `normal` and `Phrase.like`: a plain substring search, words between blanks, breaks one character.
- `contains`: a regular expression over the folded text, which also says where, for highlights.

Nothing here touches the database.
"""

import re
import unicodedata
from bisect import bisect
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, reduce
from importlib.resources import files
from itertools import pairwise
from operator import add

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from portal.text import listed

BREAK = "·"  # no letter and no ASCII: never a word, and one token to both databases; fields are joined by it
WHOLE = "≡"  # begins the token of a whole name
LONGEST = 255  # letters of a word; a longer run is data, not language, and PostgreSQL takes no lexeme over 2,046 bytes
TERMS = 20  # words of one query
TOKENS_MAX = 16_000  # PostgreSQL counts the places of words in one entry no further

# Han, kana, bopomofo and hangul; planes 2 and 3 are all Han
HAN = (
    r"\u1100-\u11ff\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3041-\u3096\u309d-\u309f\u30a1-\u30fa"
    r"\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97c\uac00-\ud7fb"
    r"\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
LETTER = rf"[^\W_{HAN}]"
JOINT = r"[-‐–'’./&]"
ONE_HAN, TWO_LETTERS = re.compile(f"[{HAN}]"), re.compile(LETTER * 2)
UNIT = re.compile(
    rf"(?P<han>[{HAN}](?:\s*+[{HAN}])*+)"
    rf"|(?P<word>{LETTER}{{1,{LONGEST}}}+(?!{LETTER}))"
    rf"|(?P<stop>{LETTER}++|(?!(?<={LETTER}){JOINT}{LETTER})(?:[^{HAN}\w\s]|_)++)"
)
# The same for text that is all ASCII, which is most of the English: units alone, several times faster
ASCII_UNIT = re.compile(r"[a-z0-9]++|(?!(?<=[a-z0-9])[-'./&][a-z0-9])[^a-z0-9\s]++")


# Folding


class Simpler(dict):
    """Code point -> what stands for it: simplified for traditional, nothing for marks and invisible characters."""

    def __missing__(self, code):
        self[code] = None if unicodedata.category(chr(code)) in ("Mn", "Mc", "Me", "Cf") else code
        return self[code]


def traditional():
    """Yield (traditional, simplified) characters, the first choice of OpenCC where it knows several."""
    lines = files("opencc").joinpath("dictionary", "TSCharacters.txt").read_text(encoding="utf-8").splitlines()
    for char, simplified in (line.split("\t") for line in lines):
        yield ord(char), simplified.split()[0]


SIMPLER = Simpler(traditional())


def fold(text):
    """Return text as it is compared: NFKC, case folded, simplified, without marks that no letter absorbs."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return folded.translate(SIMPLER)


@lru_cache(maxsize=1 << 16)
def folds_to(char):
    """Return how many characters one becomes when folded, or 0 for one that joins or follows the one before it."""
    first = unicodedata.normalize("NFKC", char)[0]
    if "\u1160" <= first <= "\u11ff" or SIMPLER[ord(first)] is None:  # jamo make a syllable of the ones before
        return 0
    return len(fold(char))


class Folded:
    """A text seen through its fold: folded character i comes from text[starts[i]:ends[i]]."""

    def __init__(self, text):
        self.folded, self.starts, self.ends = fold(text), range(len(text)), range(1, len(text) + 1)
        if all(folds_to(char) == 1 for char in set(text)):
            return
        self.starts, self.ends = [], []
        cuts = [at for at, char in enumerate(text) if at and folds_to(char)]
        for start, end in pairwise([0, *cuts, len(text)]):
            n = (end - start == 1 and folds_to(text[start])) or len(fold(text[start:end]))
            self.starts += [start] * n
            self.ends += [end] * n


# Units, tokens and phrases


def singular(word):
    """Return an English word without the s of its plural (Harman's S-stemmer): policies -> policy, states -> state."""
    if len(word) <= 3 or word[-1] != "s" or not (word.isascii() and word.isalpha()):
        return word
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return f"{word[:-3]}y"
    return word if word.endswith(("us", "ss")) else word[:-1]


@lru_cache(maxsize=1 << 10)  # what is asked for again is mostly asked for at once: the tokens of a name, then its whole
def runs(text):
    """Return the units of a text, Han in runs: (“han”, “网络”), (“word”, “5g”), (“stop”, “·”), no stop at the ends."""
    done, folded = [], fold(text)
    if folded.isascii():
        for run in ASCII_UNIT.findall(folded):
            if run[0].isalnum() and len(run) <= LONGEST:
                done.append(("word", singular(run) if run[-1] == "s" else run))
            elif done and done[-1][0] != "stop":
                done.append(("stop", BREAK))
        if done and done[-1][0] == "stop":
            done.pop()
        return tuple(done)
    for match in UNIT.finditer(folded):
        kind, run = match.lastgroup, match[0]
        if kind == "han":
            done.append((kind, "".join(run.split())))
        elif kind == "word":
            done.append((kind, singular(run)))
        elif done and done[-1][0] != kind:
            done.append((kind, BREAK))
    if done and done[-1][0] == "stop":
        done.pop()
    return tuple(done)


def tokens(text):
    """Return the index tokens of a text in order, one a unit: 5G网络。GPT-4 -> 5g 网络 络 · gpt 4."""
    done = []
    for kind, run in runs(text):
        if kind == "han":
            done += map(add, run, run[1:])
            done.append(run[-1])
        else:
            done.append(run)
    return done


def all_tokens(texts):
    """Return the index tokens of texts in order, a break between any two that have some: no phrase runs across."""
    done = []
    for text in texts:
        if text and (more := tokens(text)):
            done += [BREAK, *more] if done else more
    return done


def normal(text):
    """Return the form of a text in which `Phrase.like` is a plain substring: 5G网络。GPT-4 -> “ 5g 网络· gpt 4 ”."""
    return "".join(f" {run} " if kind == "word" else run for kind, run in runs(text)).replace("  ", " ")


@dataclass(frozen=True)
class Phrase:
    """Tokens that stand side by side; with `prefix` the last one, a lone Han character, is how a token begins."""

    words: tuple[str, ...]
    prefix: bool

    @property
    def units(self):
        """Return Han characters and words: (网络, 络, 5g) -> 网 络 5g."""
        *most, last = self.words
        return [word[0] if is_han(word) else word for word in most] + (list(last) if is_han(last) else [last])

    @property
    def like(self):
        """Return what is a substring of `normal(text)` where the text holds the phrase; no % _ or backslash in it."""
        return "".join(unit if is_han(unit) else f" {unit} " for unit in self.units).replace("  ", " ")

    @cached_property
    def pattern(self):
        """Return a regular expression for the phrase in folded text, of which `places` drops what parts a word."""
        parts, before = [], ""
        for unit in self.units:
            apart = before and not is_han(before) and not is_han(unit)
            gap = rf"(?:\s+|{JOINT})" if apart else r"\s*" if before else ""
            forms = [form for form in (f"{unit}s", f"{unit[:-1]}ies") if singular(form) == unit]
            parts.append(f"{gap}(?:{'|'.join([*forms, unit])})")
            before = unit
        return re.compile("".join(parts))

    def places(self, folded):
        """Yield (start, end) of every place in a folded text, overlapping ones included."""
        match = self.pattern.search(folded)
        while match:
            if not in_word(folded, match.start()) and not in_word(folded, match.end()):
                yield match.span()
            match = self.pattern.search(folded, match.start() + 1)


def whole(text):
    """Return the phrase that finds what is called exactly so, in `names`; None where nothing is left of the text."""
    return next((Phrase((token,), False) for token in names([text])), None)


def names(texts):
    """Return tokens that stand for whole names, for `whole` to find; no word can be one of them."""
    units = ("".join([unit for kind, unit in runs(text) if kind != "stop"]) for text in texts)
    return [WHOLE + name[:LONGEST] for name in units if name]


def indexed(head, body):
    """Return (tokens of texts that carry more weight, tokens of the others), as many as an entry can hold."""
    first = (all_tokens(head) + names(head))[:TOKENS_MAX]
    return first, all_tokens(body)[: TOKENS_MAX - len(first)]


def vector(head, body):
    """Return tokens as the literal of a `tsvector`; no phrase runs from head to body, for a place between is free."""
    marked = [f"'{word}':{n}A" for n, word in enumerate(head, 1)]
    marked += [f"'{word}':{n}" for n, word in enumerate(body, len(head) + 2)]
    return " ".join(marked)


def vectors(texts):
    """Return the literals of [(head, body)], texts as `indexed` takes them."""
    return [vector(*indexed(*told)) for told in texts]


def columns(texts):
    """Return the same for FTS5, [(tokens of the head, tokens of the body)] with blanks between."""
    return [tuple(map(" ".join, indexed(*told))) for told in texts]


def is_han(token):
    return ONE_HAN.match(token) is not None


def in_word(text, at):
    """Tell whether a cut at this place would part a word."""
    return at > 0 and TWO_LETTERS.match(text, at - 1) is not None


def phrases(text):
    """Return the phrases one query word or quotation asks for, more than one where punctuation parts it."""
    done, words = [], []
    row = runs(text)
    for i, (kind, run) in enumerate(row):
        last = i + 1 == len(row) or row[i + 1][0] == "stop"
        if kind == "han":
            words += [run[i : i + 2] for i in range(len(run) - (last and len(run) > 1))]
        elif kind == "word":
            words.append(run)
        if kind != "stop" and last:
            done.append(Phrase(tuple(words), kind == "han" and len(run) == 1))
            words = []
    return list(dict.fromkeys(done))


def contains(text, phrase):
    """Tell whether a text holds a phrase."""
    return bool(found(text, [phrase]))


def found(text, phrases):
    """Return the set of those phrases that a text holds."""
    folded = fold(text)
    return {phrase for phrase in phrases if any(phrase.places(folded))}


# The query language


class TooManyWords(ValueError):
    """A query of more than `TERMS` words."""

    def __str__(self):
        return _("A query has at most %(n)s words; leave some out, or put a phrase in quotation marks.") % {"n": TERMS}


@dataclass(frozen=True)
class Term:
    """One thing asked for: the phrases of a text, all of them, in a field or ("") anywhere; or years, ends included."""

    field: str
    text: str
    phrases: tuple[Phrase, ...] = ()
    years: tuple[int | None, int | None] | None = None

    def __str__(self):
        name = f"{self.field}:" if self.field else ""
        return name + (self.text if self.years or PLAIN.fullmatch(self.text) else quoted(self.text))


@dataclass(frozen=True)
class Clause:
    """Any of the options; or, negated, none of them."""

    negated: bool
    options: tuple[Term, ...]

    def __str__(self):
        return "-" * self.negated + " OR ".join(map(str, self.options))


@dataclass(frozen=True)
class Query:
    """All of the clauses. `notes` are the facts of how it was read, (code, text), codes as in `NOTES`.

    `named` keeps what `portal.finding` has found to be called so, which it wants to know of one query many times.
    """

    clauses: tuple[Clause, ...]
    notes: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    named: dict = field(default_factory=dict, compare=False, repr=False)

    def __str__(self):
        """Return the query as its syntax has it: `parse` reads it as this query again."""
        return " ".join(map(str, self.clauses))

    @property
    def empty(self):
        return not self.clauses

    @property
    def phrases(self):
        """Return every phrase that is wanted, in any field: what a hit has highlighted."""
        terms = [term for clause in self.clauses if not clause.negated for term in clause.options]
        return tuple(dict.fromkeys(phrase for term in terms for phrase in term.phrases))


CHINESE = {"标题": "title", "作者": "author", "领域": "area", "年份": "year"}
FIELDS = CHINESE | {name: name for name in CHINESE.values()}
QUOTES = (('"', '"', '"“”＂'), ("「", "」", "」"), ("『", "』", "』"))  # opening, closing, what a text so quoted lacks
ITEM = re.compile(
    rf"""(?P<minus>(?<!\S)[-－])?
    (?:(?P<field>{"|".join(FIELDS)}|標題|領域)[:：]\s*)?
    (?:["“”＂](?P<double>[^"“”＂]*)["“”＂]|「(?P<corner>[^」]*)」|『(?P<white>[^』]*)』
    |(?P<word>(?:[^\s:：]|[:：](?!["“”＂「『]))+[:：]?|\S))""",
    re.VERBOSE | re.IGNORECASE,
)
PLAIN = re.compile(r"(?!OR$)[^\W_][\w.'’/&-]*")
STRAY = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters and halves of surrogate pairs
YEARS = re.compile(r"([12]\d{3})?年?(?:(\.{2,3}|[-‐–—~至到])(?:([12]\d{3})年?)?)?", re.ASCII)

NOTES = {
    "unbalanced-quote": gettext_lazy("A quotation mark without its partner was passed over."),
    "lonely-minus": gettext_lazy("“-” was passed over, for it leaves out only a word that follows it without a blank."),
    "lonely-or": gettext_lazy("“OR” was read as a word, for it stands between no two words that are looked for."),
    "unknown-field": gettext_lazy(
        "“%(text)s” is no field and was read as a word; fields are title:, author:, area: and year:."
    ),
    "empty-field": gettext_lazy("Nothing follows “%(text)s”, so it was read as a word."),
    "bad-year": gettext_lazy("“%(text)s” is no year and no range such as 2019..2021, so it was read as words."),
    "no-word": gettext_lazy("“%(text)s” holds no letter and no digit and was passed over."),
    "empty": gettext_lazy("There is no word to look for."),
}
IN_FIELD = {
    "": pgettext_lazy("search", "“%(text)s”"),
    "title": pgettext_lazy("search", "“%(text)s” in the title"),
    "author": pgettext_lazy("search", "the author “%(text)s”"),
    "area": pgettext_lazy("search", "the area “%(text)s”"),
}


def quoted(text):
    """Return a text between quotation marks that it does not hold; `read` sees to it that there are some."""
    return next(f"{left}{text}{right}" for left, right, lacks in QUOTES if not set(lacks) & set(text))


def term(text, name=""):
    text = " ".join(text.split())
    return Term(name, text, tuple(phrases(text)))


def years(text):
    """Read 2019, 2019..2021, ..2021 or 2019.. as (from, to), either end None where open; else return None."""
    match = YEARS.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if not match or not (match[1] or match[3]):
        return None
    start, end = (int(year) if year else None for year in (match[1], match[3] if match[2] else match[1]))
    return None if start and end and start > end else (start, end)


OR = (False, term("OR"))  # the operator, by identity; where it joins nothing it is what it says


def read(match):
    """Read one item of a query as (item, notes): (negated, term), or OR, or None where nothing is asked for."""
    word, notes = match["word"], []
    value = next(group for group in match.group("double", "corner", "white", "word") if group is not None)
    name, negated = FIELDS[fold(match["field"])] if match["field"] else "", bool(match["minus"])
    if word == "OR" and not name and not negated:
        return OR, notes
    if name == "year":
        span = years(value)
        if span:
            start, end = (str(year or "") for year in span)
            return (negated, Term("year", start if start == end else f"{start}..{end}", (), span)), notes
        notes.append(("bad-year", value))
        name, value = "", f"{match['field']}:{value}"
    if word:
        if word[0] in '"“”＂「『':
            notes.append(("unbalanced-quote", ""))
        unknown = re.match(r"([A-Za-z]+[:：])(?!//)", word)
        if unknown and not name and not match["field"]:
            code = "empty-field" if fold(unknown[1][:-1]) in FIELDS else "unknown-field"
            notes.append((code, unknown[1]))
        # Without 』 there are always quotation marks left to quote it by
        value = re.sub(r"^[\W_]+", "", value).replace("』", BREAK)
    done = term(value, name)
    if done.phrases:
        return (negated, done), notes
    return None, [*notes, ("lonely-minus", "") if word in ("-", "－") else ("no-word", match[0])]


def joins(items, i):
    """Tell whether item i is an OR between two terms that are both wanted."""
    around = items[i - 1 : i] + items[i + 1 : i + 2]
    return items[i] is OR and len(around) == 2 and all(item is not OR and not item[0] for item in around)


def parse(q):
    """Read a query: words and "phrases" that must all be there, -not, OR between neighbours, fields.

    What is broken is taken literally and noted. Raises TooManyWords.
    """
    items, notes, clauses = [], [], []
    for n, match in enumerate(ITEM.finditer(STRAY.sub(" ", q))):
        if n > 2 * TERMS:
            raise TooManyWords
        item, facts = read(match)
        items += [item] if item else []
        notes += facts
    for i, (negated, wanted) in enumerate(items):
        if joins(items, i):
            continue
        if i and joins(items, i - 1):
            clauses[-1] = Clause(False, (*clauses[-1].options, wanted))
        else:
            clauses.append(Clause(negated, (wanted,)))
        if items[i] is OR:
            notes.append(("lonely-or", ""))
    if sum(len(term.phrases) or 1 for clause in clauses for term in clause.options) > TERMS:
        raise TooManyWords
    return Query(tuple(clauses), tuple(dict.fromkeys(notes if clauses else [*notes, ("empty", "")])))


def in_words(term):
    """Return a term as a sentence names it."""
    if not term.years:
        return IN_FIELD[term.field] % {"text": term.text}
    start, end = term.years
    if start == end:
        return pgettext("search", "the year %(year)s") % {"year": start}
    if start and end:
        return pgettext("search", "the years %(start)s to %(end)s") % {"start": start, "end": end}
    if start:
        return pgettext("search", "the years from %(year)s on") % {"year": start}
    return pgettext("search", "the years up to %(year)s") % {"year": end}


def any_of(terms):
    pair = pgettext("list", "%(first)s or %(last)s")
    return reduce(lambda done, last: pair % {"first": done, "last": last}, map(in_words, terms))


def said(query):
    """Return how a query was read, in sentences; none where it is plain words and nothing was taken literally."""
    wanted = [clause.options for clause in query.clauses if not clause.negated]
    unwanted = [term for clause in query.clauses if clause.negated for term in clause.options]
    notes = [str(NOTES[code]) % {"text": text} for code, text in query.notes]
    plain = all(len(terms) == 1 and not terms[0].field and " " not in terms[0].text for terms in wanted)
    if query.empty or (plain and not unwanted and not notes):
        return notes
    either = pgettext("search", "either %(options)s") if len(wanted) > 1 else "%(options)s"
    facts = {
        "wanted": wanted and listed((either if o[1:] else "%(options)s") % {"options": any_of(o)} for o in wanted),
        "unwanted": unwanted and any_of(unwanted),
    }
    if not unwanted:
        return [_("Read as: %(wanted)s.") % facts, *notes]
    if not wanted:
        return [_("Read as: everything but %(unwanted)s.") % facts, *notes]
    return [_("Read as: %(wanted)s, and not %(unwanted)s.") % facts, *notes]


# What a reader is shown

SENTENCE_END = re.compile(r"[。！？；!?][”’」』）]*|(?<!\W[A-Z])[.;]\s|\n\s*\n")
LINE_BREAK = re.compile(rf"(?<=[{HAN}，。；：、！？”])\s+(?=[{HAN}“])")


def hits(text, phrases):
    """Return (start, end, number of the phrase) of every hit in the text as printed, in order."""
    seen = Folded(text)
    places = ((place, i) for i, phrase in enumerate(phrases) for place in phrase.places(seen.folded))
    return sorted((seen.starts[start], seen.ends[end - 1], i) for (start, end), i in places)


def highlight(text, phrases):
    """Return the text in fragments, (fragment, is a hit); together they are the text, and hits that touch are one."""
    marks = []
    for start, end, _i in hits(text, phrases):
        if marks and start <= marks[-1][1]:
            marks[-1][1] = max(end, marks[-1][1])
        else:
            marks.append([start, end])
    fragments, at = [], 0
    for start, end in marks:
        fragments += [(text[at:start], False), (text[start:end], True)]
        at = end
    return [fragment for fragment in [*fragments, (text[at:], False)] if fragment[0]]


def snippet(text, phrases, width=120):
    """Return highlighted fragments of the first stretch of about `width` characters that shows most of the phrases.

    Cut at sentence ends where there is one near, else between words; “…” stands where it was cut, and blanks between
    Han characters, where printed lines broke, are left out.
    """
    places = hits(text, phrases)[:1000]  # enough to choose from; a text of one character repeated has any number
    start = end = most = 0
    for i, (first, last, _i) in enumerate(places):
        inside = [place for place in places[i : bisect(places, (first + width,))] if place[1] <= first + width]
        shown = len({place[2] for place in inside}) or 1
        if shown > most:
            most, start, end = shown, first, max((place[1] for place in inside), default=last)
    spare = max(0, width - (end - start))
    right = min(len(text), max(0, start - spare // 2) + max(width, end - start))
    left = max(0, min(start, right - width))
    near = width // 3
    if left:
        stop = SENTENCE_END.search(text, left, min(start, left + near))
        left = stop.end() if stop else left
        while left < start and (in_word(text, left) or not folds_to(text[left])):
            left += 1
    if right < len(text):
        right = max((m.end() for m in SENTENCE_END.finditer(text, max(end, right - near), right)), default=right)
        while right > end and (in_word(text, right) or not folds_to(text[right])):
            right -= 1
    fragments = highlight(LINE_BREAK.sub("", text[left:right].strip()), phrases)
    return [("…", False)] * (left > 0) + fragments + [("…", False)] * (right < len(text))
