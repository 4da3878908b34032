"""What every test shares."""

import pytest
from django.core.cache import caches
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections

from portal import index, shelf
from reports.models import squeezed_text
from tests import indexing


@pytest.fixture(autouse=True)
def fresh_caches():
    """Throttles, texts and versions of one test are not those of the next."""
    for cache in caches.all(initialized_only=True):
        cache.clear()
    squeezed_text.cache_clear()
    index.forget()
    shelf.clear()
    indexing.written[0] = True


@pytest.fixture(scope="module")
def application():
    """The portal as a server calls it, but that a request keeps the connection, and so the transaction, of its test."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield get_wsgi_application()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def client():
    return indexing.Reader()
