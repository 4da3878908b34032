"""The whole index at one stroke, many times faster than `portal.index.rebuild`; readers wait, or see the old one."""

import os
from collections import Counter, defaultdict, deque
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import chain, combinations, count
from multiprocessing import get_context

from django.db import connection, transaction
from django.utils import timezone

from portal import words
from portal.bulk import Table, first_free, unindexed
from portal.index import (
    DATE,
    KIND,
    NARROW,
    SLOT,
    SOURCES,
    UNDATED,
    add,
    bump,
    chunks,
    dealt,
    floor,
    hold,
)
from portal.models import Entry, Kind, Tally, Term

BATCH = 500  # reports, or objects of another kind, of which all is in memory at a time
AHEAD = 2  # batches whose tokens are made before they are written
MANY = 2_000  # reports from which on other processes are worth their start
HELD = 10_000  # objects of a kind that are read once; more of them twice
PAIRS = 1 << 20  # of terms that are counted in memory before the tallies are told of them
COLUMNS = "place kind object_id report_id date date_end name number documents terms tokens digest".split()


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
        self.tables = Table(Term, ["id", "facet", "value"]), Table(Entry, COLUMNS)
        self.tallies = Table(Tally, ["kind", "term", "beside", "n"])
        self.told = set()  # kinds of which there are tallies
        self.reports = {}  # {report id: place}
        self.written = 0

    def load(self, kind, progress):
        source, counts = SOURCES[kind], Counter()
        places, held = (self.reports, {}) if source.of_report else spread(kind)
        if kind == Kind.REPORTS:
            self.reports = places
        above = int(kind) - int(Kind.REPORTS) << KIND if source.of_report else 0
        batches = (
            # What has become public since the places were dealt out is not here yet: `bump()` will have it due.
            [
                (places[item.report_id] + above + item.rank if source.of_report else places[item.object_id], item)
                for item in ([held[pk] for pk in some] if held else source.items(some))
                if source.of_report or item.object_id in places
            ]
            for some in chunks(sorted(places, key=places.get), BATCH)
        )
        for items, texts in self.ahead(batches):
            self.count(counts, self.write(kind, items, texts))
            if len(counts) > PAIRS:
                self.tell(kind, counts)
            progress(kind, len(items))
        self.tell(kind, counts)
        if connection.vendor == "sqlite":
            post(kind)

    def ahead(self, batches):
        """Yield (items, texts of their tokens) of batches of [(place, item)], in the order of the places.

        The tokens of one batch are made while the next are read and the last are written.
        """
        waiting, tell = deque(), words.vectors if connection.vendor == "postgresql" else words.columns
        for items in batches:
            items.sort(key=lambda one: one[0])
            waiting.append((items, self.helpers.submit(tell, [(item.head, item.body) for _place, item in items])))
            if len(waiting) > AHEAD:
                items, texts = waiting.popleft()
                yield items, texts.result()
        for items, texts in waiting:
            yield items, texts.result()

    def write(self, kind, items, texts):
        """Write entries for [(place, item)] with the texts of their tokens. Returns the terms of each, [[id]]."""
        rows, filed = [], []
        for (place, item), text in zip(items, texts, strict=True):
            terms = sorted(map(self.terms.__getitem__, item.terms))
            filed.append(terms)
            stored, tokens = str(terms), None
            if connection.vendor == "postgresql":
                stored, tokens = f"{{{stored[1:-1]}}}", text  # an array as it is, not number by number
            names = item.object_id, item.report_id, item.date, item.date_end, item.name
            rows.append((place, int(kind), *names, item.number, item.documents, stored, tokens, item.digest))
        terms, entries = self.tables
        terms.add(self.terms.new)
        self.terms.new.clear()
        entries.add(rows)
        if connection.vendor == "sqlite":
            found = [(place, *text) for (place, _item), text in zip(items, texts, strict=True)]
            with connection.cursor() as cursor:
                cursor.executemany("INSERT INTO portal_token (rowid, head, body) VALUES (%s, %s, %s)", found)
        self.written += len(rows)
        return filed

    def count(self, counts, filed):
        """Count terms, (0, id) or (id, 0), and pairs of broad ones, (id, higher id), of the terms of entries."""
        broad = self.terms.broad
        counts[0, 0] += len(filed)
        pairing = ([0, *(term for term in terms if term in broad)] for terms in filed)
        counts.update(chain.from_iterable(combinations(terms, 2) for terms in pairing))
        counts.update((term, 0) for terms in filed for term in terms if term not in broad)

    def tell(self, kind, counts):
        """Bring what was counted into the tallies of a kind, pairs both ways round, and begin to count anew."""
        there = kind in self.told
        for some in chunks(sorted(counts), BATCH * 10):
            pairs = {(term, beside): counts[term, beside] for term, beside in some}
            pairs |= {(beside, term): n for (term, beside), n in pairs.items() if term and beside}
            if there:
                add(kind, pairs)
            else:
                self.tallies.add((int(kind), *pair, n) for pair, n in pairs.items() if n)
        self.told.add(kind)
        counts.clear()


def spread(kind):
    """Return {object id: place} of all objects of a kind that stand for themselves, evenly dealt out, and {id: item}.

    The items only where these are not too many to be held.
    """
    dated = SOURCES[kind].dated != UNDATED
    unit = 1 << SLOT if kind == Kind.REPORTS else 1
    room = (1 << (DATE if dated else KIND)) // unit
    waiting, places, items = defaultdict(list), {}, {}
    ids = sorted(SOURCES[kind].ids())
    for some in chunks(ids, BATCH):
        for item in SOURCES[kind].items(some):
            waiting[item.date if dated else ""].append((item.name, item.object_id))
            if len(ids) <= HELD:
                items[item.object_id] = item
    for date, named in waiting.items():
        low, slots = floor(kind, date), dealt([], named, room)[0]
        places |= {pk: low + slot * unit for pk, slot in slots.items()}
    return places, items


def post(kind):
    """Make SQLite's postings of a kind from its entries, sorted, so that they are only ever put behind the last."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO portal_posting (term, place) SELECT t.value, e.place FROM portal_entry e, json_each(e.terms) t"
            " WHERE e.place >= %s AND e.place < %s ORDER BY 1, 2",
            [floor(kind), floor(kind) + (1 << KIND)],
        )
