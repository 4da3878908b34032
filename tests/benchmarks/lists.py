"""How quick lists, facets, searches and answers are, each as a ratio to a yardstick of the same run.

`python -m tests.benchmarks.lists`, on a database with a sample in it (`manage.py make_sample --reports N`). Nothing is
written. Beside it stands the plain way: joins, OFFSET, `icontains`.
"""

import os
import time
from statistics import median

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
os.environ.setdefault("DEBUG", "true")
os.environ.setdefault("API_ANON_RATE", "")
django.setup()

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http import HttpResponse, QueryDict
from django.test import RequestFactory
from django.urls import path

from portal import index
from portal.models import Entry, Kind, Tally, Term
from portal.paging import Keyset
from portal.urls import urlpatterns as portal_urls
from recommendations.filters import RecommendationFilterSet
from recommendations.models import Actor, PolicyArea, Recommendation

ROUNDS = 15
WORD = "数据"
urlpatterns = [path("bare", lambda request: HttpResponse("bare")), *portal_urls]


def took(act):
    """Return the median seconds of an act, warm."""
    act()
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - start)
    return median(seconds)


def rows():
    return Recommendation.objects.published().for_list().with_units().with_references()


def asked(query):
    found = RecommendationFilterSet(QueryDict(query), queryset=rows())
    assert found.is_valid(), found.errors
    return found


def page(query, cursor=""):
    """Return the rows of one page of a list, as the site has them."""
    entries = Keyset(asked(query).ordered(), 20).page(cursor).rows
    return rows().in_bulk([entry.object_id for entry in entries])


def deep(query, share):
    """Return the cursor at a share of the depth of a list."""
    pages = Keyset(asked(query).ordered(), 20)
    place = int(asked(query).total * share)
    return pages.cursor(True, False, pages.values(pages.rows.order_by("place")[place]))


def most(facet, beside=None):
    """Return (slug, n) of the commonest area or addressee, `beside` a term where one is given; areas without parts."""
    terms = {term.pk: term.value for term in Term.objects.filter(facet=facet)}
    found = Tally.objects.filter(kind=Kind.RECOMMENDATIONS, term=beside or 0, beside__in=list(terms)).order_by("-n")
    model = {"area": PolicyArea, "addressee": Actor}[facet]
    for row in found:
        named = model.objects.get(pk=terms[row.beside])
        if facet != "area" or named.parent_id:
            return named.slug, row.beside, row.n
    raise SystemExit("There is no sample in this database.")


def answering(handler, address, **headers):
    """Return an act that answers a request through every middleware."""
    target, _, query = address.partition("?")

    def act():
        request = RequestFactory().get(target, QUERY_STRING=query, headers=headers)
        response = handler.get_response(request)
        assert response.status_code in (200, 304), (address, response.status_code)
        return response

    return act


def main():
    settings.ROOT_URLCONF, settings.ALLOWED_HOSTS = "tests.benchmarks.lists", ["*"]
    settings.PAGE_CACHE, index.FRESH_FOR = 0, 3600
    handler = WSGIHandler()
    area, term, hits = most("area")
    actor, _term, both = most("addressee", term)
    rare = f"area={area}&addressee={actor}&force=may"
    pair = f"area={area}&addressee={actor}"
    ids = list(page(pair))
    by_key = took(lambda: rows().in_bulk(ids))
    one = took(lambda: Entry.objects.filter(pk=Entry.objects.values_list("pk", flat=True)[0]).first())
    cursor = deep(pair, 0.9)
    areas = PolicyArea.objects.subtree_ids(PolicyArea.objects.filter(slug=area))
    plain = rows().filter(areas__in=areas, addressees__slug=actor).distinct().order_by("-report__date", "report__slug")
    bare = took(answering(handler, "/bare"))
    address = f"/en/recommendations/?{pair}"
    etag = answering(handler, address)()["ETag"]
    table = [
        ("first page of a two-facet list / its 20 rows by key", took(lambda: page(pair)) / by_key),
        ("the same, joins and DISTINCT / its 20 rows by key", took(lambda: list(plain[:20])) / by_key),
        ("page at 90 % depth / first page", took(lambda: page(pair, cursor)) / took(lambda: page(pair))),
        ("all facets, no filter / one row by key", took(lambda: asked("").facets()) / one),
        ("all facets, one filter / one row by key", took(lambda: asked(f"area={area}").facets()) / one),
        ("all facets, two filters / one row by key", took(lambda: asked(pair).facets()) / one),
        (
            "all facets: growth in time / growth in hits",
            took(lambda: asked(pair).facets()) / took(lambda: asked(rare).facets()) / (both / asked(rare).total),
        ),
        (f"search for {WORD} by date / its 20 rows by key", took(lambda: page(f"q={WORD}")) / by_key),
        (
            f"the same, icontains over both summaries ({WORD}) / its 20 rows by key",
            took(lambda: list(rows().filter(summary_zh__icontains=WORD).order_by("-report__date")[:20])) / by_key,
        ),
        ("API list of 20, requests / bare view", bare / took(answering(handler, f"/api/v1/recommendations/?{pair}"))),
        ("list page, requests / bare view", bare / took(answering(handler, address))),
        ("304, requests / bare view", bare / took(answering(handler, address, **{"if-none-match": etag}))),
    ]
    settings.PAGE_CACHE = 3600
    table.append(("page from the cache, requests / bare view", bare / took(answering(handler, address))))
    total = Entry.objects.filter(kind=Kind.RECOMMENDATIONS).count()
    print(f"{connection.vendor}, {total:,} recommendations, {both:,} under both facets")
    for said, ratio in table:
        print(f"{ratio:10.2f}  {said}")


if __name__ == "__main__":
    main()
