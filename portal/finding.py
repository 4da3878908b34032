"""Which entries of the index a query, a word or a choice of terms finds, and how many of them are filed under what."""

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
EXACT, HEAD, ELSEWHERE = 0, 1, 2  # how well an entry answers a query


# ---------------------------------------------------------------------------------------------------------------------
# Queries
# ---------------------------------------------------------------------------------------------------------------------


def asked(kind, query):
    """Return the Q of entries of a kind that a `words.Query` finds: all of its clauses, each by any of its options."""
    wanted = Q(pk__in=[]) if query.empty else Q()
    first, last = int(kind) << KIND_BITS, (int(kind) + 1 << KIND_BITS) - 1
    for clause in query.clauses:
        options = Q(tokens__answers=(first, last, [answer(kind, term) for term in clause.options if not term.years]))
        for term in clause.options:
            options |= within(*term.years) if term.years else Q()
        # A plain ~Q would let go whatever has no tokens in its own column, on SQLite everything
        wanted &= Q(~ExpressionWrapper(options, BooleanField())) if clause.negated else options
    return wanted


def answer(kind, term):
    """Return what entries of a kind have if one term of a query finds them."""
    phrases = tuple(term.phrases)
    if term.field == "title" or term.field == "author" and kind == Kind.AUTHORS:
        return Wanted(phrases, head=True)
    if term.field:
        return Wanted(terms=named(FIELDS[term.field], phrases))
    return Wanted(phrases, terms=named(NAMED.get(kind, ()), phrases))


def holding(phrases, lookup):
    """Return the Q of entries that hold all of these phrases."""
    wanted = Q()
    for phrase in phrases:
        wanted &= Q(**{f"tokens__{lookup}": phrase})
    return wanted


def named(kinds, phrases):
    """Return the ids of the terms of everything of these kinds that has such a name."""
    found = defaultdict(set)
    if kinds:
        rows = Entry.objects.filter(holding(phrases, "head"), kind__in=kinds).order_by()
        for kind, pk in rows.values_list("kind", "object_id"):
            found[kind].add(str(pk))
    wanted = Q(pk__in=[])
    for kind, values in found.items():
        wanted |= Q(facet__in=FACETS[kind], value__in=values)
    return tuple(Term.objects.filter(wanted).values_list("pk", flat=True)) if found else ()


def within(first, last):
    """Return the Q of entries dated from one year to another, either of which may be None."""
    wanted = ~Q(date="")
    if first:
        wanted &= Q(date__gte=f"{first:04}")
    if last:
        wanted &= Q(date__lt=f"{last + 1:04}")
    return wanted


def exactness(query):
    """Return the expression by which answers are ranked: EXACT names, then what has all words in its HEAD, then others.

    It is worked out from the tokens alone, so that every database ranks alike; within a rank the list's order holds.
    """
    heads = Q()
    for clause in query.clauses:
        if clause.negated or not all(term.phrases for term in clause.options):
            continue  # years stand in no text
        options = Q(pk__in=[])
        for term in clause.options:
            options |= holding(term.phrases, "head")
        heads &= options
    whole = words.whole(" ".join(term.text for clause in query.clauses for term in clause.options))
    exact = [When(tokens__phrase=whole, then=Value(EXACT))] if whole else []
    head = [When(heads, then=Value(HEAD))] if heads else []
    return Case(*exact, *head, default=Value(ELSEWHERE))


# ---------------------------------------------------------------------------------------------------------------------
# Counts
# ---------------------------------------------------------------------------------------------------------------------

COUNTED = {
    "postgresql": "SELECT t.term, count(*) AS n FROM hit, unnest(hit.terms) AS t(term) GROUP BY 1",
    "sqlite": "SELECT t.value AS term, count(*) AS n FROM hit, json_each(hit.terms) AS t GROUP BY 1",
}


class Counts(dict):
    """How many entries are filed under what, {facet: {value: n}}; in `total` how many there are, if known."""

    total = None

    def __missing__(self, facet):
        return self.setdefault(facet, {})


def counts(entries, only=()):
    """Return the Counts of entries. Reads all of them. With `only`, just what is filed under these terms is told."""
    try:
        sql, params = entries.order_by().values("terms").query.sql_with_params()
    except EmptyResultSet:
        found = Counts()
        found.total = 0
        return found
    # Counted in one go with the terms, for what costs most is to find the entries.
    hits, every = f"WITH hit AS MATERIALIZED ({sql})", "SELECT 0, count(*) FROM hit"
    return by_facet(f"{COUNTED[connection.vendor]} UNION ALL {every}", params, only, hits)


def tallied(kind, term=0):
    """Return the Counts of all entries of a kind, or of those under one term, without reading any.

    Facets of very many values are left out: see `portal.index.NARROW`.
    """
    # What stands under a term stands there altogether: of that the tallies have no pair
    sql = (
        "SELECT beside AS term, n FROM portal_tally WHERE kind = %s AND n > 0"
        " AND (term = %s AND beside > 0 OR term = 0 AND beside = %s AND beside > 0)"
    )
    return by_facet(sql, [kind, term, term])


def by_facet(sql, params, only=(), before=""):
    """Return the Counts of a SELECT of (term, n), of all terms or `only` of some; term 0 has the total.

    `before` is what stands before the SELECT, with parameters of its own, which come first.
    """
    found = Counts()
    joined = f"{before} SELECT m.facet, m.value, c.n FROM ({sql}) c LEFT JOIN portal_term m ON m.id = c.term"  # noqa: S608
    if only:
        joined += f" WHERE c.term IN ({', '.join(['%s'] * len(only))})"
    with connection.cursor() as cursor:
        cursor.execute(joined, [*params, *only])
        for facet, value, n in cursor.fetchall():
            if facet is None:
                found.total = n
            else:
                found[facet][value] = n
    return found


def total(kind, terms):
    """Return how many entries of a kind there are, under one term or under two, from the tallies."""
    term, beside = sorted([0, 0, *terms])[-2:]
    wanted = Q(term=term, beside=beside) | (Q() if term else Q(term=beside, beside=0))
    return Tally.objects.filter(wanted, kind=kind).values_list("n", flat=True).first() or 0


def newest_counts(entries, facets, among, most):
    """Return {facet: {value: n}} of the values that the first entries are filed under, each counted over all of them.

    For facets of very many values, of which no page can show more than some: those that come first, up to `most`.
    """
    ids = [term for terms in entries.values_list("terms", flat=True)[:among] for term in terms]
    named = dict(Term.objects.filter(pk__in={*ids}, facet__in=facets).values_list("pk", "facet"))
    shown = defaultdict(list)
    for pk in dict.fromkeys(pk for pk in ids if pk in named):
        shown[named[pk]].append(pk)
    wanted = {pk for pks in shown.values() for pk in pks[:most]}
    return counts(entries.filter(terms__rare=wanted), wanted) if wanted else Counts()


def term_ids(terms):
    """Return {(facet, value): id} of those of the terms that there are."""
    wanted = Q(pk__in=[])
    for facet, value in terms:
        wanted |= Q(facet=facet, value=value)
    return {(facet, value): pk for facet, value, pk in Term.objects.filter(wanted).values_list("facet", "value", "pk")}
