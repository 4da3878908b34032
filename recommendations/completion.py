"""Where somebody who has begun to write may want to go: what has such a key, name, wording or title."""

import re
from collections import Counter
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal import finding, words
from portal.filters import StrictFilterSet, TextFilter
from portal.models import Entry, Kind
from portal.text import told
from recommendations.models import Actor, PolicyArea, Position, Question, Rating, Recommendation
from reports.models import Author, Institution, Report

SUGGESTED = 8
SHORT = 5  # hits up to which a page of results also says where one may have wanted to go


class SuggestFilterSet(StrictFilterSet):
    """What a search box asks while somebody writes into it."""

    presentation = frozenset()
    q = TextFilter(label=_("Words"))

    class Meta:
        model = Report
        fields = []


@dataclass(frozen=True)
class Suggestion:
    """Something that begins as the reader has begun to write: `type` says in words what it is."""

    type: str
    text: str
    url: str


def actor_url(row):
    """An actor has no page of its own: all that names it is found by its name."""
    return f"{reverse('portal:search')}?{urlencode({'q': told(row, 'name')})}"


def own_url(row):
    return row.get_absolute_url()


SUGGESTING = {
    Kind.AREAS: (_("area"), PolicyArea.objects.all, "name", own_url),
    Kind.AUTHORS: (_("person"), Author.objects.published, "name", own_url),
    Kind.INSTITUTIONS: (_("institution"), Institution.objects.published, "name", own_url),
    Kind.ACTORS: (_("actor"), Actor.objects.published, "name", actor_url),
    Kind.QUESTIONS: (_("question"), Question.objects.published, "text", own_url),
    Kind.REPORTS: (_("report"), Report.objects.published, "title", own_url),
}
KEY = re.compile(r"(?:(?P<report>[-a-z0-9_]+)/)?(?P<key>[RPT]\d{1,6})", re.IGNORECASE | re.ASCII)
CODED = {"R": (Recommendation, _("recommendation")), "P": (Position, _("position")), "T": (Rating, _("rating"))}


def suggestions(text):
    """Return up to SUGGESTED Suggestions for what a reader has begun to write: keys, else names, questions, titles.

    The last word may be begun only. What begins so comes first, then what has it inside; kinds take turns, in the
    order of SUGGESTING. One Han character or two letters are the least.
    """
    if found := keyed(text):
        return found
    begun = words.phrases(text[: words.LONGEST])
    if not begun or not (words.ONE_HAN.search(text) or sum(char.isalnum() for char in text) > 1):
        return []
    begun[-1] = replace(begun[-1], prefix=True)
    found, start = [], words.fold(text.strip())
    for place, (kind, (label, rows, stem, url)) in enumerate(SUGGESTING.items()):
        entries = Entry.objects.of_kind(kind).filter(finding.holding(begun, kind, head=True)).order_by("place")
        ids = list(entries.values_list("object_id", flat=True)[:SUGGESTED])
        held = rows().in_bulk(ids)
        turns = Counter()
        for row in (held[pk] for pk in ids if pk in held):
            name = told(row, stem)
            inside = not words.fold(name).startswith(start)
            turns[inside] += 1
            found.append(((inside, turns[inside], place), Suggestion(str(label), name, url(row))))
    found.sort(key=lambda pair: pair[0])
    return [suggestion for _rank, suggestion in found[:SUGGESTED]]


def keyed(text, *, whole=False):
    """Return Suggestions for a key as readers quote it, cyber-relations-2021/R07 or R07; `whole`, of a report alone."""
    match = KEY.fullmatch(text.strip())
    if not match or whole and not match["report"]:
        return []
    key = match["key"].upper()
    model, label = CODED[key[0]]
    rows = model.objects.published().filter(**{"key" if whole else "key__startswith": key})
    if match["report"]:
        rows = rows.filter(report__slug=match["report"].lower())
    rows = rows.select_related("report").order_by("pk")[:SUGGESTED]
    return [
        Suggestion(str(label), f"{'/'.join(row.natural_key())} {told(row, 'summary')}", own_url(row)) for row in rows
    ]


def nearby(text, query, shown):
    """Return Suggestions beside few hits: for all that was written, else for each word of the query.

    `shown` are the addresses of the hits, which are not suggested again.
    """
    if len(shown) > SHORT:
        return []
    if found := suggestions(text):
        return [one for one in found if one.url not in shown]
    found = {}
    for term in (term for clause in query.clauses if not clause.negated for term in clause.options if not term.years):
        found |= {one: None for one in suggestions(term.text) if one.url not in shown}
        if len(found) >= SUGGESTED:
            break
    return [*found][:SUGGESTED]
