"""The index: what lists, facets and searches need of everything public, derived from it and never beside it.

Whoever changes what readers see does so inside `renewed(…)`, which brings the index up to date in the same transaction.
The apps register what their objects give the index (`Source`), and what else an object touches, in their `index.py`.

The place of an entry, by which lists are sorted, is one number of 63 bits: kind (5), date (22), slot among what has the
same date (20), rank in its report (16). What belongs to no report has all bits behind the date for its slot. Slots
follow the names; where no room is left between two names, those of that date are dealt out anew.
"""

import hashlib
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from portal import words
from portal.models import CorpusVersion, Entry, Kind, Posting, Tally, Term

KIND, DATE, SLOT = 58, 36, 16  # bits to the right of each part of a place
UNDATED, NEWEST, OLDEST = "", "newest", "oldest"  # how a kind is sorted by date
LAST_DATE = (1 << KIND - DATE) - 1
ENDING = 4096  # the share of all room that is left free behind a name that comes last: the next mostly comes behind it
TOKENS_MAX = 16_000  # PostgreSQL counts the places of words in one entry no further
BATCH = 500
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

    `items(ids)` yields those of public objects, by the ids of the objects or, `of_report`, of their reports; `ids()`
    returns all ids that there may be. `dated` says how the kind is sorted by date.
    """

    items: Callable
    ids: Callable
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
SCHEDULES = []  # functions() -> (ids of reports that have become public by now, when the next one will)


# ---------------------------------------------------------------------------------------------------------------------
# Keeping it
# ---------------------------------------------------------------------------------------------------------------------


@contextmanager
def renewed(*rows):
    """Bring the index up to date with what happens to these rows inside, in one transaction with it.

    A row that is made inside is added to the list that this yields. What hung on a row before and what hangs on it
    afterwards are both renewed.
    """
    with transaction.atomic():
        hold()
        made = list(rows)
        before = touched(made)
        yield made
        scope = before | touched(made)
        if write(scope):
            bump()


def hold():
    """Keep the row of the version to this transaction: what readers see is changed by one at a time."""
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
    return reduce(or_, (reach(scope.reports) for reach in AROUND), scope)


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


def renew(kind, ids):
    """Renew entries of one kind. Returns (whether any was or is public, ids of objects moved to make room)."""
    source, public, moved = SOURCES[kind], False, set()
    for some in chunks(sorted(ids), BATCH):
        items = {item.object_id: item for item in source.items(some)}
        held = {entry.object_id: entry for entry in entries_of(kind, some)}
        public |= bool(items or held)
        if source.of_report:
            places = beneath(kind, items.values())
        else:
            places, shifted = shelved(kind, items, held)
            moved |= shifted
            held |= {entry.object_id: entry for entry in entries_of(kind, shifted)}
            items |= {item.object_id: item for item in source.items(sorted(shifted - items.keys()))}
        exchange(kind, held, items, places)
    return public, moved


def exchange(kind, held, items, places):
    """Put entries for items, {object id: …}, in the place of those held, and tell the tallies of the difference."""
    digests = {pk: item.digest for pk, item in items.items()}
    stale = [
        entry
        for pk, entry in held.items()
        if pk not in items or (entry.digest, entry.place) != (digests[pk], places[pk])
    ]
    gone = {entry.object_id for entry in stale}
    fresh = [item for pk, item in items.items() if pk not in held or pk in gone]
    if not stale and not fresh:
        return
    # Whose name another object has now is gone itself, however that came about.
    same = Entry.objects.filter(kind=kind, name__in=[item.name for item in fresh])
    stale += same.exclude(place__in=[entry.place for entry in stale])
    ids = term_ids(term for item in fresh for term in item.terms)
    entries = [entry_of(kind, item, places[item.object_id], digests[item.object_id], ids) for item in fresh]
    Entry.objects.filter(place__in=[entry.place for entry in stale]).delete()
    Entry.objects.bulk_create([entry for entry, _head, _body in entries], batch_size=BATCH)
    if connection.vendor == "sqlite":
        exchange_on_sqlite(stale, entries)
    tell(kind, stale, [entry for entry, _head, _body in entries])


def entry_of(kind, item, place, digest, ids):
    """Return (entry, tokens of its head, tokens of its body)."""
    head, body = (words.tokens(words.BREAK.join(filter(None, texts))) for texts in (item.head, item.body))
    head += words.names(item.head)
    entry = Entry(
        place=place,
        kind=kind,
        object_id=item.object_id,
        report_id=item.report_id,
        date=item.date,
        date_end=item.date_end,
        name=item.name,
        number=item.number,
        documents=item.documents,
        terms=sorted(ids[term] for term in item.terms),
        digest=digest,
    )
    if connection.vendor == "postgresql":
        entry.tokens = vector(head, body)
    return entry, head, body


def vector(head, body):
    """Return tokens as the literal of a `tsvector`; no phrase runs from head to body, for a place between is free."""
    marked = [f"'{word}':{n}A" for n, word in enumerate(head, 1)]
    marked += [f"'{word}':{n}" for n, word in enumerate(body, len(head) + 2)]
    return " ".join(marked[:TOKENS_MAX])


def exchange_on_sqlite(stale, entries):
    with connection.cursor() as cursor:
        old = [(term, entry.place) for entry in stale for term in entry.terms]
        cursor.executemany("DELETE FROM portal_posting WHERE term = %s AND place = %s", old)
        cursor.executemany("DELETE FROM portal_token WHERE rowid = %s", [(entry.place,) for entry in stale])
        new = [(term, entry.place) for entry, _head, _body in entries for term in entry.terms]
        cursor.executemany("INSERT INTO portal_posting (term, place) VALUES (%s, %s)", sorted(new))
        texts = [(entry.place, " ".join(head), " ".join(body)) for entry, head, body in entries]
        cursor.executemany("INSERT INTO portal_token (rowid, head, body) VALUES (%s, %s, %s)", texts)


def term_ids(terms):
    """Return {(facet, value): id}, making the terms that there are not yet."""
    wanted = defaultdict(set)
    for facet, value in terms:
        wanted[facet].add(value)
    found = {}
    for facet, values in wanted.items():
        found |= known_terms(facet, values)
        missing = sorted(values - {value for name, value in found if name == facet})
        Term.objects.bulk_create([Term(facet=facet, value=value) for value in missing], ignore_conflicts=True)
        found |= known_terms(facet, missing)
    return found


def known_terms(facet, values):
    """Return {(facet, value): id} of the terms that there are."""
    rows = [
        row
        for some in chunks(sorted(values), BATCH)
        for row in Term.objects.filter(facet=facet, value__in=some).values_list("value", "pk")
    ]
    return {(facet, value): pk for value, pk in rows}


def tell(kind, stale, fresh):
    """Bring the tallies of a kind up to date: these entries went, and these came."""
    broad = broad_terms({term for entry in (*stale, *fresh) for term in entry.terms})
    change = counted(fresh, broad)
    change.subtract(counted(stale, broad))
    rows = [(int(kind), term, beside, n) for (term, beside), n in sorted(change.items()) if n]
    adding = (
        "INSERT INTO portal_tally (kind, term, beside, n) {} "
        "ON CONFLICT (kind, term, beside) DO UPDATE SET n = portal_tally.n + EXCLUDED.n"
    )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            arrays = [list(column) for column in zip(*rows, strict=True)] or [[]] * 4
            unnested = "SELECT * FROM unnest(%s::smallint[], %s::int[], %s::int[], %s::int[])"
            cursor.execute(adding.format(unnested), arrays)
        else:
            cursor.executemany(adding.format("VALUES (%s, %s, %s, %s)"), rows)


def counted(entries, broad):
    """Return how many entries are filed under a term, {(0, term): n}, and under two broad ones, {(term, beside): n}."""
    found = Counter()
    for entry in entries:
        found[0, 0] += 1
        found.update((0, term) for term in entry.terms)
        pairing = [term for term in entry.terms if term in broad]
        found.update((term, beside) for term in pairing for beside in pairing if term != beside)
    return found


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
    """Return {object id: place} of rows of reports, from the places of the reports."""
    shelves = dict(
        Entry.objects.filter(kind=Kind.REPORTS, object_id__in={item.report_id for item in items}).values_list(
            "object_id", "place"
        )
    )
    shift = int(kind) - int(Kind.REPORTS) << KIND
    return {item.object_id: shelves[item.report_id] + shift + item.rank for item in items}


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
    for date, new in waiting.items():
        low = floor(kind, date)
        taken = Entry.objects.filter(kind=kind, place__gte=low, place__lt=low + room)
        taken = list(taken.exclude(object_id__in=[pk for _name, pk in new]).values_list("name", "object_id", "place"))
        slots, shifted = dealt([(name, pk, (place - low) // unit) for name, pk, place in taken], new, room // unit)
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
        if run and not gap:
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
        with renewed():
            publish_due()
        forget()
        return version()
    return found


def publish_due():
    """Take scheduled reports whose time has come into the index."""
    due = {pk for schedule in SCHEDULES for pk in schedule()[0]}
    write(around(Scope(reports=due)))
    bump()


def bump():
    """Raise the version: called in the transaction that changes what readers see."""
    upcoming = [moment for schedule in SCHEDULES if (moment := schedule()[1])]
    CorpusVersion.objects.update_or_create(
        pk=1,
        defaults={"number": F("number") + 1, "changed_at": timezone.now(), "due_at": min(upcoming, default=None)},
        create_defaults={"number": 1, "changed_at": timezone.now(), "due_at": min(upcoming, default=None)},
    )
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
    for kind, source in SOURCES.items():
        ids = {*source.ids()}
        column = "report_id" if source.of_report else "object_id"
        ids.update(Entry.objects.filter(kind=kind).order_by().values_list(column, flat=True).distinct())
        for some in chunks(sorted(ids), BATCH):
            with transaction.atomic():
                hold()
                moved = renew(kind, some)[1]
                if kind == Kind.REPORTS and moved:
                    write(Scope(reports=moved))
            progress(kind, len(some))
    with transaction.atomic():
        recount()
        bump()


def recount():
    """Make the tallies what the entries say."""
    hold()
    Tally.objects.all().delete()
    for kind in SOURCES:
        places = Entry.objects.filter(kind=kind).order_by("place")
        last = -1
        while some := list(places.filter(place__gt=last).only("place", "terms")[: BATCH * 10]):
            tell(kind, [], some)
            last = some[-1].place


def faults():
    """Yield a sentence for each entry, posting or tally that is not what the truth demands. Reads everything."""
    shelves = dict(Entry.objects.filter(kind=Kind.REPORTS).values_list("object_id", "place"))
    for kind, source in SOURCES.items():
        items = {item.object_id: item for item in source.items(sorted(source.ids()))}
        held = {entry.object_id: entry for entry in Entry.objects.filter(kind=kind)}
        for pk in sorted(items.keys() ^ held.keys()):
            yield f"{kind.label} {pk}: {'no entry' if pk in items else 'an entry of what is not public'}."
        for pk in sorted(items.keys() & held.keys()):
            if items[pk].digest != held[pk].digest:
                yield f"{kind.label} {pk}: the entry is not what the object says now."
        both = items.keys() & held.keys()
        order = sorted(both, key=lambda pk: sorting(kind, items[pk], shelves))
        if order != sorted(both, key=lambda pk: held[pk].place):
            yield f"{kind.label}: the entries do not stand in their order."
        yield from tally_faults(kind, held.values())
        if connection.vendor == "sqlite":
            yield from posting_faults(kind, held.values())


def sorting(kind, item, shelves):
    """Return what an item is sorted by among its kind; `shelves` are the places of reports."""
    source = SOURCES[kind]
    if source.of_report:
        return shelves.get(item.report_id, 0), item.rank
    return date_code(item.date, source.dated) if source.dated else 0, item.name


def tally_faults(kind, entries):
    """Yield a sentence where the tallies of a kind are not those of its entries."""
    told = {(t, b): n for t, b, n in Tally.objects.filter(kind=kind).values_list("term", "beside", "n") if n}
    broad = broad_terms({term for entry in entries for term in entry.terms})
    if told != counted(entries, broad):
        yield f"{kind.label}: the tallies are not those of the entries."


def posting_faults(kind, entries):
    """Yield a sentence where SQLite's postings or tokens of a kind are not those of its entries."""
    low, high = floor(kind), floor(kind) + (1 << KIND)
    rows = Posting.objects.filter(place__gte=low, place__lt=high).values_list("term", "place")
    if {*rows} != {(term, entry.place) for entry in entries for term in entry.terms}:
        yield f"{kind.label}: the postings are not those of the entries."
    with connection.cursor() as cursor:
        cursor.execute("SELECT rowid FROM portal_token WHERE rowid >= %s AND rowid < %s", [low, high])
        if {place for (place,) in cursor.fetchall()} != {entry.place for entry in entries}:
            yield f"{kind.label}: the tokens are not those of the entries."
