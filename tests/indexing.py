"""The index of what a test wrote row by row. What the portal itself writes keeps it, as tests/test_index.py shows."""

from functools import wraps

from django.db import connection
from django.db.models import QuerySet
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.test import Client

from portal import index, shelf

index.FRESH_FOR = 3600  # so that no request asks for the version just because the machine was slow
written = [True]  # whether rows were written since the index was made


def note(sender, **kwargs):
    """Note that a row was written."""
    written[0] = written[0] or sender._meta.app_label in ("reports", "recommendations")


def noting(method):
    """Return a method of QuerySets that writes, and notes it: signals tell nothing of these."""

    @wraps(method)
    def noted(queryset, *args, **kwargs):
        note(queryset.model)
        return method(queryset, *args, **kwargs)

    return noted


for signal in (post_save, post_delete, m2m_changed):
    signal.connect(note, dispatch_uid="tests.note")
QuerySet.update, QuerySet.bulk_create = noting(QuerySet.update), noting(QuerySet.bulk_create)


def reindex():
    """Make the index of everything, unseen by a test that counts queries."""
    counting, connection.force_debug_cursor = connection.force_debug_cursor, False
    index.rebuild()
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
        return super().request(**request)
