"""What goes into a dump: everything public, as the lists of the API give it, at one moment.

One pass over the rows, so many at a time, fills a file of JSON Lines for each list and the tables of a SQLite file.
Beside them lie the codebook and the data dictionary. The same data give the same bytes: rows come in the order of their
primary keys, and no file but the manifest tells of the time or of the place where it was made. So addresses are paths
from the root of the site. Words of the sources are in no dump: they are not ours to give away in bulk.
"""

import gzip
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import reduce

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone, translation

import recommendations.api
import reports.api
from portal import __version__, dictionary, dumps
from portal.api import LANGUAGE
from portal.export import BATCH, BOM, SEPARATOR, batches, csv_text, json_lines, json_text
from portal.text import LANGUAGE_TAGS
from portal.views import stance_table
from reports.models import Report

LISTS = (*reports.api.VIEWS, *recommendations.api.VIEWS)
DATABASE, DICTIONARY = "duizhao.sqlite3", "dictionary"
LICENCE = ""  # nobody has given one yet


def dump(folder, done=lambda name, rows: None):
    """Write a dump into a folder of dumps and return its place; `done` is told of each list that is written."""
    with dumps.partial(folder) as aside:
        counts, wholes = {}, [tables(rows) for rows in LISTS]
        with snapshot(), translation.override(LANGUAGE), closing(Database(aside / DATABASE, wholes)) as database:
            public = Report.objects.published()
            before, moment = public.count(), timezone.now()
            for rows, whole in zip(LISTS, wholes, strict=True):
                counts[rows.endpoint] = write(rows, whole, aside, database)
                done(rows.endpoint, counts[rows.endpoint])
            if public.count() != before:  # inside the snapshot only the clock moves
                raise dumps.DumpError("A scheduled report came out while the dump was written. Please run it again.")
            database.finish()
        write_codebook(aside)
        write_dictionary(aside, wholes)
        about = {"software": f"duizhao {__version__}", "licence": LICENCE, "counts": counts}
        return dumps.publish(aside, moment, about, {f"{name}.jsonl.gz": n for name, n in counts.items()})


# ---------------------------------------------------------------------------------------------------------------------
# The rows
# ---------------------------------------------------------------------------------------------------------------------

READING = {
    "sqlite": "BEGIN DEFERRED",  # the settings' IMMEDIATE would keep writers out all the while
    "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
}


@contextmanager
def snapshot():
    """See nothing that is written from the first query on. Inside another transaction, that one decides."""
    if connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(READING[connection.vendor])
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


class NoRequest(HttpRequest):
    """Asks the API for its objects on nobody's behalf: addresses are paths."""

    def build_absolute_uri(self, location=None):
        return location


def objects(rows):
    """Yield the objects that a list of the API gives, so many at a time, in the order of the primary keys."""
    request = NoRequest()
    for keys in primary_keys(rows.serializer_class.Meta.model):
        for found in batches(keys, lambda some: rows.objects(request, some), BATCH):
            yield [unquoted(each) for each in found]


def primary_keys(model):
    """Yield all primary keys of a model in their order, BATCH at a time; what is not public among them is not asked."""
    last = 0
    while keys := list(model.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        yield keys
        last = keys[-1]


def unquoted(value):
    """Return a part of an object with no words of a source in it."""
    if isinstance(value, dict):
        return {name: None if name == "quote" else unquoted(part) for name, part in value.items()}
    return [unquoted(part) for part in value] if isinstance(value, list) else value


def write(rows, whole, aside, database):
    """Write one list as JSON Lines and into its tables; return how many objects it has."""
    n = 0
    with ExitStack() as stack:
        file = stack.enter_context((aside / f"{rows.endpoint}.jsonl.gz").open("wb"))
        packed = stack.enter_context(gzip.GzipFile("", "wb", fileobj=file, mtime=0))
        for found in objects(rows):
            for text in json_lines([found]):
                packed.write(text.encode())
            database.fill(whole, found)
            n += len(found)
    return n


# ---------------------------------------------------------------------------------------------------------------------
# The tables
# ---------------------------------------------------------------------------------------------------------------------

SQL_TYPES = {"text": "TEXT", "integer": "INTEGER", "number": "REAL", "boolean": "INTEGER"}
SINGULAR = {"aliases": "alias", "people": "person"}  # of the names that do not just lose their s
# What another table tells from its own end, and the words of the sources, have no place in tables.
LEFT_OUT = {
    "areas": {"children"},
    "authors": {"reports", "cited_works"},
    "forecasts": {"evidence"},
    "institutions": {"reports"},
    "recommendations": {"parts", "cross_references"},
    "reports": {"parts"},
    "subjects": {"children"},
    "works": {"citations"},
}
# Wherever such columns stand together, they name a row of that table.
LINKS = {
    ("actor",): "actors", ("addressee",): "actors", ("affiliation",): "institutions", ("area",): "areas",
    ("assessor",): "actors", ("author",): "authors", ("event",): "events", ("framework",): "frameworks",
    ("holder",): "actors", ("institution",): "institutions", ("instrument",): "instruments", ("made_by",): "actors",
    ("outcome_report",): "reports", ("part_of",): "reports", ("person",): "authors", ("publisher",): "institutions",
    ("question",): "questions", ("report",): "reports", ("subject",): "subjects", ("work",): "works",
    ("event", "mention"): "event_mentions", ("framework", "dimension"): "framework_dimensions",
    ("report", "citation"): "citations", ("report", "contribution"): "report_contributions",
    ("report", "position"): "positions", ("report", "rating"): "ratings",
    ("report", "recommendation"): "recommendations", ("report", "section"): "report_sections",
    ("restated_report", "restated_key"): "recommendations", ("source_report", "source_key"): "recommendations",
    ("target_report", "target_key"): "recommendations",
}  # fmt: skip
LINKS_OF = {
    "areas": {("parent",): "areas"},
    "forecasts": {("report", "key"): "positions"},
    "recommendations": {("report", "parent"): "recommendations"},
    "report_sections": {("report", "parent"): "report_sections"},
    "subjects": {("parent",): "subjects"},
}
NAMED_BY = {"report_sections": ("report", "key"), "framework_dimensions": ("framework", "slug")}  # not by their number


@dataclass(frozen=True)
class Column:
    """A column: the path of members that leads to its value, and how the value is read off (object, key of its owner).

    The object is what a row of the table tells: a whole object, one in a list of it, or one word in a list.
    """

    name: str
    path: tuple
    read: Callable

    @property
    def member(self):
        return self.path[-1]


@dataclass(frozen=True)
class Table:
    """A table for the objects of a list. `owner` are the columns that name a row in the tables of its own lists.

    `lists` is [(names of the members that lead to the list, its table)]. A table of a list inside objects begins with
    the `owner` columns of the table above it and the place in the list: these `above` are its key.
    """

    name: str
    columns: tuple
    key: tuple
    owner: tuple
    lists: tuple
    above: tuple = ()

    def all(self):
        """Yield this table and those of the lists in it."""
        yield self
        for _path, inner in self.lists:
            yield from inner.all()

    @property
    def every_column(self):
        return (*self.above, *self.columns)

    def links(self):
        """Yield ((column, …), name of the table in which they name a row)."""
        names = {column.name for column in self.every_column}
        for columns, target in (LINKS | LINKS_OF.get(self.name, {})).items():
            if names.issuperset(columns):
                yield columns, target


def tables(rows):
    """Return the table of a list of the API, with those of the lists inside its objects."""
    left_out = LEFT_OUT.get(rows.endpoint, set())
    found = [one for one in dictionary.members(rows.serializer_class()) if one.name not in left_out]
    columns = tuple(scalars(found))
    key = tuple(rows.keys)
    own = {column.name: column for column in columns}
    one = singular(rows.endpoint)
    # In the tables of its lists a recommendation is named by `report` and `recommendation`, an area by `area`.
    owner = tuple(own[name] if name != key[-1] else replace(own[name], name=one) for name in key)
    return Table(rows.endpoint, columns, key, owner, tuple(inside(found, one, owner)))


def singular(name):
    return SINGULAR.get(name, name.removesuffix("s"))


def scalars(found, above=()):
    """Yield a column for every member that is no list; what is in an object stands under both names."""
    for one in found:
        path = (*above, one)
        if one.many or one.name == "quote":
            continue
        if one.members:
            yield from scalars(one.members, path)
        else:
            names = tuple(step.name for step in path)
            yield Column("_".join(names), path, lambda each, _owner, names=names: reduce(dict.get, names, each))


def inside(found, prefix, owner, above=()):
    """Yield (names, table) of every list among members, under the name of its owner."""
    for one in found:
        path = (*above, one)
        if one.many:
            yield tuple(step.name for step in path), listed(path, prefix, owner)
        else:
            yield from inside(one.members, prefix, owner, path)


def listed(path, prefix, owner):
    """Return the table of one list: of objects, or of words."""
    one = path[-1]
    number = dictionary.Member("number", "integer", dictionary.PLACE_IN_LIST)
    above = (*owner, Column("number", (number,), None))
    name, word = f"{prefix}_{one.name}", singular(one.name)
    if one.members:
        columns, inner = tuple(scalars(one.members)), f"{prefix}_{word}"
        lists = tuple(inside(one.members, inner, (*owner, replace(above[-1], name=word))))
    else:
        columns, lists = RESTATED if one.name == "restates" else (Column(word, path, lambda each, _owner: each),), ()
    return Table(name, columns, tuple(column.name for column in above), above, lists, above)


def restated(name):
    return dictionary.Member(name, "text", dictionary.MEANINGS["restates"])


# A key of the same report, or report/key: the owner is named by its report first.
RESTATED = (
    Column("restated_report", (restated("restated_report"),), lambda each, owner: each.rpartition("/")[0] or owner[0]),
    Column("restated_key", (restated("restated_key"),), lambda each, _owner: each.rpartition("/")[2]),
)


def lines(table, found, owner=()):
    """Yield (table, values) for objects, and for all that their lists hold; `owner` is the key of the row above."""
    for number, each in enumerate(found, 1):
        above = (*owner, number) if table.above else ()
        yield table, (*above, *(column.read(each, owner) for column in table.columns))
        key = above or tuple(column.read(each, owner) for column in table.owner)
        for names, inner in table.lists:
            yield from lines(inner, reduce(dict.get, names, each), key)


class Database:
    """The SQLite file, new and in one transaction. Foreign keys are checked at the end: a row may name a later one."""

    def __init__(self, path, wholes):
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.tables = {table.name: table for whole in wholes for table in whole.all()}
        self.run("PRAGMA journal_mode = OFF")  # what is half written is thrown away as a whole
        self.run("PRAGMA synchronous = OFF")
        self.run("BEGIN")
        for table in self.tables.values():
            parts = ",\n  ".join(self.parts(table))
            self.run(f"CREATE TABLE {named(table.name)} (\n  {parts}\n)")

    def run(self, sql):
        return self.connection.execute(sql)

    def parts(self, table):
        """Yield what stands in the definition of a table."""
        for column in table.every_column:
            yield f"{named(column.name)} {SQL_TYPES[column.member.type]}{'' if column.member.null else ' NOT NULL'}"
        yield f"PRIMARY KEY ({named(*table.key)})"
        if table.name in NAMED_BY:
            yield f"UNIQUE ({named(*NAMED_BY[table.name])})"
        for columns, target in table.links():
            key = NAMED_BY.get(target) or self.tables[target].key
            yield f"FOREIGN KEY ({named(*columns)}) REFERENCES {named(target)} ({named(*key)})"

    def fill(self, whole, found):
        values = {}
        for table, line in lines(whole, found):
            values.setdefault(table.name, []).append(line)
        for name, rows in values.items():
            marks = ", ".join("?" * len(rows[0]))
            self.connection.executemany(f"INSERT INTO {named(name)} VALUES ({marks})", rows)  # noqa: S608

    def finish(self):
        """Add what looking up needs, and refuse a file in which a row names another that is not there."""
        for table in self.tables.values():
            for columns, _target in table.links():
                if columns != table.key[: len(columns)]:
                    index = named("_".join((table.name, "by", *columns)))
                    self.run(f"CREATE INDEX {index} ON {named(table.name)} ({named(*columns)})")
        self.run("COMMIT")
        if faults := self.run("PRAGMA foreign_key_check").fetchmany(5):
            raise dumps.DumpError(f"The tables do not fit together: {faults}.")

    def close(self):
        self.connection.close()


def named(*names):
    return ", ".join(f'"{name}"' for name in names)


# ---------------------------------------------------------------------------------------------------------------------
# What explains them
# ---------------------------------------------------------------------------------------------------------------------


def write_codebook(aside):
    """Write the text of the codebook's page in each language, without the site around it."""
    for code, prefix in settings.LANGUAGE_PREFIXES.items():
        with translation.override(code):
            shown = {"layout": "portal/_alone.html", "stances": stance_table(), "html_lang": LANGUAGE_TAGS[prefix]}
            text = render_to_string("portal/codebook.html", shown)
        (aside / f"codebook.{prefix}.html").write_text(text, encoding="utf-8")


def write_dictionary(aside, wholes):
    """Write an entry for every member of every object and for every column of every table, as JSON and as CSV."""
    found = [
        entry
        for rows in LISTS
        for entry in dictionary.entries(f"{rows.endpoint}.jsonl.gz", dictionary.members(rows.serializer_class()))
    ]
    found += [
        dictionary.entry(DATABASE, table.name, column.name, column.path, SQL_TYPES[column.member.type])
        for whole in wholes
        for table in whole.all()
        for column in table.every_column
    ]
    (aside / f"{DICTIONARY}.json").write_text(json_text(found, indent=1) + "\n", encoding="utf-8")
    cells = [[cell(value) for value in entry.values()] for entry in found]
    (aside / f"{DICTIONARY}.csv").write_text(BOM + csv_text([list(found[0]), *cells]), encoding="utf-8", newline="")


def cell(value):
    """Return what is true or false in a word, and a vocabulary in one text."""
    if isinstance(value, dict):
        return SEPARATOR.join(f"{word} = {label}" for word, label in value.items())
    return str(value).lower() if isinstance(value, bool) else value
