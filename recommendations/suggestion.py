"""Pairs of recommendations of different reports that may belong together: what they share, a score, a reason in words.

Pure functions on rows already fetched; nothing here asks the database. Both ends of a pair are treated alike, and the
order in which rows come changes nothing.
"""

import heapq
import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import reduce

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override, pgettext

from portal.text import listed, told
from recommendations.models import CrossReference

# How much each signal counts. Found by coordinate search over whole numbers from 0 to 8 for the best average precision
# on the confirmed relations of the shipped corpus; `python -m tests.benchmarks.suggestions` repeats the search, and
# measures what it is worth on pairs of documents that it has not seen.
WEIGHTS = {"questions": 8, "areas": 3, "addressees": 1, "instruments": 3, "action": 1, "text_zh": 8, "text_en": 8}

COMMON = 50  # what more recommendations than this have is no ground for laying two of them side by side
FLOOR = 0.1  # of the pairs around this score, editors confirmed one in thirty: nobody need read those below
NAMED = 3  # grounds that a reason names

GROUNDS = ("questions", "areas", "instruments", "text_zh", "text_en")  # what brings two rows together at all
SHARED = ("areas", "addressees", "instruments")
TEXTS = ("text_zh", "text_en")

# ----------------------------------------------------------------------------------------------------------------------
# A recommendation as its signals
# ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """A recommendation as suggestions see it; `key` is (report slug, key).

    Vocabulary is {slug: object}, areas with all that lie above them; `signs` are {question slug: {-1, 0, 1}}, the signs
    of the answers that rest on the row; texts are {term: how often}.
    """

    key: tuple
    date: str = ""
    action: str = ""
    questions: dict = field(default_factory=dict)
    signs: dict = field(default_factory=dict)
    areas: dict = field(default_factory=dict)
    addressees: dict = field(default_factory=dict)
    instruments: dict = field(default_factory=dict)
    text_zh: dict = field(default_factory=dict)
    text_en: dict = field(default_factory=dict)
    row: object = None

    def terms(self, name):
        """What it has of one signal: questions, areas, addressees, instruments, text_zh or text_en."""
        return getattr(self, name)

    @property
    def report(self):
        return self.key[0]


def item(row, above):
    """Return the Item of a recommendation fetched `for_suggestions`; `above` is the taxonomy, {id: area}."""
    signs = defaultdict(set)
    for position in row.positions.all():
        signs[position.question.slug].add((position.stance > 0) - (position.stance < 0))
    return Item(
        key=row.natural_key(),
        date=row.report.date,
        action=row.action_type,
        questions={position.question.slug: position.question for position in row.positions.all()},
        signs=dict(signs),
        areas={area.slug: area for leaf in row.areas.all() for area in lineage(leaf.pk, above)},
        addressees={actor.slug: actor for actor in row.addressees.all()},
        instruments={instrument.slug: instrument for instrument in row.instruments.all()},
        text_zh=bigrams(f"{row.summary_zh} {row.condition_zh}"),
        text_en=words(f"{row.summary_en} {row.condition_en}"),
        row=row,
    )


def lineage(pk, above):
    """Yield an area and everything above it."""
    while pk is not None:
        yield above[pk]
        pk = above[pk].parent_id


def bigrams(text):
    """Return how often each pair of neighbouring Han characters occurs, and each Latin word or number as a whole."""
    found = Counter()
    for run in re.findall(r"[\u4e00-\u9fff]+|[a-z0-9]+", text.lower()):
        found.update([run] if run.isascii() else (run[i : i + 2] for i in range(len(run) - 1)))
    return found


def words(text):
    return Counter(re.findall(r"[a-z0-9]+", text.lower()))


# ----------------------------------------------------------------------------------------------------------------------
# Signals of a pair
# ----------------------------------------------------------------------------------------------------------------------


class Corpus:
    """Items made ready for comparison: how rare each term is among them, and each text as a vector of length 1.

    A term that n of N items have weighs log(1 + N/n). Sums are exact (`fsum`), so their order changes nothing.
    """

    def __init__(self, items):
        self.items = sorted(items, key=lambda one: one.key)
        self.rarity = {name: rarities(self.items, name) for name in ("questions", *SHARED, *TEXTS)}
        self.vectors = {
            (name, one.key): vector(one.terms(name), self.rarity[name]) for name in TEXTS for one in self.items
        }

    def signals(self, one, two):
        """Return {signal: value from 0 to 1} of a pair; what it has not in common is left out."""
        found = {"questions": self.answered(one, two), "action": float(one.action == two.action)}
        found |= {name: overlap(one.terms(name), two.terms(name), self.rarity[name]) for name in SHARED}
        found |= {name: self.cosine(one, two, name) for name in TEXTS}
        return {name: value for name, value in found.items() if value}

    def answered(self, one, two):
        """Return how rare the rarest question is that both answer: 1 where nobody else does."""
        both = one.questions.keys() & two.questions.keys()
        rarest = max((self.rarity["questions"][slug] for slug in both), default=0)
        return min(1.0, rarest / math.log(1 + len(self.items) / 2))

    def cosine(self, one, two, name):
        mine, theirs = self.vectors[name, one.key], self.vectors[name, two.key]
        return min(1.0, math.fsum(mine[term] * theirs[term] for term in mine.keys() & theirs.keys()))

    def candidates(self, reports=()):
        """Yield, each once, the pairs across reports that share some ground which at most COMMON items have.

        With `reports` (slugs), one end stands in one of them. A list of items that share a term is at most COMMON long,
        so the work grows with the number of terms and not with the square of the number of items.
        """
        posted, wanted = defaultdict(list), set(reports)
        for place, one in enumerate(self.items):
            for name in GROUNDS:
                for term in one.terms(name):
                    posted[name, term].append(place)
        for place, one in enumerate(self.items):
            lists = (posted[name, term] for name in GROUNDS for term in one.terms(name))
            near = {later for found in lists if len(found) <= COMMON for later in found if later > place}
            for two in (self.items[later] for later in sorted(near)):
                if one.report != two.report and (not wanted or {one.report, two.report} & wanted):
                    yield one, two


def rarities(items, name):
    """Return {term: log(1 + N/n)} of the terms that n of N items have."""
    having = Counter(term for one in items for term in one.terms(name))
    return {term: math.log(1 + len(items) / n) for term, n in having.items()}


def vector(terms, rarity):
    """Return {term: weight}, of length 1, of {term: how often}."""
    weights = {term: n * rarity[term] for term, n in terms.items()}
    length = math.sqrt(math.fsum(weight**2 for weight in weights.values()))
    return {term: weight / length for term, weight in weights.items()}


def overlap(mine, theirs, rarity):
    """Return the weight of what both have as a share of the weight of what either has."""
    both = mine.keys() & theirs.keys()
    if not both:
        return 0.0
    return math.fsum(rarity[term] for term in both) / math.fsum(rarity[term] for term in mine.keys() | theirs.keys())


def score(signals):
    """Return the weighted mean of all signals, from 0 to 1; a signal that is not given counts as 0."""
    return math.fsum(WEIGHTS[name] * value for name, value in signals.items()) / sum(WEIGHTS.values())


def weightiest(signals):
    """Return the names of signals, what adds most to the score first."""
    return sorted(signals, key=lambda name: (-WEIGHTS[name] * signals[name], name))


def opposed(one, two):
    """Return the slugs of questions to which one answers only yes and the other only no."""
    both = one.signs.keys() & two.signs.keys()
    return sorted(slug for slug in both if sorted([*one.signs[slug], *two.signs[slug]]) == [-1, 1])


# ----------------------------------------------------------------------------------------------------------------------
# Suggestions
# ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Suggestion:
    """A pair put forward: the later document is the source."""

    source: Item
    target: Item
    score: float
    signals: dict

    @property
    def pair(self):
        return frozenset((self.source.key, self.target.key))

    @property
    def kind(self):
        """Contradicts where both answer a question and answer it in opposite ways, else agrees; the editor decides."""
        kinds = CrossReference.Kind
        return kinds.CONTRADICTS if opposed(self.source, self.target) else kinds.AGREES

    @property
    def rank(self):
        """What suggestions are sorted by: the best first, ties by address."""
        return -self.score, self.source.key, self.target.key


def suggestion(corpus, one, two):
    target, source = sorted((one, two), key=lambda end: (end.date, end.key))
    signals = corpus.signals(one, two)
    shown = {name: round(value, 3) for name, value in signals.items()}
    return Suggestion(source, target, round(score(signals), 4), {name: value for name, value in shown.items() if value})


def best(corpus, limit, known=(), reports=()):
    """Return the `limit` best suggestions, best first, without pairs that are `known` ({frozenset of two keys})."""
    found = (suggestion(corpus, *pair) for pair in corpus.candidates(reports))
    worth = (one for one in found if one.score >= FLOOR and one.pair not in known)
    return heapq.nsmallest(limit, worth, key=lambda one: one.rank)


# ----------------------------------------------------------------------------------------------------------------------
# Reasons in words
# ----------------------------------------------------------------------------------------------------------------------


def rationales(found, corpus):
    """Return the reason of a suggestion in one sentence, {"zh": …, "en": …}."""
    sentences = {}
    for language, code in (("zh", "zh-hans"), ("en", "en")):
        with override(code):
            sentences[language] = rationale(found, corpus)
    return sentences


def rationale(found, corpus):
    """Say what a pair shares, the weightiest first; that words are alike tells least and comes last."""
    named = sorted(weightiest(found.signals), key=lambda name: name in TEXTS)
    said = dict.fromkeys(clause(name, found, corpus) for name in named)  # both texts make one clause
    *most, last = list(said)[:NAMED]
    if most:
        comma = pgettext("reasons", "%(first)s, %(last)s")
        first = reduce(lambda done, one: comma % {"first": done, "last": one}, most)
        last = pgettext("reasons", "%(first)s and %(last)s") % {"first": first, "last": last}
    return _("Both %(reasons)s.") % {"reasons": last}


def clause(name, found, corpus):
    """Return one ground in words, to follow “Both”."""
    one, two = found.source, found.target
    if name in TEXTS:
        return _("use some of the same words")
    if name == "action":
        return _("ask for the same kind of act (%(action)s)") % {"action": one.row.get_action_type_display()}
    both = one.terms(name).keys() & two.terms(name).keys()
    rarest = sorted(both, key=lambda slug: (-corpus.rarity[name][slug], slug))
    if name == "questions":
        against = opposed(one, two)
        text = _("answer “%(question)s” in opposite ways") if against else _("answer “%(question)s”")
        return text % {"question": inside(told(one.questions[(against or rarest)[0]], "text"))}
    names = [told(one.terms(name)[slug], "name") for slug in rarest]
    if name == "areas":
        return _("belong to the area “%(area)s”") % {"area": inside(names[0])}
    if name == "addressees":
        text = ngettext(
            "speak to the same addressee (%(names)s)", "speak to the same addressees (%(names)s)", len(names)
        )
    else:
        text = ngettext("name the same instrument (%(names)s)", "name the same instruments (%(names)s)", len(names))
    return text % {"names": listed(names)}


def inside(text):
    """Return a text that is to stand in quotation marks, its own being single ones."""
    return text.translate(str.maketrans("“”", "‘’"))
