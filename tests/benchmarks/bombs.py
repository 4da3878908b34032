"""What anyone may ask and nobody should: the costliest addresses there are, and thousands of hostile searches.

`python -m tests.benchmarks.bombs [--hostile N]`, on a database with a sample in it (`manage.py make_sample`). Nothing
is written. The portal is served as in production, but that no page is kept (PAGE_CACHE=0), so that each answer is
worked out. Every address must be answered with less than a 500 in LIMIT seconds (of a download, the first bytes), every
hostile search in HOSTILE_LIMIT. What is a little late is asked again, for it may have been the machine; the quickest
answer counts.
"""

import argparse
import base64
import json
import random
import sys
from urllib.parse import quote, urlencode

from tests.benchmarks import ground
from tests.benchmarks.ground import WORD, asked, characters, timed, values, versions
from tests.benchmarks.serving import Client, bare, portal

# isort: split
from django.db.models import Count
from django.urls import reverse

from portal.export import FORMS
from portal.filters import VALUES_MOST
from portal.paging import CURSOR_LIMIT, Keyset
from portal.urls import api_rows
from portal.words import TERMS
from recommendations.comparison_api import MatrixPages
from recommendations.filters import (
    COMPARED,
    AreaFilterSet,
    ForecastFilterSet,
    FrameworkFilterSet,
    QuestionFilterSet,
    RecommendationFilterSet,
    SubjectFilterSet,
)
from recommendations.models import Framework, PolicyArea, Question, Subject
from reports.filters import AuthorFilterSet, InstitutionFilterSet, ReportFilterSet, WorkFilterSet
from reports.models import Author, Institution, Report

LIMIT, HOSTILE_LIMIT = 0.5, 1.0
AGAIN, CLEARLY = 3, 4  # times that a late answer is asked for once more; times too late, which no busy machine explains
SHOWN = 20
PAGES = {
    "recommendations": RecommendationFilterSet,
    "reports": ReportFilterSet,
    "questions": QuestionFilterSet,
    "forecasts": ForecastFilterSet,
    "works": WorkFilterSet,
    "authors": AuthorFilterSet,
    "institutions": InstitutionFilterSet,
    "frameworks": FrameworkFilterSet,
    "areas": AreaFilterSet,
    "subjects": SubjectFilterSet,
}
SYNTAX = [
    '"', "“", "”", "「", "」", "'", "-", "－", " OR ", " OR", "title:", "标题：", "author:", "area:", "year:", "年份：",
    "2019..", "..2021", "..", "至", "*", "%", "_", "\\", "\0", "(", ")", "NEAR(a b)", " AND ", " NOT ", ":*", "&", "|",
    "!", "<->", "{t}: x", "'; DROP TABLE x;--", "数据", "网", "的", "5G网络", "AI", "GPT-4", "a", "é", "\u0301", "💩",
    "\u202e", "\ud800", "\udfff", "١", "ａｂ", "x" * 60, "R07", "first/", "/", ";", "--", "{", "}", "^", "~", "+", "≡",
    "·", "\n", "\x1b", " ", " ", " ", "　",
]  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------
# The addresses
# ---------------------------------------------------------------------------------------------------------------------


def page(name, *pairs):
    query = urlencode(pairs, errors="surrogatepass")
    return f"/en/{name}/?{query}" if query else f"/en/{name}/"


def api(name, *pairs):
    return page(name, *pairs).replace("/en/", "/api/v1/", 1)


def both(name, *pairs):
    """Yield the address of a page, and of its twin in the API."""
    yield page(name, *pairs)
    yield api(name, *pairs)


def deep_pages():
    """Yield lists at half, at nine tenths and at the very end of their depth, in every order."""
    for name, filterset in (("recommendations", RecommendationFilterSet), ("reports", ReportFilterSet)):
        orders = asked(filterset=filterset).filters["ordering"].fields
        for order in [sign + word for word in orders if word != "relevance" for sign in ("", "-")]:
            for depth in (0.5, 0.9, 1):
                found = asked(urlencode([("ordering", order)]), filterset)
                pages = Keyset(found.ordered(), 20)
                row = found.ordered()[min(int(found.total * depth), found.total - 1)]
                row = pages.rows.get(pk=row.pk)
                yield from both(name, ("ordering", order), ("cursor", pages.cursor(True, False, pages.values(row))))


def forged_cursors():
    """Yield cursors that are broken, far too long, or sound but for what stands in them."""
    digest = Keyset(asked().ordered(), 20).digest
    forged = [[2**63 - 1], [-(2**63)], [2**63], [None], ["x"], [1e308], [[]], [{}], [True], ["9" * 900], [0, 0], []]
    written = [json.dumps([way, digest, *row]) for way in ("after", "to") for row in forged]
    written += ["[" * 1400, '["after"', "null", json.dumps({"a": digest})]
    cursors = [base64.urlsafe_b64encode(text.encode()).decode().rstrip("=") for text in written]
    for n, cursor in enumerate([*cursors, "0", "-1", "٣", "x" * (CURSOR_LIMIT + 1), "9" * 7000]):
        yield (page, api)[n % 2]("recommendations", ("cursor", cursor))


def whole_objects():
    """Yield every list of the API at its largest: most rows, all members, every object in them whole, counted."""
    for rows in api_rows:
        expand = ",".join(rows.serializer_class.expands)
        pairs = [("page_size", rows.pagination_class.SIZE_MAX), ("count", "on")]
        yield api(rows.endpoint, *pairs, *([("expand", expand)] if expand else []))


def many_values(found):
    """Yield as many values as are taken: of one facet, of two, of many; and one more."""
    most = {facet: words for facet, words in found.items() if len(words) > 5}
    for facet, words in most.items():
        yield from both("recommendations", *((facet, word) for word in words[:VALUES_MOST]))
    for one, other in (("area", "addressee"), ("report", "author"), ("area", "instrument")):
        pairs = [(name, word) for name in (one, other) for word in found.get(name, [])[: VALUES_MOST // 2]]
        yield from both("recommendations", *pairs)
    mixed = [(facet, word) for facet, words in found.items() for word in words[:3]][:VALUES_MOST]
    yield from both("recommendations", *mixed)
    yield from both("recommendations", *((*mixed, *mixed)[: VALUES_MOST + 1]))


def widest(found):
    """Yield every list whole, and recommendations under what nearly all of them are filed under."""
    for name, filterset in PAGES.items():
        yield page(name)
        for facet, words in list(values(filterset).items())[:3]:
            yield page(name, (facet, words[0]))
    first = {facet: words[0] for facet, words in found.items()}
    narrow = ("area", "addressee"), ("voice", "unit"), ("standing", "made_by"), ("area", "report"), ("force", "year")
    for pair in (*narrow, ("area", "addressee", "voice"), ("voice", "unit", "standing", "made_by", "force")):
        yield from both("recommendations", *((name, first[name]) for name in pair if name in first))
    yield api("recommendations", ("voice", first["voice"]), ("unit", first["unit"]), ("count", "on"))


def queries():
    """Return queries that are hard to answer."""
    commonest = characters(2 * TERMS)
    pairs = ["".join(pair) for pair in zip(commonest, commonest[1:], strict=False)]
    return [
        *commonest[:3],
        WORD,
        " ".join(commonest[:TERMS]),
        " OR ".join(commonest[:TERMS]),
        " OR ".join(pairs[:TERMS]),
        " ".join(f"-{char}" for char in commonest[:TERMS]),
        " ".join([WORD, *(f"-{char}" for char in commonest[TERMS : 2 * TERMS - 1])]),
        " ".join(f"{a} OR {b}" for a, b in zip(commonest[:10], pairs, strict=False)),
        "".join(commonest[:TERMS]),
        f"“{''.join(commonest[:2])}” OR “{WORD}”",
        " ".join(f"title:{char}" for char in commonest[:TERMS]),
        " ".join(f"area:{char}" for char in commonest[:5]),
        f"author:{commonest[0]} OR area:{commonest[1]}",
        "year:1900..2100",
        "-year:2019 -year:2020",
        "the",
        "the of and to in a for on with is",
        "a OR e OR i OR o OR the",
        "-the",
        "x" * 200,
        "数" * 200,
        "R07",
    ]


def searches():
    for n, q in enumerate(queries()):
        yield from both("search", ("q", q))
        yield (page, api)[n % 2]("recommendations", ("q", q))
    hardest = queries()[:6]
    for q in hardest:
        yield page("recommendations", ("q", q), ("ordering", "relevance"))
        yield api("search", ("q", q), ("type", "passages"))
    for q in hardest[:3]:
        yield api("recommendations", ("q", q), ("page_size", 100), ("count", "on"))
        yield page("forecasts", ("q", q))
        yield api("citations", ("q", q))


def downloads():
    """Yield lists in all their forms, from end to end."""
    for form in FORMS:
        for name in ("recommendations", "reports", "questions", "works"):
            yield page(name, ("format", form))
    yield page("recommendations", ("format", "csv"), ("q", WORD), ("ordering", "relevance"))
    yield page("recommendations", ("format", "jsonl"), ("ordering", "-report"))


def years():
    for low, high in ((1, 9998), (2000, 2030), (2021, 2021), (9998, 1)):
        yield from both("recommendations", ("year_min", low), ("year_max", high))
    yield page("reports", ("year_min", 1))
    yield page("timeline", ("year_max", 9998))
    yield page("timeline")


def side_by_side():
    """Yield the matrix at its widest, and the comparison of the documents that say most."""
    largest = Report.objects.published().annotate(n=Count("recommendations")).order_by("-n", "slug")
    slugs = list(largest.values_list("slug", flat=True)[:VALUES_MOST])
    size = ("page_size", MatrixPages.SIZE_MAX)
    for pairs in ([], [size], [size, ("columns", "holders")], [size, *(("report", slug) for slug in slugs[:39])]):
        yield from both("matrix", *pairs)
    yield page("matrix", size, ("ordering", "contention"), ("format", "csv"))
    yield page("matrix", size, ("columns", "holders"), ("format", "json"))
    yield from both("compare", *(("reports", slug) for slug in slugs[:COMPARED]))
    yield from both("compare", ("reports", ",".join(slugs[: COMPARED + 1])))


def suggestions():
    for q in (WORD[0], WORD, "的", "a", "th", "R", "R0", "x" * 200, "数" * 200, " ".join(characters(TERMS))):
        yield page("search/suggest", ("q", q))


def single_things(found):
    """Yield the pages and objects of what has most below it, and the pages that sum up everything."""
    for name, model, path in (
        ("area", PolicyArea, "areas"), ("author", Author, "authors"), ("institution", Institution, "institutions"),
        ("report", Report, "reports"),
    ):  # fmt: skip
        for slug in found.get(name, [])[:2]:
            row = model.objects.get(slug=slug)
            yield row.get_absolute_url()
            yield f"/api/v1/{path}/{slug}/"
    asked_most = Question.objects.published().annotate(n=Count("positions")).order_by("-n").first()
    yield asked_most.get_absolute_url()
    yield f"/api/v1/questions/{asked_most.slug}/"
    for model, path in ((Framework, "frameworks"), (Subject, "subjects")):
        row = model.objects.published().first()
        yield row.get_absolute_url()
        yield f"/api/v1/{path}/{row.slug}/"
    yield reverse("portal:front")
    yield reverse("portal:codebook")
    yield reverse("schema")


def addresses():
    found = values()
    some = (
        deep_pages(), forged_cursors(), whole_objects(), many_values(found), widest(found), searches(), downloads(),
        years(), side_by_side(), suggestions(), single_things(found),
    )  # fmt: skip
    return list(dict.fromkeys(address for each in some for address in each))


def hostile(n, seed=7):
    """Yield searches of random pieces of syntax, of letters of all scripts and of what is no letter."""
    dice = random.Random(seed)
    letters = [*characters(50), *(chr(dice.randrange(32, 0x2FFF)) for _ in range(100))]
    for _ in range(n):
        pieces = dice.choices(SYNTAX + letters, k=dice.choice((1, 2, 3, 5, 8, 13, 30, 60)))
        path = dice.choice(("/en/search/", "/api/v1/search/", "/en/recommendations/", "/en/search/suggest/"))
        yield f"{path}?q={quote(''.join(pieces)[:200], errors='surrogatepass')}"


# ---------------------------------------------------------------------------------------------------------------------
# Asking
# ---------------------------------------------------------------------------------------------------------------------


class Blast:
    """What came of one address: `seconds` to the first bytes, and the last status."""

    def __init__(self, address):
        self.address, self.seconds, self.status = address, float("inf"), 0

    def ask(self, client):
        try:
            self.seconds = min(self.seconds, timed(lambda: self.once(client)))
        except TimeoutError:
            client.close()

    def once(self, client):
        if "format=" in self.address:
            self.status = client.first(self.address)
        else:
            self.status = client.get(self.address)[0]

    def fails(self, limit):
        return self.seconds > limit or not 200 <= self.status < 500


def blasted(client, addresses, limit):
    """Return a Blast for each address; what is a little late is asked again. Failures are told at once on stderr."""
    found = []
    for address in addresses:
        blast = Blast(address)
        for _ in range(1 + AGAIN):
            blast.ask(client)
            if not blast.fails(limit) or blast.seconds > CLEARLY * limit:
                break
        if blast.fails(limit):
            print(f"{blast.seconds:6.1f} s  {blast.status}  {blast.address[:100]}", file=sys.stderr, flush=True)
        found.append(blast)
    return found


def report(title, blasts, limit, yardstick):
    failed = [blast for blast in blasts if blast.fails(limit)]
    print(f"\n{title}: {len(blasts)}, of which {len(failed)} take more than {limit * 1000:.0f} ms or fail")
    blasts.sort(key=lambda blast: -blast.seconds)
    for blast in blasts[: max(SHOWN, len(failed))] if len(failed) < 3 * SHOWN else blasts[: 3 * SHOWN]:
        mark = "!" if blast.fails(limit) else " "
        times = f"{blast.seconds * 1000:9.0f} ms {blast.seconds / yardstick:8.0f} × bare"
        print(f"{mark}{times}  {blast.status}  {blast.address[:150]}")
    return len(failed)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hostile", type=int, default=5000, metavar="N", help="how many hostile searches")
    options = parser.parse_args()
    print(versions())
    print(f"{ground.total():,} recommendations")
    bombs = addresses()
    with bare() as least, portal() as site:
        with Client(least.port) as one, Client(site.port) as client:
            for path in (*(page(name, ("q", "zzz")) for name in PAGES), page("search", ("q", "zzz")), page("matrix")):
                Blast(path).ask(client)  # templates and vocabularies are read once a process
            yardstick = min(timed(lambda: one.get("/bare")) for _ in range(200))
            failed = report("Bombs", blasted(client, bombs, LIMIT), LIMIT, yardstick)
            strings = blasted(client, hostile(options.hostile), HOSTILE_LIMIT)
            failed += report("Hostile searches", strings, HOSTILE_LIMIT, yardstick)
            now, most = site.memory()
            print(f"\nThe worker takes {now:.0f} MB, and took {most:.0f} MB at most.")
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    main()
