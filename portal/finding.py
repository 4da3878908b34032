"""Which entries of the index a query, a word or a choice of terms finds, and how many of them are filed under what."""

import json
from collections import defaultdict

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, Case, ExpressionWrapper, Q, Value, When

from portal import words
from portal.fields import Wanted
from portal.models import KIND_BITS, Entry, Kind, Tally, Term

# The facets in which objects of a kind stand that have names of their own.
FACETS = {
    Kind.AUTHORS: ("author", "person"),
    Kind.INSTITUTIONS: ("institution",),
    Kind.AREAS: ("area",),
    Kind.ACTORS: ("addressee", "made_by", "holder", "assessor"),
    Kind.INSTRUMENTS: ("instrument",),
    Kind.SUBJECTS: ("subject",),
    Kind.FRAMEWORKS: ("framework",),
}
# By whose names a row is found too, whatever language and spelling they are asked for in.
NAMED = {
    Kind.REPORTS: (Kind.AUTHORS, Kind.INSTITUTIONS),
    Kind.RECOMMENDATIONS: (Kind.ACTORS, Kind.AREAS, Kind.INSTRUMENTS),
    Kind.POSITIONS: (Kind.ACTORS, Kind.AREAS),
    Kind.RATINGS: (Kind.ACTORS, Kind.SUBJECTS, Kind.FRAMEWORKS),
    Kind.WORKS: (Kind.AUTHORS,),
}
FIELDS = {"author": (Kind.AUTHORS, Kind.INSTITUTIONS), "area": (Kind.AREAS,)}
LAST = (1 << 63) - 1  # place that there may be
BATCH = 1_000  # ids in one question
TERMS_READ = 2_000  # of the newest entries: a question may be filed under hundreds of reports
EXACT, HEAD, ELSEWHERE = 0, 1, 2  # how well an entry answers a query


# ---------------------------------------------------------------------------------------------------------------------
# Queries
# ---------------------------------------------------------------------------------------------------------------------


def asked(kind, query):
    """Return the Q of entries of a kind that a `words.Query` finds: all of its clauses, each by any of its options."""
    wanted = Q(pk__in=[]) if query.empty else Q()
    for clause in query.clauses:
        answers = [answer(kind, term, query.named) for term in clause.options if not term.years]
        options = Q(tokens__answers=(*stretch(kind), answers))
        for term in clause.options:
            options |= within(*term.years) if term.years else Q()
        # A plain ~Q would let go whatever has no tokens in its own column, on SQLite everything
        wanted &= Q(~ExpressionWrapper(options, BooleanField())) if clause.negated else options
    return wanted


def answer(kind, term, known):
    """Return what entries of a kind have if one term of a query finds them; `known` is kept for `named`."""
    phrases = tuple(term.phrases)
    if term.field == "title" or term.field == "author" and kind == Kind.AUTHORS:
        return Wanted(phrases, head=True)
    if term.field:
        return Wanted(terms=named(FIELDS[term.field], phrases, known))
    return Wanted(phrases, terms=named(NAMED.get(kind, ()), phrases, known))


def possible(query):
    """Return the Q of entries of whatever kind that have all words of a query which have to be there.

    Among them is all that `asked` finds: years, fields and what leaves out are passed over here.
    """
    wanted = Q()
    for phrases in needed(query):
        answers = [Wanted(phrases, terms=named(tuple(FACETS), phrases, query.named))]
        wanted &= Q(tokens__answers=(0, LAST, answers))
    return wanted


def needed(query):
    """Return what of a query has to be there, word by word: the phrases of each."""
    single = [clause.options[0] for clause in query.clauses if not clause.negated and len(clause.options) == 1]
    return [tuple(term.phrases) for term in single if term.phrases]


def stretch(*kinds):
    """Return the first and the last place of these kinds, with those between them; of all where none is named."""
    return (int(min(kinds)) << KIND_BITS, (int(max(kinds)) + 1 << KIND_BITS) - 1) if kinds else (0, LAST)


def holding(phrases, *kinds, head=False):
    """Return the Q of entries that hold all of these phrases, or in the `head`; of `kinds`, if any are named."""
    return Q(tokens__answers=(*stretch(*kinds), [Wanted(tuple(phrases), head=head)]))


def named(kinds, phrases, known):
    """Return the ids of the terms of everything of these kinds that has such a name.

    `known` keeps {phrases: {kind: ids}} of what has been asked for one query.
    """
    held = known.setdefault(phrases, {})
    if missing := [kind for kind in kinds if kind not in held]:
        called = Q(tokens__called=(*stretch(*missing), [Wanted(phrases, head=True)]))
        rows = Entry.objects.of_kinds(missing).filter(called).order_by()
        values = defaultdict(set)
        for kind, pk in rows.values_list("kind", "object_id"):
            values[kind].add(str(pk))
        wanted = Q(pk__in=[])
        for kind in values:
            wanted |= Q(facet__in=FACETS[kind], value__in=values[kind])
        held |= {kind: [] for kind in missing}
        facets = {facet: kind for kind in values for facet in FACETS[kind]}
        for pk, facet in Term.objects.filter(wanted).values_list("pk", "facet") if values else ():
            held[facets[facet]].append(pk)
    return tuple(pk for kind in kinds for pk in held[kind])


def within(first, last):
    """Return the Q of entries dated from one year to another, either of which may be None."""
    wanted = ~Q(date="")
    if first:
        wanted &= Q(date__gte=f"{first:04}")
    if last:
        wanted &= Q(date__lt=f"{last + 1:04}")
    return wanted


def tiers(query, *kinds):
    """Return [(rank, Q)] of those answers that are better than others: EXACT names, then all words in the HEAD.

    They are told by the tokens alone, so that every database ranks alike; within a rank the list's order holds. Where
    `kinds` are named, entries of others are not looked at.
    """
    heads = Q()
    for clause in query.clauses:
        if clause.negated or not all(term.phrases for term in clause.options):
            continue  # years stand in no text
        options = [Wanted(tuple(term.phrases), head=True) for term in clause.options]
        heads &= Q(tokens__answers=(*stretch(*kinds), options))
    whole = words.whole(" ".join(term.text for clause in query.clauses for term in clause.options))
    exact = [(EXACT, holding([whole], *kinds))] if whole else []
    return [*exact, (HEAD, heads)] if heads else exact


def exactness(query, *kinds):
    """Return the expression by which answers are ranked: see `tiers`."""
    ranks = (When(wanted, then=Value(rank)) for rank, wanted in tiers(query, *kinds))
    return Case(*ranks, default=Value(ELSEWHERE))


# ---------------------------------------------------------------------------------------------------------------------
# Counts
# ---------------------------------------------------------------------------------------------------------------------

# Term 0 stands for any: so the total is found in one go with the counts, for what costs most is to find the entries.
COUNTED = {
    "postgresql": "SELECT term, count(*) AS n FROM (SELECT unnest(0 || terms) AS term FROM ({}) e) t GROUP BY 1",
    "sqlite": (
        "SELECT t.value AS term, count(*) AS n FROM ({}) e,"
        " json_each(CASE e.terms WHEN '[]' THEN '[0]' ELSE '[0,' || substr(e.terms, 2) END) AS t GROUP BY 1"
    ),
}

# The same for some terms alone, of entries that are filed under much besides.
COUNTED_AMONG = {
    "postgresql": (
        "SELECT term, count(*) AS n FROM (SELECT unnest(terms) AS term FROM ({}) e) t"
        " WHERE term = ANY(%s::int[]) GROUP BY 1"
    ),
    "sqlite": (
        "SELECT t.value AS term, count(*) AS n FROM ({}) e, json_each(e.terms) AS t"
        " WHERE t.value IN (SELECT value FROM json_each(%s)) GROUP BY 1"
    ),
}


class Counts(dict):
    """How many entries are filed under what, {facet: {value: n}}; in `total` how many there are, if known."""

    def __init__(self, total=None):
        super().__init__()
        self.total = total

    def __missing__(self, facet):
        return self.setdefault(facet, {})


def counts(entries, among=None):
    """Return the Counts of entries. Reads all of them. With `among`, {term: (facet, value)}, of these terms alone."""
    found = by_facet(terms_of(entries), among)
    found.total = found.total or 0  # of nothing there is no row
    return found


def terms_of(entries):
    """Return {term: how many of the entries are filed under it}; under 0, how many there are."""
    entries = entries if entries.query.is_sliced else entries.order_by()
    try:
        sql, params = entries.values("terms").query.sql_with_params()
    except EmptyResultSet:
        return {}
    return fetched(COUNTED[connection.vendor].format(sql), params)


def tallied(kind, term, among):
    """Return the Counts of all entries of a kind, or of those under one term, without reading any.

    Facets of very many values are left out: see `portal.index.NARROW`.
    """
    # What stands under a term stands there altogether: of that the tallies have no pair
    sql = (
        "SELECT beside AS term, n FROM portal_tally WHERE kind = %s AND n > 0"
        " AND (term = %s AND beside > 0 OR term = 0 AND beside = %s AND beside > 0)"
    )
    return by_facet(fetched(sql, [kind, term, term]), among)


def fetched(sql, params):
    """Return {term: n} of a SELECT of both."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return dict(cursor.fetchall())


def by_facet(terms, among=None):
    """Return the Counts of {term: n}, in which term 0 has the total; with `among`, of these terms alone."""
    found = Counts(terms.get(0))
    among = names_of([*terms]) if among is None else among
    for term, n in terms.items():
        if term in among:
            facet, value = among[term]
            found[facet][value] = n
    return found


def names_of(ids):
    """Return {term: (facet, value)} of these."""
    rows = (Term.objects.filter(pk__in=ids[at : at + BATCH]) for at in range(0, len(ids), BATCH))
    return {pk: named for some in rows for pk, *named in some.values_list("pk", "facet", "value")}


def all_but(facets):
    """Return {term: (facet, value)} of all terms but those of some facets."""
    rows = Term.objects.exclude(facet__in=facets).values_list("pk", "facet", "value")
    return {pk: (facet, value) for pk, facet, value in rows}


def total(kind, terms):
    """Return how many entries of a kind there are, under one term or under two, from the tallies."""
    term, beside = sorted([0, 0, *terms])[-2:]
    wanted = Q(term=term, beside=beside) | (Q() if term else Q(term=beside, beside=0))
    return Tally.objects.filter(wanted, kind=kind).values_list("n", flat=True).first() or 0


def newest(entries, facets, most, rows):
    """Return {term: (facet, value)} of the values that the first `rows` entries are filed under, up to `most` a facet.

    Of facets of very many values, of which no page can show more than some: those that come first.
    """
    terms = entries.values_list("terms", flat=True)[:rows]
    ids = [*dict.fromkeys(pk for some in terms for pk in some)][:TERMS_READ]
    named = {pk: name for pk, name in names_of(ids).items() if name[0] in facets}
    shown = defaultdict(list)
    for pk in (pk for pk in ids if pk in named):
        shown[named[pk][0]].append(pk)
    return {pk: named[pk] for pks in shown.values() for pk in pks[:most]}


def counts_among(entries, wanted):
    """Return the Counts of entries under the `wanted` terms alone, {term: (facet, value)}. Reads all of them."""
    try:
        sql, params = entries.order_by().values("terms").query.sql_with_params()
    except EmptyResultSet:
        return Counts()
    ids = [*wanted] if connection.vendor == "postgresql" else json.dumps([*wanted])
    return by_facet(fetched(COUNTED_AMONG[connection.vendor].format(sql), [*params, ids]), wanted)


def tallied_among(kind, wanted):
    """Return the Counts of all entries of a kind under the `wanted` terms alone, without reading any."""
    tallies = Tally.objects.filter(kind=kind, term__in=wanted, beside=0)
    return by_facet(dict(tallies.values_list("term", "n")), wanted)


def term_ids(terms):
    """Return {(facet, value): id} of those of the terms that there are."""
    wanted = Q(pk__in=[])
    for facet, value in terms:
        wanted |= Q(facet=facet, value=value)
    return {(facet, value): pk for facet, value, pk in Term.objects.filter(wanted).values_list("facet", "value", "pk")}
