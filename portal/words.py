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
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files

BREAK = "·"  # no letter and no ASCII: never a word, and one token to both databases; fields are joined by it
LONGEST = 255  # letters of a word; a longer run is data, not language, and PostgreSQL takes no lexeme over 2,046 bytes

# Han, kana, bopomofo and hangul; planes 2 and 3 are all Han
HAN = (
    r"\u1100-\u11ff\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3041-\u3096\u309d-\u309f\u30a1-\u30fa"
    r"\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97c\uac00-\ud7fb"
    r"\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
LETTER = rf"[^\W_{HAN}]"
JOINT = r"[-‐–'’./&]"
UNIT = re.compile(
    rf"(?P<han>[{HAN}](?:\s*+[{HAN}])*+)"
    rf"|(?P<word>{LETTER}{{1,{LONGEST}}}+(?!{LETTER}))"
    rf"|(?P<stop>{LETTER}++|(?!(?<={LETTER}){JOINT}{LETTER})(?:[^{HAN}\w\s]|_)++)"
)


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
def width(char):
    """Return how many characters one becomes when folded, or 0 for one that joins or follows the one before it."""
    first = unicodedata.normalize("NFKC", char)[0]
    if "\u1160" <= first <= "\u11ff" or SIMPLER[ord(first)] is None:  # jamo make a syllable of the ones before
        return 0
    return len(fold(char))


class Folded:
    """A text seen through its fold: folded character i comes from text[starts[i]:ends[i]]."""

    def __init__(self, text):
        self.text, self.folded = text, fold(text)
        self.starts, self.ends = range(len(text)), range(1, len(text) + 1)
        odd = {char: width(char) for char in set(text) if width(char) != 1}
        if odd:
            self.starts, self.ends = [], []
            for start, end in self.stretches(odd):
                n = len(fold(text[start:end]))
                self.starts += range(start, end) if n == end - start else [start] * n
                self.ends += range(start + 1, end + 1) if n == end - start else [end] * n

    def stretches(self, odd):
        """Yield the stretches that fold by themselves: plain ones whole, else a character with what follows it."""
        every = "".join(map(re.escape, odd))
        following = "".join(re.escape(char) for char in odd if not odd[char])
        one = rf".[{following}]*" if following else "."
        for match in re.finditer(rf"[^{every}]+(?![{every}])|{one}", self.text, re.DOTALL):
            yield match.span()

    def spans(self, pattern):
        """Yield (start, end) in the text of every match of a pattern in the fold, overlapping ones included."""
        match = pattern.search(self.folded)
        while match:
            yield self.starts[match.start()], self.ends[match.end() - 1]
            match = pattern.search(self.folded, match.start() + 1)


# Units, tokens and phrases


def singular(word):
    """Return an English word without the s of its plural (Harman's S-stemmer): policies -> policy, states -> state."""
    if len(word) <= 3 or word[-1] != "s" or not (word.isascii() and word.isalpha()):
        return word
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return f"{word[:-3]}y"
    return word if word.endswith(("us", "ss")) else word[:-1]


def runs(text):
    """Return the units of a text, Han in runs: (“han”, “网络”), (“word”, “5g”), (“stop”, “·”), no stop at the ends."""
    done = []
    for match in UNIT.finditer(fold(text)):
        kind, run = match.lastgroup, match[0]
        if kind == "han":
            done.append((kind, "".join(run.split())))
        elif kind == "word":
            done.append((kind, singular(run)))
        elif done and done[-1][0] != kind:
            done.append((kind, BREAK))
    if done and done[-1][0] == "stop":
        done.pop()
    return done


def tokens(text):
    """Return the index tokens of a text in order, one a unit: 5G网络。GPT-4 -> 5g 网络 络 · gpt 4."""
    done = []
    for kind, run in runs(text):
        if kind == "han":
            done += [run[i : i + 2] for i in range(len(run))]
        else:
            done.append(run)
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
        """Return a regular expression that finds the phrase in folded text."""
        parts = []
        for before, unit in zip([None, *self.units], self.units, strict=False):
            if is_han(unit):
                parts.append(r"\s*" * (before is not None) + unit)
                continue
            gap = rf"(?<!{LETTER})" if before is None else r"\s*" if is_han(before) else rf"(?:\s+|{JOINT})"
            plurals = [word for word in (f"{unit}s", f"{unit[:-1]}ies") if singular(word) == unit]
            parts.append(rf"{gap}(?:{'|'.join([unit, *plurals])})(?!{LETTER})")
        return re.compile("".join(parts))


def is_han(token):
    return re.match(rf"[{HAN}]", token) is not None


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
    return phrase.pattern.search(fold(text)) is not None


def found(text, phrases):
    """Return the set of those phrases that a text holds."""
    folded = fold(text)
    return {phrase for phrase in phrases if phrase.pattern.search(folded)}
