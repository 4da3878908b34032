"""What the index knows of what is filed under policy areas: how much, in which voice, by which documents, to whom."""

from collections import Counter, defaultdict

from portal import finding
from portal.excerpt import filed
from portal.models import Kind, Tally, Term
from recommendations.models import Voice

LATEST = 2_000  # acts that are looked through for the newest of each area
COUNTED = {("counted", voice) for voice in Voice.values}  # under which of these a recommendation stands, if it counts


def area_voices():
    """Return {area id: {voice: n}}: single acts filed under an area or below it, from the tallies alone."""
    voices = {pk: voice for (_facet, voice), pk in finding.term_ids(COUNTED).items()}
    areas = dict(Term.objects.filter(facet="area").values_list("pk", "value"))
    rows = Tally.objects.filter(kind=Kind.RECOMMENDATIONS, term__in=voices, beside__in=areas, n__gt=0)
    found = defaultdict(dict)
    for term, beside, n in rows.values_list("term", "beside", "n"):
        found[int(areas[beside])][voices[term]] = n
    return {pk: in_order(told) for pk, told in found.items()}


def in_order(voices):
    """Return {voice: n} in the order own, joint, attributed."""
    return {voice: voices[voice] for voice in Voice.values if voice in voices}


def newest(areas):
    """Return {area id: date of the newest report with a single act filed under it or below it}; some have none.

    Most are among the LATEST acts; only for the others is each area asked for by itself.
    """
    terms = Term.objects.filter(facet="area", value__in=[str(pk) for pk in areas]).values_list("pk", "value")
    named = {term: int(value) for term, value in terms}
    latest = list(filed(Kind.RECOMMENDATIONS, COUNTED).values_list("date", "terms")[:LATEST])
    found = {}
    for date, under in latest:
        for term in under:
            if term in named:
                found.setdefault(named[term], date)
    for pk in named.values() if len(latest) == LATEST else ():
        if pk not in found and (date := acts(pk).values_list("date", flat=True).first()):
            found[pk] = date
    return found


def acts(area):
    """Return the entries of the single acts filed under an area or below it, newest first."""
    return filed(Kind.RECOMMENDATIONS, ("area", str(area)), COUNTED)


def summed_up(area, most):
    """Return what the newest single acts of an area, at most so many, come to.

    {"all": whether these are all, "documents": {report id: {voice: n}}, "rows": {report id: [row id]}, "addressees":
    {actor id: {voice: n}}}. The last document may have more rows than were read: unless these are all, it is left out.
    """
    entries = list(acts(area).values_list("report_id", "object_id", "terms")[: most + 1])
    everything, entries = len(entries) <= most, entries[:most]
    names = finding.names_of(list({term for *_ids, terms in entries for term in terms}))
    documents, rows, addressees = defaultdict(Counter), defaultdict(list), defaultdict(Counter)
    for report, row, terms in entries:
        named = [names[term] for term in terms]
        voice = next(value for facet, value in named if facet == "counted")
        documents[report][voice] += 1
        rows[report].append(row)
        for facet, value in named:
            if facet == "addressee" and value.isdigit():
                addressees[int(value)][voice] += 1
    if not everything and len(documents) > 1:
        del documents[entries[-1][0]]
    return {
        "all": everything,
        "documents": {pk: in_order(voices) for pk, voices in documents.items()},
        "rows": rows,
        "addressees": {pk: in_order(voices) for pk, voices in addressees.items()},
    }


def addressed(area, most):
    """Return the ids of those whom recommendations of an area address most often, from the tallies."""
    terms = finding.term_ids({("area", str(area))})
    addressees = dict(Term.objects.filter(facet="addressee").values_list("pk", "value"))
    rows = Tally.objects.filter(kind=Kind.RECOMMENDATIONS, term__in=terms.values(), beside__in=addressees, n__gt=0)
    ranked = rows.order_by("-n", "beside").values_list("beside", flat=True)[:most]
    return [int(addressees[term]) for term in ranked]
