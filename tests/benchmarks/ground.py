"""What every benchmark stands on: the portal set up as in production, the sample's commonest words, medians in turn.

To be imported before anything of Django. The database is that of DATABASE_URL, with a sample in it
(`manage.py make_sample`); nothing is written to it.
"""

import os
import time
from collections import Counter
from importlib.metadata import version
from platform import python_version
from statistics import median

import django

from tests.benchmarks.serving import environment

os.environ |= environment() | {"DJANGO_SETTINGS_MODULE": "portal.settings"}
django.setup()

from django.db import connection
from django.http import QueryDict

from portal import words
from portal.models import Entry, Kind
from recommendations.filters import RecommendationFilterSet
from recommendations.models import Recommendation

WORD = "数据"  # two characters, common in the sample as in real reports


def asked(query="", filterset=RecommendationFilterSet):
    """Return the FilterSet of a query, checked."""
    model = filterset._meta.model
    rows = model.objects.published() if hasattr(model.objects, "published") else model.objects.all()
    found = filterset(QueryDict(query), queryset=rows)
    assert found.is_valid(), found.errors
    return found


def values(filterset=RecommendationFilterSet, query=""):
    """Return the values of all facets of a list, the most frequent first: {facet: [word]}."""
    return {
        facet["name"]: [value.value for value in (*facet["values"], *facet["more"])]
        for facet in asked(query, filterset).facets()
    }


def total(kind=Kind.RECOMMENDATIONS):
    return Entry.objects.of_kind(kind).count()


def characters(n):
    """Return the commonest Han characters of the newest recommendations."""
    texts = Recommendation.objects.published().order_by("-pk").values_list("summary_zh", flat=True)[:2000]
    counts = Counter(char for text in texts for char in text if words.ONE_HAN.fullmatch(char))
    return [char for char, _n in counts.most_common(n)]


def versions():
    """Return what ran, in one line."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()" if connection.vendor == "sqlite" else "SHOW server_version")
        database = f"{connection.display_name} {cursor.fetchone()[0]}"
    names = ("Django", "djangorestframework", "django-filter", "gunicorn")
    return ", ".join([f"Python {python_version()}", *(f"{name} {version(name)}" for name in names), database])


def in_turn(acts, rounds, most=20.0):
    """Return {name: median seconds} of acts, {name: function}, one after the other, round after round.

    Each is called once before, so that it is warm; none is called again that has used up `most` seconds.
    """
    spent = {name: timed(act) for name, act in acts.items()}
    taken = {name: [seconds] if seconds > most else [] for name, seconds in spent.items()}
    for _ in range(rounds):
        for name, act in acts.items():
            if spent[name] < most or not taken[name]:
                taken[name].append(timed(act))
                spent[name] += taken[name][-1]
    return {name: median(seconds) for name, seconds in taken.items()}


def timed(act):
    start = time.perf_counter()
    act()
    return time.perf_counter() - start
