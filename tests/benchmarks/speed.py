"""How quick the portal is, each figure as a ratio to a yardstick of the same run, beside what one would pick instead.

`python -m tests.benchmarks.speed`, on a database with a sample in it (`manage.py make_sample --reports N`). Nothing is
written there. Beside it, over the same rows, stand the plain way (`tests.benchmarks.plain`) and Datasette
(`tests.benchmarks.datasette`), which is installed into a virtual environment of its own unless `--datasette` names one.

Rounds of all targets alternate and medians are taken, so that ratios hold on a busy machine too. In process, from the
query of an address to its rows or facets, against one row or twenty by primary key, all without what belongs to them.
Over HTTP, all served alike (`tests.benchmarks.serving`): requests a second against a bare view, which is one line in a
project as `startproject` makes it, with the middleware that comes with it. A process of the portal keeps rows as it
told them (`portal.shelf`): that shows where one address is asked over and over, and not where so many pages are turned
that none of their rows is kept.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from contextlib import ExitStack, contextmanager
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import urlencode

from tests.benchmarks.serving import SLOW

os.environ["STATEMENT_TIMEOUT"] = str(SLOW * 1000)

from tests.benchmarks import ground
from tests.benchmarks.ground import WORD, asked, in_turn, values, versions

# isort: split

from django.db import connection
from django.db.utils import OperationalError
from django.http import QueryDict

from portal.paging import Keyset
from recommendations.models import Recommendation
from tests.benchmarks import datasette, starting
from tests.benchmarks.plain.views import RecommendationFilter, facets, recommendations
from tests.benchmarks.serving import Client, Server, Target, bare, environment, gunicorn, interleaved, portal

ROUNDS, SECONDS, MOST = 7, 0.4, 6  # rounds, seconds of each over HTTP, seconds that one target may take altogether
PASSES = 15  # rounds in process
TURNED = 300  # pages, more rows than `portal.shelf` keeps
BROAD = "voice=own&unit=atomic"  # what most recommendations are filed under
REQUESTS, AT_MOST = 400, 40  # after which, or after so many seconds, the memory of a worker is read

Row = namedtuple("Row", "figure aim ours plain datasette", defaults=[None, None])


class Selection:
    """What is asked for: the commonest area and addressee together, and a rarer addressee beside the same area."""

    def __init__(self):
        found = values()
        self.area = found["area"][0]
        self.actor = values(query=f"area={self.area}")["addressee"][0]
        self.pair = f"area={self.area}&addressee={self.actor}"
        self.hits = asked(self.pair).total
        rarer = [f"area={self.area}&addressee={actor}" for actor in found["addressee"]]
        self.rare = min(rarer, key=lambda pair: abs(asked(pair).total - self.hits / 10))
        self.rare_hits = asked(self.rare).total


def page(query, cursor="", rows=Recommendation.objects.published):
    """Return the rows of one page of a list, as the site finds them."""
    entries = Keyset(asked(query).ordered(), 20).page(cursor).rows
    return rows().in_bulk([entry.object_id for entry in entries])


def shown():
    """The rows with all that a list page shows of them."""
    return Recommendation.objects.published().for_list().with_units().with_references()


def deep(query, share):
    """Return the cursor at a share of the depth of a list."""
    pages = Keyset(asked(query).ordered(), 20)
    row = asked(query).ordered()[int(asked(query).total * share)]
    return pages.cursor(True, False, pages.values(pages.rows.get(pk=row.pk)))


def turned(path):
    """Return the addresses of the first TURNED pages of a broad list; their rows are more than a process keeps."""
    pages = Keyset(asked(BROAD).ordered(), 20)
    places = pages.rows.order_by(*(column.ordering(True) for column in pages.columns))[: TURNED * 20 : 20]
    cursors = [pages.cursor(True, True, pages.values(row)) for row in places]
    return [f"{path}?{BROAD}&cursor={cursor}" for cursor in cursors]


def sql_of(queryset):
    """Return an act that runs the query of a QuerySet and makes nothing of its rows."""
    sql, params = queryset.query.sql_with_params()

    def act():
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            cursor.fetchall()

    return act


def plainly(query):
    """Return the rows that the plain way finds, without what it shows of them."""
    rows = recommendations().prefetch_related(None)
    return RecommendationFilter(QueryDict(query), queryset=rows).qs


def limited(act):
    """Return an act that notes as `slow` that it was broken off, by the database or between two questions to it."""

    def limited():
        until = time.monotonic() + SLOW

        def asking(execute, *question):
            if time.monotonic() > until:
                raise OperationalError("This takes too long.")
            return execute(*question)

        try:
            with connection.execute_wrapper(asking):
                act()
        except OperationalError:
            limited.slow = True

    limited.slow = False
    return limited


# ---------------------------------------------------------------------------------------------------------------------
# Lists, facets and searches, in process
# ---------------------------------------------------------------------------------------------------------------------


def list_rows(chosen, small):
    """Yield the Rows of what is measured in process; `small` is the URL of a database a hundred times smaller."""
    pair, cursor, depth = chosen.pair, deep(chosen.pair, 0.9), int(chosen.hits * 0.9)
    ids = list(page(pair))
    plain = {
        "plain page": lambda: list(plainly(pair)[:20]),
        "plain deep": lambda: list(plainly(pair)[depth : depth + 20]),
        "plain facets": lambda: facets(plainly("")),
        "plain facets, one": lambda: facets(plainly(f"area={chosen.area}")),
        "plain facets, two": lambda: facets(plainly(pair)),
        "plain facets, rare": lambda: facets(plainly(chosen.rare)),
        "plain search": lambda: list(plainly(f"q={WORD}")[:20]),
    }
    plain = {name: limited(act) for name, act in plain.items()}
    acts = {
        "one": lambda: Recommendation.objects.get(pk=ids[0]),
        "twenty": lambda: list(Recommendation.objects.filter(pk__in=ids)),
        "twenty, shown": lambda: shown().in_bulk(ids),
        "page": lambda: page(pair),
        "page, shown": lambda: page(pair, rows=shown),
        "page, SQL": sql_of(asked(pair).ordered()[:21]),
        "twenty, SQL": sql_of(Recommendation.objects.filter(pk__in=ids)),
        "deep": lambda: page(pair, cursor),
        "facets": lambda: asked().facets(),
        "facets, one": lambda: asked(f"area={chosen.area}").facets(),
        "facets, two": lambda: asked(pair).facets(),
        "facets, rare": lambda: asked(chosen.rare).facets(),
        "search": lambda: page(f"q={WORD}"),
        **plain,
    }
    with ExitStack() as stack:
        if small:
            acts["small"] = stack.enter_context(pulse(small))
        taken = in_turn(acts, PASSES, MOST)
    taken |= {name: float("inf") for name, act in plain.items() if act.slow}
    aims = {"postgresql": 12, "sqlite": 5}

    def over(name, yard):
        return taken[name] / taken[yard]

    growth = chosen.hits / chosen.rare_hits
    yield Row(
        "first page of a two-facet list / its 20 rows by key",
        ("≤", aims[connection.vendor]), over("page", "twenty"), over("plain page", "twenty"),
    )  # fmt: skip
    yield Row("its places in the index / its 20 rows by key, SQL alone", None, over("page, SQL", "twenty, SQL"))
    yield Row("the page with all that is shown / these rows by key", None, over("page, shown", "twenty, shown"))
    if small:
        yield Row("first page here / in the small database", ("≤", 5), over("page", "small"))
    deeper = over("plain deep", "plain page") if taken["plain page"] < SLOW else float("inf")
    yield Row("page at 90 % depth / first page", ("≤", 3), over("deep", "page"), deeper)
    for name, words in (("facets", "no filter"), ("facets, one", "one filter"), ("facets, two", "two filters")):
        aim = None if name == "facets, two" else ("≤", 30)
        yield Row(f"all facets, {words} / one row by key", aim, over(name, "one"), over(f"plain {name}", "one"))
    yield Row(
        f"all facets, two filters: growth in time / in hits ({chosen.rare_hits:,} to {chosen.hits:,})",
        ("≤", 1.2), over("facets, two", "facets, rare") / growth,
        over("plain facets, two", "plain facets, rare") / growth if taken["plain facets, two"] < SLOW else float("inf"),
    )  # fmt: skip
    yield Row(
        f"search for {WORD}, newest first / one row by key",
        ("≤", 30),
        over("search", "one"),
        over("plain search", "one"),
    )


@contextmanager
def pulse(url):
    """Yield an act: the first page of a two-facet list of another database, in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.speed", "--pulse"]
    process = subprocess.Popen(
        command, env={**os.environ, "DATABASE_URL": url}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def act():
        process.stdin.write("once\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"

    try:
        yield act
    finally:
        process.stdin.close()
        process.wait(10)


def beat():
    """Answer the acts of a `pulse`."""
    pair = Selection().pair
    for _line in sys.stdin:
        page(pair)
        print("done", flush=True)


# ---------------------------------------------------------------------------------------------------------------------
# Requests a second
# ---------------------------------------------------------------------------------------------------------------------


def plain_server():
    env = environment(DJANGO_SETTINGS_MODULE="tests.benchmarks.plain.settings", STATEMENT_TIMEOUT=str(SLOW * 1000))
    return Server("plain", lambda port: gunicorn("portal.wsgi", port), "/api/recommendations/?q=zzz", env=env)


def served_rows(chosen, command, flat):
    """Yield the Rows of what is measured over HTTP, and of what the workers take of memory."""
    area, actor, pair = chosen.area, chosen.actor, chosen.pair
    word = urlencode({"q": WORD})
    with ExitStack() as stack:
        least = stack.enter_context(bare())
        site = stack.enter_context(portal())
        keeping = stack.enter_context(portal(PAGE_CACHE="3600"))
        plain = stack.enter_context(plain_server())
        shelf = stack.enter_context(datasette.server(command, flat))
        for server in (plain, shelf):
            server.ready()
        whole, listed = "/en/recommendations/", f"/en/recommendations/?{pair}"
        objects = f"/api/v1/recommendations/?{pair}"
        with Client(site.port) as client:
            etags = {path: client.get(path)[1][b"etag"].decode() for path in (listed, objects)}
        uncounted = ("_nocount", 1)
        by_array = datasette.address(flat, *datasette.listed(area, actor), uncounted)
        by_table = datasette.address(flat, *datasette.through(area, actor), uncounted)
        contains = ("summary_zh__contains", WORD)
        targets = {
            "bare": Target(least.port, "/bare"),
            "API": Target(site.port, objects),
            "plain API": Target(plain.port, f"/api/recommendations/?{pair}"),
            "Datasette, arrays": Target(shelf.port, by_array),
            "Datasette, tables": Target(shelf.port, by_table),
            "whole": Target(site.port, whole),
            "plain whole": Target(plain.port, "/recommendations/"),
            "Datasette whole": Target(shelf.port, datasette.address(flat, *datasette.counted(), form="")),
            "page": Target(site.port, listed),
            "plain page": Target(plain.port, f"/recommendations/?{pair}"),
            "Datasette page": Target(
                shelf.port, datasette.address(flat, *datasette.listed(area, actor), *datasette.counted(), form="")
            ),
            "API turned": Target(site.port, turned(objects.partition("?")[0])),
            "page turned": Target(site.port, turned(whole)),
            "search": Target(site.port, f"/api/v1/recommendations/?{word}"),
            "plain search": Target(plain.port, f"/api/recommendations/?{word}"),
            "Datasette search": Target(shelf.port, datasette.address(flat, contains, uncounted)),
            "kept": Target(keeping.port, listed),
            "unchanged": Target(site.port, listed, f"If-None-Match: {etags[listed]}", status=304),
            "unchanged API": Target(site.port, objects, f"If-None-Match: {etags[objects]}", status=304),
        }
        interleaved(list(targets.values()), ROUNDS, SECONDS, MOST)

        def shares(*names):
            return [targets[name].share(targets["bare"]) for name in names]

        tables = max(shares("Datasette, arrays", "Datasette, tables"))
        yield Row("API list of 20 under two facets", ("≥", 0.15), *shares("API", "plain API"), tables)
        yield Row("the same page by page, under what most are filed under", None, *shares("API turned"))
        found = shares("search", "plain search", "Datasette search")
        yield Row(f"API list of 20 with {WORD}, newest first", None, *found)
        for said, name in (("whole", "whole"), ("under two facets", "page")):
            found = shares(name, f"plain {name}", f"Datasette {name}")
            yield Row(f"list page with facets, uncached, {said}", ("≥", 0.08), *found)
        yield Row("the same page by page, under what most are filed under", None, *shares("page turned"))
        yield Row("list page under two facets from the cache", ("≥", 0.65), *shares("kept"))
        yield Row("the same unchanged, 304", ("≥", 0.95), *shares("unchanged"))
        yield Row("API list unchanged, 304", ("≥", 0.95), *shares("unchanged API"))
        paths = f"/en/search/?{word}", whole, objects, "/zh/", "/zh/reports/", f"/api/v1/search/?{word}", "/zh/matrix/"
        with Client(site.port) as client:
            until = time.monotonic() + AT_MOST
            for path in islice(cycle(paths), REQUESTS):
                if time.monotonic() < until:
                    client.get(path)
        yield Row("memory of a worker, most", ("≤", 250), *(server.memory()[1] for server in (site, plain, shelf)))


# ---------------------------------------------------------------------------------------------------------------------
# Sizes, loading, the first page
# ---------------------------------------------------------------------------------------------------------------------

DERIVED = "portal_%"
TRUTH = "re%"  # reports_…, recommendations_…


def size_rows(flat):
    """Yield the Rows of megabytes in the database: the truth, the index that is derived from it; Datasette's file."""
    if connection.vendor == "postgresql":
        sql = "SELECT sum({}(oid)) FROM pg_class WHERE relkind = 'r' AND relname LIKE %s"
        parts = {"tables": "pg_table_size", "their indexes": "pg_indexes_size"}
        whole = "SELECT pg_database_size(current_database())"
    else:
        names = "SELECT name FROM sqlite_master WHERE type = '{}' AND tbl_name LIKE %s"
        sql = f"SELECT sum(pgsize) FROM dbstat WHERE name IN ({names})"
        parts = {"tables": "table", "their indexes": "index"}
        whole = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    with connection.cursor() as cursor:
        for said, like in (("truth", TRUTH), ("index", DERIVED)):
            for part, what in parts.items():
                cursor.execute(sql.format(what), [like])
                yield Row(f"{said}: {part}", None, float(cursor.fetchone()[0] or 0) / 1e6)
        cursor.execute(whole)
        yield Row("whole database", None, cursor.fetchone()[0] / 1e6, None, Path(flat).stat().st_size / 1e6)


def loading_rows():
    command = [sys.executable, "-m", "tests.benchmarks.loading"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    said = f"dossiers ({found['dossier rows']:,} rows and their entries of the index) / all that they write, raw"
    yield Row(said, ("≥", 0.2), found["dossiers, indexed"])
    yield Row("the same / the rows without these entries, raw", None, found["dossiers"])
    yield Row(f"sample ({found['rows']:,} rows) without index / the same rows raw", None, found["sample"])
    yield Row("the same with its index / the same rows raw", None, found["sample, indexed"])


def starting_rows():
    taken = starting.measured()
    yield Row(
        "`manage.py demo` to first page / `runserver` of an empty project", ("≤", 3), taken["demo"] / taken["empty"]
    )
    yield Row("Gunicorn to first page / the same", None, taken["gunicorn"] / taken["empty"])


# ---------------------------------------------------------------------------------------------------------------------
# The table
# ---------------------------------------------------------------------------------------------------------------------


def ratio(number):
    return f"{number:,.2f}" if number < 10 else f"{number:,.0f}"


def percent(number):
    return f"{number * 100:.1f} %" if number < 0.1 else f"{number * 100:.0f} %"


def megabytes(number):
    return f"{number:,.0f} MB"


def told(number, form):
    if number is None:
        return "–"
    return f"> {SLOW} s" if number in (0, float("inf")) else form(number)


def told_aim(row, form):
    """Return an aim, and whether it is reached."""
    if row.aim is None:
        return ""
    sign, bound = row.aim
    reached = row.ours <= bound if sign == "≤" else row.ours >= bound
    return f"{sign} {form(bound) if form is not ratio else bound} {'✓' if reached else '✗'}"


def show(title, rows, form, columns=("Duizhao", "plain", "Datasette")):
    print(f"\n| {title} | aim | {' | '.join(columns)} |\n|---|---|{'---|' * len(columns)}", flush=True)
    for row in rows:
        numbers = [told(number, form) for number in (row.ours, row.plain, row.datasette)[: len(columns)]]
        print(f"| {' | '.join([row.figure, told_aim(row, form), *numbers])} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--small", metavar="URL", help="a database a hundred times smaller, to see how lists grow")
    parser.add_argument("--datasette", type=Path, metavar="PATH", help="Datasette's command, instead of installing it")
    parser.add_argument("--brief", action="store_true", help="leave out loading and the first start")
    parser.add_argument("--pulse", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.pulse:
        return beat()
    chosen = Selection()
    with tempfile.TemporaryDirectory() as folder:
        command = options.datasette or datasette.executable(Path(folder))
        print(f"{versions()}, Datasette {datasette.version(command)}")
        print(f"{ground.total():,} recommendations, {chosen.hits:,} under both facets")
        show("in process", list_rows(chosen, options.small), ratio, ("Duizhao", "plain"))
        flat = f"{folder}/flat.sqlite3"
        datasette.export(flat)
        served = list(served_rows(chosen, command, flat))
        show("requests a second / bare view", served[:-1], percent)
        show("memory", served[-1:], megabytes)
        show("size", size_rows(flat), megabytes)
    if not options.brief:
        show("loading", loading_rows(), percent, ("Duizhao",))
        show("first start", starting_rows(), ratio, ("Duizhao",))


if __name__ == "__main__":
    main()
