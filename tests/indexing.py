"""The index of what a test wrote row by row. What the portal itself writes keeps it, as tests/test_index.py shows."""

from collections import defaultdict
from functools import wraps

from django.apps import apps
from django.core.cache import caches
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.test import Client
from django.utils import timezone

from portal import index, shelf
from portal.models import Entry, Kind

index.FRESH_FOR = 3600  # so that no request asks for the version just because the machine was slow
written = [True]  # whether rows were written since the index was made
INDEXED = {apps.get_app_config(label) for label in ("reports", "recommendations")}


def note(sender, **kwargs):
    """Note that a row was written."""
    written[0] = written[0] or sender._meta.app_config in INDEXED


def noting(method):
    """Return a method of QuerySets that writes, and notes it: signals tell nothing of these."""

    @wraps(method)
    def noted(queryset, *args, **kwargs):
        note(queryset.model)
        return method(queryset, *args, **kwargs)

    return noted


# Of these models alone: rows whose deletion somebody follows go one by one, and those of the index go at one stroke.
for model in (model for app in INDEXED for model in app.get_models(include_auto_created=True)):
    for signal in (post_save, post_delete, m2m_changed):
        signal.connect(note, sender=model, dispatch_uid=f"tests.note {model._meta.label}")
QuerySet.update, QuerySet.bulk_create = noting(QuerySet.update), noting(QuerySet.bulk_create)


def reindex():
    """Make the index of everything, unseen by a test that counts queries.

    Every object is compared with its entry. What `index.rebuild` does besides mends damage, of which there is none.
    """
    counting, connection.force_debug_cursor = connection.force_debug_cursor, False
    held = defaultdict(set)
    for kind, pk in Entry.objects.order_by().values_list("kind", "object_id"):
        held[kind].add(pk)
    ids = {kind: {*source.ids(), *held[kind]} for kind, source in index.SOURCES.items() if not source.of_report}
    with transaction.atomic():
        index.hold()
        index.write(index.Scope(ids.pop(Kind.REPORTS), ids))
        index.bump(timezone.now())
    index.forget()
    connection.force_debug_cursor = counting
    written[0] = False


def current():
    """Make the index of everything where something was written, and have its version at hand."""
    if written[0]:
        reindex()
    counting, connection.force_debug_cursor = connection.force_debug_cursor, False
    index.version()
    connection.force_debug_cursor = counting


class Reader(Client):
    """A client that finds in the index what the test has written.

    Unless it is `warm`, nothing is kept between requests: the queries that a test counts are those of a first reader.
    """

    warm = False

    def request(self, **request):
        current()
        if not self.warm:
            shelf.clear()
            caches["template_fragments"].clear()
        return super().request(**request)
