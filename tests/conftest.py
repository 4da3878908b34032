"""What every test shares."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.test import Client

from portal import index
from reports.models import squeezed_text

written = [False]  # whether rows were written since the index was made


def note(sender, **kwargs):
    written[0] = written[0] or sender._meta.app_label in ("reports", "recommendations")


for signal in (post_save, post_delete, m2m_changed):
    signal.connect(note, dispatch_uid="tests.note")


@pytest.fixture(autouse=True)
def fresh_caches():
    """Throttles, texts and versions of one test are not those of the next."""
    cache.clear()
    squeezed_text.cache_clear()
    index.forget()
    written[0] = True


def reindex():
    """Make the index of what a test wrote row by row; what the portal itself writes keeps it, as test_index shows."""
    debug, connection.force_debug_cursor = connection.force_debug_cursor, False
    index.rebuild()
    index.forget()
    connection.force_debug_cursor = debug
    written[0] = False


class Reader(Client):
    """A client that finds in the index what the test has written."""

    def request(self, **request):
        if written[0]:
            reindex()
        return super().request(**request)


@pytest.fixture
def client():
    return Reader()
