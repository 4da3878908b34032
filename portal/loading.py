"""The whole index at one stroke, many times faster than `portal.index.rebuild`; readers wait, or see the old one."""

import os
from collections import Counter, defaultdict, deque
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from itertools import chain, combinations, count, islice
from multiprocessing import get_context

from django.db import connection, transaction
from django.utils import timezone

from portal import words
from portal.bulk import Table, first_free, unindexed
from portal.index import (
    COLUMNS,
    DATE,
    KIND,
    NARROW,
    SLOT,
    SOURCES,
    UNDATED,
    add,
    both_ways,
    bump,
    chunks,
    dealt,
    floor,
    hold,
    stored,
)
from portal.models import Entry, Kind, Tally, Term

BATCH = 500  # reports, or objects of another kind, of which all is in memory at a time
AHEAD = 2  # batches whose tokens are made before they are written
MANY = 2_000  # reports from which on other processes are worth their start
PAIRS = 1 << 20  # of terms that are counted in memory before the tallies are told of them


def load(progress=lambda kind, n: None):
    """Make the index anew from nothing, in one transaction: all or nothing. Returns how many entries it has.

    PostgreSQL lets nobody read the index until the transaction ends; what serves meanwhile wants `rebuild()`.
    """
    with transaction.atomic():
        hold()
        now = timezone.now()
        with unindexed([Term, Entry, Tally]):
            empty()
            with helpers() as executor:
                loader = Loader(executor)
                for kind in sorted(SOURCES):
                    loader.load(kind, progress)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE portal_term, portal_entry, portal_tally")  # else it plans as for empty tables
        bump(now)
    return loader.written


def helpers():
    """Return what makes tokens beside this process: other processes where there is much to do, else a thread."""
    if len(SOURCES[Kind.REPORTS].ids()) < MANY:
        return ThreadPoolExecutor(1)
    # Not forked: a copy of this process would hold the connection to the database too.
    return ProcessPoolExecutor(max(1, (os.cpu_count() or 1) - 1), get_context("spawn"))


def empty():
    """Let go of everything but the terms, of which nothing is wrong."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("TRUNCATE portal_entry, portal_tally")
            return
        for table in ("entry", "posting", "tally"):
            cursor.execute(f"DELETE FROM portal_{table}")  # noqa: S608
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = 'portal_token'")
        (made,) = cursor.fetchone()
        cursor.execute("DROP TABLE portal_token")  # FTS5 would take out row by row what is in it
        cursor.execute(made)


class Terms(dict):
    """{(facet, value): id}; numbers what it does not have. `new` are rows to be written, `broad` ids that pair."""

    def __init__(self):
        super().__init__()
        self.new, self.broad, self.numbers = [], set(), count(first_free(Term))
        for pk, *term in Term.objects.order_by().values_list("pk", "facet", "value").iterator():
            self.note(tuple(term), pk)

    def __missing__(self, term):
        pk = next(self.numbers)
        self.new.append((pk, *term))
        return self.note(term, pk)

    def note(self, term, pk):
        self[term] = pk
        if term[0] not in NARROW:
            self.broad.add(pk)
        return pk


class Loader:
    """Writes kind after kind in the order of places, in which the databases take rows fastest."""

    def __init__(self, helpers):
        self.terms, self.helpers = Terms(), helpers
        self.postgresql = connection.vendor == "postgresql"  # asked once, for each time it is looked up anew
        self.tables = Table(Term, ["id", "facet", "value"]), Table(Entry, COLUMNS)
        self.tallies = Table(Tally, ["kind", "term", "beside", "n"])
        self.told = set()  # kinds of which there are tallies
        self.reports = {}  # {report id: place}
        self.written = 0

    def load(self, kind, progress):
        source, counts = SOURCES[kind], Counter()
        places = self.reports if source.of_report else spread(kind)
        if kind == Kind.REPORTS:
            self.reports = places
        pieces = chunks(sorted(places, key=places.get), BATCH)
        waiting = deque()
        for some in islice(pieces, AHEAD):
            self.prepare(waiting, kind, places, source.items(some))
        while waiting:
            batch, texts = waiting.popleft()
            some = next(pieces, None)
            ahead = some and partial(self.prepare, waiting, kind, places, begun(source.items(some)))
            self.write(kind, batch, texts.result(), counts, ahead)
            if len(counts) > PAIRS:
                self.tell(kind, counts)
            progress(kind, len(batch))
        self.tell(kind, counts)
        if not self.postgresql:
            post(kind)

    def prepare(self, waiting, kind, places, items):
        """Add to what waits to be written: ([(place, item)] in the order of the places, the texts of their tokens)."""
        if SOURCES[kind].of_report:
            above = int(kind) - int(Kind.REPORTS) << KIND
            batch = [(places[item.report_id] + above + item.rank, item) for item in items]
        else:  # what has become public since the places were dealt out is not here yet: `bump()` will have it due
            batch = [(places[item.object_id], item) for item in items if item.object_id in places]
        batch.sort(key=lambda one: one[0])
        tell = words.vectors if self.postgresql else words.columns
        waiting.append((batch, self.helpers.submit(tell, [(item.head, item.body) for _place, item in batch])))

    def write(self, kind, batch, texts, counts, meanwhile):
        """Write entries for [(place, item)] with the texts of their tokens, and count their terms.

        The database takes in the first while the next are made, and the last while `meanwhile` is called.
        """
        terms, entries = self.tables
        entries.add(self.rows(kind, batch, texts, counts), meanwhile)
        terms.add(self.terms.new)
        self.terms.new.clear()
        if not self.postgresql:
            found = [(place, *text) for (place, _item), text in zip(batch, texts, strict=True)]
            with connection.cursor() as cursor:
                cursor.executemany("INSERT INTO portal_token (rowid, head, body) VALUES (%s, %s, %s)", found)
        self.written += len(batch)

    def rows(self, kind, batch, texts, counts):
        """Yield rows of the table; count terms, (0, id) or (id, 0), and pairs of broad ones, (id, higher id)."""
        number, broad, id_of = int(kind), self.terms.broad, self.terms.__getitem__
        counts[0, 0] += len(batch)
        for (place, item), text in zip(batch, texts, strict=True):
            terms = sorted(map(id_of, item.terms))
            pairing = [0, *(term for term in terms if term in broad)]
            counts.update(combinations(pairing, 2))
            if len(pairing) <= len(terms):
                counts.update((term, 0) for term in terms if term not in broad)
            names = item.object_id, item.report_id, item.date, item.date_end, item.name
            tokens = text if self.postgresql else None
            yield place, number, *names, item.number, item.documents, item.digest, stored(terms), tokens

    def tell(self, kind, counts):
        """Bring what was counted into the tallies of a kind, pairs both ways round, and begin to count anew."""
        rows = sorted(both_ways(counts))
        if kind in self.told:
            for some in chunks(rows, BATCH * 10):
                add(kind, some)
        else:
            self.tallies.add((int(kind), *row) for row in rows)
        self.told.add(kind)
        counts.clear()


def begun(items):
    """Return an iterator over the items of which the first is made, and with it whatever asks the database."""
    items = iter(items)
    return chain([first], items) if (first := next(items, None)) else ()


def spread(kind):
    """Return {object id: place} of all objects of a kind that stand for themselves, evenly dealt out.

    What turns out not to be public leaves its place free.
    """
    dated = SOURCES[kind].dated != UNDATED
    unit = 1 << SLOT if kind == Kind.REPORTS else 1
    room = (1 << (DATE if dated else KIND)) // unit
    waiting, places = defaultdict(list), {}
    for pk, date, name in SOURCES[kind].names():
        waiting[date if dated else ""].append((name, pk))
    for date, named in waiting.items():
        low, slots = floor(kind, date), dealt([], named, room)[0]
        places |= {pk: low + slot * unit for pk, slot in slots.items()}
    return places


def post(kind):
    """Make SQLite's postings of a kind from its entries, sorted, so that they are only ever put behind the last."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO portal_posting (term, place) SELECT t.value, e.place FROM portal_entry e, json_each(e.terms) t"
            " WHERE e.place >= %s AND e.place < %s ORDER BY 1, 2",
            [floor(kind), floor(kind) + (1 << KIND)],
        )
