"""A search finds what a plain look at the texts finds, and counts are those of the rows: on every database alike."""

import random
from collections import Counter

import pytest
from django.http import QueryDict

from portal import filters, finding, index, words
from portal.models import Entry, Kind
from portal.text import squeeze
from recommendations.filters import (
    PositionFilterSet,
    QuestionFilterSet,
    RecommendationFilterSet,
)
from recommendations.models import Position, Question, Rating, Recommendation
from reports.filters import ReportFilterSet
from reports.models import Report
from tests import factories as make

pytestmark = pytest.mark.django_db

# ---------------------------------------------------------------------------------------------------------------------
# A corpus, the same each time
# ---------------------------------------------------------------------------------------------------------------------

PIECES = (
    "5G网络 网络安全 網絡 安全 AI芯片 芯片 人工智能 数据 數據 跨境数据流动 中美 美国 美國 中国 对话 机制 标准 "
    "标准化 “小院高墙” 拜登 出口管制 管制 GPT-4 GPT R&D U.S. 欧盟 Ａｉ ５Ｇ 2021年 一 二 三十 的 和 与 也 "
    "cyber policies policy Policy trade chips AI U.S.-China state-of-the-art don't café data-flows Biden's "
    "《网络安全法》 WTO 世界贸易组织 ， 。 ； 、 ： （ ） ！ · — … / % _ \\ ' \" ( ) *"
).split()
BLANKS = ["", "", "", "", " ", "\n", "　"]


def text(chance, most=12):
    return "".join(chance.choice(PIECES) + chance.choice(BLANKS) for _n in range(chance.randint(1, most)))


@pytest.fixture
def chance():
    return random.Random(5)


@pytest.fixture
def corpus(chance):
    """Some 60 rows of four kinds in eight reports, two of them hidden, with a vocabulary in which areas are a tree."""

    def names(number):
        given = {"name_zh": text(chance, 2), "name_en": chance.choice(["Cyber", "AI chips", "Data flows", "WTO"])}
        return given | {"aliases": [text(chance, 2)], "slug": f"s{number}-{next(make.numbers)}"}

    def some(rows, least=0):
        return chance.sample(rows, chance.randint(least, 2))

    areas = []
    for n in range(6):
        areas.append(make.area(parent=chance.choice([None, *areas]), **names(n)))
    actors = [make.actor(**names(n)) for n in range(4)]
    tools = [make.instrument(**names(n)) for n in range(3)]
    subjects, framework = [make.subject(**names(n)) for n in range(3)], make.framework()
    people = [make.author(**names(n)) for n in range(3)]
    houses = [make.institution(**names(n)) for n in range(3)]
    questions = [
        make.question(some(areas, 1), kind=chance.choice(["normative", "predictive"]), text_zh=text(chance, 4))
        for _n in range(8)
    ]
    reports = []
    for n in range(8):
        held = make.source_text("。".join(text(chance, 20) for _n in range(5)))
        given = {
            "state": "draft" if n > 5 else "published",
            "date": chance.choice(["", "2019", "2020-05", "2021-02-03"]),
        }
        given |= {"publisher": chance.choice([None, *houses]), "title_zh": text(chance, 4)}
        whole = reports[0] if n == 1 else None
        given |= {"part_of": whole, "place": 1, "kind": "essay"} if whole else {}
        reports.append(make.report(held, **given))
        for who in some(people):
            make.contribution(reports[-1], author=who).affiliations.set(some(houses))

    def speaker(field):
        voice = chance.choice(["own", "own", "joint", "attributed"])
        return {"voice": voice, field: None if voice == "own" else chance.choice(actors)}

    def proven(row):
        length = len(squeeze(row.report.source_text.text))
        for _n in range(chance.randint(0, 2)):
            start = chance.randint(0, length - 20)
            if not row.evidence.filter(start=start).exists():
                make.evidence(row, start, start + chance.randint(16, 20))

    for _n in range(60):
        report, summary = chance.choice(reports), {"summary_zh": text(chance), "summary_en": text(chance)}
        kind = chance.choice("rrpt")
        if kind == "r":
            row = make.recommendation(
                report, some(areas, 1), some(actors), some(tools), force=chance.choice(["must", "should", "may"]),
                condition_zh=text(chance, 3), condition_en=text(chance, 2), **summary, **speaker("made_by"),
            )  # fmt: skip
            if before := Recommendation.objects.filter(report=report).exclude(pk=row.pk).first():
                fate = chance.random()
                if fate < 0.2:
                    row.restates.add(before)
                elif fate < 0.4 and not before.parent_id:
                    Recommendation.objects.filter(pk=row.pk).update(parent=before)
        elif kind == "p":
            given = {"question": chance.choice(questions), "stance": chance.randint(-2, 2)}
            row = make.position(report, **given, **summary, **speaker("holder"))
        else:
            given = {"subject": chance.choice(subjects), "assessor": chance.choice([None, *actors])}
            row = make.rating(report, framework.dimensions.first(), **given, **summary)
        proven(row)
    index.rebuild()
    return reports


# ---------------------------------------------------------------------------------------------------------------------
# The plain truth, from the rows alone
# ---------------------------------------------------------------------------------------------------------------------


class Plain:
    """What a list and a search know of a row, worked out in the plainest way.

    `head` and `body` are its own texts, `named` {field: [names of one thing it is filed under]}, `facets`
    {facet: words}, `sort` what the list is sorted by.
    """

    def __init__(self, row, head, body, named, facets, sort, date="", documents=0):
        self.row, self.head, self.body, self.named, self.facets, self.sort = row, head, body, named, facets, sort
        self.date, self.documents = date, documents

    def answers(self, term, kind):
        if term.years:
            first, last = term.years
            return bool(self.date) and (first or 0) <= int(self.date[:4]) <= (last or 9999)
        if term.field == "title":
            return holds(self.head, term.phrases)
        if term.field:
            return any(holds(names, term.phrases) for names in self.named.get(term.field, ()))
        searched = [field for field in self.named if field != "author" or kind == Kind.REPORTS]
        named = [names for field in searched for names in self.named[field]]
        return holds(self.head + self.body, term.phrases) or any(holds(names, term.phrases) for names in named)

    def found(self, query, kind):
        return bool(query.clauses) and all(
            clause.negated != any(self.answers(term, kind) for term in clause.options) for clause in query.clauses
        )

    def rank(self, query):
        """0 for what is called just so, 1 for what has all words in its head, 2 for all else."""
        asked = words.whole(" ".join(term.text for clause in query.clauses for term in clause.options))
        if asked and any(words.whole(name) == asked for name in self.head):
            return 0
        wanted = [clause for clause in query.clauses if not clause.negated and all(t.phrases for t in clause.options)]
        held = all(any(holds(self.head, term.phrases) for term in clause.options) for clause in wanted)
        return 1 if wanted and held else 2


def holds(texts, phrases):
    normal = [words.normal(one) for one in texts]
    return all(any(phrase.like in one for one in normal) for phrase in phrases)


def names(row):
    return [row.name_zh, row.name_en, *row.aliases] if hasattr(row, "aliases") else [row.title_zh, row.title_en]


def above(areas):
    found = set()
    for area in areas:
        while area is not None:
            found.add(area)
            area = area.parent
    return found


def newest(report):
    year, month, day = [*map(int, report.date.split("-") if report.date else [0]), 0, 0][:3]
    return (-year, -month, -day, report.slug)


def of_report(report):
    """Return the facets that all rows of a report have, and its authors and institutions."""
    people = {one.author for one in report.contributions.all() if one.author}
    houses = {house for one in report.contributions.all() for house in one.affiliations.all()}
    houses |= {report.publisher} - {None}
    return people, houses, {
        "report": {one.slug for one in (report, report.part_of) if one},
        "author": {one.slug for one in people},
        "institution": {one.slug for one in houses},
        "year": {report.date[:4]} - {""},
    }  # fmt: skip


def slugs(rows):
    return {row.slug for row in rows}


def plain_rows(kind):
    """Return the Plain of every public row of a kind, in the order of its list."""
    public = [report for report in Report.objects.all() if report.state == "published"]
    found = []
    for report in public:
        people, houses, facets = of_report(report)
        makers = {"author": [names(one) for one in people | houses]}
        if kind == Kind.REPORTS:
            facets |= {"kind": {report.kind}, "role": {one.role for one in report.contributions.all()}}
            texts = [report.standfirst_zh, report.standfirst_en, report.container]
            titles = [report.title_zh, report.title_en]
            found.append(Plain(report, titles, texts, makers, facets, newest(report), report.date))
            continue
        model = {Kind.RECOMMENDATIONS: Recommendation, Kind.POSITIONS: Position, Kind.RATINGS: Rating}[kind]
        for row in model.objects.filter(report=report):
            quoted = [report.squeezed.slice(span.start, span.end) for span in row.evidence.all()]
            filed, facts, first, more = OF_KIND[kind](row)
            found.append(
                Plain(
                    row,
                    [row.summary_zh, row.summary_en],
                    [*more, *quoted],
                    makers | {name: [names(one) for one in rows] for name, rows in filed.items()},
                    facets | facts,
                    (newest(report), first, row.order, row.key),
                    report.date,
                )
            )
    return sorted(found, key=lambda one: one.sort)


def plain_advice(row):
    unit = (
        "restating" if row.restates.filter(report__state="published") else "umbrella" if row.parts.all() else "atomic"
    )
    areas, actors = above(row.areas.all()), {row.made_by, *row.addressees.all()} - {None}
    facets = {
        "area": slugs(areas),
        "addressee": slugs(row.addressees.all()),
        "instrument": slugs(row.instruments.all()),
        "made_by": {row.made_by.slug if row.made_by else "authors"},
        "unit": {unit},
        **{name: {getattr(row, name)} for name in ("action_type", "force", "standing", "voice")},
    }
    filed = {"area": areas, "actor": actors, "instrument": row.instruments.all()}
    return filed, facets, unit == "restating", [row.condition_zh, row.condition_en]


def plain_answer(row):
    areas = above(row.question.areas.all())
    facets = {
        "area": slugs(areas),
        "kind": {row.question.kind},
        "question": {row.question.slug},
        "holder": {row.holder.slug if row.holder else "authors"},
        "stance": {str(row.stance)},
        **{name: {getattr(row, name)} for name in ("voice", "hedge")},
    }
    texts = [row.question.text_zh, row.question.text_en, row.condition_zh, row.condition_en]
    return {"area": areas, "actor": {row.holder} - {None}}, facets, False, texts


def plain_rating(row):
    filed = {"actor": {row.assessor} - {None}, "subject": {row.subject}, "framework": {row.dimension.framework}}
    return filed, {}, False, []


OF_KIND = {Kind.RECOMMENDATIONS: plain_advice, Kind.POSITIONS: plain_answer, Kind.RATINGS: plain_rating}


def plain_questions():
    found = []
    for question in Question.objects.all():
        answers = [one for one in question.positions.all() if one.report.state == "published"]
        if not answers:
            continue
        own = [one for one in answers if one.voice == "own"]
        documents, stances = {one.report for one in own}, [one.stance for one in own]
        contention = None
        if len(documents) >= 3:
            mean = sum(stances) / len(stances)
            contention = sum((one - mean) ** 2 for one in stances) / len(stances) / 4
        lowest, highest = min(stances, default=0), max(stances, default=0)
        agreement = (
            ("single" if documents else "none") if len(documents) < 2
            else "split" if lowest < 0 < highest
            else "leaning" if (lowest == 0) != (highest == 0)
            else "agreed"
        )  # fmt: skip
        shown = {one.report for one in answers}
        facets = {
            "area": slugs(above(question.areas.all())),
            "kind": {question.kind},
            "agreement": {agreement},
            "report": slugs(shown) | slugs(report.part_of for report in shown if report.part_of),
            "holder": slugs(one.holder for one in answers if one.holder),
        }
        sort = (contention is None, -round(contention or 0, 9), -len(shown), question.slug)
        texts = [question.text_zh, question.text_en]
        found.append(Plain(question, texts, [], {}, facets, sort, documents=len(shown)))
    return sorted(found, key=lambda one: one.sort)


# ---------------------------------------------------------------------------------------------------------------------
# Searches
# ---------------------------------------------------------------------------------------------------------------------


def queries(chance, rows, number):
    """Yield queries: pieces of what stands there, of any length and across anything, and what hardly stands there."""
    named = [name for row in rows for of in row.named.values() for one in of for name in one]
    texts = [one for one in [*named, *(one for row in rows for one in [*row.head, *row.body])] if one]

    def word():
        if chance.random() < 0.3:
            return chance.choice(PIECES)
        one = chance.choice(texts)
        start = chance.randrange(len(one))
        return one[start : start + chance.choice([1, 1, 2, 2, 3, 4, 6, 9])]

    shapes = [
        lambda: word(),
        lambda: word(),
        lambda: word().replace(" ", ""),
        lambda: f"“{word()}{word()}”",
        lambda: f'"{word()}"',
        lambda: f"{word()} {word()}",
        lambda: f"{word()} -{word()}",
        lambda: f"-{word()}",
        lambda: f"{word()} OR {word()}",
        lambda: f"title:{word()}",
        lambda: f"{chance.choice(['area', 'author', '领域'])}:{word()}",
        lambda: f"{word()} year:{chance.choice(['2019', '2019..2020', '..2020', '2020..'])}",
        lambda: chance.choice(texts),
        lambda: word().upper(),
        lambda: word().swapcase(),
    ]
    for n in range(number):
        yield shapes[n % len(shapes)]()


def test_a_search_is_a_plain_look_at_the_texts_in_a_known_order(corpus, chance):
    kinds = [Kind.RECOMMENDATIONS, Kind.POSITIONS, Kind.RATINGS, Kind.REPORTS]
    rows = {kind: plain_rows(kind) for kind in kinds}
    assert all(len(found) > 4 for found in rows.values())
    ranks, hits = Counter(), 0
    for n, asked in enumerate(queries(chance, [row for kind in kinds for row in rows[kind]], 1000)):
        kind, query = kinds[n % 4], words.parse(asked)
        found = Entry.objects.filter(finding.asked(kind, query), kind=kind)
        found = list(found.order_by(finding.exactness(query).asc(), "place").values_list("object_id", flat=True))
        wanted = [row for row in rows[kind] if row.found(query, kind)]
        wanted.sort(key=lambda row: row.rank(query))
        assert found == [row.row.pk for row in wanted], (asked, kind, query)
        ranks.update(row.rank(query) for row in wanted)
        hits += bool(wanted)
    assert hits > 400 and min(ranks[n] for n in range(3)) > 5, (hits, ranks)


CRUEL = [
    '"', "“", "「", "（", ")", "(", "*", ":", "^", "-", "--", "/*", "*/", ";", "'", "''", "\\", "\\'", "%", "_",
    "&", "|", "!", "<->", "<2>", ":*", ":A", "@@", "NEAR", "NEAR(", "AND", "OR", "NOT", "{head}", "head:",
    "body :", "rowid", "title:", "area:", "year:", "year:2019..", "year:9999..1", "author:“", "' OR 1=1 --",
    "; DROP TABLE portal_entry;", "{{", "%s", "%(a)s", "$1", "\x00", "\x01", "\x1b[0m", "\x7f", "\x9f",
    "\ud800", "\udfff", "\u200b", "\u202e", "\ufeff", "\U0010ffff", "\U00020000",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467", "é" * 9, "e\u0301" * 40, "ﷺ", "ß", "İ", "ﬃ", "ᄀ", "각", "①",
    "㍿", "网", "网络", "≡", "≡网络", "·", "a" * 300, "网" * 200, " ", "\n", "\u3000", "5G", "GPT-4",
    "http://a.b/?c=d&e", "-“", "-title:", "OR OR",
]  # fmt: skip


def cruel(chance):
    return "".join(chance.choice(CRUEL) + chance.choice(["", "", " "]) for _n in range(chance.randint(1, 12)))


def answer(asked):
    """Ask a query of every kind that has names besides; only too many words may be refused."""
    try:
        query = words.parse(asked)
    except words.TooManyWords:
        return False
    for kind in (Kind.RECOMMENDATIONS, Kind.REPORTS):
        found = Entry.objects.filter(finding.asked(kind, query), kind=kind)
        assert found.count() >= 0
        list(found.order_by(finding.exactness(query).asc(), "place")[:3])
    return True


def test_nothing_that_is_typed_breaks_the_search(corpus, chance):
    assert sum(answer(cruel(chance)) for _n in range(400)) > 200
    for _n in range(4600):
        try:
            words.parse(cruel(chance))
        except words.TooManyWords:
            pass


# ---------------------------------------------------------------------------------------------------------------------
# Filters and facets
# ---------------------------------------------------------------------------------------------------------------------

LISTS = {
    RecommendationFilterSet: lambda: plain_rows(Kind.RECOMMENDATIONS),
    PositionFilterSet: lambda: plain_rows(Kind.POSITIONS),
    QuestionFilterSet: plain_questions,
    ReportFilterSet: lambda: plain_rows(Kind.REPORTS),
}
QUERIES = ["网络", "AI", "安全 OR 芯片", "-cyber", "的"]


def combination(chance, filterset, rows):
    """Return {parameter: values} of some filters, with values that there are."""
    offered = sorted({(name, word) for row in rows for name, words in row.facets.items() for word in words})
    offered = [(name, word) for name, word in offered if name in filterset.base_filters]
    chosen = {}
    for name, word in chance.sample(offered, chance.choice([0, 1, 1, 2, 2, 3, 4])):
        chosen.setdefault(name, []).append(word)
    for name, values in {"year_min": ["2019", "2020", "2021"], "year_max": ["2019", "2020"], "q": QUERIES}.items():
        if name in filterset.base_filters and chance.random() < 0.2:
            chosen[name] = [chance.choice(values)]
    if "documents_min" in filterset.base_filters and chance.random() < 0.3:
        chosen["documents_min"] = [chance.choice("123")]
    return chosen


def left(rows, chosen, kind, but=""):
    """Return the rows that the chosen values leave, but for those of one facet."""

    def stays(row, name, values):
        if name == "q":
            return row.found(words.parse(values[0]), kind)
        if name == "documents_min":
            return row.documents >= int(values[0])
        if name in ("year_min", "year_max"):
            low, high = (int(values[0]), 9999) if name == "year_min" else (0, int(values[0]))
            return bool(row.date) and low <= int(row.date[:4]) <= high
        return bool(row.facets.get(name, set()) & {*values})

    return [row for row in rows if all(stays(row, *one) for one in chosen.items() if one[0] != but)]


@pytest.mark.parametrize("many", [False, True], ids=["few", "many"])
@pytest.mark.parametrize("filterset", LISTS)
def test_lists_and_facets_are_those_of_the_rows(corpus, chance, filterset, many, monkeypatch):
    if many:  # what is done where entries are too many to be read to the end
        monkeypatch.setattr(filters, "FEW", 0)
        monkeypatch.setattr(filters, "FACET_LIMIT", 48)
        monkeypatch.setattr(filters, "SOUGHT", 1)
    rows, seen = LISTS[filterset](), Counter()
    for _n in range(40):
        chosen = combination(chance, filterset, rows)
        asked = QueryDict(mutable=True)
        for name, values in chosen.items():
            asked.setlist(name, values)
        found = filterset(asked)
        assert found.is_valid(), found.errors
        wanted = left(rows, chosen, filterset.listed)
        assert found.keys() == [row.row.pk for row in wanted], chosen
        assert found.total == len(wanted), chosen
        facets = {one["name"]: one for one in found.facets()}
        for name, word_filter in found.filters.items():
            if word_filter.facet:
                of = left(rows, chosen, filterset.listed, but=name)
                counts = Counter(word for row in of for word in row.facets.get(name, ()))
                told = facets.get(name, {"values": [], "more": []})
                told = {value.value: value.count for value in told["values"] + told["more"]}
                assert {word: n for word, n in told.items() if n} == counts, (name, chosen)
                assert told.keys() - counts.keys() <= {*chosen.get(name, ())}
        if filterset is RecommendationFilterSet:
            units, voices = (Counter(w for row in wanted for w in row.facets[f]) for f in ("unit", "voice"))
            single = [row for row in wanted if row.facets["unit"] == {"atomic"}]
            tally = found.tally()
            assert tally["umbrellas"] == units["umbrella"] and tally["repeats"] == units["restating"], chosen
            assert tally["voices"] == Counter(word for row in single for word in row.facets["voice"]), chosen
            assert tally["documents"] == len({row.row.report_id for row in single}) and voices.total() == len(wanted)
        seen[bool(wanted)] += 1
    assert seen[True] > 15


def test_what_is_filed_under_nothing_is_counted(db):
    Entry.objects.create(place=5, kind=Kind.FRAMEWORKS, object_id=1, name="alone", terms=[], tokens="")
    found = finding.counts(Entry.objects.filter(place=5))
    assert found == {} and found.total == 1
