"""A large synthetic corpus for measuring: rows of every model, skewed, related and worded as real ones are.

Whatever is drawn comes from one `random.Random(seed)`, so that the same size and seed give the same rows everywhere.
Words are our own (`sample_words.json`: “中文|English”, with %s where another word goes in); no sentence is anybody's.
Every slug begins with PREFIX. The rows keep the constraints of the models and what `clean()` asks.
"""

import hashlib
import json
from array import array
from bisect import bisect
from collections import namedtuple
from datetime import UTC, datetime
from itertools import accumulate, count
from pathlib import Path
from random import Random

from portal.bulk import Table, first_free, unindexed
from portal.text import SPAN_MAX, SPAN_MIN, digest, pinyin, squeeze
from recommendations.models import (
    Actor,
    CrossReference,
    Dimension,
    Evidence,
    FollowUp,
    Framework,
    Instrument,
    PolicyArea,
    Position,
    Question,
    Rating,
    Recommendation,
    Resolution,
    Subject,
)
from reports.models import (
    Author,
    Citation,
    Contribution,
    Event,
    Institution,
    Mention,
    Passage,
    Report,
    Section,
    SourceText,
    Work,
)

PREFIX = "sample-"
BATCH = 500  # reports that are held in memory at a time

NAMED = "id slug name_zh name_en aliases sort_key name_index "
CODED = "id report_id key order summary_zh summary_en "
SPAN = "start end digest "
# What a row gives; other columns take their defaults. Tables are written in this order, none before one that it names:
# while SQLite waits for one such row, it looks through whole tables at every row of the kind.
COLUMNS = {
    Institution: NAMED + "kind country",
    Author: NAMED,
    PolicyArea: NAMED + "parent_id",
    Actor: NAMED + "kind institution_id author_id",
    Instrument: NAMED + "kind",
    Subject: NAMED + "parent_id",
    Event: "id slug title_zh title_en date date_end target",
    PolicyArea.events.through: "id policyarea_id event_id",
    Question: "id slug kind text_zh text_en outcome outcome_date outcome_source",
    Question.areas.through: "id question_id policyarea_id",
    SourceText: "id sha256 file_name text extractor added_at",
    Report: "id slug kind part_of_id place title_zh title_en standfirst_zh standfirst_en language publisher_id "
    "container issue source_url doi date date_kind state publish_at coding source_file source_sha256 source_start "
    "source_end source_text_id",
    Work: "id slug title_zh title_en language authors container date url report_id",
    Work.people.through: "id work_id author_id",
    Framework: "id slug title_zh title_en description_zh description_en work_id",
    Dimension: "id framework_id slug name_zh name_en order",
    Contribution: "id report_id author_id institution_id role delegation affiliation_as_printed post_as_printed order",
    Contribution.affiliations.through: "id contribution_id institution_id",
    Section: "id report_id key heading_zh heading_en start end",
    Passage: "id report_id section_id number text start end",
    Citation: "id report_id key mark kind work_id start end digest order",
    Mention: "id report_id event_id " + SPAN,
    Resolution: "id report_id question_id outcome date " + SPAN,
    Recommendation: CODED + "parent_id made_by_id voice action_type force condition_zh condition_en standing",
    Recommendation.addressees.through: "id recommendation_id actor_id",
    Recommendation.areas.through: "id recommendation_id policyarea_id",
    Recommendation.instruments.through: "id recommendation_id instrument_id",
    Recommendation.restates.through: "id from_recommendation_id to_recommendation_id",
    Position: CODED + "question_id holder_id voice stance hedge horizon condition_zh condition_en recommendation_id",
    Rating: CODED + "subject_id dimension_id level basis assessor_id",
    Evidence: "id recommendation_id position_id rating_id section_id passage_id " + SPAN,
    CrossReference: "id source_id target_id kind state rationale_zh rationale_en score reasons",
    FollowUp: "id recommendation_id position_id date status narrative_zh narrative_en source_url",
}

MODALS = {"must": ("必须", "must"), "should": ("应", "should"), "may": ("可", "may")}
ALL_SIDES = ("各方", "all sides")
# Which answers a question gets: mostly one way, spread out, against, split, undecided.
LEANINGS = ((2, 2, 2, 1, 1, 0), (2, 1, 0, -1, -2), (-2, -2, -1, 0), (2, 2, 1, -1, -2, -2), (1, 0, 0, 0, -1))
ADDED = datetime(2026, 1, 1, tzinfo=UTC)
SHOWN, HIDDEN = datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)  # when a scheduled report comes out

Asked = namedtuple("Asked", "pk kind term leaning")  # a question
Leaf = namedtuple("Leaf", "pk parent terms")  # an area that things are filed under
Place = namedtuple("Place", "section passage start end digest")  # a span, and what holds it


class Skew:
    """Draws from `items` so that the first come up most: the n-th weighs 1 / (n + flat)."""

    def __init__(self, items, chance, flat=1):
        self.items = items
        self.random = chance.random
        self.sums = list(accumulate(1 / (n + flat) for n in range(1, len(items) + 1)))

    def draw(self):
        return self.items[bisect(self.sums, self.random() * self.sums[-1], 0, len(self.items) - 1)]


def weighted(**weights):
    """Return a tuple in which each word stands as often as its weight says."""
    return tuple(word for word, weight in weights.items() for _ in range(weight))


STATES = weighted(published=960, draft=15, in_review=10, withdrawn=7, scheduled=8)
CODINGS = weighted(complete=86, partial=9, none=5)
KINDS = weighted(report=40, article=30, memorandum=8, web_article=22)
FORCES = weighted(should=70, must=18, may=12)
VOICES = weighted(own=80, attributed=12, joint=8)  # of recommendations
ANSWERS = weighted(own=55, attributed=35, joint=10)  # voices of positions
HEDGES = weighted(certain=45, likely=30, possible=18, open=7)
BASES = weighted(explicit=60, comparative=10, conditional=10, movement=10, derived=10)
LEVELS, STATUSES = tuple(Rating.Level.values), tuple(FollowUp.Status.values)
ACTIONS, RELATIONS = tuple(Recommendation.ActionType.values), tuple(CrossReference.Kind.values)
OUTCOMES = tuple(Question.Outcome.values[1:])
HORIZONS = ("short", "term", "long", "2027", "2030", "2025-06")
DATE_KINDS = weighted(cover=50, signed=20, added=25, meeting=5)


def pair(words):
    return tuple(words.split("|"))


def pairs(of):
    """Return nested words with each “中文|English” made a pair."""
    if isinstance(of, dict):
        return {key: pairs(value) for key, value in of.items()}
    return [pair(words) for words in of] if isinstance(of, list) else of


def filled(pattern, words):
    """Put a pair of words into a pair of patterns."""
    return pattern[0] % words[0], pattern[1] % words[1]


def capital(zh, en):
    return zh, en[0].upper() + en[1:]


def sentence(zh, en):
    return f"{zh}。", f"{en[0].upper()}{en[1:]}."


def make_sample(reports, seed, tell):
    """Write a corpus of so many reports. Wants a transaction. Returns {model: rows written}.

    `tell` is called with the number of reports done, after each batch.
    """
    written = dict.fromkeys(COLUMNS, 0)
    with unindexed(list(COLUMNS)):
        tables = {model: Table(model, names.split()) for model, names in COLUMNS.items()}
        corpus = Corpus(reports, seed, {model: first_free(model) for model in COLUMNS})
        for done, rows in corpus.batches():
            for model, table in tables.items():
                if rows[model]:
                    table.add(rows[model])
                    written[model] += len(rows[model])
            tell(done)
    return written


def held():
    """Return the models of which sample rows are in the database."""
    slugged = [model for model in COLUMNS if any(field.name == "slug" for field in model._meta.fields)]
    return [model for model in slugged if model.objects.filter(slug__startswith=PREFIX).exists()]


class Corpus:
    """The rows of a corpus of `total` reports, made a batch at a time. `first` is {model: the first id to give}."""

    def __init__(self, total, seed, first):
        self.total = total
        self.chance = Random(seed)  # noqa: S311
        self.random = self.chance.random
        self.numbers = {model: count(pk) for model, pk in first.items()}
        self.rows = {model: [] for model in COLUMNS}
        self.words = json.loads(Path(__file__).with_name("sample_words.json").read_text(encoding="utf-8"))
        plain = ("areas", "posts", "facts", "surnames", "given", "seats")
        self.said = pairs({name: words for name, words in self.words.items() if name not in plain})
        self.essays = None  # [id of a symposium, essays made, essays to make]

    def batches(self):
        """Yield (reports done, {model: [row]}): first all that reports share, then the reports. Rows are not kept."""
        self.vocabulary()
        yield 0, self.rows
        for start in range(0, self.total, BATCH):
            self.rows = {model: [] for model in COLUMNS}
            end = min(start + BATCH, self.total)
            for number in range(start, end):
                self.report(number)
            yield end, self.rows

    # Drawing --------------------------------------------------------------------------------------------------------

    def add(self, model, *values):
        pk = next(self.numbers[model])
        self.rows[model].append((pk, *values))
        return pk

    def pick(self, items):
        return items[int(self.random() * len(items))]

    def skew(self, items, flat=1):
        return Skew(items, self.chance, flat)

    def several(self, mean, most):
        """Draw a number from 0 to `most` that falls off like a geometric one; `mean` is its mean but for the cut."""
        n, more = 0, mean / (mean + 1)
        while n < most and self.random() < more:
            n += 1
        return n

    def distinct(self, draw, n):
        """Draw n times and leave out repeats, in the order drawn."""
        return list(dict.fromkeys(draw() for _ in range(n)))

    def partial_date(self, low=2000, high=2026):
        """Draw a date, the later years more often: a day, a month or just a year."""
        year = high - int((high - low + 1) * self.random() ** 2)
        month, day, precision = 1 + int(self.random() * 12), 1 + int(self.random() * 28), self.random()
        if precision < 0.2:
            return str(year)
        return f"{year}-{month:02d}" if precision < 0.45 else f"{year}-{month:02d}-{day:02d}"

    def address(self, word):
        return f"https://example.org/{PREFIX}{word}/{self.chance.getrandbits(32):08x}"

    def term(self, leaf):
        """Draw what a text speaks of: a term of the area, one time in four as it is somewhere."""
        words = self.pick(leaf.terms)
        if self.random() < 0.25:
            where = self.places.draw()
            return f"{where[0]}{words[0]}", f"{words[1]} in {where[1]}"
        return words

    def filed(self, leaf):
        """Return the ids of an area and, one time in four, of another that a thing is filed under too."""
        other = self.leaf.draw() if self.random() < 0.25 else leaf
        return list(dict.fromkeys((leaf.pk, other.pk)))

    # What reports share ---------------------------------------------------------------------------------------------

    def vocabulary(self):
        self.places = self.skew(self.said["places"], 4)
        self.areas()
        self.institutions()
        self.people()
        self.actors()
        self.instruments()
        self.subjects()
        self.works()
        self.events()
        self.frameworks()
        self.questions()
        self.known = {leaf.pk: array("q") for leaf in self.leaves}  # recommendations that later ones may refer to

    def named(self, model, number, names, *values, aliases=(), sort_key=""):
        row = model(name_zh=names[0], name_en=names[1], aliases=list(aliases), sort_key=sort_key)
        row.derive()
        slug = f"{PREFIX}{model._meta.model_name}-{number:05d}"
        return self.add(model, slug, *names, row.aliases, row.sort_key, row.name_index, *values)

    def areas(self):
        """Three levels. Things are filed under the lowest, few of which are spoken of much."""
        number, self.leaves = count(1), []
        for top, fields in self.words["areas"].items():
            root = self.named(PolicyArea, next(number), pair(top), None)
            for middle, leaves in fields.items():
                field = self.named(PolicyArea, next(number), pair(middle), root)
                for leaf, terms in leaves.items():
                    pk = self.named(PolicyArea, next(number), pair(leaf), field)
                    self.leaves.append(Leaf(pk, field, pairs(terms)))
        # The first weigh most: mix the fields, so that what is spoken of much is not all of one.
        self.leaves = [leaf for step in range(7) for leaf in self.leaves[step::7]]
        self.leaf = self.skew(self.leaves, 4)

    def institutions(self):
        names = [
            (kind, country, filled(form, (zh + field[0], f"{en} {field[1]}".strip())))
            for country, (zh, en) in ((seat[:2], pair(seat[2:])) for seat in self.words["seats"])
            for field in self.said["fields"]
            for kind, forms in self.said["institutions"].items()
            for form in forms
        ]
        self.chance.shuffle(names)
        made = []
        for number in range(max(8, self.total // 50)):
            again, place = divmod(number, len(names))
            kind, country, (zh, en) = names[place]
            if again:
                zh, en = f"{zh}（{again + 1}）", f"{en} ({again + 1})"
            initials = "".join(word[0] for word in en.split() if word[0].isupper())
            country = "" if kind == "forum" else country
            pk = self.named(Institution, number, (zh, en), kind, country, aliases=[initials] * (number % 3 == 0))
            made.append((pk, zh, en, country))
        self.institution = self.skew(made, 3)

    def people(self):
        surnames = []
        for word in self.words["surnames"].split():
            cut = next(place for place, char in enumerate(word) if char.isascii())
            surnames.append((word[:cut], word[cut:]))
        surname = self.skew(surnames, 5)
        made = []
        for number in range(max(10, self.total // 4)):
            if self.random() < 0.12:
                first, last = self.pick(self.said["foreign_first"]), self.pick(self.said["foreign_last"])
                names, key = (f"{first[0]}·{last[0]}", f"{first[1]} {last[1]}"), pinyin(f"{last[1]} {first[1]}")
            else:
                zh, en = surname.draw()
                given = "".join(self.pick(self.words["given"]) for _ in range(1 + (self.random() < 0.75)))
                sounds = pinyin(given)
                key = f"{pinyin(en)} {sounds}"
                names = (zh + given, f"{en} {sounds.replace(' ', '').capitalize()}")
            pk = self.named(Author, number, names, sort_key=key)
            made.append((pk, names, self.institution.draw()))
        self.author = self.skew(made, 20)

    def actors(self):
        """A few that nearly all advice goes to, then whole ranks of governments and authorities, then people."""
        forms = [(kind, form) for kind, all_forms in self.said["actor_forms"].items() for form in all_forms]
        rest = [(kind, filled(form, where)) for where in self.said["places"][:32] for kind, form in forms]
        self.chance.shuffle(rest)
        heads = [(kind, names) for kind, all_names in self.said["actors"].items() for names in all_names]
        made = [
            (self.named(Actor, number, capital(zh, en.removeprefix("the ")), kind, None, None), zh, en)
            for number, (kind, (zh, en)) in enumerate(heads + rest)
        ]
        self.actor = self.skew(made, 0)
        institutions = [(names, "institution", pk, None) for pk, *names, _country in self.institution.items[:12]]
        authors = [(names, "person", None, pk) for pk, names, _home in self.author.items[:8]]
        speaking = [
            (self.named(Actor, len(made) + number, names, *values), *names)
            for number, (names, *values) in enumerate(institutions + authors)
        ]
        self.holder = self.skew(made[:2] + speaking + made[2:], 3)

    def instruments(self):
        forms = [(kind, form) for kind, all_forms in self.said["forms"].items() for form in all_forms]
        terms = [words for leaf in self.leaves for words in leaf.terms if not set("“《") & set(words[0])]
        self.chance.shuffle(terms)
        made = [
            self.named(Instrument, number, filled(forms[number % len(forms)][1], words), forms[number % len(forms)][0])
            for number, words in enumerate(terms[:150])
        ]
        self.instrument = self.skew(made, 2)

    def subjects(self):
        """What is rated: fields of digital policy and of science, and the technologies under them."""
        number, made = count(1), []
        for top in list(self.words["areas"])[0::4]:
            for middle, leaves in self.words["areas"][top].items():
                parent = self.named(Subject, next(number), pair(middle), None)
                terms = [words for terms in leaves.values() for words in pairs(terms)]
                made += [(self.named(Subject, next(number), capital(*words), parent), words) for words in terms]
        self.chance.shuffle(made)
        self.subject = self.skew(made, 4)

    def works(self):
        """What reports cite: mostly works from elsewhere; those that are reports come with the reports."""
        self.work_numbers, self.reports_cited, made = count(), [], []
        for _ in range(max(5, self.total * 9 // 20)):
            title = capital(*filled(self.pick(self.said["titles"]), self.term(self.leaf.draw())))
            made.append(self.cited(title, self.partial_date(1985) if self.random() < 0.95 else ""))
        self.work = self.skew(made, 30)

    def cited(self, title, date, report=None):
        """Add a work, perhaps a report of the corpus. Returns its id."""
        people = self.distinct(self.author.draw, 1 + (self.random() < 0.3))
        english = self.random() < 0.4
        pk = self.add(
            Work, f"{PREFIX}work-{next(self.work_numbers):06d}", *title, "en" if english else "zh",
            (", " if english else "、").join(names[english] for _pk, names, _home in people),
            f"{self.institution.draw()[1]}学刊", date, self.address("work") if self.random() < 0.4 else "", report,
        )  # fmt: skip
        if self.random() < 0.2:
            for person, _names, _home in people:
                self.add(Work.people.through, pk, person)
        return pk

    def events(self):
        made = []
        for number in range(60 + self.total // 100):
            leaf = self.leaf.draw()
            title = capital(*filled(self.pick(self.said["events"]), self.term(leaf)))
            target = self.random() < 0.08
            date = str(2027 + int(self.random() * 34)) if target else self.partial_date()
            lasts = len(date) == 10 and self.random() < 0.2
            pk = self.add(
                Event, f"{PREFIX}event-{number:05d}", *title, date,
                date[:8] + "28" if lasts else "", target,
            )  # fmt: skip
            for area in self.filed(leaf):
                self.add(PolicyArea.events.through, area, pk)
            made.append(pk)
        self.event = self.skew(made, 5)

    def frameworks(self):
        made = []
        for number, title in enumerate(self.said["frameworks"]):
            about = sentence(f"{title[0]}由两条轴组成", f"{title[1]}: a framework of two axes")
            work = self.work.items[number % len(self.work.items)]
            pk = self.add(Framework, f"{PREFIX}framework-{number}", *title, *about, work)
            for order in range(2):
                names = self.said["dimensions"][(number + order) % len(self.said["dimensions"])]
                axis = self.add(Dimension, pk, names[1], names[0], names[1].capitalize(), order)
                made.append((axis, names))
        self.dimension = self.skew(made, 1)

    def questions(self):
        """Each asks about a term of an area. The first ones of an area are answered by many."""
        asked = {leaf.pk: [] for leaf in self.leaves}
        kinds = weighted(normative=55, predictive=25, evaluative=20)
        for number in range(500 + self.total // 20):
            leaf = self.leaves[number] if number < len(self.leaves) else self.leaf.draw()
            kind, term = self.pick(kinds), self.term(leaf)
            text = capital(*filled(self.pick(self.said["questions"][kind]), term))
            settled = kind == "predictive" and self.random() < 0.15
            outcome = self.pick(OUTCOMES) if settled else ""
            pk = self.add(
                Question, f"{PREFIX}question-{number:05d}", kind, *text,
                outcome, self.partial_date(2015) if settled else "", self.address("outcome") if settled else "",
            )  # fmt: skip
            for area in self.filed(leaf):
                self.add(Question.areas.through, pk, area)
            asked[leaf.pk].append(Asked(pk, kind, term, self.pick(LEANINGS)))
        self.asked = {area: self.skew(rows, 5) for area, rows in asked.items()}
        self.open = {area: [q for q in rows if q.kind == "predictive"] for area, rows in asked.items()}

    # A report -------------------------------------------------------------------------------------------------------

    def report(self, number):
        whole, place = self.placed()
        leaf, other = self.leaf.draw(), self.leaf.draw()
        kind = "essay" if whole else "symposium" if self.random() < 0.012 else self.pick(KINDS)
        term = self.term(leaf)
        title = capital(*filled(self.pick(self.said["titles"]), term))
        about = sentence(
            f"本文讨论{term[0]}，兼及{self.pick(other.terms)[0]}", f"on {term[1]}, and what follows from it"
        )
        date = self.partial_date() if self.random() < 0.97 else ""
        state, coding = self.pick(STATES), self.pick(CODINGS)
        if number % 32 == 1:
            coding, source = "complete", self.text(number, title[0], (leaf, other))
        else:
            source = self.unheld(number)
        publisher = self.institution.draw()
        pk = self.add(
            Report, f"{PREFIX}{number:06d}", kind, whole, place, *title, *about,
            "zh" if self.random() < 0.75 else "en", publisher[0] if self.random() < 0.9 else None,
            f"{publisher[1]}学报" if kind == "article" else "",
            str(1 + int(self.random() * 12)) if kind == "article" else "", self.address("report"),
            f"10.5555/{PREFIX}{number:06d}" if self.random() < 0.2 else "",
            date, self.pick(DATE_KINDS) if date else "", state,
            (SHOWN if self.random() < 0.5 else HIDDEN) if state == "scheduled" else None, coding,
            *source.columns,
        )  # fmt: skip
        source.settle(self, pk)
        if kind == "symposium":
            self.essays = [pk, 0, 3 + int(self.random() * 6)]
        self.contributions(pk, kind)
        if coding == "none":
            return
        done = 1 if coding == "complete" else 0.5
        self.citations(pk, source, self.several(3 * done, 40))
        for event in self.distinct(self.event.draw, self.several(1.4, 8)):
            span = source.place(self)
            self.add(Mention, pk, event, span.start, span.end, span.digest)
        if number % 25 == 3:
            self.resolve(pk, leaf, source)
        advice = self.recommendations(pk, (leaf, other), source, self.several(11.2 * done, 90))
        positions = self.positions(pk, (leaf, other), source, self.several(10 * done, 80), advice)
        if number % 50 == 5:
            self.ratings(pk, source, 2 + self.several(3.5, 12))
        if advice and number % 100 == 9:
            self.follow_up(advice, positions)
        for area, row in advice:
            self.known[area].append(row)
        if self.random() < 0.05:
            self.reports_cited.append(self.cited(title, date, pk))

    def placed(self):
        """Return (symposium, place in it) of the next report, both None outside one."""
        if self.essays is None:
            return None, None
        whole, made, wanted = self.essays
        self.essays = [whole, made + 1, wanted] if made + 1 < wanted else None
        return whole, made + 1

    def contributions(self, report, kind):
        people = self.distinct(self.author.draw, 1 + self.several(0.7, 5))
        for order, (author, _names, home) in enumerate(people):
            meeting = kind == "memorandum" and order
            pk = self.add(
                Contribution, report, author, None, "participant" if meeting else "author",
                home[3] if kind == "memorandum" else "", home[1], self.pick(self.words["posts"]), order,
            )  # fmt: skip
            self.add(Contribution.affiliations.through, pk, home[0])
        if self.random() < 0.3:
            role = self.pick(("convenor", "editor", "funder"))
            self.add(Contribution, report, None, self.institution.draw()[0], role, "", "", "", len(people))

    def citations(self, report, source, n):
        for order in range(n):
            chosen = self.random()
            kind = "source" if chosen < 0.85 else "explanatory" if chosen < 0.97 else "author_note"
            work = self.pick(self.reports_cited) if self.reports_cited and self.random() < 0.1 else self.work.draw()
            span = source.place(self) if self.random() < 0.7 else Place(None, None, None, None, "")
            self.add(
                Citation, report, f"N{order + 1:02d}", chr(0x2460 + order) if order < 20 else f"[{order + 1}]", kind,
                work if kind == "source" else None, span.start, span.end, span.digest, order,
            )  # fmt: skip

    def resolve(self, report, leaf, source):
        if forecasts := self.open[leaf.pk]:
            outcome, span = self.pick(OUTCOMES), source.place(self)
            date = self.partial_date(2010) if self.random() < 0.8 else ""
            question = self.pick(forecasts).pk
            self.add(Resolution, report, question, outcome, date, span.start, span.end, span.digest)

    # What it says ---------------------------------------------------------------------------------------------------

    def evidence(self, source, at, *owner):
        """One span or two for a row that stands so far into its report, from 0 to 1."""
        first = source.place(self, at)
        self.add(Evidence, *owner, *first)
        if self.random() < 0.3:
            second = source.place(self)
            if second.start != first.start:
                self.add(Evidence, *owner, *second)

    def recommendations(self, report, leaves, source, n):
        """Add n recommendations. Returns [(area, id)]. Umbrellas gather the rows after them, two deep at most."""
        made, umbrellas = [], []
        for order in range(n):
            leaf = leaves[self.random() < 0.3]
            voice, force, action = self.pick(VOICES), self.pick(FORCES), self.pick(ACTIONS)
            addressees = self.distinct(self.actor.draw, 1 + (self.random() < 0.25)) if self.random() < 0.9 else []
            maker = self.holder.draw() if voice == "attributed" or voice == "joint" and self.random() < 0.3 else None
            while umbrellas and not umbrellas[-1][1]:
                umbrellas.pop()
            parent = None
            if umbrellas:
                parent = umbrellas[-1][0]
                umbrellas[-1][1] -= 1
            condition = self.pick(self.said["conditions"]) if self.random() < 0.12 else ("", "")
            standing = "agreed" if voice == "joint" and self.random() < 0.7 else "proposed"
            pk = self.add(
                Recommendation, report, f"R{order + 1:02d}", order,
                *self.advice(leaf, action, force, addressees[0][1:] if addressees else ALL_SIDES, maker),
                parent, maker and maker[0], voice, action, force, *condition,
                "for_discussion" if self.random() < 0.04 else standing,
            )  # fmt: skip
            for actor in addressees:
                self.add(Recommendation.addressees.through, pk, actor[0])
            self.add(Recommendation.areas.through, pk, leaf.pk)
            if self.random() < 0.3:
                second = leaf.parent if self.random() < 0.3 else self.leaf.draw().pk
                if second != leaf.pk:
                    self.add(Recommendation.areas.through, pk, second)
            for instrument in self.distinct(self.instrument.draw, self.several(0.4, 4)):
                self.add(Recommendation.instruments.through, pk, instrument)
            if len(umbrellas) < 2 and self.random() < 0.06:
                umbrellas.append([pk, 2 + int(self.random() * 3)])
            elif parent is None and made and self.random() < 0.02:
                self.add(Recommendation.restates.through, pk, self.pick(made)[1])
            self.evidence(source, (order + self.random()) / n, pk, None, None)
            self.references(pk, leaf)
            made.append((leaf.pk, pk))
        return made

    def advice(self, leaf, action, force, who, maker):
        """Word one piece of advice: who should do what, sometimes to what end and by when."""
        does = filled(self.pick(self.said["verbs"][action]), self.term(leaf))
        zh, en = f"{who[0]}{MODALS[force][0]}{does[0]}", f"{who[1]} {MODALS[force][1]} {does[1]}"
        if maker:
            zh, en = f"按照{maker[1]}的主张，{zh}", f"according to {maker[2]}, {en}"
        if self.random() < 0.55:
            tail = self.pick(self.said["tails"])
            zh, en = f"{zh}，{tail[0]}", f"{en} {tail[1]}"
        if self.random() < 0.1:
            year = 2027 + int(self.random() ** 2 * 74)
            zh, en = f"{zh}，力争在{year}年前见效", f"{en}, with results before {year}"
        if self.random() < 0.04:
            _pk, names, _home = self.author.draw()
            zh, en = f"{zh}，并采纳{names[0]}的建议", f"{en}, as {names[1]} proposes"
        return sentence(zh, en)

    def references(self, source, leaf):
        """Tie a recommendation to earlier ones of its area, which are all other reports'; a few of them draw many."""
        known, ends = self.known[leaf.pk], set()
        while known and self.random() < 0.27:
            hub = self.random() < 0.15
            target = known[int(self.random() * (min(len(known), 60) if hub else len(known)))]
            if target in ends:
                continue
            ends.add(target)
            lot, score, reasons = self.random(), None, {}
            state = "confirmed" if lot < 0.85 else "suggested" if lot < 0.95 else "rejected"
            if state == "suggested":
                score, reasons = round(0.1 + self.random() * 0.6, 4), {"areas": 1.0, "text_zh": round(self.random(), 3)}
            why = filled(self.pick(self.said["rationales"]), self.pick(leaf.terms))
            kind = self.pick(RELATIONS)
            self.add(CrossReference, source, target, kind, state, *sentence(*why), score, reasons)

    def positions(self, report, leaves, source, n, advice):
        """Add n answers, most to questions of the report's own areas. Returns [id]."""
        made, answered = [], set()
        for order in range(n):
            lot = self.random()
            leaf = leaves[0] if lot < 0.75 else leaves[1] if lot < 0.92 else self.leaf.draw()
            asked = self.asked[leaf.pk].draw()
            voice = self.pick(ANSWERS)
            if voice == "own" and asked.pk in answered:
                voice = "attributed"
            answered.add(asked.pk)
            holder = self.holder.draw() if voice == "attributed" or voice == "joint" and self.random() < 0.2 else None
            forecast = asked.kind == "predictive"
            rests = voice == "own" and advice and asked.kind == "normative" and self.random() < 0.5
            pk = self.add(
                Position, report, f"P{order + 1:02d}", order, *self.claim(asked, voice, holder), asked.pk,
                holder and holder[0], voice, self.pick(asked.leaning),
                self.pick(HEDGES) if forecast or self.random() < 0.2 else "certain",
                self.pick(HORIZONS) if forecast else "",
                *(self.pick(self.said["conditions"]) if self.random() < 0.06 else ("", "")),
                self.pick(advice)[1] if rests else None,
            )  # fmt: skip
            self.evidence(source, (order + self.random()) / n, None, pk, None)
            made.append(pk)
        return made

    def claim(self, asked, voice, holder):
        """Word one answer."""
        term = asked.term
        if self.random() < 0.3:
            where = self.places.draw()
            term = f"涉及{where[0]}的{term[0]}", f"{term[1]} as it touches {where[1]}"
        zh, en = filled(self.pick(self.said["claims"][asked.kind]), term)
        if holder:
            return sentence(f"{holder[1]}认为{zh}", f"{holder[2]} holds that {en}")
        return sentence(f"双方一致认为{zh}", f"both sides hold that {en}") if voice == "joint" else sentence(zh, en)

    def ratings(self, report, source, n):
        for order in range(n):
            subject, (axis, words) = self.subject.draw(), self.dimension.draw()
            basis = self.pick(BASES)
            level = self.pick(LEVELS) if basis == "explicit" or self.random() < 0.5 else ""
            assessor = self.holder.draw() if self.random() < 0.35 else None
            by = assessor[1:] if assessor else ("作者", "the authors")
            zh, en = f"{by[0]}评估了{subject[1][0]}的{words[0]}", f"{by[1]} rate the {words[1]} of {subject[1][1]}"
            pk = self.add(
                Rating, report, f"T{order + 1:02d}", order, *sentence(zh, en), subject[0], axis,
                level, basis, assessor and assessor[0],
            )  # fmt: skip
            self.evidence(source, (order + self.random()) / n, None, None, pk)

    def follow_up(self, advice, positions):
        """Tell what became of one recommendation, or of one answer."""
        about = (None, self.pick(positions)) if positions and self.random() < 0.4 else (self.pick(advice)[1], None)
        term = self.term(self.leaf.draw())
        told = sentence(f"有关{term[0]}的措施已经公布", f"measures on {term[1]} have been published")
        status = self.pick(STATUSES)
        self.add(FollowUp, *about, self.partial_date(2015), status, *told, self.address("follow-up"))

    # Its source -----------------------------------------------------------------------------------------------------

    def unheld(self, number):
        """The source of a report whose text is not here."""
        length = 3000 + int(self.random() ** 2 * 60000)
        sha256 = f"{self.chance.getrandbits(256):064x}"
        cuts = sorted({0, length, *(1 + int(self.random() * (length - 1)) for _ in range(self.several(2, 6)))})
        return Source((f"{PREFIX}{number:06d}.txt", sha256, 0, length, None), cuts)

    def text(self, number, title, leaves):
        """The source of a report whose text is here: headings, each over a few paragraphs."""
        lines, squeezed, cuts, paragraphs = [f"{title}（{number}）"], 0, [], []
        squeezed = len(squeeze(lines[0]))
        for heading in self.said["sections"]:
            cuts.append(squeezed)
            lines.append(heading[0])
            squeezed += len(heading[0])
            for _ in range(3 + int(self.random() * 4)):
                paragraph = "".join(self.fact(self.pick(leaves)) for _ in range(2 + int(self.random() * 3)))
                end = squeezed + len(squeeze(paragraph))
                paragraphs.append((len(cuts) - 1, paragraph, squeezed, end))
                lines.append(paragraph)
                squeezed = end
        text, name = "\n".join(lines) + "\n", f"{PREFIX}{number:06d}.txt"
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        pk = self.add(SourceText, sha256, name, text, "plain text sample", ADDED)
        return Source((name, sha256, 0, squeezed, pk), [*cuts, squeezed], squeeze(text), paragraphs)

    def fact(self, leaf):
        """Word one sentence of a source text."""
        if self.random() < 0.5:
            return self.pick(self.words["facts"]) % self.term(leaf)[0]
        action = self.pick(ACTIONS)
        return self.advice(leaf, action, self.pick(FORCES), self.actor.draw()[1:], None)[0]


class Source:
    """Where the rows of one report are written: its stretches, and its text where that is here.

    `columns` are the report's columns on its source, `cuts` the squeezed offsets between sections, `paragraphs`
    [(index of the section, text, start, end)].
    """

    def __init__(self, columns, cuts, squeezed=None, paragraphs=()):
        self.columns = columns
        self.cuts = cuts
        self.squeezed = squeezed
        self.paragraphs = paragraphs

    def settle(self, corpus, report):
        """Add the sections and passages of the report."""
        headings = corpus.said["sections"]
        self.sections = [
            corpus.add(Section, report, f"s{number + 1}", *headings[number % len(headings)], start, end)
            for number, (start, end) in enumerate(zip(self.cuts, self.cuts[1:], strict=False))
        ]
        self.passages = [
            corpus.add(Passage, report, self.sections[section], number, text, start, end)
            for number, (section, text, start, end) in enumerate(self.paragraphs, 1)
        ]

    def place(self, corpus, at=None):
        """Draw a span, `at` so far into the report: with a true digest if its text is here, else with a likely one."""
        at = corpus.random() if at is None else at
        if self.squeezed is None:
            start = int(at * (self.cuts[-1] - SPAN_MAX))
            end = start + SPAN_MIN + int(corpus.random() * 37)
            proof = f"{corpus.chance.getrandbits(48):012x}"
            return Place(self.sections[bisect(self.cuts, start) - 1], None, start, end, proof)
        number = int(at * len(self.paragraphs))
        section, _text, low, high = self.paragraphs[number]
        start = low + int(corpus.random() * (high - low - SPAN_MIN))
        end = min(high, start + SPAN_MIN + int(corpus.random() * 37))
        proof = digest(self.squeezed[start:end])
        return Place(self.sections[section], self.passages[number], start, end, proof)
