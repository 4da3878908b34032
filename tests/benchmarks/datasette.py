"""Datasette over the same rows: what somebody would pick who has them in SQLite and wants facets, search and JSON.

It gets what it asks for: one table, as flat as its facets want it. Areas (those above them too), addressees and
instruments stand in it as JSON arrays, which `_facet_array` counts, and areas and addressees in tables of their own as
well, with foreign keys and indexes, which `_through` asks. Every column that is filtered or sorted by has an index. The
full-text index over the summaries is FTS5's with trigrams, for the usual tokenizer finds no Chinese; and trigrams find
no word of two characters, which are looked for by `__contains`, that is LIKE. The file is served immutable, so that
Datasette counts its tables once, without suggested facets, and with limits that let every facet end.
"""

import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

from recommendations.index import lineage
from recommendations.models import Actor, Instrument, PolicyArea, Recommendation
from reports.models import Report
from tests.benchmarks.serving import ROOT, Server

TABLES = """
CREATE TABLE reports (slug TEXT PRIMARY KEY, title_zh TEXT, title_en TEXT, date TEXT);
CREATE TABLE areas (slug TEXT PRIMARY KEY, name_zh TEXT, name_en TEXT);
CREATE TABLE actors (slug TEXT PRIMARY KEY, name_zh TEXT, name_en TEXT);
CREATE TABLE recommendations (
    id INTEGER PRIMARY KEY, report TEXT REFERENCES reports(slug), key TEXT, date TEXT, year TEXT, action_type TEXT,
    force TEXT, standing TEXT, voice TEXT, made_by TEXT REFERENCES actors(slug), summary_zh TEXT, summary_en TEXT,
    areas TEXT, addressees TEXT, instruments TEXT
);
CREATE TABLE recommendation_areas (
    recommendation INTEGER REFERENCES recommendations(id), area TEXT REFERENCES areas(slug),
    PRIMARY KEY (area, recommendation)
);
CREATE TABLE recommendation_addressees (
    recommendation INTEGER REFERENCES recommendations(id), actor TEXT REFERENCES actors(slug),
    PRIMARY KEY (actor, recommendation)
);
"""
COLUMNS = ["pk", "report__slug", "key", "report__date", "action_type", "force", "standing", "voice", "made_by__slug"]
INDEXED = (
    "date",
    "year, date",
    *(f"{name}, date" for name in "report action_type force standing voice made_by".split()),
)
SEARCHED = """
CREATE VIRTUAL TABLE recommendations_fts USING fts5(
    summary_zh, summary_en, content="recommendations", content_rowid="id", tokenize="trigram"
);
INSERT INTO recommendations_fts (recommendations_fts) VALUES ('rebuild');
ANALYZE;
"""
FACETS = {
    "_facet_array": ("areas", "addressees", "instruments"),
    "_facet": ("action_type", "force", "standing", "voice", "made_by", "report", "year"),
}
LIMIT = 30_000  # milliseconds


def export(path):
    """Write the public recommendations of the database into a SQLite file of their own."""
    areas, actors, tools = (dict(model.objects.values_list("pk", "slug")) for model in (PolicyArea, Actor, Instrument))
    filed = linked(Recommendation.areas.through, "policyarea_id", lineage())
    asked = linked(Recommendation.addressees.through, "actor_id")
    named = linked(Recommendation.instruments.through, "instrument_id")
    rows = Recommendation.objects.published().order_by().values_list(*COLUMNS, "summary_zh", "summary_en")

    def flat():
        for pk, report, key, date, *words in rows.iterator(5000):
            lists = ((areas, filed), (actors, asked), (tools, named))
            arrays = (json.dumps([slugs[one] for one in found.get(pk, ())]) for slugs, found in lists)
            yield (pk, report, key, date, date[:4], *words, *arrays)

    def pairs(slugs, found):
        return ((pk, slugs[one]) for pk, ids in found.items() for one in ids)

    database = sqlite3.connect(path)
    database.executescript(TABLES)
    reports = Report.objects.published().values_list("slug", "title_zh", "title_en", "date")
    database.executemany("INSERT INTO reports VALUES (?, ?, ?, ?)", reports.iterator())
    for table, model in (("areas", PolicyArea), ("actors", Actor)):
        names = model.objects.values_list("slug", "name_zh", "name_en")
        database.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", names)
    database.executemany(f"INSERT INTO recommendations VALUES ({', '.join('?' * 15)})", flat())
    database.executemany("INSERT INTO recommendation_areas VALUES (?, ?)", pairs(areas, filed))
    database.executemany("INSERT INTO recommendation_addressees VALUES (?, ?)", pairs(actors, asked))
    for columns in INDEXED:
        database.execute(f"CREATE INDEX by_{re.sub(', ', '_', columns)} ON recommendations ({columns})")
    for table, column in (("areas", "area"), ("addressees", "actor")):
        database.execute(f"CREATE INDEX {table}_of ON recommendation_{table} (recommendation, {column})")
    database.executescript(SEARCHED)
    database.commit()
    database.close()


def linked(through, column, lines=None):
    """Return {recommendation id: [ids of what it is linked to]}, with `lines` those above each as well."""
    public = Recommendation.objects.published().order_by().values("pk")
    rows = through.objects.filter(recommendation__in=public).order_by("recommendation_id")
    found = {}
    for pk, one in rows.values_list("recommendation_id", column).iterator(20_000):
        ids = found.setdefault(pk, [])
        ids += [above for above in (lines[one] if lines else [one]) if above not in ids]
    return found


def executable(folder):
    """Return the path of Datasette's command in a virtual environment of its own, made in a folder."""
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    subprocess.run([folder / "venv" / "bin" / "pip", "install", "--quiet", "datasette"], check=True)
    return folder / "venv" / "bin" / "datasette"


def version(command):
    return subprocess.run([command, "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]


def server(command, path):
    settings = {"sql_time_limit_ms": LIMIT, "facet_time_limit_ms": LIMIT, "suggest_facets": "off"}

    def started(port):
        chosen = [word for name, value in settings.items() for word in ("--setting", name, str(value))]
        return [command, "serve", "-i", path, "--port", str(port), *chosen]

    return Server("Datasette", started, f"/{Path(path).stem}.json", ROOT)


def address(path, *pairs, form=".json"):
    return f"/{Path(path).stem}/recommendations{form}?{urlencode([*pairs, ('_sort_desc', 'date'), ('_size', 20)])}"


def listed(area, actor):
    """Return the parameters of a list under an area and an addressee, as its facets link to them."""
    return [("areas__arraycontains", area), ("addressees__arraycontains", actor)]


def through(area, actor):
    """Return those of the same list by way of the tables between."""
    tables = ("recommendation_areas", "area", area), ("recommendation_addressees", "actor", actor)
    return [("_through", json.dumps({"table": table, "column": name, "value": slug})) for table, name, slug in tables]


def counted():
    return [(kind, name) for kind, names in FACETS.items() for name in names]
