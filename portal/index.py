"""The index: what lists, facets and searches need of everything public, derived from it and never beside it.

Whoever changes what readers see does so inside `renewed(…)`, which brings the index up to date in the same transaction.
The apps register what their objects give the index (`Source`), and what else an object touches, in their `index.py`.

The place of an entry, by which lists are sorted, is one number of 63 bits: kind (5), date (22), slot among what has the
same date (20), rank in its report (16). What belongs to no report has all bits behind the date for its slot. Slots
follow the names; where no room is left between two names, those of that date are dealt out anew.
"""

import hashlib
import time
from collections import Counter, defaultdict, namedtuple
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import reduce
from itertools import combinations
from operator import or_

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from portal import words
from portal.bulk import Table, insert
from portal.models import KIND_BITS, CorpusVersion, Entry, Kind, Tally, Term

KIND, DATE, SLOT = KIND_BITS, 36, 16  # bits to the right of each part of a place
UNDATED, NEWEST, OLDEST = "", "newest", "oldest"  # how a kind is sorted by date
LAST_DATE = (1 << KIND - DATE) - 1
ENDING = 4096  # the share of all room that is left free behind a name that comes last: the next mostly comes behind it
BATCH = 500
RANGES = 100  # stretches of places in one query
COLUMNS = "place kind object_id report_id date date_end name number documents digest terms tokens".split()
Row = namedtuple("Row", COLUMNS)  # an entry to be
FRESH_FOR = 1.0  # seconds for which a process trusts the version that it last asked for

# Facets of so many values that pairs with them would outgrow the index itself; few rows are filed under any one value.
NARROW = frozenset({"report", "author", "question", "work", "person", "end"})


@dataclass
class Item:
    """What one public object gives the index. `terms` are (facet, value); `head` and `body` the texts to be searched.

    `name` sorts it among its kind and is its own; rows of a report have the report's id and their `rank` in it instead.
    """

    object_id: int
    name: str = ""
    report_id: int | None = None
    rank: int = 0
    date: str = ""
    date_end: str = ""
    number: float | None = None
    documents: int = 0
    terms: set = field(default_factory=set)
    head: list = field(default_factory=list)
    body: list = field(default_factory=list)

    @property
    def digest(self):
        told = (self.name, self.date, self.date_end, self.number, self.documents, self.head, self.body)
        return hashlib.sha256(repr((*told, sorted(self.terms))).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Source:
    """Where the items of a kind come from.

    `items(ids)` yields those of public objects, by the ids of the objects or, `of_report`, of their reports; what it
    asks the database it asks before the first. `ids()` returns all ids that there may be, and `names()`, where objects
    stand for themselves, (id, date, name) of all that may be public. `dated` says how the kind is sorted by date.
    """

    items: Callable
    ids: Callable
    names: Callable | None = None
    of_report: bool = False
    dated: str = UNDATED


@dataclass
class Scope:
    """What a change touches: reports with all that belongs to them, and objects of other kinds, {kind: ids}."""

    reports: set = field(default_factory=set)
    others: dict = field(default_factory=dict)

    def __or__(self, other):
        kinds = self.others.keys() | other.others.keys()
        others = {kind: {*self.others.get(kind, ()), *other.others.get(kind, ())} for kind in kinds}
        return Scope(self.reports | other.reports, others)


SOURCES = {}  # {Kind: Source}
REACH = {}  # {model: function(ids) -> Scope}: what a change to these rows touches
AROUND = []  # functions(report ids) -> Scope: what else hangs on a report
SCHEDULES = []  # functions(now) -> (ids of reports that have become public by then, when the next one will)


@dataclass
class Gathered:
    """What `together()` renews at its end: what hung on the rows of each `renewed(…)` before, and these rows."""

    before: Scope = field(default_factory=Scope)
    rows: list = field(default_factory=list)


gathering = ContextVar("gathering", default=None)  # the Gathered of the `together()` that this is inside of


# ---------------------------------------------------------------------------------------------------------------------
# Keeping it
# ---------------------------------------------------------------------------------------------------------------------


@contextmanager
def renewed(*rows):
    """Bring the index up to date with what happens to these rows inside, in one transaction with it.

    A row that is made inside is added to the list that this yields. What hung on a row before and what hangs on it
    afterwards are both renewed; inside `together()` that is left to the end of it.
    """
    with transaction.atomic():
        hold()
        made = list(rows)
        before = touched(made)
        yield made
        if (gathered := gathering.get()) is None:
            conclude(before | touched(made))
        else:
            gathered.before |= before
            gathered.rows += made


@contextmanager
def together():
    """Renew once what several `renewed(…)` touch, in one transaction, of which each of them is whole or undone."""
    with transaction.atomic():
        hold()
        token = gathering.set(gathered := Gathered())
        try:
            yield
        finally:
            gathering.reset(token)
        conclude(gathered.before | touched(gathered.rows))


def conclude(scope):
    """Write a Scope, and what has fallen due meanwhile: called at the end of a transaction that holds the version."""
    now = timezone.now()
    due = {pk for schedule in SCHEDULES for pk in schedule(now)[0]}
    bump(now, raised=write(scope | around(Scope(reports=due))))


def hold():
    """Keep the row of the version to this transaction: what readers see is changed by one at a time."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")  # what is begun by an editor is brought to its end
    CorpusVersion.objects.select_for_update().get_or_create(pk=1, defaults={"changed_at": timezone.now()})


def touched(rows):
    """Return the Scope of a change to these rows."""
    ids = defaultdict(set)
    for row in rows:
        if row.pk is not None:
            ids[type(row)].add(row.pk)
    return around(reduce(or_, (REACH[model](pks) for model, pks in ids.items() if model in REACH), Scope()))


def around(scope):
    """Return a Scope with all that hangs on its reports."""
    return reduce(or_, (reach(scope.reports) for reach in AROUND), scope) if scope.reports else scope


def write(scope):
    """Make the entries of a Scope what the objects give now. Returns whether anything public is or was among them."""
    public, moved = renew(Kind.REPORTS, scope.reports)
    of_report = [kind for kind, source in SOURCES.items() if source.of_report]
    for kind in of_report:
        for some in chunks(sorted(moved), BATCH):  # all rows off their old places before any is put in a new one
            exchange(kind, {entry.object_id: entry for entry in entries_of(kind, some)}, {}, {})
    for kind in (kind for kind in SOURCES if kind != Kind.REPORTS):
        ids = scope.reports | moved if kind in of_report else scope.others.get(kind, ())
        public |= renew(kind, ids)[0]
    return public


def entries_of(kind, ids):
    """Return the entries of a kind, by ids of its objects or, where its rows belong to reports, of these."""
    column = "report_id__in" if SOURCES[kind].of_report else "object_id__in"
    return Entry.objects.filter(kind=kind, **{column: ids})


def renew(kind, ids, thorough=False):
    """Renew entries of one kind. Returns (whether any was or is public, ids of objects moved to make room).

    What has the digest of its object is taken to be right, unless it is to be `thorough`.
    """
    source, public, moved = SOURCES[kind], False, set()
    for some in chunks(sorted(ids), BATCH):
        items = {item.object_id: item for item in source.items(some)}
        held = {entry.object_id: entry for entry in entries_of(kind, some)}
        public |= bool(items or held)
        if source.of_report:
            places = beneath(kind, items.values())
            items = {pk: items[pk] for pk in places}
        else:
            places, shifted = shelved(kind, items, held)
            if shifted:
                moved |= shifted
                held |= {entry.object_id: entry for entry in entries_of(kind, shifted)}
                items |= {item.object_id: item for item in source.items(sorted(shifted - items.keys()))}
        exchange(kind, held, items, places, thorough)
    return public, moved


def exchange(kind, held, items, places, thorough=False):
    """Put entries for items, {object id: …}, in the place of those held, and tell the tallies of the difference."""
    digests = {pk: item.digest for pk, item in items.items()}
    wrong = unlike(kind, held, items, places) if thorough else ()
    stale = [
        entry
        for pk, entry in held.items()
        if pk not in items or (entry.digest, entry.place) != (digests[pk], places[pk]) or pk in wrong
    ]
    gone = {entry.object_id for entry in stale}
    fresh = [item for pk, item in items.items() if pk not in held or pk in gone]
    if not stale and not fresh:
        return
    # Whose name or place another object has now is gone itself, however that came about.
    same = Entry.objects.filter(
        Q(kind=kind, name__in=[item.name for item in fresh])
        | Q(kind=kind, object_id__in=[item.object_id for item in fresh])
        | Q(place__in=[places[item.object_id] for item in fresh])
    )
    stale += same.exclude(place__in=[entry.place for entry in stale])
    ids = term_ids(term for item in fresh for term in item.terms)
    entries = [entry_of(kind, item, places[item.object_id], digests[item.object_id], ids) for item in fresh]
    if stale:
        Entry.objects.filter(place__in=[entry.place for entry in stale]).delete()
    Table(Entry, COLUMNS).add((*row[:-2], stored(row.terms), row.tokens) for row, _head, _body in entries)
    if connection.vendor == "sqlite":
        exchange_on_sqlite(stale, entries)
    change = counted(
        [row.terms for row, _head, _body in entries], {pk for (facet, _), pk in ids.items() if facet not in NARROW}
    )
    change.subtract(tallied(stale))
    add(kind, both_ways(change))


def entry_of(kind, item, place, digest, ids):
    """Return (Row, tokens of its head, tokens of its body)."""
    head, body = words.indexed(item.head, item.body)
    names = item.object_id, item.report_id, item.date, item.date_end, item.name
    terms = sorted(map(ids.__getitem__, item.terms))
    tokens = words.vector(head, body) if connection.vendor == "postgresql" else None
    return Row(place, int(kind), *names, item.number, item.documents, digest, terms, tokens), head, body


def stored(numbers):
    """Return numbers as the literal of an array of either database, with which PostgreSQL has the least work."""
    array = str([*numbers])
    return f"{{{array[1:-1]}}}" if connection.vendor == "postgresql" else array


def exchange_on_sqlite(stale, entries):
    with connection.cursor() as cursor:
        old = [(term, entry.place) for entry in stale for term in entry.terms]
        cursor.executemany("DELETE FROM portal_posting WHERE term = %s AND place = %s", old)
        rows = [*stale, *(entry for entry, _head, _body in entries)]  # where an entry comes to stand nothing is left
        cursor.executemany("DELETE FROM portal_token WHERE rowid = %s", [(entry.place,) for entry in rows])
        new = [(term, entry.place) for entry, _head, _body in entries for term in entry.terms]
        cursor.executemany("INSERT OR IGNORE INTO portal_posting (term, place) VALUES (%s, %s)", sorted(new))
        texts = [(entry.place, " ".join(head), " ".join(body)) for entry, head, body in entries]
        cursor.executemany("INSERT INTO portal_token (rowid, head, body) VALUES (%s, %s, %s)", texts)


def term_ids(terms):
    """Return {(facet, value): id}, making the terms that there are not yet."""
    wanted = {*terms}
    found = known_terms(wanted)
    new = [Term(facet=facet, value=value) for facet, value in sorted(wanted - found.keys())]
    insert(new)
    return found | {(term.facet, term.value): term.pk for term in new}


def known_terms(terms):
    """Return {(facet, value): id} of those of the terms that there are."""
    found = {}
    for some in chunks(sorted({*terms}), BATCH):  # sorted: of few facets each, so that they cross to little besides
        facets, values = map(set, zip(*some, strict=True))
        rows = Term.objects.filter(facet__in=facets, value__in=values).values_list("facet", "value", "pk")
        crossed = {(facet, value): pk for facet, value, pk in rows}
        found |= {term: crossed[term] for term in some if term in crossed}
    return found


def add(kind, change):
    """Add to the tallies of a kind, an iterable of (term, beside, n)."""
    rows = sorted((int(kind), *row) for row in change)
    adding = (
        "INSERT INTO portal_tally (kind, term, beside, n) {} "
        "ON CONFLICT (kind, term, beside) DO UPDATE SET n = portal_tally.n + EXCLUDED.n"
    )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            arrays = [stored(column) for column in zip(*rows, strict=True)] or ["{}"] * 4
            unnested = "SELECT * FROM unnest(%s::smallint[], %s::int[], %s::int[], %s::int[])"
            cursor.execute(adding.format(unnested), arrays)
        else:
            cursor.executemany(adding.format("VALUES (%s, %s, %s, %s)"), rows)


def counted(filed, broad):
    """Return how many entries, filed under [[term]], are under a term, and under two broad ones, the lower first."""
    found = Counter({(0, 0): len(filed)})
    for terms in filed:
        found.update(combinations([0, *sorted(broad.intersection(terms))], 2))
        found.update((term, 0) for term in terms if term not in broad)
    return found


def tallied(entries):
    """Return the same of entries, of whose terms the database has to say which are broad."""
    return counted([entry.terms for entry in entries], broad_terms({pk for entry in entries for pk in entry.terms}))


def both_ways(counts):
    """Yield (term, beside, n) of what was counted, and the same with the two of a pair exchanged."""
    for (term, beside), n in counts.items():
        if n:
            yield term, beside, n
            if term and beside:
                yield beside, term, n


def broad_terms(ids):
    """Return those of the terms whose pairs are counted."""
    found = set()
    for some in chunks(sorted(ids), BATCH):
        found.update(Term.objects.filter(pk__in=some).exclude(facet__in=NARROW).values_list("pk", flat=True))
    return found


# ---------------------------------------------------------------------------------------------------------------------
# Places
# ---------------------------------------------------------------------------------------------------------------------


def date_code(date, dated):
    """Return a partial date as a number that sorts as the kind is sorted; what has no date comes last of the newest."""
    year, month, day = (*map(int, date.split("-")), 0, 0)[:3] if date else (0, 0, 0)
    code = year * 416 + month * 32 + day
    return LAST_DATE - code if dated == NEWEST else code


def floor(kind, date=None):
    """Return the lowest place of a kind, or of a date in it."""
    code = date_code(date, SOURCES[kind].dated) if date is not None and SOURCES[kind].dated else 0
    return (int(kind) << KIND) | (code << DATE)


def beneath(kind, items):
    """Return {object id: place} of rows of reports, from the places of the reports.

    Rows of a report that has no place are left out: it has come due this very moment, and is taken in as one next.
    """
    shelves = dict(
        Entry.objects.filter(kind=Kind.REPORTS, object_id__in={item.report_id for item in items}).values_list(
            "object_id", "place"
        )
    )
    shift = int(kind) - int(Kind.REPORTS) << KIND
    held = (item for item in items if item.report_id in shelves)
    return {item.object_id: shelves[item.report_id] + shift + item.rank for item in held}


def shelved(kind, items, held):
    """Return ({object id: place}, ids of other objects that had to move) of objects that stand for themselves."""
    dated = bool(SOURCES[kind].dated)
    unit = 1 << SLOT if kind == Kind.REPORTS else 1  # a report leaves room for its rows
    room = 1 << (DATE if dated else KIND)
    places, waiting, moved = {}, defaultdict(list), set()
    for pk, item in items.items():
        entry = held.get(pk)
        if entry and entry.name == item.name and entry.date == item.date:
            places[pk] = entry.place
        else:
            waiting[item.date if dated else ""].append((item.name, pk))
    lows = {date: floor(kind, date) for date in waiting}
    taken = defaultdict(list)
    for some in chunks([*lows.values()], RANGES):
        beside = reduce(or_, (Q(place__gte=low, place__lt=low + room) for low in some))
        for row in Entry.objects.filter(beside, kind=kind).values_list("name", "object_id", "place"):
            taken[row[2] - row[2] % room].append(row)
    for date, new in waiting.items():
        low, moving = lows[date], {pk for _name, pk in new}
        there = [(name, pk, (place - low) // unit) for name, pk, place in taken[low] if pk not in moving]
        slots, shifted = dealt(there, new, room // unit)
        places |= {pk: low + slot * unit for pk, slot in slots.items()}
        moved |= shifted
    return places, moved


def dealt(taken, new, room):
    """Return ({id: slot}, ids of what had to move): slots below `room` for what is `new`, [(name, id)], by name.

    `taken` is [(name, id, slot)]. Where two neighbours leave no room, all slots are dealt out anew, evenly.
    """
    row = sorted([*taken, *((name, pk, None) for name, pk in new)], key=lambda one: one[0])
    found, low, run = {}, -1, []
    for _name, pk, slot in [*row, ("", None, room)]:
        if slot is None:
            run.append(pk)
            continue
        gap = (slot - low) // (len(run) + 1)
        if run and gap < 1 or slot <= low:
            evenly = {pk: room * n // (len(row) + 1) for n, (_name, pk, _slot) in enumerate(row, 1)}
            return evenly, {pk for _name, pk, _slot in taken}
        if slot == room and low >= 0:
            gap = min(gap, max(1, room // ENDING))
        found |= {pk: low + n * gap for n, pk in enumerate(run, 1)}
        low, run = slot, []
    return found, set()


def chunks(values, size):
    """Yield a list in pieces."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


# ---------------------------------------------------------------------------------------------------------------------
# The version of the corpus
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Version:
    """The state of everything public: its number, since when, and when the next scheduled report comes out."""

    number: int
    changed_at: object
    due_at: object = None


held_version = (None, 0.0)  # what this process last asked, and when by its own clock


def version():
    """Return the Version of the corpus, at most FRESH_FOR seconds old, once what has fallen due is in the index."""
    global held_version
    found, asked = held_version
    if found is None or time.monotonic() - asked > FRESH_FOR:
        row = CorpusVersion.objects.filter(pk=1).first() or CorpusVersion(changed_at=timezone.now())
        found = Version(row.number, row.changed_at, row.due_at)
        held_version = found, time.monotonic()
    if found.due_at and found.due_at <= timezone.now():
        with renewed():  # whatever is renewed, what has fallen due comes with it
            pass
        forget()
        return version()
    return found


def bump(now, raised=True):
    """Note when the next scheduled report comes out, counted from `now`, and raise the version where readers see more.

    Called in a transaction that holds the version.
    """
    upcoming = [moment for schedule in SCHEDULES if (moment := schedule(now)[1])]
    values = {"due_at": min(upcoming, default=None)}
    if raised:
        values |= {"number": F("number") + 1, "changed_at": now}
    CorpusVersion.objects.filter(pk=1).update(**values)
    forget()  # this transaction sees its own number,
    transaction.on_commit(forget)  # and whoever asked in between, the old one, asks again


def forget():
    """Let this process ask for the version when it next needs it."""
    global held_version
    held_version = None, 0.0


# ---------------------------------------------------------------------------------------------------------------------
# Making it anew
# ---------------------------------------------------------------------------------------------------------------------


def rebuild(progress=lambda kind, n: None):
    """Renew everything, batch by batch, each in a transaction of its own, so that at no time is any of it missing.

    Whatever breaks off in between leaves the rest as it was. Entries of what is there no longer go too.
    """
    for kind in SOURCES:
        straighten(kind)
        for some in chunks(all_ids(kind), BATCH):
            with transaction.atomic():
                hold()
                moved = renew(kind, some, thorough=True)[1]
                if kind == Kind.REPORTS and moved:
                    write(Scope(reports=moved))
            progress(kind, len(some))
    with transaction.atomic():
        hold()
        recount()
        if connection.vendor == "sqlite":
            repost()
        bump(timezone.now())


def all_ids(kind):
    """Return the ids by which `renew` finds all objects and all entries of a kind."""
    column = "report_id" if SOURCES[kind].of_report else "object_id"
    held = Entry.objects.filter(kind=kind).exclude(**{column: None}).order_by()
    return sorted({*SOURCES[kind].ids(), *held.values_list(column, flat=True).distinct()})


def straighten(kind):
    """Deal out anew the places of what does not stand in its order, with the rows of what is a report, at one stroke.

    Entries of rows of reports go where they belong to no report at all; else they stand where their report says.
    """
    with transaction.atomic():
        hold()
        if SOURCES[kind].of_report:
            lost = Entry.objects.filter(kind=kind, report_id=None)
            return exchange(kind, {entry.object_id: entry for entry in lost}, {}, {})
        if wrong := astray(kind):
            exchange(kind, {entry.object_id: entry for entry in entries_of(kind, wrong)}, {}, {})
            for other in (other for other in SOURCES if kind == Kind.REPORTS and SOURCES[other].of_report):
                exchange(other, {entry.object_id: entry for entry in entries_of(other, wrong)}, {}, {})
            write(Scope(reports=wrong) if kind == Kind.REPORTS else Scope(others={kind: wrong}))


def astray(kind):
    """Return the ids of objects, of a kind that stands for itself, whose entries do not stand in their order."""
    found, last = set(), (0, "")
    unit = 1 << SLOT if kind == Kind.REPORTS else 1
    rows = Entry.objects.filter(kind=kind).order_by("place").values_list("place", "object_id", "date", "name")
    for place, pk, date, name in rows.iterator(BATCH):
        low = floor(kind, date)
        room = 1 << (DATE if SOURCES[kind].dated else KIND)
        if (low, name) < last or not low <= place < low + room or place % unit:
            found.add(pk)
        else:
            last = low, name
    return found


def recount():
    """Make the tallies what the entries say."""
    Tally.objects.all().delete()
    for kind in SOURCES:
        for some in in_order(kind):
            add(kind, both_ways(tallied(some)))


def in_order(kind):
    """Yield the entries of a kind in lists, with their places and terms alone."""
    places, last = Entry.objects.filter(kind=kind).order_by("place").only("place", "terms"), -1
    while some := list(places.filter(place__gt=last)[: BATCH * 10]):
        yield some
        last = some[-1].place


# On SQLite: (term, place) as the entries have them, and as the table that stands for their inverse does.
FILED = "SELECT t.value AS term, e.place AS place FROM portal_entry e, json_each(e.terms) t"
POSTED = "SELECT term, place FROM portal_posting"
LOOSE = "SELECT rowid FROM portal_token WHERE rowid NOT IN (SELECT place FROM portal_entry)"


def repost():
    """Make SQLite's postings what the entries say, and let go tokens that belong to none."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM portal_posting WHERE (term, place) IN ({POSTED} EXCEPT {FILED})")  # noqa: S608
        cursor.execute(f"INSERT INTO portal_posting (term, place) {FILED} EXCEPT {POSTED}")  # noqa: S608
        cursor.execute(LOOSE)
        cursor.executemany("DELETE FROM portal_token WHERE rowid = %s", cursor.fetchall())


def faults():
    """Yield a sentence for each entry, posting or tally that is not what the truth demands. Reads everything."""
    for kind, source in SOURCES.items():
        for some in chunks(all_ids(kind), BATCH):
            yield from entry_faults(kind, some)
        if source.of_report:
            for pk in Entry.objects.filter(kind=kind, report_id=None).order_by().values_list("object_id", flat=True):
                yield f"{kind.label} {pk}: an entry of no report."
        elif astray(kind):
            yield f"{kind.label}: the entries do not stand in their order."
        yield from tally_faults(kind)
    if connection.vendor == "sqlite":
        yield from posting_faults()


def entry_faults(kind, ids):
    """Yield a sentence for each entry that is not what its object gives, of those that `renew` would look at."""
    items = {item.object_id: item for item in SOURCES[kind].items(ids)}
    held = {entry.object_id: entry for entry in entries_of(kind, ids)}
    for pk in sorted(items.keys() ^ held.keys()):
        yield f"{kind.label} {pk}: {'no entry' if pk in items else 'an entry of what is not public'}."
    both = {pk: items[pk] for pk in items.keys() & held.keys()}
    places = beneath(kind, both.values()) if SOURCES[kind].of_report else {pk: held[pk].place for pk in both}
    wrong = unlike(kind, held, {pk: both[pk] for pk in places}, places)
    for pk in sorted(wrong):
        yield f"{kind.label} {pk}: the {', '.join(wrong[pk])} of the entry are not what the object says now."


def unlike(kind, held, items, places):
    """Return {object id: names of columns} of entries held that are not what the items give, token for token."""
    both = sorted(items.keys() & held.keys())
    found, wanted = defaultdict(list), {}
    ids = defaultdict(int)  # a term that there is not is filed nowhere
    ids |= known_terms(term for pk in both for term in items[pk].terms)
    for pk in both:
        entry, head, body = entry_of(kind, items[pk], places[pk], items[pk].digest, ids)
        for column in ("place", "report_id", "date", "date_end", "name", "number", "documents", "terms", "digest"):
            if getattr(held[pk], column) != getattr(entry, column):
                found[pk].append(column)
        wanted[held[pk].place] = pk, head, body
    for place in unlike_tokens({place: (head, body) for place, (_pk, head, body) in wanted.items()}):
        found[wanted[place][0]].append("tokens")
    return found


def unlike_tokens(wanted):
    """Return the places of those entries whose tokens are not these, {place: (head, body)}."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            sql = (
                "SELECT place FROM unnest(%s::bigint[], %s::text[]) AS w(place, told) JOIN portal_entry e USING (place)"
                " WHERE e.tokens IS DISTINCT FROM w.told::tsvector"
            )
            cursor.execute(sql, [[*wanted], [words.vector(*texts) for texts in wanted.values()]])
            return [place for (place,) in cursor.fetchall()]
        held = {}
        for some in chunks([*wanted], BATCH):
            marks = ", ".join(["%s"] * len(some))
            cursor.execute(f"SELECT rowid, head, body FROM portal_token WHERE rowid IN ({marks})", some)  # noqa: S608
            held |= {place: texts for place, *texts in cursor.fetchall()}
    return [place for place, texts in wanted.items() if held.get(place) != [" ".join(text) for text in texts]]


def tally_faults(kind):
    """Yield a sentence where the tallies of a kind are not those of its entries."""
    told = {(t, b): n for t, b, n in Tally.objects.filter(kind=kind).values_list("term", "beside", "n") if n}
    counts = Counter()
    for some in in_order(kind):
        counts += tallied(some)
    if told != {(term, beside): n for term, beside, n in both_ways(counts)}:
        yield f"{kind.label}: the tallies are not those of the entries."


def posting_faults():
    """Yield a sentence for each kind of which SQLite's postings or tokens are not those of its entries."""
    either = f"SELECT * FROM ({FILED} EXCEPT {POSTED}) UNION ALL SELECT * FROM ({POSTED} EXCEPT {FILED})"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT place >> {KIND} FROM ({either}) ORDER BY 1")  # noqa: S608
        for (kind,) in cursor.fetchall():
            yield f"{Kind(kind).label}: the postings are not those of the entries."
        cursor.execute(f"SELECT DISTINCT rowid >> {KIND} FROM ({LOOSE}) ORDER BY 1")  # noqa: S608
        for (kind,) in cursor.fetchall():
            yield f"{Kind(kind).label}: there are tokens of no entry."
